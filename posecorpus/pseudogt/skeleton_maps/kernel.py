"""The rasteriser of skeleton maps: exact row spans of each stick, then a closer look where sticks meet.

Every stick is a convex shape, so one span of each row is its own; the spans of all rows are found at once, by vectors.
A span that meets no other is filled. Between the ends of those that meet, the same sticks cover every pixel: only
where these are several, pixels are looked at one by one.

No fast-math: the same joints must give the same bytes on every machine.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.sticks import COMMON_END, FAR_PX, NEAR_M, POINT_PX
from posecorpus.pseudogt.jit import inline, tight_kernel

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]

AX, AY, BX, BY, UX, UY, LENGTH, NEARNESS, SLOPE = range(9)
"""Columns of a segment: ends and unit direction in the map, length in pixels, 1/z of the start and its rise a pixel."""

I64 = NDArray[np.int64]

LEAST = 1e-150
"""What stands for 0 in a direction: its reciprocal times any coordinate is finite."""


@inline
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


@inline
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


@inline
def _first(coordinate: float, size: int) -> int:
    """The first pixel whose centre is at or after a coordinate, at most ``size``."""
    return int(np.ceil(min(max(coordinate - 0.5, 0.0), float(size))))


@inline
def _beyond(coordinate: float, size: int) -> int:
    """One more than the last pixel whose centre is at or before a coordinate, at least 0."""
    return int(np.floor(min(max(coordinate + 0.5, 0.0), float(size))))


@inline
def _reciprocal(value: float) -> float:
    """1 / value; of a value too small, or 0, that of the least there is."""
    return 1.0 / value if abs(value) > LEAST else 1.0 / LEAST


@inline
def _measure(
    ax: float, ay: float, bx: float, by: float, ux: float, uy: float, length: float, radius: float, top: int, size: int,
    firsts: I32, beyonds: I32,
) -> None:  # fmt: skip
    """Where rows from ``top`` enter and leave a stick: two discs and the rectangle between them.

    A point x, dy from the start is in the rectangle where |x uy - dy ux| <= radius and 0 <= x ux + dy uy <= length.
    """
    down, right = _reciprocal(uy), _reciprocal(ux)
    across, along = ux * down, uy * right
    wide = radius * abs(down) if length > 0.0 else -np.inf  # without length there is no rectangle
    before, after = min(0.0, length * right), max(0.0, length * right)
    square, limit = radius * radius, float(size)
    for k in range(len(firsts)):
        y = np.float64(np.int32(top + k)) + 0.5
        dy, ey = y - ay, y - by
        a, b = square - dy * dy, square - ey * ey
        half_a, half_b = np.sqrt(max(a, 0.0)), np.sqrt(max(b, 0.0))
        enter = max(dy * across - wide, before - dy * along)
        leave = min(dy * across + wide, after - dy * along)
        low = ax + enter if enter <= leave else np.inf
        high = ax + leave if enter <= leave else -np.inf
        low = min(low, ax - half_a if a >= 0.0 else np.inf)
        high = max(high, ax + half_a if a >= 0.0 else -np.inf)
        low = min(low, bx - half_b if b >= 0.0 else np.inf)
        high = max(high, bx + half_b if b >= 0.0 else -np.inf)
        firsts[k] = np.int32(np.ceil(min(max(low - 0.5, 0.0), limit)))
        beyonds[k] = np.int32(np.floor(min(max(high + 0.5, 0.0), limit)))


@inline
def _scan(
    i: int, segments: F64, radius: float, size: int, firsts: I32, beyonds: I32, spans: I32, filled: I32
) -> None:  # fmt: skip
    """Add the span of stick i to each row that it covers a pixel of; a row's spans are kept from left to right."""
    ay, by = segments[i, AY], segments[i, BY]
    top, bottom = _first(min(ay, by) - radius, size), _beyond(max(ay, by) + radius, size)
    if top >= bottom:
        return
    _measure(
        segments[i, AX], ay, segments[i, BX], by, segments[i, UX], segments[i, UY], segments[i, LENGTH], radius, top,
        size, firsts[: bottom - top], beyonds[: bottom - top],
    )  # fmt: skip
    for row in range(top, bottom):
        first, beyond = firsts[row - top], beyonds[row - top]
        if first < beyond:
            k = filled[row]
            filled[row] = k + 1
            while k > 0 and spans[row, k - 1, 1] > first:
                for column in range(3):
                    spans[row, k, column] = spans[row, k - 1, column]
                k -= 1
            spans[row, k, 0], spans[row, k, 1], spans[row, k, 2] = i, first, beyond


@inline
def _border(j: int, i: int, joint: int, segments: F64, sticks: I64) -> tuple[float, float]:
    """Direction of stick i less that of stick j, both from the joint that they share."""
    sign_i = 1.0 if sticks[i, 0] == joint else -1.0
    sign_j = 1.0 if sticks[j, 0] == joint else -1.0
    return (
        sign_i * segments[i, UX] - sign_j * segments[j, UX],
        sign_i * segments[i, UY] - sign_j * segments[j, UY],
    )


@inline
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
                    pairs[joined, 0], pairs[joined, 1] = k, count
                    borders[joined, 0], borders[joined, 1] = discs[joint, 0], discs[joint, 1]
                    borders[joined, 2], borders[joined, 3] = _border(j, i, joint, segments, sticks)
                    joined += 1
            count += 1
    return count, joined


@inline
def _nearness(i: int, x: float, y: float, segments: F64) -> float:
    """1/z of the bone point that is seen nearest to (x, y); linear along the projected bone."""
    along = (x - segments[i, AX]) * segments[i, UX] + (y - segments[i, AY]) * segments[i, UY]
    along = min(max(along, 0.0), segments[i, LENGTH])
    return float(segments[i, NEARNESS] + along * segments[i, SLOPE])


@inline
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


@inline
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
    while outcomes != 0 and stay != before:
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


@inline
def _run(
    row: int, column: int, upto: int, reach: float, count: int, joined: int, outcomes: int, staying: int, segments: F64,
    here: I64, pairs: I64, borders: F64, winners: I64, kept: I64, front: U8, back: U8,
) -> tuple[int, int]:  # fmt: skip
    """Fill the pixels of a row from ``column`` to before ``upto``, all covered by the sticks here.

    ``outcomes`` are those for which ``staying`` sticks are listed in ``kept``: -1 for none, the last ones are returned.
    """
    y = row + 0.5
    for column_ in range(column, upto):
        x = column_ + 0.5
        now = _contests(x, y, reach, joined, borders)
        if now != outcomes:
            outcomes, staying = now, _settle(now, count, joined, here, pairs, winners, kept)
        first = last = kept[0]
        nearest = farthest = _nearness(first, x, y, segments)
        for k in range(1, staying):
            nearness = _nearness(kept[k], x, y, segments)
            if nearness > nearest:
                nearest, first = nearness, kept[k]
            if nearness < farthest:
                farthest, last = nearness, kept[k]
        front[row, column_], back[row, column_] = first + 1, last + 1
    return outcomes, staying


@inline
def _run_of_two(
    i: int, j: int, row: int, column: int, upto: int, reach: float, segments: F64, discs: F64, sticks: I64,
    shared: I64, front: U8, back: U8,
) -> None:  # fmt: skip
    """As :func:`_run` for two sticks: by far the most frequent case, and one without lists."""
    joint, y = shared[i, j], row + 0.5
    dx0 = dy = across = along = 0.0
    square = -1.0  # no pixel is as near
    if joint >= 0:
        across, along = _border(i, j, joint, segments, sticks)
        dx0, dy, square = 0.5 - discs[joint, 0], y - discs[joint, 1], reach * reach
    for column_ in range(column, upto):
        dx, x = column_ + dx0, column_ + 0.5
        near_i, near_j = _nearness(i, x, y, segments), _nearness(j, x, y, segments)
        later_front, later_back = near_j > near_i, near_j < near_i
        if dx * dx + dy * dy <= square:
            later_front = later_back = dx * across + dy * along > 0.0
        front[row, column_] = j + 1 if later_front else i + 1
        back[row, column_] = j + 1 if later_back else i + 1


@tight_kernel
def _draw(
    points: F64, K: F64, windows: F64, stick_px: F64, sticks: I64, shared: I64, front: U8, back: U8, firsts: I32,
    beyonds: I32, spans: I32, filled: I32, ends: F64, discs: F64, segments: F64, here: I64, winners: I64, kept: I64,
    pairs: I64, borders: F64,
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
                _scan(i, segments, 0.5 * stick_px[n], size, firsts, beyonds, spans, filled)
        reach = COMMON_END * stick_px[n]
        before = count = joined = staying = 0
        outcomes = -1
        for row in range(size):
            _fill(front[n, row], 0)
            _fill(back[n, row], 0)
            k = 0
            while k < filled[row]:  # spans that meet, from k to before past
                column, end, past = spans[row, k, 1], spans[row, k, 2], k + 1
                while past < filled[row] and spans[row, past, 1] < end:
                    end = max(end, spans[row, past, 2])
                    past += 1
                while column < end:
                    upto, last, other, covering, bits = end, 0, 0, 0, 0
                    for m in range(k, past):
                        if spans[row, m, 1] > column:
                            upto = min(upto, spans[row, m, 1])
                            break
                        if spans[row, m, 2] > column:
                            upto = min(upto, spans[row, m, 2])
                            other, last = last, spans[row, m, 0]
                            covering += 1
                            bits |= 1 << last
                    if covering == 1:
                        _fill(front[n, row, column:upto], last + 1)
                        _fill(back[n, row, column:upto], last + 1)
                    elif covering == 2:
                        _run_of_two(
                            min(last, other), max(last, other), row, column, upto, reach, segments, discs, sticks,
                            shared, front[n], back[n],
                        )  # fmt: skip
                    else:
                        if bits != before:
                            before, outcomes = bits, -1
                            count, joined = _gather(
                                bits, segments, discs, sticks, shared, here, pairs, borders
                            )
                        outcomes, staying = _run(
                            row, column, upto, reach, count, joined, outcomes, staying, segments, here, pairs, borders,
                            winners, kept, front[n], back[n],
                        )  # fmt: skip
                    column = upto
                k = past


@inline
def _fill(pixels: U8, value: int) -> None:
    for column in range(len(pixels)):
        pixels[column] = np.uint8(value)


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
        firsts=np.empty(size, np.int32), beyonds=np.empty(size, np.int32),
        spans=np.empty((size, bones, 3), np.int32), filled=np.empty(size, np.int32), ends=np.empty((ends, 3)),
        discs=np.empty((ends, 2)), segments=np.empty((bones, 9)), here=np.empty(bones, np.int64),
        winners=np.empty(bones, np.int64), kept=np.empty(bones, np.int64), pairs=np.empty((most, 2), np.int64), borders=np.empty((most, 4)),
    )  # fmt: skip
