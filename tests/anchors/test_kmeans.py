"""K-means against brute force, scikit-learn's, and what holds of any clustering."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from posecorpus.anchors import kmeans
from posecorpus.anchors.kmeans import cluster, nearest, seeds
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


def test_a_cluster_that_loses_its_points_goes_where_it_is_needed() -> None:
    points = np.array([[0.0], [0.1], [10.0], [20.0]], np.float32)
    centres = np.array([[0.0], [15.0], [99.0]], np.float32)
    labels, squared = nearest(points, centres)
    np.testing.assert_array_equal(labels, [0, 0, 1, 1])
    np.testing.assert_allclose(kmeans._means(points, labels, squared, 3), [[0.05], [15.0], [10.0]], atol=1e-6)


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
    with pytest.raises(InputError, match="0 for 1"):
        cluster(np.zeros((0, 2)), 1, np.random.default_rng(0))
