"""Measures of the reference body (open, neutral, betas 0) that the built-in motions are laid out for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import SMPL_24

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Reference:
    """Rest pose and sole of a body.

    Attributes:
        joints: (24, 3) rest positions, metres.
        sole: y of the lowest point of the rest pose.
        heel, ball: (3,) points of the sole that the foot rolls over, relative to the ankle.
    """

    joints: Array
    sole: float
    heel: Array
    ball: Array
    names: tuple[str, ...] = SMPL_24.joints

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
    def ankle(self) -> Array:
        """(3,) of the left ankle relative to the pelvis."""
        return self.side("ankle", 1)

    @property
    def ankle_height(self) -> float:
        """Of the ankle over the sole."""
        return float(self.joints[SMPL_24.index("l_ankle"), 1] - self.sole)

    @property
    def standing_height(self) -> float:
        """Of the pelvis joint over the sole with straight legs."""
        return float(self.joints[0, 1] - self.sole)


_JOINTS = """
0 0.0001 0  .112 -.0153 -.0083  -.112 -.0153 -.0083  0 .1492 -.0245  .1219 -.3944 -.0083  -.1219 -.3944 -.0083
0 .2314 -.0259  .1333 -.8285 -.0084  -.1333 -.8285 -.0084  0 .3576 -.0363  .1427 -.8785 .1322  -.1427 -.8785 .1322
0 .5411 .0008  .0638 .48 .0161  -.0638 .48 .0161  0 .6383 .0343  .177 .4658 .0113  -.177 .4658 .0113
.4352 .4656 .0113  -.4352 .4656 .0113  .6663 .4657 .0113  -.6663 .4657 .0113  .7671 .4656 .0113  -.7671 .4656 .0113
"""


@cache
def reference() -> Reference:
    """Measures of the open neutral body."""
    joints = np.array(_JOINTS.split(), dtype=np.float64).reshape(24, 3)
    sole = -0.9052
    drop = sole - joints[SMPL_24.index("l_ankle"), 1]
    return Reference(joints, sole, np.array([0.0, drop, -0.05]), np.array([0.0, drop, 0.13]))
