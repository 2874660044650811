"""Lloyd's iterations with long strides, each of which looks only at points whose nearest centre may have changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.anchors.members import Members, nobody, settle, squared_to_own, squares

STRIDE = 1.8
"""How far centres go towards the means of their points, and beyond: while it is less than 2 inertia cannot rise,
and points that are about to change sides do so earlier."""


def lloyd(
    points: NDArray[np.float32], centres: NDArray[np.float32], iterations: int, tolerance: float
) -> tuple[NDArray[np.float32], NDArray[np.int32], int]:
    """Iterate from given centres; a centre that loses all its points goes to the one that is worst off.

    With as many different points as centres, none is left without in the end.

    Args:
        points: (N, D), finite; centres: (K, D).
        iterations: at most.
        tolerance: relative gain of inertia in an iteration below which it is the last.

    Returns:
        (K, D) centres, (N,) the nearest of them to each point, and how many iterations there were.
    """
    members, moves = nobody(points, centres), np.zeros(len(centres))
    total, inertia, done, beyond = squares(points), np.inf, 0, True
    while True:
        changed = settle(points, centres, moves, members)
        before, inertia = inertia, total - _explained(members)
        little = not changed or before - inertia <= tolerance * inertia
        if done == iterations or (little and not beyond):
            break
        done += 1
        beyond = not little and done < iterations
        goals = _filled(_goals(centres, members, STRIDE if beyond else 1.0), points, centres, members)
        centres, moves = goals, _apart(goals, centres)
    while not members.counts.all():
        goals = _filled(centres, points, centres, members)
        if np.array_equal(goals, centres):
            break  # every point is where a centre is
        centres, moves = goals, _apart(goals, centres)
        settle(points, centres, moves, members)
    return centres, members.labels, done


def _goals(centres: NDArray[np.float32], members: Members, stride: float) -> NDArray[np.float32]:
    """(K, D) where centres go: so many times as far as the means of their members are."""
    means = members.sums / np.maximum(members.counts, 1)[:, None]
    return (centres + stride * (means - centres) if stride != 1 else means).astype(np.float32)


def _filled(
    goals: NDArray[np.float32],
    points: NDArray[np.float32],
    centres: NDArray[np.float32],
    members: Members,
) -> NDArray[np.float32]:
    """(K, D) the same goals, but those of centres without members at points that are worst off, if any are."""
    empty = np.flatnonzero(members.counts == 0)
    if not len(empty):
        return goals
    members.sums[empty] = 0  # what rounding left
    worst = _worst_off(points, squared_to_own(points, centres, members.labels), len(empty))
    goals = goals.copy()
    goals[empty] = centres[empty]
    goals[empty[: len(worst)]] = points[worst]
    return goals


def _worst_off(points: NDArray[np.float32], squared: NDArray[np.float64], most: int) -> NDArray[np.intp]:
    """Up to ``most`` different points that are farthest from their centres, and not at them."""
    order = np.argsort(-squared, kind="stable")
    order = order[: np.count_nonzero(squared)]
    size = 4 * most
    while True:
        _, first = np.unique(points[order[:size]] + np.float32(0), axis=0, return_index=True)  # -0 is 0
        if len(first) >= most or size >= len(order):
            worst: NDArray[np.intp] = order[np.sort(first)[:most]]
            return worst
        size *= 8


def _apart(goals: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.float64]:
    """(K,) how far each centre goes."""
    apart: NDArray[np.float64] = np.sqrt(((goals.astype(np.float64) - centres) ** 2).sum(1))
    return apart


def _explained(members: Members) -> float:
    """What is left of it when it is taken from the sum of all squares is the inertia about the members' means."""
    return float(((members.sums**2).sum(1) / np.maximum(members.counts, 1)).sum())
