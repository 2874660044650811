"""The light of procedural rooms: their plan's two lamps, and what walls and ceiling send back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.appearance.room_plan import RoomPlan
from posecorpus.synth.places.harmonics import Lamp, PlaceLight

CHEST_M = 1.3
"""Height of the part of people that lamps are measured to."""

LAMP_REACH_M = 9.0
"""Where a lamp's light ends, as the ray-cast has it."""

LAMP_GAIN = 1.6
"""How much more directed light on people is than a room's picture, which has little, tells."""

BOUNCE = 0.45
"""Light from below as a share of light from above, without the lamps."""

MOST_LIGHT = 0.95
"""Level that bright rooms come near to: beyond it cameras expose less, and skin does not burn out."""

STEEPER = 0.7
"""Length of what is added upwards to the direction of a lamp: ceilings reflect, and no shadow is endless."""

SOFTNESS = 0.1
"""Angular radius of lamps with their shades, radians."""

HARDNESS = 1.2
"""Strength of shadows, of what is configured: rooms are lit by few lamps."""


def room_light(plan: RoomPlan, origin: NDArray[np.float64], people: NDArray[np.floating]) -> PlaceLight:
    """Light on people in the middle of a group.

    Args:
        plan: of the room.
        origin: (3,) world position below the camera, the origin of the room's frame.
        people: (P, 3) world positions.
    """
    light = plan.light[0]
    ambient = float(light["ambient"])
    # A room's brightness multiplies encoded colours: light is its power of 2.2.
    tint = np.array([light["tint"][c] for c in "rgb"], np.float64) ** 2.2
    middle = np.asarray(people, np.float64).reshape(-1, 3).mean(0) * (1, 0, 1) + (0, CHEST_M, 0)
    directions, shares = [], []
    for lamp in "ab":
        at = np.array([light[f"{axis}{lamp}"] for axis in "xyz"], np.float64)
        offset = plan.turn.T @ at + origin - middle
        distance = float(np.linalg.norm(offset))
        directions.append(offset / max(distance, 1e-6))
        shares.append(float(light[f"power_{lamp}"]) * max(1 - (distance / LAMP_REACH_M) ** 2, 0.0) ** 2)
    whole = sum(shares)
    # Both bend alike: how much of the light is directed stays.
    bright = (ambient + whole) ** 2.2
    bend = (1 + (bright / MOST_LIGHT) ** 6) ** (-1 / 6)
    everything = bright * bend
    directed = (bright - ambient**2.2) * bend * LAMP_GAIN
    lamps = tuple(
        Lamp(towards, tint * directed * share / whole)
        for towards, share in zip(directions, shares, strict=True)
        if share > 0
    )
    sky = max(everything - 0.4 * directed, 0.1) * tint * 2 / (1 + BOUNCE)
    brightest = directions[int(np.argmax(shares))] + (0, STEEPER, 0)
    if brightest[1] < 0.5:  # beside or below the people's chests: the ceiling throws the shadows
        brightest = np.array([0.0, 1.0, 0.0])
    return PlaceLight(lamps, sky, sky * BOUNCE, brightest / np.linalg.norm(brightest), SOFTNESS, HARDNESS)
