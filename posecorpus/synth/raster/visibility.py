"""First pass: which face is nearest at every pixel centre.

Vertices are snapped to a grid of 1/4096 pixel inside a guard band of +-8190 pixels. Edge functions of
such numbers need at most 53 bits, so float64 evaluates them EXACTLY: two faces that share an edge agree
on every sample, and the tie rule (a sample on an edge counts as moved by an infinitesimal step right, then
down) gives it to exactly one of them. No cracks, no double coverage. Faces that leave the guard band or
cross the near plane are clipped in homogeneous pixel coordinates first.

What a pixel shows is ONE number, its key: the bits of 1/z in float32 above those of the face, counted through all
meshes from above. Nearer is larger, of equals the first, hence the depth test is a maximum and never a branch.
A key is held as the float64 of the same bits: positive ones compare alike, and processors have a maximum
of floats. Nothing is 0. 1/z is linear in the image, and its relative error of 6e-8 is half a micrometre
at 8 m; it only orders surfaces: the depth label is computed exactly later.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.raster.jit import inline, tight_kernel

NEAR_M = 0.05
GUARD_PX = 8190.0
SUBPIXELS = 4096.0
HALF = 2048
SHIFT = 12

LAST_ID = 0xFFFF_FFFF
"""What the identity of a face is counted down from in the lower half of a key."""

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
I32 = NDArray[np.int32]


@tight_kernel
def project(vertices: F32, P: F64, homogeneous: F64, screen: F64, bounds: F64) -> None:
    """World vertices to homogeneous pixels ``P (X, 1)`` (z last) and to snapped (x, y, 1/z).

    A vertex before the near plane or outside the guard band gets NaN as screen position: every face
    it belongs to then fails the area test and is clipped. ``bounds`` receives the (x0, y0, x1, y1)
    extent of the rest in pixels; with any such vertex it is unlimited.
    """
    p00, p01, p02, p03 = P[0, 0], P[0, 1], P[0, 2], P[0, 3]
    p10, p11, p12, p13 = P[1, 0], P[1, 1], P[1, 2], P[1, 3]
    p20, p21, p22, p23 = P[2, 0], P[2, 1], P[2, 2], P[2, 3]
    x0 = y0 = np.inf
    x1 = y1 = -np.inf
    wild = False
    for i in range(vertices.shape[0]):
        x, y, z = np.float64(vertices[i, 0]), np.float64(vertices[i, 1]), np.float64(vertices[i, 2])
        hx = p00 * x + p01 * y + p02 * z + p03
        hy = p10 * x + p11 * y + p12 * z + p13
        hz = p20 * x + p21 * y + p22 * z + p23
        homogeneous[i, 0] = hx
        homogeneous[i, 1] = hy
        homogeneous[i, 2] = hz
        k = 1.0 / hz
        u, v = hx * k, hy * k
        if hz >= NEAR_M and abs(u) <= GUARD_PX and abs(v) <= GUARD_PX:
            screen[i, 0] = np.rint(u * SUBPIXELS)
            screen[i, 1] = np.rint(v * SUBPIXELS)
            screen[i, 2] = k
            x0, x1 = min(x0, u), max(x1, u)
            y0, y1 = min(y0, v), max(y1, v)
        else:
            wild = True
            screen[i, 0] = np.nan
            screen[i, 1] = np.nan
            screen[i, 2] = np.nan
    if wild:
        x0 = y0 = -np.inf
        x1 = y1 = np.inf
    bounds[0], bounds[1], bounds[2], bounds[3] = x0, y0, x1, y1


@inline
def _excluded(dx: float, dy: float) -> float:
    """1 for an edge whose function, with this gradient, does not own the samples on it; else 0."""
    return 0.0 if (dx > 0) | ((dx == 0) & (dy > 0)) else 1.0


@inline
def _fill(
    ax: float, ay: float, az: float, bx: float, by: float, bz: float, cx: float, cy: float, cz: float,
    identity: int, keys: F64,
) -> None:  # fmt: skip
    """Draw one snapped triangle of positive area at the pixel centres it covers."""
    height, width = keys.shape[0] - 1, keys.shape[1] - 2
    x0 = max((int(min(ax, bx, cx)) + HALF - 1) >> SHIFT, 0)
    x1 = min((int(max(ax, bx, cx)) - HALF) >> SHIFT, width - 1)
    if x0 > x1:
        return
    y0 = max((int(min(ay, by, cy)) + HALF - 1) >> SHIFT, 0)
    y1 = min((int(max(ay, by, cy)) - HALF) >> SHIFT, height - 1)
    if y0 > y1:
        return
    low = np.int64(LAST_ID - identity)
    dx0, dx1, dx2 = by - cy, cy - ay, ay - by
    dy0, dy1, dy2 = cx - bx, ax - cx, bx - ax
    px, py = x0 * SUBPIXELS + HALF, y0 * SUBPIXELS + HALF
    # Exact integers in float64: adding steps of whole pixels accumulates no error.
    r0 = (bx - px) * (cy - py) - (by - py) * (cx - px) - _excluded(dx0, dy0)
    r1 = (cx - px) * (ay - py) - (cy - py) * (ax - px) - _excluded(dx1, dy1)
    r2 = (ax - px) * (by - py) - (ay - py) * (bx - px) - _excluded(dx2, dy2)
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    zb, zc = (bz - az) / area, (cz - az) / area
    for y in range(y0, y1 + 1):
        e0, e1, e2 = r0, r1, r2
        for x in range(x0 + 1, x1 + 2):
            z = np.float32(az + e1 * zb + e2 * zc)
            key = np.int64((np.int64(z.view(np.int32)) << 32) | low).view(np.float64)
            shown = key if (min(e0, e1, e2) >= 0) & (z > 0) else 0.0  # broken faces have no depth
            keys[y, x] = max(keys[y, x], shown)
            e0 += dx0 * SUBPIXELS
            e1 += dx1 * SUBPIXELS
            e2 += dx2 * SUBPIXELS
        r0 += dy0 * SUBPIXELS
        r1 += dy1 * SUBPIXELS
        r2 += dy2 * SUBPIXELS


@tight_kernel
def cover(
    first: int, triangles: I32, screen: F64, double_sided: bool,
    keys: F64, front: I32, wild: I32, counts: I32,
) -> None:  # fmt: skip
    """Draw the faces of one mesh that need no clipping.

    Args:
        first: identity of the mesh's first face.
        triangles: (F, 3); screen: (V, 3) of :func:`project`.
        keys: (H + 1, W + 2), pixel (x, y) at [y, x + 1]; the border is not drawn to.
        front: (F, 5) receives the faces that look at the camera (both sides if double-sided) and touch
            the picture, with the first and last column and row they touch: (face, x0, y0, x1, y1);
        wild: (F,) those to clip; counts: (2,) receives how many of each.
    """
    last_x, last_y = keys.shape[1] - 3, keys.shape[0] - 2
    n_front = n_wild = 0
    for f in range(triangles.shape[0]):
        a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        ax, ay, bx, by, cx, cy = (
            screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1],
        )  # fmt: skip
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area != area:
            wild[n_wild] = f
            n_wild += 1
        # Negative: counter-clockwise in a picture whose y points down.
        elif area < 0 or (area > 0 and double_sided):
            x0, x1 = max(int(min(ax, bx, cx)) >> SHIFT, 0), min(int(max(ax, bx, cx)) >> SHIFT, last_x)
            y0, y1 = max(int(min(ay, by, cy)) >> SHIFT, 0), min(int(max(ay, by, cy)) >> SHIFT, last_y)
            if x0 > x1 or y0 > y1:
                continue
            front[n_front, 0] = f
            front[n_front, 1] = x0
            front[n_front, 2] = y0
            front[n_front, 3] = x1
            front[n_front, 4] = y1
            n_front += 1
            if area < 0:
                b, c = c, b
                bx, by, cx, cy = cx, cy, bx, by
            _fill(ax, ay, screen[a, 2], bx, by, screen[b, 2], cx, cy, screen[c, 2], first + f, keys)
    counts[0], counts[1] = n_front, n_wild


@tight_kernel
def cover_pieces(first: int, pieces: F64, piece_faces: I32, count: int, keys: F64) -> None:
    """As :func:`cover` for the triangles that clipping left: (N, 3, 3) corners of positive area."""
    for i in range(count):
        p = pieces[i]
        _fill(p[0, 0], p[0, 1], p[0, 2], p[1, 0], p[1, 1], p[1, 2], p[2, 0], p[2, 1], p[2, 2],
              first + piece_faces[i], keys)  # fmt: skip
