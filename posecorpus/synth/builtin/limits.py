"""How far human joints go, and how far those of a motion go.

Ranges of motion of healthy adults after the American Academy of Orthopaedic Surgeons (*Joint Motion: Method of
Measuring and Recording*) and Kapandji's *Physiology of the Joints*, in degrees, rounded outwards for active
movement at speed. The spine's total is shared by three joints.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from posecorpus.core.skeletons import SMPL_24

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Limit:
    """Ranges of one joint's rotation, split as turns about X, then Z, then Y of the rest pose.

    Attributes:
        x, z, y: (low, high) degrees for the LEFT side: x forward bend (+) of trunk and knee; z towards the left;
            y turn to the left. The right side is the mirror image: z and y change their signs.
    """

    x: tuple[float, float]
    z: tuple[float, float]
    y: tuple[float, float]


LIMITS: dict[str, Limit] = {
    "hip": Limit((-130, 38), (-35, 60), (-50, 50)),  # flexion brings the thigh forwards: negative about X
    "knee": Limit((-5, 160), (-12, 12), (-15, 15)),
    "ankle": Limit((-48, 62), (-35, 35), (-35, 35)),  # positive about X points the toes
    "foot": Limit((-75, 30), (-5, 5), (-5, 5)),
    "spine1": Limit((-15, 30), (-15, 15), (-15, 15)),
    "spine2": Limit((-15, 35), (-15, 15), (-18, 18)),
    "spine3": Limit((-15, 35), (-15, 15), (-18, 18)),
    "neck": Limit((-35, 35), (-25, 25), (-45, 45)),
    "head": Limit((-35, 35), (-25, 25), (-45, 45)),
    "collar": Limit((-25, 25), (-15, 50), (-30, 25)),
    "wrist": Limit((-90, 90), (-85, 85), (-40, 40)),
}
"""By joint without its side. The shoulder is a ball, see :func:`arm_direction_excess`."""
ELBOW_DEG = (-5.0, 155.0)
SHOULDER_BACK_DEG = 65.0
"""How far behind the chest's plane the upper arm gets."""
SHOULDER_ACROSS_DEG = 55.0
"""How far across the chest the upper arm gets."""


def excess(poses: NDArray[np.float32]) -> dict[str, float]:
    """Degrees by which each joint of a motion (T, 24, 3) goes beyond its range at worst, 0 within it."""
    result = {}
    for name in SMPL_24.joints[1:]:
        side, part = (name[0], name[2:]) if name[1] == "_" else ("", name)
        turn = Rotation.from_rotvec(poses[:, SMPL_24.index(name)].astype(np.float64))
        sign = -1.0 if side == "r" else 1.0
        if part == "elbow":
            result[name] = _outside(_elbow(turn, sign), ELBOW_DEG)
        elif part == "shoulder":
            result[name] = arm_direction_excess(poses, side)
        elif part in LIMITS:
            limit = LIMITS[part]
            x, z, y = turn.as_euler("XZY", degrees=True).T
            result[name] = max(_outside(x, limit.x), _outside(sign * z, limit.z), _outside(sign * y, limit.y))
    return result


def _outside(values: Array, span: tuple[float, float]) -> float:
    return float(max(span[0] - values.min(), values.max() - span[1], 0.0))


def _elbow(turn: Rotation, sign: float) -> Array:
    """(T,) flexion in degrees; the roll of the forearm does not count."""
    along = turn.apply([sign, 0.0, 0.0])
    return np.asarray(np.degrees(np.arctan2(along[:, 2], sign * along[:, 0])))


def arm_direction_excess(poses: NDArray[np.float32], side: str) -> float:
    """Degrees by which an upper arm goes too far behind or across the chest."""
    chain = [SMPL_24.index(f"{side}_{joint}") for joint in ("collar", "shoulder")]
    first, second = (Rotation.from_rotvec(poses[:, j].astype(np.float64)) for j in chain)
    sign = -1.0 if side == "r" else 1.0
    along = (first * second).apply([sign, 0.0, 0.0])
    back = np.degrees(np.arcsin(np.clip(-along[:, 2], -1.0, 1.0)))
    across = np.degrees(np.arcsin(np.clip(-sign * along[:, 0], -1.0, 1.0)))
    return max(_outside(back, (-180.0, SHOULDER_BACK_DEG)), _outside(across, (-180.0, SHOULDER_ACROSS_DEG)))
