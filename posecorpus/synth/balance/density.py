"""How many poses there are around a pose: k nearest neighbours by FAISS, with bounded memory and time."""

from __future__ import annotations

from dataclasses import dataclass

import faiss
import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.synth.balance.poses import GRID_MM, Poses

MAX_QUERIES, MAX_POOL = 100_000, 50_000
THIN_MM = 20.0
"""Consecutive poses nearer than this count as one: a second of standing still is no second pose."""
POWER = 2.0
"""How fast the number of poses is taken to grow with the distance. Poses of MoCap fill about 7 dimensions locally (maximum
likelihood, Levina and Bickel 2004), but a k-th neighbour is too noisy a ruler to be raised to that power: what
is drawn covers the poses most evenly with 2 to 3 (docs/balance.md)."""
SCALE_MM = 50.0
"""Radius in which poses are counted."""
_BATCH = 4096


@dataclass(frozen=True)
class Thinned:
    """Poses of which near-duplicates in a row are counted instead of kept.

    Attributes:
        poses: (L, J, 3) those kept.
        of_row: (N,) which of them stands for each pose.
        mass: (L,) float64 how many poses each stands for.
    """

    poses: Poses
    of_row: NDArray[np.intp]
    mass: NDArray[np.float64]


def thin(poses: Poses, limit: int, apart_mm: float = THIN_MM) -> Thinned:
    """Keep a pose only if it is ``apart_mm`` from the last one kept; farther until ``limit`` suffice."""
    flat = np.ascontiguousarray(poses.reshape(len(poses), 3 * poses.shape[1]))
    while True:
        starts = _starts(flat, (apart_mm / GRID_MM) ** 2 * poses.shape[1])
        if starts.sum() <= limit:
            break
        apart_mm *= 1.25
        if apart_mm > 1e4:  # nothing is that far apart: the limit is 0
            raise ValueError(f"expected a limit of at least 1, got {limit}")
    of_row = np.cumsum(starts) - 1
    return Thinned(poses[starts], of_row, np.bincount(of_row).astype(np.float64))


@njit(cache=True)
def _starts(flat: NDArray[np.int16], apart: float) -> NDArray[np.bool_]:  # pragma: no cover - compiled
    """(N,) which rows of (N, D) are farther than ``apart`` (squared) from the last such row."""
    result = np.zeros(len(flat), np.bool_)
    kept = -1
    for i in range(len(flat)):
        squared = 0.0
        if kept >= 0:
            for d in range(flat.shape[1]):
                step = np.float64(flat[i, d]) - np.float64(flat[kept, d])
                squared += step * step
        if kept < 0 or squared > apart:
            result[i], kept = True, i
    return result


def nearest(queries: Poses, pool: Poses, k: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distances in mm and rows (Q, k) of the nearest poses of a pool of at least k.

    A distance is the root of the mean squared distance of the joints.
    """
    index = faiss.IndexFlatL2(pool.shape[1] * 3)
    index.add(pool.reshape(len(pool), -1).astype(np.float32))
    squared = np.empty((len(queries), k))
    rows = np.empty((len(queries), k), np.int64)
    for start in range(0, len(queries), _BATCH):
        part = slice(start, start + _BATCH)
        squared[part], rows[part] = index.search(
            queries[part].reshape(-1, pool.shape[1] * 3).astype(np.float32), k
        )
    return GRID_MM * np.sqrt(np.maximum(squared, 0.0) / pool.shape[1]), rows


def counts_around(
    queries: Poses,
    pool: Poses,
    mass: NDArray[np.floating],
    k: int,
    *,
    scale_mm: float = SCALE_MM,
    power: float = POWER,
) -> NDArray[np.float64]:
    """(Q,) how many of the pool's poses lie within ``scale_mm`` of each query, by its k nearest.

    The mass of the k nearest fills a ball up to the k-th, and is spread evenly in it.

    Args:
        pool: (P, J, 3); thinned out evenly if there are more than :data:`MAX_POOL`.
        mass: (P,) how many poses each stands for.
        power: how fast the number of poses grows with the distance.
    """
    if not len(pool):
        return np.zeros(len(queries))
    total = float(mass.sum())
    picked = np.linspace(0, len(pool) - 1, min(len(pool), MAX_POOL)).round().astype(np.intp)
    pool, mass = pool[picked], mass[picked] * (total / mass[picked].sum())
    k = min(k, len(pool))
    distances, rows = nearest(queries, pool, k)
    radius = np.maximum(distances[:, -1], GRID_MM)
    return np.asarray(mass[rows].sum(1) * (scale_mm / radius) ** power)
