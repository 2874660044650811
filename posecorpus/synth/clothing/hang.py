"""How a skirt hangs on a posed body: skinned, then pushed out of the legs, which are taken for round, and of the belly.

The cloth between the legs then spans from one to the other; in a squat its front lies on the lap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.synth.clothing.loft import Floats

MARGIN_M = 0.008
"""Between a leg and the cloth that it pushes."""
TRUNK_SOFT_M = 0.04
"""Over so much height the trunk comes to count."""
BINS = 10
"""Places along a thigh or shin whose radius is measured."""
NEAR_HIP = 0.08
"""The uppermost share of a thigh pushes nothing: there cloth follows the skin."""


@dataclass(frozen=True, eq=False)
class Skirt:
    """A skirt made to measure.

    Attributes:
        rest: (W, 3) float32 whole vertices at rest.
        joints, weights: (W, JOINTS).
        neighbours: (W, 4) int32 in the grid, above, below, before and after; -1 past an edge.
        free: (W,) float32, 0 at the waist, which follows the skin alone, to 1 where cloth is pushed.
        ends, end_shares: of cut vertices, see :class:`Seam`.
        axes: (S, 2, 3) float32, ends of thighs and shins at rest. owners: (S,) int32 joints that move them.
        radii: (S, BINS) float32 metres.
        middle: (3,) float32, x and z of the trunk's own axis, and the height from which on it counts.
        trunk: (D,) float32 metres from that axis to the outermost shirt, by direction from the back over the left.
    """

    rest: Floats
    joints: NDArray[np.uint8]
    weights: Floats
    neighbours: NDArray[np.int32]
    free: Floats
    ends: NDArray[np.int32]
    end_shares: Floats
    axes: Floats
    owners: NDArray[np.int32]
    radii: Floats
    middle: Floats
    trunk: Floats

    def __len__(self) -> int:
        return len(self.rest) + len(self.ends)

    def pose(self, transforms: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        """Write the vertices, (T, N, 3), on bodies whose joints move by (T, 24, 3, 4) to ``out``."""
        _hang(
            transforms, self.rest, self.joints, self.weights, self.neighbours, self.free, self.ends,
            self.end_shares, self.axes, self.owners, self.radii, self.middle, self.trunk, out,
        )  # fmt: skip


@njit(cache=True, nogil=True)
def _hang(
    transforms: Floats, rest: Floats, joints: NDArray[np.uint8], weights: Floats,
    neighbours: NDArray[np.int32], free: Floats, ends: NDArray[np.int32], end_shares: Floats,
    axes: Floats, owners: NDArray[np.int32], radii: Floats, middle: Floats, trunk: Floats, out: Floats,
) -> None:  # fmt: skip
    count = len(rest)
    starts, ways = np.empty((len(axes), 3), np.float32), np.empty((len(axes), 3), np.float32)
    for n in range(len(transforms)):
        for v in range(count):
            for a in range(3):
                moved = np.float32(0)
                for k in range(joints.shape[1]):
                    row = transforms[n, joints[v, k], a]
                    moved += weights[v, k] * (
                        row[0] * rest[v, 0] + row[1] * rest[v, 1] + row[2] * rest[v, 2] + row[3]
                    )
                out[n, v, a] = moved
        for s in range(len(axes)):
            turn = transforms[n, owners[s]]
            for a in range(3):
                start = turn[a, 3] + (turn[a, :3] * axes[s, 0]).sum()
                starts[s, a] = start
                ways[s, a] = turn[a, 3] + (turn[a, :3] * axes[s, 1]).sum() - start
        _push(out[n], free, starts, ways, radii)
        for _ in range(2):
            _average(out[n], free, neighbours)
            _push(out[n], free, starts, ways, radii)
            _clear(out[n], free, transforms[n, 0], middle, trunk)
        for c in range(len(ends)):
            for a in range(3):
                one, two = out[n, ends[c, 0], a], out[n, ends[c, 1], a]
                out[n, count + c, a] = one + end_shares[c] * (two - one)


@njit(error_model="numpy")
def _push(points: Floats, free: Floats, starts: Floats, ways: Floats, radii: Floats) -> None:
    """Move points out of the legs, straight away from the axes."""
    for v in range(len(free)):
        if free[v] == 0:
            continue
        for s in range(len(starts)):
            x, y, z = points[v, 0] - starts[s, 0], points[v, 1] - starts[s, 1], points[v, 2] - starts[s, 2]
            wx, wy, wz = ways[s, 0], ways[s, 1], ways[s, 2]
            along = (x * wx + y * wy + z * wz) / (wx * wx + wy * wy + wz * wz)
            if along > 1 or along < (NEAR_HIP if s % 2 == 0 else 0.0):
                continue
            place = min(max(along * BINS - 0.5, 0.0), BINS - 1.001)
            low = int(place)
            radius = radii[s, low] + (place - low) * (radii[s, low + 1] - radii[s, low]) + MARGIN_M
            if s % 2 == 0:  # sets in gradually below the hip
                radius *= min(0.5 + 0.5 * (along - NEAR_HIP) / 0.25, 1.0)
            x, y, z = x - along * wx, y - along * wy, z - along * wz
            away = np.sqrt(x * x + y * y + z * z)
            if 1e-6 < away < radius:
                more = free[v] * (radius / away - 1)
                points[v, 0] += more * x
                points[v, 1] += more * y
                points[v, 2] += more * z


@njit(error_model="numpy")
def _clear(points: Floats, free: Floats, pelvis: Floats, middle: Floats, trunk: Floats) -> None:
    """Move points out of the trunk, straight away from its axis: where thighs are lifted they come to lie before it."""
    scale = np.float32(len(trunk) / (2 * np.pi))
    for v in range(len(free)):
        if free[v] == 0:
            continue
        x, y, z = points[v, 0] - pelvis[0, 3], points[v, 1] - pelvis[1, 3], points[v, 2] - pelvis[2, 3]
        above = pelvis[0, 1] * x + pelvis[1, 1] * y + pelvis[2, 1] * z - middle[1]
        if above <= 0:
            continue
        side = pelvis[0, 0] * x + pelvis[1, 0] * y + pelvis[2, 0] * z - middle[0]
        front = pelvis[0, 2] * x + pelvis[1, 2] * y + pelvis[2, 2] * z - middle[2]
        away = np.sqrt(side * side + front * front)
        if away < 1e-6:
            continue
        place = np.arctan2(side, -front) * scale
        low = int(np.floor(place))
        one, two = trunk[low % len(trunk)], trunk[(low + 1) % len(trunk)]
        reach = one + (place - low) * (two - one)
        if away < reach:
            more = min(above / TRUNK_SOFT_M, np.float32(1)) * free[v] * (reach / away - 1)
            for a in range(3):
                points[v, a] += more * (pelvis[a, 0] * side + pelvis[a, 2] * front)


@njit(error_model="numpy")
def _average(points: Floats, free: Floats, neighbours: NDArray[np.int32]) -> None:
    """Half-way to the mean of the neighbours; at an edge of those along it."""
    before = points[: len(free)].copy()
    for v in range(len(free)):
        first = 0 if neighbours[v, 0] >= 0 and neighbours[v, 1] >= 0 else 2
        if free[v] == 0 or neighbours[v, 2] < 0 or neighbours[v, 3] < 0:
            continue
        part = np.float32(1) / np.float32(4 - first)
        for a in range(3):
            mean = np.float32(0)
            for k in range(first, 4):
                mean += part * before[neighbours[v, k], a]
            points[v, a] = before[v, a] + np.float32(0.5) * free[v] * (mean - before[v, a])
