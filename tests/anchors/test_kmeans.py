"""K-means against brute force, scikit-learn's, and what holds of any clustering."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from posecorpus.anchors import kmeans
from posecorpus.anchors.kmeans import cluster, seeds
from posecorpus.core.errors import InputError


def blobs(rng: np.random.Generator, count: int, clusters: int, dimensions: int = 39) -> np.ndarray:
    centres = rng.normal(size=(clusters, dimensions))
    spread = rng.uniform(0.05, 0.4, (clusters, 1))
    at = rng.integers(clusters, size=count)
    return (centres[at] + spread[at] * rng.normal(size=(count, dimensions))).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(12, 400), st.integers(1, 9))
def test_points_belong_to_the_nearest_mean(seed: int, clusters: int, count: int, dimensions: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count, dimensions)).astype(np.float32)
    found = cluster(points, clusters, np.random.default_rng(seed), iterations=200, tolerance=0.0)
    squared = ((points[:, None].astype(float) - found.centres[None].astype(float)) ** 2).sum(-1)
    np.testing.assert_allclose(found.squared, squared.min(1), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found.counts, np.bincount(found.labels, minlength=clusters))
    assert found.inertia == pytest.approx(squared.min(1).sum(), rel=1e-5)
    # Nothing moves any more: every centre is the mean of its points.
    means = np.stack([points[found.labels == k].astype(float).mean(0) for k in range(clusters)])
    np.testing.assert_allclose(found.centres, means, atol=1e-5)


def test_not_worse_than_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kmeans, "LEAST_SAMPLE", 2000)  # so that samples grow twice
    monkeypatch.setattr(kmeans, "SAMPLE_PER_CLUSTER", 50)
    rng = np.random.default_rng(1)
    points = rng.normal(size=(40_000, 8)) @ rng.normal(size=(8, 39)) + 0.3 * rng.normal(size=(40_000, 39))
    ours = [cluster(points, 40, np.random.default_rng(seed)).inertia for seed in range(5)]
    theirs = [
        KMeans(40, n_init=1, max_iter=25, random_state=seed, algorithm="lloyd").fit(points).inertia_
        for seed in range(5)
    ]
    assert np.median(ours) <= np.median(theirs) * 1.005


def test_same_seed_same_bits() -> None:
    points = blobs(np.random.default_rng(2), 15_000, 30)
    first, again = (cluster(points, 30, np.random.default_rng(7)) for _ in range(2))
    assert first.centres.tobytes() == again.centres.tobytes()
    assert first.labels.tobytes() == again.labels.tobytes()
    assert cluster(points, 30, np.random.default_rng(8)).centres.tobytes() != first.centres.tobytes()


@pytest.mark.parametrize("copies", [1, 40, 3000])
def test_as_many_clusters_as_different_points(copies: int) -> None:
    points = np.repeat(np.random.default_rng(3).normal(size=(9, 4)).astype(np.float32), copies, axis=0)
    found = cluster(points, 9, np.random.default_rng(0))
    assert found.inertia == pytest.approx(0, abs=1e-9)
    assert (found.counts == copies).all()
    with pytest.raises(InputError, match="9 for 10 clusters"):
        cluster(points, 10, np.random.default_rng(0))


def test_no_cluster_is_left_empty_where_most_points_are_one() -> None:
    rng = np.random.default_rng(5)
    points = np.zeros((60_000, 3), np.float32)
    points[rng.choice(len(points), 25, replace=False)] = rng.normal(size=(25, 3))  # a sample has few of them
    for clusters in (5, 20, 26):
        found = cluster(points, clusters, np.random.default_rng(clusters))
        assert found.counts.min() > 0
        assert found.counts.sum() == len(points)
        assert np.isfinite(found.centres).all()
    assert found.inertia == pytest.approx(0, abs=1e-12)  # as many clusters as different points
    with pytest.raises(InputError, match="26 for 27 clusters"):
        cluster(points, 27, np.random.default_rng(0))


def test_same_bits_on_a_machine_that_rounds_every_product() -> None:
    """The processor of this machine, and one without vectors wider than any has and without fused products."""
    printed = [
        subprocess.run(
            [sys.executable, "-c", HASH], env=os.environ | changed, capture_output=True, text=True, check=True
        ).stdout
        for changed in ({}, {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "OMP_NUM_THREADS": "1"})
    ]
    assert len(printed[0]) > 60
    assert printed[0] == printed[1]


HASH = """
import hashlib
import numpy as np
from posecorpus.anchors.kmeans import cluster
rng = np.random.default_rng(0)
points = rng.normal(size=(30_000, 6)) @ rng.normal(size=(6, 39)) + 0.1 * rng.normal(size=(30_000, 39))
found = cluster(points, 50, np.random.default_rng(1))
print(*(hashlib.sha256(part.tobytes()).hexdigest() for part in (found.centres, found.labels, found.squared)))
"""


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 2500), st.integers(1, 8), st.integers(1, 6))
def test_distances_to_candidates(seed: int, count: int, dimensions: int, trials: int) -> None:
    rng = np.random.default_rng(seed)
    points, given_ = (
        rng.normal(size=(count, dimensions)).astype(np.float32),
        rng.random(count).astype(np.float32),
    )
    padded = -(-count // kmeans.BLOCK) * kmeans.BLOCK
    across, least = np.zeros((dimensions, padded), np.float32), np.zeros(padded, np.float32)
    across[:, :count], least[:count] = points.T, given_
    candidates = points[rng.integers(count, size=trials)]
    after, sums = kmeans._nearer(across, candidates, least)
    squared = ((points[None].astype(float) - candidates[:, None]) ** 2).sum(-1)
    np.testing.assert_allclose(after[:, :count], np.minimum(squared, given_), rtol=1e-5, atol=1e-7)
    assert not after[:, count:].any()
    np.testing.assert_allclose(sums, after.sum(1, dtype=float), rtol=1e-9)


def test_seeds_are_different_points_and_reach_far_ones() -> None:
    rng = np.random.default_rng(4)
    points = np.concatenate([rng.normal(0, 0.01, (500, 3)), [[50.0, 0, 0]], [[0, 50.0, 0]]]).astype(
        np.float32
    )
    found = seeds(points, 5, np.random.default_rng(0))
    assert len(np.unique(found, axis=0)) == 5
    assert {500, 501} <= {int(((points - seed) ** 2).sum(1).argmin()) for seed in found}


def test_points_that_are_no_numbers_are_refused() -> None:
    points = np.zeros((5, 2), np.float32)
    points[3, 1] = np.nan
    with pytest.raises(InputError, match="the first is number 3"):
        cluster(points, 1, np.random.default_rng(0))
    points[3, 1] = 1e20  # its square is more than float32 holds
    with pytest.raises(InputError, match="the first is number 3"):
        cluster(points, 1, np.random.default_rng(0))
    with pytest.raises(InputError, match="0 for 1"):
        cluster(np.zeros((0, 2)), 1, np.random.default_rng(0))
