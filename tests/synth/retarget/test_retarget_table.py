"""The table's measures: they see planted faults, and real clips pass them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synthetic_rigs import clip_of, hinged, standing

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import SMPL_24, opposite
from posecorpus.pipelines.retarget_table import BONES, Table, measure_clip, retarget_table
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.mocap.sources import find, read_clip
from posecorpus.synth.motion import BodyMotion, SourceClip
from posecorpus.synth.retarget import retarget

BODY = load_body("open", "neutral")
SWAPPED = [SMPL_24.index(opposite(joint)) for joint in SMPL_24.joints]


@pytest.fixture(scope="module")
def walker() -> SourceClip:
    poses = hinged(60, np.random.default_rng(2))
    poses[:, [1, 2, 4, 5]] = 0
    poses[:, [4, 5], 0] = 0.02
    return clip_of(poses, standing(60))


@pytest.fixture(scope="module")
def motion(walker: SourceClip) -> BodyMotion:
    return retarget(walker, BODY)


def test_a_faithful_motion_passes(walker: SourceClip, motion: BodyMotion) -> None:
    quality = measure_clip(walker, motion, BODY)
    assert max(quality.angles(bone).max() for bone in BONES) < 0.1
    assert (quality.bent_wrong, quality.jumps, quality.turned) == (0, 0, 0) and quality.bent > 50
    assert len(quality.heights()) == 120 and np.abs(quality.heights()).max() < 0.01


def test_left_taken_for_right_shows_in_the_bones(walker: SourceClip, motion: BodyMotion) -> None:
    swapped = replace(motion, poses=motion.poses[:, SWAPPED] * np.float32([1, -1, -1]))
    quality = measure_clip(walker, swapped, BODY)
    assert min(quality.angles(bone).mean() for bone in ("upper arm", "forearm")) > 10


def test_a_rig_with_its_sides_exchanged_is_turned_round() -> None:
    clip = clip_of(hinged(60, np.random.default_rng(2)), standing(60))
    names = tuple(opposite(joint) for joint in clip.joints)
    wrong = replace(clip, joints=names)
    assert measure_clip(wrong, retarget(wrong, BODY), BODY).turned > 60
    assert measure_clip(clip, retarget(clip, BODY), BODY).turned == 0


def test_a_bone_that_is_off_is_measured_to_the_degree(walker: SourceClip, motion: BodyMotion) -> None:
    j = SMPL_24.index("l_shoulder")
    tilted = motion.poses.copy()
    tilted[:] = 0
    straight = clip_of(np.zeros((60, 24, 3)), standing(60))
    tilted[:, j, 2] = np.radians(7)
    angles = measure_clip(straight, replace(motion, poses=tilted), BODY).bones["upper arm"]
    assert angles[0] == pytest.approx(7.0, abs=0.01) and angles[1].max() < 0.01


def test_a_twist_jump_is_counted_unless_the_source_jumps_too(walker: SourceClip, motion: BodyMotion) -> None:
    still = clip_of(np.zeros((60, 24, 3)), standing(60))
    poses = np.zeros((60, 24, 3), np.float32)
    poses[30:, SMPL_24.index("r_shoulder"), 0] = np.radians(75)  # about the arm itself
    jumping = replace(motion, poses=poses)
    assert measure_clip(still, jumping, BODY).jumps == 2  # upper arm and forearm
    assert measure_clip(clip_of(poses.astype(float), standing(60)), jumping, BODY).jumps == 0


@pytest.mark.parametrize(
    ("joint", "turn"), [("l_knee", (-0.6, 0, 0)), ("r_elbow", (0, -0.6, 0)), ("l_elbow", (0, 0.6, 0))]
)
def test_a_hinge_bent_the_wrong_way_is_counted(
    motion: BodyMotion, joint: str, turn: tuple[float, ...]
) -> None:
    poses = np.zeros((60, 24, 3), np.float32)
    poses[:20, SMPL_24.index(joint)] = turn
    quality = measure_clip(clip_of(np.zeros((60, 24, 3)), standing(60)), replace(motion, poses=poses), BODY)
    assert (quality.bent_wrong, quality.bent) == (20, 20)


def test_feet_in_the_air_are_measured(walker: SourceClip, motion: BodyMotion) -> None:
    lifted = replace(motion, translations=motion.translations + np.float32([0, 0.1, 0]))
    np.testing.assert_allclose(measure_clip(walker, lifted, BODY).heights(), 0.1, atol=0.01)


def test_no_clips_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="captured clips"):
        retarget_table([tmp_path])


def test_real_clips_of_every_dialect_keep_the_promises(data: Path) -> None:
    """Three clips of every archive and dialect; the command measures them all."""
    archives = ("cmu_bvh.zip", "bandai_namco_1.zip", "cmu_asfamc.zip", "hdm05.zip")
    refs, _ = find([data / "mocap" / name for name in archives])
    groups = defaultdict(list)
    for ref in refs:
        folder = ref.item.member.split("/")[0] if "cmu_bvh" in ref.item.path.name else ""
        groups[ref.item.path.stem, folder].append(ref)
    assert len(groups) == 9
    table = {}
    for (archive, folder), members in groups.items():
        for ref in members[1 :: max(1, len(members) // 3)][:3] or members[:1]:
            clip = read_clip(ref)
            assert isinstance(clip, SourceClip)
            clip = replace(clip, positions=clip.positions[:1200], rotations=clip.rotations[:1200])
            quality = measure_clip(clip, retarget(clip, BODY), BODY)
            table[f"{archive} {folder} {clip.name}"] = quality
            for bone in BONES:
                angles = quality.angles(bone)
                assert angles.mean() < 3 and np.percentile(angles, 99) < 10, (clip.name, bone)
            assert (quality.bent_wrong, quality.jumps) == (0, 0), clip.name
            assert quality.turned < 0.1 * quality.frames, clip.name
            assert np.percentile(np.abs(quality.heights()), 90) < 0.05, clip.name
    heights = np.abs(np.concatenate([quality.heights() for quality in table.values()]))
    assert np.mean(heights > 0.05) < 0.005 and np.percentile(heights, 95) < 0.03
    assert str(Table(table, ())).count("\n") == len(table) + 1
