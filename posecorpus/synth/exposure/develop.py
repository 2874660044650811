"""From rendered pictures to the picture a camera stores.

The order is that of a camera: the shutter averages light, the lens blurs it, the sensor adds shot and read
noise, all in LINEAR light; then it is encoded, toned and compressed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import ive, ndtri

from posecorpus.core.errors import InputError
from posecorpus.synth.exposure.kernels import QUANTILE_BITS, develop_rows
from posecorpus.synth.raster.colour import ENCODE_STEPS, TO_SRGB
from posecorpus.synth.raster.colour import encode as to_srgb
from posecorpus.synth.scene import Exposure

SMALLEST_BLUR_PX = 0.05
"""A blur of less changes no byte worth mentioning, and is left out."""
KEPT_VARIANCE = 0.99
"""Share of the blur's variance that the cut-off filter must keep."""

_ENCODED = to_srgb((np.arange(ENCODE_STEPS + 1) / ENCODE_STEPS) ** 2)


def develop(pictures: Sequence[NDArray[np.uint8]], exposure: Exposure) -> NDArray[np.uint8]:
    """What the camera makes of the light, before it compresses it.

    Args:
        pictures: (H, W, 3) uint8 sRGB at the instants of :func:`sub_times`, of equal weight.
        exposure: same pictures and same exposure, same bytes on every machine.

    Returns:
        (H, W, 3) uint8 sRGB. A single picture and an exposure that does nothing give that very picture.

    Raises:
        InputError: no picture, or pictures of other or different shapes.
    """
    if not pictures:
        raise InputError("pictures", "at least one", "none")
    shape = pictures[0].shape
    for picture in pictures:
        if picture.shape != shape or len(shape) != 3 or shape[2] != 3 or picture.dtype != np.uint8:
            raise InputError("pictures", "(H, W, 3) uint8, all alike", f"{picture.shape} {picture.dtype}")
    if len(pictures) == 1 and _is_neutral(exposure):
        return pictures[0]
    out = np.empty(shape, np.uint8)
    develop_rows(
        np.ascontiguousarray(pictures[0])[None] if len(pictures) == 1 else np.array(pictures, order="C"),
        np.array(exposure.gain, np.float32),
        gaussian_taps(exposure.defocus_px),
        np.float32(exposure.read_noise**2),
        np.float32(exposure.shot_noise**2),
        _counter(exposure.seed),
        _quantiles(),
        _tone_table(exposure.gamma),
        out,
    )
    return out


def encode(picture: NDArray[np.uint8], exposure: Exposure) -> bytes:
    """The bytes that are stored: a JPEG of the exposure's quality, colour at half the resolution (4:2:0).

    Args:
        picture: (H, W, 3) uint8 RGB.
    """
    settings = [
        cv2.IMWRITE_JPEG_QUALITY,
        exposure.jpeg_quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    ]
    ok, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), settings)
    if not ok:
        raise RuntimeError(f"OpenCV could not encode a {picture.shape} {picture.dtype} picture")
    return bytes(data)


def gaussian_taps(sigma_px: float) -> NDArray[np.float32]:
    """Half of a blur of EXACTLY that standard deviation, (R + 1,): the middle's weight, then its neighbours'.

    The discrete Gaussian ``exp(-t) I_k(t)`` with t = sigma^2 (Lindeberg, Scale-space for discrete signals, 1990,
    section 4). A sampled Gaussian has another variance where sigma is under a pixel.
    """
    if sigma_px < SMALLEST_BLUR_PX:
        return np.ones(1, np.float32)
    offsets = np.arange(2 + int(np.ceil(6 * sigma_px)))
    weights = ive(offsets, sigma_px**2)
    variance = 2 * np.cumsum(weights * offsets**2)
    weights = weights[: int(np.argmax(variance > KEPT_VARIANCE * sigma_px**2)) + 1]
    return np.asarray(weights / (2 * weights.sum() - weights[0]), np.float32)


def _is_neutral(exposure: Exposure) -> bool:
    noiseless = exposure.read_noise == 0 and exposure.shot_noise == 0
    sharp = exposure.defocus_px < SMALLEST_BLUR_PX
    return noiseless and sharp and exposure.gain == (1.0, 1.0, 1.0) and exposure.gamma == 1


def _counter(seed: int) -> np.uint64:
    """Where the noise's counter starts: far from that of any other seed."""
    return np.uint64(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])


@lru_cache(maxsize=1)
def _quantiles() -> NDArray[np.float32]:
    """The standard normal's quantiles in the middle of equal shares, scaled to a variance of exactly one."""
    count = 1 << QUANTILE_BITS
    values = ndtri((np.arange(count) + 0.5) / count)
    return np.asarray(values / np.sqrt(np.mean(values**2)), np.float32)


@lru_cache(maxsize=64)
def _tone_table(gamma: float) -> NDArray[np.uint8]:
    """Byte of linear light v at index ``rint(sqrt(v) * ENCODE_STEPS)``: sRGB, then the exponent."""
    if gamma == 1:
        return TO_SRGB
    return np.rint(255 * _ENCODED**gamma).astype(np.uint8)
