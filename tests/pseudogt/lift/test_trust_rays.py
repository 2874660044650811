"""Matches on the rays against dense Gaussian conditioning, and in cases where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from trust_people import random_library

from posecorpus.core.skeletons import COCO_17, FULL_42, LSP_14, TORSO, Skeleton, convert
from posecorpus.pseudogt.lift.chains import Chains, chains
from posecorpus.pseudogt.lift.trust_rays import (
    ASIDE_M,
    AWAY_M,
    LOOSE_M,
    NOISE_M,
    NOWHERE_MM,
    RAY_FEATURES,
    TURN_RAD,
    move_onto_rays,
    ray_features,
)

Array = NDArray[np.float64]
LIBRARY = random_library()


def people(skeleton: Skeleton, count: int, k: int, seed: int) -> tuple[Array, Array, Array]:
    """Random matches (Q, k, J, 3) five metres away, results, and rays of which some are missing."""
    rng = np.random.default_rng(seed)
    poses = np.asarray(convert(LIBRARY.poses.astype(np.float64), FULL_42, skeleton))
    placed = poses[rng.integers(len(poses), size=(count, k))] + [0.3, -0.2, 5.0]
    result = placed[:, 0] + 0.02 * rng.normal(size=placed[:, 0].shape)
    rays = result[..., :2] / result[..., 2:] + 0.004 * rng.normal(size=result[..., :2].shape)
    rays[rng.random(rays.shape[:2]) < 0.3] = np.nan
    return placed, result, rays


def dense_covariance(pose: Array, bones: Chains, torso: list[int]) -> Array:
    """Sum of the outer products of all small motions, one after another."""
    joints = len(pose)
    middle = pose[torso].mean(0)
    covariance = LOOSE_M**2 * np.eye(3 * joints)
    for axis in np.eye(3):
        for joint in range(joints):
            start = middle if bones.parents[joint] < 0 else pose[bones.parents[joint]]
            moved = np.cross(axis, pose[joint] - start) * bones.swing_rad[joint]
            motion = np.where(bones.carried[joint][:, None], moved, 0.0).ravel()
            covariance += np.outer(motion, motion)
        motion = (TURN_RAD * np.cross(axis, pose - middle)).ravel()
        covariance += np.outer(motion, motion)
    for motion in (ASIDE_M * np.eye(3)[0], ASIDE_M * np.eye(3)[1], AWAY_M * pose / pose[:, 2].mean()):
        flat = np.broadcast_to(motion, pose.shape).ravel()
        covariance += np.outer(flat, flat)
    return covariance


@pytest.mark.parametrize("skeleton", [LSP_14, COCO_17], ids=lambda s: s.name)
def test_equals_dense_conditioning(skeleton: Skeleton) -> None:
    placed, result, rays = people(skeleton, 4, 3, 0)
    bones, torso = chains(skeleton), skeleton.indices(*TORSO)
    found = move_onto_rays(placed, result, rays, bones, np.array(torso))
    joints = len(skeleton)
    relative = np.eye(3 * joints).reshape(joints, 3, -1)
    relative = (relative - relative[torso].mean(0)).reshape(3 * joints, -1)
    for q in range(4):
        covariance = dense_covariance(result[q], bones, torso)
        rows = []
        for joint, axis in np.argwhere(~np.isnan(rays[q])):
            row = np.zeros((joints, 3))
            row[joint, axis], row[joint, 2] = 1.0, -rays[q, joint, axis]
            rows.append(row.ravel())
        observe = np.array(rows)
        inner = np.linalg.inv(observe @ covariance @ observe.T + NOISE_M**2 * np.eye(len(rows)))
        gain = covariance @ observe.T @ inner
        for k in range(3):
            off = observe @ placed[q, k].ravel()
            np.testing.assert_allclose(
                found.moved[q, k].ravel(), placed[q, k].ravel() - gain @ off, atol=1e-9
            )
            np.testing.assert_allclose(found.cost[q, k], off @ inner @ off, rtol=1e-7)
        left = relative @ (covariance - gain @ observe @ covariance) @ relative.T
        variance = np.diag(left).reshape(joints, 3).sum(1)
        np.testing.assert_allclose(found.open_m[q], np.sqrt(variance), rtol=1e-6)


def features_of(placed: Array, there: NDArray[np.bool_], result: Array, rays: Array) -> dict[str, Array]:
    torso = np.array(LSP_14.indices(*TORSO))
    return {
        name: np.exp(value) - 1
        for name, value in ray_features(placed, there, result, rays, chains(LSP_14), torso).items()
    }


def test_a_match_on_the_rays_stays_and_counts_by_its_distance() -> None:
    """Every second match has its ankle 0.3 m farther along its ray: the rays cannot tell which is right."""
    _, result, _ = people(LSP_14, 5, 1, 1)
    rays = result[..., :2] / result[..., 2:]
    placed = np.repeat(result[:, None], 6, 1)
    ankle = LSP_14.index("l_ankle")
    ray = np.concatenate([rays[:, ankle], np.ones((5, 1))], 1)
    placed[:, 1::2, ankle] += 0.3 * (ray / np.linalg.norm(ray, axis=1, keepdims=True))[:, None]
    torso = np.array(LSP_14.indices(*TORSO))
    found = move_onto_rays(placed, result, rays, chains(LSP_14), torso)
    np.testing.assert_allclose(found.moved, placed, atol=1e-9)
    np.testing.assert_allclose(found.cost, 0, atol=1e-9)
    seen = features_of(placed, np.ones((5, 6), bool), result, rays)
    for name in ("ray_about_strict", "ray_about", "ray_about_loose"):
        np.testing.assert_allclose(seen[name], 300 / 2 / len(LSP_14), rtol=1e-6)
    for name in ("ray_torso", "ray_closest"):
        np.testing.assert_allclose(seen[name], 0, atol=1e-6)
    np.testing.assert_allclose(seen["ray_close"], 2 / 5 * 300 / len(LSP_14), rtol=1e-6)


def test_matches_that_fit_count_and_others_do_not() -> None:
    placed, result, rays = people(LSP_14, 6, 2, 3)
    rays = result[..., :2] / result[..., 2:]
    placed[:, 0] = result  # fits exactly; the other is a pose drawn at random
    torso = np.array(LSP_14.indices(*TORSO))
    cost = move_onto_rays(placed, result, rays, chains(LSP_14), torso).cost
    assert (cost[:, 1] > 100 + cost[:, 0]).all()
    seen = features_of(placed, np.ones((6, 2), bool), result, rays)
    np.testing.assert_allclose(seen["ray_about_strict"], 0, atol=1e-2)


def test_matches_that_are_not_there_do_not_count() -> None:
    placed, result, rays = people(LSP_14, 5, 7, 4)
    there = np.ones((5, 7), bool)
    there[:, 5:] = False
    placed[:, 5:] = np.nan
    all_of_them, fewer = (features_of(placed[:, :n], there[:, :n], result, rays) for n in (7, 5))
    for name in RAY_FEATURES:
        np.testing.assert_allclose(all_of_them[name], fewer[name], rtol=1e-9)
    nobody = features_of(placed, np.zeros((5, 7), bool), result, rays)
    np.testing.assert_allclose(nobody["ray_closest"], NOWHERE_MM)
    assert all(np.isfinite(values).all() for values in nobody.values())


def test_more_annotated_joints_leave_less_open() -> None:
    placed, result, _ = people(LSP_14, 5, 2, 5)
    rays = result[..., :2] / result[..., 2:]
    torso = np.array(LSP_14.indices(*TORSO))
    wrist, elbow = LSP_14.indices("l_wrist", "l_elbow")
    without = rays.copy()
    without[:, [wrist, elbow]] = np.nan
    full, less = (move_onto_rays(placed, result, r, chains(LSP_14), torso).open_m for r in (rays, without))
    assert (less >= full - 1e-12).all() and (less[:, wrist] > 1.3 * full[:, wrist]).all()
