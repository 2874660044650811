"""sRGB tables: pictures are stored encoded, light adds up in linear space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ENCODE_STEPS = 4096
"""Resolution of :data:`TO_SRGB` over the SQUARE ROOT of linear light, which is close to the sRGB curve:
an entry spans less than a sixteenth of a code value, except below code 3, where it spans none."""


def decode(srgb: NDArray[np.floating]) -> NDArray[np.float64]:
    """sRGB values in [0, 1] to linear light (IEC 61966-2-1)."""
    s = np.asarray(srgb, dtype=np.float64)
    return np.where(s <= 0.04045, s / 12.92, ((np.maximum(s, 0.04045) + 0.055) / 1.055) ** 2.4)


def encode(linear: NDArray[np.floating]) -> NDArray[np.float64]:
    """Linear light in [0, 1] to sRGB values."""
    v = np.asarray(linear, dtype=np.float64)
    return np.where(v <= 0.0031308, v * 12.92, 1.055 * np.maximum(v, 0.0031308) ** (1 / 2.4) - 0.055)


TO_LINEAR: NDArray[np.float32] = decode(np.arange(256) / 255).astype(np.float32)
"""Linear light of each sRGB byte."""

TO_SRGB: NDArray[np.uint8] = np.rint(255 * encode((np.arange(ENCODE_STEPS + 1) / ENCODE_STEPS) ** 2)).astype(
    np.uint8
)
"""sRGB byte of linear light v at index ``rint(sqrt(v) * ENCODE_STEPS)``."""
