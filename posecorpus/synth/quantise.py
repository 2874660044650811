"""Rasters as a sample stores them: millimetres, bytes and half floats, where there is a surface.

Compiled: people fill a tenth of a picture, and numpy passes over all of it several times.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.raster.jit import inline, kernel

MAX_DEPTH_MM = 65_535


def quantise_depth(depth: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Metres to whole millimetres. A surface stays a surface: from 1 to 65,535 mm, 0 only for none."""
    result = np.zeros(depth.shape, np.uint16)
    _depth(np.ascontiguousarray(depth, np.float32).reshape(-1), result.reshape(-1))
    return result


def quantise_normals(normals: NDArray[np.float32], surface: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Unit vectors to ``round(127.5 (n + 1))``, 0 0 0 where there is no surface."""
    result = np.zeros(normals.shape, np.uint8)
    flat = np.ascontiguousarray(normals, np.float32).reshape(-1, 3)
    _normals(flat, np.ascontiguousarray(surface).reshape(-1), result.reshape(-1, 3))
    return result


def quantise_flow(flow: NDArray[np.float32], surface: NDArray[np.bool_]) -> NDArray[np.float16]:
    """Pixels to float16 (to nearest, ties to even), zero where there is no surface: the background does not move."""
    result = np.zeros(flow.shape, np.float16)
    bits = np.ascontiguousarray(flow, np.float32).view(np.int32).reshape(-1, 2)
    _flow(bits, np.ascontiguousarray(surface).reshape(-1), result.view(np.uint16).reshape(-1, 2))
    return result


@kernel
def _depth(depth: NDArray[np.float32], result: NDArray[np.uint16]) -> None:
    for i in range(depth.shape[0]):
        if depth[i] > 0:
            millimetres = np.rint(depth[i] * np.float32(1000.0))
            result[i] = int(min(max(millimetres, np.float32(1)), np.float32(MAX_DEPTH_MM)))


@kernel
def _normals(normals: NDArray[np.float32], surface: NDArray[np.bool_], result: NDArray[np.uint8]) -> None:
    for i in range(surface.shape[0]):
        if surface[i]:
            for c in range(3):
                result[i, c] = int(np.rint(np.float32(127.5) * (normals[i, c] + np.float32(1.0))))


@inline
def _half(bits: int) -> int:
    """The bits of the half float nearest to the float32 with these bits; beyond its range, infinity."""
    sign, size = (bits >> 16) & 0x8000, bits & 0x7FFFFFFF
    if size >= 0x38800000:  # a normal half: round 13 bits off; what carries over raises the exponent
        rounded = (size - 0x38000000 + 0xFFF + ((size >> 13) & 1)) >> 13
        half = min(rounded, 0x7C00) if size <= 0x7F800000 else 0x7E00
    else:  # below 2^-14 a half counts in steps of 2^-24
        shift = min(126 - (size >> 23), 40)
        mantissa = (size & 0x7FFFFF) | 0x800000
        half = mantissa >> shift
        rest, middle = mantissa - (half << shift), 1 << (shift - 1)
        if rest > middle or (rest == middle and half & 1 == 1):
            half += 1
    return sign | half


@kernel
def _flow(flow: NDArray[np.int32], surface: NDArray[np.bool_], result: NDArray[np.uint16]) -> None:
    for i in range(surface.shape[0]):
        if surface[i]:
            result[i, 0] = _half(int(flow[i, 0]))
            result[i, 1] = _half(int(flow[i, 1]))
