"""Built-in motions as a body performs them: joints within human range, feet on the floor, no jerks."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from posecorpus.core.seeds import generator
from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.builtin import KINDS, builtin_motion
from posecorpus.synth.builtin.limits import excess
from posecorpus.synth.measures import reference
from posecorpus.synth.motion import BodyMotion
from posecorpus.synth.rotations import apply, forward_kinematics, from_axis_angle, to_axis_angle

SEEDS = range(6)
FAST = {"walk": 130, "run": 220, "jump": 330, "kick": 260, "throw": 120, "stairs": 80}
"""Metres a second squared that the fastest joint may reach; 60 for the rest."""


@cache
def clips(kind: str) -> tuple[BodyMotion, ...]:
    return tuple(builtin_motion(kind, generator(seed, "bodies"), 4.0) for seed in SEEDS)


def joints_and_soles(motion: BodyMotion) -> tuple[np.ndarray, np.ndarray]:
    """(T, 24, 3) joints and (T, 6, 3) heel, ball and toe of either foot."""
    body = reference()
    turns, places = forward_kinematics(
        from_axis_angle(motion.poses), body.joints, SMPL_24.parents, motion.translations
    )
    points = []
    for side, sign in (("l", 1.0), ("r", -1.0)):
        ankle, foot = SMPL_24.indices(f"{side}_ankle", f"{side}_foot")
        mirror = np.array([sign, 1.0, 1.0])
        points += [places[:, ankle] + apply(turns[:, ankle], mirror * p) for p in (body.heel, body.ball)]
        toe = mirror * body.toe - body.bone("ankle", "foot", sign)
        points.append(places[:, foot] + apply(turns[:, foot], toe))
    return places, np.stack(points, axis=1)


@pytest.mark.parametrize("kind", KINDS)
def test_joints_stay_within_human_range(kind: str) -> None:
    worst: dict[str, float] = {}
    for clip in clips(kind):
        for joint, degrees in excess(clip.poses).items():
            worst[joint] = max(worst.get(joint, 0.0), degrees)
    assert {joint: degrees for joint, degrees in worst.items() if degrees > 1.0} == {}


@pytest.mark.parametrize("kind", KINDS)
def test_no_foot_sinks_and_someone_stands_on_the_floor(kind: str) -> None:
    for clip in clips(kind):
        _, soles = joints_and_soles(clip)
        assert soles[..., 1].min() > -0.005
        if kind != "stairs":
            assert np.mean(soles[..., 1].min(axis=1) < 0.005) > (
                0.3 if kind in ("run", "jumping_jack") else 0.5
            )


@pytest.mark.parametrize("kind", KINDS)
def test_what_stands_on_the_floor_does_not_slide(kind: str) -> None:
    """Every stretch in which a point of the sole is on the floor, without the frames of touching down and leaving."""
    for clip in clips(kind):
        _, soles = joints_and_soles(clip)
        for point in range(soles.shape[1]):
            track = soles[:, point]
            edges = np.flatnonzero(np.diff(np.r_[False, track[:, 1] < 0.004, False].astype(int)))
            for start, stop in zip(edges[::2], edges[1::2], strict=True):
                stay = track[start + 1 : stop - 1, ::2]
                if len(stay) > 1:
                    assert np.linalg.norm(stay - stay[0], axis=1).max() < 0.02


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_jerks(kind: str) -> None:
    for clip in clips(kind):
        places, _ = joints_and_soles(clip)
        acceleration = np.linalg.norm(np.diff(places, 2, axis=0), axis=-1) * clip.fps**2
        assert acceleration.max() < FAST.get(kind, 60)
        turns = from_axis_angle(clip.poses)
        speed = np.linalg.norm(to_axis_angle(turns[:-1].swapaxes(-1, -2) @ turns[1:]), axis=-1) * clip.fps
        assert speed.max() < 30.0  # radians a second; a sprinter's knee and a pitcher's elbow do 20 to 40


def test_walks_differ_in_speed_and_go_forwards() -> None:
    ways = [clip.translations[-1] - clip.translations[0] for clip in clips("walk")]
    speeds = [float(np.linalg.norm(way[[0, 2]])) / 4 for way in ways]
    assert min(speeds) > 0.4 and max(speeds) < 2.0 and np.ptp(speeds) > 0.4
    for clip, way in zip(clips("walk"), ways, strict=True):
        facing = from_axis_angle(clip.poses[len(clip.poses) // 2, 0])[:, 2]
        assert facing @ way > 0


def test_arms_swing_against_the_legs() -> None:
    clip = clips("walk")[0]
    places, _ = joints_and_soles(clip)
    forward = from_axis_angle(clip.poses[:, 0])[:, :, 2]
    ahead = np.einsum("tjc,tc->tj", places - places[:, :1], forward)
    wrists = ahead[:, SMPL_24.index("l_wrist")] - ahead[:, SMPL_24.index("r_wrist")]
    ankles = ahead[:, SMPL_24.index("l_ankle")] - ahead[:, SMPL_24.index("r_ankle")]
    assert np.corrcoef(wrists, ankles)[0, 1] < -0.6


def test_excess_sees_a_knee_and_an_elbow_bent_backwards() -> None:
    poses = np.zeros((3, 24, 3), np.float32)
    poses[1, SMPL_24.index("l_knee"), 0] = np.radians(-25)
    poses[2, SMPL_24.index("r_elbow"), 1] = np.radians(-30)
    found = excess(poses)
    assert found["l_knee"] == pytest.approx(20.0, abs=0.1) and found["r_elbow"] == pytest.approx(
        25.0, abs=0.1
    )
    assert sum(degrees > 0 for degrees in found.values()) == 2
