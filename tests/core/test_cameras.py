"""Cameras against OpenCV and against themselves: every edit of a view commutes with projecting."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError

seeds = st.integers(0, 2**32 - 1)


def random_camera(rng: np.random.Generator, skew: bool = True) -> Camera:
    fx, fy = rng.uniform(200, 900, 2)
    K = np.array([[fx, rng.normal() * skew, rng.uniform(50, 300)], [0, fy, rng.uniform(50, 200)], [0, 0, 1]])
    R = Rotation.random(random_state=rng).as_matrix()
    return Camera(K, R, rng.normal(0, 3, 3), 320, 240)


def points_in_front(rng: np.random.Generator, camera: Camera, count: int = 30) -> np.ndarray:
    """World points with depths of 0.5 to 12 metres, some of them outside the image."""
    points = np.column_stack([rng.uniform(-3, 3, (count, 2)), rng.uniform(0.5, 12, count)])
    return camera.to_world(points)


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_projection_matches_opencv(seed: int) -> None:
    rng = np.random.default_rng(seed)
    camera = random_camera(rng, skew=False)  # OpenCV knows no skew
    world = points_in_front(rng, camera)
    expected = cv2.projectPoints(world, cv2.Rodrigues(camera.R)[0], camera.t, camera.K, None)[0][:, 0]
    pixels, depth = camera.project(world)
    np.testing.assert_allclose(pixels, expected, atol=1e-6)
    np.testing.assert_allclose(depth, (world @ camera.R.T + camera.t)[:, 2])


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_unproject_inverts_project(seed: int) -> None:
    rng = np.random.default_rng(seed)
    camera = random_camera(rng)
    world = points_in_front(rng, camera).reshape(5, 6, 3)
    pixels, depth = camera.project(world)
    assert pixels.shape == (5, 6, 2)
    np.testing.assert_allclose(camera.to_world(camera.unproject(pixels, depth)), world, atol=1e-9)
    np.testing.assert_allclose(camera.to_camera(camera.centre), 0, atol=1e-12)


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_crop_and_resize_commute_with_projecting(seed: int) -> None:
    rng = np.random.default_rng(seed)
    camera = random_camera(rng)
    world = points_in_front(rng, camera)
    pixels, depth = camera.project(world)
    x0, y0 = rng.uniform(-40, 100, 2)
    cropped = camera.crop(x0, y0, 150, 90)
    np.testing.assert_allclose(cropped.project(world)[0], pixels - [x0, y0], atol=1e-8)
    resized = cropped.resize(75, 270)
    np.testing.assert_allclose(resized.project(world)[0], (pixels - [x0, y0]) * [0.5, 3], atol=1e-8)
    np.testing.assert_allclose(resized.project(world)[1], depth)
    assert (resized.width, resized.height) == (75, 270)


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_flip_commutes_with_projecting_the_mirrored_world(seed: int) -> None:
    rng = np.random.default_rng(seed)
    camera = random_camera(rng)
    world = points_in_front(rng, camera)
    flipped = camera.flip()
    assert np.linalg.det(flipped.R) == pytest.approx(1)
    pixels, depth = flipped.project(world * [-1, 1, 1])
    expected, expected_depth = camera.project(world)
    np.testing.assert_allclose(pixels, np.column_stack([320 - expected[:, 0], expected[:, 1]]), atol=1e-8)
    np.testing.assert_allclose(depth, expected_depth)
    np.testing.assert_allclose(flipped.to_camera(world * [-1, 1, 1]), camera.to_camera(world) * [-1, 1, 1])
    for name in ("K", "R", "t"):
        np.testing.assert_allclose(getattr(flipped.flip(), name), getattr(camera, name), atol=1e-12)


def test_resizing_pixels_agrees_with_resizing_the_camera() -> None:
    """An image edge must land where the camera says: the pixel convention, not only the algebra."""
    camera = Camera.from_fov(60, 64, 48)
    image = np.zeros((48, 64), np.float32)
    image[:, 32:] = 1  # the edge is at x = 32, the principal point
    small = cv2.resize(image, (16, 12), interpolation=cv2.INTER_AREA)
    assert (small[:, :8] == 0).all() and (small[:, 8:] == 1).all()
    assert camera.resize(16, 12).project_camera([0, 0, 1.0])[0][0] == 8


def test_points_behind_have_no_pixel() -> None:
    camera = Camera.from_fov(60, 320, 240)
    pixels, depth = camera.project_camera([[0, 0, 1.0], [0, 0, 0], [1, 1, -2]])
    assert np.isnan(pixels).any(-1).tolist() == [False, True, True]
    assert depth.tolist() == [1, 0, -2]


def test_surreal_lens() -> None:
    """60 mm on a 32 mm sensor and 320 px: f = 600 px, 29.86 degrees."""
    camera = Camera.from_fov(np.degrees(2 * np.arctan(16 / 60)), 320, 240)
    np.testing.assert_allclose(camera.K, [[600, 0, 160], [0, 600, 120], [0, 0, 1]])
    assert np.degrees(2 * np.arctan(16 / 60)) == pytest.approx(29.86, abs=5e-3)


def test_look_at_puts_the_target_in_the_middle_and_up_upwards() -> None:
    camera = Camera.look_at((2, 1.5, 6), (0, 1, 0), 600, 320, 240)
    np.testing.assert_allclose(camera.centre, (2, 1.5, 6), atol=1e-12)
    np.testing.assert_allclose(camera.project([0, 1, 0])[0], (160, 120), atol=1e-9)
    middle, above = camera.project([[0, 1, 0], [0, 1.5, 0]])[0]
    assert above[1] < middle[1] and above[0] == pytest.approx(middle[0])
    # Seen from +Z, the world's +X (the left hand of a body that faces +Z) is on the right.
    front = Camera.look_at((0, 1, 6), (0, 1, 0), 600, 320, 240)
    assert front.project([1, 1, 0])[0][0] > 160


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"R": np.diag([-1.0, 1, 1])}, r"det -1.*exchanges left and right"),
        ({"R": np.eye(3) * 1.001}, "orthonormal"),
        ({"K": np.eye(4)}, "camera K"),
        ({"t": np.array([0, np.nan, 0])}, "camera t"),
        ({"width": 0}, "at least 1x1"),
    ],
)
def test_bad_cameras_are_refused(change: dict, words: str) -> None:
    good = {"K": np.eye(3), "R": np.eye(3), "t": np.zeros(3), "width": 4, "height": 3}
    Camera(**good)
    with pytest.raises(InputError, match=words):
        Camera(**(good | change))
