"""SURREAL's way: the camera is put around one person, before whatever background."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.seeds import generator
from posecorpus.synth.appearance.lighting import sample_light
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.config import Normal, SynthConfig
from posecorpus.synth.sampling.exposed import expose
from posecorpus.synth.sampling.people import TEXTURE_SEEDS, Role, as_seen, pelvis_of
from posecorpus.synth.scene import Background, Scene


def scenes_around(
    config: SynthConfig, seed: int, index: int, role: Role, photos: Sequence[str]
) -> list[Scene]:
    """The scenes of the ``index``-th clip, one per frame.

    Args:
        photos: backgrounds to choose from; rooms if empty.
    """
    body = load_body(role.body, role.gender)
    camera = draw_camera(
        config, generator(seed, "camera", index), pelvis_of(body, role.betas) + role.translations[0]
    )
    light = sample_light(generator(seed, "light", index), config.light)
    background = _background(generator(seed, "background", index), photos)
    depth = camera.to_camera(pelvis_of(body, role.betas) + role.translations[0])[2]
    exposure = expose(config, seed, index, camera, float(depth))
    role = as_seen(role, camera, config.people.detail)
    people = [role.at(t, config.people.clothing) for t in range(len(role.poses) - 1)]
    return [Scene(camera, (person,), light, background, exposure=exposure) for person in people]


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


def _normal(rng: np.random.Generator, settings: Normal) -> float:
    return max(float(rng.normal(settings.mean, settings.std)), settings.min)


def _background(rng: np.random.Generator, photos: Sequence[str]) -> Background:
    photo = str(photos[int(rng.integers(len(photos)))]) if len(photos) else None
    return Background(seed=int(rng.integers(TEXTURE_SEEDS)), photo=photo)
