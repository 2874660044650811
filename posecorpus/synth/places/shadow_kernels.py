"""The kernels of floor shadows; see ``shadow``. Coordinates on the floor are counted in cells of its grid."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.raster.colour import ENCODE_STEPS, TO_LINEAR, TO_SRGB
from posecorpus.synth.raster.jit import inline, tight_kernel

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]
B1 = NDArray[np.bool_]

SEARCHES = 2
"""How often the window in which blockers are looked for shrinks to the penumbra of what was found."""

PER_METRE = 1000
"""Heights are summed as whole millimetres: a summed area stays exact in 32 bits."""

TOUCHING = 255
"""How a cell counts that something touches."""

FINEST = 0.5
"""Half width of the smallest window, in cells."""

DISC = 0.8660254
"""Half width of the square that is as wide as a disc of radius 1: of the same variance along either axis."""

NARROW, WIDE = 0.6, 2.0
"""Weights of the two blurs of contact; what feet leave of the sky around them is more than their soles cover."""

LEAST = 5e-4
"""Less lost light than this is none."""

EDGE = np.float32(1e-4)
"""Share of a face by which cells beside it count as on its edge: the rounding of single precision."""

NOTHING = 1e30
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
def drop(vertices: F32, M: F64, dropped: F32) -> None:
    """The cell straight below each vertex, and its height.

    Args:
        vertices: (V, 3) world.
        M: (2, 3) from (x, z, 1) to columns and rows.
        dropped: (V, 3) receives column, row and height; what is below the floor counts as on it.
    """
    for i in range(vertices.shape[0]):
        x, z = np.float64(vertices[i, 0]), np.float64(vertices[i, 2])
        dropped[i, 0] = M[0, 0] * x + M[0, 1] * z + M[0, 2]
        dropped[i, 1] = M[1, 0] * x + M[1, 1] * z + M[1, 2]
        dropped[i, 2] = max(vertices[i, 1], np.float32(0))


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
    scale = np.float32(1) / area
    for y in range(y0, y1 + 1):
        py = np.float32(y) + half
        for x in range(x0, x1 + 1):
            px = np.float32(x) + half
            wb = ((px - ax) * (cy - ay) - (py - ay) * (cx - ax)) * scale
            wc = ((bx - ax) * (py - ay) - (by - ay) * (px - ax)) * scale
            # Cells on an edge belong to both faces that share it: nothing is lost, as heights agree there.
            if wb >= -EDGE and wc >= -EDGE and wb + wc <= np.float32(1) + EDGE:
                h = ah + wb * (bh - ah) + wc * (ch - ah)
                if h < heights[y, x]:
                    heights[y, x] = h


@tight_kernel
def lowest(
    faces: I32, dropped: F32, slope: float, both_sides: bool, ceiling: float, heights: F32, touching: F32
) -> None:
    """Lower two maps (rows, columns) to the lowest of a mesh's faces above the centre of each cell.

    Args:
        faces: (F, 3); those that look up are passed over unless ``both_sides``: behind each of a closed surface there
            is one that is nearer to the floor.
        dropped: (V, 3) of :func:`drop`.
        slope: columns by which the shadow of a thing one metre above the floor is moved.
        ceiling: height up to which faces are entered into ``touching``, metres.
        heights: along the light.
        touching: straight down.
    """
    per_metre = np.float32(slope)
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, ah = dropped[a, 0], dropped[a, 1], dropped[a, 2]
        bx, by, bh = dropped[b, 0], dropped[b, 1], dropped[b, 2]
        cx, cy, ch = dropped[c, 0], dropped[c, 1], dropped[c, 2]
        _lower(ax + ah * per_metre, ay, ah, bx + bh * per_metre, by, bh, cx + ch * per_metre, cy, ch,
               both_sides, heights)  # fmt: skip
        if min(ah, bh, ch) <= ceiling:
            _lower(ax, ay, ah, bx, by, bh, cx, cy, ch, both_sides, touching)


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


@inline
def _corner(sums: I32, u: float, v: float) -> float:
    """The summed area left of ``u`` and above ``v``, exact for cells that are even inside."""
    i, j = int(u), int(v)
    x, y = u - i, v - j
    i1, j1 = min(i + 1, sums.shape[1] - 1), min(j + 1, sums.shape[0] - 1)
    top = sums[j, i, 0] + (sums[j, i1, 0] - sums[j, i, 0]) * x
    low = sums[j1, i, 0] + (sums[j1, i1, 0] - sums[j1, i, 0]) * x
    area: float = top + (low - top) * y
    return area


@inline
def _mean(sums: I32, u: float, v: float, ru: float, rv: float) -> float:
    """The mean over the rectangle around (u, v) with these half widths; beyond the grid there is nothing."""
    columns, rows = sums.shape[1] - 1.0, sums.shape[0] - 1.0
    u0, u1 = min(max(u - ru, 0.0), columns), min(max(u + ru, 0.0), columns)
    v0, v1 = min(max(v - rv, 0.0), rows), min(max(v + rv, 0.0), rows)
    inside = _corner(sums, u1, v1) - _corner(sums, u0, v1) - _corner(sums, u1, v0) + _corner(sums, u0, v0)
    return max(inside, 0.0) / (4.0 * ru * rv)


@inline
def _around(sums: I32, u: float, v: float, ru: float, rv: float) -> tuple[int, int, int, int]:
    """First and last column and row of the whole cells that the rectangle touches."""
    columns, rows = sums.shape[1] - 1, sums.shape[0] - 1
    return (
        min(max(int(u - ru), 0), columns), min(max(int(u + ru + 1.0), 0), columns),
        min(max(int(v - rv), 0), rows), min(max(int(v + rv + 1.0), 0), rows),
    )  # fmt: skip


@inline
def _total(sums: I32, i0: int, i1: int, j0: int, j1: int, k: int) -> int:
    total: int = sums[j1, i1, k] - sums[j0, i1, k] - sums[j1, i0, k] + sums[j0, i0, k]
    return total


@inline
def _shade(sums: I32, u: float, v: float, fu: float, fv: float, ku: float, kv: float, top: float) -> float:
    """Share of the lamp that is hidden from a floor point.

    Args:
        fu, fv: half widths of the pixel on the floor.
        ku, kv: half widths of the penumbra of a blocker one metre above the floor.
        top: height of the highest blocker.
    """
    ru, rv = math.sqrt((top * ku) ** 2 + fu * fu), math.sqrt((top * kv) ** 2 + fv * fv)
    for _ in range(SEARCHES):
        i0, i1, j0, j1 = _around(sums, u, v, ru, rv)
        blocked = _total(sums, i0, i1, j0, j1, 0)
        if blocked == 0:
            return 0.0
        h = _total(sums, i0, i1, j0, j1, 1) / (blocked * float(PER_METRE))
        # Never wider than the window before: the shadow stays continuous where blockers leave the window.
        ru = min(math.sqrt((h * ku) ** 2 + fu * fu), ru)
        rv = min(math.sqrt((h * kv) ** 2 + fv * fv), rv)
    return min(_mean(sums, u, v, ru, rv), 1.0)


@inline
def _touch(sums: I32, u: float, v: float, fu: float, fv: float, narrow: float, wide: float) -> float:
    """How dark the contact shadow is: a narrow and a wide blur together, 1 in the middle of what touches."""
    Ru, Rv = math.sqrt(wide**2 + fu * fu), math.sqrt(wide**2 + fv * fv)
    i0, i1, j0, j1 = _around(sums, u, v, Ru, Rv)
    if _total(sums, i0, i1, j0, j1, 0) == 0:
        return 0.0
    ru, rv = math.sqrt(narrow**2 + fu * fu), math.sqrt(narrow**2 + fv * fv)
    both = NARROW * _mean(sums, u, v, ru, rv) + WIDE * _mean(sums, u, v, Ru, Rv)
    return min(both / TOUCHING, 1.0)


@tight_kernel
def light_left(
    box: I32, step: int, H: F64, blockers: I32, contacts: I32, penumbra: F64, top: float, near: F64,
    strength: float, contact: float, farthest: float, left: F32, dark: B1,
) -> None:  # fmt: skip
    """The share of the floor's light that is left at the middle of every square of ``step`` x ``step`` pixels.

    Args:
        box: (4,) x0, y0, x1, y1 of the pixels to look at; whole squares.
        H: (3, 3) from pixels (x, y, 1) to cells, scaled so that its last row gives 1 / depth.
        blockers, contacts: summed areas.
        penumbra: (2,) half widths, in columns and rows, of a blocker's penumbra per metre above the floor.
        top: height of the highest blocker, metres.
        near: (2,) half widths of the narrow and the wide contact shadow, cells.
        strength, contact: of the two shadows.
        farthest: 1 / depth where they end.
        left: (rows, columns) of squares, written inside the box.
        dark: (rows,) whether any square of a row is dark, likewise.
    """
    columns, rows = blockers.shape[1] - 1.0, blockers.shape[0] - 1.0
    h00, h01, h02, h10, h11, h12 = H[0, 0], H[0, 1], H[0, 2], H[1, 0], H[1, 1], H[1, 2]
    h20, h21, h22 = H[2, 0], H[2, 1], H[2, 2]
    ku, kv = penumbra[0], penumbra[1]
    margin_u, margin_v = max(top * ku, near[1]), max(top * kv, near[1])
    i0, i1 = box[0] // step, box[2] // step
    for j in range(box[1] // step, box[3] // step):
        py = (j + 0.5) * step
        dark[j] = False
        for i in range(i0, i1):
            left[j, i] = 1
        if h21 * py + h22 + max(h20 * box[0], h20 * box[2]) < farthest:
            continue  # above the horizon
        for i in range(i0, i1):
            px = (i + 0.5) * step
            w = h20 * px + h21 * py + h22
            if w < farthest:
                continue
            k = 1.0 / w
            u, v = (h00 * px + h01 * py + h02) * k, (h10 * px + h11 * py + h12) * k
            # Half the square's image on the floor, as the rectangle of the same variances.
            half = 0.5 * k * step
            fu = max(half * math.sqrt((h00 - u * h20) ** 2 + (h01 - u * h21) ** 2), FINEST)
            fv = max(half * math.sqrt((h10 - v * h20) ** 2 + (h11 - v * h21) ** 2), FINEST)
            mu, mv = margin_u + fu, margin_v + fv
            if u < -mu or v < -mv or u > columns + mu or v > rows + mv:
                continue
            light = 1.0
            if strength > 0:
                light -= strength * _shade(blockers, u, v, fu, fv, ku, kv, top)
            if contact > 0:
                light *= 1.0 - contact * _touch(contacts, u, v, fu, fv, near[0], near[1])
            if light < 1.0 - LEAST:
                left[j, i] = light
                dark[j] = True


@tight_kernel
def darken(picture: U8, floor: U8, box: I32, step: int, left: F32, dark: B1) -> None:
    """Multiply a picture by the light that is left, in linear light, in place.

    Args:
        picture: (H, W, 3) sRGB.
        floor: (H, W) how much of each pixel is floor, 255 for all of it.
        box, step, left, dark: of :func:`light_left`; between the squares' middles it is interpolated.
    """
    j0, j1, i0, i1 = box[1] // step, box[3] // step - 1, box[0] // step, box[2] // step - 1
    width, height = picture.shape[1], picture.shape[0]
    for y in range(box[1], min(box[3], height)):
        at = (y + 0.5) / step - 0.5
        row = int(math.floor(at))  # noqa: RUF046  (a float in plain Python's eyes when compiled)
        fy = np.float32(at - row)
        ja, jb = min(max(row, j0), j1), min(max(row + 1, j0), j1)
        if not (dark[ja] or dark[jb]):
            continue
        for x in range(box[0], min(box[2], width)):
            along = (x + 0.5) / step - 0.5
            column = int(math.floor(along))  # noqa: RUF046
            ia, ib = min(max(column, i0), i1), min(max(column + 1, i0), i1)
            fx = np.float32(along - column)
            upper = left[ja, ia] + (left[ja, ib] - left[ja, ia]) * fx
            lower = left[jb, ia] + (left[jb, ib] - left[jb, ia]) * fx
            lost = 1.0 - np.float64(upper + (lower - upper) * fy)
            share = floor[y, x]
            if lost < LEAST or share == 0:
                continue
            remains = max(1.0 - share * lost / 255.0, 0.0)
            for c in range(3):
                light = TO_LINEAR[picture[y, x, c]] * remains
                picture[y, x, c] = TO_SRGB[int(math.sqrt(light) * ENCODE_STEPS + 0.5)]
