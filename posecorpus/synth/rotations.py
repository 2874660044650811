"""Rotations of whole tracks at once: (..., 3, 3) matrices acting on column vectors, angles in radians."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]


def about(axis: int, angle: ArrayLike) -> Array:
    """(..., 3, 3) right-handed rotation by ``angle`` (...) about a coordinate axis (0 = X, 1 = Y, 2 = Z)."""
    angle_ = np.asarray(angle, dtype=np.float64)
    c, s = np.cos(angle_), np.sin(angle_)
    j, k = (axis + 1) % 3, (axis + 2) % 3
    result = np.zeros((*angle_.shape, 3, 3))
    result[..., axis, axis] = 1
    result[..., j, j], result[..., j, k] = c, -s
    result[..., k, j], result[..., k, k] = s, c
    return result


def to_axis_angle(matrices: ArrayLike) -> Array:
    """(..., 3) axis-angles of rotation matrices (..., 3, 3); angles in [0, pi]."""
    matrices_ = np.asarray(matrices, dtype=np.float64)
    flat = Rotation.from_matrix(matrices_.reshape(-1, 3, 3)).as_rotvec()
    return np.asarray(flat.reshape(matrices_.shape[:-1]))


def from_axis_angle(vectors: ArrayLike) -> Array:
    """(..., 3, 3) rotation matrices of axis-angles (..., 3)."""
    vectors_ = np.asarray(vectors, dtype=np.float64)
    flat = Rotation.from_rotvec(vectors_.reshape(-1, 3)).as_matrix()
    return np.asarray(flat.reshape(*vectors_.shape, 3))


def apply(matrices: Array, vectors: ArrayLike) -> Array:
    """``matrices @ vectors`` for (..., 3, 3) and (..., 3), broadcast."""
    return np.asarray(np.einsum("...ij,...j->...i", matrices, np.asarray(vectors, dtype=np.float64)))


def unit(vectors: ArrayLike) -> Array:
    """Vectors (..., 3) scaled to length 1; a zero vector stays zero."""
    vectors_ = np.asarray(vectors, dtype=np.float64)
    length = np.linalg.norm(vectors_, axis=-1, keepdims=True)
    return np.asarray(vectors_ / np.where(length > 0, length, 1.0))


def bone_frame(along: ArrayLike, hinge: ArrayLike) -> Array:
    """(..., 3, 3) orthonormal frame of a bone: columns hinge axis, bone direction, their cross product.

    ``hinge`` (..., 3) is made perpendicular to ``along`` (..., 3); the two must not be parallel.
    """
    direction = unit(along)
    hinge_ = np.asarray(hinge, dtype=np.float64)
    across = unit(hinge_ - np.sum(hinge_ * direction, -1, keepdims=True) * direction)
    across, direction = np.broadcast_arrays(across, direction)
    return np.stack([across, direction, np.cross(across, direction)], axis=-1)


def forward_kinematics(
    local: Array, joints: ArrayLike, parents: tuple[int, ...], root: ArrayLike
) -> tuple[Array, Array]:
    """World rotations (T, J, 3, 3) and positions (T, J, 3) of a tree of joints.

    Args:
        local: (T, J, 3, 3) rotation of each joint in its parent's frame.
        joints: (J, 3) rest positions, parents before children.
        parents: -1 for the root.
        root: (T, 3) world position of the root joint.
    """
    joints_ = np.asarray(joints, dtype=np.float64)
    turn = np.empty_like(local)
    place = np.empty(local.shape[:-1])
    for j, parent in enumerate(parents):
        if parent < 0:
            turn[:, j], place[:, j] = local[:, j], np.asarray(root, dtype=np.float64)
            continue
        turn[:, j] = turn[:, parent] @ local[:, j]
        place[:, j] = place[:, parent] + apply(turn[:, parent], joints_[j] - joints_[parent])
    return turn, place
