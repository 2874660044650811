"""The rasteriser of skeleton maps: exact row spans of each stick, then a closer look where sticks meet.

Most pixels are covered by no stick or by one. Every stick is a convex shape, so one span of each row is its
own; the pixels where a second stick arrives are noted, and only there depths are compared.

No fast-math: the same joints must give the same bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.sticks import COMMON_END, NEAR_M, POINT_PX

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
I32 = NDArray[np.int32]

AX, AY, BX, BY, UX, UY, LENGTH, NEARNESS_A, NEARNESS_B = range(9)
"""Columns of a segment: ends and unit direction in the map, length in pixels, 1/z of both ends."""

I64 = NDArray[np.int64]

_UNCOUNTED: dict[str, Any] = {"_nrt": False}  # in every numba, but not in its type hints
F = TypeVar("F", bound=Callable[..., object])


def _inline(function: F) -> F:
    return cast(F, numba.njit(forceinline=True, error_model="numpy", **_UNCOUNTED)(function))


def _kernel(function: F) -> F:
    """Compiled without reference counts: nothing is allocated inside, and the caller's references outlive the call."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy", **_UNCOUNTED)(function))


@_inline
def _project(points: F64, n: int, K: F64, windows: F64, size: int, ends: F64) -> None:
    """Points (N, 16, 3) of map n to homogeneous pixels of the map, x z, y z, z, in ``ends`` (16, 3)."""
    sx, sy = size / (windows[n, 2] - windows[n, 0]), size / (windows[n, 3] - windows[n, 1])
    fx, skew, cx = sx * K[n, 0, 0], sx * K[n, 0, 1], sx * (K[n, 0, 2] - windows[n, 0])
    fy, cy = sy * K[n, 1, 1], sy * (K[n, 1, 2] - windows[n, 1])
    for p in range(ends.shape[0]):
        x, y, z = points[n, p, 0], points[n, p, 1], points[n, p, 2]
        ends[p, 0] = fx * x + skew * y + cx * z
        ends[p, 1] = fy * y + cy * z
        ends[p, 2] = z


@_inline
def _segment(ends: F64, a: int, b: int, i: int, segments: F64) -> bool:
    """Put the part of bone i before the near plane into ``segments``; whether there is any."""
    ax, ay, az, bx, by, bz = ends[a, 0], ends[a, 1], ends[a, 2], ends[b, 0], ends[b, 1], ends[b, 2]
    if not np.isfinite(ax + ay + az + bx + by + bz) or max(az, bz) < NEAR_M:
        return False
    if az < NEAR_M:
        s = (NEAR_M - az) / (bz - az)
        ax, ay, az = ax + s * (bx - ax), ay + s * (by - ay), NEAR_M
    elif bz < NEAR_M:
        s = (NEAR_M - bz) / (az - bz)
        bx, by, bz = bx + s * (ax - bx), by + s * (ay - by), NEAR_M
    ax, ay, bx, by = ax / az, ay / az, bx / bz, by / bz
    length = np.sqrt((bx - ax) ** 2 + (by - ay) ** 2)
    segments[i, AX], segments[i, AY], segments[i, BX], segments[i, BY] = ax, ay, bx, by
    if length < POINT_PX:
        segments[i, UX] = segments[i, UY] = segments[i, LENGTH] = 0.0
        segments[i, NEARNESS_A] = segments[i, NEARNESS_B] = 1.0 / min(az, bz)
    else:
        segments[i, UX], segments[i, UY], segments[i, LENGTH] = (bx - ax) / length, (by - ay) / length, length
        segments[i, NEARNESS_A], segments[i, NEARNESS_B] = 1.0 / az, 1.0 / bz
    return True


@_inline
def _span(
    ax: float, ay: float, bx: float, by: float, ux: float, uy: float, length: float, y: float, radius: float
) -> tuple[float, float]:
    """Where the row at ``y`` enters and leaves a stick: two discs and the rectangle between them."""
    low, high = np.inf, -np.inf
    dy, ey = y - ay, y - by
    if abs(dy) <= radius:
        half = np.sqrt(radius * radius - dy * dy)
        low, high = ax - half, ax + half
    if abs(ey) <= radius:
        half = np.sqrt(radius * radius - ey * ey)
        low, high = min(low, bx - half), max(high, bx + half)
    if length == 0.0:
        return low, high
    # Across the bone: |x uy - dy ux| <= radius. Along it: 0 <= x ux + dy uy <= length. x counts from its start.
    enter, leave = -np.inf, np.inf
    if uy != 0.0:
        p, q = (dy * ux - radius) / uy, (dy * ux + radius) / uy
        enter, leave = min(p, q), max(p, q)
    elif abs(dy) > radius:
        return low, high
    if ux != 0.0:
        p, q = -dy * uy / ux, (length - dy * uy) / ux
        enter, leave = max(enter, min(p, q)), min(leave, max(p, q))
    elif dy * uy < 0.0 or dy * uy > length:
        return low, high
    if enter <= leave:
        low, high = min(low, ax + enter), max(high, ax + leave)
    return low, high


@_inline
def _first(coordinate: float, size: int) -> int:
    """The first pixel whose centre is at or after a coordinate, at most ``size``."""
    return int(np.ceil(min(max(coordinate - 0.5, 0.0), float(size))))


@_inline
def _beyond(coordinate: float, size: int) -> int:
    """One more than the last pixel whose centre is at or before a coordinate, at least 0."""
    return int(np.floor(min(max(coordinate + 0.5, 0.0), float(size))))


@_inline
def _fill(i: int, segments: F64, radius: float, covered: U16, shown: U8, n: int, met: I32, count: int) -> int:
    """Mark the pixels of stick i; note in ``met`` those that it is the second to cover.

    Args:
        covered: (S, S) bit i is set where stick i covers.
        shown: (N, S, S), of which map n receives the id where the stick is the first.
        count: how many pixels are noted already; their new number is returned.
    """
    size = covered.shape[0]
    bit, name = np.uint16(1 << i), np.uint8(i + 1)
    ax, ay, bx, by = segments[i, AX], segments[i, AY], segments[i, BX], segments[i, BY]
    ux, uy, length = segments[i, UX], segments[i, UY], segments[i, LENGTH]
    for row in range(_first(min(ay, by) - radius, size), _beyond(max(ay, by) + radius, size)):
        low, high = _span(ax, ay, bx, by, ux, uy, length, row + 0.5, radius)
        if low > high:
            continue
        for column in range(_first(low, size), _beyond(high, size)):
            before = covered[row, column]
            covered[row, column] = before | bit
            if before == 0:
                shown[n, row, column] = name
            elif before & (before - np.uint16(1)) == 0:
                met[count] = row * size + column
                count += 1
    return count


@_inline
def _gather(bits: np.int64, shared: I64, here: I64, pairs: I64) -> tuple[int, int]:
    """List the sticks of ``bits`` and those pairs of them (by place in the list) that share a point.

    Returns:
        how many sticks and how many pairs there are.
    """
    count = joined = 0
    for i in range(shared.shape[0]):
        if (bits >> i) & 1:
            here[count] = i
            for k in range(count):
                if shared[here[k], i] >= 0:
                    pairs[joined, 0], pairs[joined, 1], pairs[joined, 2] = k, count, shared[here[k], i]
                    joined += 1
            count += 1
    return count, joined


@_inline
def _wins(i: int, j: int, dx: float, dy: float, joint: int, segments: F64, sticks: I64) -> bool:
    """Whether stick i, not j, has the pixel (dx, dy) off their joint: whose direction is nearer to the pixel's."""
    along_i = dx * segments[i, UX] + dy * segments[i, UY]
    along_j = dx * segments[j, UX] + dy * segments[j, UY]
    along_i = along_i if sticks[i, 0] == joint else -along_i
    along_j = along_j if sticks[j, 0] == joint else -along_j
    return bool(along_i >= along_j)


@_inline
def _nearness(i: int, x: float, y: float, segments: F64) -> float:
    """1/z of the bone point that is seen nearest to (x, y); linear along the projected bone."""
    near_a, near_b, length = segments[i, NEARNESS_A], segments[i, NEARNESS_B], segments[i, LENGTH]
    if length == 0.0:
        return float(near_a)
    s = ((x - segments[i, AX]) * segments[i, UX] + (y - segments[i, AY]) * segments[i, UY]) / length
    s = min(max(s, 0.0), 1.0)
    return float((1.0 - s) * near_a + s * near_b)


@_inline
def _yield(
    x: float, y: float, reach: float, count: int, joined: int, here: I64, pairs: I64, winners: I64,
    segments: F64, discs: F64, sticks: I64,
) -> bool:  # fmt: skip
    """Fill ``winners``: for each stick here the bits of those that it yields the pixel to. Whether any does."""
    for k in range(count):
        winners[k] = 0
    contested = False
    for p in range(joined):
        k, m, joint = pairs[p, 0], pairs[p, 1], pairs[p, 2]
        dx, dy = x - discs[joint, 0], y - discs[joint, 1]
        if dx * dx + dy * dy <= reach * reach:
            contested = True
            if _wins(here[k], here[m], dx, dy, joint, segments, sticks):
                winners[m] |= 1 << k
            else:
                winners[k] |= 1 << m
    return contested


@_inline
def _resolve(
    x: float, y: float, count: int, contested: bool, here: I64, winners: I64, segments: F64
) -> tuple[int, int]:
    """Ids of the nearest and the farthest of the sticks here that stay.

    A stick stays if none that stays wins over it. The relation has no cycles, so this settles.
    """
    stay = (1 << count) - 1
    while contested:
        after = 0
        for k in range(count):
            if winners[k] & stay == 0:
                after |= 1 << k
        contested = after != stay
        stay = after
    nearest, farthest = -np.inf, np.inf
    front = back = 0
    for k in range(count):
        if (stay >> k) & 1:
            nearness = _nearness(here[k], x, y, segments)
            if nearness > nearest:
                nearest, front = nearness, here[k] + 1
            if nearness < farthest:
                farthest, back = nearness, here[k] + 1
    return front, back


@_kernel
def _draw(
    points: F64, K: F64, windows: F64, stick_px: F64, sticks: I64, shared: I64, foreground: U8, background: U8,
    covered: U16, met: I32, ends: F64, discs: F64, segments: F64, here: I64, winners: I64, pairs: I64,
) -> None:  # fmt: skip
    size = foreground.shape[1]
    for n in range(points.shape[0]):
        for row in range(size):
            for column in range(size):
                foreground[n, row, column] = 0
                covered[row, column] = 0
        _project(points, n, K, windows, size, ends)
        for p in range(ends.shape[0]):
            known = ends[p, 2] >= NEAR_M  # else NaN: no pixel is near it
            discs[p, 0] = ends[p, 0] / ends[p, 2] if known else np.nan
            discs[p, 1] = ends[p, 1] / ends[p, 2] if known else np.nan
        count = 0
        for i in range(sticks.shape[0]):
            if _segment(ends, sticks[i, 0], sticks[i, 1], i, segments):
                count = _fill(i, segments, 0.5 * stick_px[n], covered, foreground, n, met, count)
        for row in range(size):
            for column in range(size):
                background[n, row, column] = foreground[n, row, column]
        before, reach = np.uint16(0), COMMON_END * stick_px[n]
        sticks_here = pairs_here = 0
        for k in range(count):
            row, column = met[k] // size, met[k] % size
            if covered[row, column] != before:
                before = covered[row, column]
                sticks_here, pairs_here = _gather(np.int64(before), shared, here, pairs)
            x, y = column + 0.5, row + 0.5
            contested = _yield(
                x, y, reach, sticks_here, pairs_here, here, pairs, winners, segments, discs, sticks
            )
            front, back = _resolve(x, y, sticks_here, contested, here, winners, segments)
            foreground[n, row, column], background[n, row, column] = front, back


def draw(
    points: F64, K: F64, windows: F64, stick_px: F64, sticks: I64, shared: I64, foreground: U8, background: U8
) -> None:
    """Draw a batch of skeleton maps.

    Args:
        points: (N, 16, 3) metres in the camera frame; NaN where missing.
        K: (N, 3, 3) intrinsics of the image, pixels; last row 0 0 1.
        windows: (N, 4) x0, y0, x1, y1 of the image, pixels.
        stick_px: (N,) widths of the sticks in pixels of the map.
        sticks: (15, 2) points of each stick.
        shared: (15, 15) the point that two sticks have in common, or -1.
        foreground, background: (N, S, S) receive the ids.
    """
    size, ends, bones = foreground.shape[1], points.shape[1], len(sticks)
    _draw(
        points, K, windows, stick_px, sticks, shared, foreground, background,
        covered=np.empty((size, size), np.uint16), met=np.empty(size * size, np.int32), ends=np.empty((ends, 3)),
        discs=np.empty((ends, 2)), segments=np.empty((bones, 9)), here=np.empty(bones, np.int64),
        winners=np.empty(bones, np.int64), pairs=np.empty((bones * (bones - 1) // 2, 3), np.int64),
    )  # fmt: skip
