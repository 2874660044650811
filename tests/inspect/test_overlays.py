"""Overlays: colours against their definitions, drawings against where things were put."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from posecorpus.core.errors import InputError
from posecorpus.core.parts import SMPL_24_PARTS
from posecorpus.core.sample import HIDDEN, UNLABELLED, VISIBLE
from posecorpus.core.skeletons import COCO_17, FULL_42, SKELETONS
from posecorpus.core.sticks import PALETTE_TABLE
from posecorpus.inspect import overlays
from posecorpus.inspect.overlays import LEFT, RIGHT, draw_joints


def one_joint(joint: str, x: float, y: float, flag: int) -> tuple[np.ndarray, np.ndarray]:
    points, flags = np.full((17, 2), np.nan, np.float32), np.zeros(17, np.uint8)
    points[COCO_17.index(joint)], flags[COCO_17.index(joint)] = (x, y), flag
    return points, flags


@pytest.mark.parametrize(("joint", "colour"), [("l_wrist", LEFT), ("r_wrist", RIGHT)])
def test_visible_joint_is_a_disc_centred_on_it_in_its_sides_colour(joint: str, colour: tuple) -> None:
    black = np.zeros((41, 61, 3), np.uint8)
    drawn = draw_joints(black, *one_joint(joint, 30.5, 20.5, VISIBLE), COCO_17, size=4)
    assert tuple(drawn[20, 30]) == colour
    rows, columns = np.nonzero(drawn.any(-1))
    assert (rows.mean(), columns.mean()) == (20, 30)  # (30.5, 20.5) is the CENTRE of pixel column 30, row 20
    assert np.ptp(rows) == np.ptp(columns) and 8 <= np.ptp(rows) <= 10
    assert not black.any(), "the picture handed in must not change"


def test_hidden_joint_is_hollow_and_unlabelled_joint_is_absent() -> None:
    white = np.full((41, 41, 3), 255, np.uint8)
    hollow = draw_joints(white, *one_joint("nose", 20.5, 20.5, HIDDEN), COCO_17, size=6)
    assert hollow[20, 20].max() < 40 and hollow[20, 26, 1] > 1.5 * hollow[20, 26, 0]
    points, flags = one_joint("nose", 20.5, 20.5, UNLABELLED)
    assert (draw_joints(white, points, flags, COCO_17) == white).all()


def test_bone_needs_both_ends() -> None:
    points, flags = one_joint("l_knee", 10.5, 10.5, VISIBLE)
    points[COCO_17.index("l_ankle")] = (50.5, 10.5)
    black = np.zeros((21, 61, 3), np.uint8)
    assert not draw_joints(black, points, flags, COCO_17, size=2)[10, 30].any()
    flags[COCO_17.index("l_ankle")] = VISIBLE
    assert tuple(draw_joints(black, points, flags, COCO_17, size=2)[10, 30]) == LEFT


@pytest.mark.parametrize("where", [1e30, -1e30, np.inf])
def test_absurd_coordinates_do_not_crash_or_wrap_around(where: float) -> None:
    points, flags = one_joint("nose", where, where, VISIBLE)
    assert not draw_joints(np.zeros((20, 20, 3), np.uint8), points, flags, COCO_17).any()


def test_joints_of_another_skeleton_are_refused() -> None:
    with pytest.raises(InputError, match="17 joints of coco_17"):
        draw_joints(np.zeros((9, 9, 3), np.uint8), np.zeros((14, 2)), np.zeros(14, np.uint8), COCO_17)


def test_annotators_variants_are_not_drawn_and_drawn_bones_connect_all_that_is() -> None:
    names = [FULL_42.joints[i] for i in overlays.drawn_joints(FULL_42)]
    assert "l_hip" in names and "l_hip_lsp" not in names and "pelvis_h36m" not in names
    for shape in SKELETONS.values():
        drawn = set(overlays.drawn_joints(shape).tolist())
        assert len(overlays.drawn_bones(shape)) == len(drawn) - 1, shape.name  # a tree: no piece comes loose


def test_parts_have_the_palettes_colours_and_foreign_ids_are_magenta() -> None:
    ids = np.array([[0, 1, 24, 200]], np.uint8)
    colours = overlays.colour_parts(ids, SMPL_24_PARTS)[0]
    assert [tuple(c) for c in colours[:3]] == [SMPL_24_PARTS.palette[i] for i in (0, 1, 24)]
    assert tuple(colours[3]) == (255, 0, 255)


def test_depth_is_warm_when_near_cold_when_far_and_black_without_surface() -> None:
    near, far, none = overlays.colour_depth(np.array([[1000, 5000, 0]], np.uint16))[0].astype(int)
    assert near[0] > near[2] + 50 and far[2] > far[0] + 50 and not none.any()
    assert overlays.depth_range(np.zeros((2, 2), np.uint16)) == (0, 0)
    same = overlays.colour_depth(np.full((1, 2), 1000, np.uint16), (1000, 5000))
    assert (same[0, 0] == near).all(), "given limits, one colour means one depth in every picture"


def test_normals_towards_the_camera_are_lilac_and_upward_green() -> None:
    towards, up = np.array([0, 0, -1]), np.array([0, -1, 0])
    stored = np.round(127.5 * (np.stack([towards, up])[None] + 1)).astype(np.uint8)
    colours = overlays.colour_normals(stored)[0]
    assert tuple(colours[0]) == (128, 127, 255) and tuple(colours[1]) == (128, 255, 127)
    assert not overlays.colour_normals(np.zeros((1, 1, 3), np.uint8)).any()


def test_flow_wheel_has_the_documented_directions() -> None:
    flow = np.array([[(2, 0), (0, 2), (-2, 0), (0, -2), (0, 0), (np.nan, 0)]], np.float16)
    right, down, left, up, still, unknown = overlays.colour_flow(flow, limit_px=2)[0].astype(int)
    assert right.tolist() == [255, 0, 0] and left.tolist() == [0, 255, 255]
    assert np.allclose(down, [127.5, 255, 0], atol=1) and np.allclose(up, [127.5, 0, 255], atol=1)
    assert still.tolist() == [255, 255, 255] and unknown.tolist() == [0, 0, 0]


def test_blend_is_the_weighted_mean_under_the_mask_only() -> None:
    image, colours = np.full((1, 2, 3), 100, np.uint8), np.full((1, 2, 3), 200, np.uint8)
    mixed = overlays.blend(image, colours, np.array([[True, False]]), opacity=0.25)
    assert mixed[0, :, 0].tolist() == [125, 100]


RENDERED = [layer for layer in overlays.LAYERS if not layer.startswith("sticks")]


@pytest.mark.parametrize("layer", RENDERED)
def test_every_layer_changes_people_only(layer: overlays.Layer, spheres: SimpleNamespace) -> None:
    sample = spheres.make_sample(1)
    drawn = overlays.draw(sample, layer, SMPL_24_PARTS)
    changed = (drawn != sample.image).any(-1)
    assert drawn.dtype == np.uint8 and changed.sum() > 300
    if layer != "joints":
        assert not changed[sample.instances == 0].any()
        assert changed[sample.instances > 0].mean() > 0.95


@pytest.mark.parametrize("layer", [x for x in overlays.LAYERS if x != "joints"])
def test_a_missing_label_leaves_the_picture_alone(layer: overlays.Layer, spheres: SimpleNamespace) -> None:
    photo = spheres.make_photo(0)
    assert (overlays.draw(photo, layer, SMPL_24_PARTS) == photo.image).all()
    photo.image = None
    assert overlays.draw(photo, "joints").shape == (photo.height, photo.width, 3)


# --- what lifting and skeleton maps add ---------------------------------------------------------------


def test_completed_joint_is_a_hollow_diamond_in_its_sides_colour() -> None:
    white = np.full((61, 61, 3), 255, np.uint8)
    points, flags = one_joint("l_wrist", 30.5, 30.5, HIDDEN)
    completed = flags > 0
    drawn = draw_joints(white, points, flags, COCO_17, size=10, completed=completed)
    rows, columns = np.nonzero((drawn != 255).any(-1))
    assert abs(rows.mean() - 30) < 0.2 and abs(columns.mean() - 30) < 0.2 and drawn[30, 30].max() < 40
    reach = rows.max() - 30
    assert abs(reach - 13) <= 1, "a third larger than a disc"
    assert (drawn[30 - reach // 2 - 4, 30 + reach // 2 + 4] == 255).all(), "its corners point up and aside"
    assert np.abs(drawn[30, 30 + 12 : 30 + 14].astype(int) - LEFT).max(-1).min() < 60
    assert (drawn != draw_joints(white, points, flags, COCO_17, size=10)).any()


def test_bone_to_a_completed_joint_is_dotted() -> None:
    points, flags = one_joint("l_knee", 10.5, 10.5, VISIBLE)
    points[COCO_17.index("l_ankle")], flags[COCO_17.index("l_ankle")] = (90.5, 10.5), HIDDEN
    black = np.zeros((21, 101, 3), np.uint8)
    completed = np.zeros(17, bool)

    def gaps() -> int:
        drawn = draw_joints(black, points, flags, COCO_17, size=2, completed=completed)
        lit = drawn[10, 16:84].max(-1) > 120
        return int((lit[1:] & ~lit[:-1]).sum())

    assert gaps() == 0
    completed[COCO_17.index("l_ankle")] = True
    assert gaps() >= 6


@pytest.mark.parametrize("where", [1e30, -1e30, np.inf])
def test_absurd_completed_joints_do_not_crash_or_hang(where: float) -> None:
    points, flags = one_joint("l_knee", 5, 5, VISIBLE)
    points[COCO_17.index("l_ankle")], flags[COCO_17.index("l_ankle")] = where, HIDDEN
    drawn = draw_joints(np.zeros((20, 20, 3), np.uint8), points, flags, COCO_17, completed=flags == HIDDEN)
    assert drawn.shape == (20, 20, 3)


def test_sticks_are_those_of_the_thinnest_widest_map_where_its_window_puts_them(
    lifted: SimpleNamespace,
) -> None:
    sample = lifted.make_lifted(1, people=1)
    front, behind = overlays.stick_ids(sample), overlays.stick_ids(sample, behind=True)
    chosen = next(m for m in sample.skeleton_maps if m.stick_px == 3 and m.window[2] - m.window[0] == max(
        other.window[2] - other.window[0] for other in sample.skeleton_maps
    ))  # fmt: skip
    x0, y0, x1, y1 = chosen.window.astype(float)
    for ids, drawn in ((front, chosen.foreground), (behind, chosen.background)):
        size = len(drawn)
        for row in range(0, sample.height, 3):  # a plain loop over pixel centres
            for column in range(0, sample.width, 3):
                u, v = (column + 0.5 - x0) / (x1 - x0) * size, (row + 0.5 - y0) / (y1 - y0) * size
                inside = 0 <= u < size and 0 <= v < size
                assert ids[row, column] == (drawn[int(v), int(u)] if inside else 0)
    assert (front != behind).any() and ((front > 0) == (behind > 0)).all()
    shown = overlays.draw(sample, "sticks", opacity=1.0)
    assert (shown[front > 0] == PALETTE_TABLE[front[front > 0]]).all()
    assert (shown[front == 0] == sample.image[front == 0]).all()


@pytest.mark.parametrize("window", [(np.nan, 0, 5, 5), (5, 5, 5, 5), (1e30, 0, 2e30, 9), (9, 9, 1, 1)])
def test_absurd_windows_draw_nothing(lifted: SimpleNamespace, window: tuple) -> None:
    sample = lifted.make_lifted(1, people=1)
    sample.skeleton_maps = sample.skeleton_maps[:1]
    sample.skeleton_maps[0].window = np.array(window, np.float32)
    sample.skeleton_maps[0].foreground[:, :48] = 0
    assert overlays.stick_ids(sample).shape == (sample.height, sample.width)
