"""A floor piece against the half planes of its own edges and against its area."""

from __future__ import annotations

import numpy as np
import pytest

from posecorpus.synth.ground import Ground

SQUARE = np.array([(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0)])
WEDGE = np.array([(-1.0, -2.0), (1.0, -2.0), (4.0, -8.0), (-4.0, -8.0)])


@pytest.mark.parametrize("corners", [SQUARE, SQUARE[::-1], WEDGE])
def test_every_sampled_point_lies_on_it_and_they_spread_evenly(corners: np.ndarray) -> None:
    ground = Ground(corners)
    points = ground.sample(np.random.default_rng(0), 20_000)
    assert ground.contains(points).all()
    # Evenly: as many on either side of the line through the centroid as the areas say (half, by symmetry in x).
    middle = corners[:, 0].mean()
    assert abs((points[:, 0] < middle).mean() - 0.5) < 0.015


def test_the_mean_of_the_points_is_the_centroid() -> None:
    points = Ground(WEDGE).sample(np.random.default_rng(1), 200_000)
    # Trapezoid with parallel sides 2 (z = -2) and 8 (z = -8): centroid h/3 (a + 2b)/(a + b) from the side a.
    assert abs(points[:, 1].mean() - (-2 - 6 / 3 * (2 + 16) / 10)) < 0.01


@pytest.mark.parametrize(
    ("point", "inside"), [((1, 1), True), ((2, 2), True), ((2.1, 1), False), ((-1, -1), False)]
)
def test_contains(point: tuple[float, float], inside: bool) -> None:
    assert bool(Ground(SQUARE).contains(point)) is inside
    assert bool(Ground(SQUARE[::-1]).contains(point)) is inside
