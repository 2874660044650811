"""The table of sticks, and the points that each joint set gives for them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import FULL_42, MPII_16, SKELETONS, Skeleton, convert
from posecorpus.core.sticks import (
    MIRROR_TABLE,
    PALETTE_TABLE,
    POINTS,
    ROOT,
    SHARED_POINTS,
    STICK_ENDS,
    STICKS,
    describe_sticks,
    stick_points,
    stick_sources,
)
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import pose_body

# The palette as its author gives it: blue, green, red.
BGR = {
    "r_hip": (178, 0, 178), "l_hip": (33, 95, 36), "r_thigh": (205, 0, 0), "r_shin": (201, 174, 255),
    "l_thigh": (0, 0, 255), "l_shin": (14, 201, 255), "torso": (78, 255, 78), "r_shoulder": (134, 153, 147),
    "r_upper_arm": (19, 2, 77), "r_forearm": (0, 128, 128), "l_shoulder": (245, 245, 245),
    "l_upper_arm": (255, 128, 128), "l_forearm": (123, 223, 64), "neck": (242, 253, 34), "head": (0, 255, 255),
}  # fmt: skip

LEGS = ("r_ankle", "r_knee", "r_hip", "l_knee", "l_ankle")


def test_fifteen_sticks_in_their_colours() -> None:
    assert {stick.name: stick.colour[::-1] for stick in STICKS} == BGR
    assert PALETTE_TABLE[0].tolist() == [0, 0, 0] and (PALETTE_TABLE[16:] == (255, 0, 255)).all()
    assert [tuple(PALETTE_TABLE[i]) for i in range(1, 16)] == [stick.colour for stick in STICKS]


def test_the_sticks_are_a_tree_from_the_thorax() -> None:
    reached = {ROOT}
    for _ in POINTS:
        reached |= {stick.end for stick in STICKS if stick.start in reached}
    assert reached == set(POINTS) and len(STICKS) == len(POINTS) - 1
    assert sorted(stick.end for stick in STICKS) == sorted(set(POINTS) - {ROOT})


def test_shared_points() -> None:
    for i, a in enumerate(STICK_ENDS):
        for j, b in enumerate(STICK_ENDS):
            common = set(a) & set(b) if i != j else set()
            assert SHARED_POINTS[i, j] == (common.pop() if common else -1)


def test_mirror() -> None:
    np.testing.assert_array_equal(MIRROR_TABLE[MIRROR_TABLE], np.arange(256))
    assert [int(MIRROR_TABLE[i]) for i in (0, 7, 8, 9, 200)] == [0, 7, 8, 9, 200]
    for i, stick in enumerate(STICKS, 1):
        other = STICKS[int(MIRROR_TABLE[i]) - 1]
        ends = [MPII_16.joints[MPII_16.mirror[POINTS.index(name)]] for name in (stick.start, stick.end)]
        assert (other.start, other.end) == tuple(ends)


def test_description_is_json_and_whole() -> None:
    described = json.loads(json.dumps(describe_sticks()))
    assert described["legend"]["0"] == "none" and described["root"] == "thorax"
    assert [described["legend"][str(i)] for i in range(1, 16)] == [stick.name for stick in STICKS]
    assert described["palette"]["7"] == [78, 255, 78] and described["ends"]["7"] == ["thorax", "pelvis"]


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_points_move_with_the_person_and_mirror_with_it(skeleton: Skeleton) -> None:
    rng = np.random.default_rng(0)
    indices, weights = stick_sources(skeleton)
    assert indices.shape == weights.shape == (16, 4)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-12)
    joints = rng.normal(size=(3, len(skeleton), 3))
    points = stick_points(joints, skeleton)
    np.testing.assert_allclose(
        stick_points(2 * joints + (1, 2, 3), skeleton), 2 * points + (1, 2, 3), atol=1e-12
    )
    flipped = stick_points(joints[:, skeleton.mirror], skeleton)
    np.testing.assert_allclose(flipped, points[:, MPII_16.mirror], atol=1e-12)


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_stand_ins_are_near_the_points_they_stand_for(skeleton: Skeleton) -> None:
    """On a body that stands upright, arms out; a stand-in may be as far off as its fit says, and its landmark's variant."""
    body = load_body("open", "neutral")
    zero = np.zeros((1, 24, 3), np.float32)
    joints = pose_body(body, np.zeros((1, body.num_betas), np.float32), zero, zero[:, 0]).landmarks.astype(
        float
    )
    truth = stick_points(joints, FULL_42)
    np.testing.assert_array_equal(truth, convert(joints, FULL_42, MPII_16))
    off_mm = 1e3 * np.linalg.norm(stick_points(convert(joints, FULL_42, skeleton), skeleton) - truth, axis=-1)
    assert off_mm.max() < 60, dict(zip(POINTS, off_mm[0].round(), strict=True))


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_a_point_is_missing_when_one_of_its_joints_is(skeleton: Skeleton) -> None:
    indices, weights = stick_sources(skeleton)
    for j in range(len(skeleton)):
        for hole in (np.nan, np.inf):
            joints = np.ones((len(skeleton), 2))
            joints[j, 1] = hole
            missing = np.isnan(stick_points(joints, skeleton)).any(-1)
            np.testing.assert_array_equal(missing, ((indices == j) & (weights != 0)).any(1))


def test_a_skeleton_without_the_joints_is_refused() -> None:
    with pytest.raises(InputError, match=r"legs: expected joints that tell the l_hip"):
        stick_sources(Skeleton("legs", LEGS, (-1,) * len(LEGS), LEGS))
    with pytest.raises(InputError, match=r"\(\.\.\., 16, D\)"):
        stick_points(np.zeros((14, 3)), MPII_16)
