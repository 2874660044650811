"""Light as SURREAL draws it: nine spherical-harmonics coefficients (Varol et al. 2017, section 3.1)."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_Range = tuple[float, float]


class LightRanges(Protocol):
    """Uniform ranges of the coefficients, in the order and basis of ``synth.raster.light``.

    Attributes:
        c0: ambient.
        c1: along y of the camera frame (down): negative is light from above.
        c2_to_c8: the other seven, each drawn on its own.
    """

    @property
    def c0(self) -> _Range: ...
    @property
    def c1(self) -> _Range: ...
    @property
    def c2_to_c8(self) -> _Range: ...


def sample_light(rng: np.random.Generator, ranges: LightRanges, tint: float = 0.0) -> NDArray[np.float32]:
    """Draw a light.

    Args:
        rng: the source of the draw.
        ranges: of the coefficients.
        tint: 0 is white light, as SURREAL's; otherwise red and blue are scaled in opposite directions by
            up to this share (warm to cool), green by up to a quarter of it.

    Returns:
        (9, 3) float32, one column per colour channel.
    """
    low, high = np.array([ranges.c0, ranges.c1, *[ranges.c2_to_c8] * 7]).T
    white = rng.uniform(low, high)
    warm, green = rng.uniform(-1, 1, 2) * tint
    return np.asarray(white[:, None] * (1 + warm, 1 + green / 4, 1 - warm), np.float32)
