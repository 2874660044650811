"""A sample under verification, with everything that can be derived from its own description of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import body_input
from posecorpus.core.parts import SMPL_24_PARTS, PartTaxonomy, merge_table, taxonomy
from posecorpus.core.sample import Person, Sample
from posecorpus.core.skeletons import FULL_42, correspondence, skeleton
from posecorpus.inspect.verify.cast import Hits, Target, cast
from posecorpus.synth.actors import Actor, act, set_up
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.labels import JOINT_PARTS
from posecorpus.synth.raster.visibility import NEAR_M
from posecorpus.synth.record import PROPS, looks_of, props_of, scene_person
from posecorpus.synth.surface import Surface

MAX_PARAMETER = 1e4
"""Radians, units of shape or metres. A body of such size would fill every pixel with every face."""

Window = tuple[int, int, int, int]


def is_predicted(person: Person) -> bool:
    """Whether a network found this person: such people have a score, and no body that was rendered."""
    return person.score is not None and person.body is None


@dataclass(frozen=True)
class PosedPerson:
    """A person's body as its pose, shape and place say.

    Attributes:
        actor: the body and what is seen of it, dressed as the sample's provenance says.
        lengths: (42,) rest distance of the joints of ``full_42`` from their parents, NaN for the root.
    """

    actor: Actor
    lengths: NDArray[np.float64]

    @property
    def joints(self) -> NDArray[np.float32]:
        """(42, 3) float32 world, joints of ``full_42``."""
        return np.asarray(self.actor.posed.landmarks[0])


@dataclass(frozen=True)
class Shell:
    """A surface that can be seen in a picture.

    Attributes:
        instance: 1-based person, 0 for a thing.
        surface: its faces and their parts.
        vertices: (V, 3) float32 world, metres.
    """

    instance: int
    surface: Surface
    vertices: NDArray[np.float32]


@dataclass
class Subject:
    """One sample, the one that follows it in its clip, and what their people's bodies look like.

    Attributes:
        sample: with all rasters that are stored.
        following: the clip's next sample, without rasters; None for a still or a clip's last frame.
        taxonomy: what the part ids mean; None if the corpus does not say.
        inputs: digests of what the corpus was made from, by name; bodies not among them are taken as they are here.
        configuration: the manifest's: how parts and skeleton maps that are drawn from joints were drawn.
        sticks: legend and palette of the skeleton maps' ids, as the manifest has them; None if it has none.
        unposed: why a person's body could not be posed, filled in as bodies are asked for.
    """

    sample: Sample
    following: Sample | None = None
    taxonomy: PartTaxonomy | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    configuration: Mapping[str, Any] = field(default_factory=dict)
    sticks: Mapping[str, Any] | None = None
    unposed: list[str] = field(default_factory=list)

    @property
    def parts_drawn(self) -> bool:
        """Whether part masks are ellipses drawn from joints, which no ray at a body would meet."""
        return self.configuration.get("parts") == "ellipses" or "ellipses" in self.configuration

    @property
    def rendered_parts(self) -> NDArray[np.uint8] | None:
        """(H, W) parts that must show what rays meet; None where there are none or they are drawn."""
        return None if self.parts_drawn else self.sample.parts

    @cached_property
    def posed(self) -> list[PosedPerson | None]:
        """The people's bodies now; None for those without a body or whose model is not here."""
        return self._pose_all(self.sample.people)

    @cached_property
    def posed_next(self) -> list[PosedPerson | None]:
        """The people's bodies one frame later, as far as the clip's next sample or the provenance tells."""
        try:
            return self._pose_all(self._next_people())
        except (KeyError, TypeError, ValueError) as error:
            self.unposed.append(f"provenance.next does not hold poses: {error!r}")
            return []

    @cached_property
    def surfaces_known(self) -> bool:
        """Whether every person's body is known, so that every pixel can be derived."""
        people = self.sample.people
        return bool(people) and self.sample.camera is not None and None not in self.posed

    @cached_property
    def hits(self) -> Hits:
        """What the pixels' centres show; only where :attr:`surfaces_known`."""
        return self.cast()

    @cached_property
    def occluded(self) -> NDArray[np.bool_]:
        """(H, W) where a surface that is nobody's hides the bodies: depth before them, no instance, no part.

        Where the provenance tells what things there are, rays meet them, and nothing else may hide a body.
        """
        sample = self.sample
        if sample.depth_mm is None or sample.instances is None or PROPS in sample.provenance:
            return np.zeros((sample.height, sample.width), bool)
        nobody = (sample.depth_mm > 0) & (sample.instances == 0)
        if self.rendered_parts is not None:
            nobody &= self.rendered_parts == 0
        return np.asarray(nobody & (sample.depth_mm / 1e3 < self.hits.z))

    def cast(
        self,
        window: Window | None = None,
        offset: tuple[float, float] = (0.0, 0.0),
        beyond: NDArray[np.float64] | None = None,
    ) -> Hits:
        """Cast rays at all that can be seen; see :func:`posecorpus.inspect.verify.cast.cast`.

        Meshes of the hits are :attr:`shells`.
        """
        assert self.sample.camera is not None
        return cast(self.targets, self.sample.camera, NEAR_M, window, offset, beyond)

    @cached_property
    def shells(self) -> list[Shell]:
        """All that can be seen: bodies, clothes, things."""
        return _shells(self.posed) + self._things(self.posed)

    @cached_property
    def shells_next(self) -> list[Shell]:
        """The same one frame later, as far as that is known."""
        return _shells(self.posed_next) + self._things(self.posed_next)

    @cached_property
    def targets(self) -> list[Target]:
        """:attr:`shells` as rays meet them, in the camera's frame."""
        camera = self.sample.camera
        assert camera is not None
        return [
            Target(camera.to_camera(s.vertices), s.surface.faces, s.surface.double_sided) for s in self.shells
        ]

    def _things(self, people: Sequence[PosedPerson | None]) -> list[Shell]:
        """What the provenance says stands about, and what these people hold."""
        try:
            bodies = [person.actor.posed for person in people if person is not None]
            things = set_up(props_of(self.sample), bodies, 1)
        except InputError as error:
            if str(error) not in self.unposed:
                self.unposed.append(str(error))
            return []
        return [Shell(0, thing.surface, thing.vertices[0]) for thing in things]

    def _pose_all(self, people: Sequence[Person]) -> list[PosedPerson | None]:
        looks = looks_of(self.sample)
        looks += [None] * (len(people) - len(looks))
        return [self._pose(person, look) for person, look in zip(people, looks, strict=False)]

    def _pose(self, person: Person, look: Mapping[str, Any] | None) -> PosedPerson | None:
        if person.body is None or person.pose is None or person.betas is None or person.translation is None:
            return None
        if absurd_parameter(person) is not None:
            return None
        try:
            return pose_person(person, look, self.inputs)
        except InputError as error:
            if str(error) not in self.unposed:
                self.unposed.append(str(error))
            return None

    def _next_people(self) -> list[Person]:
        """The people one frame later, in order; none if that is not known."""
        if self.following is not None:
            return self.following.people
        return [
            replace(
                person,
                pose=np.array(after["pose"], np.float32),
                translation=np.array(after["translation"], np.float32),
            )
            for person, after in zip(self.sample.people, self.sample.provenance.get("next", []), strict=False)
        ]


def absurd_parameter(person: Person) -> str | None:
    """The first of pose, betas and translation that is not finite or beyond all bounds; None if all are sound."""
    for name in ("pose", "betas", "translation"):
        value = getattr(person, name)
        if value is not None and not (np.abs(value) < MAX_PARAMETER).all():
            return name
    return None


def pose_person(person: Person, look: Mapping[str, Any] | None, inputs: Mapping[str, str]) -> PosedPerson:
    """Pose and dress one person.

    Args:
        look: what the provenance says of the person's look.

    Raises:
        InputError: the body model is not here, is another one than ``inputs`` tell, or does not fit the person.
    """
    assert person.body is not None and person.pose is not None
    assert person.betas is not None and person.translation is not None
    body = load_body(person.body, person.gender or "neutral")
    made_with = inputs.get(body_input(body.name, body.gender), body.digest)
    if body.digest != made_with:
        raise InputError(
            f"body {body.name} {body.gender}",
            f"the one that the corpus was made with ({made_with[:12]}...)",
            f"another ({body.digest[:12]}...)",
        )
    actor = act(scene_person(person, look), person.pose[None], person.translation[None])
    rest = body.landmarks_template + body.landmarks_shapedirs[:, :, : len(person.betas)] @ person.betas
    return PosedPerson(actor, bone_lengths(rest))


def _shells(people: Sequence[PosedPerson | None]) -> list[Shell]:
    return [
        Shell(i + 1, surface, vertices[0])
        for i, person in enumerate(people)
        if person is not None
        for surface, vertices in zip(person.actor.surfaces, person.actor.vertices, strict=True)
    ]


def bone_lengths(joints: NDArray[np.floating]) -> NDArray[np.float64]:
    """Distance (..., 42) of each joint of ``full_42`` (..., 42, 3) from its parent, NaN for the root."""
    parents = np.array(FULL_42.parents)
    lengths = np.linalg.norm(joints - joints[..., parents, :], axis=-1)
    return np.where(parents < 0, np.nan, lengths)


@lru_cache(maxsize=64)
def joint_parts(skeleton_name: str, taxonomy_name: str) -> NDArray[np.bool_] | None:
    """(J, 256) whether an id of a taxonomy is a part that a joint belongs to; None if that is not known.

    A joint that is no joint of ``full_42`` belongs to every part.
    """
    try:
        merge = merge_table(SMPL_24_PARTS, taxonomy(taxonomy_name))
    except InputError:
        return None
    picked = correspondence(FULL_42, skeleton(skeleton_name))
    table = np.zeros((len(picked), 256), bool)
    for j, source in enumerate(picked):
        if source < 0:
            table[j] = True
        else:
            table[j, merge[np.flatnonzero(JOINT_PARTS[source])]] = True
    return table
