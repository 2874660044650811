"""Ctrl-C, and the signal to end that schedulers send, held back until nothing is half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """Raised where the state of training is whole and can be saved."""


class Interruption:
    """Within ``with``, a first signal is noted in ``asked``; a second one acts as it always does.

    Args:
        alone: with no other processes to agree with. With others, every signal is only noted: a launcher repeats
            the one that the terminal has sent to all.
    """

    def __init__(self, alone: bool) -> None:
        self.asked = False
        self._alone, self._idle = alone, False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():  # only there signals can be caught
            self._before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        if self._alone:
            self._restore()
            if self._idle:
                raise Interrupted

    @contextmanager
    def idle(self) -> Iterator[None]:
        """While waiting for something that may be long in coming: a signal raises :class:`Interrupted` at once."""
        self._idle = self._alone
        try:
            yield
        finally:
            self._idle = False
