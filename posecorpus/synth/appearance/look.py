"""How one person looks: skin, hair and a set of clothes, as plain numbers drawn from a generator."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, get_type_hints

import numpy as np

from posecorpus.synth.appearance import colours
from posecorpus.synth.appearance.colours import RGB
from posecorpus.synth.appearance.draws import Draws
from posecorpus.synth.appearance.landmarks import Landmarks

PLAIN, STRIPES, PINSTRIPES, CHECKS, DOTS, PRINT, CAMOUFLAGE, BLOCKS, FADE, DENIM = range(10)
"""Patterns of a cloth."""

NO_LOGO, BADGE, BAND, LETTERING, PICTURE = range(5)
"""What is printed on the chest."""


TUCKED_M = 0.031
"""A hem no farther than this below the waist is tucked in."""

SLEEVELESS = -0.12
"""The limb fraction at which tops without sleeves end."""

OPEN_HEM_M = 0.04
"""Jackets that are worn open end this far above the hips or higher."""

SHIRT_TAIL_M = 0.012
"""So far a shirt that is worn goes on under a skirt."""


class Cloth(NamedTuple):
    """One fabric. Lengths are metres; ``weave`` and ``folds`` are relative contrasts."""

    pattern: int
    base: RGB
    second: RGB
    third: RGB
    period: float
    duty: float
    phase: float
    weave: float
    folds: float


class Face(NamedTuple):
    """Skin and hair. Strengths are in [0, 1]; hair limits are in eye distances (``atlas.hair_height``)."""

    skin: RGB
    lips: RGB
    lip_strength: float
    blush: float
    blotch: float
    hair: RGB
    hair_cover: float
    hair_front: float
    hair_nape: float
    long_hair_bottom: float  # height (y) down to which hair covers the back; above the head: none
    strands: float
    brow: float
    brow_colour: RGB
    lid: float
    beard: float
    iris: RGB
    scarf_below: float  # metres above the neckline up to which the head is covered like the scalp; else -9


class Outfit(NamedTuple):
    """Clothes. Heights are y of the rest body in metres; sleeve and leg are limb fractions (0 ... 2)."""

    top: Cloth
    inner: Cloth
    open_width: float
    placket: int
    hem: float
    sleeve: float
    neckline: float
    neck_depth: float
    neck_width: float
    trim: RGB
    trim_width: float
    sleeve_second: int
    bottom: Cloth
    waist: float
    leg: float
    side_stripe: float
    belt: RGB
    belt_width: float
    shoe: RGB
    sole: RGB
    lace: RGB
    sole_top: float
    shoe_top: float
    over_trousers: int
    sock: RGB
    sock_top: float
    glove: int
    logo: int
    logo_y: float
    logo_x: float
    logo_half_width: float
    logo_half_height: float
    logo_colour: RGB


class Fit(NamedTuple):
    """How clothes that are worn sit on the body, and how full the hair is. Metres.

    Painted people have these too, and nobody sees them.
    """

    top_ease: float  # between skin and shirt at the chest
    sleeve_ease: float  # at the sleeve's end
    hem_ease: float  # at the shirt's hem
    leg_ease: float  # between skin and trousers
    flare: float  # at the trouser legs' ends
    top_folds: float  # height of folds
    bottom_folds: float
    skirt_bottom: float  # height (y) of a skirt's hem; above the waist: trousers
    skirt_flare: float  # how far the hem swings out
    dress: int  # skirt and shirt of one cloth
    hair_volume: float
    hair_ends: float  # how ragged the ends of hair are
    curl: float  # of the fingers, radians from knuckle to tip


class Look(NamedTuple):
    """All that tells one person from another on the same body.

    Attributes:
        face, outfit, fit: see there.
        mix_cos, mix_sin: how two fold fields and two print fields combine, so that no two people
            share their folds.
        mirror: -1 looks the asymmetric things (pocket badge) up on the other side.
    """

    face: Face
    outfit: Outfit
    mix_cos: float
    mix_sin: float
    mirror: float
    fit: Fit

    @property
    def skirted(self) -> bool:
        """Whether a skirt is worn instead of trousers."""
        return self.fit.skirt_bottom < self.outfit.waist

    @property
    def long_haired(self) -> bool:
        """Whether hair falls on the back."""
        return self.face.hair_cover == 1 and self.face.long_hair_bottom < 8

    @property
    def tucked(self) -> bool:
        """Whether a shirt that is worn goes under trousers or skirt."""
        return self.skirted or self.outfit.hem > self.outfit.waist - TUCKED_M


def _dtype(kind: type[NamedTuple]) -> np.dtype[np.void]:
    """The structured type that kernels read a look by: float32 throughout, colours as r, g, b."""
    fields: list[tuple[object, ...]] = []
    for name, hint in get_type_hints(kind).items():
        if hint == RGB:
            fields.append((name, [(channel, np.float32) for channel in "rgb"]))
        else:
            fields.append((name, _dtype(hint) if hint in (Cloth, Face, Outfit, Fit) else np.float32))
    return np.dtype(fields)


LOOK = _dtype(Look)


def record(look: Look) -> Any:
    """A look as kernels read it: one record of :data:`LOOK`."""
    return np.array([look], LOOK)[0]


def as_worn(look: Look, at: Landmarks) -> Look:
    """The look as it is cut and painted for a body if clothes are worn: what is open in front is no longer than the
    trunk."""
    o = look.outfit
    if o.open_width == 0:
        return look
    return look._replace(outfit=o._replace(hem=max(o.hem, float(at.joint("l_hip")[1]) + OPEN_HEM_M)))


def trouser_end(leg: float) -> float:
    """Where trousers end that are worn, of those painted to the limb fraction ``leg``: long ones fall on the shoes."""
    return leg + 0.12 * min(max((leg - 1.75) / 0.2, 0.0), 1.0)


def sample_look(rng: np.random.Generator, at: Landmarks, gender: str) -> Look:
    """Draw a person.

    Args:
        rng: every draw comes from it.
        at: landmarks of the body; lengths follow its size.
        gender: ``female`` bodies have no beard and more often long hair; clothes do not depend on it.
    """
    draws = Draws(rng)
    turn = draws.uniform(0, 2 * math.pi)
    face = _face(draws, at, gender)
    outfit = _outfit(draws, at, face.skin)
    if gender != "male" and draws.random() < 0.05:
        face, outfit = _scarved(draws, face, outfit)
    mirror = 1.0 if draws.random() < 0.5 else -1.0
    return Look(
        face=face,
        outfit=outfit,
        mix_cos=math.cos(turn),
        mix_sin=math.sin(turn),
        mirror=mirror,
        fit=_fit(draws, at, gender, outfit),
    )


def _fit(draws: Draws, at: Landmarks, gender: str, outfit: Outfit) -> Fit:
    """Drawn last: whoever is only painted looks the same with and without it."""
    tight_top, tight_bottom = outfit.top.folds < 0.06, outfit.bottom.folds < 0.06
    loose = 0.3 if tight_top else draws.random()
    wide = 0.0 if tight_bottom else draws.random() ** 1.5
    hip, knee, ankle = (float(at.joint(name)[1]) for name in ("l_hip", "l_knee", "l_ankle"))
    skirted = gender != "male" and draws.random() < (0.3 if gender == "female" else 0.15)
    length = draws.uniform(*((0.55, 0.85), (0.85, 1.15), (1.4, 1.85))[colours.pick(draws, (4, 5, 2))])
    down = hip + (knee - hip) * min(length, 1.0) + (ankle - knee) * max(length - 1.0, 0.0)
    return Fit(
        top_ease=0.003 + 0.009 * loose,
        sleeve_ease=0.004 + (0.0 if tight_top else draws.uniform(0.0, 0.016)),
        hem_ease=0.004 + (0.0 if tight_top else 0.022 * loose),
        leg_ease=0.003 + 0.008 * wide,
        flare=0.0 if tight_bottom else draws.uniform(0.004, 0.02) + 0.02 * wide,
        top_folds=0.001 if tight_top else 0.003 + 0.005 * draws.random(),
        bottom_folds=0.001 if tight_bottom else 0.003 + 0.005 * draws.random(),
        skirt_bottom=float(down) if skirted else 9.0,
        skirt_flare=draws.uniform(0.0, 0.1),
        dress=int(draws.random() < 0.4),
        hair_volume=draws.uniform(0.006, 0.022),
        hair_ends=draws.uniform(0.1, 0.3),
        curl=draws.uniform(0.3, 1.3),
    )


def _face(draws: Draws, at: Landmarks, gender: str) -> Face:
    skin, lightness = colours.skin(draws)
    hair = colours.hair(draws)
    dark = colours.blend((14, 12, 11), (52, 36, 28), draws.random() ** 2)
    if lightness < 48 and draws.random() < 0.85:
        hair = dark
    natural = colours.blend(hair, dark, 0.5)  # brows are darker and never dyed
    female = gender == "female" or (gender == "neutral" and draws.random() < 0.5)
    style = colours.pick(draws, (0.0, 0.04, 0.46, 0.5) if female else (0.04, 0.16, 0.8, 0.0))
    cover = (0.0, draws.uniform(0.35, 0.8), 1.0, 1.0)[style]
    neck_y = float(at.joint("neck")[1])
    bottom = neck_y - draws.uniform(-0.03, 0.22) if style == 3 else 9.0
    beard = 0.0
    if not female and draws.random() < 0.5:
        beard = draws.uniform(0.15, 0.95)
    made_up = female and draws.random() < 0.4
    red = colours.blend(skin, (165, 40, 60), 0.55 if made_up else 0.28)
    iris = [(58, 36, 22), (78, 52, 30), (66, 84, 56), (66, 92, 122), (34, 22, 18)]
    return Face(
        skin=skin,
        lips=colours.scale(red, draws.uniform(0.78, 0.95)),
        lip_strength=draws.uniform(0.55, 0.95),
        blush=draws.uniform(0.05, 0.3),
        blotch=draws.uniform(0.03, 0.09),
        hair=hair,
        hair_cover=float(cover),
        hair_front=draws.uniform(-0.15, 0.35) if female or draws.random() < 0.8 else draws.uniform(0.5, 1.3),
        hair_nape=draws.uniform(-0.35, 0.3) if style != 3 else draws.uniform(-1.2, -0.5),
        long_hair_bottom=float(bottom),
        strands=draws.uniform(0.12, 0.4),
        brow=draws.uniform(0.5, 0.95),
        brow_colour=colours.scale(natural, 0.8),
        lid=draws.uniform(0.4, 0.75) if not made_up else draws.uniform(0.7, 0.95),
        beard=float(beard),
        iris=iris[colours.pick(draws, (0.35, 0.2, 0.12, 0.13, 0.2))],
        scarf_below=-9.0,
    )


def _scarved(draws: Draws, face: Face, outfit: Outfit) -> tuple[Face, Outfit]:
    """With a scarf around head and neck."""
    scarf = _contrasting(draws, face.skin, 0.6)
    covered = face._replace(
        hair=scarf,
        hair_cover=1.0,
        hair_front=draws.uniform(-0.3, 0.0),
        hair_nape=-4.0,
        long_hair_bottom=9.0,
        strands=0.08,
        beard=0.0,
        scarf_below=0.085,
    )
    return covered, outfit._replace(
        neckline=0.2, neck_depth=0.0, trim=scarf, trim_width=draws.uniform(0.19, 0.24), open_width=0.0
    )


def _cloth(draws: Draws, sober: float, weights: tuple[float, ...], folds: float, skin: RGB) -> Cloth:
    base = _contrasting(draws, skin, sober)
    second, third = (_contrasting(draws, base, sober) for _ in range(2))
    pattern = colours.pick(draws, weights)
    if pattern == DENIM:
        base = colours.blend((28, 36, 58), (122, 148, 182), draws.random())
    return Cloth(
        pattern=pattern,
        base=base,
        second=second,
        third=third,
        period=0.022 * (0.14 / 0.022) ** draws.random(),
        duty=draws.uniform(0.2, 0.6),
        phase=draws.random(),
        weave=draws.uniform(0.02, 0.10),
        folds=folds * draws.uniform(0.6, 1.3),
    )


def _contrasting(draws: Draws, base: RGB, sober: float) -> RGB:
    """A cloth colour that cannot be taken for ``base``."""
    for _ in range(8):
        other = colours.cloth(draws, sober)
        if colours.distance(base, other) > 110:
            return other
    return (235.0, 232.0, 228.0) if sum(base) < 380 else (24.0, 25.0, 30.0)


#        plain stripes pin checks dots print camo blocks fade denim
_TOPS = (0.40, 0.14, 0.04, 0.11, 0.04, 0.09, 0.02, 0.10, 0.04, 0.02)
_BOTTOMS = (0.55, 0.0, 0.03, 0.04, 0.0, 0.03, 0.03, 0.0, 0.02, 0.30)


def _outfit(draws: Draws, at: Landmarks, skin: RGB) -> Outfit:
    neck, spine1, hip = (float(at.joint(name)[1]) for name in ("neck", "spine1", "l_hip"))
    sporty = draws.random() < 0.15
    tight = sporty and draws.random() < 0.5
    top = _cloth(draws, 0.45, _TOPS, 0.04 if tight else 0.16, skin)
    bottom = _cloth(draws, 0.75, _BOTTOMS, 0.04 if tight else 0.15, skin)
    if draws.random() < 0.05:  # overalls, tracksuits, wetsuits: one cloth from neck to ankle
        bottom = top
    sleeve = draws.uniform(
        *((SLEEVELESS, SLEEVELESS), (0.35, 0.6), (0.6, 0.95), (1.1, 1.6), (1.85, 1.97))[
            colours.pick(draws, (9, 30, 14, 7, 40))
        ]
    )
    leg = draws.uniform(
        *((0.42, 0.6), (0.65, 1.02), (1.1, 1.6), (1.85, 2.02))[colours.pick(draws, (8, 20, 8, 64))]
    )
    waist = spine1 + draws.uniform(-0.10, 0.01)
    hem = waist - 0.03
    if draws.random() < 0.7:  # not tucked in; now and then a tunic
        hem = hip + (draws.uniform(-0.035, 0.05) if draws.random() < 0.88 else draws.uniform(-0.25, -0.1))
    hem = min(hem, waist - 0.03)  # no gap on bodies of any build, however coarse the texture
    turtle = draws.random() < 0.08 and sleeve > 1
    collar = draws.random()
    long_sleeves = sleeve > 1.0
    is_open = long_sleeves and draws.random() < 0.3
    inner = _cloth(draws, 0.6, _TOPS, 0.1, skin)
    boots = draws.random() < 0.1
    shoe = _contrasting(draws, skin, 0.8)
    shoe_top = at.sole + (draws.uniform(0.17, 0.38) if boots else draws.uniform(0.075, 0.12))
    sole_colour = (
        colours.scale(shoe, 0.4)
        if draws.random() < 0.5
        else colours.blend((225, 222, 215), (120, 90, 60), draws.random())
    )
    logo = colours.pick(draws, (62, 10, 8, 10, 10))
    if is_open:
        logo = NO_LOGO
    half_width = draws.uniform(0.05, 0.11)
    return Outfit(
        top=top,
        inner=inner,
        open_width=draws.uniform(0.03, 0.09) if is_open else 0.0,
        placket=int(not is_open and draws.random() < 0.25),
        hem=float(hem),
        sleeve=sleeve,
        neckline=draws.uniform(0.04, 0.07) if turtle else draws.uniform(-0.035, 0.012),
        neck_depth=0.0 if turtle else draws.uniform(*((0.0, 0.0), (0.02, 0.05), (0.06, 0.11))[colours.pick(draws, (45, 35, 20))]),
        neck_width=draws.uniform(0.06, 0.2),
        trim=top.second if collar < 0.3 else colours.scale(top.base, 0.75 if collar < 0.7 else 1.0),
        trim_width=draws.uniform(0.008, 0.03),
        sleeve_second=int(top.pattern == PLAIN and draws.random() < 0.12),
        bottom=bottom,
        waist=float(waist),
        leg=leg,
        side_stripe=draws.uniform(0.006, 0.02) if draws.random() < (0.5 if sporty else 0.05) else 0.0,
        belt=colours.blend((22, 18, 16), (110, 74, 42), draws.random()),
        belt_width=0.035 if draws.random() < 0.35 and not sporty else 0.0,
        shoe=shoe,
        sole=sole_colour,
        lace=colours.blend((240, 240, 236), (30, 30, 30), float(draws.random() < 0.5)),
        sole_top=at.sole + draws.uniform(0.012, 0.03),
        shoe_top=float(shoe_top),
        over_trousers=int(boots and draws.random() < 0.6),
        sock=colours.cloth(draws, 0.9) if draws.random() < 0.6 else (232.0, 231.0, 228.0),
        sock_top=at.sole + draws.uniform(*((0.1, 0.1), (0.13, 0.2), (0.3, 0.42))[colours.pick(draws, (5, 4, 1))]),
        glove=int(draws.random() < 0.03),
        logo=logo,
        logo_y=float(neck - draws.uniform(0.16, 0.26)),
        logo_x=0.07 if logo == BADGE else 0.0,
        logo_half_width=0.022 if logo == BADGE else half_width,
        logo_half_height=0.02 if logo == BADGE else half_width * draws.uniform(0.4, 1.0),
        logo_colour=_contrasting(draws, top.base, 0.3),
    )  # fmt: skip
