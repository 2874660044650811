"""Scenes are drawn as the configuration says, and geometry keeps its meaning on the way."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import joints_of, pose_body
from posecorpus.synth.builtin import builtin_motion
from posecorpus.synth.config import SynthConfig, load_config
from posecorpus.synth.motion import BodyMotion
from posecorpus.synth.sampling import ClipDraw, Materials, draw_scenes, mirrored
from posecorpus.synth.scene import Scene

MOTION = builtin_motion("walk", np.random.default_rng(3), 2.0)


def draws(count: int, config: SynthConfig | None = None, frames: int = 1) -> list[list[Scene]]:
    settings = config or load_config("surreal")
    return [
        draw_scenes(settings, 7, [ClipDraw(i, i % 20, frames)], [MOTION], Materials()) for i in range(count)
    ]


def changed(**sections: dict[str, object]) -> SynthConfig:
    data = load_config("surreal").model_dump()
    for section, values in sections.items():
        data[section] |= values
    return SynthConfig.model_validate(data)


def joints(scene: Scene) -> np.ndarray:
    person = scene.people[0]
    body = load_body(person.body, person.gender)
    return joints_of(body, person.betas[None], person.pose[None], person.translation[None])[0]


def test_the_camera_looks_at_the_first_pelvis_from_surreals_distance() -> None:
    distances = []
    for (scene,) in draws(60):
        pixel, depth = scene.camera.project(joints(scene)[0])
        np.testing.assert_allclose(pixel, [160, 120], atol=0.05)
        np.testing.assert_allclose(scene.camera.R, np.diag([1, -1, -1]), atol=1e-12)
        distances.append(depth)
    assert abs(np.mean(distances) - 8) < 0.4
    assert 0.7 < np.std(distances) < 1.3


def test_yaw_is_spread_around_the_circle_and_left_stays_left() -> None:
    facing = []
    for (scene,) in draws(80):
        points = joints(scene)
        left, right, up = (points[SMPL_24.index(name)] for name in ("l_hip", "r_hip", "spine3"))
        forward = np.cross(left - right, up - (left + right) / 2)
        facing.append(np.arctan2(forward[0], forward[2]))
    angles = np.array(facing)
    assert abs(np.exp(1j * angles).mean()) < 0.25
    assert np.histogram(angles, bins=4, range=(-np.pi, np.pi))[0].min() >= 10


def test_people_stand_on_the_floor_whatever_their_shape() -> None:
    for (scene,) in draws(12, changed(people={"betas_std": 2.0})):
        person = scene.people[0]
        body = load_body(person.body, person.gender)
        lowest = (
            pose_body(body, person.betas[None], person.pose[None], person.translation[None])
            .vertices[..., 1]
            .min()
        )
        assert abs(lowest) < 0.05


def test_betas_are_cut_at_the_limit() -> None:
    betas = np.stack([scene.people[0].betas for (scene,) in draws(40, changed(people={"betas_std": 3.0}))])
    assert np.abs(betas).max() == 2
    assert (np.abs(betas) == 2).mean() > 0.3


def test_a_clips_scenes_share_everything_but_the_pose() -> None:
    (scenes,) = draws(1, frames=5)
    for now, after in pairwise(scenes):
        assert now.camera is after.camera
        assert now.background == after.background
        np.testing.assert_array_equal(now.people[0].pose_next, after.people[0].pose)
        np.testing.assert_array_equal(now.people[0].translation_next, after.people[0].translation)
    shape = [joints(scene) for scene in scenes]
    shin = [np.linalg.norm(p[SMPL_24.index("l_knee")] - p[SMPL_24.index("l_ankle")]) for p in shape]
    np.testing.assert_allclose(shin, shin[0], rtol=1e-5)


def test_pitch_roll_and_offsets_move_the_camera_as_named() -> None:
    config = changed(
        camera={
            "distance_m": {"mean": 5, "std": 0, "min": 1},
            "pitch_deg": (30, 30),
            "roll_deg": (10, 10),
            "height_offset_m": (0.5, 0.5),
            "aim_offset_m": (0.2, 0.2),
        }
    )
    for (scene,) in draws(3, config):
        camera, pelvis = scene.camera, joints(scene)[0]
        aim = pelvis + [0.2, 0.5, 0]
        np.testing.assert_allclose(
            camera.centre - aim, [0, 5 * np.sin(np.pi / 6), 5 * np.cos(np.pi / 6)], atol=1e-4
        )
        np.testing.assert_allclose(camera.project(aim)[0], [160, 120], atol=0.01)
        above = camera.project(aim + [0, 0.01, 0])[0] - [160, 120]
        assert np.degrees(np.arctan2(above[0], -above[1])) == pytest.approx(10, abs=0.2)


def test_one_kind_of_draw_does_not_disturb_another() -> None:
    near = changed(camera={"roll_deg": (-5, 5)})
    for (one,), (other,) in zip(draws(3), draws(3, near), strict=True):
        np.testing.assert_array_equal(one.light, other.light)
        np.testing.assert_array_equal(one.people[0].pose, other.people[0].pose)
        assert one.background == other.background
        assert one.people[0].texture_seed == other.people[0].texture_seed


def test_a_mirrored_motion_is_the_mirror_image() -> None:
    body = load_body("open", "neutral")

    def place(motion: BodyMotion) -> np.ndarray:
        zeros = np.zeros((len(motion.poses), 10))
        return joints_of(body, zeros, motion.poses, motion.translations - body.joints_template[0])

    there = place(mirrored(MOTION))
    expected = place(MOTION)[:, SMPL_24.mirror] * [-1, 1, 1]
    assert np.abs(there - expected).max() < 0.01  # the body itself is symmetric to millimetres
    np.testing.assert_allclose(mirrored(mirrored(MOTION)).poses, MOTION.poses)


def test_a_stretch_the_motion_does_not_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="do not hold"):
        draw_scenes(load_config("surreal"), 0, [ClipDraw(0, len(MOTION.poses) - 3, 3)], [MOTION], Materials())
