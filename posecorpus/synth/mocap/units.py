"""What a file's lengths mean, and what its frames a second are worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError

INCH_M = 0.0254
UNITS_M = {"m": 1.0, "cm": 0.01, "mm": 0.001, "asf": INCH_M / 0.45, "inch": INCH_M}
"""Metres in a unit. ``asf`` is what CMU's skeletons and their plain BVH conversions are in."""

DETECTABLE = ("m", "cm", "mm", "asf")
REACH_M = 2.3
"""From toe to fingertip along the bones of an adult."""
REACH_LIMITS_M = (1.0, 4.5)
FPS_LIMITS = (1.0, 1000.0)


@dataclass(frozen=True)
class Reading:
    """What a caller states about a file instead of leaving it to be found out.

    Attributes:
        units: one of :data:`UNITS_M`, or None to detect.
        fps: frames a second, or None to believe the file (and what is known of its source).
    """

    units: str | None = None
    fps: float | None = None

    def __post_init__(self) -> None:
        if self.units is not None and self.units not in UNITS_M:
            raise InputError("units", f"one of {', '.join(UNITS_M)}", repr(self.units))
        if self.fps is not None:
            check_fps("fps", self.fps)


def reach(parents: Sequence[int], lengths: NDArray[np.float64]) -> float:
    """The longest way between two leaves of a skeleton along its bones, in the file's unit.

    It does not depend on the pose, so a rig whose zero pose is no human pose measures as well.
    """
    depth = np.zeros(len(parents))
    longest = 0.0
    for j in range(len(parents) - 1, -1, -1):
        parent = parents[j]
        if parent < 0:
            continue
        arm = depth[j] + lengths[j]
        if depth[parent] > 0:
            longest = max(longest, depth[parent] + arm)
        depth[parent] = max(depth[parent], arm)
    return float(longest or depth.max(initial=0.0))


def detect_units(where: str, size: float) -> str:
    """The unit in which a :func:`reach` of ``size`` is nearest to an adult's.

    Raises:
        InputError: in no unit is it a person's.
    """
    if size > 0:
        best = min(DETECTABLE, key=lambda unit: abs(np.log(size * UNITS_M[unit] / REACH_M)))
        if REACH_LIMITS_M[0] <= size * UNITS_M[best] <= REACH_LIMITS_M[1]:
            return best
    raise InputError(
        where, "a skeleton of a person's size in m, cm, mm or ASF units", f"{size:.4g} from toe to fingertip",
        "state its units",
    )  # fmt: skip


def check_fps(where: str, fps: float) -> float:
    """``fps`` if a motion can have that many frames a second.

    Raises:
        InputError: it is no number from 1 to 1000.
    """
    if not FPS_LIMITS[0] <= fps <= FPS_LIMITS[1]:
        raise InputError(
            where, f"{FPS_LIMITS[0]:g} to {FPS_LIMITS[1]:g} frames a second", f"{fps:.6g}", "state its fps"
        )
    return fps


def fps_of_frame_time(where: str, seconds: float) -> float:
    """Frames a second of a written frame time, whose last digits are rounded (``.0083333`` is 120).

    Raises:
        InputError: the frame time is absurd.
    """
    if not 1 / FPS_LIMITS[1] <= seconds <= 1 / FPS_LIMITS[0]:
        raise InputError(where, "a frame time from 0.001 to 1 s", f"{seconds:.6g}", "state its fps")
    fps = 1 / seconds
    whole = round(fps)
    return float(whole) if abs(fps / whole - 1) < 2e-4 else fps
