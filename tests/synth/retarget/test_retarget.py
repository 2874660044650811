"""Retargeting of rigs whose right answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_rigs import DIALECTS, a_pose, clip_of, hinged, standing

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import SMPL_24, opposite
from posecorpus.pipelines.retarget_table import measure_clip
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.motion import BodyMotion, SourceClip
from posecorpus.synth.retarget import place, retarget
from posecorpus.synth.rotations import from_axis_angle

BODY = load_body("open", "neutral")
LIMBS = [f"{s}_{j}" for s in "lr" for j in ("hip", "knee", "shoulder", "elbow")]


def degrees_apart(poses: np.ndarray, expected: np.ndarray, joint: str) -> float:
    """Largest angle between two tracks of one joint's rotation."""
    j = SMPL_24.index(joint)
    a, b = from_axis_angle(poses[:, j]), from_axis_angle(expected[:, j])
    cosine = (np.trace(a.swapaxes(-1, -2) @ b, axis1=-2, axis2=-1) - 1) / 2
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1)).max()))


def limb_error(clip: SourceClip, motion: BodyMotion) -> float:
    """Largest angle, degrees, between limb bones of a synthetic clip and of a motion on the body."""
    quality = measure_clip(clip, motion, BODY)
    return max(float(np.concatenate(angles).max()) for angles in quality.bones.values())


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("zero", ["t-pose", "a-pose"])
def test_known_rotations_come_back_whatever_the_names_and_the_zero_pose(dialect: str, zero: str) -> None:
    poses = hinged(60, np.random.default_rng(5))
    poses[:, 0, 1] = np.linspace(0, 2, 60)
    clip = clip_of(poses, standing(60), dialect, a_pose() if zero == "a-pose" else None)
    motion = retarget(clip, BODY)
    for joint in ("pelvis", "spine1", "spine3", "head", *LIMBS):
        assert degrees_apart(motion.poses, poses, joint) < 0.6, joint


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), dialect=st.sampled_from(sorted(DIALECTS)), a_zero=st.booleans(),
    size=st.floats(0.05, 1.2),
)  # fmt: skip
def test_limbs_of_any_pose_point_as_in_the_clip(seed: int, dialect: str, a_zero: bool, size: float) -> None:
    rng = np.random.default_rng(seed)
    poses = rng.normal(0.0, size, (6, 24, 3))
    poses[:, 0] *= 2
    clip = clip_of(poses, standing(6) + rng.normal(0, 0.5, (6, 3)), dialect, a_pose() if a_zero else None)
    assert limb_error(clip, retarget(clip, BODY)) < 0.1


def test_the_pelvis_goes_where_the_clip_goes_at_the_ratio_of_leg_lengths() -> None:
    poses = np.zeros((30, 24, 3))
    places = standing(30)
    places[:, 2] = np.linspace(0, 3, 30)
    clip = clip_of(poses, places)
    half = replace(clip, rest=clip.rest / 2, positions=clip.positions / 2)
    for source in (clip, half):
        motion = retarget(source, BODY)
        np.testing.assert_allclose(motion.translations, places, atol=2e-3)


def test_a_straight_limb_keeps_the_twist_of_the_rig() -> None:
    poses = np.zeros((40, 24, 3))
    j = SMPL_24.index("l_shoulder")
    poses[:, j, 0] = np.linspace(-0.5, 0.5, 40)  # turns about the straight arm
    poses[:10, SMPL_24.index("l_elbow"), 1] = -1.0  # bent at first, so that the hinge is known
    motion = retarget(clip_of(poses, standing(40)), BODY)
    assert degrees_apart(motion.poses, poses, "l_shoulder") < 0.6


def test_limbs_that_never_bend_get_the_hinge_of_a_relaxed_limb() -> None:
    poses = np.zeros((10, 24, 3))
    for side, sign in (("l", 1.0), ("r", -1.0)):
        poses[:, SMPL_24.index(f"{side}_shoulder"), 2] = -sign * np.radians(80)
    for zero in (None, a_pose()):
        motion = retarget(clip_of(poses, standing(10), zero_pose=zero), BODY)
        assert max(degrees_apart(motion.poses, poses, joint) for joint in LIMBS) < 3.0


def test_a_mirrored_clip_gives_the_mirrored_motion() -> None:
    poses = hinged(40, np.random.default_rng(11))
    poses[:, 0, 1] = 0.7
    clip = clip_of(poses, standing(40))
    mirror = np.diag([-1.0, 1.0, 1.0])
    mirrored = replace(
        clip,
        joints=tuple(opposite(joint) for joint in clip.joints),
        rest=clip.rest @ mirror,
        positions=(clip.positions @ mirror).astype(np.float32),
        rotations=(mirror @ clip.rotations @ mirror).astype(np.float32),
    )
    one, other = retarget(clip, BODY), retarget(mirrored, BODY)
    expected = one.poses[:, [SMPL_24.index(opposite(j)) for j in SMPL_24.joints]] * [1, -1, -1]
    for joint in SMPL_24.joints:
        assert degrees_apart(other.poses, expected, joint) < 0.5, joint
    np.testing.assert_allclose(other.translations, one.translations * [-1, 1, 1], atol=3e-3)


def test_a_floor_anywhere_is_brought_to_zero() -> None:
    poses = np.zeros((30, 24, 3))
    poses[:, [1, 2], 0] = -np.linspace(0, 0.6, 30)[:, None]
    poses[:, [4, 5], 0] = 2 * np.linspace(0, 0.6, 30)[:, None]
    poses[:, [7, 8], 0] = -np.linspace(0, 0.6, 30)[:, None]  # a squat with the soles level
    legs = BODY.joints_template[[1, 4, 7], 1]
    drop = (legs[0] - legs[2]) * (1 - np.cos(np.linspace(0, 0.6, 30)))
    places = standing(30) - np.stack([0 * drop, drop, 0 * drop], -1)
    for lift in (0.0, 0.4, -1.0):
        motion = retarget(clip_of(poses, places + [0, lift, 0]), BODY)
        np.testing.assert_allclose(motion.translations[:, 1], places[:, 1], atol=6e-3)


def test_toes_lie_flat_under_a_raised_heel_though_the_rig_cannot_bend_them() -> None:
    """The synthetic rig's toes are leaves, whose rotation is not used."""
    lift = np.radians(np.r_[np.zeros(20), np.linspace(0, 40, 20)])
    poses = np.zeros((40, 24, 3))
    poses[:, [7, 8], 0] = lift[:, None]
    poses[:, [10, 11], 0] = -lift[:, None]
    ankle, ball = BODY.joints_template[7], BODY.joints_template[10]
    arm = ankle - ball
    raised = arm[1] * np.cos(lift) - arm[2] * np.sin(lift) - arm[1]
    places = standing(40) + np.stack([0 * lift, raised, 0 * lift], -1)
    motion = retarget(clip_of(poses, places), BODY)
    assert (
        degrees_apart(motion.poses, poses, "l_ankle") < 3 and degrees_apart(motion.poses, poses, "l_foot") < 5
    )
    np.testing.assert_allclose(motion.translations[:, 1], places[:, 1], atol=0.01)


@pytest.mark.parametrize(
    ("lost", "named"), [("l_knee", "l_knee"), ("r_wrist", "r_wrist"), ("l_shoulder", "l_shoulder")]
)
def test_missing_joints_are_named(lost: str, named: str) -> None:
    clip = clip_of(np.zeros((2, 24, 3)), standing(2))
    names = tuple("thing" if j in (lost, lost.replace("wrist", "hand")) else j for j in clip.joints)
    with pytest.raises(InputError, match=named):
        retarget(replace(clip, joints=names), BODY)


def test_values_that_are_not_finite_are_refused() -> None:
    clip = clip_of(np.zeros((3, 24, 3)), standing(3))
    broken = clip.positions.copy()
    broken[1, 4, 0] = np.nan
    with pytest.raises(InputError, match="finite"):
        retarget(replace(clip, positions=broken), BODY)


def test_a_bone_without_length_is_refused() -> None:
    clip = clip_of(np.zeros((3, 24, 3)), standing(3))
    rest = clip.rest.copy()
    rest[SMPL_24.index("l_knee")] = rest[SMPL_24.index("l_hip")]
    with pytest.raises(InputError, match="l_hip to l_knee"):
        retarget(replace(clip, rest=rest), BODY)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_short_clips_work(frames: int) -> None:
    motion = retarget(clip_of(np.zeros((frames, 24, 3)), standing(frames)), BODY)
    np.testing.assert_allclose(motion.poses, 0, atol=0.03)
    np.testing.assert_allclose(motion.translations, standing(frames), atol=3e-3)


@pytest.mark.parametrize("gender", ["neutral", "female", "male"])
def test_bodies_of_every_shape_stand_on_the_floor(gender: str) -> None:
    body = load_body("open", gender)
    motion = retarget(clip_of(np.zeros((4, 24, 3)), standing(4)), BODY)
    for seed in range(4):
        betas = np.random.default_rng(seed).uniform(-2, 2, 10)
        lowest = (body.v_template + body.shapedirs @ betas)[:, 1].min()
        assert abs(lowest + place(motion, body, betas)[0, 1]) < 2e-3
