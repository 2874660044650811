"""Every real clip at hand: what it must look like, and pairs of conversions that must agree."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from posecorpus.synth.mocap.archive import Problem
from posecorpus.synth.mocap.resample import resample
from posecorpus.synth.mocap.sources import ClipRef, read_clip, scan
from posecorpus.synth.motion import SourceClip

Scanned = tuple[list[ClipRef], list[Problem]]

# dialect: left hip, right hip, top of the trunk, left ankle, left toe, right ankle, right toe
LANDMARKS = {
    "asf_amc": "lfemur rfemur lowerneck lfoot ltoes rfoot rtoes",
    "acclaim": "lfemur rfemur lowerneck lfoot ltoes rfoot rtoes",
    "cmu_max": "LeftHip RightHip Neck LeftAnkle LeftToe RightAnkle RightToe",
    "cmu_motionbuilder": "LeftUpLeg RightUpLeg Neck LeftFoot LeftToeBase RightFoot RightToeBase",
    "daz": "lThigh rThigh neck lFoot lFoot_end rFoot rFoot_end",
    "daz_fingers": "lhip rhip neck lfoot toe1-1.l rfoot toe1-1.r",
    "iclone": "CC_Base_L_Thigh CC_Base_R_Thigh CC_Base_NeckTwist01 CC_Base_L_Foot CC_Base_L_ToeBase "
    "CC_Base_R_Foot CC_Base_R_ToeBase",
    "bandai_namco": "UpperLeg_L UpperLeg_R Neck Foot_L Toes_L Foot_R Toes_R",
}
NO_SKELETON = {
    "02_01",
    "02_02",
    "03_01",
    "03_02",
    "03_03",
    "13_01",
    "13_29",
    "13_30",
    "13_31",
    "14_14",
    "14_20",
}
CUT_SHORT = {"07_12", "golf_01"}
OFF_THE_FLOOR = {"01_06", "01_08", "punch_kick", "daz/14_21", "14_21", "14_27", "88_03"}
"""Climbing and sitting on furniture; a motion on another actor's skeleton."""


@pytest.fixture(scope="module")
def scanned(data: Path) -> Scanned:
    return scan(sorted((data / "mocap").glob("*.zip")))


@pytest.fixture(scope="module")
def clips(scanned: Scanned) -> dict[str, dict[str, float | str]]:
    """Figures of every clip, so that each is read once."""
    return {ref.name: dict(figures(ref)) for ref in scanned[0]}


def load(scanned: Scanned, name: str) -> SourceClip:
    clip = read_clip(next(ref for ref in scanned[0] if ref.name == name))
    assert isinstance(clip, SourceClip)
    return clip


def figures(ref: ClipRef) -> Iterator[tuple[str, float | str]]:
    clip = read_clip(ref)
    assert isinstance(clip, SourceClip)
    yield "dialect", clip.dialect
    heights = clip.positions[..., 1]
    yield "height", float(np.percentile(heights.max(axis=1) - heights.min(axis=1), 95))
    yield "floor", float(np.percentile(heights.min(axis=1), 25))
    parents = np.array(clip.parents)
    has = parents >= 0
    bones = clip.rest[has] - clip.rest[parents[has]]
    turned = np.einsum("tjab,jb->tja", clip.rotations[:, parents[has]], bones)
    yield "rigid", float(np.abs(clip.positions[:, has] - clip.positions[:, parents[has]] - turned).max())
    yield (
        "orthonormal",
        float(np.abs(clip.rotations @ clip.rotations.swapaxes(-1, -2) - np.eye(3, dtype=np.float32)).max()),
    )
    yield "left", left_is_left(clip)
    steps = np.linalg.norm(np.diff(clip.positions - clip.positions[:, :1], axis=0), axis=-1).max(axis=1)
    yield "first_step", float(steps[0])
    yield "usual_step", float(steps[1:30].max())


def left_is_left(clip: SourceClip) -> float:
    """Cosine between right-to-left hip and the left that trunk and toes define; median over frames."""
    at = [
        clip.positions[:, clip.joints.index(name)].astype(float) for name in LANDMARKS[clip.dialect].split()
    ]
    l_hip, r_hip, neck, l_ankle, l_toe, r_ankle, r_toe = at
    up, ahead = neck - (l_hip + r_hip) / 2, l_toe - l_ankle + r_toe - r_ankle
    left = np.cross(up, ahead)
    across = l_hip - r_hip
    cosine = (left * across).sum(-1) / np.linalg.norm(left, axis=-1) / np.linalg.norm(across, axis=-1)
    return float(np.median(cosine))


def test_all_read_but_the_known_problems(scanned: Scanned) -> None:
    refs, problems = scanned
    assert len(refs) == 270 and len({ref.name for ref in refs}) == 270
    counts = {"asf_amc": 134, "bandai_namco": 59, "cmu_max": 37, "daz": 20, "acclaim": 11, "iclone": 6}
    assert Counter(ref.dialect for ref in refs) == counts | {"cmu_motionbuilder": 2, "daz_fingers": 1}
    found = {re.sub(r"\.amc.*", "", Path(problem.where).name): problem.reason for problem in problems}
    assert {stem for stem, reason in found.items() if ".asf skeleton" in reason} == NO_SKELETON
    assert {stem for stem, reason in found.items() if "cut short" in reason} == CUT_SHORT
    assert len(problems) == len(NO_SKELETON | CUT_SHORT)
    assert all(ref.frames >= 2 for ref in refs)


def test_bones_are_rigid_and_rotations_are_rotations(clips: dict[str, dict[str, float]]) -> None:
    assert max(clip["rigid"] for clip in clips.values()) < 1e-4
    assert max(clip["orthonormal"] for clip in clips.values()) < 1e-5


def test_people_are_of_a_persons_height(clips: dict[str, dict[str, float]]) -> None:
    """Acclaim heads end 1.5 to 1.75 m up; all others are within a person's range, so no unit is mistaken."""
    for name, clip in clips.items():
        assert 1.15 < clip["height"] < 2.3, name


def test_acclaim_heads_end_where_they_should(scanned: Scanned) -> None:
    """In the zero pose, with feet on the floor."""
    tops = {}
    for ref in scanned[0]:
        if ref.dialect == "asf_amc" and ref.subject not in tops:
            clip = read_clip(ref)
            assert isinstance(clip, SourceClip)
            tops[ref.subject] = clip.rest[clip.joints.index("head_end"), 1] - clip.rest[:, 1].min()
    assert len(tops) >= 14
    assert all(1.4 < top < 1.8 for top in tops.values()), tops


def test_feet_are_on_the_floor(clips: dict[str, dict[str, float]]) -> None:
    off = {name: clip["floor"] for name, clip in clips.items() if not -0.07 < clip["floor"] < 0.11}
    assert set(off) <= OFF_THE_FLOOR, off
    assert -0.13 < clips["punch_kick"]["floor"] < -0.06


def test_left_is_left(clips: dict[str, dict[str, float]]) -> None:
    worst = sorted((clip["left"], name) for name, clip in clips.items())[:5]
    assert worst[0][0] > 0.25, worst


def test_no_clip_begins_with_a_t_pose(clips: dict[str, dict[str, float]]) -> None:
    for name, clip in clips.items():
        assert clip["first_step"] < max(0.1, 2 * clip["usual_step"]), name


@pytest.mark.parametrize(
    ("amc", "bvh", "legs"),
    [
        ("01/01_01", "motionbuilder/01_01", ("LeftUpLeg", "LeftLeg", "LeftFoot", "LeftToeBase")),
        ("131/131_01", "max/131_01", ("LeftHip", "LeftKnee", "LeftAnkle", "LeftToe")),
        ("131/131_03", "max/131_03", ("LeftHip", "LeftKnee", "LeftAnkle", "LeftToe")),
        ("07/07_03", "max/07_03", ("LeftHip", "LeftKnee", "LeftAnkle", "LeftToe")),
    ],
)
def test_conversions_agree_with_the_original(
    scanned: Scanned, amc: str, bvh: str, legs: tuple[str, ...]
) -> None:
    """Root and legs to 0.01 ASF unit, frame by frame (the T-pose in front is gone, so i = i everywhere)."""
    one, two = load(scanned, amc), load(scanned, bvh)
    assert len(one.positions) == len(two.positions) and one.fps == two.fps
    pairs = [("root", "Hips")]
    for a, b in zip(("lfemur", "ltibia", "lfoot", "ltoes"), legs, strict=True):
        pairs += [(a, b), ("r" + a[1:], b.replace("Left", "Right"))]
    for a, b in pairs:
        apart = one.positions[:, one.joints.index(a)] - two.positions[:, two.joints.index(b)]
        assert np.abs(apart).max() < 0.0125 * 0.0254 / 0.45, (a, b)


def knee_angle(clip: SourceClip, hip: str, knee: str, ankle: str) -> np.ndarray:
    a, b, c = (clip.positions[:, clip.joints.index(name)].astype(float) for name in (hip, knee, ankle))
    cosine = ((b - a) * (c - b)).sum(-1) / np.linalg.norm(b - a, axis=-1) / np.linalg.norm(c - b, axis=-1)
    return np.degrees(np.arccos(cosine))


@pytest.mark.parametrize(
    ("original", "joints", "retargeted", "names"),
    [
        ("05/05_01", "lfemur ltibia lfoot", "daz_fingers/05_01", "lhip lknee lfoot"),
        ("11/11_01", "lfemur ltibia lfoot", "daz/11_01", "lThigh lShin lFoot"),
        ("max/10_04", "LeftHip LeftKnee LeftAnkle", "daz/10_04", "lThigh lShin lFoot"),
    ],
)
def test_daz_conversions_keep_the_frames(
    scanned: Scanned, original: str, joints: str, retargeted: str, names: str
) -> None:
    """The knee bends at the same frames: frame for frame at 120 a second, whatever the frame time says.

    A T-pose was put in front and eight frames are left out, so frame i is the original's i + 7.
    """
    one, two = load(scanned, original), load(scanned, retargeted)
    assert one.fps == two.fps == 120
    a, b = knee_angle(one, *joints.split()), knee_angle(two, *names.split())
    match = [np.corrcoef(a[k : k + 500], b[: len(a[k : k + 500])])[0, 1] for k in range(20)]
    assert int(np.argmax(match)) == 7 and max(match) > 0.99


@pytest.mark.parametrize("name", ["88_01", "88_11", "14_07"])
def test_gravity_tells_the_frame_rate(scanned: Scanned, name: str) -> None:
    """Who is in the air falls at 9.8 m/s^2; subject 88 at the file's 120 frames a second would at 40."""
    clip = load(scanned, name)
    weights = {"hip": 15, "abdomen": 15, "chest": 15, "neck": 5, "head": 8, "Thigh": 5, "Shin": 10, "Foot": 5}
    weights |= {"ForeArm": 4, "Hand": 2}
    mass = np.array([weights.get(j, weights.get(j[1:], 0)) for j in clip.joints], dtype=float)
    height = (clip.positions[..., 1] * mass).sum(axis=1) / mass.sum()
    span = 9
    windows = np.lib.stride_tricks.sliding_window_view(height, span)
    acceleration = 2 * np.polyfit(np.arange(span) / clip.fps, windows.T, 2)[0]
    airborne = clip.positions[..., 1].min(axis=1)[span // 2 : span // 2 + len(acceleration)] > 0.15
    assert airborne.sum() >= 20
    assert -12 < np.median(acceleration[airborne]) < -8


def test_thirty_frames_a_second_are_every_fourth_frame(scanned: Scanned) -> None:
    clip = load(scanned, "max/131_01")
    np.testing.assert_array_equal(resample(clip, 30).positions, clip.positions[::4])
