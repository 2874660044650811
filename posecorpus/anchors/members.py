"""Which centre is nearest to each of many points, kept true while centres move.

Each point keeps an upper bound of the distance to its own centre and a lower one of that to any other (Hamerly,
2010). Where they no longer part, scores of all centres are found for a block of points at a time, in float32, and
where two are closer than float32 can tell, all distances anew in float64. So labels are those of a plain loop in
float64, however the machine rounds sums of products.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

BLOCK = 96
"""Points whose scores are found together: with 39 coordinates they fill half of a first-level cache."""
TILE = 4
"""Coordinates, and centres, that are taken at a time."""
SLACK = 1 + 1e-9
"""Far above what rounding does to bounds in float64."""


@dataclass(frozen=True, eq=False)
class Members:
    """Which of N points belong to which of K centres, and what is needed to mend it when centres move.

    Attributes:
        labels: (N,) int32, the nearest centre of each point.
        upper: (N,) float64, no less than the distance to it.
        lower: (N,) float64, no more than the distance to any other centre.
        sums: (K, D) float64, of the points of each centre.
        counts: (K,) int64, how many these are.
    """

    labels: NDArray[np.int32]
    upper: NDArray[np.float64]
    lower: NDArray[np.float64]
    sums: NDArray[np.float64]
    counts: NDArray[np.int64]


def nearest(
    points: NDArray[np.float32], centres: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """(N,) nearest of (K, D) centres to each of (N, D) points, the first of equals, and (N,) squared distances."""
    members = nobody(points, centres)
    settle(points, centres, np.zeros(len(centres)), members)
    return members.labels, squared_to_own(points, centres, members.labels)


def squared_to_own(
    points: NDArray[np.float32], centres: NDArray[np.float32], labels: NDArray[np.int32]
) -> NDArray[np.float64]:
    """(N,) squared distances of points to the centres (K, D) they belong to."""
    found = np.empty(len(points))
    _own(points, centres, labels, found)
    return found


def nobody(points: NDArray[np.float32], centres: NDArray[np.float32]) -> Members:
    """All points are still to be looked at."""
    count = len(points)
    labels, upper, lower = np.full(count, -1, np.int32), np.full(count, np.inf), np.zeros(count)
    return Members(labels, upper, lower, np.zeros(centres.shape), np.zeros(len(centres), np.int64))


def settle(
    points: NDArray[np.float32],
    centres: NDArray[np.float32],
    moves: NDArray[np.float64],
    members: Members,
) -> int:
    """Let each point belong to its nearest centre, after centres moved so far; how many changed."""
    clusters, dimensions = centres.shape
    tiles = np.zeros((-(-clusters // TILE) * TILE, -(-dimensions // TILE) * TILE), np.float32)
    origin = centres.mean(0)  # scores about it are exacter
    tiles[:clusters, :dimensions] = centres - origin
    halves = np.full(len(tiles), np.inf, np.float32)  # what fills up the last tile is infinitely far
    halves[:clusters] = (tiles[:clusters].astype(np.float64) ** 2).sum(1) / 2
    other_moves = np.full(clusters, moves.max())
    if clusters > 1:
        other_moves[moves.argmax()] = np.partition(moves, -2)[-2]
    alone = _half_way_to_others(centres) / SLACK
    m = members
    changed: int = _settle_points(
        points,
        centres,
        origin,
        tiles,
        halves,
        moves,
        other_moves,
        alone,
        m.labels,
        m.upper,
        m.lower,
        m.sums,
        m.counts,
    )
    return changed


def _half_way_to_others(centres: NDArray[np.float32]) -> NDArray[np.float64]:
    """(K,) half the distance of each centre to the nearest other: nearer points belong to it."""
    found = np.empty(len(centres))
    wide = centres.astype(np.float64)
    for k, centre in enumerate(wide):
        squared = ((wide - centre) ** 2).sum(1)
        squared[k] = np.inf
        found[k] = np.sqrt(squared.min()) / 2
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def _settle_points(  # type: ignore[no-untyped-def]
    points, centres, origin, tiles, halves, moves, other_moves, alone, labels, upper, lower, sums, counts
):
    packed = np.zeros((tiles.shape[1], BLOCK), np.float32)
    block = np.empty(BLOCK, np.int64)
    longest = np.sqrt(2 * np.float64(halves[: len(centres)].max()))
    rounding = 2.0 * (points.shape[1] + 8) * 2.0**-24
    waiting, changed = 0, 0
    for n in range(len(points) + 1):
        if n < len(points):
            k = labels[n]
            if k >= 0:
                upper[n] += moves[k]
                lower[n] -= other_moves[k]
                apart = max(lower[n], alone[k])
                if upper[n] * SLACK < apart:
                    continue
                upper[n] = np.sqrt(_squared(points[n], centres[k]))
                if upper[n] * SLACK < apart:
                    continue
            for d in range(points.shape[1]):
                packed[d, waiting] = points[n, d] - origin[d]
            block[waiting] = n
            waiting += 1
        if waiting < BLOCK and n < len(points):
            continue
        best, second, which = _two_best(packed, tiles, halves)
        for i in range(waiting):
            at, k = block[i], which[i]
            own = _squared(points[at], centres[k])
            off = rounding * longest * (np.sqrt(own) + 2 * longest)  # what a score may be wrong by
            lead = np.float64(best[i]) - np.float64(second[i]) - 2 * off
            other = own + 2 * lead
            if not lead > 0:
                k, own, other = _two_nearest(points[at], centres)
            upper[at], lower[at] = np.sqrt(own), np.sqrt(other)
            if k != labels[at]:
                _belongs(points[at], labels[at], k, sums, counts)
                labels[at] = k
                changed += 1
        waiting = 0
    return changed


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _two_best(packed, tiles, halves):  # type: ignore[no-untyped-def]
    """The largest two of all ``x c - c c / 2`` for each of a block of points, and which is the largest.

    The nearest centre has the largest. Products are added without being rounded where the machine can.
    """
    scores, which = np.empty((TILE, BLOCK), np.float32), np.zeros(BLOCK, np.int32)
    best = np.full(BLOCK, -np.inf, np.float32)
    second = best.copy()
    for k in range(0, len(tiles), TILE):
        s0, s1, s2, s3 = scores[0], scores[1], scores[2], scores[3]
        for i in range(TILE):
            scores[i] = -halves[k + i]
        for d in range(0, len(packed), TILE):
            x, y, z, w = packed[d], packed[d + 1], packed[d + 2], packed[d + 3]
            x0, y0, z0, w0 = tiles[k, d], tiles[k, d + 1], tiles[k, d + 2], tiles[k, d + 3]
            x1, y1, z1, w1 = tiles[k + 1, d], tiles[k + 1, d + 1], tiles[k + 1, d + 2], tiles[k + 1, d + 3]
            x2, y2, z2, w2 = tiles[k + 2, d], tiles[k + 2, d + 1], tiles[k + 2, d + 2], tiles[k + 2, d + 3]
            x3, y3, z3, w3 = tiles[k + 3, d], tiles[k + 3, d + 1], tiles[k + 3, d + 2], tiles[k + 3, d + 3]
            for p in range(BLOCK):
                s0[p] = s0[p] + x[p] * x0 + y[p] * y0 + z[p] * z0 + w[p] * w0
                s1[p] = s1[p] + x[p] * x1 + y[p] * y1 + z[p] * z1 + w[p] * w1
                s2[p] = s2[p] + x[p] * x2 + y[p] * y2 + z[p] * z2 + w[p] * w2
                s3[p] = s3[p] + x[p] * x3 + y[p] * y3 + z[p] * z3 + w[p] * w3
        for i in range(TILE):
            found = scores[i]
            for p in range(BLOCK):
                new, old, least = found[p], best[p], second[p]
                less = new if new < old else old
                second[p] = less if less > least else least
                which[p] = k + i if new > old else which[p]
                best[p] = new if new > old else old
    return best, second, which


@njit(cache=True, nogil=True, error_model="numpy")
def _two_nearest(point, centres):  # type: ignore[no-untyped-def]
    """The nearest centre, the first of equals; its squared distance, and that of the next one."""
    best, least, next_one = 0, np.inf, np.inf
    for k in range(len(centres)):
        found = _squared(point, centres[k])
        if found < least:
            best, least, next_one = k, found, least
        elif found < next_one:
            next_one = found
    return best, least, next_one


@njit(cache=True, nogil=True, error_model="numpy")
def _squared(point, centre):  # type: ignore[no-untyped-def]
    """Squared distance, summed in float64 in four runs that do not wait for each other."""
    a, b, c, e = 0.0, 0.0, 0.0, 0.0
    d, whole = 0, len(point) - len(point) % 4
    while d < whole:
        a += (np.float64(point[d]) - np.float64(centre[d])) ** 2
        b += (np.float64(point[d + 1]) - np.float64(centre[d + 1])) ** 2
        c += (np.float64(point[d + 2]) - np.float64(centre[d + 2])) ** 2
        e += (np.float64(point[d + 3]) - np.float64(centre[d + 3])) ** 2
        d += 4
    while d < len(point):
        a += (np.float64(point[d]) - np.float64(centre[d])) ** 2
        d += 1
    return (a + b) + (c + e)


@njit(cache=True, nogil=True)
def _belongs(point, old, new, sums, counts):  # type: ignore[no-untyped-def]
    """Take a point from a centre (-1: from none) and give it to another."""
    for d in range(len(point)):
        sums[new, d] += point[d]
    counts[new] += 1
    if old >= 0:
        for d in range(len(point)):
            sums[old, d] -= point[d]
        counts[old] -= 1


@njit(cache=True, nogil=True, error_model="numpy")
def _own(points, centres, labels, found):  # type: ignore[no-untyped-def]
    for n in range(len(points)):
        found[n] = _squared(points[n], centres[labels[n]])


@njit(cache=True, nogil=True, error_model="numpy")
def squares(points):  # type: ignore[no-untyped-def]
    """Sum of all squares."""
    origin, total = np.zeros(points.shape[1], np.float32), 0.0
    for n in range(len(points)):
        total += _squared(points[n], origin)
    return total
