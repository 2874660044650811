"""Where colours of skin, hair and cloth are drawn from. All are display (sRGB) values in [0, 255]."""

from __future__ import annotations

import colorsys
import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.synth.appearance.draws import Draws

RGB = tuple[float, float, float]

SKIN_LIGHTNESS = (28.0, 80.0)
"""CIE L* of skin is uniform over this range, so that dark and light tones are equally common."""

LIKE_SKIN = 11.0
"""Cloth no farther than this from a tone of skin (CIE 1976 colour difference) could be taken for it."""

# CIE a* and b* of skin against L*: very dark and very light skin are both paler than the middle.
_SKIN_L = (25.0, 35.0, 45.0, 55.0, 65.0, 75.0, 85.0)
_SKIN_A = (6.5, 10.0, 12.5, 13.0, 12.0, 10.0, 7.0)
_SKIN_B = (8.0, 13.5, 18.0, 20.5, 20.0, 17.5, 13.0)

# (weight, darkest, lightest) of each family of natural hair.
_HAIR: tuple[tuple[float, RGB, RGB], ...] = (
    (0.34, (16, 13, 12), (38, 30, 27)),  # black
    (0.30, (44, 29, 21), (92, 62, 42)),  # brown
    (0.12, (126, 92, 56), (205, 170, 116)),  # blond
    (0.07, (96, 42, 22), (150, 76, 38)),  # red
    (0.13, (98, 96, 94), (222, 220, 214)),  # grey and white
)


def pick(draws: Draws, weights: tuple[float, ...]) -> int:
    """An index drawn by weight."""
    left = draws.random() * sum(weights)
    for i, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return i
    return len(weights) - 1


def lab_to_rgb(lightness: float, a: float, b: float) -> RGB:
    """CIE L*a*b* (D65) to sRGB in [0, 255], clipped to the gamut."""
    fy = (lightness + 16) / 116
    x, y, z = (
        white * (t**3 if t > 6 / 29 else (t - 4 / 29) * 3 * (6 / 29) ** 2)
        for white, t in ((0.95047, fy + a / 500), (1.0, fy), (1.08883, fy - b / 200))
    )
    return (
        _encode(3.2404542 * x - 1.5371385 * y - 0.4985314 * z),
        _encode(-0.9692660 * x + 1.8760108 * y + 0.0415560 * z),
        _encode(0.0556434 * x - 0.2040259 * y + 1.0572252 * z),
    )


def _encode(linear: float) -> float:
    linear = min(max(linear, 0.0), 1.0)
    return 255 * (12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055)


def rgb_to_lab(rgb: NDArray[np.floating]) -> NDArray[np.float64]:
    """sRGB (..., 3) in [0, 255] to CIE L*a*b* (D65)."""
    colours = np.array(rgb, np.float64)
    _to_lab(colours.reshape(-1, 3))
    return colours


@njit(cache=True, nogil=True, error_model="numpy")
def _to_lab(colours: NDArray[np.float64]) -> None:
    for n in range(len(colours)):
        for c in range(3):
            unit = colours[n, c] / 255
            colours[n, c] = unit / 12.92 if unit <= 0.04045 else ((unit + 0.055) / 1.055) ** 2.4
        r, g, b = colours[n]
        fx = _lab_curve((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047)
        fy = _lab_curve(0.2126729 * r + 0.7151522 * g + 0.0721750 * b)
        fz = _lab_curve((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883)
        colours[n, 0], colours[n, 1], colours[n, 2] = 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


@njit(inline="always", error_model="numpy")
def _lab_curve(t: float) -> float:
    return float(np.cbrt(t)) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29


def skin(draws: Draws) -> tuple[RGB, float]:
    """A skin tone and its L*, which is uniform over :data:`SKIN_LIGHTNESS`; the undertone is jittered."""
    lightness = draws.uniform(*SKIN_LIGHTNESS)
    step = (lightness - _SKIN_L[0]) / (_SKIN_L[1] - _SKIN_L[0])
    i = int(step)
    a, b = (knots[i] + (knots[i + 1] - knots[i]) * (step - i) for knots in (_SKIN_A, _SKIN_B))
    return lab_to_rgb(lightness, a + draws.normal(0, 1.3), b + draws.normal(0, 1.6)), lightness


def from_skin(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far CIE L*a*b* colours (N, 3) are from any tone of skin: the distance at their own lightness, which
    counts where it lies beyond that of skin."""
    lightness, a, b = lab.T
    at = np.clip(lightness, _SKIN_L[0], _SKIN_L[-1])
    away = (lightness - at, a - np.interp(at, _SKIN_L, _SKIN_A), b - np.interp(at, _SKIN_L, _SKIN_B))
    return np.asarray(np.sqrt(away[0] ** 2 + away[1] ** 2 + away[2] ** 2))


def unlike_skin(cloths: list[RGB]) -> list[RGB]:
    """Colours of cloth as they are, but greyed where people in them would look undressed."""
    lab = rgb_to_lab(np.array(cloths))
    return [
        lab_to_rgb(float(one[0]), 0.15 * float(one[1]), 0.1 * float(one[2])) if close else colour
        for one, colour, close in zip(lab, cloths, from_skin(lab) < LIKE_SKIN, strict=True)
    ]


def hair(draws: Draws) -> RGB:
    """A hair colour: natural families, and one head in twenty-five dyed."""
    weights = [w for w, _, _ in _HAIR]
    picked = pick(draws, (*weights, 1 - sum(weights)))
    if picked == len(_HAIR):
        return _hsv(draws.random(), draws.uniform(0.3, 0.65), draws.uniform(0.35, 0.7))
    _, dark, light = _HAIR[picked]
    return blend(dark, light, draws.random())


def cloth(draws: Draws, sober: float) -> RGB:
    """A cloth colour.

    Args:
        draws: the source of the draw.
        sober: share in [0, 1] of greys, navy and earth colours; the rest is any hue.
    """
    if draws.random() >= sober:
        # Few dyes are both vivid and bright, and fewer still are green.
        hue = draws.random()
        saturation = draws.uniform(0.2, 0.9) * (0.65 if 0.18 < hue < 0.45 else 1.0)
        return _hsv(hue, saturation, draws.uniform(0.2, 1.08 - 0.45 * saturation))
    kind = draws.below(4)
    if kind == 0:  # black to white
        value = draws.uniform(0.08, 0.95)
        return _hsv(draws.random(), draws.uniform(0, 0.06), value)
    if kind == 1:  # navy and denim
        return _hsv(draws.uniform(0.56, 0.66), draws.uniform(0.3, 0.7), draws.uniform(0.15, 0.6))
    if kind == 2:  # khaki, beige, brown
        return _hsv(draws.uniform(0.06, 0.15), draws.uniform(0.15, 0.55), draws.uniform(0.2, 0.8))
    return _hsv(draws.random(), draws.uniform(0.1, 0.4), draws.uniform(0.12, 0.5))


def blend(one: RGB, other: RGB, share: float) -> RGB:
    """``one`` at share 0, ``other`` at share 1."""
    r, g, b = one
    return r + (other[0] - r) * share, g + (other[1] - g) * share, b + (other[2] - b) * share


def scale(colour: RGB, factor: float) -> RGB:
    """Lighter or darker, at most 255."""
    r, g, b = colour[0] * factor, colour[1] * factor, colour[2] * factor
    return min(r, 255.0), min(g, 255.0), min(b, 255.0)


def distance(one: RGB, other: RGB) -> float:
    """A cheap perceptual difference in [0, 765]: the weighted RGB distance known as redmean."""
    red = (one[0] + other[0]) / 2
    r, g, b = one[0] - other[0], one[1] - other[1], one[2] - other[2]
    return math.sqrt((2 + red / 256) * r * r + 4 * g * g + (2 + (255 - red) / 256) * b * b)


def _hsv(hue: float, saturation: float, value: float) -> RGB:
    r, g, b = colorsys.hsv_to_rgb(hue, saturation, value)
    return r * 255, g * 255, b * 255
