"""What a skeleton map must show, pixel by pixel in float64, from 3D rays: slow, plain, and told apart from rounding.

Shares no formula with the rasterisers: cameras project and unproject, the depth of a bone is where the camera's ray
meets it in space, directions are compared as angles, and who stays at a common end is found by recursion.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.skeletons import MPII_16
from posecorpus.core.sticks import STICKS

TIE = 1e-6
NEAR = 0.05
Array = NDArray[np.float64]


def oracle(
    points: Array, K: Array, window: Array, size: int, width: float, linear_depth: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.bool_]]:
    """Foreground, background (S, S) of the 16 points (16, 3), and where a decision is within the tie band.

    Args:
        linear_depth: the fault to be found: depth blended linearly along the bone's image.
    """
    camera = Camera(K, np.eye(3), np.zeros(3), 64, 64)
    scale = size / (window[2:] - window[:2])
    columns, rows = np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5)
    pixels = np.stack([columns, rows], -1).reshape(-1, 2)
    place = {name: points[i] for i, name in enumerate(MPII_16.joints)}
    seen = {name: (camera.project_camera(p)[0] - window[:2]) * scale for name, p in place.items()}

    covers = np.zeros((len(STICKS), len(pixels)), bool)
    depth = np.full((len(STICKS), len(pixels)), np.nan)
    tied = np.zeros(len(pixels), bool)
    directions: dict[tuple[int, str], Array] = {}
    for i, stick in enumerate(STICKS):
        ends = [place[stick.start], place[stick.end]]
        if not np.isfinite(ends).all() or max(ends[0][2], ends[1][2]) < NEAR:
            continue
        a, b = _before(ends[0], ends[1]), _before(ends[1], ends[0])
        pa, pb = ((camera.project_camera(p)[0] - window[:2]) * scale for p in (a, b))
        directions[i, stick.start], directions[i, stick.end] = pb - pa, pa - pb
        nearest, share = _nearest_on(pixels, pa, pb)
        distance = np.linalg.norm(pixels - nearest, axis=-1)
        covers[i] = distance <= width / 2
        tied |= np.abs(distance - width / 2) < TIE
        rays = camera.unproject(window[:2] + nearest / scale, np.ones(len(nearest)))
        depth[i] = (1 - share) * a[2] + share * b[2] if linear_depth else _meeting(rays, a, b)

    wins = np.zeros((len(STICKS), len(STICKS), len(pixels)), bool)  # [i, j]: i has the pixel, not j
    for i, j in combinations(range(len(STICKS)), 2):
        common = {STICKS[i].start, STICKS[i].end} & {STICKS[j].start, STICKS[j].end}
        both = covers[i] & covers[j]
        if not common or not both.any():
            continue
        joint = common.pop()
        if place[joint][2] < NEAR:
            continue
        offset = pixels - seen[joint]
        distance = np.linalg.norm(offset, axis=-1)
        close = distance <= width
        tied |= both & (np.abs(distance - width) < TIE)
        angle_i, angle_j = (_angle(offset, directions[k, joint]) for k in (i, j))
        tied |= both & close & (np.abs(angle_i - angle_j) * np.maximum(distance, TIE) < TIE)
        wins[i, j], wins[j, i] = both & close & (angle_i <= angle_j), both & close & (angle_i > angle_j)

    front, back = np.zeros(len(pixels), np.uint8), np.zeros(len(pixels), np.uint8)
    for p in np.flatnonzero(covers.any(0)):
        staying = _staying(covers[:, p], wins[:, :, p])
        ranked = sorted(staying, key=lambda i: (depth[i, p], i))
        front[p], back[p] = ranked[0] + 1, ranked[-1] + 1
        if len(ranked) > 1:
            z = depth[ranked, p]
            tied[p] |= z[1] - z[0] < TIE * z[0] or z[-1] - z[-2] < TIE * z[-1]
    return front.reshape(size, size), back.reshape(size, size), tied.reshape(size, size)


def _before(a: Array, b: Array) -> Array:
    """End ``a``, or where the bone from it to ``b`` comes through the near plane."""
    if a[2] >= NEAR:
        return a
    share = (b[2] - NEAR) / (b[2] - a[2])
    cut = b * (1 - share) + a * share
    return np.array([cut[0], cut[1], NEAR])


def _nearest_on(pixels: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """The points of segment a-b nearest to pixels (P, 2), and their shares of the way."""
    share = np.clip((pixels - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
    return a + share[:, None] * (b - a), share


def _meeting(rays: Array, a: Array, b: Array) -> Array:
    """Depth z at which rays (P, 3) from the camera, z = 1, meet the line through a and b."""
    across = np.cross(rays, b - a)
    return np.asarray((across @ np.cross(a, b - a)) / (across * across).sum(-1))


def _angle(offset: Array, direction: Array) -> Array:
    turned = offset[:, 0] * direction[1] - offset[:, 1] * direction[0]
    return np.asarray(np.abs(np.arctan2(turned, offset @ direction)))


def _staying(covers: NDArray[np.bool_], wins: NDArray[np.bool_]) -> list[int]:
    """Sticks that cover a pixel and over which none wins that stays itself."""

    @cache
    def stays(i: int) -> bool:
        return not any(stays(int(j)) for j in np.flatnonzero(wins[:, i]))

    return [int(i) for i in np.flatnonzero(covers) if stays(int(i))]


def random_person(rng: np.random.Generator, wild: bool = False) -> Array:
    """16 points in the camera frame: bones of human lengths in random directions; or, wild, anywhere, some missing."""
    if wild:
        points = rng.uniform((-1.5, -1.5, -1.0), (1.5, 1.5, 4.0), (16, 3))
        points[rng.random(16) < 0.1] = np.nan
        return points
    lengths = {"torso": 0.5, "neck": 0.12, "head": 0.25, "hip": 0.13, "shoulder": 0.18, "thigh": 0.42, "shin": 0.42,
               "upper_arm": 0.3, "forearm": 0.26}  # fmt: skip
    at = {"thorax": rng.uniform((-0.4, -0.4, 0.8), (0.4, 0.4, 4.0))}
    while len(at) < 16:
        for stick in STICKS:
            if stick.start in at and stick.end not in at:
                way = rng.normal(size=3)
                length = lengths[stick.name.removeprefix("l_").removeprefix("r_")]
                at[stick.end] = at[stick.start] + length * way / np.linalg.norm(way)
    return np.stack([at[name] for name in MPII_16.joints])


def random_view(rng: np.random.Generator) -> tuple[Array, Array]:
    """K with unequal focal lengths and a skew, and a window that is no square and sticks out."""
    focal = rng.uniform(150, 500)
    K = np.array([[focal, rng.normal(0, 5), 100.0], [0, focal * rng.uniform(0.8, 1.2), 90.0], [0, 0, 1]])
    corner, extent = rng.uniform(-60, 60, 2), rng.uniform(60, 260, 2)
    return K, np.concatenate([corner, corner + extent])
