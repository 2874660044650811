"""The rigid fit against closed forms and scipy's optimiser."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lift_people import people, photos
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from posecorpus.core.skeletons import FULL_42, LSP_14, convert
from posecorpus.pseudogt.lift.perspective import (
    NEAR_M,
    fit_rigid,
    mean_ray,
    rotation_to_ray,
    to_pixels,
    to_rays,
    translate_onto,
)


def _posed(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A pose, its true rotation and translation, and where its joints are seen."""
    rng = np.random.default_rng(seed)
    points = convert(people(1, seed), FULL_42, LSP_14)[0]
    R = Rotation.from_rotvec(rng.normal(0, 0.2, 3)).as_matrix()
    t = np.array([rng.normal(0, 0.3), rng.normal(0, 0.3), rng.uniform(3, 7)])
    placed = points @ R.T + t
    return points, R, t, placed[:, :2] / placed[:, 2:]


@pytest.mark.parametrize("seed", range(5))
def test_an_exact_pose_is_recovered(seed: int) -> None:
    points, true_R, true_t, rays = _posed(seed)
    R, t = np.eye(3), np.array([0.0, 0.0, 5.0])
    error = fit_rigid(points, rays, R, t, 0.0, 50)
    assert error < 1e-16
    np.testing.assert_allclose(R, true_R, atol=1e-6)
    np.testing.assert_allclose(t, true_t, atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("stiffness", [0.0, 1e-4])
def test_the_fit_is_the_minimum_that_scipy_finds(seed: int, stiffness: float) -> None:
    points, _, _, rays = _posed(seed)
    rng = np.random.default_rng(seed)
    rays = rays + rng.normal(0, 0.003, rays.shape)
    rays[rng.permutation(14)[:4]] = np.nan
    on = np.isfinite(rays[:, 0])

    def residuals(parameters: np.ndarray) -> np.ndarray:
        placed = points @ Rotation.from_rotvec(parameters[:3]).as_matrix().T + parameters[3:]
        off = (placed[:, :2] / placed[:, 2:] - rays)[on].ravel()
        return np.concatenate([off, np.sqrt(stiffness) * parameters[:3]])

    best = least_squares(residuals, [0, 0, 0, 0, 0, 5.0], xtol=1e-14, ftol=1e-14, gtol=1e-14)
    R, t = np.eye(3), np.array([0.0, 0.0, 5.0])
    error = fit_rigid(points, rays, R, t, stiffness, 100)
    turned = Rotation.from_matrix(R).as_rotvec()
    # A step adds to the rotation vector only to first order, so stiffness is compared loosely.
    assert error + stiffness * turned @ turned == pytest.approx(
        2 * best.cost, rel=1e-6 if stiffness == 0 else 1e-2
    )
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)


def test_translation_is_the_linear_least_squares_solution() -> None:
    points, _, _, rays = _posed(3)
    rays[[1, 5]] = np.nan
    rows, right = [], []
    for (x, y, z), (u, v) in zip(points, rays, strict=True):
        if np.isfinite(u):
            rows += [[1, 0, -u], [0, 1, -v]]
            right += [u * z - x, v * z - y]
    expected = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0]
    np.testing.assert_allclose(translate_onto(points, rays), expected, rtol=1e-9)


def test_nothing_is_placed_behind_the_camera() -> None:
    points, _, _, rays = _posed(4)
    placed = points + translate_onto(points, -rays)  # seen upside down and mirrored
    assert placed[:, 2].min() >= NEAR_M - 1e-12


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_the_axis_is_turned_onto_the_ray(x: float, y: float) -> None:
    R = rotation_to_ray(x, y)
    ray = np.array([x, y, 1.0])
    np.testing.assert_allclose(R[:, 2], ray / np.linalg.norm(ray), atol=1e-12)
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
    # No smaller rotation does it: the axis is perpendicular to both.
    np.testing.assert_allclose(np.trace(R), 1 + 2 / np.linalg.norm(ray), atol=1e-12)


def test_rays_and_pixels_are_inverse() -> None:
    pixels, K, _ = photos(people(4, 1), 2)
    K[:, 0, 1] = 3.0
    rays = to_rays(pixels, K)
    np.testing.assert_allclose(
        to_pixels(np.concatenate([rays, np.ones((4, 14, 1))], -1), K), pixels, rtol=1e-12
    )
    rays[0, 3] = np.nan
    x, y, count = mean_ray(rays[0])
    assert count == 13
    np.testing.assert_allclose([x, y], np.nanmean(rays[0], 0), rtol=1e-12)
