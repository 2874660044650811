"""The masked search against an independent brute force in float64."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from posecorpus.pseudogt.search.index import ViewIndex


def oracle(views: NDArray[np.float32], pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """(M,) distances by the formula, one view at a time."""
    on = ~np.isnan(pose).any(-1)
    p = pose[on] - pose[on].mean(0)
    p /= np.linalg.norm(p)
    result = []
    for view in views.astype(np.float64):
        x = view[on] - view[on].mean(0)
        norm = np.linalg.norm(x)
        result.append(np.linalg.norm(x / norm - p) if norm > 0 else np.inf)
    return np.array(result)


@pytest.mark.parametrize("missing", [0, 3, 10])
def test_equals_the_formula(missing: int) -> None:
    rng = np.random.default_rng(missing)
    views = rng.normal(size=(300, 14, 2)).astype(np.float32)
    poses = rng.normal(size=(5, 14, 2))
    for pose in poses:
        pose[rng.permutation(14)[:missing]] = np.nan
    found = ViewIndex.build(views).search(poses, 7)
    for pose, numbers, distances in zip(poses, found.views, found.distances, strict=True):
        expected = oracle(views, pose)
        assert (numbers == np.argsort(expected)[:7]).all()
        np.testing.assert_allclose(distances, np.sort(expected)[:7], atol=1e-12)
