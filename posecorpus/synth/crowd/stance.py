"""Where somebody might stand: candidates for each wish, as rows of x, z (metres) and where they look (radians).

A border of the picture is a plane through the camera. With the floor's coordinates as unknowns, whoever is to be
cut by it at a height, or to appear in a column at a distance, stands where a line or a circle meets that plane.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.config import Range
from posecorpus.synth.crowd.arrangements import Arrangement
from posecorpus.synth.ground import Ground

F64 = NDArray[np.float64]

BORDERS = ("left", "right", "top", "bottom")
HALF_WIDTH_M = 0.3
MIDDLE_M = 0.9
"""Height of the middle of most bodies."""
NEAR_M = 0.7
"""From the camera along the floor: nearest place of those whom the upper or lower border cuts."""


class Eye:
    """A camera over the floor."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self.foot = camera.centre[[0, 2]]
        self.width, self.height = camera.width, camera.height
        self.focal = float(camera.K[0, 0])
        self._P = camera.K @ np.column_stack([camera.R, camera.t])

    def distance(self, places: F64) -> F64:
        """Of places (N, 2) along the floor from below the camera."""
        return np.asarray(np.hypot(*(places - self.foot).T))

    def in_column(self, u: F64, distance: F64, y: float) -> F64:
        """(N, 2) places at distances whose points at height y appear in pixel columns u; NaN where none does."""
        plane = self._P[0] - u[:, None] * self._P[2]
        a, b = plane[:, 0] * distance, plane[:, 2] * distance
        rest = plane[:, 0] * self.foot[0] + plane[:, 1] * y + plane[:, 2] * self.foot[1] + plane[:, 3]
        size = np.hypot(a, b)
        ratio = -rest / np.maximum(size, 1e-12)
        swing = np.arccos(np.where(np.abs(ratio) <= 1, ratio, np.nan))
        best, depth = np.full((len(u), 2), np.nan), np.zeros(len(u))
        for angle in (np.arctan2(b, a) + swing, np.arctan2(b, a) - swing):
            at = self.foot + distance[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
            ahead = self._P[2, 0] * at[:, 0] + self._P[2, 1] * y + self._P[2, 2] * at[:, 1] + self._P[2, 3]
            better = ahead > depth  # NaN is not
            best[better], depth[better] = at[better], ahead[better]
        return best

    def cut_at(self, row: float, y: F64, ahead: F64) -> F64:
        """(N, 2) places along directions ``ahead`` (N, 2) from the camera whose points at heights y appear in a
        pixel row; NaN where they would lie behind the camera."""
        plane = self._P[1] - row * self._P[2]
        slope = plane[0] * ahead[:, 0] + plane[2] * ahead[:, 1]
        rest = plane[0] * self.foot[0] + plane[1] * y + plane[2] * self.foot[1] + plane[3]
        distance = -rest / np.where(np.abs(slope) > 1e-9, slope, np.nan)
        return np.asarray(self.foot + np.where(distance > 0, distance, np.nan)[:, None] * ahead)

    def stands(self, ground: Ground, places: F64) -> NDArray[np.bool_]:
        """Whether places (..., 2) are on the ground, or out of sight where the seen ground would go on."""
        flat = places.reshape(-1, 2)
        on = ground.contains(flat)
        if not on.all():
            feet = np.column_stack([flat[:, 0], np.zeros(len(flat)), flat[:, 1]])
            pixels, depth = self.camera.project(feet)
            size = np.array([self.width, self.height])
            unseen = (depth > 0) & ((pixels < 0) | (pixels > size)).any(1)
            edge = np.clip(np.nan_to_num(pixels, nan=-1.0), 1, size - 1)
            rays = self.camera.unproject(edge, np.ones(len(edge))) @ self.camera.R
            down = rays[:, 1] < -1e-6
            reach = -self.camera.centre[1] / np.where(down, rays[:, 1], -1.0)
            on |= unseen & down & ground.contains(self.foot + reach[:, None] * rays[:, [0, 2]])
        return np.asarray(on.reshape(places.shape[:-1]))


def anywhere(rng: np.random.Generator, count: int, eye: Eye, ground: Ground, distance_m: Range) -> F64:
    """Half of them evenly over distances and columns, half evenly over the ground."""
    distance = rng.uniform(*distance_m, count)
    inner = np.minimum(HALF_WIDTH_M * eye.focal / distance, eye.width / 3)
    at = eye.in_column(rng.uniform(inner, eye.width - inner), distance, MIDDLE_M)
    at[1::2] = ground.sample(rng, count)[1::2]
    return _looking_anywhere(rng, at)


def cut(rng: np.random.Generator, count: int, eye: Eye, border: str, height: float, distance_m: Range) -> F64:
    """Those whom a border cuts, somebody that tall; top and bottom at whatever height that needs."""
    distance = rng.uniform(*distance_m, count)
    if border in ("left", "right"):
        off = rng.uniform(-HALF_WIDTH_M, HALF_WIDTH_M, count) * eye.focal / distance
        return _looking_anywhere(
            rng, eye.in_column(off + (0 if border == "left" else eye.width), distance, MIDDLE_M)
        )
    inner = eye.width * 0.15
    towards = (
        eye.in_column(rng.uniform(inner, eye.width - inner, count), np.full(count, 3.0), MIDDLE_M) - eye.foot
    )
    ahead = towards / np.hypot(*towards.T)[:, None]
    if border == "bottom":
        return _looking_anywhere(rng, eye.cut_at(eye.height, rng.uniform(0.05, 0.85, count) * height, ahead))
    return _looking_anywhere(rng, eye.cut_at(0, rng.uniform(0.25, 0.97, count) * height, ahead))


def behind(rng: np.random.Generator, count: int, eye: Eye, other: F64, distance_m: Range) -> F64:
    """Those whom somebody at (2,) hides a part of."""
    near = float(eye.distance(other[None])[0])
    column, depth = eye.camera.project([other[0], MIDDLE_M, other[1]])
    distance = near + 0.4 + (max(distance_m[1], near + 1) - near - 0.4) * rng.random(count) ** 1.5
    side = rng.uniform(-1.8, 1.8, count) * HALF_WIDTH_M * eye.focal / np.sqrt(distance * float(depth))
    return _looking_anywhere(rng, eye.in_column(column[0] + side, distance, MIDDLE_M))


def beside(
    rng: np.random.Generator, count: int, group: Arrangement, member: int, leader: F64, facing: float
) -> F64:
    """The next member's place in a group whose first stands at (2,) and looks along ``facing``."""
    first, slot = group.slots[0], group.slots[member]
    turn = facing - np.radians(first.turn_deg) + np.radians(rng.normal(0, group.spread_deg, count))
    spacing = rng.uniform(*group.spacing_m, count)
    x, z = (slot.x - first.x) * spacing, (slot.z - first.z) * spacing
    c, s = np.cos(turn), np.sin(turn)
    looks = turn + np.radians(slot.turn_deg + rng.normal(0, group.spread_deg, count))
    return np.column_stack([leader[0] + c * x + s * z, leader[1] + c * z - s * x, looks])


def _looking_anywhere(rng: np.random.Generator, places: F64) -> F64:
    return np.column_stack([places, rng.uniform(-np.pi, np.pi, len(places))])
