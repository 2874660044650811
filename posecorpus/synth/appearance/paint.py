"""The painting kernels: an atlas and a look in, texels out. Compiled; nanoseconds a texel count here.

They sit in one file because numba's cache of a kernel notices changes of the kernel's own file only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.synth.appearance.atlas import ARM, EYE, HEAD, LEG, MOUTH, TORSO
from posecorpus.synth.appearance.colours import RGB
from posecorpus.synth.appearance.look import (
    BADGE,
    BAND,
    BLOCKS,
    CAMOUFLAGE,
    CHECKS,
    DENIM,
    DOTS,
    LETTERING,
    NO_LOGO,
    PINSTRIPES,
    PLAIN,
    PRINT,
    STRIPES,
)

_f: Any = np.float32  # kernels count in single precision; Any, as numba does the typing
_Record = Any  # a numba record: the structured scalar made by ``look.record``
_Float = Any  # float32 when compiled
_helper = njit(error_model="numpy", forceinline=True)  # a call costs as much as what most of these do


@_helper
def _below(edge: _Float, at: _Float, sharp: _Float) -> _Float:
    """1 where ``at`` is below ``edge``, 0 above, a ramp of width ``1 / sharp`` between."""
    return min(max((edge - at) * sharp + _f(0.5), _f(0)), _f(1))


@_helper
def _above(edge: _Float, at: _Float, sharp: _Float) -> _Float:
    """1 where ``at`` is above ``edge``, 0 below, a ramp of width ``1 / sharp`` between."""
    return min(max((at - edge) * sharp + _f(0.5), _f(0)), _f(1))


@_helper
def _rgb(field: _Record) -> RGB:
    """A colour of a record as three scalars."""
    return field.r, field.g, field.b


@_helper
def _signed(marks: int, slot: int) -> _Float:
    """A mark of a texel in [-1, 1]; eight of them are packed in a word."""
    return (_f((marks >> np.uint64(8 * slot)) & np.uint64(255)) - _f(128)) * _f(1 / 128)


@_helper
def _share(marks: int, slot: int) -> _Float:
    """A mark of a texel in [0, 1]."""
    return _f((marks >> np.uint64(8 * slot)) & np.uint64(255)) * _f(1 / 255)


@_helper
def _to_byte(value: _Float) -> np.uint8:
    return np.uint8(np.int32(min(max(value, _f(0)), _f(255)) + _f(0.5)))


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
def _wave(at: _Float, period: _Float, phase: _Float, duty: _Float, sharp: _Float) -> _Float:
    """A band of share ``duty`` in each period: 1 inside, 0 outside."""
    t = at / period + phase
    t -= np.floor(t)
    return _below(_f(0.5) * duty * period, abs(t - _f(0.5)) * period, sharp)


@_helper
def _dye(
    c: _Record,
    along: _Float,
    around: _Float,
    print_a: _Float,
    print_b: _Float,
    coarse: _Float,
    start: _Float,
    sharp: _Float,
) -> RGB:
    """The dye of a cloth at a point, before folds.

    Args:
        c: the cloth.
        along, around: metres along and around the limb or trunk.
        print_a, print_b, coarse: noise in [-1, 1].
        start: the height where blocks and fades start (the neck, or the waist of trousers).
        sharp: one over the width of edges, 1/m.
    """
    base, second, third = _rgb(c.base), _rgb(c.second), _rgb(c.third)
    if c.pattern == PLAIN:
        return base
    if c.pattern == DENIM:
        worn = min(max(coarse * _f(0.6) + print_a * _f(0.15) + _f(0.12), _f(0)), _f(0.5))
        return _mix(base, (_f(190), _f(202), _f(220)), worn * c.duty)
    if c.pattern == STRIPES:
        return _mix(base, second, _wave(along, c.period, c.phase, c.duty, sharp))
    if c.pattern == PINSTRIPES:
        return _mix(base, second, _f(0.8) * _wave(around, c.period * _f(0.5), c.phase, _f(0.2), sharp))
    if c.pattern == CHECKS:
        rows = _wave(along, c.period, c.phase, c.duty, sharp)
        columns = _wave(around, c.period, c.phase, c.duty, sharp)
        line = _wave(along, c.period, c.phase + _f(0.5), _f(0.08), sharp)
        line = max(line, _wave(around, c.period, c.phase + _f(0.5), _f(0.08), sharp))
        return _mix(_mix(base, second, _f(0.5) * (rows + columns)), third, _f(0.6) * line)
    if c.pattern == DOTS:
        u = along / c.period + c.phase
        v = around / c.period + _f(0.5) * _f(int(np.floor(u)) & 1)
        u, v = u - np.floor(u) - _f(0.5), v - np.floor(v) - _f(0.5)
        return _mix(
            base, second, _below(_f(0.5) * c.duty * c.period, np.sqrt(u * u + v * v) * c.period, sharp)
        )
    if c.pattern == PRINT:
        first = _mix(base, second, _below(_f(0.3) - c.duty, print_a, _f(10)))
        return _mix(first, third, _below(_f(0.1) - c.duty, print_b, _f(10)))
    if c.pattern == CAMOUFLAGE:
        first = _mix(base, second, _below(_f(0.1), coarse + _f(0.4) * print_a, _f(10)))
        return _mix(first, third, _below(_f(-0.1), print_b - coarse * _f(0.5), _f(10)))
    down = start - along
    if c.pattern == BLOCKS:
        first_edge = _f(0.08) + _f(0.3) * c.phase
        if c.duty < _f(0.35):  # yoke and body
            return _mix(base, second, _below(first_edge, down, sharp))
        second_edge = first_edge + _f(0.04) + _f(0.12) * c.duty  # a band across
        return _mix(base, second, _below(second_edge, down, sharp) - _below(first_edge, down, sharp))
    return _mix(base, second, min(max(down * _f(1.7) - _f(0.1), _f(0)), _f(1)))  # FADE


@_helper
def _logo(
    o: _Record, along: _Float, around: _Float, print_a: _Float, mirror: _Float, sharp: _Float
) -> _Float:
    """Cover of the chest print at a point of the front of the trunk."""
    v = (along - o.logo_y) / o.logo_half_height
    u = (around * mirror - o.logo_x) / o.logo_half_width
    sharp_v = sharp * o.logo_half_height
    if o.logo == BAND:
        return _below(_f(0.35), abs(v), sharp_v) * _below(_f(0.2), abs(around), sharp)
    inside = _below(_f(1), abs(u), sharp * o.logo_half_width) * _below(_f(1), abs(v), sharp_v)
    if o.logo == BADGE or inside == 0:
        return inside
    if o.logo == LETTERING:
        line = np.floor(v * _f(1.5))
        row = abs(v * _f(1.5) - line - _f(0.5))
        letter = around * _f(55) + line * _f(0.37)
        letter -= np.floor(letter)
        return (
            inside * _below(_f(0.36), row, _f(7)) * _below(_f(0.45) + _f(0.4) * abs(print_a), letter, _f(5))
        )
    return inside * _below(_f(0.95), u * u + v * v + _f(0.6) * print_a, _f(5))  # PICTURE


@_helper
def _head(f: _Record, marks: int, hair_at: _Float, above_neck: _Float, front: _Float) -> RGB:
    skin, hair = _rgb(f.skin), _rgb(f.hair)
    strand = _signed(marks, 1)
    limit = f.hair_front * front + f.hair_nape * (_f(1) - front)
    cover = f.hair_cover * _above(limit, hair_at + _f(0.12) * strand, _f(5.5))
    cover = max(cover, _below(f.scarf_below, above_neck, _f(200)))
    hair = _times(hair, _f(1) + f.strands * strand)
    if cover == 1:
        return hair
    colour = _times(skin, _f(1) + f.blotch * _signed(marks, 0))
    blush = f.blush * _share(marks, 6)
    colour = _mix(colour, (colour[0], colour[1] * _f(0.7), colour[2] * _f(0.65)), blush)
    lip, lid, beard, brow = _share(marks, 3), _share(marks, 4), _share(marks, 7), _share(marks, 2)
    if lip > 0:
        colour = _mix(colour, _rgb(f.lips), f.lip_strength * min(_f(1.6) * lip, _f(1)))
        slit = max(lip - _f(0.67), _f(0)) * _f(2.3)
        colour = _mix(colour, (skin[0] * _f(0.3), skin[1] * _f(0.25), skin[2] * _f(0.25)), slit)
    if lid > 0:
        dark = (skin[0] * _f(0.38), skin[1] * _f(0.32), skin[2] * _f(0.32))
        colour = _mix(colour, dark, f.lid * lid)
    if beard > 0 and f.beard > 0:
        colour = _mix(colour, hair, f.beard * beard)
    if brow > 0:
        colour = _mix(colour, _rgb(f.brow_colour), f.brow * brow)
    return _mix(colour, hair, cover)


@_helper
def _eye(f: _Record, radius: _Float) -> RGB:
    colour = _mix((_f(212), _f(206), _f(200)), _rgb(f.iris), _below(_f(1), radius, _f(3)))
    return _mix(colour, (_f(14), _f(12), _f(12)), _below(_f(0.4), radius, _f(5)))


@_helper
def _bare(look: _Record, marks: int, region: int, along: _Float, fraction: _Float, sharp: _Float) -> RGB:
    """Skin, socks, shoes and gloves: what is under shirt and trousers."""
    f, o = look.face, look.outfit
    tone = _f(1) + f.blotch * (_signed(marks, 0) + _signed(marks, 6))
    colour = _times(_rgb(f.skin), tone)
    if region == LEG:
        colour = _mix(colour, _rgb(o.sock), _below(o.sock_top, along, sharp))
        leather = _mix(_rgb(o.shoe), _rgb(o.sole), _below(o.sole_top, along, sharp))
        return _mix(colour, leather, _below(o.shoe_top, along, sharp))
    if region == ARM and o.glove > 0:
        return _mix(colour, _rgb(o.belt), _above(_f(1.9), fraction, sharp * _f(0.25)))
    return colour


@_helper
def _dressed(
    look: _Record, marks: int, region: int, along: _Float, around: _Float, fraction: _Float,
    above_neck: _Float, sharp: _Float,
) -> RGB:  # fmt: skip
    o = look.outfit
    neckline = o.neckline
    front = region == TORSO and abs(around) < _f(0.25)
    if front and o.neck_depth > 0:
        t = around / o.neck_width
        neckline -= o.neck_depth * max(_f(1) - t * t, _f(0))
    top, bottom = _f(1), _f(0)
    if region == ARM:
        top = _below(o.sleeve, fraction, sharp * _f(0.25))
    else:
        top = _above(o.hem, along, sharp)
        bottom = _below(o.waist, along, sharp)
        if region == TORSO:
            top = min(top, _below(neckline, above_neck, sharp))
            top = min(top, _below(o.sleeve, fraction, sharp * _f(0.25)))
        else:
            bottom = min(bottom, _below(o.leg, fraction, sharp * _f(0.4)))
            if o.over_trousers > 0:
                bottom = min(bottom, _above(o.shoe_top, along, sharp))
    colour = (_f(0), _f(0), _f(0))
    if top < 1 and bottom < 1:
        colour = _bare(look, marks, region, along, fraction, sharp)
    if top == 0 and bottom == 0:
        return colour
    # Two fields of folds and of prints, turned into each other by a person's own angle.
    a, b = _signed(marks, 1), _signed(marks, 2)
    folds = a * look.mix_cos + b * look.mix_sin
    a, b = _signed(marks, 3), _signed(marks, 4)
    print_a, print_b = a * look.mix_cos + b * look.mix_sin, b * look.mix_cos - a * look.mix_sin
    coarse, fine = _signed(marks, 6), _signed(marks, 0)
    neck_y = along - above_neck

    if bottom > 0 and top < 1:
        c = o.bottom
        dye = _dye(c, along, around, print_a, print_b, coarse, o.waist, sharp)
        if o.side_stripe > 0 and region == LEG:
            dye = _mix(dye, _rgb(c.second), _below(o.side_stripe, abs(around - _f(0.125)), sharp))
        if o.belt_width > 0:
            dye = _mix(dye, _rgb(o.belt), _below(o.belt_width, o.waist - along, sharp))
        shade = _f(1) + c.weave * fine + c.folds * folds
        if front and abs(around) * sharp < _f(1):
            shade *= _f(0.85)  # the fly
        colour = _mix(colour, _times(dye, shade), bottom)
    if top > 0:
        c = o.top
        dye = _dye(c, along, around, print_a, print_b, coarse, neck_y, sharp)
        shade = _f(1) + c.weave * fine + c.folds * folds
        if region == ARM:
            if o.sleeve_second > 0:
                dye = _rgb(c.second)
            dye = _mix(
                dye,
                _rgb(o.trim),
                _above(o.sleeve - min(o.trim_width, _f(0.03)) * _f(4), fraction, sharp * _f(0.25)),
            )
        elif region == TORSO:
            dye = _mix(dye, _rgb(o.trim), _above(neckline - o.trim_width, above_neck, sharp))
        if front:
            if o.logo != NO_LOGO:
                dye = _mix(dye, _rgb(o.logo_colour), _logo(o, along, around, print_a, look.mirror, sharp))
            if o.placket > 0:
                shade *= _f(1) - _f(0.28) * _below(1 / sharp, abs(abs(around) - _f(0.014)), sharp)
        if o.open_width > 0 and region != ARM:
            gap = _below(o.open_width * (_f(0.6) + (neck_y - along)), abs(around), sharp)
            if gap > 0:
                under = _dye(o.inner, along, around, print_a, print_b, coarse, neck_y, sharp)
                if along < o.waist:
                    under = _rgb(o.bottom.base)
                dye = _mix(dye, under, gap)
                shade *= _f(1) - _f(1.4) * gap * (_f(1) - gap)
        colour = _mix(colour, _times(dye, shade), top)
    return colour


@_helper
def _long_hair(look: _Record, colour: RGB, marks: int, along: _Float, around: _Float) -> RGB:
    """Hair that falls over nape and back."""
    f = look.face
    ragged = _signed(marks, 3)
    cover = _above(_f(0.34), abs(around), _f(16)) * _above(
        f.long_hair_bottom + _f(0.04) * ragged, along, _f(20)
    )
    return _mix(colour, _times(_rgb(f.hair), _f(1) + f.strands * _signed(marks, 4)), cover)


@njit(cache=True, nogil=True, error_model="numpy")
def paint(
    look: _Record,
    index: NDArray[np.int32],
    region: NDArray[np.uint8],
    coordinates: NDArray[np.float32],
    packed_marks: NDArray[np.uint64],
    gutter: NDArray[np.int32],
    gutter_source: NDArray[np.int32],
    soft: _Float,
    out: NDArray[np.uint8],
) -> None:
    """Paint covered texels and fill the rest from their nearest covered neighbours.

    Args:
        look: the person, a record of :data:`look.LOOK`.
        index, gutter, gutter_source: of the :class:`TexelMap`.
        region, coordinates: of the :class:`Atlas`.
        packed_marks: its marks, each row as one little-endian word.
        soft: width of edges on the body, metres, float32.
        out: (size * size, 3) uint8, written in full.
    """
    sharp = _f(1) / soft
    for n in range(index.shape[0]):
        kind, marks = region[n], packed_marks[n]
        c0, c1, c2, c3 = coordinates[n, 0], coordinates[n, 1], coordinates[n, 2], coordinates[n, 3]
        shade = _f(1) - _f(0.22) * _signed(marks, 5)
        if kind == HEAD:
            colour = _head(look.face, marks, c0, c2, c3)
        elif kind == EYE:
            colour, shade = _eye(look.face, c0), _f(1)
        elif kind == MOUTH:
            colour = (_f(92), _f(52), _f(48))  # teeth and tongue, in the shade
        else:
            colour = _dressed(look, marks, kind, c0, c1, c2, c3, sharp)
            if kind == TORSO and look.face.long_hair_bottom < c0 and abs(c1) > _f(0.3):
                colour = _long_hair(look, colour, marks, c0, c1)
        at = index[n]
        out[at, 0] = _to_byte(colour[0] * shade)
        out[at, 1] = _to_byte(colour[1] * shade)
        out[at, 2] = _to_byte(colour[2] * shade)
    for n in range(gutter.shape[0]):
        at, source = gutter[n], gutter_source[n]
        out[at, 0], out[at, 1], out[at, 2] = out[source, 0], out[source, 1], out[source, 2]


@njit(cache=True, nogil=True, error_model="numpy")
def paint_skirt(
    look: _Record, noise: NDArray[np.uint8], length: _Float, circumference: _Float, out: NDArray[np.uint8]
) -> None:
    """Paint the cloth of a skirt into a tile.

    Args:
        look: the person.
        noise: (256, 256) periodic.
        length: metres from the waist (first row) to the hem.
        circumference: metres around it.
        out: (H, W, 3) uint8, written in full.
    """
    height, width = out.shape[0], out.shape[1]
    step, across = length / _f(height), circumference / _f(width)
    sharp = _f(1) / max(step, across)
    c = look.outfit.bottom
    if look.fit.dress > 0:
        c = look.outfit.top
    scale = _f(1) / _f(128)
    for row in range(height):
        along = look.outfit.waist - (_f(row) + _f(0.5)) * step
        for column in range(width):
            around = (_f(column) + _f(0.5)) * across
            i, j = int(along * _f(900)), int(around * _f(900))
            fine = _f(noise[(3 * i) & 255, (3 * j) & 255]) * scale - _f(1)
            coarse = _f(noise[(i >> 2) & 255, (j >> 2) & 255]) * scale - _f(1)
            print_a = _f(noise[i & 255, j & 255]) * scale - _f(1)
            print_b = _f(noise[j & 255, (i + 99) & 255]) * scale - _f(1)
            dye = _dye(c, along, around, print_a, print_b, coarse, look.outfit.waist, sharp)
            colour = _times(dye, _f(1) + c.weave * fine)
            out[row, column, 0] = _to_byte(colour[0])
            out[row, column, 1] = _to_byte(colour[1])
            out[row, column, 2] = _to_byte(colour[2])
