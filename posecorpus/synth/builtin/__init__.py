"""Motions made by code alone, so that a corpus needs no capture data.

``builtin_motion("walk", rng)`` draws one clip: its speed, amplitude, height, side and phase come from the
generator, so no two clips are alike. All are at 30 frames a second on the reference body's floor, y = 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.seeds import generator
from posecorpus.synth.builtin.exercises import EXERCISES
from posecorpus.synth.builtin.gait import times
from posecorpus.synth.builtin.gestures import GESTURES
from posecorpus.synth.builtin.locomotion import LOCOMOTION
from posecorpus.synth.builtin.puppet import FPS, Script, perform
from posecorpus.synth.motion import BodyMotion

_MAKERS: dict[str, Callable[[NDArray[np.float64], np.random.Generator], Script]] = {
    **LOCOMOTION,
    **EXERCISES,
    **GESTURES,
}
KINDS: tuple[str, ...] = tuple(_MAKERS)
"""Every kind of built-in motion."""


def builtin_motion(kind: str, rng: np.random.Generator, seconds: float | None = None) -> BodyMotion:
    """One clip of a kind, 30 frames a second.

    Args:
        kind: one of :data:`KINDS`.
        rng: draws every parameter of the motion.
        seconds: length; None draws 3 to 6 s.

    Raises:
        InputError: unknown kind, or a length that is not within 0.1 s to an hour.
    """
    if kind not in _MAKERS:
        raise InputError("built-in motion", f"one of {', '.join(KINDS)}", repr(kind))
    if seconds is None:
        seconds = float(rng.uniform(3.0, 6.0))
    if not 0.1 <= seconds <= 3600.0:
        raise InputError("built-in motion", "a length of 0.1 to 3600 seconds", seconds)
    script = _MAKERS[kind](times(seconds), rng)
    poses, translations = perform(script)
    return BodyMotion(f"builtin/{kind}", "builtin", f"builtin_{kind}", FPS, poses, translations)


def builtin_clip(index: int, seed: int, seconds: float | None = None) -> BodyMotion:
    """The ``index``-th of the clips that cycle over :data:`KINDS`; it depends on the arguments alone.

    Args:
        seconds: length; None draws 3 to 6 s.
    """
    kind = KINDS[index % len(KINDS)]
    motion = builtin_motion(kind, generator(seed, "builtin", index), seconds)
    return replace(motion, name=f"builtin/{kind}_{index:04d}")


def builtin_clips(seed: int, count: int, seconds: float | None = None) -> list[BodyMotion]:
    """The first ``count`` clips of :func:`builtin_clip`."""
    return [builtin_clip(index, seed, seconds) for index in range(count)]


__all__ = ["KINDS", "builtin_clip", "builtin_clips", "builtin_motion"]
