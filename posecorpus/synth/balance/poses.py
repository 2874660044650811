"""3D poses as points that can be compared: centred, of one size, facing one way, on a grid.

*Facing.* A rendered person is turned about the vertical by a random angle, and the camera of a corpus may
be anywhere around its people, so the turn about the vertical says nothing about a pose. It is taken out:
of the rotation of the trunk its twist about the vertical (swing-twist decomposition). What a person
does with the vertical stays: lying, bending and standing on the hands are different poses. The twist of a
trunk exactly upside down is not defined; near that, neighbours may be found farther than they are.

*Size.* Reference people have shapes of their own, so poses are scaled to one length of limbs.

*Grid.* Coordinates are whole numbers of :data:`GRID_MM`. Squared distances are then whole numbers that
float32 holds exactly, in whatever order they are summed: neighbours are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import LCR_13, TORSO, Skeleton, correspondence, opposite

GRID_MM = 2.0
REACH_M = 1.3
"""No coordinate of a real pose is farther from the trunk's centre."""

COMPARED = LCR_13.joints
"""What poses are compared by: LCR-Net's joints, one for each end of each limb. More joints of the trunk or
face would count the same motion many times."""

_LIMBS = tuple(
    (f"{side}_{start}", f"{side}_{end}")
    for side in "lr"
    for start, end in (
        ("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"), ("shoulder", "hip"),
    )
)  # fmt: skip

Poses = NDArray[np.int16]
"""(N, J, 3) comparable poses, units of :data:`GRID_MM`."""


def shared_joints(skeletons: Iterable[Skeleton]) -> tuple[str, ...]:
    """The joints of :data:`COMPARED` that all skeletons have by landmark.

    Raises:
        InputError: shoulders or hips are not among them.
    """
    shapes = list(skeletons)
    found = [correspondence(shape, LCR_13) >= 0 for shape in shapes]
    shared = tuple(name for j, name in enumerate(COMPARED) if all(known[j] for known in found))
    lacking = [name for name in TORSO if name not in shared]
    if lacking:
        names = ", ".join(shape.name for shape in shapes)
        raise InputError("poses to compare", "skeletons with shoulders and hips", f"{names}: no {lacking[0]}")
    return shared


def limb_length(joints: NDArray[np.floating], names: Sequence[str]) -> NDArray[np.float64]:
    """(N,) summed lengths, metres, of the limbs and sides of the trunk that the named joints (N, J, 3) span."""
    at = list(names)
    spanned = [(at.index(a), at.index(b)) for a, b in _LIMBS if a in at and b in at]
    starts, ends = (np.asarray(joints[:, [bone[i] for bone in spanned]], np.float64) for i in (0, 1))
    return np.asarray(np.linalg.norm(ends - starts, axis=-1).sum(-1))


def comparable(joints: NDArray[np.floating], names: Sequence[str], length_m: float) -> Poses:
    """Poses as comparable points; see the module's text.

    Args:
        joints: (N, J, 3) metres in a world whose Y points up, finite.
        names: of the J joints; shoulders and hips are among them.
        length_m: :func:`limb_length` that all are scaled to.
    """
    at, points = list(names), np.asarray(joints, np.float64)
    l_shoulder, r_shoulder, l_hip, r_hip = (points[:, at.index(name)] for name in TORSO)
    length = limb_length(points, names)
    scale = 1000.0 * length_m / np.where(length > 0, length, 1.0) / GRID_MM
    centred = (points - (l_shoulder + r_shoulder + l_hip + r_hip)[:, None] / 4) * scale[:, None, None]
    turn = twist(l_shoulder + l_hip - r_shoulder - r_hip, l_shoulder + r_shoulder - l_hip - r_hip)
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x, y, z = np.moveaxis(centred, -1, 0)
    turned = np.stack([cos * x - sin * z, y, sin * x + cos * z], -1)
    limit = 1000.0 * REACH_M / GRID_MM
    return np.asarray(np.rint(np.clip(turned, -limit, limit)), np.int16)


def twist(left: NDArray[np.floating], up: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N,) angle about the vertical by which trunks are turned, radians; 0 faces +Z.

    Args:
        left: (N, 3) from the right side of the trunk to the left.
        up: (N, 3) from the hips to the shoulders; need not be perpendicular.
    """
    across = _unit(np.asarray(left, np.float64))
    along = np.asarray(up, np.float64)
    along = _unit(along - (along * across).sum(-1, keepdims=True) * across)
    ahead = np.cross(across, along)
    # The rotation has columns (across, along, ahead); its quaternion's y and w give the twist.
    return np.asarray(np.arctan2(ahead[:, 0] - across[:, 2], across[:, 0] + ahead[:, 2]))


def mirrored(poses: Poses, names: Sequence[str]) -> Poses:
    """The poses as a mirror shows them."""
    at = list(names)
    swap = [at.index(opposite(name)) for name in names]
    return np.asarray(poses[:, swap] * np.array([-1, 1, 1], np.int16))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    norm = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(norm > 0, norm, 1.0)
