"""Blockers dropped onto the grid of a floor; see ``shadow``. Coordinates are counted in its cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.raster.jit import inline, tight_kernel

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

PER_METRE = 1000
"""Heights are summed as whole millimetres: a summed area stays exact in 32 bits."""

TOUCHING = 255
"""How a cell counts that something touches."""

EDGE = np.float32(1e-4)
"""Share of a face by which cells beside it count as on its edge: the rounding of single precision."""

NOTHING = np.float32(1e30)
"""Height of a cell that nothing keeps from the light."""


@tight_kernel
def widen(vertices: F32, axes: F64, low: F64, high: F64) -> float:
    """Extend ``low`` and ``high`` (2,) to all vertices (V, 3) along two axes of the floor (2, 2); the greatest height."""
    u0, v0, u1, v1, top = low[0], low[1], high[0], high[1], 0.0
    for i in range(vertices.shape[0]):
        x, z = np.float64(vertices[i, 0]), np.float64(vertices[i, 2])
        u, v = axes[0, 0] * x + axes[0, 1] * z, axes[1, 0] * x + axes[1, 1] * z
        u0, u1, v0, v1 = min(u0, u), max(u1, u), min(v0, v), max(v1, v)
        top = max(top, np.float64(vertices[i, 1]))
    low[0], low[1], high[0], high[1] = u0, v0, u1, v1
    return top


@tight_kernel
def drop(vertices: F32, M: F64, slope: float, dropped: F32) -> None:
    """The cell straight below each vertex, the column of its shadow, and its height.

    Args:
        vertices: (V, 3) world.
        M: (2, 3) from (x, z, 1) to columns and rows.
        slope: columns by which the shadow of a thing one metre above the floor is moved.
        dropped: (V, 4) receives column, row, column of the shadow, height; what is below the floor counts as on it.
    """
    per_metre = np.float32(slope)
    for i in range(vertices.shape[0]):
        x, z = np.float64(vertices[i, 0]), np.float64(vertices[i, 2])
        column = np.float32(M[0, 0] * x + M[0, 1] * z + M[0, 2])
        height = max(vertices[i, 1], np.float32(0))
        dropped[i, 0] = column
        dropped[i, 1] = M[1, 0] * x + M[1, 1] * z + M[1, 2]
        dropped[i, 2] = column + height * per_metre
        dropped[i, 3] = height


@inline
def _lower(
    ax: float, ay: float, ah: float, bx: float, by: float, bh: float, cx: float, cy: float, ch: float,
    both_sides: bool, heights: F32,
) -> None:  # fmt: skip
    """Lower ``heights`` to one face above the centre of each cell."""
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if area == 0 or (area < 0 and not both_sides):
        return
    # Centres of cells are at halves; a negative number becomes 0 when it is made whole.
    half, last_row, last_column = np.float32(0.5), heights.shape[0] - 1, heights.shape[1] - 1
    x0, x1 = max(int(min(ax, bx, cx) + half), 0), min(int(max(ax, bx, cx) + half) - 1, last_column)
    if x0 > x1:
        return
    y0, y1 = max(int(min(ay, by, cy) + half), 0), min(int(max(ay, by, cy) + half) - 1, last_row)
    if y0 > y1:
        return
    one = np.float32(1)
    scale = one / area
    b_right, c_right = (cy - ay) * scale, (ay - by) * scale
    h_right = b_right * (bh - ah) + c_right * (ch - ah)
    px = np.float32(x0) + half - ax
    for y in range(y0, y1 + 1):
        py = np.float32(y) + half - ay
        wb, wc = px * b_right - py * (cx - ax) * scale, px * c_right + py * (bx - ax) * scale
        h = ah + wb * (bh - ah) + wc * (ch - ah)
        for x in range(x0, x1 + 1):
            # Cells on an edge belong to both faces that share it: nothing is lost, as heights agree there.
            inside = min(wb, wc, one - wb - wc) >= -EDGE
            heights[y, x] = min(heights[y, x], h if inside else NOTHING)
            wb += b_right
            wc += c_right
            h += h_right


@tight_kernel
def lowest(faces: I32, dropped: F32, both_sides: bool, ceiling: float, heights: F32, touching: F32) -> None:
    """Lower two maps (rows, columns) to the lowest of a mesh's faces above the centre of each cell.

    Args:
        faces: (F, 3); those that look up are passed over unless ``both_sides``: behind each of a closed surface there
            is one that is nearer to the floor.
        dropped: (V, 4) of :func:`drop`.
        ceiling: height up to which faces are entered into ``touching``, metres.
        heights: along the light.
        touching: straight down.
    """
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ay, ah, by, bh, cy, ch = (
            dropped[a, 1], dropped[a, 3], dropped[b, 1], dropped[b, 3], dropped[c, 1], dropped[c, 3],
        )  # fmt: skip
        _lower(dropped[a, 2], ay, ah, dropped[b, 2], by, bh, dropped[c, 2], cy, ch, both_sides, heights)
        if min(ah, bh, ch) <= ceiling:
            _lower(dropped[a, 0], ay, ah, dropped[b, 0], by, bh, dropped[c, 0], cy, ch, both_sides, touching)


@tight_kernel
def sum_blockers(heights: F32, sums: I32) -> float:
    """Summed areas (rows + 1, columns + 1, 2) of cover and of cover times millimetres; the greatest height in metres."""
    rows, columns = heights.shape
    top = np.float32(0)
    for i in range(columns + 1):
        sums[0, i, 0] = 0
        sums[0, i, 1] = 0
    for j in range(rows):
        covered, height = 0, 0
        sums[j + 1, 0, 0] = 0
        sums[j + 1, 0, 1] = 0
        for i in range(columns):
            h = heights[j, i]
            if h < NOTHING:
                covered += 1
                height += int(h * PER_METRE + np.float32(0.5))
                top = max(top, h)
            sums[j + 1, i + 1, 0] = sums[j, i + 1, 0] + covered
            sums[j + 1, i + 1, 1] = sums[j, i + 1, 1] + height
    return float(top)


@tight_kernel
def sum_contact(heights: F32, reach: float, sums: I32) -> None:
    """Summed areas (rows + 1, columns + 1, 1) of how nearly things touch: :data:`TOUCHING` on the floor, 0 from
    ``reach`` metres on."""
    rows, columns = heights.shape
    for i in range(columns + 1):
        sums[0, i, 0] = 0
    for j in range(rows):
        total = 0
        sums[j + 1, 0, 0] = 0
        for i in range(columns):
            if heights[j, i] < reach:
                total += int((1.0 - heights[j, i] / reach) * TOUCHING + 0.5)
            sums[j + 1, i + 1, 0] = sums[j, i + 1, 0] + total
