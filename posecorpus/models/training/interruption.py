"""Ctrl-C, and the signal to end that schedulers send, held back until nothing is half done."""

from __future__ import annotations

import os
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
        self.asked, self._owner = False, os.getpid()
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
        if os.getpid() != self._owner:
            # A process forked since then, to make batches: Ctrl-C goes to all, but the one that trains decides.
            if number == signal.SIGTERM:
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
            return
        self.asked = True
        if self._alone:
            self._restore()
            self._leave_if_idle()

    def _leave_if_idle(self) -> None:
        if self._idle and self.asked:
            raise Interrupted

    @contextmanager
    def idle(self) -> Iterator[None]:
        """While waiting for something that may be long in coming: a signal raises :class:`Interrupted` at once.

        So does one that came before. With other processes, which would wait for this one in vain, neither does.
        """
        self._idle = self._alone
        try:
            self._leave_if_idle()
            yield
        finally:
            self._idle = False
