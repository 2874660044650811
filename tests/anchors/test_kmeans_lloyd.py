"""Lloyd's iterations that skip points, against a plain loop that skips none: the same bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from posecorpus.anchors.lloyd import STRIDE, _filled, _goals, lloyd
from posecorpus.anchors.members import BLOCK, nearest, nobody, settle

DIMENSIONS = 3  # squares of three are summed up in their order


def plain_nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """(N, K) squared distances in float64."""
    squares = (points[:, None].astype(np.float64) - centres[None].astype(np.float64)) ** 2
    return (squares[..., 0] + squares[..., 1]) + squares[..., 2]


def on_a_grid(rng: np.random.Generator, count: int) -> np.ndarray:
    """Points many of which are equal, or as far from one as from another; sums of them are exact."""
    return rng.integers(-4, 5, (count, DIMENSIONS)).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3 * BLOCK), st.integers(1, 12), st.booleans())
def test_nearest_is_that_of_float64_and_the_first_of_equals(
    seed: int, count: int, clusters: int, grid: bool
) -> None:
    rng = np.random.default_rng(seed)
    points = on_a_grid(rng, count) if grid else rng.normal(size=(count, DIMENSIONS)).astype(np.float32)
    centres = points[rng.integers(count, size=clusters)]
    labels, squared = nearest(points, centres)
    wanted = plain_nearest(points, centres)
    np.testing.assert_array_equal(labels, wanted.argmin(1))
    np.testing.assert_array_equal(squared, wanted.min(1))


@pytest.mark.parametrize("apart", [1e-3, 1e-5, 1e-6, 1e-7])
def test_centres_closer_than_float32_can_score(apart: float) -> None:
    rng = np.random.default_rng(0)
    points = (10 + rng.normal(size=(1000, DIMENSIONS))).astype(np.float32)
    middle = rng.normal(size=DIMENSIONS)
    centres = (10 + middle + apart * rng.normal(size=(7, DIMENSIONS))).astype(np.float32)
    np.testing.assert_array_equal(nearest(points, centres)[0], plain_nearest(points, centres).argmin(1))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 400), st.integers(1, 15), st.floats(0, 1))
def test_bounds_never_hide_a_change(seed: int, count: int, clusters: int, pace: float) -> None:
    """Centres that wander anywhere: labels, sums and counts stay true, and bounds stay bounds."""
    rng = np.random.default_rng(seed)
    points = on_a_grid(rng, count)
    centres = rng.normal(0, 3, (clusters, DIMENSIONS)).astype(np.float32)
    members, moves = nobody(points, centres), np.zeros(clusters)
    for _ in range(8):
        before = members.labels.copy()
        changed = settle(points, centres, moves, members)
        squared = plain_nearest(points, centres)
        np.testing.assert_array_equal(members.labels, squared.argmin(1))
        assert changed == (members.labels != before).sum()
        np.testing.assert_array_equal(members.counts, np.bincount(members.labels, minlength=clusters))
        sums = np.stack([points[members.labels == k].sum(0, dtype=float) for k in range(clusters)])
        np.testing.assert_array_equal(members.sums, sums)
        distances = np.sort(np.sqrt(squared), axis=1)
        assert (members.upper >= distances[:, 0] - 1e-12).all()
        if clusters > 1:
            assert (members.lower <= distances[:, 1] + 1e-12).all()
        step = rng.normal(0, pace, centres.shape) * (rng.random((clusters, 1)) < 0.7)
        goals = (centres + step).astype(np.float32)
        moves = np.sqrt(((goals.astype(float) - centres) ** 2).sum(1))
        centres = goals


def plain_lloyd(
    points: np.ndarray, centres: np.ndarray, iterations: int, tolerance: float
) -> tuple[np.ndarray, np.ndarray, int] | None:
    """All points, all centres, every time; None where a centre loses all its points."""
    inertia, done, beyond, labels = np.inf, 0, True, np.full(len(points), -1)
    while True:
        found = plain_nearest(points, centres).argmin(1)
        changed, labels = (found != labels).any(), found
        if not np.bincount(labels, minlength=len(centres)).all():
            return None
        means = np.stack([points[labels == k].mean(0, dtype=float) for k in range(len(centres))])
        before, inertia = inertia, ((points - means[labels]) ** 2).sum()
        little = not changed or before - inertia <= tolerance * inertia
        if done == iterations or (little and not beyond):
            return centres, labels, done
        done += 1
        beyond = not little and done < iterations
        centres = (centres + STRIDE * (means - centres) if beyond else means).astype(np.float32)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(30, 400), st.integers(1, 12), st.integers(0, 15))
def test_iterations_are_those_of_a_plain_loop(seed: int, count: int, clusters: int, iterations: int) -> None:
    rng = np.random.default_rng(seed)
    points = on_a_grid(rng, count)
    start = rng.permutation(np.unique(points, axis=0))[:clusters]
    wanted = plain_lloyd(points, start, iterations, 1e-3)
    assume(wanted is not None)
    centres, labels, done = lloyd(points, start, iterations, 1e-3)
    assert wanted is not None
    np.testing.assert_array_equal(centres, wanted[0])
    np.testing.assert_array_equal(labels, wanted[1])
    assert done == wanted[2]


def test_centres_without_points_go_where_they_are_needed() -> None:
    points = np.array([[0.0], [0.1], [10.0], [20.0], [20.0]], np.float32)
    centres = np.array([[0.0], [15.0], [99.0], [98.0]], np.float32)
    members = nobody(points, centres)
    settle(points, centres, np.zeros(4), members)
    np.testing.assert_array_equal(members.labels, [0, 0, 1, 1, 1])
    means = _goals(centres, members, 1.0)
    filled = _filled(means, points, centres, members)
    np.testing.assert_allclose(filled, [[0.05], [50 / 3], [10.0], [20.0]], rtol=1e-6)


def test_no_centre_is_left_without_points() -> None:
    points = np.array([[0.0], [1.0], [1.0], [5.0], [9.0]], np.float32)
    for iterations in range(6):
        centres, labels, _ = lloyd(points, np.full((4, 1), 7, np.float32), iterations, 0.0)
        assert sorted(set(labels.tolist())) == [0, 1, 2, 3]
    np.testing.assert_array_equal(np.sort(centres[:, 0]), [0, 1, 5, 9])
    np.testing.assert_array_equal(centres[labels], points)
    more, _, _ = lloyd(points, np.full((6, 1), 7, np.float32), 5, 0.0)  # than different points: they stay
    assert {0.0, 1.0, 5.0, 9.0} <= set(more[:, 0].tolist())
