"""Which views lie together: FAISS k-means on two levels, then median splits down to blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator

import faiss
import numpy as np
from numpy.typing import NDArray

from posecorpus.pseudogt.search.normalise import normalise_views
from posecorpus.pseudogt.search.scan import LANES

CELL = 768
"""Views of a cell of the finer k-means, on average."""

PER_CENTROID = 64
"""Training views of a centroid; more do not make the cells better."""

ITERATIONS = 8
CHUNK = 1 << 16


def partition(
    views: NDArray[np.float32], *, threads: int, seed: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Group (M, J, 2) views that look alike, with all joints.

    Returns:
        (B, LANES) int32 view numbers of blocks, ascending, -1 where a block is not full; and (T + 1,) int64 first
        block of each tile, of at most LANES blocks.
    """
    blocks: list[NDArray[np.int32]] = []
    first = [0]
    previous = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        for members in _coarse_cells(views, max(1, round(math.sqrt(len(views) / CELL))), seed):
            points = normalise_views(views[members])
            cells = _assign(points, _centroids(points, max(1, round(len(points) / CELL)), seed))
            for cell in _by_cell(cells):
                for tile in _halves(points, cell, LANES * LANES):
                    blocks.extend(members[block] for block in _halves(points, tile, LANES))
                    first.append(len(blocks))
    finally:
        faiss.omp_set_num_threads(previous)
    order = np.full((len(blocks), LANES), -1, np.int32)
    for row, block in zip(order, blocks, strict=True):
        row[: len(block)] = np.sort(block)
    return order, np.array(first, np.int64)


def _coarse_cells(views: NDArray[np.float32], cells: int, seed: int) -> Iterator[NDArray[np.int32]]:
    """View numbers of each coarse cell; views are normalised piece by piece to spare memory."""
    rng = np.random.default_rng(seed)
    training = np.sort(rng.permutation(len(views))[: cells * PER_CENTROID * 4])
    centroids = _centroids(normalise_views(views[training]), cells, seed)
    of_view = np.empty(len(views), np.int32)
    for start in range(0, len(views), CHUNK):
        of_view[start : start + CHUNK] = _assign(normalise_views(views[start : start + CHUNK]), centroids)
    for members in _by_cell(of_view):
        yield members.astype(np.int32)


def _centroids(points: NDArray[np.float32], cells: int, seed: int) -> NDArray[np.float32]:
    """(cells, D) k-means centroids, on the GPUs that this FAISS can use, if any."""
    if cells == 1 or len(points) <= cells:
        return points[:1]
    kmeans = faiss.Kmeans(
        points.shape[1],
        cells,
        niter=ITERATIONS,
        seed=seed,
        gpu=faiss.get_num_gpus() > 0,
        max_points_per_centroid=PER_CENTROID * 4,
        min_points_per_centroid=1,
    )
    kmeans.train(points)
    return np.asarray(kmeans.centroids, np.float32)


def _assign(points: NDArray[np.float32], centroids: NDArray[np.float32]) -> NDArray[np.int32]:
    """(N,) number of the nearest centroid."""
    if len(centroids) == 1:
        return np.zeros(len(points), np.int32)
    index = faiss.IndexFlatL2(centroids.shape[1])
    index.add(centroids)
    return index.search(points, 1)[1][:, 0].astype(np.int32)


def _by_cell(cells: NDArray[np.int32]) -> list[NDArray[np.intp]]:
    """Row numbers of each cell that has any."""
    rows = np.argsort(cells, kind="stable")
    ends = np.cumsum(np.bincount(cells))[:-1]
    return [part for part in np.split(rows, ends) if len(part)]


def _halves(points: NDArray[np.float32], rows: NDArray[np.intp], size: int) -> Iterator[NDArray[np.intp]]:
    """Halve rows across their longest direction until at most ``size`` remain, full but for the last."""
    if len(rows) <= size:
        yield rows
        return
    picked = points[rows]
    half = -(-len(rows) // size) // 2 * size
    order = np.argpartition(picked @ _longest(picked), half)
    yield from _halves(points, rows[order[:half]], size)
    yield from _halves(points, rows[order[half:]], size)


def _longest(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """About the direction of the largest variance, by squaring the covariance of some of the points."""
    sample = points[:: max(1, len(points) // 256)].astype(np.float64)
    sample -= sample.mean(0)
    power = sample.T @ sample
    for _ in range(4):
        power = power @ power / max(np.trace(power) ** 2, 1e-300)
    return power[:, np.argmax(np.diag(power))].astype(np.float32)
