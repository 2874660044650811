"""Each test trains as if its process had just begun."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import torch
from accelerate.state import AcceleratorState


@pytest.fixture(autouse=True)
def _fresh_accelerate(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """``accelerate`` keeps one device and one precision in a process; the predicates here are those of a CPU.

    Of one thread, as the processes that tests start: how many there are decides the last bits of sums.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)
    torch.set_num_threads(threads)


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    """Waits for something, and fails when it does not come."""

    def wait(come: Callable[[], bool]) -> None:
        for _ in range(1200):
            if come():
                return
            time.sleep(0.1)
        raise AssertionError("waited for two minutes")

    return wait
