"""The developing kernel: bytes in, bytes out, one row after the other so that nothing leaves the cache."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.synth.raster.colour import ENCODE_STEPS, TO_LINEAR
from posecorpus.synth.raster.jit import inline, kernel

_f: Any = np.float32
_u: Any = np.uint64
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
QUANTILE_BITS = 12
_MASK = np.uint64((1 << QUANTILE_BITS) - 1)

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
_row = njit(
    error_model="numpy"
)  # functions of rows stay functions: several values at a time in each of their loops


@inline
def _mixed(z: Any) -> Any:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit of a counter changes every bit."""
    z = (z ^ (z >> _u(30))) * _FIRST
    z = (z ^ (z >> _u(27))) * _SECOND
    return z ^ (z >> _u(31))


@_row
def _light_row(pictures: Any, y: int, gains: F32, radius: int, row: F32) -> None:
    """Mean linear light of row ``y`` times the gain, its first and last pixel repeated ``radius`` times."""
    width = pictures.shape[2]
    inner = row[3 * radius : 3 * (radius + width)]
    line = pictures[0, y].reshape(-1)
    if pictures.shape[0] == 1:
        for i in range(3 * width):
            inner[i] = TO_LINEAR[line[i]] * gains[i]
    else:
        for i in range(3 * width):
            inner[i] = TO_LINEAR[line[i]]
        for n in range(1, pictures.shape[0]):
            line = pictures[n, y].reshape(-1)
            for i in range(3 * width):
                inner[i] += TO_LINEAR[line[i]]
        for i in range(3 * width):
            inner[i] *= gains[i]
    for k in range(radius):
        for c in range(3):
            row[3 * k + c] = inner[c]
            row[3 * (radius + width + k) + c] = inner[3 * (width - 1) + c]


@_row
def _blur_row(row: F32, taps: F32, out: F32) -> None:
    """Symmetric filter along a padded row; ``taps[k]`` weighs the neighbours ``k`` pixels away."""
    n, radius = len(out), len(taps) - 1
    middle = row[3 * radius : 3 * radius + n]
    for i in range(n):
        out[i] = taps[0] * middle[i]
    for k in range(1, radius + 1):
        left, right, tap = row[3 * (radius - k) :], row[3 * (radius + k) :], taps[k]
        for i in range(n):
            out[i] += tap * (left[i] + right[i])


@_row
def _blur_column(ring: F32, y: int, height: int, taps: F32, out: F32) -> None:
    """The same filter across rows, row ``y`` of the picture being row ``y % len(ring)`` of the ring."""
    n, rows = len(out), len(ring)
    middle = ring[y % rows]
    for i in range(n):
        out[i] = taps[0] * middle[i]
    for k in range(1, len(taps)):
        above, below, tap = ring[max(y - k, 0) % rows], ring[min(y + k, height - 1) % rows], taps[k]
        for i in range(n):
            out[i] += tap * (above[i] + below[i])


@_row
def _add_noise(row: F32, first: Any, read2: Any, shot2: Any, quantiles: F32, normal: F32) -> None:
    """Add normal noise of variance ``read2 + shot2 * light``; ``first`` is the counter of the first pixel."""
    width = len(row) // 3
    at = first * _GOLDEN
    for x in range(width):
        bits = _mixed(at)
        at += _GOLDEN
        normal[3 * x] = quantiles[bits & _MASK]
        normal[3 * x + 1] = quantiles[(bits >> _u(21)) & _MASK]
        normal[3 * x + 2] = quantiles[(bits >> _u(42)) & _MASK]
    for i in range(len(row)):
        row[i] += np.sqrt(read2 + shot2 * row[i]) * normal[i]


@_row
def _tone_row(row: F32, table: U8, index: NDArray[np.int32], out: U8) -> None:
    """Bytes of linear light, clipped to what the sensor holds."""
    for i in range(len(row)):
        light = min(max(row[i], _f(0)), _f(1))
        index[i] = np.int32(np.sqrt(light) * _f(ENCODE_STEPS) + _f(0.5))
    for i in range(len(row)):
        out[i] = table[np.uint32(index[i])]  # a signed one could count from the end


@kernel
def develop_rows(
    pictures: Any,
    gain: F32,
    taps: F32,
    read2: Any,
    shot2: Any,
    counter: Any,
    quantiles: F32,
    table: U8,
    out: U8,
) -> None:
    """Average, expose, blur, add noise, and encode.

    Args:
        pictures: (N, H, W, 3) uint8 sRGB.
        gain: (3,) factors of linear light.
        taps: (R + 1,) half of a symmetric filter that sums to one; R = 0 does nothing.
        read2, shot2: variances of linear light, float32; both zero: none.
        counter: uint64, of the first pixel's noise.
        quantiles: (4096,) of the standard normal distribution.
        table: (4097,) byte of linear light v at index ``rint(sqrt(v) * 4096)``.
        out: (H, W, 3), written in full.
    """
    height, width, radius = pictures.shape[1], pictures.shape[2], len(taps) - 1
    n = 3 * width
    gains = np.empty(n, np.float32)
    for i in range(n):
        gains[i] = gain[i % 3] * (_f(1) / _f(pictures.shape[0]))
    padded = np.empty(n + 6 * radius, np.float32)
    ring = np.empty((2 * radius + 1, n), np.float32)
    row, normal, index = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.int32)
    ready = 0
    for y in range(height):
        if radius == 0:
            _light_row(pictures, y, gains, 0, row)
        else:
            while ready <= min(y + radius, height - 1):
                _light_row(pictures, ready, gains, radius, padded)
                _blur_row(padded, taps, ring[ready % len(ring)])
                ready += 1
            _blur_column(ring, y, height, taps, row)
        if read2 > 0 or shot2 > 0:
            _add_noise(row, counter + _u(y * width), read2, shot2, quantiles, normal)
        _tone_row(row, table, index, out[y].reshape(-1))
