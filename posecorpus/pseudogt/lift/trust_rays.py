"""The matches once they agree with the annotation.

As they were placed, matches differ from the result in the picture as well as in depth, and the picture is known.
So each is moved, as little as a body allows (bones swing, the whole moves and turns a little), until its annotated
joints are on their rays. What is left between a match and the result then is what the annotation leaves open, and what
the move took tells how much the match is worth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.pseudogt.lift.chains import Chains

Array = NDArray[np.float64]
NOISE_M = 0.01
"""Standard deviation of an annotated joint, at the person's distance."""
LOOSE_M = 0.005
"""Of every coordinate by itself."""
TURN_RAD, ASIDE_M, AWAY_M = 0.05, 0.05, 0.3
"""Of the whole person: about each axis, across the picture, and along the line of sight."""
STRICT, USUAL, LOOSE = 4.0, 16.0, 64.0
"""By how much more than the best a match may cost and still count: variances of normal weights."""
NOWHERE_MM = 2000.0
"""Distance of a match that is not there."""
RAY_FEATURES = (
    "ray_about_strict", "ray_about", "ray_about_loose", "ray_torso", "ray_closest", "ray_close", "ray_open",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class OnRays:
    """Matches moved onto the rays of Q people.

    Attributes:
        moved: (Q, k, J, 3) metres, camera frame.
        cost: (Q, k) squared Mahalanobis length of the move: small for a match that fits.
        open_m: (Q, J) standard deviation that a joint, relative to the torso, keeps when all rays are known.
    """

    moved: Array
    cost: Array
    open_m: Array


def ray_features(
    placed: Array,
    there: NDArray[np.bool_],
    result: Array,
    rays: Array,
    chains: Chains,
    torso: NDArray[np.integer],
) -> dict[str, Array]:
    """How far the result is from the matches on the rays, by :data:`RAY_FEATURES`, each (Q,): logs of mm + 1.

    ``ray_about`` weighs the matches by what their move cost, ``ray_torso`` looks at shoulders and hips alone,
    ``ray_closest`` and ``ray_close`` at the nearest match and the nearest five; ``ray_open`` is what the rays
    leave open.

    Args:
        there: (Q, k) matches that are; the others may hold anything.
    """
    matches = move_onto_rays(
        np.where(there[..., None, None], placed, result[:, None]), result, rays, chains, torso
    )
    off = matches.moved - matches.moved[:, :, torso].mean(2, keepdims=True)
    off -= (result - result[:, torso].mean(1, keepdims=True))[:, None]
    apart = 1000 * np.linalg.norm(off, axis=-1)
    cost = np.where(there, matches.cost, np.inf)
    cost -= np.where(there.any(1), cost.min(1), 0.0)[:, None]
    whole = np.sort(np.where(there, apart.mean(-1), NOWHERE_MM), 1)

    def about(variance: float) -> Array:
        weights = np.exp(-0.5 * cost / variance)
        weights /= np.maximum(weights.sum(1, keepdims=True), 1e-12)
        return np.asarray(np.einsum("qk,qkj->qj", weights, apart))

    usual = about(USUAL)
    millimetres = (
        about(STRICT).mean(1), usual.mean(1), about(LOOSE).mean(1), usual[:, torso].mean(1),
        whole[:, 0], whole[:, :5].mean(1), 1000 * matches.open_m.mean(1),
    )  # fmt: skip
    return {name: np.log(value + 1.0) for name, value in zip(RAY_FEATURES, millimetres, strict=True)}


def move_onto_rays(
    placed: Array, result: Array, rays: Array, chains: Chains, torso: NDArray[np.integer]
) -> OnRays:
    """Condition matches on the annotation, by one linear Gaussian model a person.

    That a joint (X, Y, Z) is on its ray (u, v) reads ``X - u Z = 0, Y - v Z = 0``, which is linear.

    Args:
        placed: (Q, k, J, 3) matches as they were placed, metres, camera frame.
        result: (Q, J, 3) about which bones swing.
        rays: (Q, J, 2) annotated joints on the plane z = 1, NaN where missing.
        torso: shoulders and hips.
    """
    people, joints = result.shape[:2]
    covariance = _covariance(result, chains, torso)
    known = ~np.isnan(rays)
    flat = known.reshape(people, -1)
    rays = np.where(known, rays, 0.0)
    across = _off_rays(covariance.reshape(people, joints, 3, -1).swapaxes(2, 3), rays[:, :, None])
    across = across.swapaxes(2, 3).reshape(people, 2 * joints, 3 * joints) * flat[..., None]
    inner = _off_rays(across.reshape(people, 2 * joints, joints, 3), rays[:, None])
    inner = inner.reshape(people, 2 * joints, -1) * flat[:, None]
    # A missing joint has a row of its own that nothing depends on.
    diagonal = np.arange(2 * joints)
    inner[:, diagonal, diagonal] += np.where(flat, NOISE_M**2, 1.0)
    off = _off_rays(placed, rays[:, None]).reshape(people, -1, 2 * joints) * flat[:, None]
    solved = np.linalg.solve(inner, np.concatenate([off.swapaxes(1, 2), across], 2))
    pull, gain = solved[..., : off.shape[1]].swapaxes(1, 2), solved[..., off.shape[1] :]
    left = covariance - across.swapaxes(1, 2) @ gain
    return OnRays(
        placed - (pull @ across).reshape(placed.shape),
        np.einsum("qkr,qkr->qk", off, pull),
        _relative_deviation(left, torso),
    )


def _off_rays(points: Array, rays: Array) -> Array:
    """(..., 2) by how much points (..., 3) miss their rays."""
    return np.asarray(points[..., :2] - rays * points[..., 2:])


def _covariance(pose: Array, chains: Chains, torso: NDArray[np.integer]) -> Array:
    """(Q, 3J, 3J) of what may move: every bone about its upper end, and the whole."""
    people, joints = pose.shape[:2]
    middle = pose[:, torso].mean(1, keepdims=True)
    rooted = chains.parents < 0
    start = np.where(rooted[:, None], middle, pose[:, chains.parents])
    swings = (pose - start) * chains.swing_rad[:, None]
    basis = np.zeros((people, 3 * joints + 6, joints, 3))
    for joint in range(joints):
        carried = chains.carried[joint]
        basis[:, 3 * joint : 3 * joint + 3, carried] = _turns(swings[:, joint])[:, :, None]
    whole = basis[:, 3 * joints :]
    whole[:, :3] = np.moveaxis(_turns(TURN_RAD * (pose - middle)), 2, 1)
    whole[:, 3, :, 0] = whole[:, 4, :, 1] = ASIDE_M
    whole[:, 5] = AWAY_M * pose / pose[..., 2:].mean(1, keepdims=True)
    flat = basis.reshape(people, -1, 3 * joints)
    covariance = flat.swapaxes(1, 2) @ flat
    diagonal = np.arange(3 * joints)
    covariance[:, diagonal, diagonal] += LOOSE_M**2
    return np.asarray(covariance)


def _turns(arms: Array) -> Array:
    """(..., 3, 3) how the ends of arms (..., 3) move when turned about x, y and z."""
    x, y, z = np.moveaxis(arms, -1, 0)
    none = np.zeros_like(x)
    rows = [np.stack(row, -1) for row in ((none, -z, y), (z, none, -x), (-y, x, none))]
    return np.stack(rows, -2)


def _relative_deviation(covariance: Array, torso: NDArray[np.integer]) -> Array:
    """(Q, J) root of the summed variances of joints relative to the torso's middle."""
    people, joints = len(covariance), covariance.shape[1] // 3
    blocks = covariance.reshape(people, joints, 3, joints, 3)
    same_axis = np.einsum("qiaja->qij", blocks)
    with_middle = same_axis[:, torso].mean(1)
    own = with_middle[:, torso].mean(1)
    variance = np.einsum("qjj->qj", same_axis) - 2 * with_middle + own[:, None]
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))
