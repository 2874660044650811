"""Boxes around the joints of a pose, and 2D poses in their units (LCR-Net++ section 3.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import Skeleton

MARGIN = 0.1
"""A box reaches beyond the joints by this share of their extent, on each side."""
LEAST_EXTENT = 1e-6
LOWER = ("l_knee", "r_knee", "l_ankle", "r_ankle", "l_foot", "r_foot")
"""Joints that boxes of the upper body leave out; hips belong to it."""

Floats = NDArray[np.floating]


def upper_body(skeleton: Skeleton) -> NDArray[np.intp]:
    """Indices of the joints that a box of the upper body is around."""
    return np.array([i for i, joint in enumerate(skeleton.joints) if joint not in LOWER], np.intp)


def joint_boxes(joints2d: Floats) -> NDArray[np.float64]:
    """(..., 4) x0, y0, x1, y1 around joints (..., J, 2), those that are NaN left out.

    A pose without any joint has a box of NaN.
    """
    points = np.asarray(joints2d, np.float64)
    known = np.isfinite(points).all(axis=-1, keepdims=True)
    low = np.where(known, points, np.inf).min(-2)
    high = np.where(known, points, -np.inf).max(-2)
    some = np.any(known, axis=-2)
    low, high = np.where(some, low, np.nan), np.where(some, high, np.nan)
    wider = MARGIN * (high - low)
    return np.concatenate([low - wider, high + wider], axis=-1)


def in_box_units(joints2d: Floats, boxes: Floats) -> NDArray[np.float64]:
    """Joints (..., J, 2) where the box (..., 4) goes from (0, 0), its top left, to (1, 1)."""
    low, extent = _span(boxes)
    return np.asarray((np.asarray(joints2d, np.float64) - low) / extent)


def from_box_units(units: Floats, boxes: Floats) -> NDArray[np.float64]:
    """The reverse of :func:`in_box_units`: joints (..., J, 2) in pixels."""
    low, extent = _span(boxes)
    return np.asarray(np.asarray(units, np.float64) * extent + low)


def _span(boxes: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(..., 1, 2) top left corners and extents, the latter never zero."""
    box = np.asarray(boxes, np.float64)
    low = box[..., None, :2]
    return low, np.maximum(box[..., None, 2:] - low, LEAST_EXTENT)
