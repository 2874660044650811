"""Light of places in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecorpus.core.cameras import Camera
from posecorpus.synth.places.harmonics import Lamp, PlaceLight, lamp_light, sky_light
from posecorpus.synth.raster.light import sh_basis


def sphere(count: int) -> np.ndarray:
    """(count, 3) unit vectors spread evenly."""
    k = np.arange(count) + 0.5
    z, angle = 1 - 2 * k / count, k * np.pi * (3 - 5**0.5)
    r = np.sqrt(1 - z * z)
    return np.column_stack([r * np.cos(angle), r * np.sin(angle), z])


units = st.integers(0, 999).map(lambda i: sphere(1000)[i])


@given(units)
def test_a_lamp_is_the_clamped_cosine_of_the_second_order(towards: np.ndarray) -> None:
    normals = sphere(2000)
    cosine = normals @ towards
    drawn = sh_basis(normals) @ lamp_light(towards, (1, 2, 0))
    closed = 0.25 + cosine / 2 + 5 / 32 * (3 * cosine**2 - 1)
    np.testing.assert_allclose(drawn, closed[:, None] * (1, 2, 0), atol=1e-12)
    # No other function of these nine terms is nearer to the cosine: what is left is orthogonal to all of them.
    left = np.maximum(cosine, 0) - drawn[:, 0]
    np.testing.assert_allclose(sh_basis(normals).T @ left / len(normals), 0, atol=2e-3)


@given(units)
def test_a_sky_is_what_it_says_above_and_below(up: np.ndarray) -> None:
    light = sky_light(up, (1.0, 0.8, 0.6), (0.2, 0.3, 0.4))
    np.testing.assert_allclose(sh_basis(up) @ light, (1.0, 0.8, 0.6), atol=1e-12)
    np.testing.assert_allclose(sh_basis(-up) @ light, (0.2, 0.3, 0.4), atol=1e-12)


def test_harmonics_turn_with_the_camera() -> None:
    """The light on a surface of the world does not depend on where it is seen from."""
    lamp = Lamp(np.array([0.6, 0.8, 0.0]), np.array([1.0, 0.9, 0.8]))
    place = PlaceLight((lamp,), np.ones(3), np.full(3, 0.3), np.array([0.6, 0.8, 0.0]), 0.1)
    normals = sphere(50)
    seen = [
        sh_basis(normals @ camera.R.T) @ place.harmonics(camera.R)
        for camera in (
            Camera.look_at((1, 2, 5), (0, 1, 0), 500, 64, 48),
            Camera.look_at((-3, 0.5, -2), (0, 1, 0), 500, 64, 48),
        )
    ]
    np.testing.assert_allclose(seen[0], seen[1], atol=1e-12)
    assert sh_basis(np.array([0.6, 0.8, 0.0]) @ np.eye(3)).shape == (9,)
    brightest = normals[seen[0][:, 0].argmax()]
    assert brightest @ (0.6, 0.8, 0.0) == pytest.approx(1, abs=0.05)
