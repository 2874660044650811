"""What twelve limb joints say about a pose: facing, joint angles, a normal form and its embedding.

All functions are vectorised over people; a person who lacks a joint that is needed gives NaN.
Joints are those of :data:`posecorpus.inspect.report.columns.LIMB_JOINTS`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.inspect.report.columns import LIMB_JOINTS

Array = NDArray[np.float64]


def joint(limbs: Array, name: str) -> Array:
    """(P, D) one joint of (P, 12, D)."""
    return np.asarray(limbs[:, LIMB_JOINTS.index(name)])


def unit(vectors: Array) -> Array:
    """Vectors of length one; a zero vector becomes NaN."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, np.nan))


def torso(limbs: Array) -> tuple[Array, Array, Array]:
    """Middle of the hips, middle of the shoulders, and the unit vector to the person's left, each (P, D)."""
    hips = (joint(limbs, "l_hip") + joint(limbs, "r_hip")) / 2
    shoulders = (joint(limbs, "l_shoulder") + joint(limbs, "r_shoulder")) / 2
    across = (
        joint(limbs, "l_hip")
        - joint(limbs, "r_hip")
        + joint(limbs, "l_shoulder")
        - joint(limbs, "r_shoulder")
    )
    return hips, shoulders, unit(across)


def facing_degrees(limbs3d: Array) -> Array:
    """(P,) where the chest points, seen from above: 0 towards the camera, 90 to the image's right.

    Args:
        limbs3d: (P, 12, 3) in the camera frame.
    """
    hips, shoulders, left = torso(limbs3d)
    chest = np.cross(left, shoulders - hips)
    return np.asarray(np.degrees(np.arctan2(chest[:, 0], -chest[:, 2])) % 360)


def angle_degrees(a: Array, b: Array) -> Array:
    """(P,) angle between two vectors."""
    return np.asarray(np.degrees(np.arccos(np.clip((unit(a) * unit(b)).sum(-1), -1, 1))))


def joint_angles(limbs3d: Array) -> dict[str, dict[str, Array]]:
    """Angles in degrees by joint and side: 0 is a straight limb, or a limb along the hanging torso.

    ``elbow`` and ``knee`` bend from straight; ``shoulder`` and ``hip`` lift the upper arm and the thigh away
    from the torso's downward line, whichever way.
    """
    hips, shoulders, _ = torso(limbs3d)
    down = hips - shoulders
    result: dict[str, dict[str, Array]] = {"shoulder": {}, "elbow": {}, "hip": {}, "knee": {}}
    for side in "lr":
        at = {
            name: joint(limbs3d, f"{side}_{name}")
            for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
        }
        arm, thigh = at["elbow"] - at["shoulder"], at["knee"] - at["hip"]
        result["shoulder"][side] = angle_degrees(arm, down)
        result["elbow"][side] = angle_degrees(arm, at["wrist"] - at["elbow"])
        result["hip"][side] = angle_degrees(thigh, down)
        result["knee"][side] = angle_degrees(thigh, at["ankle"] - at["knee"])
    return result


def normal_form(limbs: Array) -> Array:
    """(P, 12 D) poses moved to the middle of the hips and scaled to a torso of length one.

    In 3D they are turned as well, so that the torso is upright and faces the same way: what is left is
    the pose of the limbs. In 2D only position and size are taken out.
    """
    hips, shoulders, left = torso(limbs)
    length = np.linalg.norm(shoulders - hips, axis=-1)[:, None, None]
    centred = (limbs - hips[:, None]) / np.where(length > 0, length, np.nan)
    if limbs.shape[-1] == 3:
        up = unit(shoulders - hips)
        side = unit(left - (left * up).sum(-1, keepdims=True) * up)
        axes = np.stack([side, up, np.cross(side, up)], -2)
        centred = np.einsum("pij,pkj->pki", axes, centred)
    return np.asarray(centred.reshape(len(limbs), limbs.shape[1] * limbs.shape[2]))


def embed(features: Array) -> tuple[Array, float]:
    """Principal components: (P, 2) coordinates and the share of the variance that they hold.

    Args:
        features: (P, F) without NaN, P at least 3.
    """
    centred = features - features.mean(0)
    covariance = centred.T @ centred / len(centred)
    variance, directions = np.linalg.eigh(covariance)
    main = directions[:, -2:][:, ::-1]
    main = main * np.where(main[np.abs(main).argmax(0), [0, 1]] < 0, -1, 1)  # the sign is free: fix it
    return np.asarray(centred @ main), float(variance[-2:].sum() / max(variance.sum(), 1e-12))
