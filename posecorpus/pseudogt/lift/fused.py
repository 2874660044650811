"""Lifting by fitting the matches under the perspective camera and fusing them into one pose.

Every match is turned and moved until it projects as near to the annotation as a rigid body can. The placed
matches are then taken as a sample of what the person may look like: their weighted mean and covariance,
widened by bones that swing a little, are a Gaussian prior over all coordinates at once. The annotation says
of each annotated joint that it lies on its ray, which is linear in camera coordinates, so the posterior has a
closed form. Depths, missing joints and what noise did to the annotated ones all come out of the same
conditional mean. The result says which of the matches look like it in 3D; a second round takes those, and
measures bones along their directions, so that they come out as long as those of the library.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.pseudogt.lift.body import Body
from posecorpus.pseudogt.lift.nearness import longer_lens
from posecorpus.pseudogt.lift.perspective import NEAR_M, fit_matches, to_pixels
from posecorpus.pseudogt.lift.published import Estimate, place

Array = NDArray[np.float64]
RESIDUAL_M = 0.05
"""Standard deviation of a match's RMS residual, at the person's distance, in its weight."""
AGREEMENT_M = 0.07
"""Standard deviation of a match's mean distance from the first round's result, in its weight."""
LOOSE_M = 0.005
"""Standard deviation of every coordinate by itself."""
TORSO_M = 0.5
"""Length of a torso: turns the annotation's noise into metres."""
LEAST_NOISE = 0.002
"""Noise that is assumed even of exact annotations, in torso lengths: bodies differ in their proportions."""
ROUNDS = 2
LENGTH_STEPS = 2
"""Times that the bones' lengths are asked for, each along the directions that came out before."""

STRETCH = 0.15
"""Share of its length by which a bone may be off in the end, whatever the annotation asks for."""


def depth(matched: Array, rays: Array, K: Array, body: Body, torso: list[int], noise: float) -> Estimate:
    """Fit and fuse the matches of Q people.

    Args:
        matched: (Q, n, J, 3) metres in the frames of their views; a match that is not one holds NaN.
        rays: (Q, J, 2) annotated joints on the plane z = 1, NaN where missing.
        K: (Q, 3, 3) intrinsics.
        body: what is known of the J joints.
        torso: the shoulders and hips.
        noise: standard deviation of the annotation, torso lengths.
    """
    sigma_m = TORSO_M * max(noise, LEAST_NOISE)
    share = longer_lens(matched, rays, torso, sigma_m)
    rays = rays * share[:, None, None]
    placed, residual_m = fit_matches(matched, rays, sigma_m)
    joints3d, weights, deviation = _fuse(
        placed,
        residual_m,
        rays,
        body.chains.parents,
        body.chains.swing_rad,
        body.chains.carried,
        body.bone_ends,
        body.bone_m,
        body.tolerance_m,
        np.array(torso),
        sigma_m,
    )
    lens = np.stack([1 / share, 1 / share, np.ones(len(share))], -1)
    joints2d = to_pixels(joints3d, K * lens[:, None])
    # Back before the camera that was told of, where its lens was not believed.
    moved = np.flatnonzero(share < 1.0)
    told = rays[moved] / share[moved, None, None]
    joints3d[moved] = place(joints3d[moved, None], told)[:, 0]
    placed[moved] = place(placed[moved], told)
    return Estimate(joints3d, joints2d, placed, weights, deviation)


@njit(cache=True, nogil=True)
def _fuse(
    placed: Array,
    residual_m: Array,
    rays: Array,
    parents: NDArray[np.int64],
    swing_rad: Array,
    carried: NDArray[np.bool_],
    bone_ends: NDArray[np.int64],
    bone_m: Array,
    tolerance_m: Array,
    torso: NDArray[np.int64],
    sigma_m: float,
) -> tuple[Array, Array, Array]:
    """Joints (Q, J, 3), weights (Q, n) and posterior standard deviations (Q, J), metres."""
    people, matches, joints = placed.shape[:3]
    result = np.empty((people, joints, 3))
    weights = np.empty((people, matches))
    deviation = np.empty((people, joints))
    for q in range(people):
        usable = np.flatnonzero(np.isfinite(residual_m[q]))
        sample = placed[q][usable]
        misfit = (residual_m[q][usable] / RESIDUAL_M) ** 2
        shares = _shares(misfit)
        pose = sample[0]
        seen = _on_rays(rays[q])
        nought, spread = np.zeros(len(seen)), np.full(len(seen), sigma_m**2)
        values = np.concatenate((nought, bone_m))
        variances = np.concatenate((spread, tolerance_m**2))
        for round_ in range(ROUNDS):
            if round_ > 0:
                shares = _shares(misfit + (_apart(sample, pose, torso) / AGREEMENT_M) ** 2)
            mean, covariance = _prior(sample, shares, parents, swing_rad, carried, torso)
            pose, left = _condition(mean, covariance, seen, nought, spread)
        for _ in range(LENGTH_STEPS):
            rows = np.concatenate((seen, _along(pose, bone_ends)))
            pose, left = _condition(mean, covariance, rows, values, variances)
        _restore_lengths(pose, bone_ends, bone_m, parents, carried)
        result[q], deviation[q] = pose, _torso_centred_deviation(left, torso)
        weights[q] = 0.0
        for i, n in enumerate(usable):
            weights[q, n] = shares[i]
    return result, weights, deviation


@njit(cache=True, nogil=True)
def _shares(misfit: Array) -> Array:
    """exp(-misfit / 2), summing to one."""
    shares: Array = np.exp(-0.5 * (misfit - misfit.min()))
    shares /= shares.sum()
    return shares


@njit(cache=True, nogil=True)
def _middle(pose: Array, torso: NDArray[np.int64]) -> Array:
    middle = np.zeros(3)
    for j in torso:
        middle += pose[j]
    return middle / len(torso)


@njit(cache=True, nogil=True)
def _apart(sample: Array, pose: Array, torso: NDArray[np.int64]) -> Array:
    """Mean joint distance (n,) of poses (n, J, 3) from a pose (J, 3), torso-centred."""
    apart = np.zeros(len(sample))
    middle = _middle(pose, torso)
    for n in range(len(sample)):
        shift = middle - _middle(sample[n], torso)
        for j in range(len(pose)):
            d = sample[n, j] + shift - pose[j]
            apart[n] += np.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2])
    return apart / len(pose)


@njit(cache=True, nogil=True)
def _prior(
    sample: Array,
    shares: Array,
    parents: NDArray[np.int64],
    swing_rad: Array,
    carried: NDArray[np.bool_],
    torso: NDArray[np.int64],
) -> tuple[Array, Array]:
    """Mean (J, 3) and covariance (3J, 3J) of what the matches suggest, with bones that swing."""
    count, joints = sample.shape[0], sample.shape[1]
    mean = np.zeros((joints, 3))
    for n in range(count):
        mean += shares[n] * sample[n]
    basis = np.zeros((count + 3 * joints, 3 * joints))
    for n in range(count):
        basis[n] = (np.sqrt(shares[n]) * (sample[n] - mean)).ravel()
    middle = _middle(mean, torso)
    for i in range(joints):
        start = middle if parents[i] < 0 else mean[parents[i]]
        x, y, z = (mean[i] - start) * swing_rad[i]
        row = count + 3 * i
        for j in range(joints):
            if carried[i, j]:
                basis[row, 3 * j + 1], basis[row, 3 * j + 2] = -z, y
                basis[row + 1, 3 * j], basis[row + 1, 3 * j + 2] = z, -x
                basis[row + 2, 3 * j], basis[row + 2, 3 * j + 1] = -y, x
    covariance = basis.T @ basis
    for i in range(3 * joints):
        covariance[i, i] += LOOSE_M**2
    return mean, covariance


@njit(cache=True, nogil=True)
def _on_rays(rays: Array) -> Array:
    """Rows (R, 3J) that are zero where joints lie on their rays (J, 2): ``X - u Z`` and ``Y - v Z``."""
    on = np.flatnonzero(~np.isnan(rays[:, 0]))
    rows = np.zeros((2 * len(on), 3 * len(rays)))
    for i, j in enumerate(on):
        for axis in range(2):
            rows[2 * i + axis, 3 * j + axis] = 1.0
            rows[2 * i + axis, 3 * j + 2] = -rays[j, axis]
    return rows


@njit(cache=True, nogil=True)
def _along(pose: Array, ends: NDArray[np.int64]) -> Array:
    """Rows (B, 3J) that measure bones (B, 2) along the directions they have in a pose (J, 3)."""
    rows = np.zeros((len(ends), 3 * len(pose)))
    for i in range(len(ends)):
        a, b = ends[i]
        along = pose[a] - pose[b]
        along /= max(np.sqrt((along * along).sum()), 1e-9)
        rows[i, 3 * a : 3 * a + 3] = along
        rows[i, 3 * b : 3 * b + 3] = -along
    return rows


@njit(cache=True, nogil=True)
def _restore_lengths(
    pose: Array,
    bone_ends: NDArray[np.int64],
    bone_m: Array,
    parents: NDArray[np.int64],
    carried: NDArray[np.bool_],
) -> None:
    """Shorten or lengthen bones of a pose (J, 3) that are off by more than :data:`STRETCH`, in place.

    An annotation that no body fits, such as one of exchanged joints, would pull limbs to any length. What hangs
    on a bone moves along; lengths of other bones stay as they are, so their order does not matter.
    """
    for i in range(len(bone_ends)):
        child, parent = bone_ends[i]
        if parents[child] != parent:
            continue
        bone = pose[child] - pose[parent]
        length = np.sqrt((bone * bone).sum())
        wanted = min(max(length, (1 - STRETCH) * bone_m[i]), (1 + STRETCH) * bone_m[i])
        if length > 1e-9 and wanted != length:
            bone *= wanted / length - 1.0
            for j in range(len(pose)):
                if carried[child, j]:
                    pose[j] += bone


@njit(cache=True, nogil=True)
def _condition(
    mean: Array, covariance: Array, rows: Array, values: Array, variances: Array
) -> tuple[Array, Array]:
    """Posterior mean (J, 3) and covariance (3J, 3J), given ``rows`` (R, 3J) measure ``values`` (R,)."""
    gain = rows @ covariance
    inner = gain @ rows.T
    for i in range(len(inner)):
        inner[i, i] += variances[i]
    solved = np.linalg.solve(inner, gain)
    flat = mean.copy().reshape(-1)
    flat += (values - rows @ flat) @ solved
    pose = flat.reshape(mean.shape)
    pose[:, 2] = np.maximum(pose[:, 2], NEAR_M)
    return pose, covariance - gain.T @ solved


@njit(cache=True, nogil=True)
def _torso_centred_deviation(covariance: Array, torso: NDArray[np.int64]) -> Array:
    """Root of the summed variances (J,) of each joint relative to the torso's middle."""
    joints, share = len(covariance) // 3, 1.0 / len(torso)
    variance = np.zeros(joints)
    for axis in range(3):
        of_axis = covariance[axis::3, axis::3]
        middle = np.zeros(joints)
        for t in torso:
            middle += share * of_axis[t]
        own = 0.0
        for t in torso:
            own += share * middle[t]
        for j in range(joints):
            variance[j] += of_axis[j, j] - 2 * middle[j] + own
    return np.sqrt(np.maximum(variance, 0.0))
