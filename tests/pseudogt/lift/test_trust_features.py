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
    for name in ("spread", "spread_depth", "spread_even"):
        np.testing.assert_allclose(column(seen, name), 0, atol=1e-9)
    for name in ("clips", "subjects"):
        np.testing.assert_allclose(column(seen, name), 0, atol=1e-9)


def test_a_bone_that_half_the_matches_turn_round() -> None:
    """Matches that fit alike have the shin at +0.2 and -0.2 m in depth; the result took the former."""
    lifted = random_lifted(LIBRARY, k=12)
    ankle, knee = LSP_14.indices("l_ankle", "l_knee")
    lifted.joints3d[:, ankle, 2] = lifted.joints3d[:, knee, 2] + 0.2
    lifted.hypotheses[:] = lifted.joints3d[:, None]
    lifted.hypotheses[:, 1::2, ankle, 2] -= np.float32(0.4)
    lifted.completed[:, ankle] = True  # so the misfit of all is the same
    lifted.weights[:] = 1 / 12
    seen = features(lifted, LIBRARY, LSP_14)
    bones = len(LSP_14.bones)
    np.testing.assert_allclose(column(seen, "flipped"), np.log(0.5 * 200 / bones + 1), rtol=1e-3)
    for name, off in (("about", 200), ("about_loose", 200), ("off", 200)):
        np.testing.assert_allclose(column(seen, name), np.log(off / len(LSP_14) + 1), rtol=1e-3, err_msg=name)
    np.testing.assert_allclose(column(seen, "closest"), 0, atol=1e-3)
    np.testing.assert_allclose(
        seen.joint[:, ankle, JOINT_FEATURES.index("about_loose")], np.log(201), rtol=1e-3
    )
    np.testing.assert_allclose(
        seen.joint[:, ankle, JOINT_FEATURES.index("spread_depth")], np.log(201), rtol=1e-3
    )


def test_the_misfit_of_a_match_is_its_distance_from_the_annotation() -> None:
    """A match moved sideways by 40 mm, seen by a camera of unknown focal length and centre."""
    lifted = random_lifted(LIBRARY, k=3)
    lifted.joints2d[:] = 700 * lifted.joints3d[..., :2] / lifted.joints3d[..., 2:] + [320, 240]
    lifted.hypotheses[:] = lifted.joints3d[:, None]
    depth = lifted.hypotheses[..., 2] / lifted.joints3d[..., 2].mean(1)[:, None, None]
    lifted.hypotheses[..., 0] += np.float32(0.04) * depth
    seen = features(lifted, LIBRARY, LSP_14)
    np.testing.assert_allclose(column(seen, "best_fit"), np.log(41), rtol=1e-3)


def test_effective_numbers_count_what_holds_the_weight() -> None:
    lifted = random_lifted(LIBRARY, k=4)
    first = [int(np.flatnonzero(LIBRARY.clip == c)[0]) for c in (0, 1, 2)]
    lifted.views[:] = np.array([first[0], first[0] + 1, first[1], first[2]]) * LIBRARY.views
    lifted.weights[:] = [0.25, 0.25, 0.5, 0.0]
    seen = features(lifted, LIBRARY, LSP_14)
    np.testing.assert_allclose(np.exp(column(seen, "matches")), 1 / (0.25**2 + 0.25**2 + 0.5**2))
    np.testing.assert_allclose(np.exp(column(seen, "clips")), 2)
    np.testing.assert_allclose(np.exp(column(seen, "subjects")), 2)


def test_fewer_matches_than_asked_for() -> None:
    lifted = random_lifted(LIBRARY, k=12)
    lifted.views[:, 5:], lifted.distances[:, 5:] = -1, np.inf
    lifted.weights[:, 5:] = 0
    lifted.weights[:] /= lifted.weights.sum(1, keepdims=True)
    seen = features(lifted, LIBRARY, LSP_14)
    assert np.isfinite(seen.pose).all()
    np.testing.assert_allclose(column(seen, "tenth"), np.log(lifted.distances[:, 4] + 1e-4))
    fewer = random_lifted(LIBRARY, k=12)
    for name in ("views", "distances", "hypotheses", "weights", "mirrored"):
        fewer = replace(fewer, **{name: getattr(lifted, name)[:, :5]})
    same = features(fewer, LIBRARY, LSP_14)
    for name in ("about", "about_loose", "closest", "close", "best_fit", "spread", "matches", "clips"):
        np.testing.assert_allclose(column(seen, name), column(same, name), atol=1e-9, err_msg=name)


def test_a_method_without_deviations_of_its_own() -> None:
    lifted = random_lifted(LIBRARY)
    lifted.deviation_mm[:] = np.nan
    seen = features(lifted, LIBRARY, LSP_14)
    assert (column(seen, "deviation") == 0).all() and np.isfinite(seen.joint).all()
