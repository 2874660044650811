"""2D poses made ready to be compared: queries on their annotated joints, views on all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError

MIN_JOINTS = 4
"""A pose of fewer joints fits nearly any view (two degrees of freedom a joint, three lost to place and size)."""

ONE_POINT = 1e-9
"""A pose whose extent is below this share of its largest coordinate lies on one point."""


@dataclass(frozen=True, eq=False)
class Queries:
    """Q poses, centred on the mean of their annotated joints and divided by their norm.

    Attributes:
        unit: (Q, J, 2) float64; missing joints are 0. Rows that cannot be searched are 0.
        mask: (Q, J) bool, the annotated joints.
        valid: (Q,) bool, whether the pose can be searched: at least :data:`MIN_JOINTS` joints that do not
            all lie on one point.
    """

    unit: NDArray[np.float64]
    mask: NDArray[np.bool_]
    valid: NDArray[np.bool_]


def normalise_queries(poses2d: NDArray[np.floating], usable: NDArray[np.bool_]) -> Queries:
    """Normalise (Q, J, 2) poses, in any unit, on their annotated joints (a NaN means missing).

    Joints outside ``usable`` (J,) count as missing.

    Raises:
        InputError: another number of joints, or an infinite coordinate.
    """
    points = np.asarray(poses2d, np.float64)
    if points.ndim != 3 or points.shape[1:] != (len(usable), 2):
        raise InputError("poses to search", f"shape (Q, {len(usable)}, 2)", points.shape)
    if np.isinf(points).any():
        row = int(np.flatnonzero(np.isinf(points).any((1, 2)))[0])
        raise InputError(f"poses to search: pose {row}", "finite coordinates or NaN", "an infinite one")
    mask = ~np.isnan(points).any(-1) & usable
    count = mask.sum(1)
    points = np.where(mask[..., None], points, 0.0)
    largest = np.abs(points).max((1, 2), initial=0.0)
    points /= np.where(largest > 0, largest, 1.0)[:, None, None]
    mean = points.sum(1) / np.maximum(count, 1)[:, None]
    centred = np.where(mask[..., None], points - mean[:, None], 0.0)
    norm = np.sqrt((centred**2).sum((1, 2)))
    valid = (count >= MIN_JOINTS) & (norm > ONE_POINT)
    unit = centred / np.where(valid, norm, 1.0)[:, None, None]
    unit[~valid] = 0.0
    return Queries(unit, mask, valid)


def normalise_views(views: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 2 J) float32: (N, J, 2) views centred and divided by their norm; 0 if on one point."""
    points = views.astype(np.float64)
    points -= points.mean(1, keepdims=True)
    norm = np.sqrt((points**2).sum((1, 2)))
    points /= np.where(norm > 0, norm, 1.0)[:, None, None]
    return points.reshape(len(points), -1).astype(np.float32)
