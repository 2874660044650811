"""Light within its ranges, and what it does to pictures of people."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from posecorpus.synth.appearance.lighting import sample_light
from posecorpus.synth.config import load_config
from posecorpus.synth.raster.light import sh_basis


def lights(count: int, tint: float = 0.0) -> np.ndarray:
    ranges = load_config("surreal").light
    return np.stack([sample_light(np.random.default_rng(i), ranges, tint) for i in range(count)])


def test_coefficients_fill_surreals_ranges() -> None:
    drawn = lights(3000)
    assert drawn.shape == (3000, 9, 3)
    assert drawn.dtype == np.float32
    low = np.array([0.5, -0.7, *[-0.7] * 7])
    high = np.array([1.4, 0.0, *[0.7] * 7])
    share = (drawn[..., 0] - low) / (high - low)
    assert share.min() >= 0
    assert share.max() <= 1
    np.testing.assert_allclose(
        np.quantile(share, [0.1, 0.5, 0.9], axis=0), [[0.1] * 9, [0.5] * 9, [0.9] * 9], atol=0.03
    )
    correlation = np.corrcoef(share.T) - np.eye(9)
    assert np.abs(correlation).max() < 0.08  # each on its own


def test_light_is_white_unless_tinted() -> None:
    white = lights(50)
    np.testing.assert_array_equal(white[..., 0], white[..., 2])
    np.testing.assert_array_equal(white[..., 0], white[..., 1])
    tinted = lights(50, tint=0.2)
    ratio = tinted[:, 0] / white[:, 0]
    assert np.abs(ratio - 1).max() <= 0.2 + 1e-6
    np.testing.assert_allclose(ratio[:, 0] + ratio[:, 2], 2, atol=1e-5)
    assert np.ptp(ratio[:, 0]) > 0.2


def test_other_ranges_are_obeyed() -> None:
    ranges = SimpleNamespace(c0=(1.0, 1.0), c1=(-0.2, -0.1), c2_to_c8=(0.0, 0.0))
    light = sample_light(np.random.default_rng(1), ranges)
    assert (light[0] == 1).all()
    assert (light[1] >= -0.2).all()
    assert (light[1] <= -0.1).all()
    assert (light[2:] == 0).all()


def test_exposure_is_sensible() -> None:
    """Over lights and directions that face the camera, few surfaces are black or more than white."""
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(2000, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    normals[:, 2] = -np.abs(normals[:, 2])
    irradiance = np.einsum("nk,lk->nl", sh_basis(normals), lights(300)[..., 0])
    assert np.mean(irradiance <= 0.05) < 0.02
    assert np.mean(0.8 * irradiance > 1) < 0.3  # light skin and white cloth reflect 0.8
    assert 0.7 < np.median(irradiance) < 1.2
