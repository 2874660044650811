"""What props are made of: colours and patterns, drawn from a seed."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from posecorpus.synth.appearance.colours import RGB, blend, cloth, scale
from posecorpus.synth.appearance.draws import Draws

(
    PLAIN, WOOD, METAL, FABRIC, LEAF, STONE, CARTON, SEGMENTS, SEAMS, LABEL, SCREEN, PANES,
) = range(12)  # fmt: skip
"""Patterns that the painter knows."""


@dataclass(frozen=True)
class Material:
    """One tile of a prop's texture.

    Attributes:
        pattern: which of the painter's.
        base, second, third: colours, sRGB in [0, 255].
        period: of what repeats, in tiles.
        duty: share of each period that has the second colour.
        rough: strength of fine noise. blotch: of coarse noise.
    """

    pattern: int
    base: RGB
    second: RGB
    third: RGB
    period: float = 0.25
    duty: float = 0.5
    rough: float = 0.05
    blotch: float = 0.05


Recipe = Callable[[Draws], Material]
"""Draws a material."""

_WOODS: tuple[RGB, ...] = (
    (205, 170, 125), (186, 140, 92), (150, 102, 62), (110, 70, 42), (78, 50, 34), (216, 190, 152), (128, 112, 98),
)  # fmt: skip


def wood(draws: Draws) -> Material:
    """Boards: natural tones from birch to walnut, and weathered grey."""
    base = scale(_WOODS[draws.below(len(_WOODS))], draws.uniform(0.85, 1.12))
    dark = scale(base, draws.uniform(0.72, 0.88))
    return Material(WOOD, base, dark, scale(base, 0.6), draws.uniform(0.09, 0.3), draws.random(), 0.03, 0.02)


def paint(draws: Draws, sober: float = 0.6) -> Material:
    """A painted or lacquered surface, a little worn."""
    base = cloth(draws, sober)
    worn = draws.random() ** 2
    return Material(PLAIN, base, base, base, rough=0.01 + 0.02 * worn, blotch=0.01 + 0.05 * worn)


def vivid_paint(draws: Draws) -> Material:
    """Paint of mostly bright colours."""
    return paint(draws, 0.25)


def sober_paint(draws: Draws) -> Material:
    """Paint of mostly greys, blues and browns."""
    return paint(draws, 0.85)


def white(draws: Draws) -> Material:
    """The white and off-white of kitchens and cupboards."""
    value = draws.uniform(190, 245)
    base = (value, value * draws.uniform(0.97, 1.0), value * draws.uniform(0.9, 1.0))
    return Material(PLAIN, base, base, base, rough=0.01, blotch=0.015)


def metal(draws: Draws) -> Material:
    """Steel, black iron or brass, with soft reflections."""
    value = (draws.uniform(120, 190), draws.uniform(25, 70), draws.uniform(140, 180))[draws.below(3)]
    warm = draws.uniform(0.94, 1.0)
    base = (value, value * (1 + warm) / 2, value * warm)
    return Material(
        METAL, base, scale(base, draws.uniform(1.15, 1.4)), scale(base, 0.7), 0.5, draws.random(), 0.025, 0.02
    )


def plastic(draws: Draws) -> Material:
    """Even colour, often vivid."""
    base = cloth(draws, 0.35)
    return Material(PLAIN, base, base, base, rough=0.01, blotch=0.01)


def fabric(draws: Draws) -> Material:
    """Upholstery and bags: plain, striped or checked (a duty of 0 is plain; above one half, checks)."""
    base = cloth(draws, 0.65)
    duty = 0.0 if draws.random() < 0.6 else draws.uniform(0.15, 0.85)
    return Material(
        FABRIC, base, cloth(draws, 0.6), cloth(draws, 0.6), draws.uniform(0.04, 0.2), duty, 0.09, 0.04
    )


def leather(draws: Draws) -> Material:
    """Blacks, browns, and a few dyes, with creases."""
    browns: tuple[RGB, ...] = ((35, 30, 28), (96, 58, 36), (140, 88, 52), (60, 40, 32))
    base = browns[draws.below(4)] if draws.random() < 0.75 else cloth(draws, 0.3)
    return Material(STONE, base, scale(base, 0.85), scale(base, 1.15), 0.1, 0.2, 0.04, 0.05)


def stone(draws: Draws) -> Material:
    """Concrete, plaster, terracotta, granite."""
    bases: tuple[RGB, ...] = ((150, 148, 142), (205, 200, 190), (172, 98, 66), (96, 94, 96), (190, 170, 140))
    base = scale(bases[draws.below(5)], draws.uniform(0.85, 1.1))
    return Material(
        STONE, base, scale(base, 0.8), scale(base, 1.12), 0.1, draws.uniform(0.1, 0.4), 0.09, 0.12
    )


def leaf(draws: Draws) -> Material:
    """Greens from yellowish to bluish; one plant in ten is reddish or variegated."""
    hue = draws.uniform(0.2, 0.38) if draws.random() < 0.9 else draws.uniform(0.0, 0.08)
    red, green, blue = colorsys.hsv_to_rgb(hue, draws.uniform(0.35, 0.75), draws.uniform(0.28, 0.62))
    base = (255 * red, 255 * green, 255 * blue)
    return Material(
        LEAF,
        base,
        blend(base, (200, 210, 140), draws.uniform(0.2, 0.6)),
        scale(base, 0.7),
        0.14,
        0.1,
        0.06,
        0.15,
    )


def carton(draws: Draws) -> Material:
    """Corrugated cardboard with tape and a printed mark."""
    base = scale((186, 150, 108), draws.uniform(0.85, 1.12))
    return Material(CARTON, base, scale(base, 0.82), cloth(draws, 0.4), 0.5, draws.random(), 0.05, 0.05)


def ball_cover(draws: Draws) -> Material:
    """A beach ball's segments, a basketball's seams, a plain or a patched ball."""
    base, other = cloth(draws, 0.1), cloth(draws, 0.3)
    if draws.random() < 0.45:
        sectors = (4, 6, 8)[draws.below(3)]
        return Material(SEGMENTS, base, other, (235, 235, 230), 1 / sectors, 0.5, 0.02, 0.03)
    if draws.random() < 0.4:
        base = scale((196, 100, 46), draws.uniform(0.85, 1.1))
    return Material(SEAMS, base, scale(base, 0.25), base, 0.25, 0.06, 0.06, 0.05)


def label(draws: Draws) -> Material:
    """A bottle with a label around its belly."""
    glass: tuple[RGB, ...] = ((40, 70, 45), (70, 44, 26), (190, 205, 215), (30, 60, 120))
    base = glass[draws.below(4)] if draws.random() < 0.7 else cloth(draws, 0.3)
    return Material(
        LABEL, base, cloth(draws, 0.3), (240, 238, 230), 0.1, draws.uniform(0.25, 0.45), 0.02, 0.05
    )


def screen(draws: Draws) -> Material:
    """A phone's front: dark glass, sometimes lit."""
    lit = cloth(draws, 0.3) if draws.random() < 0.4 else (28.0, 30.0, 34.0)
    return Material(SCREEN, (18, 18, 20), lit, blend(lit, (255, 255, 255), 0.5), 0.12, 0.9, 0.01, 0.02)


def panes(draws: Draws) -> Material:
    """Sectors of an umbrella: plain or in two colours."""
    base = cloth(draws, 0.35)
    other = base if draws.random() < 0.6 else cloth(draws, 0.4)
    return Material(PANES, base, other, scale(base, 0.7), 1 / 8, 0.5, 0.04, 0.05)


def signal_orange(draws: Draws) -> Material:
    """A traffic cone's colour, more or less faded."""
    base = scale((226, 92, 30), draws.uniform(0.75, 1.05))
    return Material(PLAIN, base, base, base, rough=0.015, blotch=0.04)


def reflector(draws: Draws) -> Material:
    """A traffic cone's bands."""
    base = scale((236, 236, 232), draws.uniform(0.75, 1.0))
    return Material(PLAIN, base, base, base, rough=0.015, blotch=0.03)


def soil(draws: Draws) -> Material:
    """What a plant's pot holds; its stems share it."""
    base = scale((56, 42, 31), draws.uniform(0.7, 1.3))
    return Material(STONE, base, scale(base, 0.65), scale(base, 1.3), 0.1, 0.2, 0.15, 0.15)


def string(draws: Draws) -> Material:
    """A racket's strings."""
    base = scale((228, 228, 215), draws.uniform(0.4, 1.0))
    return Material(PLAIN, base, base, base)


def record(materials: tuple[Material, ...]) -> np.ndarray:
    """The materials as the painter's kernel takes them, (M, 14) float32."""
    rows = [(m.pattern, *m.base, *m.second, *m.third, m.period, m.duty, m.rough, m.blotch) for m in materials]
    return np.array(rows, np.float32)
