"""Indoor rooms, ray-cast: the default background.

A box with textured surfaces, openings and pictures on the walls, and furniture as boxes; one ray a
pixel, edges of patterns softened by the pixel's footprint. Shading is by a few lamps, corners darken.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.appearance.noise import TILE
from posecorpus.synth.appearance.room_cast import add_grain, cast_box, cast_walls
from posecorpus.synth.appearance.room_plan import RoomPlan, plan_room

SUBJECT_DISTANCE_M = 8.0
"""Where people are taken to be if the caller does not say: on the optical axis, this far."""

SHARPNESS = 0.75
"""Rays along a side per pixel."""


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
    if keep_clear is None:
        ahead = camera.R[2] * (1, 0, 1)
        ahead /= max(float(np.linalg.norm(ahead)), 1e-6)
        clear = (camera.centre + SUBJECT_DISTANCE_M * ahead)[None]
    else:
        clear = np.asarray(keep_clear, np.float64).reshape(-1, 3)
    plan = plan_room(camera, rng, clear)
    # What is behind people is a little out of focus: fewer rays do. The sensor adds its noise.
    width, height = (max(1, round(SHARPNESS * side)) for side in (camera.width, camera.height))
    drawn = draw_room(plan, camera.resize(width, height))
    size = (camera.width, camera.height)
    picture = np.asarray(cv2.resize(drawn, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    offset = rng.integers(0, TILE, 2)
    add_grain(picture, offset[0], offset[1], np.float32(rng.uniform(0.01, 0.06)))
    return picture


def draw_room(plan: RoomPlan, camera: Camera) -> NDArray[np.uint8]:
    """The clean picture of a planned room, (H, W, 3) uint8 RGB."""
    out = np.empty((camera.height, camera.width, 3), np.uint8)
    depth = np.empty((camera.height, camera.width), np.float32)
    to_room = (plan.turn @ camera.R.T @ np.linalg.inv(camera.K)).astype(np.float32)
    eye, low, high = (v.astype(np.float32) for v in (plan.eye, plan.low, plan.high))
    starts = np.searchsorted(plan.decals["surface"], np.arange(7))
    box_low, box_high = (np.ascontiguousarray(plan.boxes[side]) for side in ("lo", "hi"))
    pixel = np.float32(1 / camera.K[0, 0])
    cast_walls(
        to_room, eye, low, high, plan.surfaces, plan.decals, starts, box_low, box_high,
        plan.light[0], pixel, out, depth,
    )  # fmt: skip
    for k in range(len(plan.boxes)):
        window = _window_of(plan, camera, k)
        cast_box(
            to_room, eye, plan.boxes[k], box_low[k], box_high[k], plan.light[0], pixel, window, out, depth
        )
    return out


def _window_of(plan: RoomPlan, camera: Camera, k: int) -> NDArray[np.int64]:
    """x0, y0, x1, y1 of the pixels that a piece of furniture may cover."""
    lo, hi = plan.boxes[k]["lo"], plan.boxes[k]["hi"]
    corners = np.array([[x, y, z] for x in (lo[0], hi[0]) for y in (lo[1], hi[1]) for z in (lo[2], hi[2])])
    offset = np.array([camera.centre[0], 0.0, camera.centre[2]])
    pixels, depth = camera.project(corners @ plan.turn + offset)
    if depth.min() < 0.05:
        return np.array([0, 0, camera.width, camera.height]) if depth.max() > 0 else np.zeros(4, np.int64)
    low = np.clip(np.floor(pixels.min(0)), 0, (camera.width, camera.height))
    high = np.clip(np.ceil(pixels.max(0)), 0, (camera.width, camera.height))
    return np.concatenate([low, high]).astype(np.int64)
