"""Shading a stranger's mesh: smooth where it bends gently, sharp where it has an edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

CREASE = np.radians(40)
"""Faces that meet at a larger angle do not share their normals."""


def creased(
    vertices: NDArray[np.float64], faces: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The same mesh with vertices shared by just those faces around a point that bend gently into each other.

    Args:
        vertices: (V, 3); equal positions count as one point.
        faces: (F, 3), each with an area.

    Returns:
        (W, 3) vertices and (F, 3) faces.
    """
    points, index = np.unique(vertices, axis=0, return_inverse=True)
    corners = index.reshape(-1)[faces]
    a, b, c = np.moveaxis(points[corners], 1, 0)
    normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
    first, second = _smooth_neighbours(corners, normals)
    count = corners.size
    links = coo_matrix((np.ones(len(first), np.int8), (first, second)), shape=(count, count))
    groups, label = connected_components(links, directed=False)
    out = np.empty((groups, 3))
    out[label] = points[corners.reshape(-1)]
    return out, label.reshape(-1, 3).astype(np.int64)


def _smooth_neighbours(
    corners: NDArray[np.int64], normals: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of corners (flat indices into (F, 3)) at the same end of an edge between two faces that bend gently."""
    face = np.repeat(np.arange(len(corners)), 3)
    start = np.arange(corners.size)
    end = 3 * face + (start + 1) % 3
    ends = np.stack([corners.reshape(-1)[start], corners.reshape(-1)[end]], 1)
    swap = ends[:, 0] > ends[:, 1]
    low, high = np.where(swap, end, start), np.where(swap, start, end)
    order = np.lexsort((ends.max(1), ends.min(1)))
    key = np.sort(ends, axis=1)[order]
    same = (key[1:] == key[:-1]).all(1)
    one, other = order[:-1][same], order[1:][same]
    # Faces may be wound either way: the angle is that between their planes.
    gentle = np.abs((normals[face[one]] * normals[face[other]]).sum(1)) > np.cos(CREASE)
    one, other = one[gentle], other[gentle]
    return np.concatenate([low[one], high[one]]), np.concatenate([low[other], high[other]])
