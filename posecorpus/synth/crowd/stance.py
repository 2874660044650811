"""Where somebody might stand: candidates for each wish, as rows of x, z (metres) and where they look (radians).

A border of the picture is a plane through the camera. With the floor's coordinates as unknowns, whoever is to be
cut by it at a height, or to appear in a column at a distance, stands where a line or a circle meets that plane.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.config import Range
from posecorpus.synth.crowd.arrangements import Arrangement
from posecorpus.synth.ground import Ground
from posecorpus.synth.raster.jit import inline, kernel, tight_kernel

F64 = NDArray[np.float64]

BORDERS = ("left", "right", "top", "bottom")
HALF_WIDTH_M = 0.3
MIDDLE_M = 0.9
"""Height of the middle of most bodies."""
DEEP_M = 0.4
"""Of most bodies, from front to back with room for clothes."""
INSET = 0.05
"""Of the picture's size: how far from its border ground must be seen to go on beyond it."""
NEAR_M = 0.7
"""From the camera along the floor: nearest place of those whom the upper or lower border cuts."""
NOWHERE, STANDS, UPRIGHT = range(3)
"""How well a place fits somebody."""


class Eye:
    """A camera over the floor."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self.foot = camera.centre[[0, 2]]
        self.width, self.height = camera.width, camera.height
        self.focal = float(camera.K[0, 0])
        self._back = np.column_stack([camera.R.T @ np.linalg.inv(camera.K), camera.centre])
        self._P = camera.K @ np.column_stack([camera.R, camera.t])

    def distance(self, places: F64) -> F64:
        """Of places (N, 2) along the floor from below the camera."""
        return np.asarray(np.hypot(*(places - self.foot).T))

    def in_column(self, u: F64, distance: F64, y: float) -> F64:
        """(N, 2) places at distances whose points at height y appear in pixel columns u; NaN where none does."""
        return _in_column(self._P, self.foot, u, distance, y)

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
        size = np.array([self.width, self.height], np.float64)
        corners = np.ascontiguousarray(ground.corners, np.float64)
        flat = np.ascontiguousarray(places.reshape(-1, 2))
        return _stands(self._P, self._back, size, corners, flat).reshape(places.shape[:-1])

    def judge(
        self, ground: Ground, rows: F64, distance_m: Range, stance: Stance
    ) -> tuple[F64, NDArray[np.int64]]:
        """Where somebody would stand and how well that fits.

        Args:
            rows: (N, 3) x and z of the middle of their box, and where they look; NaN where nowhere.
            distance_m: of that middle from the camera.

        Returns:
            places (N, 3): x, z and yaw for their own frame; and (N,) :data:`NOWHERE`, :data:`STANDS`, with everything
            that is near the floor on the ground, or :data:`UPRIGHT`, with head and feet in the picture, too.
        """
        size = np.array([self.width, self.height], np.float64)
        corners = np.ascontiguousarray(ground.corners, np.float64)
        low, high = distance_m
        return _judge(
            self._P, self._back, size, corners, self.foot, rows, low, high,
            stance.height, stance.heading, *stance.centre, stance.base,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Stance:
    """What of somebody's pose decides where they can stand, in their own frame.

    Attributes:
        centre: x and z of the middle of their box.
        base: (K, 2) x and z of what is near the floor: a convex outline.
        height: of their highest point, metres.
        heading: where they look, radians about Y from +Z.
    """

    centre: tuple[float, float]
    base: F64
    height: float
    heading: float


@kernel
def _judge(
    P: F64, back: F64, size: F64, corners: F64, foot: F64, rows: F64, low: float, high: float,
    height: float, heading: float, centre_x: float, centre_z: float, base: F64,
) -> tuple[F64, NDArray[np.int64]]:  # fmt: skip
    """As :meth:`Eye.judge`."""
    places, verdicts = np.empty((len(rows), 3)), np.zeros(len(rows), np.int64)
    for i in range(len(rows)):
        x, z, yaw = rows[i, 0], rows[i, 1], rows[i, 2] - heading
        c, s = np.cos(yaw), np.sin(yaw)
        px, pz = x - c * centre_x - s * centre_z, z - c * centre_z + s * centre_x
        places[i, 0], places[i, 1], places[i, 2] = px, pz, yaw
        if not low <= np.hypot(x - foot[0], z - foot[1]) <= high:  # nor where either is NaN
            continue
        stands = _stands_at(P, back, size, corners, x, z)
        for k in range(len(base)):
            if not stands:
                break
            bx, bz = c * base[k, 0] + s * base[k, 1] + px, c * base[k, 1] - s * base[k, 0] + pz
            stands = _stands_at(P, back, size, corners, bx, bz)
        if not stands:
            continue
        verdicts[i] = UPRIGHT
        for y in (0.0, height):
            depth = P[2, 0] * x + P[2, 1] * y + P[2, 2] * z + P[2, 3]
            u = P[0, 0] * x + P[0, 1] * y + P[0, 2] * z + P[0, 3]
            v = P[1, 0] * x + P[1, 1] * y + P[1, 2] * z + P[1, 3]
            if not (0 < u < size[0] * depth and 0 < v < size[1] * depth):
                verdicts[i] = STANDS
    return places, verdicts


@kernel
def _in_column(P: F64, foot: F64, u: F64, distance: F64, y: float) -> F64:
    """As :meth:`Eye.in_column`."""
    out = np.full((len(u), 2), np.nan)
    for i in range(len(u)):
        px, py, pz = P[0, 0] - u[i] * P[2, 0], P[0, 1] - u[i] * P[2, 1], P[0, 2] - u[i] * P[2, 2]
        rest = px * foot[0] + py * y + pz * foot[1] + P[0, 3] - u[i] * P[2, 3]
        ratio = -rest / (np.hypot(px, pz) * distance[i])
        if not abs(ratio) <= 1:
            continue
        middle, swing, depth = np.arctan2(pz, px), np.arccos(ratio), 0.0
        for angle in (middle + swing, middle - swing):
            x, z = foot[0] + distance[i] * np.cos(angle), foot[1] + distance[i] * np.sin(angle)
            ahead = P[2, 0] * x + P[2, 1] * y + P[2, 2] * z + P[2, 3]
            if ahead > depth:
                out[i, 0], out[i, 1], depth = x, z, ahead
    return out


@inline
def _on(corners: F64, x: float, z: float) -> bool:
    """As :meth:`Ground.contains` for one point."""
    left = right = True
    for i in range(len(corners)):
        j = (i + 1) % len(corners)
        ax, az = corners[j, 0] - corners[i, 0], corners[j, 1] - corners[i, 1]
        side = ax * (z - corners[i, 1]) - az * (x - corners[i, 0])
        left, right = left and side >= -1e-9, right and side <= 1e-9
    return left or right


@tight_kernel
def _stands_at(P: F64, back: F64, size: F64, corners: F64, x: float, z: float) -> bool:
    """As :meth:`Eye.stands` for one point; ``back`` (3, 4) takes homogeneous pixels to rays of the world,
    its last column is the eye."""
    if _on(corners, x, z):
        return True
    depth = P[2, 0] * x + P[2, 2] * z + P[2, 3]
    if depth <= 0:
        return False
    u, v = (P[0, 0] * x + P[0, 2] * z + P[0, 3]) / depth, (P[1, 0] * x + P[1, 2] * z + P[1, 3]) / depth
    if 0 <= u <= size[0] and 0 <= v <= size[1]:
        return False
    u = min(max(u, INSET * size[0]), (1 - INSET) * size[0])
    v = min(max(v, INSET * size[1]), (1 - INSET) * size[1])
    ry = back[1, 0] * u + back[1, 1] * v + back[1, 2]
    if ry >= -1e-6:
        return False
    rx = back[0, 0] * u + back[0, 1] * v + back[0, 2]
    rz = back[2, 0] * u + back[2, 1] * v + back[2, 2]
    return _on(corners, back[0, 3] - rx * back[1, 3] / ry, back[2, 3] - rz * back[1, 3] / ry)


@kernel
def _stands(P: F64, back: F64, size: F64, corners: F64, places: F64) -> NDArray[np.bool_]:
    """As :meth:`Eye.stands`."""
    out = np.empty(len(places), np.bool_)
    for i in range(len(places)):
        out[i] = _stands_at(P, back, size, corners, places[i, 0], places[i, 1])
    return out


def in_sight(rng: np.random.Generator, count: int, eye: Eye, distance_m: Range) -> F64:
    """Anybody: evenly over distances and columns of the picture."""
    distance = rng.uniform(*distance_m, count)
    inner = np.minimum(HALF_WIDTH_M * eye.focal / distance, eye.width / 3)
    at = eye.in_column(rng.uniform(inner, eye.width - inner), distance, MIDDLE_M)
    return _looking_anywhere(rng, at)


def on_ground(rng: np.random.Generator, count: int, ground: Ground) -> F64:
    """Anybody: evenly over the ground, should little of what is in sight be ground."""
    return _looking_anywhere(rng, ground.sample(rng, count))


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


def overlapping(
    rng: np.random.Generator, count: int, eye: Eye, other: tuple[float, float], distance_m: Range
) -> F64:
    """Those whom somebody with x and z ``other`` hides a part of, or who hide a part of that one."""
    near = math.dist(other, eye.foot)
    column, depth = eye.camera.project([other[0], MIDDLE_M, other[1]])
    before = max(near - DEEP_M - distance_m[0], 0.0)
    beyond = max(distance_m[1] - near - DEEP_M, 0.0)
    draw = rng.random(count) * (before + beyond)
    distance = np.where(draw < before, distance_m[0] + draw, near + DEEP_M + draw - before)
    side = rng.uniform(-1.8, 1.8, count) * HALF_WIDTH_M * eye.focal / np.sqrt(distance * float(depth))
    return _looking_anywhere(rng, eye.in_column(column[0] + side, distance, MIDDLE_M))


def beside(
    rng: np.random.Generator,
    count: int,
    group: Arrangement,
    member: int,
    leader: tuple[float, float],
    facing: float,
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
