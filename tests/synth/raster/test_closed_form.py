"""The rasteriser against geometry that can be written down."""

from dataclasses import replace

import numpy as np
import pytest
from raster_scenes import WHITE, camera, centres, erode, grey, mesh, plain, quad, rays, sphere, wall
from scipy.spatial.transform import Rotation

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.synth.raster.colour import decode, encode
from posecorpus.synth.raster.engine import render
from posecorpus.synth.raster.mipmap import build_texture
from posecorpus.synth.raster.visibility import NEAR_M
from posecorpus.synth.scene import Texture


def test_an_empty_scene_is_the_background():
    view = camera(7, 5)
    background = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    frame = render([], view, WHITE, background)
    np.testing.assert_array_equal(frame.rgb, background)
    assert not np.shares_memory(frame.rgb, background)
    for label in (frame.depth, frame.parts, frame.instances, frame.normals, frame.flow):
        assert not label.any()


@pytest.mark.parametrize("size", [(1, 1), (48, 36), (5, 40)])
def test_all_behind_the_camera_is_the_background(size):
    view = camera(*size)
    frame = render([sphere([0, 0, -3])], view, WHITE, grey(view))
    assert not frame.depth.any() and (frame.rgb == 90).all()


def test_a_wall_covers_exactly_the_pixels_whose_centre_it_covers():
    view = camera(48, 36, 50, cx=20.3, cy=11.8)
    frame = render([wall(2.0, 0.31, 0.17, parts=[3, 3])], view, WHITE, grey(view))
    x, y = np.moveaxis(centres(view), -1, 0)
    inside = (np.abs((x - 20.3) / 50 * 2) < 0.31) & (np.abs((y - 11.8) / 50 * 2) < 0.17)
    np.testing.assert_array_equal(frame.parts, np.where(inside, 3, 0))
    np.testing.assert_array_equal(frame.instances, inside)
    np.testing.assert_allclose(frame.depth, np.where(inside, 2.0, 0), rtol=1e-6)
    np.testing.assert_allclose(frame.normals[inside], np.tile([0, 0, -1], (inside.sum(), 1)), atol=1e-6)


def test_depth_of_an_oblique_plane_and_a_colour_ramp_are_perspective_correct():
    """A ramp texture at constant size: linear light of a pixel is an affine function of its uv."""
    view = camera(64, 48, 60, cx=30.2, cy=25.1)
    corners = np.array([[-1, 1, 1.5], [1, 1, 4], [1, -1, 4], [-1, -1, 1.5]])
    ramp = np.broadcast_to(np.linspace(0, 1, 256)[None, :, None], (4, 256, 3))
    levels = [np.rint(255 * encode(ramp)).astype(np.uint8)]
    frame = render([quad(corners, texture=Texture(tuple(levels)))], view, WHITE, grey(view))
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    z = (normal @ corners[0]) / (rays(view) @ normal)
    point = rays(view) * z[..., None]
    inside = (np.abs(point[..., 0]) < 1) & (np.abs(point[..., 1]) < 1) & (z > 0)
    np.testing.assert_array_equal(frame.depth > 0, inside)
    np.testing.assert_allclose(frame.depth[inside], z[inside], rtol=2e-7)
    u = (point[..., 0] + 1) / 2
    expected = np.clip((u * 256 - 0.5) / 255, 0, 1)
    core = erode(inside)
    np.testing.assert_allclose(decode(frame.rgb[core] / 255)[:, 1], expected[core], atol=0.006)


def test_sphere_depth_and_normals():
    view, centre, radius = camera(60, 44, 70, cy=18), np.array([0.2, -0.1, 4.0]), 0.8
    frame = render([sphere(centre, radius, 5)], view, WHITE, grey(view))
    d = rays(view)
    a, b, c = (d * d).sum(-1), d @ centre, centre @ centre - radius**2
    disc = b * b - a * c
    deep = disc > 0.02  # not at the limb, where the facets matter
    z = (b - np.sqrt(np.maximum(disc, 0))) / a
    assert deep.sum() > 300
    np.testing.assert_allclose(frame.depth[deep], z[deep], atol=0.004)
    normal = (d * z[..., None] - centre) / radius
    assert np.abs(frame.normals[deep] - normal[deep]).max() < 0.01
    np.testing.assert_allclose(np.linalg.norm(frame.normals[frame.depth > 0], axis=1), 1, atol=1e-6)


def test_a_floor_from_behind_the_camera_is_clipped_at_the_near_plane():
    view = camera(40, 60, 30, cy=5)
    far, floor = 6.0, 0.5
    frame = render(
        [quad([[-50, floor, far], [50, floor, far], [50, floor, -8], [-50, floor, -8]])],
        view,
        WHITE,
        grey(view),
    )
    assert (frame.depth == 0).all(), "turned downwards it is a back face"
    frame = render(
        [quad([[-50, floor, -8], [50, floor, -8], [50, floor, far], [-50, floor, far]])],
        view,
        WHITE,
        grey(view),
    )
    with np.errstate(divide="ignore"):
        z = floor / rays(view)[..., 1]
    inside = (z > 0) & (z < far)
    np.testing.assert_array_equal(frame.depth > 0, inside)
    np.testing.assert_allclose(frame.depth[inside], z[inside], rtol=1e-6)


def test_nothing_nearer_than_the_near_plane_is_drawn():
    view = camera(20, 20, 10)
    assert not render([wall(NEAR_M * 0.99, 1, 1)], view, WHITE, grey(view)).depth.any()
    assert render([wall(NEAR_M * 1.01, 1, 1)], view, WHITE, grey(view)).depth.all()


@pytest.mark.parametrize("size", [1e3, 1e6, 1e12])
def test_enormous_faces_are_clipped_to_the_guard_band(size):
    view = camera(30, 20, 40, cx=3)
    frame = render([wall(3.0, size, size * 0.7)], view, WHITE, grey(view))
    np.testing.assert_allclose(frame.depth, 3.0, rtol=1e-5)
    assert (frame.rgb == 200).all()


def test_degenerate_and_broken_faces_draw_nothing():
    view = camera()
    point, line = [[0, 0, 2]] * 3, [[-1, -1, 2], [0, 0, 2], [1, 1, 2]]
    broken = [[0, 0, np.nan], [1, 0, 2], [0, 1, 2]]
    endless = [[0, 0, 2], [np.inf, 0, 2], [0, np.inf, 2]]
    for corners in (point, line, broken, endless):
        for side in ([0, 1, 2], [0, 2, 1]):
            flat = mesh(corners, [side], normals=np.tile([0, 0, -1], (3, 1)), double_sided=True)
            assert not render([flat], view, WHITE, grey(view)).depth.any()


def test_two_interpenetrating_quads_show_the_nearer_one_at_every_pixel():
    view = camera(48, 36, 50)
    a = quad([[-1, 1, 2.0], [1, 1, 3.0], [1, -1, 3.0], [-1, -1, 2.0]], parts=[1, 1])
    b = quad([[-1, 1, 3.1], [1, 1, 1.9], [1, -1, 1.9], [-1, -1, 3.1]], instance=2, parts=[2, 2])
    depths = []
    for corners in (a.vertices, b.vertices):
        normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
        depths.append((normal @ corners[0]) / (rays(view) @ normal))
    for order in ([a, b], [b, a]):
        frame = render(order, view, WHITE, grey(view))
        np.testing.assert_array_equal(frame.instances, np.where(depths[0] < depths[1], 1, 2))
        np.testing.assert_array_equal(frame.parts, frame.instances)
        np.testing.assert_allclose(frame.depth, np.minimum(*depths), rtol=1e-6)


def test_the_first_of_two_coincident_surfaces_wins():
    view = camera()
    frame = render([wall(2, 3, 3, instance=4), wall(2, 3, 3, instance=9)], view, WHITE, grey(view))
    assert (frame.instances == 4).all()


def test_back_faces_are_culled_or_shown_with_flipped_normals():
    view, back = camera(), wall(2.0, 3, 3).faces[:, ::-1]
    shape = wall(2.0, 3, 3)
    away = mesh(shape.vertices, back, normals=-shape.normals)
    assert not render([away], view, WHITE, grey(view)).depth.any()
    cloth = mesh(shape.vertices, back, normals=-shape.normals, double_sided=True)
    frame = render([cloth], view, WHITE, grey(view))
    assert frame.depth.all()
    np.testing.assert_allclose(frame.normals[..., 2], -1, atol=1e-6)


def test_an_occluder_of_instance_0_hides_people_and_keeps_its_own_geometry():
    view = camera()
    screen = wall(1.5, 3, 0.2, instance=0, parts=[0, 0])
    frame = render([wall(2.5, 5, 5, parts=[7, 7]), screen], view, WHITE, grey(view))
    hidden = np.isclose(frame.depth, 1.5)
    assert hidden.any() and not hidden.all()
    np.testing.assert_array_equal(frame.instances, ~hidden)
    np.testing.assert_array_equal(frame.parts, np.where(hidden, 0, 7))


def test_flow_of_a_rigid_motion():
    view = Camera.look_at([0.3, 0.4, 4], [0, 0, 0], 80, 64, 50)
    turn, shift = Rotation.from_rotvec([0.05, 0.2, -0.1]).as_matrix(), np.array([0.03, -0.06, 0.2])
    ball = sphere([0, 0, 0], 0.9, 3)
    moved = mesh(
        ball.vertices, ball.faces, normals=ball.normals, vertices_next=ball.vertices @ turn.T + shift
    )
    frame = render([moved], view, WHITE, grey(view))
    seen = frame.depth > 0
    world = view.to_world(view.unproject(centres(view), frame.depth.astype(float)))
    later, _ = view.project(world @ turn.T + shift)
    assert seen.sum() > 500
    np.testing.assert_allclose(frame.flow[seen], (later - centres(view))[seen], atol=2e-4)
    assert not frame.flow[~seen].any()
    still = render([ball], view, WHITE, grey(view))
    assert np.abs(still.flow).max() < 1e-5


def test_flow_is_zero_where_the_next_frame_is_behind_the_camera():
    view = camera()
    shape = wall(2.0, 3, 3)
    gone = mesh(shape.vertices, shape.faces, vertices_next=shape.vertices - [0, 0, 2.5])
    assert not render([gone], view, WHITE, grey(view)).flow.any()


def test_light_is_the_clamped_product_in_linear_space():
    view = Camera.look_at([0, 0, 3], [0, 0, 0], 40, 32, 32)
    rng = np.random.default_rng(3)
    light = (rng.uniform(-0.7, 0.7, (9, 3)) + np.array([[0.6]] + [[0]] * 8)).astype(np.float32)
    frame = render([sphere([0, 0, 0], 1, 3, texture=plain((180, 120, 60)))], view, light, grey(view))
    core = erode(frame.depth > 0)
    n = frame.normals.astype(float)
    x, y, z = n[..., 0], n[..., 1], n[..., 2]
    terms = [1 + 0 * x, y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y]
    weights = [1, 2 / 3, 2 / 3, 2 / 3, 1 / 4, 1 / 4, 1 / 4, 1 / 4, 1 / 4]
    irradiance = sum(w * t[..., None] * c for w, t, c in zip(weights, terms, light, strict=True))
    linear = np.clip(decode(np.array([180, 120, 60]) / 255) * np.maximum(irradiance, 0), 0, 1)
    assert (irradiance[core] < 0).any() and (irradiance[core] > 0.5).any()
    assert np.abs(frame.rgb[core] - 255 * encode(linear)[core]).max() < 0.6


def levels_of_grey(side: int) -> Texture:
    """A texture whose level k has the constant linear light k / 16."""
    sizes = [side >> k for k in range(side.bit_length())]
    codes = [np.rint(255 * encode(np.array(k / 16))).astype(np.uint8) for k in range(len(sizes))]
    return Texture(tuple(np.full((s, s, 3), c, dtype=np.uint8) for s, c in zip(sizes, codes, strict=True)))


@pytest.mark.parametrize("level", [-2.0, 0.0, 1.0, 2.0, 2.5, 3.25, 7.0, 9.0])
def test_the_mip_level_is_the_log_of_texels_per_pixel(level):
    """A wall one unit wide at z = 1: 128 texels fall on focal pixels."""
    focal = 128 / 2**level
    view = camera(1, 1, focal, cx=0.5, cy=0.5)
    frame = render([wall(1.0, 0.5, 0.5, texture=levels_of_grey(128))], view, WHITE, grey(view))
    if focal > 2:  # else the wall is smaller than the pixel
        np.testing.assert_allclose(decode(frame.rgb / 255), np.clip(level, 0, 7) / 16, atol=0.003)
    else:
        assert frame.depth.all()


def test_an_oblique_texture_uses_the_longer_axis_of_the_footprint():
    view = camera(1, 1, 64.0, cx=0.5, cy=0.5)
    slope = np.tan(np.radians(75))
    h = 0.2
    corners = [[-h, h, 1 - h * slope], [h, h, 1 - h * slope], [h, -h, 1 + h * slope], [-h, -h, 1 + h * slope]]
    frame = render([quad(corners, texture=levels_of_grey(256))], view, WHITE, grey(view))
    # At the centre y/z moves by 1/f a pixel; on the plane z = 1 - slope * y that is dy = 1/f exactly.
    per_pixel = 256 / (2 * h) / 64.0
    np.testing.assert_allclose(decode(frame.rgb / 255), np.log2(per_pixel) / 16, atol=0.003)


@pytest.mark.parametrize("pixels", [256, 64, 16, 4, 1])
def test_a_texture_keeps_its_mean_when_it_gets_small(pixels):
    """The mean linear light of a checkerboard of black and white is one half, whatever the distance."""
    cells = np.kron(np.indices((32, 32)).sum(0) % 2, np.ones((4, 4), dtype=int))
    board = build_texture((255 * cells[..., None].repeat(3, -1)).astype(np.uint8))
    view = camera(pixels, pixels, pixels)
    frame = render([wall(1.0, 0.5, 0.5, texture=board)], view, WHITE, grey(view))
    assert abs(decode(frame.rgb / 255).mean() - 0.5) < 0.01


@pytest.mark.parametrize("corner", [(0, 0), (7, 3), (30, 20)])
def test_a_crop_of_the_camera_is_a_crop_of_the_picture(corner):
    view = Camera.look_at([0.3, 0.4, 3], [0, 0, 0], 60, 60, 44)
    scene = [sphere([0, 0, 0], 1, 3), sphere([0.7, 0.2, 0.6], 0.5, 2, instance=2)]
    x, y = corner
    whole = render(scene, view, WHITE, grey(view))
    part = render(scene, view.crop(x, y, 24, 20), WHITE, grey(view.crop(x, y, 24, 20)))
    window = np.s_[y : y + 20, x : x + 24]
    np.testing.assert_array_equal(part.instances, whole.instances[window])
    np.testing.assert_allclose(part.depth, whole.depth[window], rtol=1e-6)
    np.testing.assert_allclose(part.flow, whole.flow[window], atol=1e-6)


def test_frames_do_not_depend_on_what_was_drawn_before():
    small, large = camera(33, 21), camera(90, 70, 70)
    scene = [sphere([0, 0, 2], 0.7, 3), sphere([0.4, 0, -0.1], 0.6, 2, instance=2)]
    first = [render(scene, view, WHITE, grey(view)) for view in (small, large)]
    render([wall(1, 0.3, 2)] * 3, small, WHITE, grey(small))
    again = [render(scene, view, WHITE, grey(view)) for view in (small, large)]
    for a, b in zip(first, again, strict=True):
        for label in ("rgb", "depth", "parts", "instances", "normals", "flow"):
            assert getattr(a, label).tobytes() == getattr(b, label).tobytes()


def test_inputs_are_left_alone():
    view = camera()
    ball, background = sphere([0, 0, 2]), grey(view)
    copies = [a.copy() for a in (ball.vertices, ball.normals, ball.faces, background)]
    render([ball], view, WHITE, background)
    for a, b in zip((ball.vertices, ball.normals, ball.faces, background), copies, strict=True):
        np.testing.assert_array_equal(a, b)


def test_wrong_arguments_are_refused_in_one_line():
    view = camera()
    with pytest.raises(InputError, match="light"):
        render([], view, WHITE[:4], grey(view))
    with pytest.raises(InputError, match="background"):
        render([], view, WHITE, grey(view)[:-1])
    huge = Camera(view.K, view.R, view.t, 9000, 1)
    with pytest.raises(InputError, match="image size"):
        render([], huge, WHITE, grey(huge))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("faces", [[0, 1, 4], [0, 2, 3]]),
        ("faces", [[0, -1, 2], [0, 2, 3]]),
        ("uv_faces", [[0, 1, 2], [0, 2, 4]]),
        ("uv_faces", [[0, 1, 2]]),
        ("normals", [[0, 0, -1]] * 3),
        ("face_parts", [1]),
        ("vertices_next", [[0, 0, 2]]),
    ],
)
def test_a_mesh_that_would_read_foreign_memory_is_refused(field, value):
    view, good = camera(), wall(2.0, 1, 1)
    bad = replace(good, **{field: np.array(value, dtype=getattr(good, field).dtype)})
    with pytest.raises(InputError, match=f"mesh 1 {field}"):
        render([good, bad], view, WHITE, grey(view))
    assert render([good], view, WHITE, grey(view)).depth.any(), "and the next frame is fine"


def test_frozen_and_sliced_arrays_give_the_same_frame():
    view, ball = camera(), sphere([0, 0, 2], 0.7)
    frozen = {
        name: getattr(ball, name).copy() for name in ("vertices", "faces", "normals", "uv", "face_parts")
    }
    for array in frozen.values():
        array.flags.writeable = False
    frozen["vertices"] = np.repeat(ball.vertices, 2, axis=0)[::2]
    a = render([ball], view, WHITE, grey(view))
    b = render([replace(ball, **frozen)], view, WHITE, grey(view))
    assert a.rgb.tobytes() == b.rgb.tobytes() and a.depth.tobytes() == b.depth.tobytes()
