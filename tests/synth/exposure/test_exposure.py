"""What a camera makes of light, held to closed forms."""

from __future__ import annotations

import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from posecorpus.core import codecs
from posecorpus.core.errors import InputError
from posecorpus.synth.config import ExposureConfig
from posecorpus.synth.exposure import develop, draw_exposure, encode, sub_times
from posecorpus.synth.exposure.develop import gaussian_taps
from posecorpus.synth.exposure.draw import MOST_SUBS, SUB_STEP_PX
from posecorpus.synth.raster.colour import TO_LINEAR, decode
from posecorpus.synth.raster.colour import encode as to_srgb
from posecorpus.synth.scene import Exposure

NEUTRAL = Exposure(seed=0)
SHAPE = (64, 96, 3)


def _flat(level: int, shape: tuple[int, int, int] = SHAPE) -> NDArray[np.uint8]:
    return np.full(shape, level, np.uint8)


def _light(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    return decode(picture / 255)


def _random(seed: int, shape: tuple[int, int, int] = SHAPE) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def test_an_exposure_that_does_nothing_gives_the_same_bytes() -> None:
    picture = _random(0)
    assert np.array_equal(develop([picture], NEUTRAL), picture)
    # Nor does the kernel itself lose a code value: all 256 survive the way through linear light.
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, 2)
    assert np.array_equal(develop([ramp, ramp], NEUTRAL), ramp)


def test_at_the_usual_quality_the_stored_bytes_are_the_usual_ones() -> None:
    picture = cv2.GaussianBlur(_random(1), (0, 0), 2)
    assert encode(picture, replace(NEUTRAL, jpeg_quality=codecs.JPEG_QUALITY)) == codecs.encode(
        "image", picture
    )


def test_quality_decides_the_size_and_colour_is_stored_at_half_the_resolution() -> None:
    picture = cv2.GaussianBlur(_random(2), (0, 0), 2)
    sizes = [len(encode(picture, replace(NEUTRAL, jpeg_quality=q))) for q in (60, 80, 95)]
    assert sizes == sorted(sizes) and sizes[0] < 0.8 * sizes[2]
    data = encode(picture, NEUTRAL)
    header = data.index(b"\xff\xc0")  # start of frame: its components follow with their sampling factors
    assert data[header + 11] == 0x22 and data[header + 14] == data[header + 17] == 0x11


def test_sub_exposures_are_averaged_in_linear_light() -> None:
    pictures = [_random(k) for k in range(5)]
    expected = to_srgb(np.mean([_light(p) for p in pictures], 0)) * 255
    assert np.abs(develop(pictures, NEUTRAL) - expected).max() < 0.5 + 1 / 8
    # Half black, half white is 188, not 128: the mean of encoded values would be too dark.
    assert np.abs(develop([_flat(0), _flat(255)], NEUTRAL) - 187.5).max() <= 0.5


def test_gain_and_gamma_are_those_of_the_definition() -> None:
    picture = _random(3)
    exposure = replace(NEUTRAL, gain=(1.2, 0.9, 0.7), gamma=1.15)
    light = np.minimum(_light(picture) * exposure.gain, 1)
    expected = 255 * to_srgb(light) ** exposure.gamma
    assert np.abs(develop([picture], exposure) - expected).max() < 0.5 + 1 / 8


@pytest.mark.parametrize(("level", "read", "shot"), [(128, 0.01, 0.0), (100, 0.0, 0.03), (188, 0.012, 0.02)])
def test_noise_has_the_stated_variance_and_keeps_the_mean(level: int, read: float, shot: float) -> None:
    exposure = Exposure(seed=5, read_noise=read, shot_noise=shot)
    light = _light(develop([_flat(level, (256, 384, 3))], exposure))
    mean, n = float(TO_LINEAR[level]), light.size
    deviation = np.sqrt(read**2 + shot**2 * mean)
    assert abs(light.mean() - mean) < 5 * deviation / np.sqrt(n) + 2e-5
    # Rounding to bytes adds a twelfth of a squared step of light; the rest is chi-squared.
    step = (TO_LINEAR[level + 1] - TO_LINEAR[level - 1]) / 2
    variance = light.var() - step**2 / 12
    low, high = chi2.ppf((1e-6, 1 - 1e-6), n) / n
    assert (low - 0.01) * deviation**2 < variance < (high + 0.01) * deviation**2
    # Quantiles: normal, not merely of the right variance.
    scaled = (light - mean) / deviation
    for q in (0.02, 0.16, 0.5, 0.84, 0.98):
        assert abs(np.quantile(scaled, q) - norm.ppf(q)) < 0.02 + step / deviation


def test_noise_is_independent_from_pixel_to_pixel_channel_to_channel_and_seed_to_seed() -> None:
    grey = _flat(128, (200, 300, 3))
    first, second = (develop([grey], Exposure(seed=s, read_noise=0.02)).astype(float) for s in (1, 2))
    first -= first.mean()
    second -= second.mean()
    power, limit = first.var(), 5 / np.sqrt(first.size / 3)
    neighbours = {
        "right": (first[:, 1:] * first[:, :-1]).mean(),
        "below": (first[1:] * first[:-1]).mean(),
        "channel": (first[..., 0] * first[..., 1]).mean(),
        "far channel": (first[..., 0] * first[..., 2]).mean(),
        "seed": (first * second).mean(),
    }
    for name, covariance in neighbours.items():
        assert abs(covariance / power) < limit, name


def test_same_exposure_same_bytes_in_any_thread() -> None:
    picture = _random(6)
    exposure = Exposure(9, defocus_px=0.5, read_noise=0.01, shot_noise=0.02, gain=(1.1, 1, 0.9), gamma=0.95)
    expected = develop([picture], exposure)
    results: list[NDArray[np.uint8]] = []
    threads = [
        threading.Thread(target=lambda: results.append(develop([picture], exposure))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all(np.array_equal(r, expected) for r in results)
    assert not np.array_equal(develop([picture], replace(exposure, seed=10)), expected)


@given(st.floats(0.06, 3.0))
def test_the_blur_has_exactly_the_stated_deviation(sigma: float) -> None:
    taps = gaussian_taps(sigma).astype(float)
    offsets = np.arange(len(taps))
    assert taps[0] + 2 * taps[1:].sum() == pytest.approx(1, abs=1e-6)
    assert np.sqrt(2 * (taps * offsets**2).sum()) == pytest.approx(sigma, rel=0.01)


@pytest.mark.parametrize("sigma", [0.35, 0.6, 1.0])
@pytest.mark.parametrize("axis", [0, 1])
def test_an_edge_spreads_by_the_stated_deviation_along_both_axes(sigma: float, axis: int) -> None:
    picture = _flat(20)
    picture[(slice(None),) * axis + (slice(30, None),)] = 230
    light = _light(develop([picture], replace(NEUTRAL, defocus_px=sigma)))
    profile = np.moveaxis(light, axis, 0)[:, 7, 1]
    spread = np.diff(profile) / (profile[-1] - profile[0])
    at = np.arange(len(spread)) - 29.0
    assert (spread * at).sum() == pytest.approx(0, abs=0.02)  # the edge stays where it was
    assert np.sqrt((spread * at**2).sum()) == pytest.approx(sigma, abs=0.03)


def test_blur_keeps_flat_borders_and_total_light() -> None:
    blurred = replace(NEUTRAL, defocus_px=0.8)
    assert np.array_equal(develop([_flat(77)], blurred), _flat(77))
    spot = _flat(40)
    spot[30:34, 40:44] = 240
    assert _light(develop([spot], blurred)).sum() == pytest.approx(_light(spot).sum(), rel=2e-3)


@given(st.floats(0, 1), st.floats(0, 200))
def test_sub_exposures_cover_the_opening_evenly(shutter: float, moving: float) -> None:
    times = sub_times(replace(NEUTRAL, shutter=shutter), moving)
    assert len(times) % 2 == 1 and len(times) <= MOST_SUBS and times[len(times) // 2] == 0
    if len(times) == 1:
        assert moving * shutter <= SUB_STEP_PX
        return
    step = np.diff(times)
    assert np.allclose(step, shutter / len(times)) and np.allclose(times, -times[::-1])
    assert len(times) == MOST_SUBS or step[0] * moving <= SUB_STEP_PX + 1e-9


@pytest.mark.parametrize(("flow", "shutter"), [(12.0, 0.5), (20.0, 0.25), (16.0, 1.0)])
def test_a_moving_edge_is_blurred_over_shutter_times_flow(flow: float, shutter: float) -> None:
    exposure = replace(NEUTRAL, shutter=shutter)
    pictures = []
    for time in sub_times(exposure, flow):
        edge = 48 + flow * time
        cover = np.clip(np.arange(SHAPE[1]) + 1 - edge, 0, 1)  # antialiased in linear light
        pictures.append(np.broadcast_to(np.rint(255 * to_srgb(cover))[None, :, None], SHAPE).astype(np.uint8))
    light = _light(develop(pictures, exposure))[5, :, 0]
    # The deviation of a uniform spread of length L is L / sqrt(12); a pixel's own width is in both.
    spread, at = np.diff(light), np.arange(SHAPE[1] - 1) + 1.0
    middle = (spread * at).sum() / spread.sum()
    variance = (spread * (at - middle) ** 2).sum() / spread.sum()
    assert middle == pytest.approx(48, abs=0.51)
    assert np.sqrt(12 * variance) == pytest.approx(flow * shutter, rel=0.06)


def test_draws_stay_in_their_ranges_and_shrink_with_the_people() -> None:
    config = ExposureConfig(
        shutter=(0.2, 0.5), defocus=(0, 1), noise=(0, 1), gain=(0.8, 1.2), white_balance=(0, 0.1),
        gamma=(0.9, 1.1), jpeg_quality=(70, 95),
    )  # fmt: skip
    draws = [draw_exposure(config, np.random.default_rng(k), 1000) for k in range(300)]
    small = [draw_exposure(config, np.random.default_rng(k), 120) for k in range(300)]
    for e, s in zip(draws, small, strict=True):
        assert 0.2 <= e.shutter <= 0.5 and 0.9 <= e.gamma <= 1.1 and 70 <= e.jpeg_quality <= 95
        red, green, blue = e.gain
        assert 0.8 <= green <= 1.2 and abs(red / green - 1) <= 0.1 and red + blue == pytest.approx(2 * green)
        assert s.defocus_px == pytest.approx(e.defocus_px / 4)
        assert s.read_noise == pytest.approx(e.read_noise / 4)
        assert (s.gain, s.gamma, s.jpeg_quality) == (e.gain, e.gamma, e.jpeg_quality)
    qualities = [e.jpeg_quality for e in draws]
    assert min(qualities) < 74 and max(qualities) > 91
    # What was measured to be too much for people under 220 px is never reached there.
    bounds = [draw_exposure(config, np.random.default_rng(k), 220) for k in range(300)]
    assert max(e.defocus_px for e in bounds) < 0.35 and max(e.shot_noise for e in bounds) < 0.01
    drawn = draw_exposure(ExposureConfig(), np.random.default_rng(0), 400)
    assert drawn == replace(NEUTRAL, seed=drawn.seed)


@pytest.mark.parametrize("pictures", [[], [_flat(1), _flat(1, (10, 10, 3))], [np.zeros(SHAPE, np.float32)]])
def test_other_pictures_are_refused(pictures: list[NDArray[np.uint8]]) -> None:
    with pytest.raises(InputError):
        develop(pictures, NEUTRAL)
