"""Mip levels of a texture, and their one-block layout that the shading kernel reads.

Every level is a box filter of the one before, in linear light, so that a texture seen from afar has the
mean colour of what it shows. All levels are views of ONE contiguous block of bytes: the renderer finds
that block again without a copy (:func:`pack`).
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.synth.raster.colour import ENCODE_STEPS, TO_LINEAR, TO_SRGB
from posecorpus.synth.raster.jit import kernel
from posecorpus.synth.scene import Texture

MAX_SIDE = 8192


@kernel
def _halve_even(source: NDArray[np.uint8], target: NDArray[np.uint8]) -> None:
    """What :func:`_halve` does, to the same bytes, where both sides are even; (2h, 6w) into (h, 3w), in runs of
    equal work."""
    rows, width = target.shape
    light, step = np.empty(width, np.float32), np.empty(width, np.uint16)
    for i in range(rows):
        top, low, out = source[2 * i], source[2 * i + 1], target[i]
        for j in range(width // 3):
            for c in range(3):
                # Unsigned: no check for indices that count from the end.
                to, left, right = np.uint64(3 * j + c), np.uint64(6 * j + c), np.uint64(6 * j + c + 3)
                light[to] = (TO_LINEAR[top[left]] + TO_LINEAR[top[right]]) + (
                    TO_LINEAR[low[left]] + TO_LINEAR[low[right]]
                )
        for k in range(width):
            root = np.sqrt(light[k] * np.float32(0.25))
            step[k] = np.uint16(np.int32(root * np.float32(ENCODE_STEPS) + np.float32(0.5)))
        for k in range(width):
            out[k] = TO_SRGB[step[k]]


@kernel
def _halve(source: NDArray[np.uint8], target: NDArray[np.uint8]) -> None:
    """Box-filter ``source`` (H, W, 3) into ``target`` (max(1, H // 2), max(1, W // 2), 3).

    An odd side is filtered by the polyphase box: three taps whose weights change along the side, so
    that every source texel counts the same.
    """
    height, width = source.shape[0], source.shape[1]
    rows, columns = target.shape[0], target.shape[1]
    for i in range(rows):
        y0 = min(2 * i, height - 1)
        y1, y2 = min(y0 + 1, height - 1), min(y0 + 2, height - 1)
        if height % 2 == 0 or height == 1:
            v0, v1, v2 = np.float32(0.5), np.float32(0.5), np.float32(0.0)
        else:
            v0, v1 = np.float32((rows - i) / height), np.float32(rows / height)
            v2 = np.float32((i + 1) / height)
        for j in range(columns):
            x0 = min(2 * j, width - 1)
            x1, x2 = min(x0 + 1, width - 1), min(x0 + 2, width - 1)
            if width % 2 == 0 or width == 1:
                u0, u1, u2 = np.float32(0.5), np.float32(0.5), np.float32(0.0)
            else:
                u0, u1 = np.float32((columns - j) / width), np.float32(columns / width)
                u2 = np.float32((j + 1) / width)
            for c in range(3):
                top = u0 * TO_LINEAR[source[y0, x0, c]] + u1 * TO_LINEAR[source[y0, x1, c]]
                mid = u0 * TO_LINEAR[source[y1, x0, c]] + u1 * TO_LINEAR[source[y1, x1, c]]
                if u2 > 0:
                    top += u2 * TO_LINEAR[source[y0, x2, c]]
                    mid += u2 * TO_LINEAR[source[y1, x2, c]]
                value = v0 * top + v1 * mid
                if v2 > 0:
                    low = u0 * TO_LINEAR[source[y2, x0, c]] + u1 * TO_LINEAR[source[y2, x1, c]]
                    if u2 > 0:
                        low += u2 * TO_LINEAR[source[y2, x2, c]]
                    value += v2 * low
                index = int(np.sqrt(min(value, np.float32(1.0))) * ENCODE_STEPS + np.float32(0.5))
                target[i, j, c] = TO_SRGB[index]


def level_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """(height, width) of every mip level down to 1x1: each side is halved, rounding down."""
    sizes = [(height, width)]
    while sizes[-1] != (1, 1):
        sizes.append((max(1, sizes[-1][0] // 2), max(1, sizes[-1][1] // 2)))
    return sizes


def build_texture(level0: NDArray[np.uint8]) -> Texture:
    """A texture with all its mip levels.

    Args:
        level0: (H, W, 3) uint8 sRGB picture, first row at the top (v = 1), sides up to 8192; copied.

    Raises:
        InputError: on any other shape or type.
    """
    picture = np.asarray(level0)
    if (
        picture.dtype != np.uint8
        or picture.ndim != 3
        or picture.shape[2] != 3
        or not all(1 <= side <= MAX_SIDE for side in picture.shape[:2])
    ):
        raise InputError(
            "texture", f"(H, W, 3) uint8, sides 1 to {MAX_SIDE}", f"{picture.shape} {picture.dtype}"
        )
    texture = blank_texture(picture.shape[0], picture.shape[1])
    texture.levels[0][:] = picture
    fill_levels(texture)
    return texture


def blank_texture(height: int, width: int) -> Texture:
    """A texture whose levels lie in one block and have yet to be written: level 0 by whoever paints it, the others
    by :func:`fill_levels`."""
    sizes = level_sizes(height, width)
    ends = list(itertools.accumulate(3 * h * w for h, w in sizes))
    block = np.empty(ends[-1], dtype=np.uint8)
    return Texture(
        tuple(block[end - 3 * h * w : end].reshape(h, w, 3) for (h, w), end in zip(sizes, ends, strict=True))
    )


def fill_levels(texture: Texture) -> None:
    """Write every level of a :func:`blank_texture` but level 0, each from the one before."""
    for source, target in itertools.pairwise(texture.levels):
        (height, width, _), (rows, columns, _) = source.shape, target.shape
        if height == 2 * rows and width == 2 * columns:
            _halve_even(source.reshape(height, 3 * width), target.reshape(rows, 3 * columns))
        else:
            _halve(source, target)


def pack(texture: Texture) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The block of all levels and its table.

    Returns:
        the bytes (no copy if :func:`build_texture` made the levels), and (L, 3) int64 rows of
        (first byte, height, width) per level.
    """
    rows, start = [], 0
    for level in texture.levels:
        rows.append((start, level.shape[0], level.shape[1]))
        start += level.size
    table = np.array(rows, dtype=np.int64)
    block = _common_block(texture, start)
    if block is None:
        block = np.concatenate([np.ascontiguousarray(level).reshape(-1) for level in texture.levels])
    return block, table


def _common_block(texture: Texture, size: int) -> NDArray[np.uint8] | None:
    """The array that all levels are consecutive views of, if there is one."""
    block = texture.levels[0].base
    if not isinstance(block, np.ndarray) or block.shape != (size,) or block.dtype != np.uint8:
        return None
    first, last = texture.levels[0], texture.levels[-1]
    ends = _address(first) == _address(block) and _address(last) == _address(block) + size - last.size
    # Views of one block whose sizes add up to it, shrinking from its start to its end: consecutive.
    whole = all(level.base is block and level.flags.c_contiguous for level in texture.levels)
    return block if ends and whole else None


def _address(array: NDArray[np.uint8]) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
