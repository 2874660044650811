"""Painting a prop's texture: one tile for each of its materials."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.appearance.noise import TILE, noise_tile
from posecorpus.synth.props.materials import (
    CARTON,
    FABRIC,
    LABEL,
    LEAF,
    METAL,
    PANES,
    SCREEN,
    SEAMS,
    SEGMENTS,
    STONE,
    WOOD,
    Material,
    record,
)
from posecorpus.synth.raster.jit import inline, kernel
from posecorpus.synth.raster.mipmap import build_texture
from posecorpus.synth.scene import Texture

SIDE = 128
"""Texels along the side of a texture: one tile, or two by two."""
MARGIN = 2
"""Texels along a tile's border that nothing shows, so that blurred levels do not mix materials at once."""

_f: Any = np.float32
_MASK = TILE - 1
Colour = tuple[Any, Any, Any]


def grid(count: int) -> int:
    """How many tiles lie side by side in the texture of so many materials."""
    return 1 if count == 1 else 2


def to_texture(uv: NDArray[np.float64], tile: int, count: int) -> NDArray[np.float32]:
    """Places (..., 2) within a tile to places in the whole texture; its first tile is at the bottom left."""
    side = grid(count)
    share = MARGIN * side / SIDE
    inner = share + uv * (1 - 2 * share)
    return np.asarray((inner + (tile % side, tile // side)) / side, np.float32)


def paint_texture(materials: tuple[Material, ...], seed: int) -> Texture:
    """The tiles of up to four materials, with mip levels."""
    out = np.full((SIDE, SIDE, 3), 128, np.uint8)
    _paint(record(materials), _noise(), seed & 0xFFFF, SIDE // grid(len(materials)), out)
    return build_texture(out)


@lru_cache(maxsize=1)
def _noise() -> NDArray[np.uint8]:
    return noise_tile(0)


@inline
def _look(noise: Any, u: Any, v: Any) -> Any:
    """Noise in [-1, 1], nearest neighbour."""
    return (_f(noise[np.int32(np.floor(v)) & _MASK, np.int32(np.floor(u)) & _MASK]) - _f(128)) * _f(1 / 128)


@inline
def _mix(one: Colour, other: Colour, share: Any) -> Colour:
    return (
        one[0] + (other[0] - one[0]) * share,
        one[1] + (other[1] - one[1]) * share,
        one[2] + (other[2] - one[2]) * share,
    )


@inline
def _frac(x: Any) -> Any:
    return x - np.floor(x)


@inline
def _band(x: Any, period: Any, duty: Any, soft: Any) -> Any:
    """1 within a share ``duty`` of each period, edges ``soft`` tiles wide."""
    d = abs(_frac(x / period) - _f(0.5)) * period
    return min(max((_f(0.5) * duty * period - d) / soft + _f(0.5), _f(0)), _f(1))


@inline
def _pattern(
    kind: Any, m: Any, u: Any, v: Any, coarse: Any, fine: Any, soft: Any, noise: Any, o: Any
) -> Colour:
    base, second, third = (m[1], m[2], m[3]), (m[4], m[5], m[6]), (m[7], m[8], m[9])
    period, duty = m[10], m[11]
    if kind == WOOD:  # boards of slightly different tones, pores stretched along them
        board = np.floor(u / period + duty)
        tone = _f(0.5) + _f(0.5) * _look(noise, board * _f(37) + o, board * _f(11))
        warp = _look(noise, u * _f(60) + o, v * _f(9) + board * _f(29))
        ring = _f(0.5) + _f(0.5) * np.sin((u / period * _f(3) + warp) * _f(2 * np.pi))
        grain = _look(noise, u * _f(420) + o, v * _f(22) + board * _f(29))
        colour = _mix(base, second, _f(0.6) * tone + _f(0.25) * ring)
        colour = _mix(colour, third, max(grain - _f(0.1), _f(0)) * _f(0.4))
        return _mix(
            colour, third, _f(0.8) * _band(u + (duty - _f(0.5)) * period, period, _f(0.04), soft * _f(0.7))
        )
    if kind == METAL:  # a highlight and a dark reflection along the length
        wave = np.sin((u / period + duty) * _f(2 * np.pi))
        return _mix(base, second if wave > 0 else third, _f(0.4) * wave * wave)
    if kind == FABRIC:
        if duty == 0:
            return base
        rows, columns = _band(v, period, _f(0.5), soft), _band(u, period, _f(0.5), soft)
        if duty > _f(0.5):
            return _mix(base, second, _f(0.45) * (rows + columns))
        return _mix(base, second, _band(u, period, duty, soft))
    if kind == LEAF:
        rib = max(_f(1) - abs(u - _f(0.5)) / (_f(0.03) + _f(0.03) * (_f(1) - v)), _f(0))
        vein = _band(v - _f(0.35) * abs(u - _f(0.5)), period, duty, soft)
        colour = _mix(base, second, max(rib, _f(0.5) * vein))
        return _mix(colour, third, _f(0.6) * abs(u - _f(0.5)) + _f(0.3) * (_f(1) - v))
    if kind == STONE:
        colour = _mix(base, second, min(max((coarse + fine - _f(0.25)) * _f(1.6), _f(0)), _f(1)))
        return _mix(colour, third, min(max((fine - _f(0.9) + duty) * _f(2), _f(0)), _f(0.7)))
    if kind == CARTON:
        colour = _mix(base, second, _f(0.35) * _band(u, _f(0.018), _f(0.5), soft))
        tape = _band(u, _f(1), _f(0.14), soft)
        colour = _mix(colour, (_f(205), _f(180), _f(140)), _f(0.7) * tape)
        inside = (abs(u - _f(0.72)) < _f(0.16)) and (abs(v - _f(0.25) - _f(0.4) * duty) < _f(0.09))
        if inside:
            colour = _mix(colour, third, _f(0.85) * _band(v + _f(0.01) * fine, _f(0.06), _f(0.55), soft))
        return colour
    if kind == SEGMENTS:
        if v < _f(0.05) or v > _f(0.95):
            return third
        sector = np.int32(np.floor(u / period))
        return base if sector % 2 == 0 else (second if sector % 4 == 1 else third)
    if kind == SEAMS:
        wave = _f(0.12) * np.sin(u * _f(4 * np.pi))
        line = max(_band(u, period, duty, soft), _band(v + _f(0.25), _f(0.5), duty * _f(0.5), soft))
        line = max(line, _band(v + wave, _f(0.5), duty * _f(0.4), soft))
        return _mix(base, second, line)
    if kind == LABEL:
        on = _band(v - _f(0.4) + _f(0.5), _f(1), duty, soft)
        text = _band(v + _f(0.004) * fine, period, _f(0.4), soft) * _band(u, _f(0.25), _f(0.7), soft)
        return _mix(base, _mix(second, third, text), on)
    if kind == SCREEN:
        inside = _band(u - _f(0.5) + _f(0.5), _f(1), duty, soft) * _band(v, _f(1), duty, soft)
        return _mix(base, _mix(second, third, _f(0.6) * _band(v, period, _f(0.5), soft)), inside)
    if kind == PANES:
        sector = np.int32(np.floor(u / period))
        colour = base if sector % 2 == 0 else second
        return _mix(colour, third, _f(0.5) * _band(u + _f(0.5) * period, period, _f(0.06), soft))
    return base


@kernel
def _paint(materials: Any, noise: Any, offset: int, side: int, out: NDArray[np.uint8]) -> None:
    """Paint material ``k`` into the tile at column ``k % 2`` and row ``k // 2`` from the BOTTOM."""
    soft = _f(1.5) / _f(side)
    tall = out.shape[0]
    for k in range(materials.shape[0]):
        m = materials[k]
        kind, rough, blotch = np.int32(m[0]), m[12], m[13]
        o = _f(offset % 251 + 67 * k)
        left, bottom = (k % 2) * side, (k // 2) * side
        for j in range(side):
            v = (_f(j) + _f(0.5)) / _f(side)
            for i in range(side):
                u = (_f(i) + _f(0.5)) / _f(side)
                coarse = _look(noise, u * _f(44) + o, v * _f(44) + o)
                fine = _look(noise, u * _f(251) + o, v * _f(241))
                colour = _pattern(kind, m, u, v, coarse, fine, soft, noise, o)
                shade = _f(1) + blotch * coarse + rough * fine
                y, x = tall - 1 - bottom - j, left + i
                for c in range(3):
                    out[y, x, c] = np.uint8(min(max(colour[c] * shade, _f(0)), _f(255)) + _f(0.5))
