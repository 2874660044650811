"""How far oriented poses are from each other, and which anchor is nearest (D3D, LCR-Net++ section 3.1)."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.core.errors import InputError

Floats = NDArray[np.floating]


def pose_distances(poses: Floats, others: Floats) -> NDArray[np.float64]:
    """(N, M) mean distance, metres, of the joints of poses (N, J, 3) to those of others (M, J, 3).

    Both are torso-centred in the camera frame, so a person seen from another side is far away. Joints that either
    lacks (NaN) are left out of the mean; poses that share none are infinitely far.
    """
    first, second = _same_joints(poses, others)
    found = np.empty((len(first), len(second)))
    for n in range(len(first)):
        _row(first[n], second, found[n])
    return found


def nearest_anchor(poses: Floats, anchors: Floats) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """(N,) which of the anchors (K, J, 3) is nearest to each pose (N, J, 3), and (N,) how far, metres.

    A pose without any joint gets -1 and infinity.
    """
    first, second = _same_joints(poses, anchors)
    labels, distances = np.empty(len(first), np.int32), np.empty(len(first))
    _nearest(first, second, labels, distances)
    return labels, distances


def _same_joints(poses: Floats, others: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = (np.ascontiguousarray(array, np.float64) for array in (poses, others))
    if first.ndim != 3 or second.ndim != 3 or first.shape[1:] != second.shape[1:] or first.shape[2] != 3:
        raise InputError("poses", "(N, J, 3) and (M, J, 3)", f"{first.shape} and {second.shape}")
    return first, second


@njit(cache=True, nogil=True)
def _row(pose, others, found):  # type: ignore[no-untyped-def]
    for m in range(len(others)):
        total, known = 0.0, 0
        for j in range(len(pose)):
            x = pose[j, 0] - others[m, j, 0]
            y = pose[j, 1] - others[m, j, 1]
            z = pose[j, 2] - others[m, j, 2]
            apart = np.sqrt(x * x + y * y + z * z)
            if apart == apart:  # no NaN
                total += apart
                known += 1
        found[m] = total / known if known else np.inf


@njit(cache=True, nogil=True)
def _nearest(poses, anchors, labels, distances):  # type: ignore[no-untyped-def]
    row = np.empty(len(anchors))
    for n in range(len(poses)):
        _row(poses[n], anchors, row)
        best, least = -1, np.inf
        for k in range(len(row)):
            if row[k] < least:
                best, least = k, row[k]
        labels[n], distances[n] = best, least
