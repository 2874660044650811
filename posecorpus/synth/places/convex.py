"""Convex polygons of the floor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def counter_clockwise(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """The corners (C, 2) in the order that gives the polygon a positive area."""
    x, y = corners.T
    return corners if x @ np.roll(y, -1) >= y @ np.roll(x, -1) else corners[::-1]


def clip_convex(polygon: NDArray[np.float64], window: NDArray[np.float64]) -> NDArray[np.float64]:
    """What two convex polygons have in common (Sutherland and Hodgman 1974).

    Args:
        polygon: (C, 2) corners in order.
        window: (D, 2) corners, counter-clockwise.

    Returns:
        (E, 2) corners in the order of ``polygon``'s; E is 0 if they have nothing in common.
    """
    result = polygon
    for start, end in zip(window, np.roll(window, -1, axis=0), strict=True):
        along = end - start
        side = along[0] * (result[:, 1] - start[1]) - along[1] * (result[:, 0] - start[0])
        kept: list[NDArray[np.float64]] = []
        for i in range(len(result)):
            j = (i + 1) % len(result)
            if side[i] >= 0:
                kept.append(result[i])
            if (side[i] > 0 > side[j]) or (side[i] < 0 < side[j]):
                kept.append(result[i] + (result[j] - result[i]) * side[i] / (side[i] - side[j]))
        result = np.array(kept).reshape(-1, 2)
    return result
