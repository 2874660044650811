"""People as those who place them see them: where they will be, and as wide as what they wear."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from posecorpus.synth.actors import act
from posecorpus.synth.appearance.rooms import plan_around
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import pose_body
from posecorpus.synth.builtin import builtin_motion
from posecorpus.synth.config import SynthConfig, load_config
from posecorpus.synth.crowd import Placement, intersect
from posecorpus.synth.props import furnished, place_prop, prop_surface
from posecorpus.synth.sampling import ClipDraw, Materials, draw_scenes
from posecorpus.synth.sampling.people import Role, draw_role, moved, pelvises_of
from posecorpus.synth.sampling.posing import (
    COARSE_M,
    HOVER_M,
    PLACING_LEVEL,
    carried,
    landed,
    pose_coarsely,
    pose_finely,
    reach_of,
)

KINDS = ("walk", "wave", "squat", "run", "reach")
MOTIONS = [builtin_motion(kind, np.random.default_rng(i), 2.0) for i, kind in enumerate(KINDS)]


def _config(**sections: dict[str, object]) -> SynthConfig:
    data = load_config("lcr-wild").model_dump()
    data["image"] |= {"size": (160, 120)}
    for section, values in sections.items():
        data[section] |= values
    return SynthConfig.model_validate(data)


def _role(index: int, frames: int = 1) -> Role:
    return draw_role(_config(), 3, ClipDraw(index, 2, frames), MOTIONS[index % len(MOTIONS)], index % 3, ())


def test_carrying_bodies_is_posing_them_elsewhere() -> None:
    rng = np.random.default_rng(0)
    for index in range(4):
        yaw, x, z = rng.uniform(-3, 3, 3)
        role = _role(index, frames=3)
        there = moved(role, yaw, x, z)
        got, wanted = carried(pose_coarsely(role), Placement(x, z, yaw)), pose_coarsely(there)
        assert len(got.vertices) == 3
        for name in ("vertices", "landmarks", "transforms"):
            np.testing.assert_allclose(getattr(got, name), getattr(wanted, name), atol=5e-6)
        np.testing.assert_allclose(pelvises_of(there), wanted.landmarks[:, 0], atol=1e-6)


def test_who_hovers_is_let_down_and_who_jumps_is_not() -> None:
    for index in range(4):
        role = _role(index, frames=3)
        high = replace(role, translations=role.translations + np.array([0, 0.8, 0], np.float32))
        lower, posed = landed(high, pose_coarsely(high))
        assert posed.vertices[..., 1].min() == pytest.approx(0, abs=1e-6)
        for name in ("vertices", "landmarks", "transforms"):
            np.testing.assert_allclose(getattr(posed, name), getattr(pose_coarsely(lower), name), atol=2e-6)
        leap = role.translations + np.array(
            [[0, 0.8, 0], [0, 0.4, 0], [0, HOVER_M - 0.1, 0], [0, 0, 0]], np.float32
        )
        jumping = replace(role, translations=leap)
        same, still = landed(jumping, bodies := pose_coarsely(jumping))
        assert same is jumping and still is bodies


def test_nobody_hovers_in_a_place() -> None:
    """Captured on a climbing frame that is not there."""
    climbing = [
        replace(motion, translations=motion.translations + np.array([0, 1.1, 0], np.float32))
        for motion in MOTIONS[:4]
    ]
    draws = [ClipDraw(0, 3, 1)] * len(climbing)
    (scene,) = draw_scenes(_config(), 5, draws, climbing, Materials())
    assert scene.people
    for person in scene.people:
        body = load_body(person.body, person.gender)
        posed = pose_body(body, person.betas[None], person.pose[None], person.translation[None])
        assert abs(posed.vertices[..., 1].min()) < 2 * COARSE_M


def test_coarse_skin_is_near_the_whole_skin() -> None:
    for index in range(6):
        role = _role(index)
        body = load_body(role.body, role.gender, PLACING_LEVEL)
        coarse, whole = pose_coarsely(role).vertices[0], pose_finely(role).vertices[0]
        assert len(coarse) < len(whole) / 3
        weights = np.random.default_rng(index).dirichlet((1, 1, 1), (len(body.faces), 20))
        points = np.einsum("fkc,fcd->fkd", weights, coarse[body.faces]).reshape(-1, 3)
        # Points of a surface are some millimetres apart.
        assert cKDTree(points).query(whole)[0].max() < COARSE_M + 0.006


def test_clothes_stay_within_reach() -> None:
    kinds, fullest = set(), 0.0
    for index in range(24):
        role = _role(index)
        person = role.at(0, "worn")
        actor = act(person, person.pose[None], person.translation[None])
        away = cKDTree(actor.posed.vertices[0]).query(actor.vertices[1][0])[0]
        reach = reach_of(role, "worn")
        assert np.quantile(away, 0.99) < reach  # of a skirt the rest is between the legs
        assert away.max() < reach or reach > 0.2
        kinds.add(reach)
        fullest = max(fullest, away.max() / reach)
        assert reach_of(role, "painted") == COARSE_M
    assert len(kinds) == 3 and fullest > 0.7  # trousers, long hair, skirts; and no reach is a waste


def test_dressed_people_do_not_meet() -> None:
    """No surface of one, skin or cloth, has a point in common with one of another's."""
    pairs = 0
    for index in range(6):
        clips = [ClipDraw(index, 5 * i, 1) for i in range(5)]
        scene = draw_scenes(_config(), 11, clips, MOTIONS, Materials())[0]
        actors = [act(who, who.pose[None], who.translation[None]) for who in scene.people]
        for i, one in enumerate(actors):
            for other in actors[:i]:
                pairs += 1
                for a, s in zip(one.vertices, one.surfaces, strict=True):
                    for b, t in zip(other.vertices, other.surfaces, strict=True):
                        assert not intersect(a[0], s.faces, b[0], t.faces)
    assert pairs > 40


def test_things_of_a_scene_keep_out_of_the_furniture_of_its_room() -> None:
    """The room is planned as the studio paints it: around the people of the scene."""
    settings = _config(props={"beside": (3, 3), "in_front": (0, 0), "held_probability": 0.0})
    boxes = things = 0
    for index in range(8):
        clips = [ClipDraw(index, 5 * i, 1) for i in range(3)]
        scene = draw_scenes(settings, 11, clips, MOTIONS[:3], Materials())[0]
        pelvises = [
            pose_body(load_body(w.body, w.gender), w.betas[None], w.pose[None], w.translation[None]).landmarks[:, 0]
            for w in scene.people
        ]  # fmt: skip
        camera = scene.camera
        plan = plan_around(camera, np.random.default_rng(scene.background.seed), np.concatenate(pelvises))
        room = furnished(plan, camera.centre)
        for prop in scene.props:
            vertices = place_prop(prop, prop_surface(prop)[1]).astype(float)
            x, y, z = plan.turn @ (vertices - camera.centre * (1, 0, 1)).T
            things += 1
            assert room.has(vertices[:, [0, 2]]).all()
            for low, high in room.boxes:
                inside = (x > low[0]) & (x < high[0]) & (y < high[1]) & (z > low[2]) & (z < high[2])
                assert not inside.any()
                boxes += 1
    assert things > 10 and boxes > 20
