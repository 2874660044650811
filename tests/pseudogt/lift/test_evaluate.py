"""Errors of lifted people: closed forms for planted faults, brute force for oracles."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from posecorpus.core.skeletons import H36M_17, LSP_14, Skeleton
from posecorpus.pseudogt.library.build import build_library
from posecorpus.pseudogt.library.store import ClipEntry, PoseLibrary
from posecorpus.pseudogt.lift.evaluate import (
    limb_lengths,
    mean_pose_mm,
    nearest_view_mm,
    person_errors,
    random_pose_mm,
)
from posecorpus.pseudogt.lift.lifted import Lifted
from posecorpus.pseudogt.lift.simulate import Condition, Queries, simulate
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import landmarks_of

Array = NDArray[np.float64]


def people(count: int, seed: int = 0) -> Array:
    poses = np.random.default_rng(seed).normal(0, 0.3, (count, 24, 3))
    return landmarks_of(load_body("open", "neutral"), np.zeros((count, 10)), poses, np.zeros((count, 3)))


def photos(mask: str = "any four", skeleton: Skeleton = LSP_14, count: int = 12) -> Queries:
    return simulate(people(count), skeleton, Condition(0.02, mask), np.random.default_rng(1))


def perfect(queries: Queries, hypotheses: int = 3) -> Lifted:
    """The truth as if it had been lifted; what is not compared is zero."""
    count = len(queries)
    missing = np.isnan(queries.joints2d).any(-1)
    given: dict[str, NDArray[Any]] = {
        "joints3d": queries.truth3d.copy(),
        "joints2d": np.where(missing[..., None], queries.truth2d, queries.joints2d),
        "completed": missing,
        "hypotheses": np.repeat(queries.truth3d[:, None], hypotheses, 1).astype(np.float32),
        "refused": np.full(count, None, object),
    }
    return Lifted(**{f.name: given.get(f.name, np.zeros(count)) for f in fields(Lifted)})


@pytest.mark.parametrize("skeleton", [LSP_14, H36M_17])
def test_the_truth_has_no_error(skeleton: Skeleton) -> None:
    queries = photos(skeleton=skeleton)
    errors = person_errors(perfect(queries), queries)
    for values in (errors.joint_mm, errors.pose_mm, errors.scaled_mm, errors.aligned_mm):
        assert np.abs(values).max() < 1e-6
    assert errors.best_of_k_mm.max() < 1e-3  # hypotheses are single precision
    assert np.nanmax(errors.completion) == 0 and np.isfinite(errors.completion).sum() == 4 * len(queries)
    assert np.allclose(errors.limb_ratio, 1) and not errors.refused.any()


def test_a_shift_vanishes_a_scale_is_scaled_away_and_a_turn_is_aligned_away() -> None:
    queries = photos()
    lifted = perfect(queries)
    shifted = person_errors(replace(lifted, joints3d=lifted.joints3d + [0.3, -2, 1]), queries)
    assert shifted.pose_mm.max() < 1e-6
    larger = person_errors(replace(lifted, joints3d=1.1 * lifted.joints3d), queries)
    assert larger.scaled_mm.max() < 1e-6 and larger.pose_mm.min() > 10
    assert np.allclose(larger.limb_ratio, 1.1)
    turn = Rotation.from_euler("y", 40, degrees=True).as_matrix()
    turned = person_errors(replace(lifted, joints3d=lifted.joints3d @ turn.T), queries)
    assert turned.aligned_mm.max() < 1e-6 and turned.scaled_mm.min() > 10


def test_a_planted_error_is_measured_where_it_is() -> None:
    queries = photos("none")
    lifted = perfect(queries)
    wrong = lifted.joints3d.copy()
    wrong[:, LSP_14.index("l_wrist")] += [0.03, 0, 0.04]  # 50 mm; the wrist is no part of the torso
    errors = person_errors(replace(lifted, joints3d=wrong), queries)
    expected = np.zeros(14)
    expected[LSP_14.index("l_wrist")] = 50
    assert np.abs(errors.joint_mm - expected).max() < 1e-6
    assert np.abs(errors.pose_mm - 50 / 14).max() < 1e-6
    # a shoulder moves the torso's middle by a quarter of the way, so every joint is off
    wrong = lifted.joints3d.copy()
    wrong[:, LSP_14.index("r_shoulder"), 0] += 0.04
    errors = person_errors(replace(lifted, joints3d=wrong), queries)
    assert np.abs(errors.pose_mm - (13 * 10 + 30) / 14).max() < 1e-6


def test_completion_is_in_torso_lengths_and_of_completed_joints_only() -> None:
    queries = photos("one arm")
    lifted = perfect(queries)
    moved = lifted.joints2d + 0.1 * queries.torso_px[:, None, None] * [0.6, 0.8]
    errors = person_errors(replace(lifted, joints2d=moved), queries)
    assert np.isfinite(errors.completion).sum(1).tolist() == [2] * len(queries)
    assert np.nanmax(np.abs(errors.completion - 0.1)) < 1e-9


def test_the_best_hypothesis_counts() -> None:
    queries = photos("none")
    lifted = perfect(queries)
    hypotheses = lifted.hypotheses.copy()
    hypotheses[:, 0, LSP_14.index("l_wrist"), 2] += 0.28
    hypotheses[:, 1, LSP_14.index("l_ankle"), 2] += 0.14
    hypotheses[:, 2] = np.nan  # fewer matches than asked for
    errors = person_errors(replace(lifted, hypotheses=hypotheses), queries)
    assert np.abs(errors.best_of_k_mm - 10).max() < 1e-2


def test_refused_people_have_no_errors() -> None:
    queries = photos("none")
    lifted = perfect(queries)
    refused = lifted.refused.copy()
    refused[3] = "all joints on one point"
    joints3d, hypotheses = lifted.joints3d.copy(), lifted.hypotheses.copy()
    joints3d[3] = hypotheses[3] = np.nan
    errors = person_errors(
        replace(lifted, joints3d=joints3d, hypotheses=hypotheses, refused=refused), queries
    )
    assert errors.refused.tolist() == [i == 3 for i in range(len(queries))]
    for values in (errors.pose_mm, errors.scaled_mm, errors.aligned_mm, errors.best_of_k_mm):
        assert np.isnan(values[3]) and np.isfinite(np.delete(values, 3)).all()


def test_limbs_by_hand() -> None:
    joints = np.zeros((14, 3))
    for name, place in {"l_shoulder": 0.0, "l_elbow": 0.3, "l_wrist": 0.55, "r_hip": 0.0, "r_knee": 0.4, "r_ankle": 0.81}.items():  # fmt: skip
        joints[LSP_14.index(name)] = [0, place, 0]
    assert np.allclose(limb_lengths(joints, LSP_14), [0.3, 0, 0.25, 0, 0, 0.4, 0, 0.41])


def library(poses: int = 40, views: int = 9) -> PoseLibrary:
    rows = np.arange(poses)
    entry = (ClipEntry("a", "a", "a", "a"),)
    return build_library(people(poses, 7), 0 * rows, rows, entry, views=views, spacing_mm=0, seed=2)


@pytest.mark.parametrize("skeleton", [LSP_14, H36M_17])
def test_baselines_equal_brute_force(skeleton: Skeleton) -> None:
    queries, lib = photos(skeleton=skeleton), library()
    everything = lib.joints3d(np.arange(len(lib)), skeleton)
    torso = skeleton.indices("l_shoulder", "r_shoulder", "l_hip", "r_hip")

    def centred(points: Array) -> Array:
        return points - points[..., torso, :].mean(-2, keepdims=True)

    truth = centred(queries.truth3d)
    apart = 1000 * np.linalg.norm(truth[:, None] - centred(everything)[None], axis=-1).mean(-1)
    assert np.allclose(nearest_view_mm(lib, queries), apart.min(1), rtol=1e-6)
    mean = 1000 * np.linalg.norm(truth - centred(everything.mean(0)), axis=-1).mean(-1)
    assert np.allclose(mean_pose_mm(lib, queries), mean)
    drawn = random_pose_mm(lib, queries, np.random.default_rng(3))
    assert all(np.isclose(row, value).any() for row, value in zip(apart, drawn, strict=True))
    assert (drawn >= nearest_view_mm(lib, queries) - 1e-6).all()


def test_a_pose_of_the_library_seen_from_one_of_its_views_has_no_oracle_error() -> None:
    lib = library()
    view = lib.joints3d(np.array([17, 200]), LSP_14)
    queries = replace(photos(count=2), truth3d=view + [0.0, 0, 5])
    assert nearest_view_mm(lib, queries).max() < 1e-3
