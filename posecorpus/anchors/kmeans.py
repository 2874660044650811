"""K-means for many points: k-means++ seeds and Lloyd's iterations on samples that grow until they are all there.

On a sample a pass costs a fraction, and what Lloyd's algorithm does in its first passes is the same on any large
sample (nested batches, Newling and Fleuret, 2016); a few passes over all points then settle it. Everything runs
on one thread in a fixed order: the same points and seed give the same bits whatever the machine has else to do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.core.errors import InputError

SAMPLE_PER_CLUSTER = 100
"""Points a cluster, on average, of the first sample."""
LEAST_SAMPLE = 10_000
GROWTH = 10
"""How many times larger the next sample is."""
STARTS = 3
"""Sets of seeds that are tried on the first sample."""


@dataclass(frozen=True, eq=False)
class Clustering:
    """K clusters of N points.

    Attributes:
        centres: (K, D) float32, the means of their points at the last update.
        labels: (N,) int32, the nearest centre of each point.
        squared: (N,) float64, the squared distances to it.
        counts: (K,) int64 points.
        passes: iterations over all points.
    """

    centres: NDArray[np.float32]
    labels: NDArray[np.int32]
    squared: NDArray[np.float64]
    counts: NDArray[np.int64]
    passes: int

    @property
    def inertia(self) -> float:
        """Sum of the squared distances."""
        return float(self.squared.sum())


def cluster(
    points: NDArray[np.floating],
    clusters: int,
    rng: np.random.Generator,
    iterations: int = 25,
    tolerance: float = 1e-4,
) -> Clustering:
    """Cluster points around means.

    A cluster that loses all its points goes to the point that is farthest from its own centre.

    Args:
        points: (N, D), finite.
        clusters: K.
        rng: draws the samples and the seeds.
        iterations: at most, of each sample and of all points.
        tolerance: relative gain of inertia in a pass over all points below which it ends.

    Raises:
        InputError: points that are not finite, or fewer different ones than clusters.
    """
    flat = np.ascontiguousarray(points, np.float32)
    _check(flat, clusters)
    order = rng.permutation(len(flat))
    size = min(len(flat), max(clusters * SAMPLE_PER_CLUSTER, LEAST_SAMPLE))
    sample = flat[order[:size]]
    centres = _best_start(flat, sample, clusters, rng, iterations, tolerance)
    while size < len(flat):
        centres, _ = _lloyd(sample, centres, iterations, tolerance)
        size = min(size * GROWTH, len(flat))
        sample = flat[order[:size]] if size < len(flat) else flat
    centres, passes = _lloyd(flat, centres, iterations, tolerance)
    labels, squared = nearest(flat, centres)
    return Clustering(centres, labels, squared, np.bincount(labels, minlength=clusters), passes)


def nearest(
    points: NDArray[np.float32], centres: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """(N,) nearest of (K, D) centres to each of (N, D) points, and (N,) their squared distances."""
    labels, squared = np.empty(len(points), np.int32), np.empty(len(points))
    _assign(points, centres, *_arranged(centres), labels, squared)
    return labels, squared


def _check(points: NDArray[np.float32], clusters: int) -> None:
    finite = np.isfinite(points).all(axis=1)
    if not finite.all():
        got = f"{int((~finite).sum())} that are not, the first is number {int(finite.argmin())}"
        raise InputError("points to cluster", "finite numbers", got)
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
    source = sample if _distinct(sample, clusters) >= clusters else points
    found = [_lloyd(sample, seeds(source, clusters, rng), iterations, tolerance)[0] for _ in range(STARTS)]
    return found[int(np.argmin([nearest(sample, centres)[1].sum() for centres in found]))]


def seeds(points: NDArray[np.float32], clusters: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """K points far from each other: greedy k-means++ (Arthur and Vassilvitskii, 2007).

    Each next one is the best of a few that are drawn with probabilities in proportion to the squared distance to
    the nearest one so far.
    """
    trials = 2 + int(np.log(clusters))
    chosen = [int(rng.integers(len(points)))]
    least = _squared_to(points, points[chosen[0]])
    for _ in range(clusters - 1):
        heights = np.cumsum(least)
        drawn = np.searchsorted(heights, rng.random(trials) * heights[-1], side="right")
        candidates = np.minimum(drawn, len(points) - 1)
        after = [np.minimum(least, _squared_to(points, points[c])) for c in candidates]
        best = int(np.argmin([left.sum() for left in after]))
        chosen.append(int(candidates[best]))
        least = after[best]
    return np.ascontiguousarray(points[chosen])


def _lloyd(
    points: NDArray[np.float32], centres: NDArray[np.float32], iterations: int, tolerance: float
) -> tuple[NDArray[np.float32], int]:
    """Centres after Lloyd's iterations, and how many there were."""
    labels, squared = np.empty(len(points), np.int32), np.empty(len(points))
    inertia = np.inf
    for done in range(iterations):
        _assign(points, centres, *_arranged(centres), labels, squared)
        before, inertia = inertia, float(squared.sum())
        if before - inertia <= tolerance * inertia:
            return centres, done
        centres = _means(points, labels, squared, len(centres))
    return centres, iterations


def _means(
    points: NDArray[np.float32], labels: NDArray[np.int32], squared: NDArray[np.float64], clusters: int
) -> NDArray[np.float32]:
    """(K, D) means of clusters; those without points are put at the points that are worst off."""
    sums, counts = np.zeros((clusters, points.shape[1])), np.zeros(clusters, np.int64)
    _sum_up(points, labels, sums, counts)
    empty = np.flatnonzero(counts == 0)
    means = (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)
    if len(empty):
        means[empty] = points[_worst_off(points, squared, len(empty))]
    return means


def _worst_off(points: NDArray[np.float32], squared: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """``count`` different points that are farthest from their centres."""
    order = np.argsort(-squared, kind="stable")
    _, first = np.unique(points[order] + np.float32(0), axis=0, return_index=True)
    worst: NDArray[np.intp] = order[np.sort(first)[:count]]
    return worst


def _arranged(centres: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(D, K) and (K,) halves of squared norms, as :func:`_assign` reads them."""
    norms = (centres.astype(np.float64) ** 2).sum(1) / 2
    return np.ascontiguousarray(centres.T), norms.astype(np.float32)


@njit(cache=True, nogil=True, error_model="numpy")
def _assign(  # type: ignore[no-untyped-def]
    points, centres, across, half_norms, labels, squared
):
    """The nearest centre of each point: the one of largest ``x c - c c / 2``; for many at once, in float32.

    Its distance is then summed up anew in float64.
    """
    clusters = len(half_norms)
    scores = np.empty(clusters, np.float32)
    for n in range(len(points)):
        for k in range(clusters):
            scores[k] = -half_norms[k]
        d = 0
        while d + 4 <= points.shape[1]:  # four at a time: fewer trips to memory
            x, y, z, w = points[n, d], points[n, d + 1], points[n, d + 2], points[n, d + 3]
            first, second, third, fourth = across[d], across[d + 1], across[d + 2], across[d + 3]
            for k in range(clusters):
                scores[k] += (x * first[k] + y * second[k]) + (z * third[k] + w * fourth[k])
            d += 4
        while d < points.shape[1]:
            x, first = points[n, d], across[d]
            for k in range(clusters):
                scores[k] += x * first[k]
            d += 1
        best = 0
        for k in range(1, clusters):
            if scores[k] > scores[best]:
                best = k
        labels[n] = best
        total = 0.0
        for d in range(points.shape[1]):
            apart = np.float64(points[n, d]) - np.float64(centres[best, d])
            total += apart * apart
        squared[n] = total


@njit(cache=True, nogil=True)
def _sum_up(points, labels, sums, counts):  # type: ignore[no-untyped-def]
    for n in range(len(points)):
        k = labels[n]
        counts[k] += 1
        for d in range(points.shape[1]):
            sums[k, d] += points[n, d]


@njit(cache=True, nogil=True)
def _squared_to(points, centre):  # type: ignore[no-untyped-def]
    """(N,) float64 squared distances to one point."""
    found = np.empty(len(points))
    for n in range(len(points)):
        total = 0.0
        for d in range(points.shape[1]):
            apart = np.float64(points[n, d]) - np.float64(centre[d])
            total += apart * apart
        found[n] = total
    return found
