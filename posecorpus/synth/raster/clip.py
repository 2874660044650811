"""Clipping of the few faces that cross the near plane or leave the guard band.

Sutherland-Hodgman against five planes in homogeneous pixel coordinates (X, Y, Z with x = X / Z):
Z >= near, |X| <= guard Z, |Y| <= guard Z. A crossing point is always computed from the inner to the outer
end of its edge, so the two faces that share the edge get the very same point and stay watertight.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.raster.jit import inline, kernel
from posecorpus.synth.raster.visibility import GUARD_PX, NEAR_M, SUBPIXELS

PIECES_PER_FACE = 6
"""A triangle cut by five planes has at most eight corners: a fan of six triangles."""

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]


@inline
def _side(plane: int, x: float, y: float, z: float) -> float:
    """Signed distance (up to scale) of a point to a plane, positive inside."""
    if plane == 0:
        return z - NEAR_M
    if plane == 1:
        return GUARD_PX * z + x
    if plane == 2:
        return GUARD_PX * z - x
    if plane == 3:
        return GUARD_PX * z + y
    return GUARD_PX * z - y


@inline
def _clip_polygon(polygon: F64, scratch: F64) -> int:
    """Clip the triangle in ``polygon[:3]`` in place; returns how many corners remain."""
    n = 3
    for plane in range(5):
        m = 0
        for i in range(n):
            j = i + 1 if i + 1 < n else 0
            here = _side(plane, polygon[i, 0], polygon[i, 1], polygon[i, 2])
            there = _side(plane, polygon[j, 0], polygon[j, 1], polygon[j, 2])
            if here >= 0:
                scratch[m] = polygon[i]
                m += 1
            if (here >= 0) != (there >= 0):
                inner, outer = (i, j) if here >= 0 else (j, i)
                s_in, s_out = (here, there) if here >= 0 else (there, here)
                t = s_in / (s_in - s_out)
                for k in range(3):
                    scratch[m, k] = polygon[inner, k] + t * (polygon[outer, k] - polygon[inner, k])
                if plane == 0:
                    scratch[m, 2] = NEAR_M
                m += 1
        n = m
        polygon[:n] = scratch[:n]
        if n < 3:
            return 0
    return n


@kernel
def clip_faces(
    triangles: I32, homogeneous: F64, wild: I32, n_wild: int, double_sided: bool,
    pieces: F64, piece_faces: I32,
) -> int:  # fmt: skip
    """Cut the listed faces into snapped triangles that :func:`visibility.cover_pieces` can draw.

    Args:
        triangles: (F, 3); homogeneous: (V, 3) of :func:`visibility.project`.
        wild: the faces, of which the first ``n_wild`` count.
        double_sided: keep back faces too.
        pieces: (N, 3, 3) receives corners (x, y, 1/z) of positive area, N >= 6 n_wild.
        piece_faces: (N,) receives the face of each piece.

    Returns:
        the number of pieces.
    """
    polygon, scratch = np.empty((9, 3)), np.empty((9, 3))
    corners = np.empty((9, 3))
    count = 0
    for w in range(n_wild):
        f = wild[w]
        for i in range(3):
            polygon[i] = homogeneous[triangles[f, i]]
        n = _clip_polygon(polygon, scratch)
        for i in range(n):
            k = 1.0 / polygon[i, 2]
            corners[i, 0] = np.rint(polygon[i, 0] * k * SUBPIXELS)
            corners[i, 1] = np.rint(polygon[i, 1] * k * SUBPIXELS)
            corners[i, 2] = k
        for i in range(1, n - 1):
            area = (corners[i, 0] - corners[0, 0]) * (corners[i + 1, 1] - corners[0, 1]) - (
                corners[i, 1] - corners[0, 1]
            ) * (corners[i + 1, 0] - corners[0, 0])
            if area == 0 or (area > 0 and not double_sided):
                continue
            second, third = (i, i + 1) if area > 0 else (i + 1, i)
            pieces[count, 0] = corners[0]
            pieces[count, 1] = corners[second]
            pieces[count, 2] = corners[third]
            piece_faces[count] = f
            count += 1
    return count
