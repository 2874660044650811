"""Forward kinematics over whole clips: one joint at a time, all frames at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
AXES = {"X": 0, "Y": 1, "Z": 2}


@dataclass(frozen=True)
class LocalRotation:
    """How one joint turns relative to its parent: ``frame @ turns[0] @ turns[1] ... @ frame.T``.

    Attributes:
        turns: (axis 0-2, (T,) angles in radians) in the order in which the matrices are multiplied.
        frame: (3, 3) axes about which the joint turns, or None for the parent's own.
    """

    turns: tuple[tuple[int, Array], ...]
    frame: Array | None = None


def turn(rotation: Array, axis: int, angle: Array | float) -> Array:
    """``rotation @ R_axis(angle)`` for rotations (..., 3, 3) and angles (...), radians."""
    a, b = (axis + 1) % 3, (axis + 2) % 3
    cos, sin = np.cos(angle)[..., None], np.sin(angle)[..., None]
    result = rotation.copy()
    result[..., a] = cos * rotation[..., a] + sin * rotation[..., b]
    result[..., b] = cos * rotation[..., b] - sin * rotation[..., a]
    return result


def euler_matrix(order: str, degrees: Sequence[float]) -> Array:
    """(3, 3) rotation about fixed axes in the given order: ``XYZ`` means ``Rz @ Ry @ Rx``."""
    result = np.eye(3)
    for axis, angle in reversed(list(zip(order.upper(), degrees, strict=True))):
        result = turn(result, AXES[axis], np.radians(angle))
    return result


def forward(
    parents: Sequence[int], offsets: Sequence[Array], local: Sequence[LocalRotation | None]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """World positions and rotations of every joint.

    Args:
        parents: (J,) parents come before their children; -1 for the root.
        offsets: (J,) each joint relative to its parent, metres, (3,) or for every frame (T, 3); the root's
            must be (T, 3).
        local: (J,) each joint's turning; None for a joint that only follows its parent.

    Returns:
        (T, J, 3) float32 positions, metres, and (T, J, 3, 3) float32 rotations, zero pose to world.
    """
    frames = len(offsets[0])
    positions = np.empty((frames, len(parents), 3), dtype=np.float32)
    rotations = np.empty((frames, len(parents), 3, 3), dtype=np.float32)
    world: list[tuple[Array, Array]] = []
    for j, parent in enumerate(parents):
        if parent < 0:
            place, rotation = offsets[j], np.broadcast_to(np.eye(3), (frames, 3, 3))
        else:
            above, rotation = world[parent]
            place = above + (rotation @ offsets[j][..., None])[..., 0]
        rotation = _apply(rotation, local[j])
        world.append((place, rotation))
        positions[:, j], rotations[:, j] = place, rotation
    return positions, rotations


def rest_positions(parents: Sequence[int], offsets: Array) -> Array:
    """(J, 3) joints in the zero pose from their offsets (J, 3); parents come before their children."""
    rest = offsets.copy()
    for j, parent in enumerate(parents):
        if parent >= 0:
            rest[j] += rest[parent]
    return rest


def _apply(rotation: Array, local: LocalRotation | None) -> Array:
    if local is None or not local.turns:
        return rotation
    if local.frame is not None:
        rotation = rotation @ local.frame
    for axis, angle in local.turns:
        rotation = turn(rotation, axis, angle)
    return rotation if local.frame is None else rotation @ local.frame.T
