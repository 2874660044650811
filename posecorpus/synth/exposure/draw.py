"""Drawing exposures, and when the shutter is sampled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.config import ExposureConfig
from posecorpus.synth.scene import Exposure

FULL_HEIGHT_PX = 480.0
"""People of this height in the picture, or more, suffer the full share of blur and noise."""
MOST_DEFOCUS_PX = 0.7
MOST_READ_NOISE, MOST_SHOT_NOISE = 0.003, 0.02
"""The full share: standard deviations of linear light in the dark, and of white."""
SUB_STEP_PX = 1.5
"""From one sub-exposure to the next nothing moves farther, unless :data:`MOST_SUBS` forbids."""
MOST_SUBS = 11
_SEEDS = 1 << 62


def draw_exposure(config: ExposureConfig, rng: np.random.Generator, person_px: float) -> Exposure:
    """Draw what a camera does to a picture.

    Detectors lose people under about 220 px to a blur or noise that large people do not mind: both shrink in
    proportion to the people's height.

    Args:
        person_px: height in the picture of a typical person of it, pixels.
    """
    share = float(np.clip(person_px / FULL_HEIGHT_PX, 0.0, 1.0))
    shutter, defocus, noise = (rng.uniform(*r) for r in (config.shutter, config.defocus, config.noise))
    gain, white, gamma = (rng.uniform(*r) for r in (config.gain, config.white_balance, config.gamma))
    warm = white if rng.random() < 0.5 else -white
    low, high = config.jpeg_quality
    return Exposure(
        seed=int(rng.integers(_SEEDS)),
        shutter=shutter,
        defocus_px=defocus * share * MOST_DEFOCUS_PX,
        read_noise=noise * share * MOST_READ_NOISE,
        shot_noise=noise * share * MOST_SHOT_NOISE,
        gain=(gain * (1 + warm), gain, gain * (1 - warm)),
        gamma=gamma,
        jpeg_quality=int(rng.integers(low, high + 1)),
    )


def sub_times(exposure: Exposure, moving_px: float) -> NDArray[np.float64]:
    """When to render the sub-exposures of an open shutter.

    Args:
        moving_px: how far the fastest point moves from the frame to the next, pixels.

    Returns:
        (N,) float64 instants in units of the time from a frame to the next, evenly spaced over the shutter's
        opening. N is odd, at most :data:`MOST_SUBS`: the one in the middle is 0, the frame itself, which the
        labels belong to. One instant where the shutter is a flash or nothing moves as much as
        :data:`SUB_STEP_PX`.
    """
    steps = min(moving_px * exposure.shutter / SUB_STEP_PX, MOST_SUBS)
    count = min(2 * int(np.ceil(steps / 2)) + 1, MOST_SUBS) if steps > 1 else 1
    if count == 1:
        return np.zeros(1)
    half = count // 2
    return np.asarray(np.arange(-half, half + 1) * (exposure.shutter / count), np.float64)
