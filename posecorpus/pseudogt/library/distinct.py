"""Dropping near-duplicates of poses, exactly and fast.

The distance of two poses is the mean over their landmarks of how far each moved, after both were
turned to face +Z. It is a norm of their difference, so every linear function of a pose that moves by
at most the distance gives a bound: a few such functions make a grid in which only neighbouring cells
can hold a duplicate.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.pseudogt.library.heading import facing_forward

_AXES, _CELLS = 5, 16
"""Axes of the grid and cells along each. It is a torus: what lies farther out shares cells, which costs time only."""
_NEIGHBOURS = np.array(sorted(product((-1, 0, 1), repeat=_AXES), key=lambda step: sum(map(abs, step))))
"""Steps to a cell's neighbours, (3^axes, axes): the cell itself first, then the nearest."""


class DistinctPoses:
    """Poses that keep a spacing; new ones are admitted in the order in which they are offered.

    A pose is admitted unless one admitted before lies within the spacing. So no two admitted poses are
    that close, and every other one is close to an admitted one.

    Args:
        spacing_m: mean joint distance, metres, within which a pose is a duplicate.
        sample: (S, 42, 3), S at least 1, torso-centred poses like those to come; the grid is laid along their
            variation. They decide how fast it is, never what is admitted.
    """

    def __init__(self, spacing_m: float, sample: NDArray[np.floating]) -> None:
        self._limit = spacing_m
        flat = facing_forward(sample)
        # Joints that move most come first, so that different poses are told apart after a few.
        spread = flat.var(0).sum(-1)
        self._order = np.argsort(-spread, kind="stable")
        self._directions = _bounded_directions(flat)
        self._heads = np.full(_CELLS**_AXES, -1, np.int32)
        self._next = np.empty(0, np.int32)
        self._points = np.empty((0, flat.shape[1], 3), np.float32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def admit(self, poses: NDArray[np.floating]) -> NDArray[np.bool_]:
        """(N,) which of the torso-centred poses (N, 42, 3) are admitted, taken one after the other."""
        points = facing_forward(poses)
        values = np.einsum("kjc,njc->nk", self._directions, points)
        # Equal spacing 0 asks for: only exact duplicates fall away, in cells of any size.
        cells = np.floor(values / max(self._limit, 1e-3)).astype(np.int64) % _CELLS
        self._reserve(len(points))
        kept = np.zeros(len(points), np.bool_)
        ordered = np.ascontiguousarray(points[:, self._order], np.float32)
        self._count = _admit(
            ordered, cells, _NEIGHBOURS, self._heads, self._next, self._points, self._count, self._limit, kept
        )
        return kept

    def _reserve(self, more: int) -> None:
        """Make room for so many poses; doubling keeps the cost of copying in bounds."""
        if self._count + more > len(self._next):
            size = max(2 * len(self._next), self._count + more)
            self._next = np.concatenate([self._next, np.empty(size - len(self._next), np.int32)])
            room = np.empty((size - len(self._points), *self._points.shape[1:]), np.float32)
            self._points = np.concatenate([self._points, room])


def distinct_poses(
    poses: NDArray[np.floating], spacing_m: float, order: Iterable[int] | None = None
) -> NDArray[np.int64]:
    """Indices, ascending, of the poses (N, 42, 3) that :class:`DistinctPoses` admits in that order."""
    rows = np.arange(len(poses)) if order is None else np.fromiter(order, np.int64)
    admitted = DistinctPoses(spacing_m, poses[:: max(1, len(poses) // 2000)]).admit(poses[rows])
    return np.sort(rows[admitted])


def _bounded_directions(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(axes, J, 3) weights of linear functions that change by at most the mean joint distance.

    Such a function weighs each joint by a vector of length at most 1 / J. The principal directions of
    the sample, their length evened out joint by joint, tell poses apart well.
    """
    count, joints = points.shape[:2]
    flat = (points - points.mean(0)).reshape(count, -1)
    values, vectors = np.linalg.eigh(flat.T @ flat)
    directions = vectors[:, np.argsort(-values, kind="stable")[:_AXES]].T.reshape(_AXES, joints, 3)
    length = np.linalg.norm(directions, axis=-1, keepdims=True)
    return np.asarray(directions / np.maximum(length, 1e-12) / joints)


@njit(cache=True)
def _cell(place: NDArray[np.int64], step: NDArray[np.int64]) -> int:
    """Number of the cell that lies a step from a place."""
    number = 0
    for axis in range(_AXES):
        number = number * _CELLS + (place[axis] + step[axis]) % _CELLS
    return number


@njit(cache=True)
def _admit(
    points: NDArray[np.float32],
    cells: NDArray[np.int64],
    neighbours: NDArray[np.int64],
    heads: NDArray[np.int32],
    following: NDArray[np.int32],
    admitted: NDArray[np.float32],
    count: int,
    limit: float,
    kept: NDArray[np.bool_],
) -> int:
    """Offer poses (N, J, 3) in turn; gives the new number of admitted ones.

    A cell is a chain from its newest pose to its oldest: the frame before is met first.
    """
    joints = points.shape[1]
    total = limit * joints
    for n in range(len(points)):
        found = False
        for step in range(len(neighbours)):
            i = heads[_cell(cells[n], neighbours[step])]
            while i >= 0:
                apart = 0.0
                for j in range(joints):
                    x = float(points[n, j, 0]) - float(admitted[i, j, 0])
                    y = float(points[n, j, 1]) - float(admitted[i, j, 1])
                    z = float(points[n, j, 2]) - float(admitted[i, j, 2])
                    apart += np.sqrt(x * x + y * y + z * z)
                    if apart > total:
                        break
                if apart <= total:
                    found = True
                    break
                i = following[i]
            if found:
                break
        if not found:
            kept[n] = True
            admitted[count] = points[n]
            own = _cell(cells[n], neighbours[0])
            following[count] = heads[own]
            heads[own] = count
            count += 1
    return count
