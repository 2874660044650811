"""Quantiles of brightness."""

from __future__ import annotations

import numpy as np
import pytest

from posecorpus.synth.places.photo_light import _quantiles


@pytest.mark.parametrize("shape", [(1,), (2,), (7, 3), (48, 48)])
def test_quantiles_are_those_of_numpy_to_the_last_bit(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(5)
    for values in (rng.random(shape), rng.integers(0, 4, shape) / 3, np.full(shape, 0.3)):
        for shares in ((0.95,), (0.1, 0.9), (0.5,), (0.0, 1.0)):
            assert _quantiles(values, *shares) == np.quantile(values, shares).tolist()
