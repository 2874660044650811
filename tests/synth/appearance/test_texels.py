"""The texel map against slow geometry, and what follows from it for gutters."""

from __future__ import annotations

import gc
import weakref

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from wearers import foreign_body

from posecorpus.synth.appearance.atlas import body_atlas
from posecorpus.synth.appearance.texels import texel_map
from posecorpus.synth.bodies.model import load_body


def _slow(uv: np.ndarray, faces: np.ndarray, size: int) -> dict[int, tuple[int, np.ndarray]]:
    """Face and barycentric weights of each texel's centre, by solving a 3x3 system per texel and face."""
    found: dict[int, tuple[int, np.ndarray]] = {}
    for row in range(size):
        for column in range(size):
            point = np.array([(column + 0.5) / size, 1 - (row + 0.5) / size, 1.0])
            for f, face in enumerate(faces):
                corners = np.vstack([uv[face].T, np.ones(3)])
                if abs(np.linalg.det(corners)) < 1e-12:
                    continue
                weights = np.linalg.solve(corners, point)
                if (weights >= 0).all():
                    found[row * size + column] = (f, weights)
                    break
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(3, 14))
def test_map_equals_brute_force(seed: int, count: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    uv = rng.uniform(-0.1, 1.1, (3 * count, 2))
    faces = np.arange(3 * count).reshape(-1, 3)
    expected = _slow(uv, faces, size)
    got = texel_map(uv, faces, size)
    if not expected:
        assert got.index.tolist() == [0]
        return
    assert got.index.tolist() == sorted(expected)
    values = rng.normal(size=(3 * count, 4))
    for n, index in enumerate(got.index):
        face, weights = expected[int(index)]
        assert got.face[n] == face
        np.testing.assert_allclose(got.weights[n], weights, atol=1e-5)
        np.testing.assert_allclose(
            got.interpolate(values, faces)[n], weights @ values[faces[face]], atol=1e-4
        )


def test_gutter_takes_the_nearest_covered_texel() -> None:
    body = load_body("open", "female")
    texels = texel_map(body.uv, body.uv_faces, 64)
    assert sorted(np.concatenate([texels.index, texels.gutter])) == list(range(64 * 64))
    covered = np.stack(np.divmod(texels.index, 64), axis=1)
    for target, source in zip(texels.gutter[::7], texels.gutter_source[::7], strict=True):
        assert source in texels.index
        away = np.hypot(*(covered - np.divmod(target, 64)).T)
        assert np.hypot(*np.subtract(np.divmod(source, 64), np.divmod(target, 64))) == away.min()


def test_interpolated_points_lie_on_the_body() -> None:
    """A texel's uv, computed from its pixel, is the uv of its interpolated point: both by the same weights."""
    body = load_body("open", "male")
    texels = texel_map(body.uv, body.uv_faces, 128)
    rows, columns = np.divmod(texels.index, 128)
    expected = np.stack([(columns + 0.5) / 128, 1 - (rows + 0.5) / 128], axis=1)
    corners = body.uv[body.uv_faces[texels.face]]
    np.testing.assert_allclose(np.einsum("nk,nkc->nc", texels.weights, corners), expected, atol=2e-6)
    assert 0.55 < len(texels.index) / 128**2 < 0.75


def test_atlas_is_made_once_per_body_and_forgotten_with_it() -> None:
    body = foreign_body()
    made = weakref.ref(body_atlas(body, 32))
    assert body_atlas(body, 32) is made()
    assert body_atlas(foreign_body(), 32) is not made()
    del body
    gc.collect()
    assert made() is None
