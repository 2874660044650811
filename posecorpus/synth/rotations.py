"""Rotations of whole tracks at once: (..., 3, 3) matrices acting on column vectors, angles in radians."""

from __future__ import annotations

import numpy as np
from numba import njit
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


def turned_about_y(vectors: ArrayLike, angle: float) -> Array:
    """Axis-angles (N, 3) followed by a turn about +Y; the result's angles lie in [0, pi].

    By quaternions, compiled: for the one or two frames of a still it takes a thirtieth of the time of
    general rotation objects.
    """
    return _turned_about_y(np.ascontiguousarray(vectors, dtype=np.float64), angle)


@njit(cache=True, error_model="numpy")
def _turned_about_y(vectors: Array, angle: float) -> Array:
    out = np.empty_like(vectors)
    c, s = np.cos(angle / 2), np.sin(angle / 2)
    for n in range(len(vectors)):
        x, y, z = vectors[n, 0], vectors[n, 1], vectors[n, 2]
        size = np.sqrt(x * x + y * y + z * z)
        scale = np.sin(size / 2) / size if size > 0 else 0.5
        w, x, y, z = np.cos(size / 2), scale * x, scale * y, scale * z
        w, x, y, z = c * w - s * y, c * x + s * z, c * y + s * w, c * z - s * x
        sign = -1.0 if w < 0 else 1.0
        length = np.sqrt(x * x + y * y + z * z)
        # For tiny turns the ratio tends to 2.
        ratio = 2 * np.arctan2(length, sign * w) / length if length > 1e-12 else 2.0
        out[n, 0], out[n, 1], out[n, 2] = sign * ratio * x, sign * ratio * y, sign * ratio * z
    return out


def apply(matrices: Array, vectors: ArrayLike) -> Array:
    """``matrices @ vectors`` for (..., 3, 3) and (..., 3), broadcast."""
    return np.asarray(np.einsum("...ij,...j->...i", matrices, np.asarray(vectors, dtype=np.float64)))


def unit(vectors: ArrayLike) -> Array:
    """Vectors (..., 3) scaled to length 1; a zero vector stays zero."""
    vectors_ = np.asarray(vectors, dtype=np.float64)
    length = np.linalg.norm(vectors_, axis=-1, keepdims=True)
    return np.asarray(vectors_ / np.where(length > 0, length, 1.0))


def shortest(start: ArrayLike, end: ArrayLike) -> Array:
    """(..., 3, 3) the smallest rotation that takes unit vectors (..., 3) to others (..., 3).

    For opposite vectors it is a half turn about some axis perpendicular to them.
    """
    a, b = np.broadcast_arrays(np.asarray(start, np.float64), np.asarray(end, np.float64))
    axis, cosine = np.cross(a, b), np.sum(a * b, -1)
    spare = np.cross(a, np.where(np.abs(a[..., :1]) < 0.6, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]))
    x, y, z = np.moveaxis(axis, -1, 0)
    zero = np.zeros_like(x)
    skew = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*x.shape, 3, 3)
    opposite = cosine < -1.0 + 1e-9
    factor = 1.0 / np.where(opposite, 1.0, 1.0 + cosine)
    turn = np.eye(3) + skew + factor[..., None, None] * (skew @ skew)
    half = unit(spare)
    flip = 2.0 * half[..., :, None] * half[..., None, :] - np.eye(3)
    return np.asarray(np.where(opposite[..., None, None], flip, turn))


def between(start: Array, end: Array, share: ArrayLike) -> Array:
    """(..., 3, 3) the rotation that has gone ``share`` of the shortest way from one to the other."""
    step = to_axis_angle(start.swapaxes(-1, -2) @ end)
    return start @ from_axis_angle(np.asarray(share, dtype=np.float64)[..., None] * step)


def twist_angle(rotation: Array, axis: ArrayLike) -> Array:
    """(...) angle in (-pi, pi] by which rotations (..., 3, 3) turn about a unit axis (3,) once their swing of
    that axis is taken away."""
    axis_ = np.asarray(axis, dtype=np.float64)
    trace = np.trace(rotation, axis1=-2, axis2=-1)
    skew = np.stack(
        [
            rotation[..., 2, 1] - rotation[..., 1, 2],
            rotation[..., 0, 2] - rotation[..., 2, 0],
            rotation[..., 1, 0] - rotation[..., 0, 1],
        ],
        -1,
    )
    # Of the quaternion (w, v) both parts times 4 w: tan(angle / 2) = (v . axis) / w.
    return np.asarray(2.0 * np.arctan2(skew @ axis_, 1.0 + trace))


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
