"""Labels from frames that are small enough to work out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecorpus.core.parts import SMPL_24_PARTS
from posecorpus.core.sample import HIDDEN, UNLABELLED, VISIBLE
from posecorpus.core.skeletons import FULL_42, SMPL_24
from posecorpus.synth.labels import (
    BEHIND_M,
    INNER_DEPTH_M,
    JOINT_PARTS,
    SURFACE_JOINTS,
    bounding_boxes,
    visibility,
)
from posecorpus.synth.quantise import quantise
from posecorpus.synth.scene import Frame

PART = {name: i for i, name in SMPL_24_PARTS.legend.items()}


def frame(part: str, instance: int, depth: float, height: int = 6, width: int = 8) -> Frame:
    """A frame that shows one part of one person everywhere."""
    shape = (height, width)
    return Frame(
        rgb=np.zeros((*shape, 3), np.uint8),
        depth=np.full(shape, depth, np.float32),
        parts=np.full(shape, PART[part], np.uint8),
        instances=np.full(shape, instance, np.uint8),
        normals=np.zeros((*shape, 3), np.float32),
        flow=np.zeros((*shape, 2), np.float32),
    )


def flags(joint: str, xy: tuple[float, float], z: float, seen: Frame, instance: int = 1) -> int:
    joints2d, depth = np.full((42, 2), np.nan), np.full(42, z)
    joints2d[FULL_42.index(joint)] = xy
    return int(visibility(joints2d, depth, seen, instance)[FULL_42.index(joint)])


@pytest.mark.parametrize("part", PART)
def test_a_joint_is_seen_on_the_segments_it_joins(part: str) -> None:
    for joint in SMPL_24.joints:
        parent = SMPL_24.parents[SMPL_24.index(joint)]
        own = part == joint or (parent >= 0 and part == SMPL_24.joints[parent])
        own |= joint == "pelvis" and part in ("spine1", "l_hip", "r_hip")
        assert flags(joint, (3.5, 2.5), 2.1, frame(part, 1, 2.0)) == (VISIBLE if own else HIDDEN)


def test_another_persons_part_does_not_show_it() -> None:
    assert flags("l_knee", (3.5, 2.5), 2.1, frame("l_knee", 2, 2.0)) == HIDDEN
    assert flags("l_knee", (3.5, 2.5), 2.1, frame("r_knee", 1, 2.0)) == HIDDEN


@pytest.mark.parametrize("joint", SURFACE_JOINTS)
def test_points_of_the_skin_need_their_own_surface(joint: str) -> None:
    assert flags(joint, (3.5, 2.5), 2.03, frame("head", 1, 2.0)) == VISIBLE
    assert flags(joint, (3.5, 2.5), 2.20, frame("head", 1, 2.0)) == HIDDEN  # seen from behind
    assert flags(joint, (3.5, 2.5), 2.03, frame("neck", 1, 2.0)) == HIDDEN
    assert flags(joint, (3.5, 2.5), 2.03, frame("head", 2, 2.0)) == HIDDEN


def outline(dx: int, dy: int, part: str = "head", instance: int = 1, depth: float = 2.0) -> Frame:
    """An empty frame, but for one pixel so far from (3, 2)."""
    shown = frame("background", 0, 0.0)
    shown.parts[2 + dy, 3 + dx] = PART[part]
    shown.instances[2 + dy, 3 + dx] = instance
    shown.depth[2 + dy, 3 + dx] = depth
    return shown


@pytest.mark.parametrize("joint", SURFACE_JOINTS)
@pytest.mark.parametrize("dx", range(-2, 3))
@pytest.mark.parametrize("dy", range(-2, 3))
def test_points_of_the_skin_may_lie_a_pixel_off_the_outline(joint: str, dx: int, dy: int) -> None:
    near = max(abs(dx), abs(dy)) <= 1
    assert flags(joint, (3.5, 2.5), 2.03, outline(dx, dy)) == (VISIBLE if near else HIDDEN)
    assert flags(joint, (3.5, 2.5), 1.97, outline(dx, dy)) == (VISIBLE if near else HIDDEN)
    for z, other in (
        (2.05, outline(dx, dy)),  # on the far side of the head
        (1.95, outline(dx, dy)),
        (2.03, outline(dx, dy, part="neck")),
        (2.03, outline(dx, dy, instance=2)),
    ):
        assert flags(joint, (3.5, 2.5), z, other) == HIDDEN
    assert flags("head", (3.5, 2.5), 2.03, outline(dx, dy)) == (VISIBLE if dx == dy == 0 else HIDDEN)


@pytest.mark.parametrize("joint", SURFACE_JOINTS)
@pytest.mark.parametrize(("at", "expected"), [(1.0, HIDDEN), (2.02, HIDDEN), (2.04, VISIBLE), (9.0, VISIBLE)])
def test_what_stands_before_a_point_of_the_skin_hides_it(joint: str, at: float, expected: int) -> None:
    """Beside the outline of a hand or of an occluder the face is seen, but not the point behind it."""
    for part, instance in (("l_hand", 1), ("head", 2), ("background", 0)):
        seen = outline(0, 0, part, instance, at)
        seen.parts[2, 4], seen.instances[2, 4], seen.depth[2, 4] = PART["head"], 1, 2.0
        assert flags(joint, (3.5, 2.5), 2.03, seen) == expected


def test_the_outline_does_not_wrap_around_the_picture() -> None:
    shown = frame("background", 0, 0.0)
    shown.parts[-1, -1], shown.instances[-1, -1], shown.depth[-1, -1] = PART["head"], 1, 2.0
    assert flags("nose", (0.5, 0.5), 2.0, shown) == HIDDEN
    assert flags("nose", (6.5, 4.5), 2.0, shown) == VISIBLE
    assert flags("nose", (8.5, 5.5), 2.0, shown) == HIDDEN  # outside itself


@pytest.mark.parametrize("joint", sorted(set(FULL_42.joints) - set(SURFACE_JOINTS)))
def test_joints_inside_the_body_are_no_deeper_than_a_trunk(joint: str) -> None:
    part = SMPL_24_PARTS.legend[int(np.flatnonzero(JOINT_PARTS[FULL_42.index(joint)])[0])]
    assert flags(joint, (3.5, 2.5), 1.99 + INNER_DEPTH_M, frame(part, 1, 2.0)) == VISIBLE
    assert flags(joint, (3.5, 2.5), 2.01 + INNER_DEPTH_M, frame(part, 1, 2.0)) == HIDDEN
    assert (
        flags(joint, (3.5, 2.5), 2.01 - BEHIND_M, frame(part, 1, 2.0)) == VISIBLE
    )  # a little before its flesh
    assert (
        flags(joint, (3.5, 2.5), 1.99 - BEHIND_M, frame(part, 1, 2.0)) == HIDDEN
    )  # a gap shows what is behind


@pytest.mark.parametrize(
    ("xy", "expected"),
    [
        ((0.0, 0.0), VISIBLE),
        ((7.99, 5.99), VISIBLE),
        ((8.0, 3.0), HIDDEN),
        ((-0.01, 3.0), HIDDEN),
        ((3.0, 6.0), HIDDEN),
        ((1e30, -1e30), HIDDEN),
        ((np.nan, np.nan), UNLABELLED),
    ],
)
def test_the_pictures_border(xy: tuple[float, float], expected: int) -> None:
    assert flags("head", xy, 2.0, frame("head", 1, 2.0)) == expected


def test_every_joint_belongs_to_a_part_of_its_own_side() -> None:
    for j, joint in enumerate(FULL_42.joints):
        names = {SMPL_24_PARTS.legend[i] for i in np.flatnonzero(JOINT_PARTS[j])}
        assert names
        if joint[:2] in ("l_", "r_"):
            other = {"l_": "r_", "r_": "l_"}[joint[:2]]
            assert not any(name.startswith(other) for name in names)


@given(st.data())
def test_people_are_judged_alike_together_and_alone(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    shown = frame("head", 1, 2.0)
    shown.parts[:] = rng.integers(0, 25, shown.parts.shape)
    shown.instances[:] = rng.integers(0, 4, shown.parts.shape)
    joints2d, depth = rng.uniform(-1, 9, (3, 42, 2)), rng.uniform(1.9, 2.3, (3, 42))
    together = visibility(joints2d, depth, shown, np.arange(1, 4))
    for i in range(3):
        np.testing.assert_array_equal(together[i], visibility(joints2d[i], depth[i], shown, i + 1))


@given(st.data())
def test_boxes_are_the_masks_extents(data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    rows = st.lists(st.integers(0, 3), min_size=width, max_size=width)
    instances = np.array(data.draw(st.lists(rows, min_size=height, max_size=height)), np.uint8)
    joints = np.tile(np.array([[-7.0, -8.0], [20.0, 30.0]]), (3, 1, 1))
    for i, box in enumerate(bounding_boxes(instances, joints)):
        rows_seen, columns_seen = np.nonzero(instances == i + 1)
        if len(rows_seen):
            expected = [columns_seen.min(), rows_seen.min(), columns_seen.max() + 1, rows_seen.max() + 1]
        else:
            expected = [-7, -8, 20, 30]
        assert box.tolist() == expected


def test_the_box_of_an_unseen_person_is_that_of_the_joints() -> None:
    joints = np.full((2, 42, 2), np.nan)
    joints[1, :2] = [[-5, 2], [3, 9]]
    boxes = bounding_boxes(np.zeros((4, 4), np.uint8), joints)
    assert np.isnan(boxes[0]).all()
    assert boxes[1].tolist() == [-5, 2, 3, 9]


def test_quantisation() -> None:
    shown = frame("head", 1, 2.0, 1, 5)
    shown.depth[0] = [0, 0.0004, 0.0015, 7.3456, 70.0]
    shown.normals[0, :3] = [[1, -1, 0], [0, 0, -1], [1, -1, 0.6]]
    depth, normals, _ = quantise(shown)
    assert depth.tolist() == [[0, 1, 2, 7346, 65535]]
    assert normals[0, :3].tolist() == [[0, 0, 0], [128, 128, 0], [255, 0, 204]]


def test_flow_becomes_the_nearest_half_float() -> None:
    """Against numpy's own conversion: every half float, what lies between two of them, ties, and beyond their range."""
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)
    middles = (halves[:-1].astype(np.float64) + halves[1:]) / 2
    around = np.concatenate([np.nextafter(middles.astype(np.float32), np.float32(e)) for e in (0, np.inf)])
    rng = np.random.default_rng(0)
    noise = (rng.normal(size=20_000) * 10.0 ** rng.uniform(-9, 4, 20_000)).astype(np.float32)
    far = np.array([65_519.996, 65_520.0, 1e9, np.inf, np.nan, 2.0**-25, 2.0**-26], np.float32)
    values = np.concatenate([halves, middles.astype(np.float32), around, noise, far])
    flow = np.stack([values, -values], 1)[None]
    with np.errstate(over="ignore"):
        expected = flow.astype(np.float16)
    got = quantise(replace(frame("head", 1, 2.0, 1, len(values)), flow=flow))[2]
    np.testing.assert_array_equal(
        got.view(np.uint16)[~np.isnan(flow)], expected.view(np.uint16)[~np.isnan(flow)]
    )
    assert np.isnan(got[np.isnan(flow)]).all()
    assert not quantise(replace(frame("head", 1, 0.0, 1, len(values)), flow=flow))[2].any()
