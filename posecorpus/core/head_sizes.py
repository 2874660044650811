"""The head size of people, pixels: the unit of PCKh.

MPII defines it as 0.6 of the diagonal of a box that annotators drew around the head. Other corpora have no such box,
so it is taken from what is known of a person, the first that there is:

1. the head size that the data set tells;
2. the length of the head in space, at its distance from the camera: it does not shrink where the head is tilted
   towards the camera, nor does an annotator's box;
3. its length in the picture, but no less than the torso allows;
4. the size of the torso in the picture, or of the whole person.

The head's length is from the upper neck to the top of the head. MPII's own points of that name lie on the annotators'
box: of the 2,932 people of its validation split the head size is 0.75 of their distance, to 1 %. The landmarks of
bodies, and LSP's, are those of the anatomy: 0.6 of the diagonal of a box around the open body's head is 0.92 of
their distance (17.7 cm; mean of 500 random views).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.core.sample import UNLABELLED, Person
from posecorpus.core.skeletons import MPII_16, Skeleton, skeleton
from posecorpus.core.sticks import POINTS, stick_points

Array = NDArray[np.float64]

OF_LENGTH = 0.92
OF_MPII_LENGTH = 0.75
LEAST_OF_TORSO = 0.3
"""A head that is shorter than this share of the torso is foreshortened; 7 % of MPII's people have a smaller one."""
OF_TORSO = 0.375
OF_PERSON = 0.143
"""Medians over MPII's validation split; the logarithms of single people deviate by 0.2 and 0.27."""
_DIAGONALS = (("l_shoulder", "r_hip"), ("r_shoulder", "l_hip"))


def head_size_px(person: Person, camera: Camera | None = None, told_px: float | None = None) -> float:
    """Head size of a person, pixels; NaN where too little is known of him.

    Args:
        camera: of the picture, if known.
        told_px: what the data set says, if it does.
    """
    if told_px is not None and np.isfinite(told_px) and told_px > 0:
        return float(told_px)
    joints = skeleton(person.skeleton)
    points = np.where((person.visibility == UNLABELLED)[:, None], np.nan, person.joints2d.astype(np.float64))
    factor = OF_MPII_LENGTH if joints.name == MPII_16.name and person.body is None else OF_LENGTH
    if camera is not None and person.joints3d is not None:
        size = factor * _length_through(camera, person.joints3d.astype(np.float64), joints)
        if np.isfinite(size):
            return size
    torso, length = torso_px(points, joints), factor * _length(_head(points, joints))
    extent = float(np.hypot(*_extent(points)))
    least = LEAST_OF_TORSO * torso if np.isfinite(torso) else 0.0
    for size in (np.maximum(length, least), OF_TORSO * torso, OF_PERSON * extent):
        if np.isfinite(size) and size > 0:
            return float(size)
    return float("nan")


def torso_px(points: Array, joints: Skeleton) -> float:
    """From a shoulder to the opposite hip (J, 2), the longer of the two that are known; else NaN."""
    found = [_length(points[joints.indices(*ends)]) for ends in _DIAGONALS if set(ends) <= set(joints.joints)]
    return _largest(found)


def _length_through(camera: Camera, joints3d: Array, joints: Skeleton) -> float:
    """Length of the head as if it were upright at its distance, pixels."""
    ends = _head(joints3d, joints)
    depth = ends[:, 2].mean()
    focal = float(np.sqrt(camera.K[0, 0] * camera.K[1, 1]))
    return focal * _length(ends) / depth if depth > 0 else float("nan")


def _head(points: Array, joints: Skeleton) -> Array:
    """(2, D) upper neck and top of the head; NaN where the skeleton has nothing to tell them by."""
    try:
        return stick_points(points, joints)[[POINTS.index("upper_neck"), POINTS.index("head_top")]]
    except InputError:
        return np.full((2, points.shape[-1]), np.nan)


def _length(ends: Array) -> float:
    return float(np.linalg.norm(ends[1] - ends[0]))


def _extent(points: Array) -> Array:
    known = points[np.isfinite(points).all(-1)]
    return np.ptp(known, axis=0) if len(known) else np.full(2, np.nan)


def _largest(values: Sequence[float]) -> float:
    finite = [value for value in values if np.isfinite(value)]
    return max(finite, default=float("nan"))
