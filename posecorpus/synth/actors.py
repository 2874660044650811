"""People and things of a scene as surfaces: bodies posed and dressed, props held and set up.

Shared by the studio, which draws them, and by verification, which casts rays at them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.appearance.landmarks import landmarks
from posecorpus.synth.appearance.look import Look, sample_look
from posecorpus.synth.bodies.model import BodyModel, load_body
from posecorpus.synth.bodies.skinning import Posed, pose_body
from posecorpus.synth.clothing import dress
from posecorpus.synth.props import place_prop, prop_surface
from posecorpus.synth.scene import Prop, ScenePerson, Texture
from posecorpus.synth.surface import Surface

BLANK = Texture((np.full((1, 1, 3), 128, np.uint8),))
"""For those who only want to know where surfaces are."""


@dataclass(frozen=True, eq=False)
class Actor:
    """One person in N poses.

    Attributes:
        body: the model.
        posed: the body.
        surfaces: what is seen of the person: the body, or what clothes leave of it and the clothes.
        vertices: of each surface, (N, Vi, 3) float32 world, metres.
    """

    body: BodyModel
    posed: Posed
    surfaces: tuple[Surface, ...]
    vertices: tuple[NDArray[np.float32], ...]


@dataclass(frozen=True, eq=False)
class Thing:
    """A prop at N instants.

    Attributes:
        surface: what is seen of it.
        vertices: (N, V, 3) float32 world, metres; all the same memory if nobody holds it.
    """

    surface: Surface
    vertices: NDArray[np.float32]


def act(
    person: ScenePerson,
    poses: NDArray[np.float32],
    translations: NDArray[np.float32],
    texture: Texture = BLANK,
) -> Actor:
    """Pose and dress a person.

    Args:
        person: who it is; its own pose is not looked at.
        poses, translations: (N, 24, 3) and (N, 3).
        texture: of the look, or the person's own.
    """
    body = load_body(person.body, person.gender, person.level)
    posed = pose_body(
        body, np.broadcast_to(person.betas, (len(poses), len(person.betas))), poses, translations
    )
    if person.clothing == "painted":
        return Actor(body, posed, (bare(body, texture),), (posed.vertices,))
    look = look_of(person.body, person.gender, person.texture_seed)
    dressed = dress(body, person.betas, look, texture)
    return Actor(body, posed, dressed.surfaces, dressed.pose(posed))


def act_scenes(scenes: Sequence[ScenePerson], texture: Texture = BLANK) -> Actor:
    """The same person in the scenes of a clip and one frame later.

    Raises:
        ValueError: a frame's next pose is not that of the frame after it.
    """
    for now, after in pairwise(scenes):
        if not np.array_equal(now.pose_next, after.pose):
            raise ValueError("the scenes of a clip must follow one another")
    poses = np.stack([person.pose for person in scenes] + [scenes[-1].pose_next])
    translations = np.stack([person.translation for person in scenes] + [scenes[-1].translation_next])
    return act(scenes[0], poses, translations, texture)


def set_up(props: Sequence[Prop], actors: Sequence[Posed], count: int) -> list[Thing]:
    """Props at N instants, where those who hold them are.

    Args:
        actors: the people's bodies at these instants.
        count: N.

    Raises:
        InputError: an unknown kind, an unreadable mesh file, or nobody who could hold it.
    """
    things = []
    for prop in props:
        surface, vertices = prop_surface(prop)
        if prop.held_by is None:
            placed = place_prop(prop, vertices)
            things.append(Thing(surface, np.broadcast_to(placed, (count, *placed.shape))))
            continue
        person, joint = prop.held_by
        if not 0 <= person < len(actors) or joint not in SMPL_24.joints:
            raise InputError(
                f"prop {prop.kind}", "a person and a joint of smpl_24 that holds it", prop.held_by
            )
        moves = actors[person].transforms[:, SMPL_24.index(joint)]
        things.append(Thing(surface, np.stack([place_prop(prop, vertices, move) for move in moves])))
    return things


def bare(body: BodyModel, texture: Texture) -> Surface:
    """The whole body as a surface."""
    return Surface(body.faces, body.face_parts, body.uv, body.uv_faces, texture)


@lru_cache(maxsize=64)
def look_of(body: str, gender: str, seed: int) -> Look:
    """What a person looks like: the look that its texture shows and its clothes are cut by."""
    model = load_body(body, gender)
    return sample_look(np.random.default_rng(seed), landmarks(model), model.gender)
