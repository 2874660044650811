"""Indoor rooms, ray-cast: the default background.

A box with textured surfaces, openings and pictures on the walls, and furniture as boxes; one ray a
pixel, edges of patterns softened by the pixel's footprint. Shading is by a few lamps, corners darken.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.appearance.room_cast import add_grain, cast_box, cast_walls
from posecorpus.synth.appearance.room_plan import RoomPlan, plan_room

SUBJECT_DISTANCE_M = 8.0
"""Where people are taken to be if the caller does not say: on the optical axis, this far."""

SHARPNESS = 2 / 3
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
    if keep_clear is None or np.size(keep_clear) == 0:
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
    add_grain(picture, int(rng.integers(1 << 15)), int(rng.integers(2, 24)))
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
    for k, window in enumerate(_windows(plan, camera)):
        cast_box(
            to_room, eye, plan.boxes[k], box_low[k], box_high[k], plan.light[0], pixel, window, out, depth
        )
    return out


def _windows(plan: RoomPlan, camera: Camera) -> NDArray[np.int64]:
    """(B, 4) x0, y0, x1, y1 of the pixels that each piece of furniture may cover."""
    ends = np.stack([plan.boxes["lo"], plan.boxes["hi"]])  # (2, B, 3)
    corners = np.stack([ends[_CORNERS[:, axis], :, axis] for axis in range(3)], axis=-1)  # (8, B, 3)
    centre = camera.centre * (1, 0, 1)
    seen = ((corners @ plan.turn + centre) @ camera.R.T + camera.t) @ camera.K.T
    limit = np.array([camera.width, camera.height])
    depth = seen[..., 2:]
    pixels = seen[..., :2] / np.maximum(depth, 0.05)
    low = np.clip(np.floor(pixels.min(0)), 0, limit)
    high = np.clip(np.ceil(pixels.max(0)), 0, limit)
    # A box that reaches beside or behind the camera may be anywhere; one wholly behind is nowhere.
    beside, behind = depth.min(0) < 0.05, depth.max(0) <= 0
    low = np.where(beside, 0, low)
    high = np.where(behind, 0, np.where(beside, limit, high))
    return np.concatenate([low, high], axis=1).astype(np.int64)


_CORNERS = np.array([[k >> 2 & 1, k >> 1 & 1, k & 1] for k in range(8)])
