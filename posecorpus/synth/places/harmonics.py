"""A place's light as nine spherical harmonics in the camera frame; see ``raster.light`` for the basis.

A place is lit by a few distant lamps and a sky: what comes from above, from all sides and back from the floor,
linear and per colour channel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Lamp:
    """A distant lamp.

    Attributes:
        towards: (3,) unit vector of the world to it.
        power: (3,) linear red, green and blue on a white surface that faces it.
    """

    towards: NDArray[np.float64]
    power: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PlaceLight:
    """All light of a place.

    Attributes:
        lamps: distant lamps.
        above, below: (3,) on white surfaces that face up and down, of what is not from lamps.
        shadow_towards: (3,) unit vector of the world, y > 0, to what throws the shadows.
        softness: its angular radius, radians.
        hardness: share of the configured strength that shadows have here.
    """

    lamps: tuple[Lamp, ...]
    above: NDArray[np.float64]
    below: NDArray[np.float64]
    shadow_towards: NDArray[np.float64]
    softness: float
    hardness: float = 1.0

    def harmonics(self, R: NDArray[np.float64]) -> NDArray[np.float64]:
        """(9, 3) coefficients for a camera with rotation R from the world."""
        light = sky_light(R[:, 1], self.above, self.below)
        for lamp in self.lamps:
            light += lamp_light(R @ lamp.towards, lamp.power)
        return light


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
