import numpy as np
import pytest

from posecorpus.synth.raster.light import BAND_WEIGHTS, sh_basis


def fibonacci(n: int) -> np.ndarray:
    i = np.arange(n) + 0.5
    z = 1 - 2 * i / n
    phi = np.pi * (1 + 5**0.5) * i
    r = np.sqrt(1 - z * z)
    return np.stack([r * np.cos(phi), r * np.sin(phi), z], -1)


def test_terms_by_hand():
    n = np.array([2.0, 3.0, 6.0]) / 7
    expected = np.array([1, 3 / 7, 6 / 7, 2 / 7, 6 / 49, 18 / 49, 3 * 36 / 49 - 1, 12 / 49, (4 - 9) / 49])
    np.testing.assert_allclose(sh_basis(n), expected * BAND_WEIGHTS, atol=1e-15)


def test_basis_is_orthogonal_over_the_sphere():
    gram = sh_basis(fibonacci(200_000)).T @ sh_basis(fibonacci(200_000)) / 200_000
    np.testing.assert_allclose(gram - np.diag(np.diag(gram)), 0, atol=1e-5)


@pytest.mark.parametrize("term", range(9))
def test_band_weights_are_the_cosine_lobe_of_a_lambertian_surface(term):
    """Irradiance of the radiance ``raw basis function`` integrated numerically, divided by pi."""
    sky = fibonacci(200_000)
    radiance = (sh_basis(sky) / BAND_WEIGHTS)[:, term]
    for n in fibonacci(7):
        irradiance = 4 * np.mean(radiance * np.clip(sky @ n, 0, None))
        assert abs(irradiance - sh_basis(n)[term]) < 1e-4


def test_a_negative_second_coefficient_lights_from_above():
    light = np.zeros(9)
    light[:2] = 1.0, -0.5
    assert sh_basis([0, -1, 0]) @ light > sh_basis([0, 1, 0]) @ light
