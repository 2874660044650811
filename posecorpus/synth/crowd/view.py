"""How much of whom a picture shows, on a coarse grid: kernels and :class:`View`.

People are drawn as square dots around points spread over their skin, wide enough to close the gaps between
them. That is a silhouette with its depth, for some 50 microseconds. It is too wide by half a dot: shares that others
hide come out 0.03 too large in the mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.crowd.meshes import Placement
from posecorpus.synth.raster.jit import kernel, tight_kernel

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
I64 = NDArray[np.int64]

COLUMNS = 160
SPACING_M = 0.03
"""Of the points on the skin."""
NEAREST_M = 0.3
"""No point of a person may be nearer to the camera's plane."""


@dataclass(frozen=True)
class Look:
    """What would be seen with one more person in some place.

    Attributes:
        outside: shares of the person's skin beyond the left, right, top and bottom border.
        whole: nothing of the person reaches a border.
        covers: of everybody, the share of what the picture could show of them that others hide; 0 for those
            who are not there.
        shows: of everybody, the share of them that the picture shows: neither beyond its border nor hidden. 1 for
            those who are not there.
    """

    outside: list[float]
    whole: bool
    covers: list[float]
    shows: list[float]


class View:
    """The picture as it fills with people.

    Attributes:
        covers: as of a :class:`Look`, of those who are there.
    """

    def __init__(self, camera: Camera, count: int) -> None:
        shape = (max(1, round(COLUMNS * camera.height / camera.width)), COLUMNS)
        scale = np.array([shape[1] / camera.width, shape[0] / camera.height, 1.0])
        K = scale[:, None] * camera.K
        self._P = K @ np.column_stack([camera.R, camera.t])
        self._radius = SPACING_M / 2 * max(K[0, 0], K[1, 1])
        self._front = np.full(shape, np.inf, np.float32)
        self._owner = np.full(shape, -1, np.int64)
        self._patch = np.full(shape, np.inf, np.float32)
        self._window = np.zeros(4, np.int64)
        self._tally = np.zeros(
            (3, count)
        )  # cells of each alone, cells seen, share of the skin within the borders
        self._tally[2] = 1
        self._last: tuple[int, Placement, Look, F64] | None = None
        self.covers = [0.0] * count

    def look(self, who: int, points: F64, at: Placement) -> Look | None:
        """One person's points (S, 3) in a place; None if the camera cannot see them or is too near."""
        self._last = None
        outside = np.zeros(4)
        nearest, touching = _splat(
            points, math.cos(at.yaw), math.sin(at.yaw), at.x, at.z, self._P, self._radius,
            self._patch, self._window, outside,
        )  # fmt: skip
        if nearest < NEAREST_M:
            return None
        tally, result = self._tally.copy(), np.empty((2, len(self.covers)))
        outside /= len(points)
        tally[2, who] = 1 - outside.sum()
        _compare(self._patch, self._window, self._front, self._owner, who, tally, result)
        if tally[0, who] == 0:
            return None
        look = Look(outside.tolist(), touching == 0, *result.tolist())
        self._last = who, at, look, tally
        return look

    def add(self, who: int, points: F64, at: Placement) -> None:
        """Keep a person whom :meth:`look` has seen there."""
        if self._last is None or self._last[:2] != (who, at):  # else the patch still shows it
            self.look(who, points, at)
        if self._last is None:
            raise ValueError("the camera does not see this person")
        self.covers, self._tally = self._last[2].covers, self._last[3]
        _merge(self._patch, self._window, self._front, self._owner, who)
        self._last = None


@kernel
def spread(vertices: F32, spacing: float) -> I64:
    """Vertices (V, 3) no two of which share a cell of that width, as indices: the first of each cell."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for v in range(len(vertices)):
        for a in range(3):
            at = vertices[v, a]
            low[a], high[a] = at if at < low[a] else low[a], at if at > high[a] else high[a]
    side = max(spacing, max(high[0] - low[0], high[1] - low[1], high[2] - low[2]) / 100)
    nx, ny, nz = (
        int((high[0] - low[0]) / side) + 1, int((high[1] - low[1]) / side) + 1, int((high[2] - low[2]) / side) + 1
    )  # fmt: skip
    taken = np.zeros(nx * ny * nz, np.bool_)
    out = np.empty(len(vertices), np.int64)
    count = 0
    for v in range(len(vertices)):
        x, y, z = (
            int((vertices[v, 0] - low[0]) / side),
            int((vertices[v, 1] - low[1]) / side),
            int((vertices[v, 2] - low[2]) / side),
        )
        cell = (x * ny + y) * nz + z
        if not taken[cell]:
            taken[cell] = True
            out[count] = v
            count += 1
    return out[:count].copy()


@tight_kernel
def _splat(
    points: F64, c: float, s: float, x: float, z: float, P: F64, radius: float,
    patch: F32, window: I64, outside: F64,
) -> tuple[float, int]:  # fmt: skip
    """Draw dots of a radius (cells times metres) into a patch.

    Clears the patch's window (x0, y0, x1, y1) and leaves the new one; counts points beyond each border.

    Returns:
        the least depth, and how many dots reach a border or lie beyond.
    """
    height, width = patch.shape
    for row in range(window[1], window[3]):
        for column in range(window[0], window[2]):
            patch[row, column] = np.inf
    left, top, right, bottom = width, height, 0, 0
    nearest, touching = np.inf, 0
    west = east = north = south = 0
    for i in range(len(points)):
        px, py, pz = (
            c * points[i, 0] + s * points[i, 2] + x,
            points[i, 1],
            c * points[i, 2] - s * points[i, 0] + z,
        )
        depth = P[2, 0] * px + P[2, 1] * py + P[2, 2] * pz + P[2, 3]
        nearest = depth if depth < nearest else nearest
        if depth < NEAREST_M:
            break
        u = (P[0, 0] * px + P[0, 1] * py + P[0, 2] * pz + P[0, 3]) / depth
        v = (P[1, 0] * px + P[1, 1] * py + P[1, 2] * pz + P[1, 3]) / depth
        wide = radius / depth
        if u < wide or u > width - wide or v < wide or v > height - wide:
            touching += 1
            west, east = west + (u < 0), east + (u > width)
            north, south = north + (v < 0), south + (v > height)
        wide = wide if wide > 0.5 else 0.5
        x0, x1 = max(int(np.ceil(u - wide - 0.5)), 0), min(int(np.floor(u + wide - 0.5)) + 1, width)
        y0, y1 = max(int(np.ceil(v - wide - 0.5)), 0), min(int(np.floor(v + wide - 0.5)) + 1, height)
        if x0 >= x1 or y0 >= y1:
            continue
        near = np.float32(depth)
        for row in range(y0, y1):
            for column in range(x0, x1):
                if near < patch[row, column]:
                    patch[row, column] = near
        left, top, right, bottom = min(left, x0), min(top, y0), max(right, x1), max(bottom, y1)
    window[0], window[1], window[2], window[3] = left, top, right, bottom
    outside[0], outside[1], outside[2], outside[3] = west, east, north, south
    return nearest, touching


@tight_kernel
def _compare(
    patch: F32, window: I64, front: F32, owner: I64, who: int, tally: F64, result: F64
) -> None:  # fmt: skip
    """Tally a patch's cells, those of them before all others, and those that it takes from others.

    ``result`` (2, P) receives what is covered and what is shown of everybody.
    """
    alone = seen = 0
    for y in range(window[1], window[3]):
        for x in range(window[0], window[2]):
            if patch[y, x] == np.inf:
                continue
            alone += 1
            if patch[y, x] < front[y, x]:
                seen += 1
                if owner[y, x] >= 0:
                    tally[1, owner[y, x]] -= 1
    tally[0, who] += alone
    tally[1, who] += seen
    for i in range(tally.shape[1]):
        there = tally[0, i] > 0
        result[0, i] = 1 - tally[1, i] / tally[0, i] if there else 0.0
        result[1, i] = (1 - result[0, i]) * tally[2, i]


@kernel
def _merge(patch: F32, window: I64, front: F32, owner: I64, who: int) -> None:
    """Write a patch into the picture where it is nearest."""
    for y in range(window[1], window[3]):
        for x in range(window[0], window[2]):
            if patch[y, x] < front[y, x]:
                front[y, x] = patch[y, x]
                owner[y, x] = who
