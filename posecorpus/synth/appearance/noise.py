"""Value noise: smooth random fields that cost a table look-up or eight hashes a point."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

TILE = 256
"""Side of the periodic picture of :func:`noise_tile`, a power of two."""


def value_noise(points: NDArray[np.floating], seed: int) -> NDArray[np.float32]:
    """Smooth noise in [-1, 1] with features of about one unit.

    Args:
        points: (N, 3) positions in units of the feature size.
        seed: fields of different seeds are independent.

    Returns:
        (N,) float32.
    """
    return _value_noise(np.ascontiguousarray(points, dtype=np.float64), np.uint32(seed))


@njit(cache=True)
def _hash(x: int, y: int, z: int, seed: np.uint32) -> float:
    # Wang-style avalanche on 32 bits; the masks keep numba's integers from growing signed.
    h = (x * 73856093) ^ (y * 19349663) ^ (z * 83492791) ^ (np.int64(seed) * 2654435761)
    h &= 0xFFFFFFFF
    h = ((h ^ (h >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    h = ((h ^ (h >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    return ((h ^ (h >> 16)) & 0xFFFF) / 65535.0


@njit(cache=True)
def _value_noise(points: NDArray[np.float64], seed: np.uint32) -> NDArray[np.float32]:
    out = np.empty(points.shape[0], np.float32)
    for n in range(points.shape[0]):
        ix, iy, iz = (
            int(np.floor(points[n, 0])),
            int(np.floor(points[n, 1])),
            int(np.floor(points[n, 2])),
        )
        fx, fy, fz = points[n, 0] - ix, points[n, 1] - iy, points[n, 2] - iz
        fx, fy, fz = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy), fz * fz * (3 - 2 * fz)
        total = 0.0
        for dz in range(2):
            wz = fz if dz else 1 - fz
            for dy in range(2):
                wy = fy if dy else 1 - fy
                a, b = _hash(ix, iy + dy, iz + dz, seed), _hash(ix + 1, iy + dy, iz + dz, seed)
                total += wz * wy * (a + (b - a) * fx)
        out[n] = 2 * total - 1
    return out


def noise_tile(seed: int, cells: tuple[int, ...] = (16, 32, 64, 128)) -> NDArray[np.uint8]:
    """A periodic (TILE, TILE) picture of fractal noise, mean 128, for look-ups in texture kernels.

    Args:
        seed: which picture.
        cells: lattice cells per side of each octave; each weighs 0.6 of the one before.
    """
    rng = np.random.default_rng([seed, 0x7011])
    total = np.zeros((TILE, TILE))
    for octave, n in enumerate(cells):
        lattice = rng.uniform(-1, 1, (n, n))
        at = np.arange(TILE) * (n / TILE)
        low = at.astype(np.intp)
        f = at - low
        f = f * f * (3 - 2 * f)
        high = (low + 1) % n
        rows = lattice[low] * (1 - f)[:, None] + lattice[high] * f[:, None]
        total += 0.6**octave * (rows[:, low] * (1 - f) + rows[:, high] * f)
    total -= total.mean()
    return np.asarray(np.clip(128 + total * (42 / total.std()), 0, 255), np.uint8)
