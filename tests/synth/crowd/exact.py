"""Exact answers, slowly: whether triangles with whole-number corners have a point in common."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def triangles_touch(t: Ints, u: Ints) -> NDArray[np.bool_]:
    """Pairs of closed triangles (N, 3, 3) with coordinates below 2^19: no product overflows.

    Two triangles touch where an edge of one meets the other.
    """
    result = np.zeros(len(t), bool)
    for one, other in ((t, u), (u, t)):
        for k in range(3):
            result |= _edge_meets(one[:, k], one[:, (k + 1) % 3], other)
    return result


def _det(a: Ints, b: Ints, c: Ints) -> Ints:
    return np.asarray(np.sign((np.cross(a, b) * c).sum(-1)))


def _volume(a: Ints, b: Ints, c: Ints, d: Ints) -> Ints:
    return _det(b - a, c - a, d - a)


def _edge_meets(p: Ints, q: Ints, u: Ints) -> NDArray[np.bool_]:
    a, b, c = u[:, 0], u[:, 1], u[:, 2]
    above, below = _volume(a, b, c, p), _volume(a, b, c, q)
    turns = np.stack([_volume(p, q, a, b), _volume(p, q, b, c), _volume(p, q, c, a)])
    pierced = (turns >= 0).all(0) | (turns <= 0).all(0)
    flat = (above == 0) & (below == 0)
    result = (above * below <= 0) & ~flat & pierced
    for i in np.flatnonzero(flat):
        normal = np.cross(b[i] - a[i], c[i] - a[i])
        keep = np.arange(3) != np.abs(normal).argmax()
        result[i] = _flat_meets(p[i][keep], q[i][keep], u[i][:, keep])
    return result


def _turn(a: Ints, b: Ints, c: Ints) -> int:
    return int(np.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])))


def _flat_meets(p: Ints, q: Ints, u: Ints) -> bool:
    sides = [_turn(u[k], u[(k + 1) % 3], p) for k in range(3)]
    if min(sides) >= 0 or max(sides) <= 0:
        return True
    return any(_segments_meet(p, q, u[k], u[(k + 1) % 3]) for k in range(3))


def _segments_meet(p: Ints, q: Ints, r: Ints, s: Ints) -> bool:
    one, two, three, four = _turn(p, q, r), _turn(p, q, s), _turn(r, s, p), _turn(r, s, q)
    if one * two < 0 and three * four < 0:
        return True
    ends = ((one, p, q, r), (two, p, q, s), (three, r, s, p), (four, r, s, q))
    return any(turn == 0 and _between(a, b, c) for turn, a, b, c in ends)


def _between(a: Ints, b: Ints, c: Ints) -> bool:
    return bool((np.minimum(a, b) <= c).all() and (c <= np.maximum(a, b)).all())
