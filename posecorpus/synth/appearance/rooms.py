"""Indoor rooms, ray-cast: the default background.

A box with textured surfaces, openings and pictures on the walls, and furniture as boxes; one ray a
pixel, edges of patterns and outlines softened by the pixel's footprint. Shading is by a few lamps, corners darken.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.appearance.room_cast import add_grain, cast_room, finish_room, most_edges
from posecorpus.synth.appearance.room_plan import RoomPlan, plan_room

SUBJECT_DISTANCE_M = 8.0
"""Where people are taken to be if the caller does not say: on the optical axis, this far."""

SHARPNESS = 0.6
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
    plan = plan_around(camera, rng, keep_clear)
    return _expose(draw_room(plan, _coarse(camera)), camera, rng)


def room_with_floor(
    camera: Camera, rng: np.random.Generator, keep_clear: ArrayLike | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The room that :func:`room` draws, but with smooth corners and without noise, and how much of each pixel is floor.

    The noise of a picture of people in it is its camera's, on them as on the room.

    Returns:
        (H, W, 3) uint8 RGB, and (H, W) uint8, 255 where nothing but the floor is seen.
    """
    plan = plan_around(camera, rng, keep_clear)
    coarse = _coarse(camera)
    softened, floor = _finish(plan, coarse, *_cast(plan, coarse))
    share = cv2.resize(floor, (camera.width, camera.height), interpolation=cv2.INTER_LINEAR)
    return _enlarged(softened, camera), np.asarray(share, np.uint8)


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


def _coarse(camera: Camera) -> Camera:
    """What is behind people is a little out of focus: fewer rays do than pixels."""
    return camera.resize(*(max(1, round(SHARPNESS * side)) for side in (camera.width, camera.height)))


def _expose(drawn: NDArray[np.uint8], camera: Camera, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A coarse picture at the camera's size, with the noise of its sensor."""
    picture = _enlarged(drawn, camera)
    add_grain(picture, int(rng.integers(1 << 15)), int(rng.integers(2, 24)))
    return picture


def _enlarged(drawn: NDArray[np.uint8], camera: Camera) -> NDArray[np.uint8]:
    """A coarse picture at the camera's size."""
    return np.asarray(
        cv2.resize(drawn, (camera.width, camera.height), interpolation=cv2.INTER_CUBIC), np.uint8
    )


def _cast(plan: RoomPlan, camera: Camera) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int8]]:
    """Clean picture, depth and what is seen, one ray a pixel."""
    size = (camera.height, camera.width)
    out, depth, surface = np.empty((*size, 3), np.uint8), np.empty(size, np.float32), np.empty(size, np.int8)
    starts = np.searchsorted(plan.decals["surface"], np.arange(7))
    pixel = np.float32(1 / camera.K[0, 0])
    to_room, eye, low, high = _geometry(plan, camera)
    edges = np.empty((most_edges(len(plan.boxes), *size), 7), np.float32)
    rays = np.empty((6, camera.width), np.float32)
    cast_room(
        to_room, np.linalg.inv(to_room), eye, low, high, plan.surfaces, plan.decals, starts, plan.boxes,
        plan.light[0], pixel, edges, rays, out, depth, surface,
    )  # fmt: skip
    return out, depth, surface


def _finish(
    plan: RoomPlan,
    camera: Camera,
    drawn: NDArray[np.uint8],
    depth: NDArray[np.float32],
    surface: NDArray[np.int8],
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The picture of :func:`_cast` with smooth corners, and where it shows the floor, 0 or 255."""
    softened, floor = drawn.copy(), np.empty(depth.shape, np.uint8)
    to_room, eye, low, high = _geometry(plan, camera)
    parts = np.reciprocal(np.stack([low - eye, high - eye], axis=1), dtype=np.float32)
    finish_room(to_room, parts, depth, surface, drawn, softened, floor)
    return softened, floor


def _geometry(plan: RoomPlan, camera: Camera) -> tuple[NDArray[np.float32], ...]:
    """From pixels to directions of the room (3, 3), the eye and the corners of the box (3,)."""
    to_room = (plan.turn @ camera.R.T @ np.linalg.inv(camera.K)).astype(np.float32)
    eye, low, high = (v.astype(np.float32) for v in (plan.eye, plan.low, plan.high))
    return to_room, eye, low, high
