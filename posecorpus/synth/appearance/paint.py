"""The painting kernels: an atlas and a look in, texels out. Compiled; nanoseconds a texel count here.

They sit in one file because numba's cache of a kernel notices changes of the kernel's own file only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

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
    FADE,
    LETTERING,
    NO_LOGO,
    PINSTRIPES,
    PLAIN,
    PRINT,
    STRIPES,
)
from posecorpus.synth.raster.jit import tight_kernel

_f: Any = np.float32  # kernels count in single precision; Any, as numba does the typing
_Record = Any  # a numba record: the structured scalar made by ``look.record``
_Float = Any  # float32 when compiled
_Cloth = tuple[RGB, RGB, RGB, _Float, _Float, _Float]  # base, second, third; period, duty, phase
_Function = TypeVar("_Function", bound=Callable[..., Any])


def _helper(function: _Function) -> _Function:
    """A part of the kernels below. A call would cost as much as what most do, and counting references more."""
    uncounted: dict[str, Any] = {"_nrt": False}  # see ``raster.jit.tight_kernel``
    return cast(_Function, njit(error_model="numpy", forceinline=True, **uncounted)(function))


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
def _mark(marks: int, slot: int) -> _Float:
    return _f(np.int32((marks >> np.uint64(8 * slot)) & np.uint64(255)))


@_helper
def _signed(marks: int, slot: int) -> _Float:
    """A mark of a texel in [-1, 1]; eight of them are packed in a word."""
    return (_mark(marks, slot) - _f(128)) * _f(1 / 128)


@_helper
def _share(marks: int, slot: int) -> _Float:
    """A mark of a texel in [0, 1]."""
    return _mark(marks, slot) * _f(1 / 255)


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
def _cloth(c: _Record) -> _Cloth:
    """A cloth without its pattern, read once."""
    return _rgb(c.base), _rgb(c.second), _rgb(c.third), c.period, c.duty, c.phase


@_helper
def _dye(
    pattern: int,
    c: _Cloth,
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
        pattern: of the cloth.
        c: the rest of it.
        along, around: metres along and around the limb or trunk.
        print_a, print_b, coarse: noise in [-1, 1].
        start: the height where blocks and fades start (the neck, or the waist of trousers).
        sharp: one over the width of edges, 1/m.
    """
    base, second, third, period, duty, phase = c
    if pattern == PLAIN:
        return base
    if pattern == DENIM:
        worn = min(max(coarse * _f(0.6) + print_a * _f(0.15) + _f(0.12), _f(0)), _f(0.5))
        return _mix(base, (_f(190), _f(202), _f(220)), worn * duty)
    if pattern == STRIPES:
        return _mix(base, second, _wave(along, period, phase, duty, sharp))
    if pattern == PINSTRIPES:
        return _mix(base, second, _f(0.8) * _wave(around, period * _f(0.5), phase, _f(0.2), sharp))
    if pattern == CHECKS:
        rows = _wave(along, period, phase, duty, sharp)
        columns = _wave(around, period, phase, duty, sharp)
        line = _wave(along, period, phase + _f(0.5), _f(0.08), sharp)
        line = max(line, _wave(around, period, phase + _f(0.5), _f(0.08), sharp))
        return _mix(_mix(base, second, _f(0.5) * (rows + columns)), third, _f(0.6) * line)
    if pattern == DOTS:
        u = along / period + phase
        v = around / period + _f(0.5) * _f(np.int32(np.floor(u)) & 1)
        u, v = u - np.floor(u) - _f(0.5), v - np.floor(v) - _f(0.5)
        return _mix(base, second, _below(_f(0.5) * duty * period, np.sqrt(u * u + v * v) * period, sharp))
    if pattern == PRINT:
        first = _mix(base, second, _below(_f(0.3) - duty, print_a, _f(10)))
        return _mix(first, third, _below(_f(0.1) - duty, print_b, _f(10)))
    if pattern == CAMOUFLAGE:
        first = _mix(base, second, _below(_f(0.1), coarse + _f(0.4) * print_a, _f(10)))
        return _mix(first, third, _below(_f(-0.1), print_b - coarse * _f(0.5), _f(10)))
    down = start - along
    if pattern == BLOCKS:
        first_edge = _f(0.08) + _f(0.3) * phase
        if duty < _f(0.35):  # yoke and body
            return _mix(base, second, _below(first_edge, down, sharp))
        second_edge = first_edge + _f(0.04) + _f(0.12) * duty  # a band across
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


# Clothes are painted in runs of texels of one region: a stage is a loop over a run that does the same for each
# texel, so that it compiles to vector instructions; what a look or a run has none of is no stage. Between stages
# there are planes, parts of one array, whose distances the compiler knows; indices are unsigned, so that it need
# not ask which count from the end.
RUN, PLANES = 128, 16
(
    _ALONG, _AROUND, _FRACTION, _ABOVE_NECK,  # coordinates
    _FOLDS, _PRINT_A, _PRINT_B, _COARSE, _FINE,  # noise in [-1, 1]
    _TOP, _BOTTOM, _NECKLINE, _START,
    _DYE_R, _DYE_G, _DYE_B,
) = (np.uint64(RUN * plane) for plane in range(PLANES))  # fmt: skip
_Planes = NDArray[np.float32]
# What the last steps are taken with, which are in double precision.
COLOUR_PLANES = 4
_R, _G, _B, _SHADE = (np.uint64(RUN * plane) for plane in range(COLOUR_PLANES))
_ColourPlanes = NDArray[np.float64]


@_helper
def _unpack(look: _Record, coordinates: NDArray[np.float32], marks: NDArray[np.uint64], s: _Planes) -> None:
    """Coordinates and noise; two fields of folds and of prints, turned into each other by a person's own angle."""
    count, cos, sin = np.uint64(len(marks)), look.mix_cos, look.mix_sin
    for i in range(count):
        s[_ALONG + i], s[_AROUND + i] = coordinates[i, 0], coordinates[i, 1]
        s[_FRACTION + i], s[_ABOVE_NECK + i] = coordinates[i, 2], coordinates[i, 3]
    for i in range(count):
        a, b = _signed(marks[i], 1), _signed(marks[i], 2)
        s[_FOLDS + i] = a * cos + b * sin
        a, b = _signed(marks[i], 3), _signed(marks[i], 4)
        s[_PRINT_A + i], s[_PRINT_B + i] = a * cos + b * sin, b * cos - a * sin
        s[_COARSE + i], s[_FINE + i] = _signed(marks[i], 6), _signed(marks[i], 0)


@_helper
def _cover(o: _Record, region: int, count: np.uint64, sharp: _Float, s: _Planes) -> None:
    """How much of each texel shirt and trousers cover, and the shirt's neckline there."""
    sleeve, hem, waist, leg, shoe_top = o.sleeve, o.hem, o.waist, o.leg, o.shoe_top
    neckline, depth, width, over_trousers = o.neckline, o.neck_depth, o.neck_width, o.over_trousers > 0
    if region == ARM:
        for i in range(count):
            s[_TOP + i] = _below(sleeve, s[_FRACTION + i], sharp * _f(0.25))
            s[_BOTTOM + i] = _f(0)
    elif region == TORSO:
        for i in range(count):
            t = s[_AROUND + i] / width
            dip = depth * max(_f(1) - t * t, _f(0))
            edge = neckline - dip if abs(s[_AROUND + i]) < _f(0.25) and depth > 0 else neckline
            top = min(_above(hem, s[_ALONG + i], sharp), _below(edge, s[_ABOVE_NECK + i], sharp))
            s[_TOP + i] = min(top, _below(sleeve, s[_FRACTION + i], sharp * _f(0.25)))
            s[_BOTTOM + i] = _below(waist, s[_ALONG + i], sharp)
            s[_NECKLINE + i] = edge
    else:
        for i in range(count):
            s[_TOP + i] = _above(hem, s[_ALONG + i], sharp)
            bottom = _below(waist, s[_ALONG + i], sharp)
            bottom = min(bottom, _below(leg, s[_FRACTION + i], sharp * _f(0.4)))
            shoe = _above(shoe_top, s[_ALONG + i], sharp)
            s[_BOTTOM + i] = min(bottom, shoe) if over_trousers else bottom


@_helper
def _dye_as(pattern: int, c: _Cloth, count: np.uint64, sharp: _Float, s: _Planes) -> None:
    for i in range(count):
        s[_DYE_R + i], s[_DYE_G + i], s[_DYE_B + i] = _dye(
            pattern, c, s[_ALONG + i], s[_AROUND + i], s[_PRINT_A + i], s[_PRINT_B + i], s[_COARSE + i],
            s[_START + i], sharp,
        )  # fmt: skip


@_helper
def _dye_run(cloth: _Record, count: np.uint64, sharp: _Float, s: _Planes) -> None:
    """The dye of a cloth, see :func:`_dye`: one loop for each pattern, which it has as a constant."""
    c = _cloth(cloth)
    if cloth.pattern == PLAIN:
        _dye_as(PLAIN, c, count, sharp, s)
    elif cloth.pattern == DENIM:
        _dye_as(DENIM, c, count, sharp, s)
    elif cloth.pattern == STRIPES:
        _dye_as(STRIPES, c, count, sharp, s)
    elif cloth.pattern == PINSTRIPES:
        _dye_as(PINSTRIPES, c, count, sharp, s)
    elif cloth.pattern == CHECKS:
        _dye_as(CHECKS, c, count, sharp, s)
    elif cloth.pattern == DOTS:
        _dye_as(DOTS, c, count, sharp, s)
    elif cloth.pattern == PRINT:
        _dye_as(PRINT, c, count, sharp, s)
    elif cloth.pattern == CAMOUFLAGE:
        _dye_as(CAMOUFLAGE, c, count, sharp, s)
    elif cloth.pattern == BLOCKS:
        _dye_as(BLOCKS, c, count, sharp, s)
    else:
        _dye_as(FADE, c, count, sharp, s)


@_helper
def _mix_dye(colour: RGB, share: _Float, i: int, s: _Planes) -> None:
    """Mix a colour into the dye of a texel."""
    dye = _mix((s[_DYE_R + i], s[_DYE_G + i], s[_DYE_B + i]), colour, share)
    s[_DYE_R + i], s[_DYE_G + i], s[_DYE_B + i] = dye


@_helper
def _lay_bottom(
    o: _Record, region: int, count: np.uint64, sharp: _Float, s: _Planes, d: _ColourPlanes
) -> None:
    c = o.bottom
    waist, belt_width, stripe, weave, folds = o.waist, o.belt_width, o.side_stripe, c.weave, c.folds
    second, belt = _rgb(c.second), _rgb(o.belt)
    for i in range(count):
        s[_START + i] = waist
    _dye_run(c, count, sharp, s)
    if stripe > 0 and region == LEG:
        for i in range(count):
            _mix_dye(second, _below(stripe, abs(s[_AROUND + i] - _f(0.125)), sharp), i, s)
    if belt_width > 0:
        for i in range(count):
            _mix_dye(belt, _below(belt_width, waist - s[_ALONG + i], sharp), i, s)
    for i in range(count):
        d[_SHADE + i] = _f(1) + weave * s[_FINE + i] + folds * s[_FOLDS + i]
    if region == TORSO:
        for i in range(count):
            fly = abs(s[_AROUND + i]) < _f(0.25) and abs(s[_AROUND + i]) * sharp < _f(1)
            d[_SHADE + i] *= _f(0.85) if fly else _f(1)
    for i in range(count):
        share = s[_BOTTOM + i] if s[_TOP + i] < 1 else _f(0)  # a texel of which 0 is covered stays as it is
        dye = _times((s[_DYE_R + i], s[_DYE_G + i], s[_DYE_B + i]), _f(d[_SHADE + i]))
        d[_R + i], d[_G + i], d[_B + i] = _mix((_f(d[_R + i]), _f(d[_G + i]), _f(d[_B + i])), dye, share)


@_helper
def _lay_top(
    look: _Record, region: int, count: np.uint64, sharp: _Float, s: _Planes, d: _ColourPlanes
) -> None:
    o, c = look.outfit, look.outfit.top
    weave, folds, trim, trim_width = c.weave, c.folds, _rgb(o.trim), o.trim_width
    for i in range(count):
        s[_START + i] = s[_ALONG + i] - s[_ABOVE_NECK + i]  # the height of the neck
    _dye_run(c, count, sharp, s)
    for i in range(count):
        d[_SHADE + i] = _f(1) + weave * s[_FINE + i] + folds * s[_FOLDS + i]
    if region == ARM:
        if o.sleeve_second > 0:
            r, g, b = _rgb(c.second)
            for i in range(count):
                s[_DYE_R + i], s[_DYE_G + i], s[_DYE_B + i] = r, g, b
        cuff = o.sleeve - min(trim_width, _f(0.03)) * _f(4)
        for i in range(count):
            _mix_dye(trim, _above(cuff, s[_FRACTION + i], sharp * _f(0.25)), i, s)
    elif region == TORSO:
        for i in range(count):
            _mix_dye(trim, _above(s[_NECKLINE + i] - trim_width, s[_ABOVE_NECK + i], sharp), i, s)
        _front(look, count, sharp, s, d)
    if o.open_width > 0 and region != ARM:
        _open_front(o, count, sharp, s, d)
    for i in range(count):
        dye = _times((s[_DYE_R + i], s[_DYE_G + i], s[_DYE_B + i]), d[_SHADE + i])
        d[_R + i], d[_G + i], d[_B + i] = _mix((d[_R + i], d[_G + i], d[_B + i]), dye, s[_TOP + i])


@_helper
def _front(look: _Record, count: np.uint64, sharp: _Float, s: _Planes, d: _ColourPlanes) -> None:
    """What is printed on the chest, and the edges of a row of buttons."""
    o = look.outfit
    if o.logo != NO_LOGO:
        for i in range(count):
            if abs(s[_AROUND + i]) < _f(0.25):
                cover = _logo(o, s[_ALONG + i], s[_AROUND + i], s[_PRINT_A + i], look.mirror, sharp)
                _mix_dye(_rgb(o.logo_colour), cover, i, s)
    if o.placket > 0:
        for i in range(count):
            line = _below(1 / sharp, abs(abs(s[_AROUND + i]) - _f(0.014)), sharp)
            d[_SHADE + i] *= _f(1) - _f(0.28) * line if abs(s[_AROUND + i]) < _f(0.25) else _f(1)


@_helper
def _open_front(o: _Record, count: np.uint64, sharp: _Float, s: _Planes, d: _ColourPlanes) -> None:
    """What is worn under a shirt that is open in front."""
    for i in range(count):
        along, around, neck_y = s[_ALONG + i], s[_AROUND + i], s[_START + i]
        gap = _below(o.open_width * (_f(0.6) + (neck_y - along)), abs(around), sharp)
        if gap > 0:
            under = _dye(
                o.inner.pattern, _cloth(o.inner), along, around, s[_PRINT_A + i], s[_PRINT_B + i],
                s[_COARSE + i], neck_y, sharp,
            )  # fmt: skip
            if along < o.waist:
                under = _rgb(o.bottom.base)
            _mix_dye(under, gap, i, s)
            d[_SHADE + i] *= _f(1) - _f(1.4) * gap * (_f(1) - gap)


@_helper
def _dress(
    look: _Record, region: int, coordinates: NDArray[np.float32], marks: NDArray[np.uint64], sharp: _Float,
    s: _Planes, d: _ColourPlanes,
) -> None:  # fmt: skip
    """The colours of a run of texels of trunk, arms or legs."""
    count = np.uint64(len(marks))
    _unpack(look, coordinates, marks, s)
    _cover(look.outfit, region, count, sharp, s)
    bare, bottom, top = 0, 0, 0
    for i in range(count):
        bare += s[_TOP + i] < 1 and s[_BOTTOM + i] < 1
        bottom += s[_TOP + i] < 1 and s[_BOTTOM + i] > 0
        top += s[_TOP + i] > 0
    for i in range(count):
        d[_R + i], d[_G + i], d[_B + i] = _f(0), _f(0), _f(0)
    if bare > 0:
        for i in range(count):
            if s[_TOP + i] < 1 and s[_BOTTOM + i] < 1:
                d[_R + i], d[_G + i], d[_B + i] = _bare(
                    look, marks[i], region, s[_ALONG + i], s[_FRACTION + i], sharp
                )
    if bottom > 0:
        _lay_bottom(look.outfit, region, count, sharp, s, d)
    if top > 0:
        _lay_top(look, region, count, sharp, s, d)
    if region == TORSO and look.face.long_hair_bottom < _f(9):
        for i in range(count):
            if look.face.long_hair_bottom < s[_ALONG + i] and abs(s[_AROUND + i]) > _f(0.3):
                d[_R + i], d[_G + i], d[_B + i] = _long_hair(
                    look, (d[_R + i], d[_G + i], d[_B + i]), marks[i], s[_ALONG + i], s[_AROUND + i]
                )


@_helper
def _long_hair(look: _Record, colour: RGB, marks: int, along: _Float, around: _Float) -> RGB:
    """Hair that falls over nape and back."""
    f = look.face
    ragged = _signed(marks, 3)
    cover = _above(_f(0.34), abs(around), _f(16)) * _above(
        f.long_hair_bottom + _f(0.04) * ragged, along, _f(20)
    )
    return _mix(colour, _times(_rgb(f.hair), _f(1) + f.strands * _signed(marks, 4)), cover)


@tight_kernel
def paint(
    look: _Record,
    index: NDArray[np.int32],
    region: NDArray[np.uint8],
    coordinates: NDArray[np.float32],
    packed_marks: NDArray[np.uint64],
    gutter: NDArray[np.int32],
    gutter_source: NDArray[np.int32],
    soft: _Float,
    s: _Planes,
    d: _ColourPlanes,
    out: NDArray[np.uint8],
) -> None:
    """Paint covered texels and fill the rest from their nearest covered neighbours.

    Args:
        look: the person, a record of :data:`look.LOOK`.
        index, gutter, gutter_source: of the :class:`TexelMap`.
        region, coordinates: of the :class:`Atlas`.
        packed_marks: its marks, each row as one little-endian word.
        soft: width of edges on the body, metres, float32.
        s, d: (PLANES * RUN,) float32 and (COLOUR_PLANES * RUN,) float64 to work in.
        out: (size * size, 3) uint8, written in full.
    """
    sharp = _f(1) / soft
    start = 0
    while start < index.shape[0]:
        kind, end = region[start], start + 1
        while end < min(start + RUN, index.shape[0]) and region[end] == kind:
            end += 1
        at, marks, texels = coordinates[start:end], packed_marks[start:end], index[start:end]
        count = np.uint64(end - start)
        if kind == HEAD:
            for i in range(count):
                d[_R + i], d[_G + i], d[_B + i] = _head(look.face, marks[i], at[i, 0], at[i, 2], at[i, 3])
        elif kind == EYE:
            for i in range(count):
                d[_R + i], d[_G + i], d[_B + i] = _eye(look.face, at[i, 0])
        elif kind == MOUTH:  # teeth and tongue, in the shade
            for i in range(count):
                d[_R + i], d[_G + i], d[_B + i] = _f(92), _f(52), _f(48)
        else:
            _dress(look, kind, at, marks, sharp, s, d)
        for i in range(count):
            shade = _f(1) if kind == EYE else _f(1) - _f(0.22) * _signed(marks[i], 5)
            d[_R + i], d[_G + i], d[_B + i] = _times((d[_R + i], d[_G + i], d[_B + i]), shade)
        for i in range(count):
            to = texels[i]
            out[to, 0], out[to, 1], out[to, 2] = _to_byte(d[_R + i]), _to_byte(d[_G + i]), _to_byte(d[_B + i])
        start = end
    for n in range(gutter.shape[0]):
        at, source = gutter[n], gutter_source[n]
        out[at, 0], out[at, 1], out[at, 2] = out[source, 0], out[source, 1], out[source, 2]


@tight_kernel
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
    pattern, dyes = c.pattern, _cloth(c)
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
            dye = _dye(pattern, dyes, along, around, print_a, print_b, coarse, look.outfit.waist, sharp)
            colour = _times(dye, _f(1) + c.weave * fine)
            out[row, column, 0] = _to_byte(colour[0])
            out[row, column, 1] = _to_byte(colour[1])
            out[row, column, 2] = _to_byte(colour[2])
