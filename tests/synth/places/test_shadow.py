"""Shadows against a brute-force oracle: rays from floor points to points of the lamp."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def disc(towards: tuple[float, float, float], softness: float, count: int) -> np.ndarray:
    """(count, 3) directions to points spread evenly over a round lamp."""
    middle = np.array(towards) / np.linalg.norm(towards)
    one = np.cross(middle, (0, 0, 1.0))
    one /= np.linalg.norm(one)
    k = np.arange(count) + 0.5
    radius, angle = np.tan(softness) * np.sqrt(k / count), k * np.pi * (3 - 5**0.5)
    aside = np.cos(angle)[:, None] * one + np.sin(angle)[:, None] * np.cross(middle, one)
    return np.asarray(middle + radius[:, None] * aside)


def traced(
    boxes: list[tuple[tuple[float, float, float], tuple[float, float, float]]],
    towards: tuple[float, float, float],
    softness: float,
    camera: Camera,
) -> np.ndarray:
    """(H, W) share of the lamp that each pixel's floor point sees past boxes: a ray to every part of the lamp."""
    y, x = np.mgrid[: camera.height, : camera.width] + 0.5
    rays = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(camera.K).T @ camera.R
    points = (camera.centre - rays * (camera.centre[1] / rays[..., 1])[..., None]).reshape(-1, 3)
    seen = np.zeros(len(points))
    directions = disc(towards, softness, 150)
    for direction in directions:
        hidden = np.zeros(len(points), bool)
        for low, high in boxes:
            one, other = (low - points) / direction, (high - points) / direction
            near, far = np.minimum(one, other).max(1), np.maximum(one, other).min(1)
            hidden |= far >= np.maximum(near, 1e-9)
        seen += ~hidden
    return np.asarray((seen / len(directions)).reshape(camera.height, camera.width))


SMALL = Camera.look_at((0.0, 2.0, 4.0), (0.0, 0.0, 0.0), 150, 160, 120)
SLAB = [((-0.4, 0.8, -0.4), (0.4, 0.82, 0.4))]
STANDING = [((-0.25, 0.0, -0.15), (0.25, 1.6, 0.15))]
TWO = [((-0.8, 0.0, -0.2), (-0.5, 1.2, 0.2)), ((0.3, 0.3, -0.3), (0.9, 0.5, 0.3))]


@pytest.mark.parametrize("boxes", [SLAB, STANDING, TWO], ids=["slab", "standing", "two"])
@pytest.mark.parametrize(
    ("towards", "softness"), [((0.4, 0.9, 0.2), 0.06), ((0.4, 0.9, 0.2), 0.15), ((-0.8, 0.6, 0.3), 0.1)]
)
def test_shadows_are_those_of_rays_to_every_part_of_the_lamp(
    boxes: list[tuple[tuple[float, float, float], tuple[float, float, float]]],
    towards: tuple[float, float, float],
    softness: float,
) -> None:
    expected = traced(boxes, towards, softness, SMALL)
    grey = np.full((SMALL.height, SMALL.width, 3), 200, np.uint8)
    drawn = light_left(cast_shadow(grey, [box(*b) for b in boxes], SMALL, Shadow(towards, softness, 1, 0)))
    wrong = np.abs(drawn - expected)
    assert (1 - expected).sum() > 100  # there is a shadow to speak of
    assert (1 - drawn).sum() / (1 - expected).sum() == pytest.approx(1, abs=0.05)
    assert np.sqrt((wrong**2).mean()) < 0.02
    assert np.quantile(wrong, 0.98) < 0.06


def test_the_penumbra_of_an_edge_is_that_of_a_round_lamp() -> None:
    """Straight above a half-plane at height h, the light at distance x from its edge is that of a disc cut at x."""
    high, softness = 0.5, 0.2
    camera = Camera.look_at((0.0, 3.0, 0.001), (0.0, 0.0, 0.0), 500, 300, 300)
    edge = [box((0.0, high, -5.0), (5.0, high + 0.001, 5.0))]
    grey = np.full((300, 300, 3), 200, np.uint8)
    drawn = light_left(cast_shadow(grey, edge, camera, Shadow((0, 1, 0), softness, 1, 0)))[150]
    x = (np.arange(300) + 0.5 - 150) * 3.0 / 500
    u = np.clip(-x / (high * np.tan(softness)), -1, 1)
    expected = 0.5 + (np.arcsin(u) + u * np.sqrt(1 - u * u)) / np.pi
    assert np.abs(drawn - expected).max() < 0.06  # the lamp is a square of the same variance
    umbra, lit = x > high * np.tan(softness), x < -high * np.tan(softness)
    np.testing.assert_array_equal(drawn[lit], 1)
    assert drawn[umbra].max() < 0.01


@settings(max_examples=15)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_more_strength_is_never_more_light(a: float, b: float, c: float, d: float) -> None:
    meshes = [box((-0.3, 0, -0.3), (0.3, 1, 0.3))]
    (low, high), (less, more) = sorted((a, b)), sorted((c, d))
    lighter = cast_shadow(picture(), meshes, CAMERA, Shadow((0.4, 0.9, 0.2), 0.1, low, less)).astype(int)
    darker = cast_shadow(picture(), meshes, CAMERA, Shadow((0.4, 0.9, 0.2), 0.1, high, more)).astype(int)
    assert (darker <= lighter).all()
    assert (lighter <= 200).all()


def test_a_shadow_keeps_the_part_of_light_that_it_should() -> None:
    """In the umbra 1 - strength is left, in linear light, and half of it where half the pixel is floor."""
    meshes = [box((-0.6, 0.3, -0.6), (0.6, 0.35, 0.6))]
    half = np.full((CAMERA.height, CAMERA.width), 128, np.uint8)
    shadow = Shadow((0.001, 1.0, 0.0), 0.1, 0.6, 0)
    at = tuple(CAMERA.project((0.0, 0.0, 0.0))[0].astype(int)[::-1])
    assert light_left(cast_shadow(picture(), meshes, CAMERA, shadow))[at] == pytest.approx(0.4, abs=0.01)
    whole = light_left(cast_shadow(picture(), meshes, CAMERA, shadow, half))[at]
    assert whole == pytest.approx(1 - 0.6 * 128 / 255, abs=0.01)


def test_contact_is_dark_where_things_touch_and_nowhere_else() -> None:
    standing, floating = box((-0.2, 0, -0.2), (0.2, 1, 0.2)), box((-0.2, 0.4, -0.2), (0.2, 1, 0.2))
    shadow = Shadow((0.0, 1.0, 0.0), 0.1, 0.0, 0.8)
    np.testing.assert_array_equal(cast_shadow(picture(), [floating], CAMERA, shadow), picture())
    left = light_left(cast_shadow(picture(), [standing], CAMERA, shadow))

    def at(x: float, z: float) -> float:
        column, row = CAMERA.project((x, 0.0, z))[0].astype(int)
        return float(left[row, column])

    assert at(0, 0) == pytest.approx(0.2, abs=0.01)
    along = [at(0.2 + d, 0) for d in (0.0, 0.02, 0.05, 0.1, 0.35)]
    assert along == sorted(along) and along[0] < 0.75 and along[-1] == 1


def test_large_pictures_at_a_third_of_the_resolution_show_the_same_shadow() -> None:
    large = CAMERA.resize(640, 480)
    meshes, shadow = [box(*b) for b in TWO], Shadow((0.4, 0.9, 0.2), 0.15, 1, 0)
    grey = np.full((480, 640, 3), 200, np.uint8)
    drawn = light_left(cast_shadow(grey, meshes, large, shadow))
    small = light_left(cast_shadow(picture(), meshes, CAMERA, shadow))
    averaged = drawn.reshape(240, 2, 320, 2).mean((1, 3))
    assert np.sqrt(((averaged - small) ** 2).mean()) < 0.02


def test_the_horizon_and_a_camera_below_the_floor_do_no_harm() -> None:
    meshes = [box((-0.3, 0, -0.3), (0.3, 1.8, 0.3))]
    level = Camera.look_at((0, 1, 5), (0, 1, 0), 300, 320, 240)
    result = cast_shadow(picture(), meshes, level, Shadow((0.9, 0.2, 0.1), 0.3, 1, 1))
    np.testing.assert_array_equal(result[:121], 200)
    assert (result[121:] < 200).any()
    up = Camera.look_at((0, 1, 5), (0, 3, 0), 900, 320, 240)
    np.testing.assert_array_equal(cast_shadow(picture(), meshes, up, Shadow((0, 1, 0), 0.3, 1, 1)), picture())


def test_a_lamp_below_the_floor_is_refused() -> None:
    with pytest.raises(InputError, match="above the floor"):
        cast_shadow(picture(), [], CAMERA, Shadow((0, -1, 0), 0.1, 1, 1))
