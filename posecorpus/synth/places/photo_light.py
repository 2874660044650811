"""The light of a photo, from the photo: level, colour, left or right, above or below, hard or soft.

A picture does not tell its light without doubt. What is taken from it is cheap and coarse: people come out as bright and
as tinted as what is around them, and brighter on the picture's brighter side. What it cannot tell, how far the
lamp is before or behind the people, is drawn.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.places.harmonics import Lamp, PlaceLight
from posecorpus.synth.raster.colour import TO_LINEAR

MEAN_ALBEDO = 0.24
"""What the world reflects on average (grey-world assumption)."""

WHITE_ALBEDO = 0.6
"""What the brightest things that are no lamps reflect."""

BY_MEAN = 0.6
"""How far the mean is believed, the brightest for the rest: exponents."""

LEVELS = 0.3, 1.2
"""Least and most light: beyond them a photo is dark or bright things rather than dark or bright light."""

DIRECTED = 0.5, 0.8
"""Share of the light that comes from one side, under an overcast sky and under a sunny one."""

SHADOWS = 1.3, 1.5
"""Strength of shadows, of what is configured, likewise: who stands under an overcast sky hides much of it from the
ground around the feet."""

SOFTNESS = 0.5, 0.2, 0.04
"""Angular radius of what throws them, radians: under an overcast sky, a hazy one and a sunny one."""

CAST = 0.5
"""Share of a picture's mean colour that is taken for its light's, the rest for that of its things; as a power."""

MOST_CAST = 1.25
"""Ratio of any channel's light to green's, at most, and least as its inverse."""

SKYLINE = 0.35
"""Share of a picture's height that may be sky."""

WEIGHTS = np.array([0.25, 0.6, 0.15])
"""Of linear red, green and blue in brightness."""

THUMBNAIL = 96
"""Light needs no more pixels than this along a side, whatever their shape."""

_LINEAR = TO_LINEAR.astype(np.float64)


def photo_light(picture: NDArray[np.uint8], camera: Camera, rng: np.random.Generator) -> PlaceLight:
    """Light on people who are to stand in a photo.

    Args:
        picture: (THUMBNAIL, THUMBNAIL, 3) uint8 sRGB, the background squeezed.
        camera: of the background.
        rng: of what the picture does not tell.
    """
    fine = _LINEAR.take(picture)
    # Four pixels in one: sparks and noise count less.
    linear = (fine[::2, ::2] + fine[::2, 1::2] + fine[1::2, ::2] + fine[1::2, 1::2]) / 4
    rows, columns = linear.shape[:2]
    grey = linear @ WEIGHTS
    # The sky is brighter than white things under it, grass darker than most.
    level = math.sqrt(_level(grey) * _level(grey[round(SKYLINE * rows) :]))
    colour = _cast(linear)
    side = _log_ratio(grey[:, columns // 2 :].mean(), grey[:, : columns // 2].mean())
    above = _log_ratio(grey[: rows // 3].mean(), grey[-rows // 3 :].mean())
    hard = _hardness(fine @ WEIGHTS)

    # Most people photograph with the light behind them; a sky much brighter than the ground is before them.
    behind = rng.normal(0.5 * (1 - float(np.clip(above, 0, 1))), 0.7)
    across = float(np.clip(1.5 * side + rng.normal(0, 0.35), -2, 2))
    height = rng.uniform(0.8, 1.6)
    right, ahead = camera.R[0] * (1, 0, 1), camera.R[2] * (1, 0, 1)
    towards = across * right / np.linalg.norm(right) - behind * ahead / np.linalg.norm(ahead)
    towards = towards + (0, height, 0)
    towards /= np.linalg.norm(towards)

    directed = float(np.interp(hard, [0, 1], DIRECTED))
    # On a surface that looks at the camera: half of a lamp's light, and the mean of above and below.
    sky = level * (1 - 0.5 * directed)
    tilt = float(np.clip(0.35 + 0.2 * above, 0.2, 0.5))
    warm = colour * (1 + 0.06 * hard * np.array([1, 0, -1]))
    lamps = (Lamp(towards, level * directed * warm),)
    softness, strength = (float(np.interp(hard, *v)) for v in (([0, 0.4, 1], SOFTNESS), ([0, 1], SHADOWS)))
    return PlaceLight(
        lamps, sky * (1 + tilt) * colour, sky * (1 - tilt) * colour, towards, softness, strength
    )


def _quantiles(values: NDArray[np.float64], *shares: float) -> list[float]:
    """Of all values, as ``numpy.quantile`` gives them: a fraction of its time."""
    exact = [share * (values.size - 1) for share in shares]
    below = [int(at) for at in exact]
    # One call finds them all, and those above them.
    order = np.partition(values.ravel(), sorted({min(b + k, values.size - 1) for b in below for k in (0, 1)}))
    found = []
    for at, b in zip(exact, below, strict=True):
        low, high, share = float(order[b]), float(order[min(b + 1, values.size - 1)]), at - b
        found.append(low + (high - low) * share if share < 0.5 else high - (high - low) * (1 - share))
    return found


def _level(grey: NDArray[np.float64]) -> float:
    """Irradiance, 1 if white things are just white: between what the mean and what the brightest tell."""
    by_mean = float(grey.mean()) / MEAN_ALBEDO
    by_white = _quantiles(grey, 0.95)[0] / WHITE_ALBEDO
    level = max(by_mean, 1e-3) ** BY_MEAN * max(by_white, 1e-3) ** (1 - BY_MEAN)
    return float(min(max(level, LEVELS[0]), LEVELS[1]))


def _cast(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) colour of the light, mean 1: of the picture without its darkest and its burnt-out pixels."""
    red, green, blue = linear[..., 0], linear[..., 1], linear[..., 2]
    grey = (red + green + blue) / 3
    usable = (grey > _quantiles(grey, 0.1)[0]) & (np.maximum(np.maximum(red, green), blue) < 0.95)
    mean = linear[usable].mean(0) if usable.any() else np.ones(3)
    ratio = (np.maximum(mean, 1e-3) / max(float(mean[1]), 1e-3)) ** CAST
    colour = np.clip(ratio, 1 / MOST_CAST, MOST_CAST)
    return np.asarray(colour / colour.mean())


def _log_ratio(one: float, other: float) -> float:
    return math.log((one + 0.02) / (other + 0.02))


def _hardness(grey: NDArray[np.float64]) -> float:
    """0 for the contrast of an overcast day's ground, 1 for that of a sunny one's: in the lower half of the picture."""
    low, high = _quantiles(grey[len(grey) // 2 :], 0.1, 0.9)
    return min(max((math.log((high + 0.01) / (low + 0.01)) - 0.8) / 2.0, 0.0), 1.0)
