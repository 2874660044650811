"""People in places: what is drawn is what is shown, stands on the floor, and depends on nothing else."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from posecorpus.core.errors import InputError
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import pose_body
from posecorpus.synth.builtin import builtin_motion
from posecorpus.synth.config import SynthConfig, load_config
from posecorpus.synth.rotations import about
from posecorpus.synth.sampling import ClipDraw, Materials, draw_scenes
from posecorpus.synth.sampling.people import draw_role, moved
from posecorpus.synth.scene import Scene, ScenePerson
from posecorpus.synth.studio import renderer, shoot

MOTIONS = [
    builtin_motion(kind, np.random.default_rng(i), 2.0) for i, kind in enumerate(("walk", "wave", "squat"))
]


def config(**sections: dict[str, object]) -> SynthConfig:
    data = load_config("lcr-wild").model_dump()
    data["image"] |= {"size": (160, 120)}
    for section, values in sections.items():
        data[section] |= values
    return SynthConfig.model_validate(data)


def draw(
    index: int = 0, people: int = 3, frames: int = 1, settings: SynthConfig | None = None
) -> list[Scene]:
    clips = [ClipDraw(index, 3 + i, frames) for i in range(people)]
    motions = [MOTIONS[i % len(MOTIONS)] for i in range(people)]
    return draw_scenes(settings or config(), 5, clips, motions, Materials())


def skin(person: ScenePerson) -> np.ndarray:
    body = load_body(person.body, person.gender)
    return pose_body(body, person.betas[None], person.pose[None], person.translation[None]).vertices[0]


def plain(scene: Scene) -> str:
    return repr(dataclasses.asdict(scene))


def test_the_same_arguments_give_the_same_scene_and_another_index_another() -> None:
    assert plain(draw()[0]) == plain(draw()[0])
    assert plain(draw()[0]) != plain(draw(1)[0])


def test_moving_somebody_is_a_rotation_about_the_vertical_and_a_walk_over_the_floor() -> None:
    settings, rng = config(), np.random.default_rng(0)
    for person in range(3):
        role = draw_role(settings, 5, ClipDraw(person, 4, 2), MOTIONS[person], person, ())
        yaw, x, z = rng.uniform(-3, 3, 3)
        before, after = (skin(r.at(1, "worn")) for r in (role, moved(role, yaw, x, z)))
        np.testing.assert_allclose(after, before @ about(1, yaw).T + (x, 0, z), atol=2e-5)


def test_everybody_keeps_the_height_the_motion_has_them_at() -> None:
    for index in range(4):
        for person in draw(index)[0].people:
            assert -0.06 < skin(person)[:, 1].min() < 0.4  # on the floor, or in a step or hop


def test_frames_of_a_clip_follow_one_another_before_one_camera() -> None:
    scenes = draw(frames=3)
    assert len({plain(dataclasses.replace(scene, people=())) for scene in scenes}) == 1
    for now, after in pairwise(scenes):
        for a, b in zip(now.people, after.people, strict=True):
            np.testing.assert_array_equal(a.pose_next, b.pose)
            np.testing.assert_array_equal(a.translation_next, b.translation)


def test_a_picture_shows_its_people_and_is_a_photograph() -> None:
    scenes = draw(2)
    (shot,) = shoot(scenes, renderer("raster"))
    seen = set(np.unique(shot.frame.instances).tolist()) - {0}
    assert seen <= set(range(1, len(scenes[0].people) + 1)) and len(seen) >= 2
    assert shot.photograph is not None and shot.photograph[:2] == b"\xff\xd8"
    again = next(shoot(draw(2), renderer("raster")))
    assert again.photograph == shot.photograph
    np.testing.assert_array_equal(again.frame.flow, shot.frame.flow)


def test_an_open_shutter_changes_the_picture_and_no_label() -> None:
    sharp, blurred = (
        next(shoot(draw(3, settings=config(exposure={"shutter": (share, share), "noise": (0.0, 0.0)})), renderer("raster")))
        for share in (0.0, 1.0)
    )  # fmt: skip
    assert sharp.photograph != blurred.photograph
    for name in ("depth", "parts", "instances", "normals", "flow"):
        np.testing.assert_array_equal(getattr(sharp.frame, name), getattr(blurred.frame, name))


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"people": {"count": [2, 3]}}, "people.count: expected 1 without a floor"),
        ({"props": {"in_front": [1, 1]}}, "props: expected none without a floor"),
        ({"people": {"count": [0, 1]}}, "people.count: expected numbers from 1 to 8"),
        (
            {"place": {"kind": "room"}, "people": {"count": [1, 9]}},
            "people.count: expected numbers from 1 to 8",
        ),
    ],
)
def test_what_needs_a_floor_says_so(sections: dict[str, dict[str, object]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_config("surreal", None, sections)
