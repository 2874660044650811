"""Resampling: exact at frames that coincide, rigid bones, shortest arcs, ends kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rigs import bvh_rigs
from scipy.spatial.transform import Rotation

from posecorpus.core.errors import InputError
from posecorpus.synth.mocap.bvh import read_bvh
from posecorpus.synth.mocap.bvh_text import parse_bvh
from posecorpus.synth.mocap.resample import frame_times, resample
from posecorpus.synth.mocap.units import Reading
from posecorpus.synth.motion import BodyMotion, SourceClip

RATES = st.sampled_from([24.0, 25.0, 29.97, 30.0, 50.0, 60.0, 100.0, 120.0, 240.0])


def body(seed: int, frames: int, fps: float) -> BodyMotion:
    rng = np.random.default_rng(seed)
    poses = rng.normal(0, 1.5, (frames, 24, 3)).astype(np.float32)
    return BodyMotion("m", "m", "m", fps, poses, rng.normal(0, 1, (frames, 3)).astype(np.float32))


def source(seed: int, frames: int, fps: float) -> SourceClip:
    """A chain of three bones that turns at random."""
    rng = np.random.default_rng(seed)
    rotations = Rotation.random(frames * 4, random_state=seed).as_matrix().reshape(frames, 4, 3, 3)
    rest = np.array([[0.0, 0, 0], [0, 0.5, 0], [0.2, 0.9, 0], [0.2, 0.9, 0.4]])
    positions = np.zeros((frames, 4, 3))
    positions[:, 0] = rng.normal(0, 1, (frames, 3))
    for j in range(1, 4):
        positions[:, j] = positions[:, j - 1] + rotations[:, j - 1] @ (rest[j] - rest[j - 1])
    joints = ("a", "b", "c", "d")
    return SourceClip(
        "m",
        "m",
        "m",
        fps,
        joints,
        (-1, 0, 1, 2),
        rest,
        positions.astype(np.float32),
        rotations.astype(np.float32),
        "x",
    )


@given(st.integers(1, 400), RATES, RATES)
def test_frame_times_cover_the_clip_and_no_more(frames: int, source_fps: float, fps: float) -> None:
    at = frame_times(frames, source_fps, fps)
    assert at[0] == 0 and at[-1] <= frames - 1
    assert at[-1] + source_fps / fps > frames - 1 - 1e-5, "another frame would have fitted"
    np.testing.assert_allclose(np.diff(at), source_fps / fps, atol=2e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 99), st.integers(1, 40), st.sampled_from([2, 3, 4, 5]))
def test_whole_ratios_pick_frames_as_they_are(seed: int, frames: int, ratio: int) -> None:
    fps = 120.0 / ratio
    moved = resample(body(seed, frames, 120), fps)
    np.testing.assert_array_equal(moved.poses, body(seed, frames, 120).poses[::ratio])
    np.testing.assert_array_equal(moved.translations, body(seed, frames, 120).translations[::ratio])
    clip = resample(source(seed, frames, 120), fps)
    np.testing.assert_array_equal(clip.positions, source(seed, frames, 120).positions[::ratio])
    np.testing.assert_array_equal(clip.rotations, source(seed, frames, 120).rotations[::ratio])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 99), st.integers(1, 12), st.sampled_from([2, 3, 4]))
def test_upsampling_and_back_is_the_identity(seed: int, frames: int, ratio: int) -> None:
    clip, motion = source(seed, frames, 30), body(seed, frames, 30)
    back = resample(resample(clip, 30.0 * ratio), 30)
    np.testing.assert_array_equal(back.positions, clip.positions)
    np.testing.assert_array_equal(back.rotations, clip.rotations)
    up = resample(motion, 30.0 * ratio)
    assert len(up.poses) == (frames - 1) * ratio + 1
    np.testing.assert_array_equal(up.poses[-1], motion.poses[-1])
    np.testing.assert_array_equal(resample(up, 30).poses, motion.poses)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 99), st.integers(2, 20), RATES, RATES)
def test_between_frames(seed: int, frames: int, source_fps: float, fps: float) -> None:
    """On the shortest arc, at constant speed: the angle to either neighbour is its share of theirs."""
    clip = source(seed, frames, source_fps)
    moved = resample(clip, fps)
    at = frame_times(frames, source_fps, fps)
    low = np.minimum(np.floor(at).astype(int), frames - 2)
    share = at - low
    for j in range(4):
        a, b = Rotation.from_matrix(clip.rotations[low, j]), Rotation.from_matrix(clip.rotations[low + 1, j])
        mid = Rotation.from_matrix(moved.rotations[:, j])
        whole = (a.inv() * b).magnitude()
        np.testing.assert_allclose((a.inv() * mid).magnitude(), whole * share, atol=2e-3)
        np.testing.assert_allclose((mid.inv() * b).magnitude(), whole * (1 - share), atol=2e-3)
    root = clip.positions[low, 0] + share[:, None] * (clip.positions[low + 1, 0] - clip.positions[low, 0])
    np.testing.assert_allclose(moved.positions[:, 0], root, atol=1e-5)
    for j in range(1, 4):
        reached = moved.positions[:, j - 1] + moved.rotations[:, j - 1] @ (clip.rest[j] - clip.rest[j - 1])
        np.testing.assert_allclose(moved.positions[:, j], reached, atol=1e-5)


def test_axis_angles_take_the_short_way() -> None:
    """From 170 to 190 degrees (written as -170) the middle is 180, not 0."""
    poses = np.zeros((2, 24, 3), dtype=np.float32)
    poses[:, 5, 1] = np.radians([170, -170])
    middle = resample(BodyMotion("m", "m", "m", 30, poses, np.zeros((2, 3), np.float32)), 60).poses[1, 5]
    assert abs(abs(middle[1]) - np.pi) < 1e-5 and np.abs(middle[[0, 2]]).max() < 1e-5


@settings(max_examples=20, deadline=None)
@given(bvh_rigs(), RATES)
def test_clips_from_files_stay_rigid(rig: object, fps: float) -> None:
    clip = read_bvh(parse_bvh(rig.text(), "r.bvh"), "r", "s", Reading(units="m"))  # type: ignore[attr-defined]
    moved = resample(clip, fps)
    assert moved.fps == fps
    for j, parent in enumerate(clip.parents):
        if parent >= 0:
            length = np.linalg.norm(clip.rest[j] - clip.rest[parent])
            np.testing.assert_allclose(
                np.linalg.norm(moved.positions[:, j] - moved.positions[:, parent], axis=-1), length, atol=1e-4
            )


def test_the_same_rate_is_the_same_clip() -> None:
    clip = source(0, 5, 60)
    assert resample(clip, 60) is clip


@pytest.mark.parametrize("fps", [0.0, -30.0, float("nan"), float("inf"), 1e6])
def test_absurd_rates_are_refused(fps: float) -> None:
    with pytest.raises(InputError, match="frames a second"):
        resample(source(0, 5, 60), fps)
