"""Shirts and trousers: what of the cloth mesh they are cut from, and how far from the skin they lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.synth.appearance.landmarks import Landmarks
from posecorpus.synth.appearance.look import TUCKED_M, Look
from posecorpus.synth.clothing.mannequin import (
    ABOVE_NECK,
    ARM,
    AROUND,
    DEPTH,
    FOLD_A,
    FOLD_B,
    SIDE,
    UP,
    Mannequin,
)

RIM_M = 0.02
"""Skin and inner cloth go on this far under a hem."""
UNDERLAP_M = 0.06
"""Trousers go on this far under a shirt's hem, which swings out more."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Tailored:
    """One garment on a mannequin.

    Attributes:
        outline: (N,) float32 metres to its edge, positive where there is cloth.
        ease: (N,) float32 metres between skin and cloth.
    """

    outline: Floats
    ease: Floats


@dataclass(frozen=True)
class Lines:
    """Where a look's garments end on a body, metres: of the rest body, or of its arm's length."""

    sleeve: float  # distance from the middle plane
    shoulder: float
    armpit: float
    hem: float
    waist: float
    leg: float
    hip: float
    ankle: float
    spine3: float
    boot: float

    @property
    def tucked(self) -> bool:
        """Whether the shirt goes under the trousers."""
        return self.hem > self.waist - TUCKED_M


def lines(look: Look, at: Landmarks) -> Lines:
    """Measure a look's limb fractions out on a body."""
    o = look.outfit
    shoulder, elbow, wrist = (float(at.joint("l_" + n)[0]) for n in ("shoulder", "elbow", "wrist"))
    hip, knee, ankle = (float(at.joint("l_" + n)[1]) for n in ("hip", "knee", "ankle"))
    shoulder_y, spine3 = float(at.joint("l_shoulder")[1]), float(at.joint("spine3")[1])
    return Lines(
        sleeve=_limb(o.sleeve, shoulder, elbow, wrist),
        shoulder=shoulder,
        armpit=shoulder_y - 0.4 * (shoulder_y - spine3),
        hem=o.hem,
        waist=o.waist,
        leg=_limb(o.leg, hip, knee, ankle),
        hip=hip,
        ankle=ankle,
        spine3=spine3,
        boot=o.shoe_top if o.over_trousers else -9.0,
    )


def _limb(fraction: float, start: float, middle: float, end: float) -> float:
    if fraction < 1:
        return start + (middle - start) * fraction
    return middle + (end - middle) * (fraction - 1)


def tailor(look: Look, who: Mannequin, at: Lines) -> tuple[Tailored, Tailored]:
    """The shirt and the trousers of a look, before what is hidden under the other is cut off."""
    o, fit = look.outfit, look.fit
    count = len(who.fields)
    top, bottom = (Tailored(np.empty(count, np.float32), np.empty(count, np.float32)) for _ in range(2))
    _tailor(
        who.fields,
        np.array(
            [at.sleeve, at.shoulder, at.armpit, at.hem, at.waist, at.leg, at.hip, at.ankle, at.spine3, at.boot],
            np.float32,
        ),
        np.array([o.neckline, o.neck_depth, o.neck_width], np.float32),
        np.array(
            [fit.top_ease, fit.sleeve_ease, fit.hem_ease, fit.leg_ease, fit.flare, fit.top_folds, fit.bottom_folds],
            np.float32,
        ),
        np.array([look.mix_cos, look.mix_sin], np.float32),
        at.tucked,
        top.outline, top.ease, bottom.outline, bottom.ease,
    )  # fmt: skip
    return top, bottom


@njit(error_model="numpy")
def _step(low: float, high: float, at: float) -> float:
    """0 below ``low``, 1 above ``high``, smooth between."""
    t = min(max((at - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


@njit(cache=True, nogil=True)
def _tailor(
    fields: Floats, line: Floats, neck: Floats, fit: Floats, mix: Floats, tucked: bool,
    top: Floats, top_ease: Floats, bottom: Floats, bottom_ease: Floats,
) -> None:  # fmt: skip
    sleeve, shoulder, armpit, hem, waist, leg, hip, ankle, spine3, boot = line
    for v in range(len(fields)):
        f = fields[v]
        side, y, arm = f[SIDE], f[UP], f[ARM]
        # A sleeve ends at a distance from the middle plane; without one, the arm hole closes at the armpit.
        limb = max(sleeve - side, min(armpit - y, (0.5 - arm) * 0.15))
        neckline = neck[0]
        if neck[1] > 0 and f[DEPTH] > -0.02:
            t = f[AROUND] / neck[2]
            neckline -= neck[1] * max(1 - t * t, 0.0)
        top[v] = min(min(limb, neckline - f[ABOVE_NECK]), max(y - hem, (arm - 0.5) * 0.1))
        bottom[v] = min(min(waist - y, y - max(leg, boot)), (0.5 - arm) * 0.15)

        fold = f[FOLD_A] * mix[0] ** 2 + f[FOLD_B] * mix[1] ** 2
        loose = fit[0] + (fit[2] - fit[0]) * _step(-spine3, -hem, -y)
        on_arm = fit[0] + (fit[1] - fit[0]) * _step(shoulder, max(sleeve, shoulder + 0.05), side)
        over = loose + (on_arm - loose) * arm + fit[5] * fold
        under = fit[3] + (fit[4] - fit[3]) * _step(-hip, -ankle, -y) + fit[6] * fold
        near_waist = _step(-waist - 0.08, -waist, -y)
        if tucked:
            over = fit[0] + (over - fit[0]) * (1 - near_waist)
            under = max(under, (over + 0.004) * _step(waist - 0.12, waist - 0.06, y))
        else:
            over = max(over, (under + 0.005) * near_waist * (1 - arm))
        top_ease[v], bottom_ease[v] = over, under
