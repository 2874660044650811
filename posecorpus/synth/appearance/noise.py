"""Value noise: smooth random fields that cost a table look-up or eight hashes a point."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

TILE = 256
"""Side of the periodic picture of :func:`noise_tile`, a power of two."""


def value_noise(points: NDArray[np.floating], seed: int) -> NDArray[np.float32]:
    """Smooth noise in [-1, 1] with features of about one unit.

    Args:
        points: (N, 3) positions in units of the feature size, less than 2^31 from the origin.
        seed: fields of different seeds are independent.

    Returns:
        (N,) float32.
    """
    x, y, z = np.array(np.transpose(points), dtype=np.float64, order="C")
    out = np.empty(len(x), np.float32)
    _value_noise(x, y, z, np.uint32(seed), out)
    return out


def fold_relief(points: NDArray[np.floating], step: NDArray[np.floating], seed: int) -> NDArray[np.float32]:
    """How the height of a cloth's folds changes from ``points - step`` to ``points + step``.

    Folds are two octaves of value noise, wider than they are high, in a space that noise bends.

    Args:
        points, step: (N, 3) metres.
        seed: of the folds.

    Returns:
        (N,) float32.
    """
    x, y, z = np.array(np.transpose(points), dtype=np.float64, order="C")
    dx, dy, dz = np.array(np.transpose(step), dtype=np.float64, order="C")
    out = np.empty(len(x), np.float32)
    _fold_relief(x, y, z, dx, dy, dz, seed, out)
    return out


@njit(inline="always")
def _salt(seed: Any) -> Any:
    return np.uint32(np.uint32(seed) * np.uint32(2654435761))


@njit(inline="always")
def _hash(h: Any) -> float:
    """A Wang-style avalanche on 32 bits, to [0, 1]. In 32 bits throughout, or nothing is vectorised."""
    h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x45D9F3B))
    h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x45D9F3B))
    return np.int32((h ^ (h >> np.uint32(16))) & np.uint32(0xFFFF)) / 65535.0


@njit(inline="always")
def _noise_at(x: float, y: float, z: float, salt: Any) -> Any:
    gx, gy, gz = np.floor(x), np.floor(y), np.floor(z)
    fx, fy, fz = x - gx, y - gy, z - gz
    fx, fy, fz = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy), fz * fz * (3 - 2 * fz)
    x0 = np.uint32(np.uint32(np.int32(gx)) * np.uint32(73856093))
    y0 = np.uint32(np.uint32(np.int32(gy)) * np.uint32(19349663))
    z0 = np.uint32(np.uint32(np.int32(gz)) * np.uint32(83492791))
    x1, y1, z1 = (
        np.uint32(x0 + np.uint32(73856093)),
        np.uint32(y0 + np.uint32(19349663)),
        np.uint32(z0 + np.uint32(83492791)),
    )
    z0, z1 = z0 ^ salt, z1 ^ salt
    a, b = _hash(x0 ^ y0 ^ z0), _hash(x1 ^ y0 ^ z0)
    total = (1 - fz) * (1 - fy) * (a + (b - a) * fx)
    a, b = _hash(x0 ^ y1 ^ z0), _hash(x1 ^ y1 ^ z0)
    total += (1 - fz) * fy * (a + (b - a) * fx)
    a, b = _hash(x0 ^ y0 ^ z1), _hash(x1 ^ y0 ^ z1)
    total += fz * (1 - fy) * (a + (b - a) * fx)
    a, b = _hash(x0 ^ y1 ^ z1), _hash(x1 ^ y1 ^ z1)
    total += fz * fy * (a + (b - a) * fx)
    return np.float32(2 * total - 1)


@njit(inline="always")
def _fold_at(x: float, y: float, z: float, salts: Any) -> Any:
    swing = np.float32(0.05)
    u = x + swing * _noise_at(x * 5, y * 5, z * 5, salts[0])
    v = y + swing * _noise_at(x * 5, y * 5, z * 5, salts[1])
    w = z + swing * _noise_at(x * 5, y * 5, z * 5, salts[2])
    narrow = np.float32(1) - abs(_noise_at(u * 19, v * 30, w * 19, salts[4]))
    return _noise_at(u * 11, v * 17, w * 11, salts[3]) + np.float32(0.35) * narrow


@njit(cache=True, error_model="numpy")
def _value_noise(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    z: NDArray[np.float64],
    seed: np.uint32,
    out: NDArray[np.float32],
) -> None:
    salt = _salt(seed)
    for n in range(out.shape[0]):
        out[n] = _noise_at(x[n], y[n], z[n], salt)


@njit(cache=True, error_model="numpy")
def _fold_relief(
    x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64],
    dx: NDArray[np.float64], dy: NDArray[np.float64], dz: NDArray[np.float64],
    seed: int, out: NDArray[np.float32],
) -> None:  # fmt: skip
    salts = (_salt(seed + 20), _salt(seed + 21), _salt(seed + 22), _salt(seed), _salt(seed + 40))
    for n in range(out.shape[0]):
        out[n] = _fold_at(x[n] + dx[n], y[n] + dy[n], z[n] + dz[n], salts)
    for n in range(out.shape[0]):
        out[n] -= _fold_at(x[n] - dx[n], y[n] - dy[n], z[n] - dz[n], salts)


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
