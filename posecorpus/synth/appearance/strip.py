"""The strip below a worn texture: skirt, long hair and shoes, which cover no surface of the body's own.

Tiles lie side by side, their texture coordinates are u (0 to 1 from left to right) and v (1 at the top):

- skirt: u around it from the middle of the back, v from hem to waist;
- hair: u across the strands, v from ends to roots;
- shoe: u from heel to toe, v = 0 to SOLE_V the sole's edge, above it the upper, 1 at the instep.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.appearance.look import Look, record
from posecorpus.synth.appearance.noise import noise_tile
from posecorpus.synth.appearance.paint import paint_skirt

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


def paint_strip(look: Look, height: int, width: int) -> NDArray[np.uint8]:
    """(height, width, 3) uint8 sRGB of the three tiles."""
    noise, out = _noise(), np.empty((height, width, 3), np.uint8)
    edges = [round(width * share) for share in (0, SKIRT[1], HAIR[1], 1)]
    length = max(look.outfit.waist - look.fit.skirt_bottom, 0.1)
    paint_skirt(record(look), noise, np.float32(length), np.float32(SKIRT_AROUND_M), out[:, : edges[1]])
    out[:, edges[1] : edges[2]] = _hair(look, noise, height, edges[2] - edges[1])
    out[:, edges[2] :] = _shoe(look, noise, height, edges[3] - edges[2])
    return out


@lru_cache(maxsize=1)
def _noise() -> NDArray[np.uint8]:
    tile = noise_tile(77)
    tile.flags.writeable = False
    return tile


def _hair(look: Look, noise: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    strands = (noise[3, np.arange(width) * 5 % 256] / 128.0 - 1)[None]
    waves = noise[(np.arange(height) // 3 % 256)[:, None], np.arange(width)[None] * 3 % 256] / 128.0 - 1
    tone = 1 + look.face.strands * (strands + 0.5 * waves)
    return _bytes(np.array(look.face.hair) * tone[..., None])


def _shoe(look: Look, noise: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    o = look.outfit
    v = 1 - (np.arange(height)[:, None] + 0.5) / height
    u = (np.arange(width)[None] + 0.5) / width
    fine = noise[np.arange(height)[:, None] * 7 % 256, np.arange(width)[None] * 7 % 256] / 128.0 - 1
    tone = (1 + 0.06 * fine)[..., None]
    colours = np.broadcast_to(np.array(o.shoe), (height, width, 3)) * tone
    cap = (u > 0.8) | (u < 0.14)
    colours = np.where(cap[..., None] & (v > SOLE_V)[..., None], 0.88 * colours, colours)
    laced = (v > 0.86) & (u > 0.42) & (u < 0.72) & (np.floor(u * 36) % 2 == 0)
    colours = np.where(laced[..., None], np.array(o.lace), colours)
    return _bytes(np.where((v < SOLE_V)[..., None], np.array(o.sole) * tone, colours))


def _bytes(colours: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.round(colours), 0, 255), np.uint8)
