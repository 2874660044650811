"""Shadows against a brute-force oracle: rays from floor points to points of the lamp."""

from __future__ import annotations

import numpy as np
import pytest

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.synth.places import cast_shadow
from posecorpus.synth.raster.colour import decode
from posecorpus.synth.scene import Mesh, Shadow, Texture

GREY = Texture((np.full((2, 2, 3), 128, np.uint8),))
CAMERA = Camera.look_at((0.0, 2.0, 4.0), (0.0, 0.0, 0.0), 300, 320, 240)
BOX_FACES = np.array(
    [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
     [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]], np.int32
)  # fmt: skip


def box(low: tuple[float, float, float], high: tuple[float, float, float]) -> Mesh:
    """An axis-aligned box whose faces look outwards."""
    corners = np.array(
        [[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
    )
    vertices = corners.astype(np.float32)
    return Mesh(
        vertices, vertices, vertices, BOX_FACES, np.zeros(12, np.uint8), 0,
        np.zeros((3, 2), np.float32), np.tile(np.arange(3, dtype=np.int32), (12, 1)), GREY,
    )  # fmt: skip


def picture() -> np.ndarray:
    return np.full((CAMERA.height, CAMERA.width, 3), 200, np.uint8)


def light_left(result: np.ndarray) -> np.ndarray:
    """(H, W) share of the background's linear light."""
    return np.asarray(decode(result[..., 0] / 255) / decode(np.array(200 / 255)))


def test_faces_of_the_test_box_look_outwards() -> None:
    mesh = box((-1, -1, -1), (1, 1, 1))
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    assert (np.einsum("fi,fi->f", np.cross(b - a, c - a), a) > 0).all()


def test_nothing_changes_without_strength_or_things() -> None:
    meshes = [box((-0.5, 0, -0.5), (0.5, 1, 0.5))]
    before = np.random.default_rng(0).integers(0, 256, (CAMERA.height, CAMERA.width, 3)).astype(np.uint8)
    towards = (0.3, 0.9, 0.3)
    np.testing.assert_array_equal(cast_shadow(before, meshes, CAMERA, Shadow(towards, 0.1, 0, 0)), before)
    np.testing.assert_array_equal(cast_shadow(before, [], CAMERA, Shadow(towards, 0.1, 1, 1)), before)
    no_floor = np.zeros(before.shape[:2], np.uint8)
    np.testing.assert_array_equal(
        cast_shadow(before, meshes, CAMERA, Shadow(towards, 0.1, 1, 1), no_floor), before
    )


def test_a_lamp_below_the_floor_is_refused() -> None:
    with pytest.raises(InputError, match="above the floor"):
        cast_shadow(picture(), [], CAMERA, Shadow((0, -1, 0), 0.1, 1, 1))
