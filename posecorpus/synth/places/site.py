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
from posecorpus.synth.places.plates import CalibratedPlate, PhotoPlate, Plate
from posecorpus.synth.scene import Background

SEEDS = 1 << 62

SMALLEST_ZOOM = 0.75
"""A window of a photo is at least this share of the widest that fits."""

LEAST_GROUND = 0.3
"""Share of a window's height that is ground, if the photo shows as much."""

HEADROOM = 0.15
"""Share of a window's height that is above the horizon, if the photo has that much."""

LEAST_DEPTH_M = 1.5
"""Of the ground: people stand beyond what a photo shows of it rather than all in one row."""

NARROWEST_M = 0.5
"""Depth of the ground where little of it is seen near enough and far enough."""

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
        plates: to choose from: photos or calibrated cameras; not used for rooms. Without any, places are rooms.
    """
    shadow = float(rng.uniform(*config.shadow))
    if config.kind == "room" or not plates:
        camera, ground, background = _room(config, image, rng)
    else:
        plate = plates[int(rng.integers(len(plates)))]
        if isinstance(plate, PhotoPlate):
            camera, ground, background = _photo(config, image, rng, plate)
        else:
            camera, ground, background = _calibrated(image, rng, plate)
    return Site(camera, ground, background, config.match_light, shadow)


Place = tuple[Camera, Ground, Background]


def _room(config: PlaceConfig, image: ImageConfig, rng: np.random.Generator) -> Place:
    width, height = image.size
    focal = width / 2 / math.tan(math.radians(rng.uniform(*config.hfov_deg)) / 2)
    camera = camera_over_floor(
        float(rng.uniform(*config.camera_height_m)),
        math.radians(rng.uniform(*config.pitch_deg)),
        math.radians(rng.uniform(*config.roll_deg)),
        np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]]),
        width,
        height,
    )
    return camera, ground_ahead(camera, *config.reach_m), Background(seed=int(rng.integers(SEEDS)))


def _photo(config: PlaceConfig, image: ImageConfig, rng: np.random.Generator, plate: PhotoPlate) -> Place:
    """A window of a photo that shows ground, and the camera that saw it."""
    width, height = image.size
    drawn_height = float(rng.uniform(*config.camera_height_m))
    zoom, across, down, mirror = rng.uniform(SMALLEST_ZOOM, 1), rng.random(), rng.random(), rng.random() < 0.5
    scale = zoom * min(plate.width / width, plate.height / height)
    # Whole pixels of the photo: it is resampled once. The camera follows exactly, its pixels may be a little oblong.
    wide, tall = max(round(scale * width), 1), max(round(scale * height), 1)
    # The middle of the ground comes to lie within the window's middle part.
    middle = (plate.left + plate.right) / 2
    first, last = (float(np.clip(middle - share * wide, 0, plate.width - wide)) for share in (0.75, 0.25))
    x0 = round(first + across * (last - first))
    # The horizon, where heads are, is in the window, and ground fills a share of it, if the photo has that much.
    lowest = float(np.clip(plate.horizon - HEADROOM * tall, 0, plate.height - tall))
    highest = min(max(min(plate.far_row + LEAST_GROUND * tall, plate.height) - tall, 0.0), lowest)
    y0 = round(highest + down * (lowest - highest))
    left, right = (x0 + wide, x0) if mirror else (x0, x0 + wide)
    window = (float(left), float(y0), float(right), float(y0 + tall))

    whole = photo_camera(plate, drawn_height if plate.height_m is None else plate.height_m)
    far = min(config.reach_m[1], _floor_distance(whole, plate.far_row))
    camera = whole.crop(x0, y0, wide, tall).resize(width, height)
    sides = (plate.left - x0) * width / wide, (plate.right - x0) * width / wide
    if mirror:
        camera, sides = camera.flip(), (width - sides[1], width - sides[0])
    far = max(far, config.reach_m[0] + LEAST_DEPTH_M)
    ground = ground_ahead(camera, config.reach_m[0], far, (max(sides[0], 0.0), min(sides[1], float(width))))
    return camera, ground, Background(int(rng.integers(SEEDS)), plate.photo, window)


def _calibrated(image: ImageConfig, rng: np.random.Generator, plate: CalibratedPlate) -> Place:
    """The largest window of the calibrated view, as near as can be to where people were captured."""
    width, height = image.size
    seen = plate.camera
    scale = min(seen.width / width, seen.height / height)
    middle = np.insert(plate.corners.mean(0), 1, CHEST_M)
    aim = seen.project(middle)[0]
    free = np.array([seen.width - scale * width, seen.height - scale * height])
    x0, y0 = (float(v) for v in np.clip(aim - scale * np.array([width, height]) / 2, 0, free))
    K = np.diag([1 / scale, 1 / scale, 1.0]) @ seen.crop(x0, y0, 1, 1).K
    camera = Camera(K, seen.R, seen.t, width, height)
    seed = int(rng.integers(SEEDS))
    if plate.photo is None:
        return camera, Ground(plate.corners), Background(seed)
    per_pixel = plate.photo_scale
    window = (x0, y0, x0 + scale * width, y0 + scale * height)
    x0, y0, x1, y1 = (edge * per_pixel for edge in window)
    return camera, Ground(plate.corners), Background(seed, plate.photo, (x0, y0, x1, y1))


def photo_camera(plate: PhotoPlate, height_m: float) -> Camera:
    """The camera of a whole photo, ``height_m`` above the floor."""
    centre_x, centre_y, roll = plate.width / 2, plate.height / 2, math.radians(plate.roll_deg)
    pitch = math.atan((centre_y - plate.horizon) * math.cos(roll) / plate.focal_px)
    K = np.array([[plate.focal_px, 0, centre_x], [0, plate.focal_px, centre_y], [0, 0, 1]])
    return camera_over_floor(height_m, pitch, roll, K, plate.width, plate.height)


def _floor_distance(camera: Camera, row: float) -> float:
    """How far from a camera, along the floor, the floor is that it sees in a row of its middle column; infinite
    above the horizon."""
    ray = camera.R.T @ np.linalg.inv(camera.K) @ (camera.width / 2, row, 1)
    if ray[1] >= -1e-9:
        return math.inf
    return float(-camera.centre[1] / ray[1] * math.hypot(ray[0], ray[2]))


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


def ground_ahead(
    camera: Camera, near_m: float, far_m: float, sides: tuple[float, float] | None = None
) -> Ground:
    """The floor between two distances from a camera, between two columns, by default the picture's side borders.

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
    near = min(float(distances[seen[0]]) if len(seen) else near_m, far_m - NARROWEST_M)
    left, right_ = sides or (0.0, float(camera.width))
    # Vertical planes through the eye and the ends of the picture's middle row.
    edges = np.array([[left, camera.height / 2, 1], [right_, camera.height / 2, 1]])
    slopes = [float(ray @ right / (ray @ ahead)) for ray in edges @ np.linalg.inv(camera.K).T @ camera.R]
    corners = [eye + d * (ahead + slope * right) for d, slope in
               ((near, slopes[0]), (near, slopes[1]), (far_m, slopes[1]), (far_m, slopes[0]))]  # fmt: skip
    return Ground(np.array(corners)[:, [0, 2]])
