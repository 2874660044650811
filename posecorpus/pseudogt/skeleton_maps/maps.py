"""Skeleton maps of people whose joints are known in 3D (DeepSkeleton, sections 3.1 and 3.2).

A stick is drawn along each of the 15 bones of :mod:`posecorpus.core.sticks`. Where several sticks cover a pixel
the foreground map shows the nearest bone and the background map the farthest. ``docs/skeleton_maps.md`` has
the exact rules.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import Skeleton
from posecorpus.core.sticks import PALETTE_TABLE, SHARED_POINTS, STICK_ENDS, stick_points
from posecorpus.pseudogt.skeleton_maps.kernel import draw

MAX_SIZE = 4096
"""Pixels a side: more is a mistake."""


def skeleton_maps(
    joints3d: NDArray[np.floating[Any]],
    K: ArrayLike,
    skeleton: Skeleton,
    windows: ArrayLike,
    size: int,
    stick_px: ArrayLike,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw a batch of skeleton maps, one person each.

    Args:
        joints3d: (N, J, 3) metres in the camera frame; a missing joint (NaN) leaves its sticks out.
        K: (N, 3, 3) or (3, 3) intrinsics of the image, pixels.
        skeleton: the joint set.
        windows: (N, 4) x0, y0, x1, y1 of the image that each map covers, pixels; may stick out.
        size: S, pixels a side of the maps.
        stick_px: width of the sticks in pixels of the MAP, one or (N,).

    Returns:
        foreground and background (N, S, S) uint8: ids of ``STICKS`` (index + 1), 0 = none.

    Raises:
        InputError: shapes that do not fit, a window without area, a width or size that is none.
    """
    if joints3d.ndim != 3 or joints3d.shape[2] != 3:
        raise InputError("skeleton maps", "joints of shape (N, J, 3)", joints3d.shape)
    count = len(joints3d)
    intrinsics = _filled("K", K, (count, 3, 3))
    if not (intrinsics[:, 1, 0] == 0).all() or not (intrinsics[:, 2] == (0, 0, 1)).all():
        raise InputError("skeleton maps: K", "an upper triangle with a last row of 0 0 1", "another matrix")
    boxes = _filled("windows", windows, (count, 4))
    if not (boxes[:, 2:] > boxes[:, :2]).all():
        raise InputError("skeleton maps: windows", "x0 < x1 and y0 < y1", "a window without area")
    widths = _filled("stick_px", stick_px, (count,))
    if not (widths > 0).all():
        raise InputError("skeleton maps: stick_px", "a width above 0", widths.min())
    if not 1 <= size <= MAX_SIZE:
        raise InputError("skeleton maps: size", f"1 to {MAX_SIZE} pixels", size)
    foreground, background = (np.empty((count, size, size), np.uint8) for _ in range(2))
    points = np.ascontiguousarray(stick_points(joints3d, skeleton))
    draw(points, intrinsics, boxes, widths, STICK_ENDS, SHARED_POINTS, foreground, background)
    return foreground, background


def colour(ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Stick ids (...) to RGB (..., 3); none is black, an id that there is not is magenta."""
    return PALETTE_TABLE[ids]


def _filled(name: str, value: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A finite float64 array of a shape, repeated along the batch where only one is given."""
    array = np.asarray(value, dtype=np.float64)
    if array.shape not in (shape, shape[1:]):
        raise InputError(f"skeleton maps: {name}", f"shape {shape} or {shape[1:]}", array.shape)
    if not np.isfinite(array).all():
        raise InputError(f"skeleton maps: {name}", "finite numbers", "NaN or infinity")
    # A copy, always: for each kind of array (read-only, strided) the kernel would be compiled anew.
    return np.array(np.broadcast_to(array, shape), order="C")
