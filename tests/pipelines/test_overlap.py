"""Threads before and after a network: the same items in the same order, never too many of them, errors at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from posecorpus.pipelines.prediction.overlap import ahead, behind


@pytest.mark.parametrize("items", [0, 1, 2, 3, 20])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_everything_comes_in_order(items: int, count: int) -> None:
    assert list(ahead(range(items), count)) == list(range(items))
    assert list(behind(lambda n: n * n, range(items), count)) == [n * n for n in range(items)]


def test_no_more_are_taken_than_asked_for() -> None:
    taken = 0

    def source() -> Iterator[int]:
        nonlocal taken
        while taken < 99:
            taken += 1
            yield taken

    for item in ahead(source(), 3):
        assert taken <= item + 3


def test_work_waits_for_no_later_item_but_is_bounded() -> None:
    """An item that is slow holds back those after it, and no more than ``threads`` are under way."""
    under_way, most, gate = 0, 0, threading.Event()
    lock = threading.Lock()

    def work(n: int) -> int:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        if n == 0:
            assert gate.wait(30)
        elif n == 1:
            gate.set()  # only done if the second is worked on while the first is
        with lock:
            under_way -= 1
        return n

    assert list(behind(work, range(12), 2)) == list(range(12))
    assert most == 2


def test_errors_come_out_where_they_happened() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("source")

    items = ahead(broken(), 4)
    assert next(items) == 1
    with pytest.raises(ValueError, match="source"):
        next(items)
    with pytest.raises(ZeroDivisionError):
        list(behind(lambda n: 1 // n, [2, 1, 0, 1], 2))


def test_who_stops_early_leaves_no_thread() -> None:
    before = threading.active_count()
    for stopped in (ahead(iter(range(100)), 3), behind(lambda n: n, iter(range(100)), 3)):
        next(stopped)
        stopped.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
