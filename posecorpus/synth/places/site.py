"""Where a clip takes place: a camera over a floor, drawn before there are any people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.config import ImageConfig, PlaceConfig
from posecorpus.synth.ground import Ground
from posecorpus.synth.places.plates import Plate
from posecorpus.synth.scene import Background

SEEDS = 1 << 62

CHEST_M = 1.2
"""Ground is near enough to the camera to be used up to where this height is still in the picture."""


@dataclass(frozen=True, eq=False)
class Site:
    """A place with a floor at y = 0.

    Attributes:
        camera: in the world.
        ground: the floor that people may stand on; the picture's side borders bound it, its lower border
            does not: feet may be below it.
        background: what is painted behind them.
        match_light: whether people are lit as the place is.
        shadow: share of the floor's light that the lamp gives.
    """

    camera: Camera
    ground: Ground
    background: Background
    match_light: bool
    shadow: float


def draw_site(
    config: PlaceConfig, image: ImageConfig, rng: np.random.Generator, plates: Sequence[Plate]
) -> Site:
    """Draw a place.

    Args:
        config: ranges; its kind is not ``any``.
        image: size of the pictures. Their angle of view is the place's, whatever ``focal_px`` says.
        rng: the source of all draws.
        plates: to choose from: photos or calibrated cameras; not used for rooms.
    """
    width, height = image.size
    shadow = float(rng.uniform(*config.shadow))
    focal = width / 2 / math.tan(math.radians(rng.uniform(*config.hfov_deg)) / 2)
    camera = camera_over_floor(
        float(rng.uniform(*config.camera_height_m)),
        math.radians(rng.uniform(*config.pitch_deg)),
        math.radians(rng.uniform(*config.roll_deg)),
        np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]]),
        width,
        height,
    )
    background = Background(seed=int(rng.integers(SEEDS)))
    return Site(camera, ground_ahead(camera, *config.reach_m), background, config.match_light, shadow)


def camera_over_floor(
    height_m: float, pitch: float, roll: float, K: NDArray[np.float64], width: int, height: int
) -> Camera:
    """A camera above the world's origin that looks along -Z.

    Args:
        height_m: above the floor.
        pitch: radians, positive looks down.
        roll: radians; positive turns the picture clockwise, so that the horizon falls to the right.
        K: (3, 3) intrinsics for a picture of width x height pixels.
    """
    down, ahead = math.sin(pitch), math.cos(pitch)
    level = np.array([[1.0, 0.0, 0.0], [0.0, -ahead, down], [0.0, -down, -ahead]])
    c, s = math.cos(roll), math.sin(roll)
    R = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ level
    return Camera(K, R, -R @ np.array([0.0, height_m, 0.0]), width, height)


def ground_ahead(camera: Camera, near_m: float, far_m: float) -> Ground:
    """The floor between two distances from a camera, between the picture's side borders.

    Its near end is where a person's chest would leave the picture, if that is farther than ``near_m``.
    """
    eye = camera.centre * (1, 0, 1)
    ahead = camera.R[2] * (1, 0, 1)
    ahead /= np.linalg.norm(ahead)
    right = np.array([-ahead[2], 0.0, ahead[0]])
    distances = np.linspace(near_m, far_m, 100)
    chests = eye + distances[:, None] * ahead + (0, CHEST_M, 0)
    row = camera.project(chests)[0][:, 1]
    seen = np.flatnonzero((row > 0) & (row < camera.height))
    near = float(distances[seen[0]]) if len(seen) else near_m
    # Vertical planes through the eye and the ends of the picture's middle row.
    edges = np.array([[0, camera.height / 2, 1], [camera.width, camera.height / 2, 1]])
    slopes = [float(ray @ right / (ray @ ahead)) for ray in edges @ np.linalg.inv(camera.K).T @ camera.R]
    corners = [eye + d * (ahead + slope * right) for d, slope in
               ((near, slopes[0]), (near, slopes[1]), (far_m, slopes[1]), (far_m, slopes[0]))]  # fmt: skip
    return Ground(np.array(corners)[:, [0, 2]])
