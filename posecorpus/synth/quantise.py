"""Rasters as a sample stores them: millimetres, bytes and half floats, where there is a surface.

Compiled, in one pass: people fill a tenth of a picture, and numpy passes over all of it several times.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.raster.jit import inline, kernel
from posecorpus.synth.scene import Frame

MAX_DEPTH_MM = 65_535


def quantise(frame: Frame) -> tuple[NDArray[np.uint16], NDArray[np.uint8], NDArray[np.float16]]:
    """Depth, normals and flow of a frame; all zero where its depth says that there is no surface.

    Returns:
        (H, W) whole millimetres: a surface stays one, from 1 to 65,535 mm; (H, W, 3) ``round(127.5 (n + 1))``;
        (H, W, 2) pixels, to the nearest half float, ties to even.
    """
    depth = np.zeros(frame.depth.shape, np.uint16)
    normals = np.zeros(frame.normals.shape, np.uint8)
    flow = np.zeros(frame.flow.shape, np.float16)
    _quantise(
        np.ascontiguousarray(frame.depth, np.float32).reshape(-1),
        np.ascontiguousarray(frame.normals, np.float32).reshape(-1, 3),
        np.ascontiguousarray(frame.flow, np.float32).view(np.int32).reshape(-1, 2),
        depth.reshape(-1),
        normals.reshape(-1, 3),
        flow.view(np.uint16).reshape(-1, 2),
    )
    return depth, normals, flow


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
def _quantise(
    depth: NDArray[np.float32],
    normals: NDArray[np.float32],
    flow_bits: NDArray[np.int32],
    millimetres: NDArray[np.uint16],
    levels: NDArray[np.uint8],
    halves: NDArray[np.uint16],
) -> None:
    for i in range(depth.shape[0]):
        if depth[i] > 0:
            rounded = np.rint(depth[i] * np.float32(1000.0))
            millimetres[i] = int(min(max(rounded, np.float32(1)), np.float32(MAX_DEPTH_MM)))
            for c in range(3):
                levels[i, c] = int(np.rint(np.float32(127.5) * (normals[i, c] + np.float32(1.0))))
            for c in range(2):
                halves[i, c] = _half(int(flow_bits[i, c]))
