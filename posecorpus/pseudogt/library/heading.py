"""Where a pose faces, and its mirror image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import FULL_42, TORSO

_TORSO = FULL_42.indices(*TORSO)
_LEFT, _RIGHT = FULL_42.indices("l_hip", "l_shoulder"), FULL_42.indices("r_hip", "r_shoulder")


def torso_centred(landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """Landmarks (..., 42, 3) relative to the mean of shoulders and hips."""
    points = np.asarray(landmarks, np.float64)
    return np.asarray(points - points[..., _TORSO, :].mean(-2, keepdims=True))


def headings(poses: NDArray[np.floating]) -> NDArray[np.float64]:
    """(...,) radians about +Y by which poses (..., 42, 3) are turned from facing +Z.

    The way from the right hip and shoulder to the left ones tells, seen from above; it is at right
    angles to where the person faces, standing, sitting or upside down.
    """
    across = (poses[..., _LEFT, :] - poses[..., _RIGHT, :]).sum(-2, dtype=np.float64)
    return np.asarray(np.arctan2(-across[..., 2], across[..., 0]))


def turned(poses: NDArray[np.floating], angles: NDArray[np.floating]) -> NDArray[np.float64]:
    """Poses (..., 42, 3) turned about +Y by angles (...,) in radians."""
    c, s = np.cos(angles)[..., None], np.sin(angles)[..., None]
    x, y, z = (np.asarray(poses[..., i], np.float64) for i in range(3))
    return np.stack([c * x + s * z, y, c * z - s * x], -1)


def facing_forward(poses: NDArray[np.floating]) -> NDArray[np.float64]:
    """Poses (..., 42, 3) turned about +Y so that they face +Z: equal for poses that differ by a turn."""
    return turned(poses, -headings(poses))


def mirrored(poses: NDArray[np.floating]) -> NDArray[np.floating]:
    """Poses (..., 42, 3) seen in a mirror (X negated), left and right exchanged."""
    return np.asarray(poses[..., FULL_42.mirror, :] * np.array([-1, 1, 1], poses.dtype))
