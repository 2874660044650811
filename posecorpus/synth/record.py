"""What a sample keeps of its scene beside its labels: enough to build every surface in the picture again.

A sample's people hold bodies, shapes and poses; the provenance adds where they are one frame later, what they
wear, and the things that stand about. So verification can cast rays at the very same surfaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from posecorpus.core.errors import InputError
from posecorpus.core.sample import Person, Sample
from posecorpus.synth.scene import Prop, Scene, ScenePerson

NEXT, LOOKS, PROPS = "next", "looks", "props"
_PROPS = TypeAdapter(tuple[Prop, ...])
_PLAIN: dict[str, Any] = {"clothing": "painted", "texture_seed": 0, "texture": None, "level": 0}


def describe_scene(scene: Scene) -> dict[str, Any]:
    """The part of a scene that goes into a sample's provenance; clothes and things only if there are any."""
    described: dict[str, Any] = {NEXT: [_next_place(who) for who in scene.people]}
    if any(who.clothing != "painted" or who.level > 0 for who in scene.people):
        described[LOOKS] = [{name: getattr(who, name) for name in _PLAIN} for who in scene.people]
    if scene.props:
        described[PROPS] = [asdict(prop) for prop in scene.props]
    return described


def scene_person(person: Person, look: Mapping[str, Any] | None) -> ScenePerson:
    """A sample's person as the scene had it; ``look`` is its entry of the provenance's ``looks``.

    The next pose is taken to be the present one: a sample's person does not know it.

    Raises:
        InputError: a look that is none.
    """
    assert person.body is not None and person.pose is not None
    assert person.betas is not None and person.translation is not None
    worn = _PLAIN | dict(look or {})
    seed, level = worn["texture_seed"], worn["level"]
    known = worn["clothing"] in ("painted", "worn")
    if not known or not isinstance(seed, int) or not isinstance(level, int):
        raise InputError("provenance.looks", "clothing painted or worn, a texture_seed and a level", worn)
    return ScenePerson(
        body=person.body,
        gender=person.gender or "neutral",
        betas=person.betas,
        pose=person.pose,
        translation=person.translation,
        pose_next=person.pose,
        translation_next=person.translation,
        texture_seed=seed,
        motion=person.motion or "",
        motion_frame=person.motion_frame or 0,
        clothing=worn["clothing"],
        level=level,
    )


def looks_of(sample: Sample) -> list[Mapping[str, Any] | None]:
    """Per person, what the provenance says of its look; None where it says nothing."""
    looks = sample.provenance.get(LOOKS)
    if not isinstance(looks, list):
        return [None] * len(sample.people)
    looks = looks + [None] * len(sample.people)
    return [look if isinstance(look, dict) else None for look in looks[: len(sample.people)]]


def props_of(sample: Sample) -> tuple[Prop, ...]:
    """The things of a sample's scene.

    Raises:
        InputError: the provenance holds something else there.
    """
    try:
        return _PROPS.validate_python(sample.provenance.get(PROPS, []))
    except ValidationError as error:
        raise InputError(
            f"{sample.key}: provenance.props", "a list of things", error.errors()[0]["msg"]
        ) from None


def _next_place(who: ScenePerson) -> dict[str, Any]:
    """Where a person is one frame later: what makes the flow of a still verifiable.

    Rounded to a millionth of a radian and a metre, some thousandth of a pixel of flow.
    """
    return {
        "pose": np.round(who.pose_next.astype(np.float64), 6).tolist(),
        "translation": np.round(who.translation_next.astype(np.float64), 6).tolist(),
    }
