"""The prior and its conditioning against dense linear algebra."""

from __future__ import annotations

import numpy as np
import pytest
from lift_people import errors_mm, library_of, people, photos

from posecorpus.core.skeletons import COCO_17, FULL_42, LSP_14, SKELETONS, TORSO, convert
from posecorpus.pseudogt.lift import fused
from posecorpus.pseudogt.lift.body import body_of
from posecorpus.pseudogt.lift.chains import chains
from posecorpus.pseudogt.lift.perspective import fit_matches, to_rays

TORSO_14 = np.array(LSP_14.indices(*TORSO))


def test_conditioning_is_the_textbook_posterior() -> None:
    rng = np.random.default_rng(0)
    mean, root = rng.normal(size=(4, 3)) + [0, 0, 5], rng.normal(size=(12, 12))
    rows, values, variances = rng.normal(size=(6, 12)), rng.normal(size=6), rng.uniform(0.5, 1, 6)
    covariance = root @ root.T
    pose, left = fused._condition(mean, covariance, rows, values, variances)
    precision = np.linalg.inv(covariance) + rows.T @ np.diag(1 / variances) @ rows
    expected = np.linalg.solve(
        precision, np.linalg.solve(covariance, mean.ravel()) + rows.T @ (values / variances)
    )
    np.testing.assert_allclose(left, np.linalg.inv(precision), atol=1e-9)
    kept = expected.reshape(4, 3)[:, :2]
    np.testing.assert_allclose(pose[:, :2], kept, atol=1e-9)


def test_the_prior_is_the_weighted_covariance_and_the_swing_of_each_bone() -> None:
    rng = np.random.default_rng(1)
    sample, shares = rng.normal(size=(9, 14, 3)), rng.dirichlet(np.ones(9))
    tree = chains(LSP_14)
    mean, covariance = fused._prior(sample, shares, tree.parents, tree.swing_rad, tree.carried, TORSO_14)
    np.testing.assert_allclose(mean, np.einsum("n,nja->ja", shares, sample), atol=1e-12)
    off = (sample - mean).reshape(9, -1)
    expected = off.T @ (shares[:, None] * off) + fused.LOOSE_M**2 * np.eye(42)
    middle = mean[TORSO_14].mean(0)
    for joint in range(14):
        start = middle if tree.parents[joint] < 0 else mean[tree.parents[joint]]
        for axis in np.eye(3):
            moved = np.cross(axis, tree.swing_rad[joint] * (mean[joint] - start))
            row = (tree.carried[joint][:, None] * moved).ravel()
            expected += np.outer(row, row)
    np.testing.assert_allclose(covariance, expected, atol=1e-12)


def test_joints_on_their_rays_satisfy_their_rows() -> None:
    pixels, K, points = photos(people(1, 3), 4)
    rays = to_rays(pixels, K)[0]
    rays[2] = np.nan
    rows = fused._on_rays(rays)
    assert rows.shape == (26, 42)
    np.testing.assert_allclose(rows @ points[0].ravel(), 0, atol=1e-12)
    bones = np.array([[0, 1], [1, 2]])
    lengths = np.linalg.norm(points[0][bones[:, 0]] - points[0][bones[:, 1]], axis=1)
    np.testing.assert_allclose(fused._along(points[0], bones) @ points[0].ravel(), lengths, rtol=1e-12)


def test_deviation_is_that_of_torso_centred_joints() -> None:
    rng = np.random.default_rng(2)
    root = rng.normal(size=(42, 42))
    centre = np.eye(14)
    centre[:, TORSO_14] -= 0.25
    centred = np.kron(centre, np.eye(3)) @ root
    expected = np.sqrt((centred**2).sum(1).reshape(14, 3).sum(1))
    np.testing.assert_allclose(fused._torso_centred_deviation(root @ root.T, TORSO_14), expected, rtol=1e-9)


def test_a_match_that_fits_exactly_is_found_and_one_that_is_none_is_left_out() -> None:
    pixels, K, points = photos(people(3, 5), 6)
    middle = points[:, TORSO_14].mean(1, keepdims=True)
    matched = np.repeat((points - middle)[:, None], 3, axis=1)
    matched[:, 1] *= [1, 1, -1]
    matched[:, 2] = np.nan
    placed, residual_m = fit_matches(matched, to_rays(pixels, K), 0.001)
    np.testing.assert_allclose(placed[:, 0], points, atol=2e-3)
    assert (residual_m[:, 0] < 1e-4).all()
    assert (residual_m[:, 1] > 0).all()
    assert np.isinf(residual_m[:, 2]).all()
    estimate = fused.depth(
        matched, to_rays(pixels, K), K, body_of(library_of(people(20, 7)), LSP_14, np.arange(14)),
        TORSO_14.tolist(), 0.0,
    )  # fmt: skip
    assert (estimate.weights[:, 2] == 0).all()
    np.testing.assert_allclose(estimate.weights.sum(1), 1, rtol=1e-12)
    assert errors_mm(estimate.joints3d, points).max() < 30


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=list(SKELETONS))
def test_chains_are_forests_that_mirror(skeleton) -> None:
    tree = chains(skeleton)
    flipped = np.where(tree.parents >= 0, skeleton.mirror[tree.parents], -1)
    np.testing.assert_array_equal(tree.parents[skeleton.mirror], flipped)
    for joint in range(len(skeleton)):
        steps, above = 0, joint
        while above >= 0:
            assert tree.carried[above, joint]
            steps, above = steps + 1, tree.parents[above]
        assert tree.carried[:, joint].sum() == steps


def test_chains_know_limbs_whatever_tree_a_skeleton_is_drawn_with() -> None:
    tree = chains(COCO_17)
    for joint, parent in (("l_ankle", "l_knee"), ("r_wrist", "r_elbow"), ("l_knee", "l_hip")):
        assert tree.parents[COCO_17.index(joint)] == COCO_17.index(parent)
    assert (tree.parents[COCO_17.indices(*TORSO)] == -1).all()
    some = tree.of(np.array(COCO_17.indices("l_hip", "l_ankle", "l_knee")))
    assert some.parents.tolist() == [-1, 2, 0]


def test_bones_are_as_long_as_in_the_library() -> None:
    poses = people(30, 8)
    body = body_of(library_of(poses), LSP_14, np.arange(14))
    names = {frozenset((LSP_14.joints[a], LSP_14.joints[b])) for a, b in body.bone_ends}
    assert {frozenset(("l_knee", "l_ankle")), frozenset(("l_hip", "r_hip"))} <= names
    assert frozenset(("l_ankle", "r_ankle")) not in names
    joints = convert(poses, FULL_42, LSP_14)
    lengths = np.linalg.norm(joints[:, body.bone_ends[:, 0]] - joints[:, body.bone_ends[:, 1]], axis=-1)
    of_pair = {
        (int(a), int(b)): length for (a, b), length in zip(body.bone_ends, lengths.mean(0), strict=True)
    }
    flip = LSP_14.mirror
    for (a, b), length in zip(body.bone_ends, body.bone_m, strict=True):
        other = of_pair.get((flip[a], flip[b]), of_pair[a, b])
        assert length == pytest.approx((of_pair[a, b] + other) / 2, rel=1e-5)


def test_no_annotation_stretches_a_limb() -> None:
    library = library_of(people(12, 0))
    known = body_of(library, LSP_14, np.arange(14))
    rng = np.random.default_rng(3)
    pose = convert(people(1, 5)[0].astype(np.float64), FULL_42, LSP_14) + [0.0, 0.0, 5.0]
    fine = pose.copy()
    fused._restore_lengths(fine, known.bone_ends, known.bone_m, known.chains.parents, known.chains.carried)
    np.testing.assert_array_equal(fine, pose)  # what is near enough stays exactly
    wild = pose + rng.normal(0, 0.4, pose.shape)
    fused._restore_lengths(wild, known.bone_ends, known.bone_m, known.chains.parents, known.chains.carried)
    tree = [i for i, (child, parent) in enumerate(known.bone_ends) if known.chains.parents[child] == parent]
    assert len(tree) >= 8  # arms and legs at least
    ends = known.bone_ends[tree]
    ratio = np.linalg.norm(wild[ends[:, 0]] - wild[ends[:, 1]], axis=-1) / known.bone_m[tree]
    assert (np.abs(ratio - 1) <= fused.STRETCH + 1e-9).all()
    assert (np.abs(ratio - 1) > 0.9 * fused.STRETCH).any()
