"""Shirts and trousers: what of the cloth mesh they are cut from, and how far from the skin they lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.synth.appearance.atlas import ARM_ROOT
from posecorpus.synth.appearance.kept import kept_with_body
from posecorpus.synth.appearance.landmarks import Landmarks
from posecorpus.synth.appearance.look import Fit, Look, trouser_end
from posecorpus.synth.clothing.cut import Uncut
from posecorpus.synth.clothing.mannequin import (
    ABOVE_NECK,
    ARM,
    AROUND,
    DEPTH,
    FLAT,
    FOLD_A,
    FOLD_B,
    FOREHEAD,
    HAIR_AT,
    HIGHEST_COLLAR_M,
    SIDE,
    STRANDS,
    UP,
    Mannequin,
)

RIM_M = 0.02
"""Skin and inner cloth go on this far under a hem."""
UNDERLAP_M = 0.06
"""Trousers go on this far under a shirt's hem, which swings out more."""

OPEN_AT_NECK = 0.6
"""Of a jacket: its opening at the neck as a share of how much it widens in a metre."""
COLLAR_EASE_M = 0.003
OVER_SHOE_M = 0.011
STUBBLE_M = 0.003
HAIR_SLOPE_M = 0.03
"""Hair reaches its full height this far from the hairline."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Tailored:
    """One garment on a mannequin.

    Attributes:
        mesh: what it is cut from.
        outline: (N,) float32 metres to its edge, positive where there is cloth.
        ease: (N,) float32 metres between skin and cloth.
    """

    mesh: Uncut
    outline: Floats
    ease: Floats


class Lines(NamedTuple):
    """Where a look's garments end on a body, metres: of the rest body, or of its arm's length."""

    sleeve: float  # distance from the middle plane, as of the shoulder
    shoulder: float
    armpit: float
    neckline: float  # above the neckline, see ``atlas``
    neck_depth: float
    neck_width: float
    open_width: float  # a jacket's front is open by this half width, and wider further down; 0: closed
    hem: float
    waist: float
    leg: float
    hip: float
    ankle: float
    ankle_z: float
    spine3: float
    shoe: float
    boots: bool
    tucked: bool  # the shirt goes under the trousers


class _Posts(NamedTuple):
    """What lines are measured from: shoulder, elbow and wrist from the middle plane, heights of hip, knee, ankle..."""

    arm: tuple[float, float, float]
    leg: tuple[float, float, float]
    armpit: float
    ankle_z: float
    spine3: float


@kept_with_body
def _posts(at: Landmarks) -> _Posts:
    shoulder, elbow, wrist = (float(at.joint("l_" + n)[0]) for n in ("shoulder", "elbow", "wrist"))
    hip, knee, ankle = (float(at.joint("l_" + n)[1]) for n in ("hip", "knee", "ankle"))
    shoulder_y, spine3 = float(at.joint("l_shoulder")[1]), float(at.joint("spine3")[1])
    armpit = shoulder_y - 0.4 * (shoulder_y - spine3)
    ankle_z = float(at.joint("l_ankle")[2])
    return _Posts((shoulder, elbow, wrist), (hip, knee, ankle), armpit, ankle_z, spine3)


def lines(look: Look, at: Landmarks) -> Lines:
    """Measure a look's limb fractions out on a body."""
    o, posts = look.outfit, _posts(at)
    return Lines(
        sleeve=_limb(o.sleeve, *posts.arm),
        shoulder=posts.arm[0],
        armpit=posts.armpit,
        neckline=float(min(o.neckline, HIGHEST_COLLAR_M)),
        neck_depth=float(o.neck_depth),
        neck_width=float(o.neck_width),
        open_width=float(o.open_width),
        hem=float(o.waist - 0.03 if look.skirted else o.hem),
        waist=float(o.waist),
        leg=_limb(trouser_end(o.leg), *posts.leg),
        hip=posts.leg[0],
        ankle=posts.leg[2],
        ankle_z=posts.ankle_z,
        spine3=posts.spine3,
        shoe=float(o.shoe_top),
        boots=bool(o.over_trousers),
        tucked=bool(look.tucked),
    )


def _limb(fraction: float, start: float, middle: float, end: float) -> float:
    if fraction < 1:
        return start + (middle - start) * fraction
    return middle + (end - middle) * (fraction - 1)


def tailor(look: Look, who: Mannequin, at: Lines) -> tuple[Tailored, Tailored]:
    """The shirt and the trousers of a look, before what is hidden under the other is cut off."""
    top, bottom = _blank(who.upper, len(who.fields)), _blank(who.lower, len(who.fields))
    turn = float(look.mix_cos**2)
    if who.grain > 1:
        at = at._replace(open_width=0.0)  # faces are wider than the gap; the paint shows it
    _tailor(who.fields, at, look.fit, turn, top.outline, top.ease, bottom.outline, bottom.ease)
    return top, bottom


def hair(look: Look, who: Mannequin) -> Tailored:
    """The hair on a look's scalp, thin at the hairline; or the scarf over it."""
    face, fit, unit = look.face, look.fit, who.at.eye_distance
    scarved = face.scarf_below > 0
    result = _blank(who.head, len(who.fields))
    volume = STUBBLE_M if face.hair_cover < 1 else fit.hair_volume
    hairline = float(face.hair_front * unit), float(face.hair_nape * unit)
    scarf = float(face.scarf_below), float(look.outfit.neckline - look.outfit.trim_width)
    _hair(who.fields, hairline, float(volume), scarf, scarved, result.outline, result.ease)
    return result


def _blank(mesh: Uncut, count: int) -> Tailored:
    return Tailored(mesh, np.empty(count, np.float32), np.empty(count, np.float32))


@njit(error_model="numpy")
def _step(low: float, high: float, at: float) -> float:
    """0 below ``low``, 1 above ``high``, smooth between."""
    if at <= low:  # most are on one side or the other, and dividing takes longest
        return 0.0
    if at >= high:
        return 1.0
    t = (at - low) / (high - low)
    return t * t * (3 - 2 * t)


@njit(cache=True, nogil=True)
def _tailor(
    fields: Floats, at: Lines, fit: Fit, turn: float,
    top: Floats, top_ease: Floats, bottom: Floats, bottom_ease: Floats,
) -> None:  # fmt: skip
    for v in range(len(fields)):
        f = fields[v]
        side, y, z, arm = f[SIDE], f[UP], f[DEPTH], f[ARM]
        # A sleeve ends at a distance from the middle plane; without one, the arm hole closes at the armpit.
        root = 0.5 if at.sleeve > at.shoulder else ARM_ROOT
        limb = max(at.sleeve - side, min(at.armpit - y, (root - arm) * 0.15))
        neckline = at.neckline
        if at.neck_depth > 0 and z > -0.02:
            t = f[AROUND] / at.neck_width
            neckline -= at.neck_depth * max(1 - t * t, 0.0)
        top[v] = min(min(limb, neckline - f[ABOVE_NECK]), max(y - at.hem, (arm - 0.5) * 0.1))
        if at.open_width > 0:  # as ``paint`` has it
            top[v] = min(top[v], abs(f[AROUND]) - at.open_width * (OPEN_AT_NECK - f[ABOVE_NECK]))
        # Legs that reach the shoes end higher over the instep.
        end = at.leg + 0.5 * max(z - at.ankle_z - 0.02, 0.0)
        if at.boots:
            end = max(end, at.shoe - 0.02)
        bottom[v] = min(min(at.waist - y, y - end), (0.5 - arm) * 0.15)

        fold = f[FOLD_A] * turn + f[FOLD_B] * (1 - turn)
        loose = fit.top_ease + (fit.hem_ease - fit.top_ease) * _step(-at.spine3, -at.hem, -y)
        on_arm = fit.top_ease + (fit.sleeve_ease - fit.top_ease) * _step(
            at.shoulder, max(at.sleeve, at.shoulder + 0.05), side
        )
        over = loose + (on_arm - loose) * arm + fit.top_folds * fold
        inside = neckline - f[ABOVE_NECK]
        if at.sleeve < at.shoulder + 0.02:
            inside = min(inside, limb)  # arm holes lie on the skin as collars do
        over = COLLAR_EASE_M + (over - COLLAR_EASE_M) * _step(0.0, 0.08, inside)
        flare = 0.0 if at.boots else fit.flare
        under = fit.leg_ease + flare * _step(-at.hip, -at.ankle, -y) + fit.bottom_folds * fold
        if not at.boots:
            under = max(under, OVER_SHOE_M * _step(-at.shoe - 0.05, -at.shoe - 0.01, -y))
        near_waist = _step(-at.waist - 0.08, -at.waist, -y)
        if at.tucked:
            over = fit.top_ease + (over - fit.top_ease) * (1 - near_waist)
            under = max(under, (over + 0.004) * _step(at.waist - 0.12, at.waist - 0.06, y))
        else:
            if at.open_width > 0:  # trousers go on to the waist under it
                near_waist = 1 - _step(at.waist, at.waist + 0.05, y)
            over = max(over, (under + 0.005) * near_waist * (1 - arm))
        top_ease[v], bottom_ease[v] = over, under


@njit(cache=True, nogil=True)
def _hair(
    fields: Floats,
    hairline: tuple[float, float],
    volume: float,
    scarf: tuple[float, float],
    scarved: bool,
    outline: Floats,
    ease: Floats,
) -> None:
    for v in range(len(fields)):
        f = fields[v]
        inside = f[HAIR_AT] - (hairline[0] * f[FOREHEAD] + hairline[1] * (1 - f[FOREHEAD]))
        if scarved:
            inside = min(max(inside, scarf[0] - f[ABOVE_NECK]), f[ABOVE_NECK] - scarf[1])
            outline[v] = min(inside, (0.5 - f[ARM]) * 0.1)
            thick = 0.009 + 0.004 * f[FOLD_A] + 0.3 * volume * _step(0.0, 0.1, f[HAIR_AT])
            ease[v] = 0.003 + thick * _step(0.0, 0.03, inside)
        else:
            outline[v] = inside + (0.003 + 0.006 * f[FOREHEAD]) * f[STRANDS]
            rise = _step(-0.004, HAIR_SLOPE_M * (1 + f[FOREHEAD]), outline[v])
            ease[v] = 0.001 + volume * rise * (1 + 0.4 * f[STRANDS]) * (1 - 0.85 * f[FLAT])
