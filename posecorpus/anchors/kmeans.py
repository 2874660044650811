"""K-means for many points: k-means++ seeds and Lloyd's iterations on samples that grow until they are all there.

On a sample an iteration costs a fraction, and what Lloyd's algorithm does in its first ones is the same on any large
sample (nested batches, Newling and Fleuret, 2016); two or three with all points then settle it. Everything runs on
one thread in a fixed order, and no result depends on how the machine rounds sums of products: the same points and
seed give the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.anchors.lloyd import lloyd
from posecorpus.anchors.members import squared_to_own
from posecorpus.core.errors import InputError

SAMPLE_PER_CLUSTER = 100
"""Points a cluster, on average, of the first sample."""
LEAST_SAMPLE = 10_000
GROWTH = 10
"""How many times larger the next sample is."""
STARTS = 3
"""Sets of seeds that are tried on the first sample."""
THOROUGH = 0.1
"""Of the tolerance, on larger samples: iterations are cheap there."""
LARGEST = 1e12
"""Coordinates whose squares float32 can hold many of."""
BLOCK = 1024
"""Points of the sample whose distances are summed up together."""


@dataclass(frozen=True, eq=False)
class Clustering:
    """K clusters of N points.

    Attributes:
        centres: (K, D) float32, the means of their points at the last update.
        labels: (N,) int32, the nearest centre of each point.
        squared: (N,) float64, the squared distances to it.
        counts: (K,) int64 points.
    """

    centres: NDArray[np.float32]
    labels: NDArray[np.int32]
    squared: NDArray[np.float64]
    counts: NDArray[np.int64]

    @property
    def inertia(self) -> float:
        """Sum of the squared distances."""
        return float(self.squared.sum())


def cluster(
    points: NDArray[np.floating],
    clusters: int,
    rng: np.random.Generator,
    iterations: int = 25,
    tolerance: float = 1e-3,
) -> Clustering:
    """Cluster points around means.

    A cluster that loses all its points goes to the point that is farthest from its own centre.

    Args:
        points: (N, D), finite.
        clusters: K.
        rng: draws the samples and the seeds.
        iterations: at most, of each sample and of all points.
        tolerance: relative gain of inertia in an iteration with all points below which it is the last but one.

    Raises:
        InputError: points that are not finite, or fewer different ones than clusters.
    """
    flat = np.ascontiguousarray(points, np.float32)
    _check(flat, clusters)
    order = rng.permutation(len(flat))
    size = min(len(flat), max(clusters * SAMPLE_PER_CLUSTER, LEAST_SAMPLE))
    centres = _best_start(flat, flat[order[:size]], clusters, rng, iterations, tolerance)
    while (size := size * GROWTH) < len(flat):
        centres = lloyd(flat[order[:size]], centres, iterations, THOROUGH * tolerance)[0]
    centres, labels, _ = lloyd(flat, centres, iterations, tolerance)
    squared = squared_to_own(flat, centres, labels)
    return Clustering(centres, labels, squared, np.bincount(labels, minlength=clusters))


def _check(points: NDArray[np.float32], clusters: int) -> None:
    if len(points) and not np.abs([points.min(), points.max()]).max() <= LARGEST:  # so for NaN too
        fine = (np.abs(points) <= LARGEST).all(axis=1)
        got = f"{int((~fine).sum())} that are not, the first is number {int(fine.argmin())}"
        raise InputError("points to cluster", f"finite numbers up to {LARGEST:.0e}", got)
    different = _distinct(points, clusters)
    if clusters < 1 or different < clusters:
        got = f"{different} for {clusters} clusters"
        raise InputError("points to cluster", "as many different ones as clusters, and a cluster", got)


def _distinct(points: NDArray[np.float32], enough: int) -> int:
    """How many different points there are, or any number from ``enough`` on."""
    size, found = 4 * enough, 0
    while found < enough:
        found = len(np.unique(points[:size] + np.float32(0), axis=0))  # -0 is 0
        if size >= len(points):
            break
        size *= 8
    return found


def _best_start(
    points: NDArray[np.float32],
    sample: NDArray[np.float32],
    clusters: int,
    rng: np.random.Generator,
    iterations: int,
    tolerance: float,
) -> NDArray[np.float32]:
    """Centres of a sample: of several sets of seeds, those that end with the least inertia."""
    source, least = sample if _distinct(sample, clusters) >= clusters else points, np.inf
    for _ in range(STARTS):
        found, labels, _ = lloyd(sample, seeds(source, clusters, rng), iterations, tolerance)
        inertia = squared_to_own(sample, found, labels).sum()
        if inertia < least:
            centres, least = found, inertia
    return centres


def seeds(points: NDArray[np.float32], clusters: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """K points far from each other: greedy k-means++ (Arthur and Vassilvitskii, 2007).

    Each next one is the best of a few that are drawn with probabilities in proportion to the squared distance to
    the nearest one so far.
    """
    trials = 2 + int(np.log(clusters))
    count = len(points)
    across = np.zeros((points.shape[1], -(-count // BLOCK) * BLOCK), np.float32)
    across[:, :count] = points.T
    least = np.zeros(across.shape[1], np.float32)
    least[:count] = np.inf
    chosen = [int(rng.integers(count))]
    least = _nearer(across, points[chosen], least)[0][0]
    for _ in range(clusters - 1):
        heights = np.cumsum(least, dtype=np.float64)
        drawn = np.searchsorted(heights, rng.random(trials) * heights[-1], side="right")
        candidates = np.minimum(drawn, np.searchsorted(heights, heights[-1]))
        after, sums = _nearer(across, points[candidates], least)
        best = int(sums.argmin())
        chosen.append(int(candidates[best]))
        least = after[best]
    return np.ascontiguousarray(points[chosen])


@njit(cache=True, nogil=True)
def _nearer(across, candidates, least):  # type: ignore[no-untyped-def]
    """For each candidate (T, D) the squared distances (T, N) to it or, where less, those given; and their sums.

    Points (D, N) lie side by side, so that many are worked on at once; each sum is made of ``BLOCK`` others.
    """
    after, sums = np.empty((len(candidates), across.shape[1]), np.float32), np.empty(len(candidates))
    squared, runs = np.empty(BLOCK, np.float32), np.empty(BLOCK)
    for t in range(len(candidates)):
        runs[:] = 0
        for start in range(0, across.shape[1], BLOCK):
            squared[:] = 0
            for d in range(len(across)):
                values, at = across[d, start : start + BLOCK], candidates[t, d]
                for p in range(BLOCK):
                    apart = values[p] - at
                    squared[p] += apart * apart
            given, kept = least[start : start + BLOCK], after[t, start : start + BLOCK]
            for p in range(BLOCK):
                kept[p] = squared[p] if squared[p] < given[p] else given[p]
                runs[p] += kept[p]
        sums[t] = runs.sum()
    return after, sums
