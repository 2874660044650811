"""Compiled noise against the same sums in whole numbers and numpy: to the bit, corpora depend on it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from posecorpus.synth.appearance.noise import fold_relief, value_noise

MASK = 0xFFFFFFFF


def _hash(x: int, y: int, z: int, seed: int) -> float:
    h = ((x * 73856093) ^ (y * 19349663) ^ (z * 83492791) ^ (seed * 2654435761)) & MASK
    for _ in range(2):
        h = ((h ^ (h >> 16)) * 0x45D9F3B) & MASK
    return ((h ^ (h >> 16)) & 0xFFFF) / 65535.0


def _slow(point: np.ndarray, seed: int) -> np.float32:
    at = np.floor(point)
    f = point - at
    f = f * f * (3 - 2 * f)
    x, y, z = (int(v) for v in at)
    total = 0.0
    for dz, dy in itertools.product((0, 1), repeat=2):
        a, b = _hash(x, y + dy, z + dz, seed), _hash(x + 1, y + dy, z + dz, seed)
        total += (f[2] if dz else 1 - f[2]) * (f[1] if dy else 1 - f[1]) * (a + (b - a) * f[0])
    return np.float32(2 * total - 1)


@pytest.mark.parametrize("scale", [0.3, 40.0, 1e6])
def test_noise_is_the_sum_over_the_corners_of_its_cell(scale: float) -> None:
    points = np.random.default_rng(0).normal(size=(300, 3)) * scale
    points[0] = 0, -1, 2  # on the lattice
    for seed in (0, 7, 51):
        assert value_noise(points, seed).tolist() == [_slow(point, seed) for point in points]


def test_folds_are_two_octaves_in_bent_space() -> None:
    rng = np.random.default_rng(1)
    points, step = rng.normal(size=(500, 3)), rng.uniform(0, 0.01, (500, 3))

    def height(at: np.ndarray, seed: int) -> np.ndarray:
        bent = at + 0.05 * np.stack([value_noise(at * 5, seed + 20 + k) for k in range(3)], 1)
        narrow = 1 - np.abs(value_noise(bent * (19, 30, 19), seed + 40))
        return value_noise(bent * (11, 17, 11), seed) + 0.35 * narrow

    expected = height(points + step, 11) - height(points - step, 11)
    assert fold_relief(points, step, 11).tolist() == expected.tolist()
