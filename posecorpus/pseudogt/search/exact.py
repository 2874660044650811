"""The distance itself, in float64, and the k least of them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from posecorpus.pseudogt.search.jit import kernel

NO_VIEW = np.int64(np.iinfo(np.int64).max)
DEGENERATE = 1e-6
"""A view whose annotated joints extend less than this share of its largest coordinate (as stored) lies on
one point under the mask: float32 tells its joints apart no better."""


@kernel
def squared_distance(
    view: NDArray[np.float32], joints: NDArray[np.int64], unit: NDArray[np.float64]
) -> float:
    """|C x / |C x| - q|^2 over joints; inf for a view that lies on one point.

    Args:
        view: (J, 2) as given, not normalised.
        joints: the n joints S.
        unit: (n, 2) the query on these joints.
    """
    mean_x = mean_y = largest = 0.0
    for g in range(len(joints)):
        x, y = np.float64(view[joints[g], 0]), np.float64(view[joints[g], 1])
        mean_x += x
        mean_y += y
        largest = max(largest, abs(x), abs(y))
    mean_x /= len(joints)
    mean_y /= len(joints)
    squares = 0.0
    for g in range(len(joints)):
        x, y = view[joints[g], 0] - mean_x, view[joints[g], 1] - mean_y
        squares += x * x + y * y
    norm = math.sqrt(squares)
    if not norm > DEGENERATE * largest:
        return np.inf
    result = 0.0
    for g in range(len(joints)):
        x = (view[joints[g], 0] - mean_x) / norm - unit[g, 0]
        y = (view[joints[g], 1] - mean_y) / norm - unit[g, 1]
        result += x * x + y * y
    return result


@kernel
def worse(distance: float, view: int, other_distance: float, other_view: int) -> bool:
    """Whether (distance, view) comes after the other; equal distances are ordered by view number."""
    return distance > other_distance or (distance == other_distance and view > other_view)


@kernel
def offer(distance: float, view: int, distances: NDArray[np.float64], views: NDArray[np.int64]) -> None:
    """Replace the worst of k by a better one; (k,) arrays are a heap with the worst first."""
    if not worse(distances[0], views[0], distance, view):
        return
    at, child = 0, 1
    while child < len(views):
        if child + 1 < len(views) and worse(
            distances[child + 1], views[child + 1], distances[child], views[child]
        ):
            child += 1
        if not worse(distances[child], views[child], distance, view):
            break
        distances[at], views[at] = distances[child], views[child]
        at, child = child, 2 * child + 1
    distances[at], views[at] = distance, view
