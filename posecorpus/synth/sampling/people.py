"""Who is in a clip: bodies, shapes, looks and stretches of motion, before anybody is put anywhere.

Each kind of draw has its own generator, so that changing one range leaves the other draws as they were,
and each person theirs, so that one more person changes nobody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.seeds import generator
from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.bodies.model import BodyModel, load_body
from posecorpus.synth.config import SynthConfig
from posecorpus.synth.detail import level_of_detail, pixels_per_metre
from posecorpus.synth.motion import BodyMotion
from posecorpus.synth.retarget import place
from posecorpus.synth.rotations import about, turned_about_y
from posecorpus.synth.scene import ScenePerson

TEXTURE_SEEDS = 1 << 62


@dataclass(frozen=True)
class ClipDraw:
    """Which stretch of which motion a person of a clip shows.

    Attributes:
        index: the clip's number within the corpus; seeds all its draws.
        start: first frame within the motion.
        frames: frames to render; the motion holds at least one more.
    """

    index: int
    start: int
    frames: int


@dataclass(frozen=True, eq=False)
class Role:
    """One person of a clip, posed for its frames and the one after, about the first frame's own place.

    Attributes:
        body: name of a body or path of a model file.
        gender, betas: of the body.
        poses: (T + 1, 24, 3) axis-angles.
        translations: (T + 1, 3) metres; the first pelvis is above the origin, the floor is at y = 0.
        texture_seed, texture, level: see :class:`~posecorpus.synth.scene.ScenePerson`.
        motion: name of the motion.
        start: its first frame that is shown.
    """

    body: str
    gender: str
    betas: NDArray[np.float32]
    poses: NDArray[np.float32]
    translations: NDArray[np.float32]
    texture_seed: int
    texture: str | None
    motion: str
    start: int
    level: int = 0

    def at(self, t: int, clothing: str) -> ScenePerson:
        """The person of the scene of frame ``t``."""
        return ScenePerson(
            body=self.body,
            gender=self.gender,
            betas=self.betas,
            pose=self.poses[t],
            translation=self.translations[t],
            pose_next=self.poses[t + 1],
            translation_next=self.translations[t + 1],
            texture_seed=self.texture_seed,
            motion=self.motion,
            motion_frame=self.start + t,
            clothing="painted" if self.texture else clothing,
            texture=self.texture,
            level=self.level,
        )


def as_seen(role: Role, camera: Camera, detail: str) -> Role:
    """The role at the level of detail that the configuration wants for its distance."""
    if detail == "full":
        return role
    body = load_body(role.body, role.gender)
    size = pixels_per_metre(camera, body, role.betas, role.translations)
    return replace(role, level=level_of_detail(size))


def crowd_size(config: SynthConfig, seed: int, index: int) -> int:
    """How many people the ``index``-th clip is drawn with."""
    low, high = config.people.count
    return low if low == high else int(generator(seed, "count", index).integers(low, high + 1))


def stage_of(stage: str, person: int) -> str:
    """Name of a stage of draws of one person; the first one's is the stage's own."""
    return stage if person == 0 else f"{stage} {person}"


def draw_role(
    config: SynthConfig, seed: int, clip: ClipDraw, motion: BodyMotion, person: int, textures: Sequence[str]
) -> Role:
    """Draw the ``person``-th person of a clip.

    Args:
        motion: at the configuration's frame rate.
        textures: pictures to choose from in place of drawn looks; none if empty.
    """
    rng = generator(seed, stage_of("people", person), clip.index)
    gender = str(rng.choice(config.people.genders))
    body = load_body(config.people.body, gender)
    betas = rng.normal(0.0, config.people.betas_std, body.shapedirs.shape[-1])
    betas = np.clip(betas, -config.people.betas_limit, config.people.betas_limit).astype(np.float32)

    segment = _segment(motion, clip)
    if rng.random() < config.motion.mirror_probability:
        segment = mirrored(segment)
    segment = turned(segment, np.radians(rng.uniform(*config.people.yaw_deg)))
    texture_seed = int(rng.integers(TEXTURE_SEEDS))
    return Role(
        body=config.people.body,
        gender=gender,
        betas=betas,
        poses=segment.poses,
        translations=place(segment, body, betas),
        texture_seed=texture_seed,
        texture=str(textures[int(rng.integers(len(textures)))]) if len(textures) else None,
        motion=motion.name,
        start=clip.start,
    )


def moved(role: Role, yaw: float, x: float, z: float) -> Role:
    """The person turned about the vertical through the origin, then moved over the floor."""
    pelvis = pelvis_of(load_body(role.body, role.gender), role.betas)
    poses = role.poses.copy()
    poses[:, 0] = turned_about_y(role.poses[:, 0], yaw)
    # A body turns about its pelvis, which SMPL puts ``pelvis`` away from its translation.
    translations = (role.translations + pelvis) @ about(1, yaw).T - pelvis + np.array([x, 0.0, z])
    return replace(role, poses=poses, translations=translations.astype(np.float32))


def mirrored(motion: BodyMotion) -> BodyMotion:
    """The motion as a mirror shows it: X negated in the world, left and right joints exchanged."""
    poses = motion.poses[:, SMPL_24.mirror] * np.array([1, -1, -1], np.float32)
    translations = motion.translations * np.array([-1, 1, 1], np.float32)
    return BodyMotion(motion.name, motion.source, motion.subject, motion.fps, poses, translations)


def pelvis_of(body: BodyModel, betas: NDArray[np.floating]) -> NDArray[np.float64]:
    """(3,) rest position of the pelvis joint, which SMPL's translation is added to."""
    return np.asarray(body.joints_template[0] + body.joints_shapedirs[0] @ betas, dtype=np.float64)


def pelvises_of(role: Role) -> NDArray[np.float32]:
    """(T, 3) the pelvis at the clip's frames, as a posed body has it."""
    pelvis = pelvis_of(load_body(role.body, role.gender), role.betas)
    return np.asarray(pelvis + role.translations[:-1], np.float32)


def turned(motion: BodyMotion, yaw: float) -> BodyMotion:
    """Turn about the vertical through the first pelvis, which is moved above the world's origin."""
    poses = motion.poses.copy()
    poses[:, 0] = turned_about_y(motion.poses[:, 0], yaw)
    origin = motion.translations[0] * np.array([1, 0, 1], np.float32)
    translations = ((motion.translations - origin) @ about(1, yaw).T).astype(np.float32)
    return BodyMotion(motion.name, motion.source, motion.subject, motion.fps, poses, translations)


def _segment(motion: BodyMotion, clip: ClipDraw) -> BodyMotion:
    frames = slice(clip.start, clip.start + clip.frames + 1)
    poses, translations = motion.poses[frames], motion.translations[frames]
    if len(poses) != clip.frames + 1:
        raise ValueError(f"{motion.name}: {len(motion.poses)} frames do not hold {clip}")
    return BodyMotion(motion.name, motion.source, motion.subject, motion.fps, poses, translations)
