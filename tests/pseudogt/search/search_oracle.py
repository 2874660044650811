"""What the search must find, by the formula, and data that is hard to search."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def distances_by_formula(views: NDArray[np.floating], poses: NDArray[np.floating]) -> NDArray[np.float64]:
    """(Q, M) float64 LCR-Net++ equation 9 on each pose's annotated joints; inf for views on one point."""
    rows = []
    for pose in np.asarray(poses, np.float64):
        on = ~np.isnan(pose).any(-1)
        p = pose[on] - pose[on].mean(0)
        x = views[:, on].astype(np.float64)
        largest = np.abs(x).max((1, 2))
        x = x - x.mean(1, keepdims=True)
        norm = np.linalg.norm(x.reshape(len(x), -1), axis=1)
        one_point = norm <= 1e-6 * largest
        apart = x / np.where(one_point, 1, norm)[:, None, None] - p / np.linalg.norm(p)
        rows.append(np.where(one_point, np.inf, np.sqrt((apart**2).sum((1, 2)))))
    return np.array(rows)


def assert_nearest(
    found_views: NDArray[np.int64],
    found_distances: NDArray[np.float64],
    all_distances: NDArray[np.float64],
    tie: float = 1e-12,
) -> None:
    """Whether each row holds the k least distances; views may differ only where distances do not, to ``tie``."""
    k = found_views.shape[1]
    for views, distances, row in zip(found_views, found_distances, all_distances, strict=True):
        expected = np.sort(row)[:k]
        expected = expected[np.isfinite(expected)]
        count = len(expected)
        assert (views[count:] == -1).all() and np.isinf(distances[count:]).all()
        np.testing.assert_allclose(distances[:count], expected, rtol=0, atol=tie)
        np.testing.assert_allclose(row[views[:count]], distances[:count], rtol=0, atol=tie)
        assert len(set(views[:count])) == count
        distances, views = distances[:count], views[:count]
        same = distances[1:] == distances[:-1]
        assert (views[1:][same] > views[:-1][same]).all()


def body_like(rng: np.random.Generator, count: int, joints: int = 14) -> NDArray[np.float32]:
    """(count, joints, 2) shapes near a few-dimensional surface, as projections of people are."""
    style = rng.normal(size=(count, 5))
    basis = np.random.default_rng(5).normal(size=(2, 5, joints * 2))
    flat = np.sin(style @ basis[0]) + 0.5 * np.cos(style @ basis[1])
    return flat.reshape(count, joints, 2).astype(np.float32)


def without(rng: np.random.Generator, poses: NDArray[np.float64], missing: int) -> NDArray[np.float64]:
    """A copy with that many joints of each pose missing, drawn anew for each."""
    result = poses.copy()
    for pose in result:
        pose[rng.permutation(len(pose))[:missing]] = np.nan
    return result
