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

SEARCHES = 3
"""How often the window in which blockers are looked for shrinks to the penumbra of what was found."""

FINEST = 0.5
"""Half width of the smallest window, in cells."""

DISC = 0.8660254
"""Half width of the square that is as wide as a disc of radius 1: of the same variance along either axis."""

NOTHING = 1e30
"""Height of a cell that nothing keeps from the light."""


@tight_kernel
def drop(vertices: F32, M: F64, dropped: F64) -> None:
    """Where the floor would be reached behind each vertex, and its height.

    Args:
        vertices: (V, 3) world.
        M: (2, 4) from (x, y, z, 1) to cells.
        dropped: (V, 3) receives column, row and height; what is below the floor counts as on it.
    """
    for i in range(vertices.shape[0]):
        x, y, z = np.float64(vertices[i, 0]), max(np.float64(vertices[i, 1]), 0.0), np.float64(vertices[i, 2])
        dropped[i, 0] = M[0, 0] * x + M[0, 1] * y + M[0, 2] * z + M[0, 3]
        dropped[i, 1] = M[1, 0] * x + M[1, 1] * y + M[1, 2] * z + M[1, 3]
        dropped[i, 2] = y


@tight_kernel
def lowest(faces: I32, dropped: F64, both_sides: bool, ceiling: float, heights: F32) -> None:
    """Lower ``heights`` (rows, columns) to the lowest of a mesh's faces above the centre of each cell.

    Args:
        faces: (F, 3); those that face the light are passed over unless ``both_sides``: behind each of a closed
            surface there is one that is nearer to the floor.
        dropped: (V, 3) of :func:`drop`.
        ceiling: faces that are higher throughout are passed over, metres.
    """
    last_row, last_column = heights.shape[0] - 1, heights.shape[1] - 1
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, bx, by, cx, cy = (
            dropped[a, 0], dropped[a, 1], dropped[b, 0], dropped[b, 1], dropped[c, 0], dropped[c, 1],
        )  # fmt: skip
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0 or (area < 0 and not both_sides):
            continue
        # Centres of cells are at halves.
        x0 = max(math.ceil(min(ax, bx, cx) - 0.5), 0)
        x1 = min(math.floor(max(ax, bx, cx) - 0.5), last_column)
        if x0 > x1:
            continue
        y0 = max(math.ceil(min(ay, by, cy) - 0.5), 0)
        y1 = min(math.floor(max(ay, by, cy) - 0.5), last_row)
        if y0 > y1:
            continue
        ah, bh, ch = dropped[a, 2], dropped[b, 2], dropped[c, 2]
        if min(ah, bh, ch) > ceiling:
            continue
        scale = 1.0 / area
        for y in range(y0, y1 + 1):
            py = y + 0.5
            for x in range(x0, x1 + 1):
                px = x + 0.5
                wb = ((px - ax) * (cy - ay) - (py - ay) * (cx - ax)) * scale
                wc = ((bx - ax) * (py - ay) - (by - ay) * (px - ax)) * scale
                # Cells on an edge belong to both faces that share it: nothing is lost, as heights agree there.
                if wb >= -1e-9 and wc >= -1e-9 and wb + wc <= 1 + 1e-9:
                    h = np.float32(ah + wb * (bh - ah) + wc * (ch - ah))
                    if h < heights[y, x]:
                        heights[y, x] = h


@tight_kernel
def sum_blockers(heights: F32, cover: F64, height_sums: F64) -> float:
    """Summed areas (rows + 1, columns + 1) of cover and of cover times height; the greatest height."""
    rows, columns = heights.shape
    top = 0.0
    for i in range(columns + 1):
        cover[0, i] = 0.0
        height_sums[0, i] = 0.0
    for j in range(rows):
        covered = height = 0.0
        cover[j + 1, 0] = 0.0
        height_sums[j + 1, 0] = 0.0
        for i in range(columns):
            h = np.float64(heights[j, i])
            if h < NOTHING:
                covered += 1.0
                height += h
                top = max(top, h)
            cover[j + 1, i + 1] = cover[j, i + 1] + covered
            height_sums[j + 1, i + 1] = height_sums[j, i + 1] + height
    return top


@tight_kernel
def sum_contact(heights: F32, reach: float, sums: F64) -> None:
    """Summed areas (rows + 1, columns + 1) of how nearly things touch: 1 on the floor, 0 from ``reach`` metres on."""
    rows, columns = heights.shape
    for i in range(columns + 1):
        sums[0, i] = 0.0
    for j in range(rows):
        total = 0.0
        sums[j + 1, 0] = 0.0
        for i in range(columns):
            total += max(1.0 - np.float64(heights[j, i]) / reach, 0.0)
            sums[j + 1, i + 1] = sums[j, i + 1] + total


@inline
def _corner(sums: F64, u: float, v: float) -> float:
    """The summed area left of ``u`` and above ``v``, exact for cells that are even inside."""
    i, j = int(u), int(v)
    x, y = u - i, v - j
    i1, j1 = min(i + 1, sums.shape[1] - 1), min(j + 1, sums.shape[0] - 1)
    top = sums[j, i] + (sums[j, i1] - sums[j, i]) * x
    low = sums[j1, i] + (sums[j1, i1] - sums[j1, i]) * x
    area: float = top + (low - top) * y
    return area


@inline
def _window(sums: F64, u: float, v: float, ru: float, rv: float) -> float:
    """The sum over the rectangle around (u, v) with these half widths; beyond the grid there is nothing."""
    columns, rows = sums.shape[1] - 1.0, sums.shape[0] - 1.0
    u0, u1 = min(max(u - ru, 0.0), columns), min(max(u + ru, 0.0), columns)
    v0, v1 = min(max(v - rv, 0.0), rows), min(max(v + rv, 0.0), rows)
    return _corner(sums, u1, v1) - _corner(sums, u0, v1) - _corner(sums, u1, v0) + _corner(sums, u0, v0)


@inline
def _shade(
    cover: F64, heights: F64, u: float, v: float, fu: float, fv: float, ku: float, kv: float, top: float
) -> float:
    """Share of the lamp that is hidden from a floor point.

    Args:
        fu, fv: half widths of the pixel on the floor.
        ku, kv: half widths of the penumbra of a blocker one metre above the floor.
        top: height of the highest blocker.
    """
    ru, rv = math.sqrt((top * ku) ** 2 + fu * fu), math.sqrt((top * kv) ** 2 + fv * fv)
    for _ in range(SEARCHES):
        blocked = _window(cover, u, v, ru, rv)
        if blocked < 1e-9:
            return 0.0
        h = _window(heights, u, v, ru, rv) / blocked
        # Never wider than the window before: the shadow stays continuous where blockers leave the window.
        ru = min(math.sqrt((h * ku) ** 2 + fu * fu), ru)
        rv = min(math.sqrt((h * kv) ** 2 + fv * fv), rv)
    return min(max(_window(cover, u, v, ru, rv) / (4.0 * ru * rv), 0.0), 1.0)


@tight_kernel
def darken(
    picture: U8, floor: U8, box: I32, H: F64, cover: F64, heights: F64, contacts: F64,
    penumbra: F64, top: float, near: F64, strength: float, contact: float, farthest: float,
) -> None:  # fmt: skip
    """Multiply a picture by the light that is left, in linear light, in place.

    Args:
        picture: (H, W, 3) sRGB.
        floor: (H, W) how much of each pixel is floor, 255 for all of it.
        box: (4,) x0, y0, x1, y1 of the pixels to look at.
        H: (3, 3) from pixels (x, y, 1) to cells, scaled so that its last row gives 1 / depth.
        cover, heights, contacts: summed areas.
        penumbra: (2,) half widths, in columns and rows, of a blocker's penumbra per metre above the floor.
        top: height of the highest blocker, metres.
        near: (2,) half widths of the narrow and the wide contact shadow, cells.
        strength, contact: of the two shadows.
        farthest: 1 / depth where they end.
    """
    columns, rows = cover.shape[1] - 1.0, cover.shape[0] - 1.0
    h00, h01, h02, h10, h11, h12 = H[0, 0], H[0, 1], H[0, 2], H[1, 0], H[1, 1], H[1, 2]
    h20, h21, h22 = H[2, 0], H[2, 1], H[2, 2]
    ku, kv = penumbra[0], penumbra[1]
    margin_u, margin_v = max(top * ku, near[1]), max(top * kv, near[1])
    for y in range(box[1], box[3]):
        py = y + 0.5
        for x in range(box[0], box[2]):
            share = floor[y, x]
            if share == 0:
                continue
            px = x + 0.5
            w = h20 * px + h21 * py + h22
            if w < farthest:
                continue
            k = 1.0 / w
            u, v = (h00 * px + h01 * py + h02) * k, (h10 * px + h11 * py + h12) * k
            # Half the pixel's parallelogram on the floor, as the rectangle of the same variances.
            fu = 0.5 * k * math.sqrt((h00 - u * h20) ** 2 + (h01 - u * h21) ** 2)
            fv = 0.5 * k * math.sqrt((h10 - v * h20) ** 2 + (h11 - v * h21) ** 2)
            fu, fv = max(fu, FINEST), max(fv, FINEST)
            mu, mv = margin_u + fu, margin_v + fv
            if u < -mu or v < -mv or u > columns + mu or v > rows + mv:
                continue
            left = 1.0
            if strength > 0:
                left -= strength * _shade(cover, heights, u, v, fu, fv, ku, kv, top)
            if contact > 0:
                ru, rv = math.sqrt(near[0] ** 2 + fu * fu), math.sqrt(near[0] ** 2 + fv * fv)
                Ru, Rv = math.sqrt(near[1] ** 2 + fu * fu), math.sqrt(near[1] ** 2 + fv * fv)
                close = _window(contacts, u, v, ru, rv) / (4.0 * ru * rv)
                wide = _window(contacts, u, v, Ru, Rv) / (4.0 * Ru * Rv)
                left *= 1.0 - contact * min(max(0.5 * close + 0.5 * wide, 0.0), 1.0)
            if left > 0.9995:
                continue
            left = 1.0 - share * (1.0 - left) / 255.0
            for c in range(3):
                light = TO_LINEAR[picture[y, x, c]] * left
                picture[y, x, c] = TO_SRGB[int(math.sqrt(max(light, 0.0)) * ENCODE_STEPS + 0.5)]
