"""Indoor rooms, ray-cast: the default background.

A box with textured surfaces, openings and pictures on the walls, and furniture as boxes; one ray a
pixel, edges of patterns and outlines softened by the pixel's footprint. Shading is by a few lamps, corners darken.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.appearance.room_cast import add_grain, cast_room, soften_corners
from posecorpus.synth.appearance.room_plan import RoomPlan, plan_room

SUBJECT_DISTANCE_M = 8.0
"""Where people are taken to be if the caller does not say: on the optical axis, this far."""

SHARPNESS = 0.6
"""Rays along a side per pixel."""


FLOOR_SLACK_M = 1e-3
"""What the ray-cast finds this near to the floor is the floor."""


def room(camera: Camera, rng: np.random.Generator, keep_clear: ArrayLike | None = None) -> NDArray[np.uint8]:
    """A picture of an indoor room as the camera sees it.

    Args:
        camera: in the world; the room's floor is at y = 0.
        rng: decides the room.
        keep_clear: (P, 3) world positions of the people that will be put in front; no wall and no furniture
            is nearer to the camera than they are. By default a point :data:`SUBJECT_DISTANCE_M` ahead.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    return _photograph(plan_around(camera, rng, keep_clear), camera, rng)[0]


def room_with_floor(
    camera: Camera, rng: np.random.Generator, keep_clear: ArrayLike | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The picture that :func:`room` gives, but with smooth corners, and how much of each pixel is floor.

    Returns:
        (H, W, 3) uint8 RGB, and (H, W) uint8, 255 where nothing but the floor is seen.
    """
    plan = plan_around(camera, rng, keep_clear)
    picture, depth = _photograph(plan, camera, rng, smooth=True)
    height, width = depth.shape
    down = (camera.resize(width, height).R.T @ np.linalg.inv(camera.resize(width, height).K))[1]
    x, y = np.arange(width, dtype=np.float32) + 0.5, np.arange(height, dtype=np.float32) + 0.5
    at = plan.eye[1] + depth * (down[0] * x + (down[1] * y + down[2])[:, None])
    on = np.where(at < plan.low[1] + FLOOR_SLACK_M, 255, 0).astype(np.uint8)
    size = (camera.width, camera.height)
    return picture, np.asarray(cv2.resize(on, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def plan_around(camera: Camera, rng: np.random.Generator, keep_clear: ArrayLike | None = None) -> RoomPlan:
    """The plan of the room that :func:`room` draws with a generator in the same state."""
    if keep_clear is None or np.size(keep_clear) == 0:
        ahead = camera.R[2] * (1, 0, 1)
        ahead /= max(float(np.linalg.norm(ahead)), 1e-6)
        clear = (camera.centre + SUBJECT_DISTANCE_M * ahead)[None]
    else:
        clear = np.asarray(keep_clear, np.float64).reshape(-1, 3)
    return plan_room(camera, rng, clear)


def draw_room(plan: RoomPlan, camera: Camera) -> NDArray[np.uint8]:
    """The clean picture of a planned room, (H, W, 3) uint8 RGB."""
    return _cast(plan, camera)[0]


def _photograph(
    plan: RoomPlan, camera: Camera, rng: np.random.Generator, smooth: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The picture with the camera's softness and noise, and the depth of the rays, which are fewer than pixels."""
    # What is behind people is a little out of focus: fewer rays do. The sensor adds its noise.
    width, height = (max(1, round(SHARPNESS * side)) for side in (camera.width, camera.height))
    drawn, depth = _cast(plan, camera.resize(width, height), smooth)
    size = (camera.width, camera.height)
    picture = np.asarray(cv2.resize(drawn, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    add_grain(picture, int(rng.integers(1 << 15)), int(rng.integers(2, 24)))
    return picture, depth


def _cast(
    plan: RoomPlan, camera: Camera, smooth: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Clean picture and depth, one ray a pixel."""
    out = np.empty((camera.height, camera.width, 3), np.uint8)
    depth = np.empty((camera.height, camera.width), np.float32)
    to_room = (plan.turn @ camera.R.T @ np.linalg.inv(camera.K)).astype(np.float32)
    eye, low, high = (v.astype(np.float32) for v in (plan.eye, plan.low, plan.high))
    starts = np.searchsorted(plan.decals["surface"], np.arange(7))
    pixel = np.float32(1 / camera.K[0, 0])
    cast_room(
        to_room, np.linalg.inv(to_room), eye, low, high, plan.surfaces, plan.decals, starts, plan.boxes,
        plan.light[0], pixel, out, depth,
    )  # fmt: skip
    if not smooth:
        return out, depth
    softened = out.copy()
    soften_corners(to_room, eye, low, high, depth, out, softened)
    return softened, depth
