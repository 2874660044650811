"""The picture against one with 256 samples a pixel, averaged in linear light."""

import numpy as np
import pytest
from raster_scenes import WHITE, camera, erode, mesh, plain, quad, sphere

from posecorpus.core.cameras import Camera
from posecorpus.synth.raster.colour import decode, encode
from posecorpus.synth.raster.engine import render
from posecorpus.synth.raster.mipmap import build_texture
from posecorpus.synth.scene import Mesh

TIMES = 16


def backdrop(view: Camera) -> np.ndarray:
    """Bright and dark columns, so that wrong coverage shows."""
    x = np.arange(view.width) // max(1, view.width // 8)
    return np.broadcast_to(np.where(x % 2, 230, 25)[None, :, None], (view.height, view.width, 3)).astype(
        np.uint8
    )


def reference(meshes: list[Mesh], view: Camera, light: np.ndarray) -> np.ndarray:
    """(H, W, 3) code values: 16 x 16 point samples a pixel."""
    fine = view.resize(view.width * TIMES, view.height * TIMES)
    background = backdrop(view).repeat(TIMES, 0).repeat(TIMES, 1)
    picture = decode(render(meshes, fine, light, background).rgb / 255)
    mean = picture.reshape(view.height, TIMES, view.width, TIMES, 3).mean((1, 3))
    return 255 * encode(mean)


def aliased(meshes: list[Mesh], view: Camera, light: np.ndarray) -> np.ndarray:
    """What one sample at the pixel centre would show: every 16th of an odd magnification."""
    odd = view.resize(view.width * 17, view.height * 17)
    background = backdrop(view).repeat(17, 0).repeat(17, 1)
    return render(meshes, odd, light, background).rgb[8::17, 8::17].astype(float)


def crowd() -> tuple[list[Mesh], Camera]:
    """Overlapping coloured balls of subpixel faces and a cloth, as people in front of each other."""
    view = Camera.look_at([0.1, 0.3, 6], [0, 0, 0], 90, 64, 48)
    balls = [
        sphere([0, 0, 0], 1.0, 4, 1, texture=plain((220, 60, 40))),
        sphere([0.8, 0.4, 0.5], 0.5, 4, 2, texture=plain((40, 200, 80))),
        sphere([-0.7, -0.4, 0.9], 0.15, 3, 3, texture=plain((60, 80, 240))),
    ]
    cloth = quad(
        [[-1.4, -0.9, 0.2], [-0.2, -1.1, 0.9], [0.1, 1.1, 0.7], [-1.3, 0.9, -0.2]], 4,
        texture=plain((240, 240, 200)), double_sided=True,
    )  # fmt: skip
    return [*balls, cloth], view


def test_outlines_are_close_to_256_samples():
    meshes, view = crowd()
    light = np.zeros((9, 3), np.float32)
    light[0], light[1], light[3] = 0.7, -0.4, 0.3
    exact = reference(meshes, view, light)
    ours = render(meshes, view, light, backdrop(view)).rgb.astype(float)
    hard = aliased(meshes, view, light)
    outline = np.abs(hard - exact).max(-1) > 4
    assert outline.sum() > 150
    error = np.sqrt(((ours - exact) ** 2)[outline].mean())
    before = np.sqrt(((hard - exact) ** 2)[outline].mean())
    assert error < 10 and before > 30, (error, before)
    assert (np.abs(ours - exact)[~outline].max(-1) > 5).sum() < 6, "few tips that no centre sees"


@pytest.mark.parametrize("angle", np.linspace(1, 89, 12))
def test_coverage_of_a_half_plane(angle):
    """Eight samples of a straight edge: coverage within a quarter of the truth everywhere, 6 % on average."""
    view = camera(40, 40, 40)
    t = np.radians(angle)
    along, across = np.array([np.cos(t), np.sin(t), 0]), np.array([-np.sin(t), np.cos(t), 0])
    corners = np.array([along * s + across * d for s, d in ((-9, 0), (-9, 9), (9, 9), (9, 0))]) + [
        0.013,
        0.007,
        2.0,
    ]
    white = [quad(corners, texture=plain((255, 255, 255)), double_sided=True)]
    black = np.zeros((40, 40, 3), np.uint8)
    coverage = decode(render(white, view, WHITE, black).rgb[..., 0] / 255)
    fine = view.resize(40 * TIMES, 40 * TIMES)
    dots = render(white, fine, WHITE, np.zeros((40 * TIMES, 40 * TIMES, 3), np.uint8)).rgb[..., 0] > 0
    exact = dots.reshape(40, TIMES, 40, TIMES).mean((1, 3))
    assert np.abs(coverage - exact).max() < 0.25
    edge = (exact > 0.02) & (exact < 0.98)
    assert np.abs(coverage - exact)[edge].mean() < 0.065
    assert abs(coverage.mean() - exact.mean()) < 0.002


def test_labels_are_not_blended():
    meshes, view = crowd()
    frame = render(meshes, view, WHITE, backdrop(view))
    for m in meshes:
        alone = render([m], view, WHITE, backdrop(view))
        at = frame.instances == m.instance
        np.testing.assert_array_equal(frame.depth[at], alone.depth[at])
        np.testing.assert_array_equal(frame.normals[at], alone.normals[at])


def test_an_inner_outline_of_one_mesh_is_smoothed_too():
    """An arm before a body: same mesh, same instance, another depth and colour."""
    view = camera(40, 40, 40)
    near = [[-0.2, 2, 1.5], [0.25, 2, 1.5], [0.15, -2, 1.5], [-0.3, -2, 1.5]]
    far = [[-5, 5, 2.5], [5, 5, 2.5], [5, -5, 2.5], [-5, -5, 2.5]]
    half = np.zeros((4, 8, 3), np.uint8)
    half[:, 4:] = 255
    both = mesh(
        [*near, *far], [[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]],
        normals=np.tile([0, 0, -1], (8, 1)), uv=[[0, 0.5], [1, 0.5]],
        uv_faces=[[0, 0, 0]] * 2 + [[1, 1, 1]] * 2, texture=build_texture(half),
    )  # fmt: skip
    frame = render([both], view, WHITE, np.full((40, 40, 3), 77, np.uint8))
    arm = frame.depth < 2
    edge = ~(erode(arm) | erode(~arm))
    between = (frame.rgb[..., 0] > 40) & (frame.rgb[..., 0] < 250)
    assert between.sum() > 40
    assert (edge | ~between)[1:-1, 1:-1].all()
