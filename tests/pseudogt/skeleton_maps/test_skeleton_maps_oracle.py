"""The rasteriser against the ray oracle: no pixel differs outside a tie band of 1e-6."""

from __future__ import annotations

import numpy as np
import pytest
from stick_oracle import oracle, random_person, random_view

from posecorpus.core.skeletons import MPII_16
from posecorpus.pseudogt.skeleton_maps.maps import skeleton_maps


@pytest.mark.parametrize("wild", [False, True])
def test_no_pixel_differs_from_the_oracle(wild: bool) -> None:
    rng = np.random.default_rng(7 + wild)
    shown = crossings = ties = 0
    for _ in range(60):
        points, (K, window) = random_person(rng, wild), random_view(rng)
        size, width = int(rng.choice([13, 56, 72])), float(rng.uniform(0.4, 12))
        front, back, tied = oracle(points, K, window, size, width)
        foreground, background = skeleton_maps(points[None], K, MPII_16, window, size, width)
        wrong = ((foreground[0] != front) | (background[0] != back)) & ~tied
        assert not wrong.any(), f"{wrong.sum()} pixels, first at {np.argwhere(wrong)[0]}"
        shown, crossings, ties = (
            shown + (front > 0).sum(), crossings + (front != back).sum(), ties + tied.sum()
        )  # fmt: skip
    # The comparison is worth something: much is drawn, much of it crosses, and ties excuse next to nothing.
    assert shown > 15_000 and crossings > 1_000 and ties <= shown / 1000


def test_a_linear_blend_of_depth_would_be_found() -> None:
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(20):
        points, (K, window) = random_person(rng, wild=True), random_view(rng)
        front, back, tied = oracle(points, K, window, 56, 4.0, linear_depth=True)
        foreground, background = skeleton_maps(points[None], K, MPII_16, window, 56, 4.0)
        wrong += int((((foreground[0] != front) | (background[0] != back)) & ~tied).sum())
    assert wrong > 300
