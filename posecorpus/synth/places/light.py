"""Light on people that is the light of the place they are in.

A place's light is told as a few distant lamps and a sky (what comes from above, from all sides and back from the floor),
linear and per colour channel, and projected onto the nine spherical harmonics of ``raster.light``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from posecorpus.synth.appearance.lighting import LightRanges, sample_light
from posecorpus.synth.appearance.room_plan import RoomPlan
from posecorpus.synth.appearance.rooms import plan_around
from posecorpus.synth.places.site import Site
from posecorpus.synth.scene import Shadow

CHEST_M = 1.3
"""Height of the part of people that lamps are measured to."""

LAMP_RADIUS_M = 0.25
"""Of a room's lamps with their shades; the softness of shadows."""

LAMP_GAIN = 1.6
"""How much more directed light on people is than a room's picture, which has little, tells."""

BOUNCE = 0.45
"""Light from below as a share of light from above, of a room without its lamps."""

JITTER = 0.06
"""Standard deviation of brightness, as a share, that light on people differs from the place's."""

STEEPER = 0.7
"""Length of what is added upwards to the direction of a lamp: ceilings reflect, and no shadow is endless."""

CONTACT = 0.55
"""Share of light that is lost right under a foot."""


@dataclass(frozen=True)
class Lamp:
    """A distant lamp.

    Attributes:
        towards: (3,) unit vector of the world to it.
        power: (3,) linear red, green and blue on a white surface that faces it.
    """

    towards: NDArray[np.float64]
    power: NDArray[np.float64]


def lamp_light(towards: ArrayLike, power: ArrayLike) -> NDArray[np.float64]:
    """(9, 3) coefficients of a distant lamp: the clamped cosine up to the second order.

    ``max(cos, 0)`` is 1/4 + cos/2 + 5/32 (3 cos^2 - 1) and higher orders (Ramamoorthi and Hanrahan 2001).

    Args:
        towards: (3,) unit vector to the lamp, camera frame.
        power: (3,) of red, green and blue.
    """
    x, y, z = np.asarray(towards, np.float64)
    # 3 cos^2 - 1 is the traceless quadratic form 3 l l' - 1 of the normal; coefficients include 1 / BAND_WEIGHTS.
    band2 = np.array([6 * x * y, 6 * y * z, (3 * z * z - 1) / 2, 6 * x * z, 3 * (x * x - y * y) / 2])
    profile = np.concatenate([[0.25], 0.75 * np.array([y, z, x]), 0.625 * band2])
    return np.asarray(profile[:, None] * np.asarray(power, np.float64))


def sky_light(up: ArrayLike, above: ArrayLike, below: ArrayLike) -> NDArray[np.float64]:
    """(9, 3) coefficients of light that changes evenly from above to below.

    Args:
        up: (3,) unit vector, camera frame.
        above, below: (3,) on white surfaces that face up and down.
    """
    x, y, z = np.asarray(up, np.float64)
    above_, below_ = np.asarray(above, np.float64), np.asarray(below, np.float64)
    light = np.zeros((9, 3))
    light[0] = (above_ + below_) / 2
    light[1:4] = np.outer([y, z, x], (above_ - below_) / 2) * 1.5
    return light


def light_site(
    site: Site, people: NDArray[np.floating], rng: np.random.Generator, ranges: LightRanges
) -> tuple[NDArray[np.float32], Shadow | None]:
    """Light on the people of a site and the shadow they throw.

    Args:
        site: where they are.
        people: (P, 3) world positions, the same that ``paint_site`` gets: rooms are built around them.
        rng: of small deviations, and of the light if it does not match the place.
        ranges: of light that does not match the place.

    Returns:
        (9, 3) float32 coefficients in the camera frame, and the shadow; None if it has no strength.
    """
    lamps, above, below = _room_light(site, people)
    R, up = site.camera.R, site.camera.R[:, 1]
    if site.match_light:
        light = sky_light(up, above, below)
        for lamp in lamps:
            light += lamp_light(R @ lamp.towards, lamp.power)
        light *= max(1 + JITTER * float(rng.normal()), 0.5)
        light *= 1 + 0.3 * JITTER * rng.normal(size=3)
    else:
        light = sample_light(rng, ranges).astype(np.float64)
    return light.astype(np.float32), _shadow(site, lamps, people)


def _room_light(
    site: Site, people: NDArray[np.floating]
) -> tuple[list[Lamp], NDArray[np.float64], NDArray[np.float64]]:
    """Lamps of a procedural room and its light from above and below.

    A room's brightness multiplies encoded colours: light is its power of 2.2.
    """
    plan = plan_around(site.camera, np.random.default_rng(site.background.seed), people)
    light = plan.light[0]
    tint = np.array([light["tint"]["r"], light["tint"]["g"], light["tint"]["b"]], np.float64) ** 2.2
    places, shares = _lamps(plan, site, people)
    all_light = float(light["ambient"]) + sum(shares)
    directed = (all_light**2.2 - float(light["ambient"]) ** 2.2) * LAMP_GAIN
    whole = sum(shares)
    lamps = [
        Lamp(place / np.linalg.norm(place), tint * directed * share / whole)
        for place, share in zip(places, shares, strict=True)
        if share > 0
    ]
    sky = max(all_light**2.2 - 0.4 * directed, 0.1) * tint
    return lamps, sky * 2 / (1 + BOUNCE), sky * 2 * BOUNCE / (1 + BOUNCE)


def _lamps(
    plan: RoomPlan, site: Site, people: NDArray[np.floating]
) -> tuple[list[NDArray[np.float64]], list[float]]:
    """World vectors from the people's chests to the room's lamps, and how bright each is there."""
    light = plan.light[0]
    middle = np.asarray(people, np.float64).reshape(-1, 3).mean(0) * (1, 0, 1) + (0, CHEST_M, 0)
    origin = site.camera.centre * (1, 0, 1)
    places, shares = [], []
    for lamp in "ab":
        at = np.array([light[f"{axis}{lamp}"] for axis in "xyz"], np.float64)
        offset = plan.turn.T @ at + origin - middle
        places.append(offset)
        fall = max(1 - float(offset @ offset) / 81, 0.0)
        shares.append(float(light[f"power_{lamp}"]) * fall * fall)
    return places, shares


def _shadow(site: Site, lamps: Sequence[Lamp], people: NDArray[np.floating]) -> Shadow | None:
    """Of the brightest lamp."""
    if site.shadow <= 0:
        return None
    if not lamps:
        return Shadow((0.0, 1.0, 0.0), 0.5, 0.0, CONTACT * min(site.shadow * 2, 1.0))
    brightest = max(lamps, key=lambda lamp: float(lamp.power.sum()) * max(float(lamp.towards[1]), 0.0))
    towards = brightest.towards + (0, STEEPER, 0)
    x, y, z = (float(v) for v in towards / np.linalg.norm(towards))
    return Shadow((x, y, z), 0.12, site.shadow, CONTACT)
