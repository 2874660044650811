"""Smooth curves of time that the built-in motions are drawn with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import correlate1d, minimum_filter1d

Array = NDArray[np.float64]


def ease(x: ArrayLike) -> Array:
    """Minimum-jerk step (Flash and Hogan 1985): 0 below 0, 1 above 1, no velocity or acceleration at either end."""
    x_ = np.clip(np.asarray(x, dtype=np.float64), 0.0, 1.0)
    return np.asarray(x_**3 * (10.0 - 15.0 * x_ + 6.0 * x_**2))


def keys(t: Array, times: Sequence[float] | Array, values: ArrayLike) -> Array:
    """Curve (T, ...) through ``values`` (K, ...) at increasing ``times``, eased between neighbours."""
    values_ = np.asarray(values, dtype=np.float64)
    result = np.broadcast_to(values_[0], (len(t), *values_.shape[1:])).copy()
    for i in range(len(times) - 1):
        step = ease((t - times[i]) / (times[i + 1] - times[i]))
        result += step.reshape(-1, *[1] * (values_.ndim - 1)) * (values_[i + 1] - values_[i])
    return result


def bump(x: ArrayLike) -> Array:
    """0 outside (0, 1), 1 in the middle, smooth to the second derivative."""
    x_ = np.clip(np.asarray(x, dtype=np.float64), 0.0, 1.0)
    return np.asarray((4.0 * x_ * (1.0 - x_)) ** 3)


def wander(t: Array, rng: np.random.Generator, amplitude: float, period_s: float = 4.0) -> Array:
    """Slow restless drift (T,) within +-``amplitude``: three sines of unrelated periods."""
    weights = rng.dirichlet(np.ones(3))
    periods = period_s * rng.uniform(0.6, 1.8, 3)
    phases = rng.uniform(0.0, 2.0 * np.pi, 3)
    waves = np.sin(2.0 * np.pi * t[:, None] / periods + phases)
    return np.asarray(amplitude * (waves @ weights))


def smooth(values: Array, radius: int) -> Array:
    """Bell-weighted running mean over ``2 radius + 1`` frames of the first axis, ends held."""
    if radius < 1:
        return values
    weights = np.hanning(2 * radius + 3)[1:-1]
    return np.asarray(correlate1d(values, weights / weights.sum(), axis=0, mode="nearest"))


def smooth_below(ceiling: Array, radius: int) -> Array:
    """A smooth curve that never exceeds ``ceiling`` (T,).

    Every frame averages minima over windows that contain it, so the mean cannot pass its ceiling.
    """
    return smooth(minimum_filter1d(ceiling, 2 * radius + 1, mode="nearest"), radius)
