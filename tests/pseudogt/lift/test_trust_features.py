"""What is read off lifted people, in cases where the answer is known."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from trust_people import random_library, random_lifted

from posecorpus.core.skeletons import LSP_14, SKELETONS, Skeleton, correspondence
from posecorpus.pseudogt.lift.lifted import Lifted
from posecorpus.pseudogt.lift.trust_features import JOINT_FEATURES, POSE_FEATURES, Features, features

LIBRARY = random_library()


def take(lifted: Lifted, rows: list[int]) -> Lifted:
    return replace(lifted, **{f.name: getattr(lifted, f.name)[rows] for f in fields(lifted)})


def column(seen: Features, name: str) -> np.ndarray:  # type: ignore[type-arg]
    return seen.pose[:, POSE_FEATURES.index(name)]


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
def test_every_skeleton_gives_all_features(skeleton: Skeleton) -> None:
    seen = features(random_lifted(LIBRARY, skeleton=skeleton), LIBRARY, skeleton)
    assert seen.pose.shape == (7, len(POSE_FEATURES)) and np.isfinite(seen.pose).all()
    assert seen.joint.shape == (7, len(skeleton), len(JOINT_FEATURES)) and np.isfinite(seen.joint).all()
    assert (seen.missing == 2).all()


def test_people_do_not_depend_on_their_neighbours() -> None:
    lifted = random_lifted(LIBRARY, people=9)
    together = features(lifted, LIBRARY, LSP_14)
    for i in range(9):
        alone = features(take(lifted, [i]), LIBRARY, LSP_14)
        np.testing.assert_allclose(alone.pose[0], together.pose[i], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(alone.joint[0], together.joint[i], rtol=1e-9, atol=1e-9)


def test_the_order_of_joints_does_not_matter() -> None:
    order = np.random.default_rng(3).permutation(len(LSP_14))
    back = np.argsort(order)
    shuffled = Skeleton(
        "shuffled", tuple(LSP_14.joints[i] for i in order),
        tuple(-1 if LSP_14.parents[i] < 0 else int(back[LSP_14.parents[i]]) for i in order),
        tuple(LSP_14.landmarks[i] for i in order),
    )  # fmt: skip
    lifted = random_lifted(LIBRARY)
    moved = replace(
        lifted, joints3d=lifted.joints3d[:, order], joints2d=lifted.joints2d[:, order],
        completed=lifted.completed[:, order], hypotheses=lifted.hypotheses[:, :, order],
        spread_mm=lifted.spread_mm[:, order], deviation_mm=lifted.deviation_mm[:, order],
    )  # fmt: skip
    assert (correspondence(shuffled, LSP_14) == back).all()
    a, b = features(lifted, LIBRARY, LSP_14), features(moved, LIBRARY, shuffled)
    np.testing.assert_allclose(b.pose, a.pose, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(b.joint, a.joint[:, order], rtol=1e-9, atol=1e-9)


def test_refused_people_and_unknown_joints_are_nan() -> None:
    lifted = random_lifted(LIBRARY)
    lifted.joints3d[2], lifted.hypotheses[2], lifted.views[2] = np.nan, np.nan, -1
    lifted.refused[2] = "why"
    neck = LSP_14.index("neck")
    lifted.joints3d[:, neck], lifted.hypotheses[:, :, neck] = np.nan, np.nan
    seen = features(lifted, LIBRARY, LSP_14)
    others = np.arange(7) != 2
    assert np.isnan(seen.pose[2]).all() and np.isnan(seen.joint[2]).all()
    assert np.isfinite(seen.pose[others]).all() and np.isnan(seen.joint[:, neck]).all()
    assert np.isfinite(np.delete(seen.joint[others], neck, axis=1)).all()


def test_matches_that_agree_have_no_spread_and_one_pose() -> None:
    lifted = random_lifted(LIBRARY)
    lifted.views[:], lifted.hypotheses[:] = lifted.views[:, :1], lifted.hypotheses[:, :1]
    seen = features(lifted, LIBRARY, LSP_14)
    for name in ("spread", "spread_worst", "spread_depth", "spread_image", "spread_even", "first_off"):
        np.testing.assert_allclose(column(seen, name), 0, atol=1e-9)
    for name in ("poses", "clips", "subjects"):
        np.testing.assert_allclose(column(seen, name), 0, atol=1e-9)


def test_two_camps_in_depth_are_told_from_a_cloud() -> None:
    """Matches at +d and -d in depth: kurtosis 1, spread d along the depth of the joints that flip."""
    lifted = random_lifted(LIBRARY, k=12)
    lifted.hypotheses[:] = lifted.hypotheses[:1, :1]
    lifted.weights[:] = 1 / 12
    knee = LSP_14.index("l_knee")
    lifted.hypotheses[:, ::2, knee, 2] += np.float32(0.2)
    lifted.hypotheses[:, 1::2, knee, 2] -= np.float32(0.2)
    seen = features(lifted, LIBRARY, LSP_14)
    np.testing.assert_allclose(column(seen, "two_camps"), 0, atol=1e-5)
    np.testing.assert_allclose(column(seen, "one_direction"), 1, atol=1e-6)
    np.testing.assert_allclose(column(seen, "spread_worst"), np.log(201), rtol=1e-5)
    np.testing.assert_allclose(
        seen.joint[:, knee, JOINT_FEATURES.index("spread_depth")], np.log(201), rtol=1e-5
    )
    rng = np.random.default_rng(0)
    lifted.hypotheses[:, :, knee, 2] += rng.normal(size=(7, 12)).astype(np.float32)
    assert (column(features(lifted, LIBRARY, LSP_14), "two_camps") > 0.2).all()


def test_effective_numbers_count_what_holds_the_weight() -> None:
    lifted = random_lifted(LIBRARY, k=4)
    first = [int(np.flatnonzero(LIBRARY.clip == c)[0]) for c in (0, 1, 2)]
    lifted.views[:] = np.array([first[0], first[0] + 1, first[1], first[2]]) * LIBRARY.views
    lifted.weights[:] = [0.25, 0.25, 0.5, 0.0]
    seen = features(lifted, LIBRARY, LSP_14)
    np.testing.assert_allclose(np.exp(column(seen, "poses")), 1 / (0.25**2 + 0.25**2 + 0.5**2))
    np.testing.assert_allclose(np.exp(column(seen, "clips")), 2)
    np.testing.assert_allclose(np.exp(column(seen, "subjects")), 2)


def test_fewer_matches_than_asked_for() -> None:
    lifted = random_lifted(LIBRARY, k=12)
    lifted.views[:, 5:], lifted.distances[:, 5:] = -1, np.inf
    lifted.weights[:, 5:] = 0
    lifted.weights[:] /= lifted.weights.sum(1, keepdims=True)
    seen = features(lifted, LIBRARY, LSP_14)
    assert np.isfinite(seen.pose).all()
    np.testing.assert_allclose(column(seen, "farthest"), np.log(lifted.distances[:, 4] + 1e-4))


def test_a_method_without_deviations_of_its_own() -> None:
    lifted = random_lifted(LIBRARY)
    lifted.deviation_mm[:] = np.nan
    seen = features(lifted, LIBRARY, LSP_14)
    assert (column(seen, "deviation") == 0).all() and np.isfinite(seen.joint).all()
