"""The virtual views that poses are seen from (LCR-Net++ section 3.7)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.seeds import generator

_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0


def spread_views(
    count: int, views: int, elevation_deg: tuple[float, float], seed: int, first: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Directions of the views of poses ``first`` to ``first + count``.

    Each pose has a golden lattice of its own: azimuths are multiples of the golden ratio, elevations
    are evenly stepped, so no direction is far from a view however wide the range is. Both are shifted
    at random per pose, so the views of many poses together take every direction.

    Returns:
        (count, views) azimuths in [0, 360) and elevations within the range, degrees.
    """
    steps = np.arange(views)
    shifts = np.array([generator(seed, "views", pose).random(2) for pose in range(first, first + count)])
    shifts = shifts.reshape(count, 2, 1)
    azimuth = (steps * _GOLDEN + shifts[:, 0]) % 1.0
    elevation = (steps / views + shifts[:, 1]) % 1.0
    low, high = elevation_deg
    # float32 may round 360 - epsilon up, and the ends of the range outwards.
    around = np.minimum((360.0 * azimuth).astype(np.float32), np.nextafter(np.float32(360), np.float32(0)))
    above = np.clip((low + (high - low) * elevation).astype(np.float32), low, high)
    return around, above.astype(np.float32)
