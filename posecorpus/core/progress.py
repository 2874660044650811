"""How long-running work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[str, int, int], None]
"""Told a stage's name, how much of it is done and how much there is."""


def silent(stage: str, done: int, total: int) -> None:
    """A :data:`Report` for callers that do not care."""
