"""D3D and the nearest anchor against NumPy written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posecorpus.anchors.distance import nearest_anchor, pose_distances
from posecorpus.core.errors import InputError


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 9))
def test_the_mean_over_the_joints_that_both_have(seed: int, count: int, anchors: int) -> None:
    rng = np.random.default_rng(seed)
    poses, others = rng.normal(size=(count, 13, 3)), rng.normal(size=(anchors, 13, 3))
    poses[rng.random((count, 13)) < 0.3] = np.nan
    apart = np.linalg.norm(poses[:, None] - others[None], axis=-1)
    shared = np.isfinite(apart)
    expected = np.where(shared, apart, 0).sum(-1) / np.maximum(shared.sum(-1), 1)
    expected[~shared.any(-1)] = np.inf
    found = pose_distances(poses, others)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    labels, distances = nearest_anchor(poses, others)
    some = shared.any((1, 2))
    np.testing.assert_array_equal(labels, np.where(some, expected.argmin(1), -1))
    np.testing.assert_array_equal(distances, found.min(1))


def test_a_pose_seen_from_behind_is_far() -> None:
    pose = np.random.default_rng(0).normal(size=(1, 13, 3))
    behind = pose * [-1, 1, -1]
    assert pose_distances(pose, pose)[0, 0] == 0
    assert pose_distances(pose, behind)[0, 0] == pytest.approx(
        2 * np.hypot(pose[..., 0], pose[..., 2]).mean()
    )


def test_other_joints_are_refused() -> None:
    with pytest.raises(InputError, match=r"\(2, 13, 3\) and \(5, 17, 3\)"):
        pose_distances(np.zeros((2, 13, 3)), np.zeros((5, 17, 3)))
