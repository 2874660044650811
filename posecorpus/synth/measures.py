"""Lengths and soles of a body: what motions are laid out and put on the floor with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.bodies.model import BodyModel, load_body

Array = NDArray[np.float64]
SOLE_THICKNESS_M = 0.012
"""A vertex of the foot this near to the lowest one belongs to the sole."""
_INSET_M = 0.01
FEET_HEIGHT_M = 0.3
"""What lies higher in the template is in no shape the lowest point of a standing body."""


@dataclass(frozen=True, eq=False)
class Measures:
    """Rest pose and soles of a body.

    Attributes:
        joints: (24, 3) rest positions, metres.
        sole: y of the lowest point of the rest pose.
        heel, ball, toe: (3,) points in the middle of the left foot's sole, relative to the left ankle; the
            right foot's have x negated. The toe moves with the joint ``l_foot``, the others with the ankle.
    """

    joints: Array
    sole: float
    heel: Array
    ball: Array
    toe: Array

    def side(self, joint: str, sign: float) -> Array:
        """(3,) rest position relative to the pelvis of the left (+1) or right (-1) joint."""
        index = SMPL_24.index(("l_" if sign > 0 else "r_") + joint)
        return np.asarray(self.joints[index] - self.joints[0])

    def bone(self, start: str, end: str, sign: float) -> Array:
        """(3,) rest vector between two joints of a side."""
        return self.side(end, sign) - self.side(start, sign)

    @property
    def thigh(self) -> float:
        """Length, metres."""
        return float(np.linalg.norm(self.bone("hip", "knee", 1)))

    @property
    def shin(self) -> float:
        """Length, metres."""
        return float(np.linalg.norm(self.bone("knee", "ankle", 1)))

    @property
    def ankle_height(self) -> float:
        """Of the left ankle over the sole."""
        return float(self.joints[SMPL_24.index("l_ankle"), 1] - self.sole)

    @property
    def standing_height(self) -> float:
        """Of the pelvis joint over the sole with straight legs."""
        return float(self.joints[0, 1] - self.sole)


def measure(body: BodyModel, betas: ArrayLike | None = None) -> Measures:
    """Measures of a body of a given shape.

    Args:
        body: any body.
        betas: (B,) shape, B at most the body's; None for the template.
    """
    shape = np.zeros(0) if betas is None else np.asarray(betas, dtype=np.float64)
    feet, directions = _feet(body)
    joints = body.joints_template
    if len(shape):
        joints = joints + body.joints_shapedirs[..., : len(shape)] @ shape
    places, sole = _soles(feet, directions, shape, float(joints[0, 0]))
    ankle = joints[SMPL_24.index("l_ankle")]
    x, z = np.sort(places[0]) - ankle[0], places[1] - ankle[2]
    drop = sole - ankle[1]
    middle = float(x[(len(x) - 1) // 2] + x[len(x) // 2]) / 2
    ball_z = float(joints[SMPL_24.index("l_foot"), 2] - ankle[2])
    heel, ball, toe = (np.array([middle, drop, at]) for at in (z.min() + _INSET_M, ball_z, z.max()))
    return Measures(joints, sole, heel, ball, toe)


@lru_cache(maxsize=16)
def _feet(body: BodyModel) -> tuple[Array, Array]:
    """Template vertices (3, F) of the lowest part of a body and their shape directions (3, B, F)."""
    low = body.v_template[:, 1] < body.v_template[:, 1].min() + FEET_HEIGHT_M
    feet, directions = (
        np.ascontiguousarray(np.moveaxis(array[low].astype(np.float64), 0, -1))
        for array in (body.v_template, body.shapedirs)
    )
    return feet, directions


@njit(cache=True)
def _soles(feet: Array, directions: Array, shape: Array, middle_x: float) -> tuple[Array, float]:
    """(2, S) x and z of the vertices of the left sole, and the height of the lowest one."""
    heights = feet[1].copy()
    for b in range(len(shape)):
        heights += shape[b] * directions[1, b]
    sole = heights.min()
    out = np.empty((2, len(heights)))
    count = 0
    for v in np.flatnonzero(heights < sole + SOLE_THICKNESS_M):
        x, z = feet[0, v], feet[2, v]
        for b in range(len(shape)):
            x += shape[b] * directions[0, b, v]
            z += shape[b] * directions[2, b, v]
        if x > middle_x:
            out[0, count], out[1, count] = x, z
            count += 1
    return out[:, :count], sole


@cache
def reference() -> Measures:
    """Measures of the reference body: open, neutral, betas 0."""
    return measure(load_body("open", "neutral"))
