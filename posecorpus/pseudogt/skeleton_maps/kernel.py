"""The rasteriser of skeleton maps: exact row spans of each stick, then a closer look where sticks meet.

Every stick is a convex shape, so one span of each row is its own. Between the ends of spans the same sticks cover
every pixel: none or one, mostly. Only where there are several, pixels are looked at one by one.

No fast-math: the same joints must give the same bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.sticks import COMMON_END, FAR_PX, NEAR_M, POINT_PX

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]

AX, AY, BX, BY, UX, UY, LENGTH, NEARNESS, SLOPE = range(9)
"""Columns of a segment: ends and unit direction in the map, length in pixels, 1/z of the start and its rise a pixel."""

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
    # Also what keeps infinity and NaN away from the loops below.
    if not (max(abs(ax), abs(ay)) <= FAR_PX and max(abs(bx), abs(by)) <= FAR_PX):
        return False
    length = np.sqrt((bx - ax) ** 2 + (by - ay) ** 2)
    segments[i, AX], segments[i, AY], segments[i, BX], segments[i, BY] = ax, ay, bx, by
    if length < POINT_PX:
        segments[i, UX] = segments[i, UY] = segments[i, LENGTH] = 0.0
        segments[i, NEARNESS], segments[i, SLOPE] = 1.0 / min(az, bz), 0.0
    else:
        segments[i, UX], segments[i, UY], segments[i, LENGTH] = (bx - ax) / length, (by - ay) / length, length
        segments[i, NEARNESS], segments[i, SLOPE] = 1.0 / az, (1.0 / bz - 1.0 / az) / length
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
def _scan(i: int, segments: F64, radius: float, size: int, spans: I32, filled: I32) -> None:
    """Add the span of stick i to each row that it covers a pixel of."""
    ax, ay, bx, by = segments[i, AX], segments[i, AY], segments[i, BX], segments[i, BY]
    ux, uy, length = segments[i, UX], segments[i, UY], segments[i, LENGTH]
    for row in range(_first(min(ay, by) - radius, size), _beyond(max(ay, by) + radius, size)):
        low, high = _span(ax, ay, bx, by, ux, uy, length, row + 0.5, radius)
        first, beyond = _first(low, size), _beyond(high, size)
        if first < beyond:
            k = filled[row]
            spans[row, k, 0], spans[row, k, 1], spans[row, k, 2] = i, first, beyond
            filled[row] = k + 1


@_inline
def _gather(
    bits: int, segments: F64, discs: F64, sticks: I64, shared: I64, here: I64, pairs: I64, borders: F64
) -> tuple[int, int]:
    """List the sticks of ``bits`` in ``here``, and those pairs of them that share a joint.

    A pair is two places in the list (``pairs``), its joint in the map and the difference of its sticks' directions
    from there (``borders``): the border between them is at a right angle to that.

    Returns:
        how many sticks and how many pairs there are.
    """
    count = joined = 0
    for i in range(shared.shape[0]):
        if (bits >> i) & 1:
            here[count] = i
            for k in range(count):
                j, joint = here[k], shared[here[k], i]
                if joint >= 0:
                    sign_i = 1.0 if sticks[i, 0] == joint else -1.0
                    sign_j = 1.0 if sticks[j, 0] == joint else -1.0
                    pairs[joined, 0], pairs[joined, 1] = k, count
                    borders[joined, 0], borders[joined, 1] = discs[joint, 0], discs[joint, 1]
                    borders[joined, 2] = sign_i * segments[i, UX] - sign_j * segments[j, UX]
                    borders[joined, 3] = sign_i * segments[i, UY] - sign_j * segments[j, UY]
                    joined += 1
            count += 1
    return count, joined


@_inline
def _nearness(i: int, x: float, y: float, segments: F64) -> float:
    """1/z of the bone point that is seen nearest to (x, y); linear along the projected bone."""
    along = (x - segments[i, AX]) * segments[i, UX] + (y - segments[i, AY]) * segments[i, UY]
    along = min(max(along, 0.0), segments[i, LENGTH])
    return float(segments[i, NEARNESS] + along * segments[i, SLOPE])


@_inline
def _contests(x: float, y: float, reach: float, joined: int, borders: F64) -> int:
    """Two bits for each pair: 0 away from their joint, else whose the pixel is: 1 the earlier's, 2 the later's.

    At a common end the pixel is the stick's whose direction, from the joint, is nearer to the pixel's.
    """
    outcomes = 0
    for p in range(joined):
        dx, dy = x - borders[p, 0], y - borders[p, 1]
        close = dx * dx + dy * dy <= reach * reach
        later = dx * borders[p, 2] + dy * borders[p, 3] > 0.0
        outcomes |= (int(close) << int(later)) << (2 * p)
    return outcomes


@_inline
def _settle(outcomes: int, count: int, joined: int, here: I64, pairs: I64, winners: I64, kept: I64) -> int:
    """List in ``kept`` the sticks that stay, and return their number.

    A stick stays if none that stays wins over it. The relation has no cycles, so this settles.
    """
    for k in range(count):
        winners[k] = 0
    for p in range(joined):
        outcome = (outcomes >> (2 * p)) & 3
        if outcome == 1:
            winners[pairs[p, 1]] |= 1 << pairs[p, 0]
        elif outcome == 2:
            winners[pairs[p, 0]] |= 1 << pairs[p, 1]
    before, stay = 0, (1 << count) - 1
    while stay != before:
        before, stay = stay, 0
        for k in range(count):
            if winners[k] & before == 0:
                stay |= 1 << k
    staying = 0
    for k in range(count):
        if (stay >> k) & 1:
            kept[staying] = here[k]
            staying += 1
    return staying


@_inline
def _run(
    row: int, column: int, upto: int, reach: float, count: int, joined: int, segments: F64, here: I64, pairs: I64,
    borders: F64, winners: I64, kept: I64, front: U8, back: U8, n: int,
) -> None:  # fmt: skip
    """Fill the pixels of a row from ``column`` to before ``upto``, all covered by the sticks here."""
    before, staying, y = -1, 0, row + 0.5
    for column_ in range(column, upto):
        x = column_ + 0.5
        outcomes = _contests(x, y, reach, joined, borders)
        if outcomes != before:
            before = outcomes
            staying = _settle(outcomes, count, joined, here, pairs, winners, kept)
        first = last = kept[0]
        nearest = farthest = _nearness(first, x, y, segments)
        for k in range(1, staying):
            nearness = _nearness(kept[k], x, y, segments)
            if nearness > nearest:
                nearest, first = nearness, kept[k]
            if nearness < farthest:
                farthest, last = nearness, kept[k]
        front[n, row, column_], back[n, row, column_] = first + 1, last + 1


@_inline
def _run_of_two(
    row: int, column: int, upto: int, reach: float, joined: int, segments: F64, here: I64, borders: F64,
    front: U8, back: U8, n: int,
) -> None:  # fmt: skip
    """As :func:`_run` for two sticks: by far the most frequent case, and one without ranking."""
    i, j = here[0], here[1]
    y = row + 0.5
    dy = y - borders[0, 1]
    for column_ in range(column, upto):
        x = column_ + 0.5
        if joined == 1:
            dx = x - borders[0, 0]
            if dx * dx + dy * dy <= reach * reach:
                owner = j if dx * borders[0, 2] + dy * borders[0, 3] > 0.0 else i
                front[n, row, column_] = back[n, row, column_] = owner + 1
                continue
        near_i, near_j = _nearness(i, x, y, segments), _nearness(j, x, y, segments)
        front[n, row, column_] = j + 1 if near_j > near_i else i + 1
        back[n, row, column_] = j + 1 if near_j < near_i else i + 1


@_kernel
def _draw(
    points: F64, K: F64, windows: F64, stick_px: F64, sticks: I64, shared: I64, front: U8, back: U8,
    spans: I32, filled: I32, ends: F64, discs: F64, segments: F64, here: I64, winners: I64, kept: I64, pairs: I64,
    borders: F64,
) -> None:  # fmt: skip
    size = front.shape[1]
    for n in range(points.shape[0]):
        _project(points, n, K, windows, size, ends)
        for p in range(ends.shape[0]):
            known = ends[p, 2] >= NEAR_M  # else NaN: no pixel is near it
            discs[p, 0] = ends[p, 0] / ends[p, 2] if known else np.nan
            discs[p, 1] = ends[p, 1] / ends[p, 2] if known else np.nan
        for row in range(size):
            filled[row] = 0
        for i in range(sticks.shape[0]):
            if _segment(ends, sticks[i, 0], sticks[i, 1], i, segments):
                _scan(i, segments, 0.5 * stick_px[n], size, spans, filled)
        reach = COMMON_END * stick_px[n]
        before = count = joined = 0
        for row in range(size):
            for column in range(size):
                front[n, row, column] = back[n, row, column] = 0
            column = 0 if filled[row] > 0 else size
            while column < size:
                bits, only, upto = 0, 0, size
                for k in range(filled[row]):
                    if spans[row, k, 1] > column:
                        upto = min(upto, spans[row, k, 1])
                    elif spans[row, k, 2] > column:
                        upto = min(upto, spans[row, k, 2])
                        only = spans[row, k, 0]
                        bits |= 1 << only
                if bits & (bits - 1) == 0:
                    for x in range(column, upto if bits else column):
                        front[n, row, x] = back[n, row, x] = only + 1
                else:
                    if bits != before:
                        before = bits
                        count, joined = _gather(bits, segments, discs, sticks, shared, here, pairs, borders)
                    if count == 2:
                        _run_of_two(row, column, upto, reach, joined, segments, here, borders, front, back, n)
                    else:
                        _run(
                            row, column, upto, reach, count, joined, segments, here, pairs, borders, winners, kept,
                            front, back, n,
                        )  # fmt: skip
                column = upto


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
    most = bones * (bones - 1) // 2
    _draw(
        points, K, windows, stick_px, sticks, shared, foreground, background,
        spans=np.empty((size, bones, 3), np.int32), filled=np.empty(size, np.int32), ends=np.empty((ends, 3)),
        discs=np.empty((ends, 2)), segments=np.empty((bones, 9)), here=np.empty(bones, np.int64),
        winners=np.empty(bones, np.int64), kept=np.empty(bones, np.int64), pairs=np.empty((most, 2), np.int64), borders=np.empty((most, 4)),
    )  # fmt: skip
