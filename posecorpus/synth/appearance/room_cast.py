"""The kernels that cast rays into a room: what its surfaces look like and how they are lit.

They sit in one file because numba's cache of a kernel notices changes of the kernel's own file only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.synth.appearance.colours import RGB
from posecorpus.synth.appearance.noise import noise_tile
from posecorpus.synth.appearance.room_plan import (
    BOOKS,
    BRICK,
    CARPET,
    CEILING,
    CHECKER,
    DOOR,
    FLOOR,
    LAMP,
    PICTURE,
    PLAIN,
    PLANKS,
    RUG,
    TILES,
    WAINSCOT,
    WALL_X0,
    WALL_Z0,
    WALLPAPER,
    WINDOW,
)
from posecorpus.synth.raster.jit import tight_kernel

_Record = Any  # a numba record of a structured array
_f: Any = np.float32  # kernels count in single precision; Any, as numba does the typing
_Float = Any  # float32 when compiled
_helper = njit(error_model="numpy")
# Compiled in as constants: an array that is handed from helper to helper is counted at every call.
# One row and one column more than the period: a neighbour is found by adding.
_SMOOTH = np.pad(noise_tile(1), (0, 1), mode="wrap").ravel()
_ROW = np.uint64(257)
FURNITURE = 6
"""Beside the surfaces, FLOOR ... WALL_Z1."""
_GRAIN = np.random.default_rng(2).normal(0, 32, 1 << 16).clip(-127, 127).astype(np.int8)


@_helper
def _below(edge: _Float, at: _Float, sharp: _Float) -> _Float:
    """1 where ``at`` is below ``edge``, 0 above, a ramp of width ``1 / sharp`` between."""
    return min(max((edge - at) * sharp + _f(0.5), _f(0)), _f(1))


@_helper
def _rgb(field: _Record) -> RGB:
    return field.r, field.g, field.b


@_helper
def _mix(one: RGB, other: RGB, share: _Float) -> RGB:
    return (
        one[0] + (other[0] - one[0]) * share,
        one[1] + (other[1] - one[1]) * share,
        one[2] + (other[2] - one[2]) * share,
    )


@_helper
def _times(colour: RGB, factor: _Float) -> RGB:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


@_helper
def _noise(u: _Float, v: _Float) -> _Float:
    """Bilinear look-up in [-1, 1]; u, v in texels, any value. Counts in 1/256 of a texel."""
    i, j = np.int64(u * _f(256)), np.int64(v * _f(256))
    x, y = i & 255, j & 255
    at = np.uint64((j >> 8) & 255) * _ROW + np.uint64((i >> 8) & 255)
    a, b = np.int64(_SMOOTH[at]), np.int64(_SMOOTH[at + np.uint64(1)])
    c, d = np.int64(_SMOOTH[at + _ROW]), np.int64(_SMOOTH[at + _ROW + np.uint64(1)])
    top, low = (a << 8) + (b - a) * x, (c << 8) + (d - c) * x
    return _f((top << 8) + (low - top) * y - (128 << 16)) * _f(1 / (128 << 16))


@_helper
def _speck(u: _Float, v: _Float) -> _Float:
    """The nearest texel, in [-1, 1]: for noise that is finer than pixels."""
    at = np.uint64(np.int64(v) & 255) * _ROW + np.uint64(np.int64(u) & 255)
    return (_f(_SMOOTH[at]) - _f(128)) * _f(1 / 128)


@_helper
def _fine(u: _Float, v: _Float, texels: _Float) -> _Float:
    """Noise for a pixel this many texels wide."""
    return _speck(u, v) if texels > _f(1) else _noise(u, v)


@_helper
def _cell(i: _Float, j: _Float) -> _Float:
    """A number in [0, 1] for a cell of a lattice."""
    a, b = np.int64(i), np.int64(j)
    row, column = (a * 37 + b * 101 + 11) & 255, (a * 59 + b * 17 + 5) & 255
    return _f(_SMOOTH[np.uint64(row) * _ROW + np.uint64(column)]) * _f(1 / 255)


@_helper
def _line(t: _Float, period: _Float, half_width: _Float, sharp: _Float) -> _Float:
    """1 on lines where ``t`` periods are whole, fading out where they are finer than the footprint."""
    away = (_f(0.5) - abs(t - np.floor(t) - _f(0.5))) * period
    return _below(half_width, away, sharp) * min(_f(1), half_width * _f(4) * sharp)


@_helper
def _material(s: _Record, u: _Float, v: _Float, soft: _Float, sharp: _Float) -> RGB:
    one = _rgb(s.one)
    fade = min(_f(0.012) * sharp, _f(1))  # fine grain vanishes with distance
    if s.material == PLAIN:
        grain = _noise(u * _f(20), v * _f(20)) + fade * _fine(u * _f(170), v * _f(170), soft * _f(170))
        return _times(one, _f(1) + s.grain * grain)
    if s.material == CARPET:
        n = fade * _fine(u * _f(400), v * _f(400), soft * _f(400)) + _f(0.5) * _noise(u * _f(30), v * _f(30))
        return _times(one, _f(1) + s.grain * n)
    two = _rgb(s.two)
    size, per_size = s.size, _f(1) / s.size
    across, up = u * per_size, v * per_size
    if s.material == PLANKS:
        row = np.floor(across)
        length = size * _f(9)
        shift = up * _f(1 / 9) + _cell(row, _f(3))
        board = np.floor(shift)
        tone = _f(0.86) + _f(0.28) * _cell(row, board)
        grain = _noise(u * _f(300) + board * _f(31), v * _f(14) + row * _f(57)) * s.grain
        colour = _times(one, tone + grain * (_f(0.4) + _f(0.6) * fade))
        joint = max(_line(across, size, _f(0.003), sharp), _line(shift, length, _f(0.003), sharp))
        return _mix(colour, _times(two, _f(0.55)), joint)
    if s.material == TILES or s.material == CHECKER:
        i, j = np.floor(across), np.floor(up)
        tone = _f(0.95) + _f(0.1) * _cell(i, j)
        tone += s.grain * _f(0.4) * _fine(u * _f(60), v * _f(60), soft * _f(60))
        base = one
        if s.material == CHECKER:
            odd = _f((np.int64(i) + np.int64(j)) & 1)
            base = _mix(one, two, odd * min(_f(1), size * sharp * _f(0.5)))
        grout = max(_line(across, size, _f(0.005), sharp), _line(up, size, _f(0.005), sharp))
        return _mix(_times(base, tone), _times(two, _f(0.8)), grout)
    if s.material == WALLPAPER:
        stripe = _below(size * _f(0.25), abs(across - np.floor(across) - _f(0.5)) * size, sharp)
        blossom = _below(_f(-0.25), -_fine(u * _f(130), v * _f(130), soft * _f(130)), _f(5))
        return _mix(_mix(one, two, stripe), two, blossom * _f(0.5) * fade)
    if s.material == BRICK:
        row = np.floor(up)
        shift = across * _f(1 / 3) + _f(0.5) * _f(np.int64(row) & 1)
        tone = _f(0.8) + _f(0.35) * _cell(row, np.floor(shift))
        tone += _f(0.12) * _fine(u * _f(120), v * _f(120), soft * _f(120))
        joint = max(_line(up, size, _f(0.006), sharp), _line(shift, size * _f(3), _f(0.006), sharp))
        return _mix(_times(one, tone), two, joint)
    if s.material == WAINSCOT:
        panel = _times(two, _f(1) - _f(0.25) * _line(u * _f(2.5), _f(0.4), _f(0.01), sharp))
        rail = _below(_f(0.03), abs(v - size), sharp)
        return _mix(_mix(one, panel, _below(size, v, sharp)), _times(two, _f(1.15)), rail)
    joint = max(_line(across, size, _f(0.008), sharp), _line(up, size, _f(0.008), sharp))  # GRID
    return _mix(one, two, joint)


@_helper
def _frame(u: _Float, v: _Float, width: _Float, height: _Float) -> _Float:
    """Distance inwards from the edge of a rectangle, metres."""
    return min(min(u, width - u), min(v, height - v))


@_helper
def _decal(d: _Record, u: _Float, v: _Float, sharp: _Float) -> RGB:
    """Colour of a decal at (u, v) metres from its lower corner. A negative red marks its own light."""
    width, height = d.u1 - d.u0, d.v1 - d.v0
    one, two, three = _rgb(d.one), _rgb(d.two), _rgb(d.three)
    inward = _frame(u, v, width, height)
    if d.kind == WINDOW:
        frame = max(_below(_f(0.06), inward, sharp), _below(_f(0.025), abs(u - width * _f(0.5)), sharp))
        skyline = height * (_f(0.25) + _f(0.4) * d.phase) + _f(0.18) * _noise(
            u * _f(25) + d.phase * _f(999), _f(7)
        )
        sky = _mix((_f(235), _f(240), _f(246)), (_f(170), _f(200), _f(240)), v / height)
        leaf = _f(1) + _f(0.35) * _noise(u * _f(55) + d.phase * _f(555), v * _f(55))
        ground = _times(_mix((_f(95), _f(120), _f(75)), (_f(140), _f(138), _f(135)), d.phase), leaf)
        return _mix(_mix(sky, ground, _below(skyline, v, _f(12.5))), one, frame)
    if d.kind == DOOR:
        casing = _below(_f(0.07), inward, sharp)
        panel_v = v - height * _f(0.5) * np.floor(v / (height * _f(0.5)))
        groove = abs(_frame(u, panel_v, width, height * _f(0.5)) - _f(0.17))
        colour = _times(one, _f(1) - _f(0.25) * _below(_f(0.012), groove, sharp))
        colour = _mix(colour, _times(one, _f(0.82)), casing)
        knob = _below(_f(0.035), np.sqrt((u - width + _f(0.12)) ** _f(2) + (v - _f(1.0)) ** _f(2)), sharp)
        return _mix(colour, (_f(150), _f(140), _f(115)), knob)
    if d.kind == PICTURE:
        x, y = u / width, v / height
        swell = _noise(x * _f(60) + d.phase * _f(777), y * _f(60) + d.phase * _f(333))
        if d.phase < 0.4:  # a landscape
            colour = _mix(two, three, _below(_f(0.45) + _f(0.2) * swell, y, _f(25)))
            colour = _mix(colour, one, _below(_f(0.2) - _f(0.15) * swell, y, _f(25)))
        elif d.phase < 0.7:  # an abstract
            colour = _mix(
                _mix(one, two, _below(_f(0), swell, _f(10))),
                three,
                _below(_f(0.06), (x - _f(0.5)) ** _f(2) + (y - d.phase) ** _f(2), _f(50)),
            )
        else:  # a poster or portrait
            head = (x - _f(0.5)) ** _f(2) * _f(2) + (y - _f(0.6)) ** _f(2)
            colour = _mix(
                _mix(two, three, y),
                one,
                max(_below(_f(0.03), head, _f(100)), _below(_f(0.3) - abs(x - _f(0.5)), y, _f(20))),
            )
            colour = _times(colour, _f(1) + _f(0.3) * swell)
        mat = _below(_f(0.02) + _f(0.08) * d.phase, inward, sharp)
        colour = _mix(colour, (_f(232), _f(230), _f(224)), mat)
        return _mix(colour, _times(one, _f(0.6)), _below(_f(0.025), inward, sharp))
    if d.kind == RUG:
        ring = _below(_f(0.12), inward, sharp) - _below(_f(0.07), inward, sharp)
        n = _noise(u * _f(40), v * _f(40))
        fill = _mix(
            one,
            two,
            _below(
                _f(0), _noise(abs(u - width * _f(0.5)) * _f(90), abs(v - height * _f(0.5)) * _f(90)), _f(3)
            )
            * d.phase,
        )
        return _times(_mix(fill, three, ring), _f(1) + _f(0.12) * n)
    if d.kind == BOOKS:
        shelf = height / np.floor(height * _f(3))
        up = v - shelf * np.floor(v / shelf)
        book = np.floor(u / _f(0.045))
        pick = _cell(book, np.floor(v / shelf) + d.phase * _f(50))
        tall = shelf * (_f(0.6) + _f(0.3) * _cell(book + _f(7), np.floor(v / shelf)))
        spine = _mix(_mix(one, two, min(pick * _f(2), _f(1))), three, max(pick * _f(2) - _f(1), _f(0)))
        spine = _times(spine, _f(0.55) + _f(0.6) * _cell(book, _f(5)))
        dark = _times(one, _f(0.3))
        colour = _mix(dark, spine, _below(tall, up, sharp))
        board = max(_below(_f(0.03), inward, sharp), _below(_f(0.025), up, sharp))
        return _mix(colour, _times(two, _f(0.8)), board)
    return one


@_helper
def _lit(light: _Record, x: _Float, y: _Float, z: _Float) -> _Float:
    """Light at a point: it falls off smoothly to nothing 9 m from a lamp."""
    dx, dy, dz = x - light.xa, y - light.ya, z - light.za
    a = max(_f(1) - (dx * dx + dy * dy + dz * dz) * _f(1 / 81), _f(0))
    dx, dy, dz = x - light.xb, y - light.yb, z - light.zb
    b = max(_f(1) - (dx * dx + dy * dy + dz * dz) * _f(1 / 81), _f(0))
    return light.ambient + light.power_a * a * a + light.power_b * b * b


@_helper
def _corner(distance: _Float) -> _Float:
    """How much a surface this far away darkens its neighbourhood, up to 0.6 m."""
    near = max(_f(1) - distance * _f(1 / 0.6), _f(0))
    return _f(1) - _f(0.26) * near * near


@_helper
def _byte(value: _Float) -> np.uint8:
    return np.uint8(np.int32(min(max(value, _f(0)), _f(255)) + _f(0.5)))


@_helper
def _meet_walls(
    to_room: NDArray[np.float32], eye: NDArray[np.float32], low: NDArray[np.float32], high: NDArray[np.float32],
    row: int, rays: NDArray[np.float32], surface: NDArray[np.int8],
) -> None:  # fmt: skip
    """Where the rays of a row of pixels leave the room: how far, x, y and z in the first rows of ``rays``, and through
    which surface. Loops without branches: several rays at a time."""
    ex, ey, ez = eye[0], eye[1], eye[2]
    low_x, low_y, low_z, high_x, high_y, high_z = low[0], low[1], low[2], high[0], high[1], high[2]
    # Scalars: the compiler cannot know that no array changes when a pixel is written.
    across_x, across_y, across_z = to_room[0, 0], to_room[1, 0], to_room[2, 0]
    py = _f(row) + _f(0.5)
    row_x = to_room[0, 1] * py + to_room[0, 2]
    row_y = to_room[1, 1] * py + to_room[1, 2]
    row_z = to_room[2, 1] * py + to_room[2, 2]
    far, at_x, at_y, at_z = rays[0], rays[1], rays[2], rays[3]
    for column in range(len(surface)):
        px = _f(column) + _f(0.5)
        dx, dy, dz = across_x * px + row_x, across_y * px + row_y, across_z * px + row_z
        tx = ((high_x if dx > 0 else low_x) - ex) / dx if dx != 0 else _f(1e9)
        ty = ((high_y if dy > 0 else low_y) - ey) / dy if dy != 0 else _f(1e9)
        tz = ((high_z if dz > 0 else low_z) - ez) / dz if dz != 0 else _f(1e9)
        t = min(tx, min(ty, tz))
        side = WALL_Z0 + 1 if dz > 0 else WALL_Z0
        if t == tx:
            side = WALL_X0 + 1 if dx > 0 else WALL_X0
        if t == ty:
            side = CEILING if dy > 0 else FLOOR
        far[column], at_x[column], at_y[column], at_z[column] = t, ex + t * dx, ey + t * dy, ez + t * dz
        surface[column] = side


@_helper
def _light_walls(
    eye: NDArray[np.float32], low: NDArray[np.float32], high: NDArray[np.float32], boxes: NDArray[np.void],
    light: _Record, pixel: _Float, surface: int, first: int, last: int, rays: NDArray[np.float32],
) -> None:  # fmt: skip
    """Light, and width of the footprint, of the pixels ``first`` to ``last`` of a row that show one surface."""
    low_x, low_y, low_z, high_x, high_y, high_z = low[0], low[1], low[2], high[0], high[1], high[2]
    far, at_x, at_y, at_z = rays[0, first:last], rays[1, first:last], rays[2, first:last], rays[3, first:last]
    lit, soft = rays[4, first:last], rays[5, first:last]
    if surface < WALL_X0:
        reach = (high_y if surface == CEILING else low_y) - eye[1]
        dim = _f(0.92) if surface == CEILING else _f(1)
        for n in range(last - first):
            x, z = at_x[n], at_z[n]
            shade = _corner(min(x - low_x, high_x - x)) * _corner(min(z - low_z, high_z - z))
            lit[n] = _lit(light, x, at_y[n], z) * shade * dim
    elif surface < WALL_Z0:
        reach = (high_x if surface == WALL_X0 + 1 else low_x) - eye[0]
        for n in range(last - first):
            y, z = at_y[n], at_z[n]
            shade = _corner(min(y - low_y, high_y - y)) * _corner(min(z - low_z, high_z - z)) * _f(0.95)
            lit[n] = _lit(light, at_x[n], y, z) * shade
    else:
        reach = (high_z if surface == WALL_Z0 + 1 else low_z) - eye[2]
        for n in range(last - first):
            x, y = at_x[n], at_y[n]
            shade = _corner(min(y - low_y, high_y - y)) * _corner(min(x - low_x, high_x - x))
            lit[n] = _lit(light, x, y, at_z[n]) * shade
    # The footprint is longer along a slanting surface: the mean of its two sides.
    reach = max(abs(reach), _f(0.05))
    for n in range(last - first):
        soft[n] = max(far[n] * pixel * np.sqrt(far[n] / reach), _f(0.002))
    if surface != FLOOR:
        return
    for b in range(boxes.shape[0]):
        x0, z0, x1, z1 = boxes[b].lo[0], boxes[b].lo[2], boxes[b].hi[0], boxes[b].hi[2]
        for n in range(last - first):
            bx = max(max(x0 - at_x[n], at_x[n] - x1), _f(0))
            bz = max(max(z0 - at_z[n], at_z[n] - z1), _f(0))
            near = max(_f(1) - (bx * bx + bz * bz) * _f(8), _f(0))
            lit[n] *= _f(1) - _f(0.5) * near * near


@_helper
def _decals_within(
    decals: NDArray[np.void], start: int, end: int, across: NDArray[np.float32], up: NDArray[np.float32],
    below: _Float, soft: _Float,
) -> tuple[int, int]:  # fmt: skip
    """The decals, of those from ``start`` to ``end``, that a run of pixels may show: the first, and one beyond the last."""
    # Along a straight line of pixels places on a plane move one way only.
    left, right = min(across[0], across[-1]) - soft, max(across[0], across[-1]) + soft
    bottom, top = min(up[0], up[-1]) - below - soft, max(up[0], up[-1]) - below + soft
    first, beyond = end, start
    for k in range(start, end):
        d = decals[k]
        if d.u0 < right and d.u1 > left and d.v0 < top and d.v1 > bottom:
            first, beyond = min(first, k), k + 1
    return first, beyond


@_helper
def _paint_walls(
    low_y: _Float, wall: _Record, decals: NDArray[np.void], starts: NDArray[np.int64], tint: RGB,
    surface: int, first: int, last: int, rays: NDArray[np.float32],
    out: NDArray[np.uint8], depth: NDArray[np.float32], seen: NDArray[np.int8],
) -> None:  # fmt: skip
    """Paint the pixels ``first`` to ``last`` of a row, which show one surface or what stands in front of it.

    ``out``, ``depth`` and ``seen``, what the pixels show, are of that row.
    """
    axes = (1, 3, 0) if surface < WALL_X0 else ((3, 2, 1) if surface < WALL_Z0 else (1, 2, 1))
    across, up = rays[axes[0]], rays[axes[1]]
    below = low_y if axes[2] == 1 else _f(0)
    softest = max(rays[5, first], rays[5, last - 1])
    start, end = _decals_within(
        decals, starts[surface], starts[surface + 1], across[first:last], up[first:last], below, softest
    )
    for column in range(first, last):
        t = rays[0, column]
        if depth[column] < t:
            seen[column] = FURNITURE
            continue
        u, v, soft = across[column], up[column] - below, rays[5, column]
        sharp = _f(1) / soft
        hit, cover = -1, _f(0)
        for k in range(start, end):
            left = u - decals[k].u0
            if left * sharp <= _f(-0.5):
                break  # sorted by u0
            right, under, over = decals[k].u1 - u, v - decals[k].v0, decals[k].v1 - v
            inside = min(min(left, right), min(under, over)) * sharp + _f(0.5)
            if inside > _f(0):
                hit, cover = k, min(inside, _f(1))
        colour, bright = (_f(0), _f(0), _f(0)), rays[4, column]
        if cover < _f(1):
            colour = _material(wall, u, v, soft, sharp)
            if surface >= WALL_X0 and v < _f(0.11) + soft:
                skirting = _below(_f(0.09), v, sharp)
                colour = _mix(colour, (_f(205), _f(202), _f(196)), skirting * _f(0.8))
                colour = _times(colour, _f(1) - _f(0.3) * _below(_f(0.012), abs(v - _f(0.09)), sharp))
        if hit >= 0:
            thing = _decal(decals[hit], u - decals[hit].u0, v - decals[hit].v0, sharp)
            colour = _mix(colour, thing, cover)
            if decals[hit].kind == WINDOW or decals[hit].kind == LAMP:  # it shines
                bright = _f(1.05) if cover == _f(1) else bright + (_f(1.05) - bright) * cover
        out[column, 0] = _byte(colour[0] * bright * tint[0])
        out[column, 1] = _byte(colour[1] * bright * tint[1])
        out[column, 2] = _byte(colour[2] * bright * tint[2])
        depth[column] = t


@_helper
def _cast_walls(
    to_room: NDArray[np.float32], eye: NDArray[np.float32], low: NDArray[np.float32], high: NDArray[np.float32],
    surfaces: NDArray[np.void], decals: NDArray[np.void], starts: NDArray[np.int64],
    boxes: NDArray[np.void], light: _Record, pixel: _Float,
    rays: NDArray[np.float32], out: NDArray[np.uint8], depth: NDArray[np.float32], surface: NDArray[np.int8],
) -> None:  # fmt: skip
    tint = _rgb(light.tint)
    for row in range(out.shape[0]):
        seen = surface[row]
        _meet_walls(to_room, eye, low, high, row, rays, seen)
        first = 0
        while first < len(seen):
            last, which = first + 1, seen[first]
            while last < len(seen) and seen[last] == which:
                last += 1
            _light_walls(eye, low, high, boxes, light, pixel, which, first, last, rays)
            _paint_walls(
                low[1],
                surfaces[which],
                decals,
                starts,
                tint,
                which,
                first,
                last,
                rays,
                out[row],
                depth[row],
                seen,
            )
            first = last


@_helper
def _window(
    to_pixels: NDArray[np.float32], eye: NDArray[np.float32], low: RGB, high: RGB, width: int, height: int
) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of the pixels that a box may cover."""
    left, top, right, bottom = _f(width), _f(height), _f(0), _f(0)
    beside, behind = False, True
    for corner in range(8):
        x = (high[0] if corner & 1 else low[0]) - eye[0]
        y = (high[1] if corner & 2 else low[1]) - eye[1]
        z = (high[2] if corner & 4 else low[2]) - eye[2]
        depth = to_pixels[2, 0] * x + to_pixels[2, 1] * y + to_pixels[2, 2] * z
        behind = behind and depth <= 0
        beside = beside or depth < _f(0.05)
        near = _f(1) / max(depth, _f(0.05))
        u = (to_pixels[0, 0] * x + to_pixels[0, 1] * y + to_pixels[0, 2] * z) * near
        v = (to_pixels[1, 0] * x + to_pixels[1, 1] * y + to_pixels[1, 2] * z) * near
        left, right, top, bottom = min(left, u), max(right, u), min(top, v), max(bottom, v)
    if behind:
        return 0, 0, 0, 0
    if beside:  # a box that reaches beside or behind the camera may be anywhere
        return 0, 0, width, height
    x0, y0 = max(int(left - _f(1)), 0), max(int(top - _f(1)), 0)
    return x0, y0, int(min(right + _f(2), _f(width))), int(min(bottom + _f(2), _f(height)))


@_helper
def _slab(
    to_room: NDArray[np.float32], eye: NDArray[np.float32], low: RGB, high: RGB, px: _Float, py: _Float, k: int
) -> tuple[_Float, _Float, _Float, _Float]:  # fmt: skip
    """Where a pixel's ray enters and leaves the planes of one axis: their offsets from the eye, and how far."""
    d = to_room[k, 0] * px + to_room[k, 1] * py + to_room[k, 2]
    if d == 0:
        d = _f(1e-9)
    at, to = low[k] - eye[k], high[k] - eye[k]
    a, b = at / d, to / d
    if a > b:
        return to, at, b, a
    return at, to, a, b


@_helper
def _outline_cover(
    to_room: NDArray[np.float32], eye: NDArray[np.float32], low: RGB, high: RGB, px: _Float, py: _Float
) -> _Float:
    """How much of a pixel a box covers: what the tightest of its edges leaves, for at a corner several pass."""
    cover = _f(1)
    for i in range(3):
        enter, _, near, _ = _slab(to_room, eye, low, high, px, py, i)
        for j in range(3):
            _, leave, _, far = _slab(to_room, eye, low, high, px, py, j)
            if i == j or near <= 0 or far <= 0:
                continue
            across = to_room[i, 0] / enter - to_room[j, 0] / leave
            down = to_room[i, 1] / enter - to_room[j, 1] / leave
            slope = np.sqrt(across * across + down * down)
            if slope > 0:
                cover = min(cover, (_f(1) / near - _f(1) / far) / slope + _f(0.5))
    return cover


@_helper
def _box_face(
    to_room: NDArray[np.float32], eye: NDArray[np.float32], low: RGB, high: RGB, box: _Record, light: _Record,
    pixel: _Float, axis: int, near: _Float, px: _Float, py: _Float,
) -> RGB:  # fmt: skip
    """What a box shows on its face across an axis, ``near`` along a pixel's ray."""
    one, two, tint = _rgb(box.one), _rgb(box.two), _rgb(light.tint)
    x = eye[0] + near * (to_room[0, 0] * px + to_room[0, 1] * py + to_room[0, 2])
    y = eye[1] + near * (to_room[1, 0] * px + to_room[1, 1] * py + to_room[1, 2])
    z = eye[2] + near * (to_room[2, 0] * px + to_room[2, 1] * py + to_room[2, 2])
    sharp = _f(1) / max(near * pixel, _f(0.002))
    u, v = (z - low[2] if axis == 0 else x - low[0]), y - low[1]
    width, height = (high[2] - low[2] if axis == 0 else high[0] - low[0]), high[1] - low[1]
    shade = _f(1.08) if axis == 1 else (_f(0.85) if axis == 0 else _f(0.95))
    colour = _times(one, _f(1) + _f(0.08) * _noise(u * _f(30), (v + z) * _f(160)))
    if axis != 1 and box.legs == 0:
        fronts = max(
            _line(u * box.columns / width, width / box.columns, _f(0.008), sharp),
            _line(v * box.rows / height, height / box.rows, _f(0.008), sharp),
        )
        colour = _mix(colour, two, max(fronts, _below(_f(0.05), v, sharp)))
        shade *= _corner(v)
    bright = _lit(light, x, y, z) * shade
    return colour[0] * bright * tint[0], colour[1] * bright * tint[1], colour[2] * bright * tint[2]


@_helper
def _cast_box(
    to_room: NDArray[np.float32], to_pixels: NDArray[np.float32], eye: NDArray[np.float32], box: _Record,
    light: _Record, pixel: _Float, out: NDArray[np.uint8], depth: NDArray[np.float32],
    edges: NDArray[np.float32], count: int,
) -> int:  # fmt: skip
    """Draw what a box covers in full, and note the pixels of its outline in ``edges``; how many are noted now."""
    low, high = (box.lo[0], box.lo[1], box.lo[2]), (box.hi[0], box.hi[1], box.hi[2])
    x0, y0, x1, y1 = _window(to_pixels, eye, low, high, out.shape[1], out.shape[0])
    for row in range(y0, y1):
        py = _f(row) + _f(0.5)
        for column in range(x0, x1):
            px = _f(column) + _f(0.5)
            near, far, axis, exit_axis = _f(0), _f(1e9), -1, 0
            enter, leave = _f(1), _f(1)
            near2, axis2, enter2 = _f(0), -1, _f(1)
            for k in range(3):
                at, to, a, b = _slab(to_room, eye, low, high, px, py, k)
                if a > near:
                    near2, axis2, enter2 = near, axis, enter
                    near, axis, enter = a, k, at
                elif a > near2:
                    near2, axis2, enter2 = a, k, at
                if b < far:
                    far, exit_axis, leave = b, k, to
            # Right beside the outline the ray is through before it is in; what is seen there is as far as its end.
            reach = min(near, far)
            if axis < 0 or far <= 0 or reach > depth[row, column] + _f(1e-3):
                continue
            # Inverse depth is linear in the picture: where its way through the box ends is the outline.
            gap = _f(1) / near - _f(1) / far
            across = to_room[axis, 0] / enter - to_room[exit_axis, 0] / leave
            down = to_room[axis, 1] / enter - to_room[exit_axis, 1] / leave
            slope = across * across + down * down
            cover = _f(1)
            if gap * gap * _f(4) < slope:
                cover = _outline_cover(to_room, eye, low, high, px, py)
                if cover <= 0:
                    continue
            elif gap <= 0:
                continue
            u = eye[2] + near * (to_room[2, 0] * px + to_room[2, 1] * py + to_room[2, 2]) - low[2]
            if axis != 0:
                u = eye[0] + near * (to_room[0, 0] * px + to_room[0, 1] * py + to_room[0, 2]) - low[0]
            v = eye[1] + near * (to_room[1, 0] * px + to_room[1, 1] * py + to_room[1, 2]) - low[1]
            width = high[2] - low[2] if axis == 0 else high[0] - low[0]
            if axis != 1 and box.legs > 0:  # a table: see through between the legs
                solid = max(v - (high[1] - low[1] - box.legs), _f(0.06) - u, u - (width - _f(0.06)))
                cover = min(cover, solid / max(near * pixel, _f(0.002)) + _f(0.5))
                if cover <= 0:
                    continue
            red, green, blue = _box_face(to_room, eye, low, high, box, light, pixel, axis, near, px, py)
            if axis2 >= 0 and box.legs == 0:
                # Where two faces meet within the pixel, both are seen.
                step = _f(1) / near2 - _f(1) / near
                across = to_room[axis2, 0] / enter2 - to_room[axis, 0] / enter
                down = to_room[axis2, 1] / enter2 - to_room[axis, 1] / enter
                slope = across * across + down * down
                if step * step * _f(4) < slope:
                    beyond = _box_face(to_room, eye, low, high, box, light, pixel, axis2, near2, px, py)
                    share = _f(0.5) - step / np.sqrt(slope)
                    red, green, blue = _mix((red, green, blue), beyond, share)
            if cover < _f(1):
                if count < edges.shape[0]:
                    edges[count, 0], edges[count, 1], edges[count, 2] = red, green, blue
                    edges[count, 3], edges[count, 4] = cover, reach
                    edges[count, 5], edges[count, 6] = _f(row), _f(column)
                    count += 1
                continue
            out[row, column, 0], out[row, column, 1], out[row, column, 2] = (
                _byte(red),
                _byte(green),
                _byte(blue),
            )
            depth[row, column] = near
    return count


def most_edges(boxes: int, height: int, width: int) -> int:
    """How many pixels the outlines of boxes may run through: a convex one has at most two pixels in a row and two in a
    column, and a neighbour each; legs of a table have as many again."""
    return boxes * 8 * (height + width)


@tight_kernel
def cast_room(
    to_room: NDArray[np.float32], to_pixels: NDArray[np.float32], eye: NDArray[np.float32], low: NDArray[np.float32],
    high: NDArray[np.float32], surfaces: NDArray[np.void], decals: NDArray[np.void], starts: NDArray[np.int64],
    boxes: NDArray[np.void], light: _Record, pixel: _Float,
    edges: NDArray[np.float32], rays: NDArray[np.float32],
    out: NDArray[np.uint8], depth: NDArray[np.float32], surface: NDArray[np.int8],
) -> None:  # fmt: skip
    """Draw a room.

    Args:
        to_room: (3, 3) from pixels (x, y, 1) to directions in the room; ``to_pixels`` is its inverse.
        eye, low, high, surfaces, decals, boxes, light: of the plan, float32.
        starts: (7,) where the decals of each surface start, and their number.
        pixel: width of a pixel at a distance of one metre.
        edges, rays: (E, 7) and (6, W), room to work in; E as :func:`most_edges` says.
        out: (H, W, 3), written in full.
        depth: (H, W), written in full: z of what is seen, metres.
        surface: (H, W), written in full: which one is seen, or :data:`FURNITURE`.
    """
    for row in range(depth.shape[0]):
        for column in range(depth.shape[1]):
            depth[row, column] = np.inf
    count = 0
    for b in range(boxes.shape[0]):
        count = _cast_box(to_room, to_pixels, eye, boxes[b], light, pixel, out, depth, edges, count)
    _cast_walls(
        to_room, eye, low, high, surfaces, decals, starts, boxes, light, pixel, rays, out, depth, surface
    )
    for n in range(count):
        row, column, cover = int(edges[n, 5]), int(edges[n, 6]), edges[n, 3]
        if edges[n, 4] <= depth[row, column] + _f(1e-3):
            for c in range(3):
                behind = _f(out[row, column, c])
                out[row, column, c] = _byte(behind + (edges[n, c] - behind) * cover)


@_helper
def _soften(
    to_room: NDArray[np.float32], parts: NDArray[np.float32], row: int, column: int, depth: NDArray[np.float32],
    drawn: NDArray[np.uint8], out: NDArray[np.uint8],
) -> None:  # fmt: skip
    """Blend a pixel that shows a wall, the floor or the ceiling, if a corner runs through it."""
    height, width = depth.shape
    px, py = _f(column) + _f(0.5), _f(row) + _f(0.5)
    # Inverse depths of the planes before the ray: linear in the picture, the greatest is seen.
    first, second, across, down, across2, down2 = _f(-1), _f(-1), _f(0), _f(0), _f(0), _f(0)
    for k in range(3):
        d = to_room[k, 0] * px + to_room[k, 1] * py + to_room[k, 2]
        part = parts[k, 1] if d > 0 else parts[k, 0]
        near = d * part
        if near > first:
            second, across2, down2 = first, across, down
            first, across, down = near, to_room[k, 0] * part, to_room[k, 1] * part
        elif near > second:
            second, across2, down2 = near, to_room[k, 0] * part, to_room[k, 1] * part
    across, down = across - across2, down - down2
    gap = first - second
    slope = across * across + down * down
    if gap * gap * _f(4) >= slope:
        return
    # A step against the gradient, along the axis that it is nearer to, leads over the corner.
    j, i = row, column
    if abs(across) > abs(down):
        i += -1 if across > 0 else 1
    else:
        j += -1 if down > 0 else 1
    if i < 0 or j < 0 or i >= width or j >= height or abs(depth[j, i] * second - _f(1)) > _f(0.1):
        return
    share = _f(0.5) - gap / np.sqrt(slope)
    for c in range(3):
        own = _f(drawn[row, column, c])
        out[row, column, c] = _byte(own + (_f(drawn[j, i, c]) - own) * share)


@tight_kernel
def finish_room(
    to_room: NDArray[np.float32], parts: NDArray[np.float32], depth: NDArray[np.float32], surface: NDArray[np.int8],
    drawn: NDArray[np.uint8], out: NDArray[np.uint8], floor: NDArray[np.uint8],
) -> None:  # fmt: skip
    """Blend the pixels that a corner of the room runs through with those beyond it, and tell where the floor is seen.

    Args:
        to_room, depth, surface: of :func:`cast_room`.
        parts: (3, 2) one over how far the low and the high side of the box are from the eye, along each axis.
        drawn: (H, W, 3) what it drew; out: (H, W, 3) a copy, changed in place.
        floor: (H, W), receives 255 where the floor is seen and 0 elsewhere.
    """
    height, width = depth.shape
    for row in range(height):
        for column in range(width):
            floor[row, column] = 255 if surface[row, column] == FLOOR else 0
        above, below = surface[max(row - 1, 0)], surface[min(row + 1, height - 1)]
        for column in range(width):
            seen, left, right = surface[row, column], max(column - 1, 0), min(column + 1, width - 1)
            # A corner that runs through a pixel runs between two neighbours.
            same = seen == above[column] and seen == below[column]
            if seen != FURNITURE and not (
                same and seen == surface[row, left] and seen == surface[row, right]
            ):
                _soften(to_room, parts, row, column, depth, drawn, out)


@njit(cache=True, nogil=True, error_model="numpy")
def add_grain(picture: NDArray[np.uint8], start: int, strength: int) -> None:
    """Sensor noise, in place.

    Args:
        picture: (H, W, 3), at most 8192 wide.
        start: which noise.
        strength: in 1/128 grey levels of noise; whole numbers give the same bytes on every machine.
    """
    flat = picture.reshape(picture.shape[0], -1)
    scale = np.int32(strength)
    for row in range(flat.shape[0]):
        at = (start + row * 7919) & 0x7FFF
        for k in range(flat.shape[1]):
            value = np.int32(flat[row, k]) + ((np.int32(_GRAIN[at + k]) * scale) >> 7)
            flat[row, k] = np.uint8(min(max(value, np.int32(0)), np.int32(255)))
