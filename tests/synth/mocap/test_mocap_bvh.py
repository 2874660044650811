"""What a BVH file leaves open: units, the root's OFFSET, roots that do not move, T-poses in front, rounded times."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecorpus.synth.mocap.bvh import FILTERED_FRAMES, read_bvh
from posecorpus.synth.mocap.bvh_text import parse_bvh
from posecorpus.synth.mocap.units import UNITS_M, Reading, detect_units, fps_of_frame_time, reach
from posecorpus.synth.motion import SourceClip

# A plain person of 1.7 m: name, parent, offset in metres; legs down, arms out.
PERSON = [
    ("Hips", None, (0, 0, 0)), ("Spine", "Hips", (0, 0.5, 0)), ("Head", "Spine", (0, 0.25, 0)),
    ("LeftArm", "Spine", (0.2, 0, 0)), ("LeftHand", "LeftArm", (0.6, 0, 0)),
    ("RightArm", "Spine", (-0.2, 0, 0)), ("RightHand", "RightArm", (-0.6, 0, 0)),
    ("LeftLeg", "Hips", (0.1, 0, 0)), ("LeftFoot", "LeftLeg", (0, -0.9, 0)),
    ("RightLeg", "Hips", (-0.1, 0, 0)), ("RightFoot", "RightLeg", (0, -0.9, 0)),
]  # fmt: skip
HIPS_M = 0.92


def person(
    frames: int = 40,
    unit_m: float = 0.01,
    arms_deg: np.ndarray | float = 70.0,
    offset_m: float = 0.0,
    height_m: float = HIPS_M,
    carrier: bool = False,
) -> SourceClip:
    """A person who stands with the arms lowered by ``arms_deg``, written in a unit and read back.

    Args:
        offset_m: height in the root's OFFSET.
        height_m: height in the root's Yposition (in the carried joint's, with ``carrier``).
        carrier: put a root at the origin above the hips that never moves.
    """
    arms = np.broadcast_to(arms_deg, frames)
    lines = ["HIERARCHY"]
    if carrier:
        lines += ["ROOT joint_Root", "{", "OFFSET 0 0 0"]
        lines += ["CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation"]
    lines += _joint("Hips", unit_m, offset_m, carrier)
    if carrier:
        lines.append("}")
    lines += ["MOTION", f"Frames: {frames}", "Frame Time: .0083333"]
    for t in range(frames):
        row = [0.0] * 6 * carrier + [
            0.3 * t / frames / unit_m,
            height_m / unit_m,
            0.1 / unit_m,
            0.0,
            0.0,
            0.0,
        ]
        for name in _order("Hips")[1:]:
            row += [arms[t] * {"LeftArm": -1, "RightArm": 1}.get(name, 0), 0.0, 0.0]
        lines.append(" ".join(map(repr, map(float, row))))
    return read_bvh(parse_bvh("\n".join(lines).encode(), "p.bvh"), "p", "s", Reading())


def _order(name: str) -> list[str]:
    return [name] + [n for child, parent, _ in PERSON if parent == name for n in _order(child)]


def _joint(name: str, unit_m: float, offset_m: float, carried: bool) -> list[str]:
    root = name == "Hips"
    offset = next(o for n, _, o in PERSON if n == name) if not root else (0, offset_m, 0)
    channels = (
        "6 Xposition Yposition Zposition Zrotation Xrotation Yrotation"
        if root
        else "3 Zrotation Xrotation Yrotation"
    )
    lines = ["JOINT " + name if carried or not root else "ROOT " + name, "{"]
    lines += ["OFFSET " + " ".join(repr(x / unit_m) for x in offset), "CHANNELS " + channels]
    for child, parent, _ in PERSON:
        if parent == name:
            lines += _joint(child, unit_m, 0, carried)
    return [*lines, "}"]


@pytest.mark.parametrize("unit", ["m", "cm", "mm", "asf"])
def test_units_are_told_by_size(unit: str) -> None:
    clip = person(unit_m=UNITS_M[unit])
    np.testing.assert_allclose(clip.positions, person().positions, atol=1e-5)
    np.testing.assert_allclose(clip.positions[0, clip.joints.index("Head"), 1], HIPS_M + 0.75, atol=1e-5)


@given(st.floats(1.25, 4.0), st.sampled_from(["m", "cm", "mm", "asf"]))
def test_units_of_anyone_from_child_to_giant(size_m: float, unit: str) -> None:
    """ASF units and centimetres are 5.6 times apart, so a reach may be off by 2.37 either way."""
    assert detect_units("f", size_m / UNITS_M[unit]) == unit


def test_reach_is_the_longest_way_between_leaves() -> None:
    """A star of legs 3, 1 and 2: 5; a chain: its length; a long stem above a branching does not count."""
    assert reach((-1, 0, 0, 0), np.array([0.0, 3, 1, 2])) == 5
    assert reach((-1, 0, 1, 2), np.array([0.0, 1, 2, 3])) == 6
    assert reach((-1, 0, 1, 1), np.array([0.0, 100, 2, 3])) == 5


@pytest.mark.parametrize(
    ("offset_m", "height_m"), [(0.0, HIPS_M), (HIPS_M, HIPS_M), (HIPS_M, 0.0), (1.0, HIPS_M - 1.0)]
)
def test_the_root_stands_on_the_floor_whoever_wrote_it(offset_m: float, height_m: float) -> None:
    """The height is in the channel, in both and meant once, in the OFFSET alone, or shared between them."""
    clip = person(offset_m=offset_m, height_m=height_m)
    np.testing.assert_allclose(clip.positions[:, 0, 1], HIPS_M, atol=1e-5)


def test_a_root_that_only_carries_is_left_out() -> None:
    carried, plain = person(carrier=True), person()
    assert carried.joints == plain.joints and carried.parents == plain.parents
    np.testing.assert_allclose(carried.positions, plain.positions, atol=1e-6)
    np.testing.assert_array_equal(carried.rotations, plain.rotations)


def test_a_t_pose_in_front_is_left_out() -> None:
    arms = np.full(40, 70.0)
    arms[0] = 0
    assert len(person(arms_deg=arms).positions) == 39
    smeared = np.full(40, 70.0)
    smeared[:FILTERED_FRAMES] = np.linspace(0, 70, FILTERED_FRAMES)
    assert len(person(arms_deg=smeared).positions) == 40 - FILTERED_FRAMES


def test_someone_who_starts_in_a_t_pose_keeps_it() -> None:
    assert len(person(arms_deg=np.linspace(0, 70, 40)).positions) == 40
    assert len(person(arms_deg=0.0).positions) == 40


@pytest.mark.parametrize(
    ("seconds", "fps"),
    [
        (0.0083333, 120),
        (0.00833333, 120),
        (0.016667, 60),
        (0.0333333, 30),
        (0.033367, 29.97),
        (0.04, 25),
        (0.0416667, 24),
    ],
)
def test_rounded_frame_times(seconds: float, fps: float) -> None:
    assert fps_of_frame_time("f", seconds) == pytest.approx(fps, rel=1e-6 if fps == int(fps) else 1e-4)


def test_joints_of_one_name_are_told_apart() -> None:
    text = "HIERARCHY\nROOT a { OFFSET 0 0 0 CHANNELS 3 Xposition Yposition Zposition\n"
    text += "JOINT b { OFFSET 0 1 0 CHANNELS 0 End Site { OFFSET 0 1 0 } End Site { OFFSET 1 0 0 } }\n"
    text += "JOINT b { OFFSET 0 -1 0 CHANNELS 0 } }\nMOTION\nFrames: 1\nFrame Time: 0.01\n0 0 0\n"
    clip = read_bvh(parse_bvh(text.encode(), "b.bvh"), "b", "s", Reading())
    assert clip.joints == ("a", "b", "b_end", "b_end~2", "b~2")
    assert clip.parents == (-1, 0, 1, 1, 0)
