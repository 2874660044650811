"""How much light is left on a floor, and the picture of it; see ``shadow``. Coordinates are counted in cells of its grid."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.places.shadow_map import PER_METRE, TOUCHING
from posecorpus.synth.raster.colour import ENCODE_STEPS, TO_LINEAR, TO_SRGB
from posecorpus.synth.raster.jit import inline, tight_kernel

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

SEARCHES = 2
"""How often the window in which blockers are looked for shrinks to the penumbra of what was found."""

FINEST = 0.5
"""Half width of the smallest window, in cells."""

DISC = 0.8660254
"""Half width of the square that is as wide as a disc of radius 1: of the same variance along either axis."""

NARROW, WIDE = 0.6, 2.0
"""Weights of the two blurs of contact; what feet leave of the sky around them is more than their soles cover."""

TILE = 4
"""Squares along a side of the tiles that are passed over together where nothing is near."""

LEAST = 5e-4
"""Less lost light than this is none."""


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


@inline
def _may_be_dark(
    H: F64, x0: float, y0: float, x1: float, y1: float, step: int, blockers: I32, contacts: I32,
    margin_u: float, margin_v: float, farthest: float,
) -> bool:  # fmt: skip
    """False if surely nothing keeps light from any square in a rectangle of pixels.

    Its image on the floor is convex: the box around the images of its corners, wider by the margins and by the
    largest pixel's own reach, holds the windows of all its squares.
    """
    u0 = v0 = np.inf
    u1 = v1 = -np.inf
    half_u = half_v = FINEST
    beyond = 0
    for corner in range(4):
        px, py = x1 if corner & 1 else x0, y1 if corner & 2 else y0
        w = H[2, 0] * px + H[2, 1] * py + H[2, 2]
        if w < farthest:  # beyond what the grid was made for
            beyond += 1
            continue
        k = 1.0 / w
        u = (H[0, 0] * px + H[0, 1] * py + H[0, 2]) * k
        v = (H[1, 0] * px + H[1, 1] * py + H[1, 2]) * k
        u0, u1, v0, v1 = min(u0, u), max(u1, u), min(v0, v), max(v1, v)
        half = step * k
        half_u = max(half_u, half * (abs(H[0, 0] - u * H[2, 0]) + abs(H[0, 1] - u * H[2, 1])))
        half_v = max(half_v, half * (abs(H[1, 0] - v * H[2, 0]) + abs(H[1, 1] - v * H[2, 1])))
    if beyond > 0:
        return beyond < 4
    mid_u, mid_v = 0.5 * (u0 + u1), 0.5 * (v0 + v1)
    ru, rv = u1 - mid_u + margin_u + 2 * half_u, v1 - mid_v + margin_v + 2 * half_v
    i0, i1, j0, j1 = _around(blockers, mid_u, mid_v, ru, rv)
    return _total(blockers, i0, i1, j0, j1, 0) > 0 or _total(contacts, i0, i1, j0, j1, 0) > 0


@tight_kernel
def light_left(
    box: I32, step: int, H: F64, blockers: I32, contacts: I32, penumbra: F64, top: float, near: F64,
    strength: float, contact: float, farthest: float, left: F32, dark: I32,
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
        dark: (rows, 2) first and one past the last of the squares of a row that are dark, likewise; equal if none is.
    """
    ku, kv = penumbra[0], penumbra[1]
    margin_u, margin_v = max(top * ku, near[1]), max(top * kv, near[1])
    i0, i1, j0, j1 = box[0] // step, box[2] // step, box[1] // step, box[3] // step
    for j in range(j0, j1):
        dark[j, 0] = dark[j, 1] = 0
        for i in range(i0, i1):
            left[j, i] = 1
    for j in range(j0, j1, TILE):
        end_j = min(j + TILE, j1)
        for i in range(i0, i1, TILE):
            end_i = min(i + TILE, i1)
            if _may_be_dark(H, i * step, j * step, end_i * step, end_j * step, step, blockers, contacts,
                      margin_u, margin_v, farthest):  # fmt: skip
                _light_tile(i, j, end_i, end_j, step, H, blockers, contacts, ku, kv, top, near,
                            strength, contact, farthest, left, dark)  # fmt: skip


@inline
def _light_tile(
    i0: int, j0: int, i1: int, j1: int, step: int, H: F64, blockers: I32, contacts: I32,
    ku: float, kv: float, top: float, near: F64, strength: float, contact: float, farthest: float,
    left: F32, dark: I32,
) -> None:  # fmt: skip
    """:func:`light_left` for the squares of columns ``i0`` to ``i1`` and rows ``j0`` to ``j1``."""
    h00, h01, h02, h10, h11, h12 = H[0, 0], H[0, 1], H[0, 2], H[1, 0], H[1, 1], H[1, 2]
    h20, h21, h22 = H[2, 0], H[2, 1], H[2, 2]
    for j in range(j0, j1):
        py = (j + 0.5) * step
        for i in range(i0, i1):
            px = (i + 0.5) * step
            w = h20 * px + h21 * py + h22
            if w < farthest:
                continue  # above the horizon, or nearly
            k = 1.0 / w
            u, v = (h00 * px + h01 * py + h02) * k, (h10 * px + h11 * py + h12) * k
            # Half the square's image on the floor, as the rectangle of the same variances.
            half = 0.5 * k * step
            fu = max(half * math.sqrt((h00 - u * h20) ** 2 + (h01 - u * h21) ** 2), FINEST)
            fv = max(half * math.sqrt((h10 - v * h20) ** 2 + (h11 - v * h21) ** 2), FINEST)
            light = 1.0
            if strength > 0:
                light -= strength * _shade(blockers, u, v, fu, fv, ku, kv, top)
            if contact > 0:
                light *= 1.0 - contact * _touch(contacts, u, v, fu, fv, near[0], near[1])
            if light < 1.0 - LEAST:
                left[j, i] = light
                dark[j, 0] = i if dark[j, 1] == 0 else min(dark[j, 0], i)
                dark[j, 1] = max(dark[j, 1], i + 1)


@tight_kernel
def darken(picture: U8, floor: U8, box: I32, step: int, left: F32, dark: I32) -> None:
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
        end = max(dark[ja, 1], dark[jb, 1])
        if end == 0:
            continue
        start = min(
            dark[ja, 0] if dark[ja, 1] > 0 else dark[jb, 0], dark[jb, 0] if dark[jb, 1] > 0 else dark[ja, 0]
        )
        for x in range(max((start - 1) * step, box[0]), min((end + 1) * step, box[2], width)):
            share = floor[y, x]
            if share == 0:
                continue
            along = (x + 0.5) / step - 0.5
            column = int(math.floor(along))  # noqa: RUF046
            ia, ib = min(max(column, i0), i1), min(max(column + 1, i0), i1)
            fx = np.float32(along - column)
            upper = left[ja, ia] + (left[ja, ib] - left[ja, ia]) * fx
            lower = left[jb, ia] + (left[jb, ib] - left[jb, ia]) * fx
            lost = np.float32(1) - (upper + (lower - upper) * fy)
            if lost < LEAST:
                continue
            remains = max(1.0 - share * lost / 255.0, 0.0)
            for c in range(3):
                light = TO_LINEAR[picture[y, x, c]] * remains
                picture[y, x, c] = TO_SRGB[int(math.sqrt(light) * ENCODE_STEPS + 0.5)]
