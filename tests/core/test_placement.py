"""Placing torso-centred 3D poses before a camera by their 2D poses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import least_squares

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.core.placement import FAR_M, NEAR_M, Placement, place_orthographic, place_perspective

Array = NDArray[np.float64]
SIZE = (640, 480)


def _people(rng: np.random.Generator, people: int, joints: int = 13) -> Array:
    """Poses of a person's size about the mean of their joints."""
    poses = rng.normal(0, (0.25, 0.45, 0.2), (people, joints, 3))
    return np.asarray(poses - poses.mean(1, keepdims=True))


def _camera(rng: np.random.Generator) -> Camera:
    """Any pinhole: two focal lengths, skew, a principal point off the middle."""
    focal = rng.uniform(150, 2000)
    K = np.array(
        [
            [focal, rng.uniform(-5, 5), rng.uniform(200, 440)],
            [0, focal * rng.uniform(0.8, 1.25), 250.0],
            [0, 0, 1],
        ]
    )
    return Camera(K, np.eye(3), np.zeros(3), *SIZE)


def _somewhere(rng: np.random.Generator, poses: Array) -> Array:
    depth = np.exp(rng.uniform(np.log(1.0), np.log(40.0), len(poses))) - poses[..., 2].min(1)
    return np.stack(
        [depth * rng.uniform(-0.5, 0.5, len(poses)), depth * rng.uniform(-0.4, 0.4, len(poses)), depth], -1
    )


def _reprojection(t: Array, pose: Array, pixels: Array, K: Array) -> Array:
    image = (pose + t) @ K.T
    return np.asarray((image[:, :2] / image[:, 2:] - pixels).ravel())


@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(2, 20))
def test_exact_projections_give_the_true_places(seed: int, people: int, joints: int) -> None:
    rng = np.random.default_rng(seed)
    camera, poses = _camera(rng), _people(rng, people, joints)
    origin = rng.normal(0, 3, 3)  # where the pose's own origin is does not matter
    true = _somewhere(rng, poses) - origin
    pixels = camera.project_camera(poses + origin + true[:, None])[0]
    placed = place_perspective(poses + origin, pixels, camera.K)
    apart = np.abs(pixels - pixels.mean(1, keepdims=True)).max((1, 2)) > 5
    np.testing.assert_allclose(placed.translation[apart], true[apart], rtol=1e-6, atol=1e-6)
    assert (placed.residual_px[apart] < 1e-6).all() and not placed.by_size[apart].any()


@given(st.integers(0, 2**32))
def test_no_other_place_fits_noisy_poses_better(seed: int) -> None:
    """A search from several distances by SciPy never finds a smaller reprojection error."""
    rng = np.random.default_rng(seed)
    camera, poses = _camera(rng), _people(rng, 1)
    true = _somewhere(rng, poses)
    noise = rng.choice([1.0, 10.0, 60.0])
    pixels = camera.project_camera(poses + true[:, None])[0] + rng.normal(0, noise, (1, 13, 2))
    placed = place_perspective(poses, pixels, camera.K)
    cost = np.sum(_reprojection(placed.translation[0], poses[0], pixels[0], camera.K) ** 2)
    assert placed.residual_px[0] == pytest.approx(np.sqrt(cost / 13), rel=1e-9)
    nearest = NEAR_M - poses[0, :, 2].min()
    middle = pixels[0].mean(0)
    for depth in nearest + np.array([0.05, 0.5, 2.0, 8.0, 40.0]):
        start = np.linalg.inv(camera.K) @ [*middle, 1] * depth
        found = least_squares(
            _reprojection,
            start,
            args=(poses[0], pixels[0], camera.K),
            bounds=([-np.inf, -np.inf, nearest], [np.inf, np.inf, FAR_M]),
            x_scale="jac",
            xtol=1e-12,
            ftol=1e-12,
            gtol=1e-12,
        )
        limit = np.sum((pixels[0] - middle) ** 2) if placed.by_size[0] else cost
        assert limit <= 2 * found.cost * (1 + (1e-3 if placed.by_size[0] else 1e-6)) + 1e-9


@given(st.integers(0, 2**32), st.integers(1, 5))
def test_orthographic_placement_is_the_least_squares_line(seed: int, people: int) -> None:
    rng = np.random.default_rng(seed)
    poses = _people(rng, people) + rng.normal(0, 1, (people, 1, 3))
    pixels = rng.uniform(20, 900, (people, 1, 1)) * poses[..., :2] + rng.normal(300, 100, (people, 1, 2))
    pixels += rng.normal(0, 8, pixels.shape)
    focal, centre = 700.0, np.array([320.0, 240.0])
    placed = place_orthographic(poses, pixels, focal, centre)
    for p in range(people):
        # u = s x + a, v = s y + b as one linear system in (s, a, b)
        system = np.zeros((26, 3))
        system[:13, 0], system[13:, 0] = poses[p, :, 0], poses[p, :, 1]
        system[:13, 1], system[13:, 2] = 1, 1
        (scale, *shift), squares, *_ = np.linalg.lstsq(system, pixels[p].T.ravel(), rcond=None)
        middle = poses[p].mean(0)
        image = scale * middle[:2] + shift
        depth = focal / scale
        expected = [*(image - centre) / scale, depth] - middle
        np.testing.assert_allclose(placed.translation[p], expected, rtol=1e-8, atol=1e-8)
        assert placed.residual_px[p] == pytest.approx(np.sqrt(squares[0] / 13), rel=1e-8)


def test_depths_of_an_unknown_camera_keep_the_ratios_of_the_true_ones() -> None:
    """Far people seen by a camera of another focal length: their depths are off by one factor, the same for all."""
    rng = np.random.default_rng(3)
    camera = Camera.from_fov(20, *SIZE)
    poses = _people(rng, 3) * [1, 1, 1e-6]
    depths = np.array([20.0, 31.0, 55.0])
    pixels = camera.project_camera(poses + depths[:, None, None] * [0, 0, 1])[0]
    placed = place_orthographic(poses, pixels, 500.0, camera.K[:2, 2])
    np.testing.assert_allclose(placed.translation[:, 2] / depths, 500.0 / camera.K[0, 0], rtol=1e-4)


@pytest.fixture(params=["perspective", "orthographic"])
def place(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    camera = Camera.from_fov(50, *SIZE)

    def perspective(poses: Array, pixels: Array) -> Placement:
        return place_perspective(poses, pixels, camera.K)

    def orthographic(poses: Array, pixels: Array) -> Placement:
        return place_orthographic(poses, pixels, camera.K[0, 0], camera.K[:2, 2])

    return {"perspective": perspective, "orthographic": orthographic}[request.param]


def _scene(rng: np.random.Generator, people: int = 4) -> tuple[Array, Array]:
    poses = _people(rng, people)
    camera = Camera.from_fov(50, *SIZE)
    return poses, camera.project_camera(poses + _somewhere(rng, poses)[:, None])[0]


def test_everyone_is_placed_as_if_alone(place) -> None:  # type: ignore[no-untyped-def]
    poses, pixels = _scene(np.random.default_rng(0), 7)
    together = place(poses, pixels)
    for p in range(7):
        np.testing.assert_allclose(
            place(poses[p : p + 1], pixels[p : p + 1]).translation[0], together.translation[p], rtol=1e-12
        )


def test_missing_joints_place_nobody_elsewhere(place) -> None:  # type: ignore[no-untyped-def]
    """A joint that is missing in 2D or 3D counts as if the skeleton had none such."""
    poses, pixels = _scene(np.random.default_rng(1))
    fewer = place(poses[:, 3:], pixels[:, 3:])
    pixels[:, 0], poses[:, 1], pixels[:, 2, 1] = np.nan, np.nan, np.inf
    np.testing.assert_allclose(place(poses, pixels).translation, fewer.translation, rtol=1e-9)


@pytest.mark.parametrize("lacking", ["joints", "pixels apart", "points apart", "all"])
def test_what_nothing_places_stays_unplaced(place, lacking: str) -> None:  # type: ignore[no-untyped-def]
    poses, pixels = _scene(np.random.default_rng(2))
    expected = place(poses, pixels).translation
    if lacking == "joints":
        pixels[1, 1:] = np.nan
    elif lacking == "all":
        poses[1] = np.nan
    elif lacking == "pixels apart":
        pixels[1] = 77.7
    else:
        poses[1, :, :2] = 0.3
    placed = place(poses, pixels)
    assert np.isnan(placed.translation[1]).all() and np.isnan(placed.residual_px[1]) and not placed.by_size[1]
    others = [0, 2, 3]
    np.testing.assert_allclose(placed.translation[others], expected[others], rtol=1e-12)


def test_contradicting_poses_stand_where_they_look_as_large_as_they_are(place) -> None:  # type: ignore[no-untyped-def]
    poses, pixels = _scene(np.random.default_rng(4))
    true = place(poses, pixels)
    upside_down = 2 * pixels.mean(1, keepdims=True) - pixels
    placed = place(poses, upside_down)
    assert placed.by_size.all() and not true.by_size.any()
    assert np.all(np.abs(np.log(placed.translation[:, 2] / true.translation[:, 2])) < np.log(1.6))


@given(st.integers(0, 2**32))
def test_nobody_ends_behind_the_camera(seed: int) -> None:
    """Whatever the poses are, joints unseen in 2D included."""
    rng = np.random.default_rng(seed)
    poses = rng.normal(0, rng.choice([1e-3, 0.5, 50]), (6, 9, 3))
    pixels = rng.normal(0, rng.choice([1e-2, 50, 1e5]), (6, 9, 2))
    pixels[rng.random((6, 9)) < 0.4] = np.nan
    camera = _camera(rng)
    placed = place_perspective(poses, pixels, camera.K)
    there = np.isfinite(placed.translation[:, 2])
    assert there.any()
    depth = poses[there, :, 2] + placed.translation[there, 2:]
    assert depth.min() >= NEAR_M - 1e-9
    flat = place_orthographic(poses, pixels, 500.0, np.zeros(2))
    depth = poses[there, :, 2] + flat.translation[there, 2:]
    assert depth.min() >= NEAR_M - 1e-9


def test_a_close_up_is_put_no_nearer_than_it_can_be() -> None:
    """Without a camera: 2000 pixels to a metre would put somebody within his own reach."""
    poses = _people(np.random.default_rng(6), 1)
    placed = place_orthographic(poses, 2000 * poses[..., :2] + 300, 500.0, np.array([320.0, 240.0]))
    assert (poses[0, :, 2] + placed.translation[0, 2]).min() == pytest.approx(NEAR_M)
    assert placed.translation[0, :2] == pytest.approx([-20 / 2000, 60 / 2000])
    assert placed.residual_px[0] == pytest.approx(0, abs=1e-9)


def test_a_flat_pose_is_placed_by_its_size() -> None:
    poses = _people(np.random.default_rng(5), 1) * [1, 1, 0]
    camera = Camera.from_fov(50, *SIZE)
    true = np.array([[0.4, -0.2, 6.0]])
    pixels = camera.project_camera(poses + true[:, None])[0]
    np.testing.assert_allclose(place_perspective(poses, pixels, camera.K).translation, true, rtol=1e-9)


def test_shapes_that_do_not_belong_together() -> None:
    with pytest.raises(InputError, match="expected poses of"):
        place_perspective(np.zeros((2, 13, 3)), np.zeros((2, 12, 2)), np.eye(3))
    nobody = place_perspective(np.zeros((0, 13, 3)), np.zeros((0, 13, 2)), np.eye(3))
    assert nobody.translation.shape == (0, 3) and nobody.residual_px.shape == (0,)
