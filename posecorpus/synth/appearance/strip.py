"""The strip below a worn texture: skirt, long hair and shoes, which cover no surface of the body's own.

Tiles lie side by side, their texture coordinates are u (0 to 1 from left to right) and v (1 at the top):

- skirt: u around it from the middle of the back, v from hem to waist;
- hair: u across the strands, v from ends to roots;
- shoe: u from heel to toe, v = 0 to SOLE_V the sole's edge, above it the upper, 1 at the instep.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.synth.appearance.colours import RGB
from posecorpus.synth.appearance.look import Look, record
from posecorpus.synth.appearance.noise import noise_tile
from posecorpus.synth.appearance.paint import paint_skirt

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

SKIRT, HAIR, SHOE = (0.0, 0.5), (0.5, 0.75), (0.75, 1.0)
"""From where to where in the strip each tile is, as shares of its width."""
SOLE_V = 0.25
SKIRT_AROUND_M = 1.2
INSET = 0.03
"""Texture coordinates keep this share of a tile away from its edges, so that tiles do not mix."""


def strip_height(size: int) -> int:
    """Rows of the strip below a body's texture of ``size`` texels."""
    return size // 4


def body_uv(ratio: float) -> tuple[float, float, float, float]:
    """Origin and scale of u and of v that take the body's layout to a texture of height ``ratio`` times its width."""
    return 0.0, 1.0, 1 - 1 / ratio, 1 / ratio


def tile_uv(which: tuple[float, float], ratio: float) -> tuple[float, float, float, float]:
    """The same for coordinates within a tile."""
    low, high = which
    inner, share = 1 - 2 * INSET, (ratio - 1) / ratio
    return low + (high - low) * INSET, (high - low) * inner, share * INSET, share * inner


def paint_strip(look: Look, out: NDArray[np.uint8]) -> None:
    """Paint the three tiles into (height, width, 3) uint8 sRGB; what is not worn is left in its plain colour."""
    noise, width = _noise(), out.shape[1]
    edges = [round(width * share) for share in (0, SKIRT[1], HAIR[1], 1)]
    skirt, hair, shoe = (out[:, start:end] for start, end in pairwise(edges))
    o, face = look.outfit, look.face
    if look.skirted:
        length = max(o.waist - look.fit.skirt_bottom, 0.1)
        paint_skirt(record(look), noise, np.float32(length), np.float32(SKIRT_AROUND_M), skirt)
    else:
        _fill(skirt, o.bottom.base)
    if look.long_haired:
        _paint_hair(np.array(face.hair), float(face.strands), noise, hair)
    else:
        _fill(hair, face.hair)
    leather, sole, lace = (np.array(colour, np.float64) for colour in (o.shoe, o.sole, o.lace))
    _paint_shoe(leather, sole, lace, noise, shoe)


def _fill(tile: U8, colour: RGB) -> None:
    """One colour; a row at a time, as numpy copies rows much faster than single texels."""
    tile[0] = np.array(colour).astype(np.uint8)
    tile[1:] = tile[0]


@lru_cache(maxsize=1)
def _noise() -> NDArray[np.uint8]:
    tile = noise_tile(77)
    tile.flags.writeable = False
    return tile


@njit(cache=True, nogil=True, error_model="numpy")
def _paint_hair(colour: F64, strands: float, noise: U8, out: U8) -> None:
    """Strands down the tile, of a tone that drifts along them: every third row, and two copies below it."""
    height, width = out.shape[0], out.shape[1]
    for row in range(height):
        if row % 3 > 0:
            out[row] = out[row - 1]
            continue
        wave = noise[(row // 3) & 255]
        for column in range(width):
            strand = noise[3, (5 * column) & 255] / 128.0 - 1
            tone = 1 + strands * (strand + 0.5 * (wave[(3 * column) & 255] / 128.0 - 1))
            for c in range(3):
                out[row, column, c] = _byte(colour[c] * tone)


@njit(cache=True, nogil=True, error_model="numpy")
def _paint_shoe(shoe: F64, sole: F64, lace: F64, noise: U8, out: U8) -> None:
    """A sole's edge below an upper with caps at heel and toe, and laces."""
    height, width = out.shape[0], out.shape[1]
    tones = 1 + 0.06 * (np.arange(256) / 128.0 - 1)
    capped, laced = np.ones(width), np.zeros(width, np.bool_)
    for column in range(width):
        u = (column + 0.5) / width
        if u > 0.8 or u < 0.14:
            capped[column] = 0.88
        laced[column] = 0.42 < u < 0.72 and int(u * 36) % 2 == 0
    for row in range(height):
        v = 1 - (row + 0.5) / height
        grain = noise[(7 * row) & 255]
        for column in range(width):
            tone = tones[grain[(7 * column) & 255]]
            colour = shoe
            if v < SOLE_V:
                colour = sole
            elif v > 0.86 and laced[column]:
                colour, tone = lace, 1.0
            else:
                tone *= capped[column]
            for c in range(3):
                out[row, column, c] = _byte(colour[c] * tone)


@njit(inline="always", error_model="numpy")
def _byte(value: float) -> int:
    return int(min(max(value, 0.0), 255.0) + 0.5)
