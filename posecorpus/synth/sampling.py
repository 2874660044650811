"""Drawing scenes: from a configuration and a stretch of motion to plain-data scenes.

Everything is drawn once for a clip and holds for its frames; a still is a clip of one frame. Each kind
of draw has its own generator, so that changing one range leaves the other draws as they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.seeds import generator
from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.appearance.lighting import sample_light
from posecorpus.synth.bodies.model import BodyModel, load_body
from posecorpus.synth.config import Normal, SynthConfig
from posecorpus.synth.motion import BodyMotion
from posecorpus.synth.retarget import place
from posecorpus.synth.rotations import about, turned_about_y
from posecorpus.synth.scene import Background, Scene, ScenePerson

TEXTURE_SEEDS = 1 << 62


@dataclass(frozen=True)
class ClipDraw:
    """Which stretch of which motion becomes which clip.

    Attributes:
        index: the clip's number within the corpus; seeds all its draws.
        start: first frame within the motion.
        frames: frames to render; the motion holds at least one more.
    """

    index: int
    start: int
    frames: int


def draw_scenes(
    config: SynthConfig, seed: int, clip: ClipDraw, motion: BodyMotion, photos: Sequence[str] = ()
) -> list[Scene]:
    """The scenes of one clip, one per frame.

    Args:
        motion: at the configuration's frame rate.
        photos: backgrounds to choose from; rooms if empty.
    """
    people = generator(seed, "people", clip.index)
    gender = str(people.choice(config.people.genders))
    body = load_body(config.people.body, gender)
    betas = people.normal(0.0, config.people.betas_std, body.shapedirs.shape[-1])
    betas = np.clip(betas, -config.people.betas_limit, config.people.betas_limit).astype(np.float32)

    segment = _segment(motion, clip)
    if people.random() < config.motion.mirror_probability:
        segment = mirrored(segment)
    segment = _turned(segment, np.radians(people.uniform(*config.people.yaw_deg)))
    poses, translations = segment.poses, place(segment, body, betas)

    texture_seed = int(people.integers(TEXTURE_SEEDS))
    camera = draw_camera(
        config, generator(seed, "camera", clip.index), pelvis_of(body, betas) + translations[0]
    )
    light = sample_light(generator(seed, "light", clip.index), config.light)
    background = _background(generator(seed, "background", clip.index), photos)
    return [
        Scene(
            camera=camera,
            people=(
                ScenePerson(
                    body=config.people.body,
                    gender=gender,
                    betas=betas,
                    pose=poses[t],
                    translation=translations[t],
                    pose_next=poses[t + 1],
                    translation_next=translations[t + 1],
                    texture_seed=texture_seed,
                    motion=motion.name,
                    motion_frame=clip.start + t,
                ),
            ),
            light=light,
            background=background,
        )
        for t in range(clip.frames)
    ]


def draw_camera(config: SynthConfig, rng: np.random.Generator, pelvis: NDArray[np.floating]) -> Camera:
    """A camera in front of (at +Z of) a pelvis, looking at it along -Z, as the ranges allow."""
    settings, (width, height) = config.camera, config.image.size
    distance = _normal(rng, settings.distance_m)
    offset = np.array([rng.uniform(*settings.aim_offset_m), rng.uniform(*settings.height_offset_m), 0.0])
    pitch, roll = np.radians([rng.uniform(*settings.pitch_deg), rng.uniform(*settings.roll_deg)])
    down, ahead = np.sin(pitch), np.cos(pitch)
    level = np.array([[1.0, 0.0, 0.0], [0.0, -ahead, down], [0.0, -down, -ahead]])
    turn = np.array([[np.cos(roll), -np.sin(roll), 0.0], [np.sin(roll), np.cos(roll), 0.0], [0.0, 0.0, 1.0]])
    R = turn @ level
    eye = pelvis + offset + distance * np.array([0.0, down, ahead])
    focal = config.image.focal_px
    K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    return Camera(K, R, -R @ eye, width, height)


def mirrored(motion: BodyMotion) -> BodyMotion:
    """The motion as a mirror shows it: X negated in the world, left and right joints exchanged."""
    poses = motion.poses[:, SMPL_24.mirror] * np.array([1, -1, -1], np.float32)
    translations = motion.translations * np.array([-1, 1, 1], np.float32)
    return BodyMotion(motion.name, motion.source, motion.subject, motion.fps, poses, translations)


def pelvis_of(body: BodyModel, betas: NDArray[np.floating]) -> NDArray[np.float64]:
    """(3,) rest position of the pelvis joint, which SMPL's translation is added to."""
    return np.asarray(body.joints_template[0] + body.joints_shapedirs[0] @ betas, dtype=np.float64)


def _segment(motion: BodyMotion, clip: ClipDraw) -> BodyMotion:
    frames = slice(clip.start, clip.start + clip.frames + 1)
    poses, translations = motion.poses[frames], motion.translations[frames]
    if len(poses) != clip.frames + 1:
        raise ValueError(f"{motion.name}: {len(motion.poses)} frames do not hold {clip}")
    return BodyMotion(motion.name, motion.source, motion.subject, motion.fps, poses, translations)


def _turned(motion: BodyMotion, yaw: float) -> BodyMotion:
    """Turn about the vertical through the first pelvis, which is moved above the world's origin."""
    poses = motion.poses.copy()
    poses[:, 0] = turned_about_y(motion.poses[:, 0], yaw)
    origin = motion.translations[0] * np.array([1, 0, 1], np.float32)
    translations = ((motion.translations - origin) @ about(1, yaw).T).astype(np.float32)
    return BodyMotion(motion.name, motion.source, motion.subject, motion.fps, poses, translations)


def _normal(rng: np.random.Generator, settings: Normal) -> float:
    return max(float(rng.normal(settings.mean, settings.std)), settings.min)


def _background(rng: np.random.Generator, photos: Sequence[str]) -> Background:
    photo = str(photos[int(rng.integers(len(photos)))]) if len(photos) else None
    return Background(seed=int(rng.integers(TEXTURE_SEEDS)), photo=photo)
