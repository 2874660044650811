"""Lifting by fitting the matches under the perspective camera and fusing them."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.pseudogt.lift.perspective import fit_rigid, rotation_to_ray, translate_onto
from posecorpus.pseudogt.lift.published import softmax

Array = NDArray[np.float64]
SOFTNESS_M = 0.04
"""Standard deviation of a match's RMS residual, metres at its distance, in its weight."""


@njit(cache=True, nogil=True)
def fit_matches(matched: Array, rays: Array, stiffness: float, steps: int) -> tuple[Array, Array]:
    """Turn and move every match (Q, k, J, 3) so that it projects onto rays (Q, J, 2).

    Returns:
        The placed matches (Q, k, J, 3), camera frame, and their RMS residuals (Q, k) in metres at the
        person's distance.
    """
    placed = np.empty_like(matched)
    residual = np.empty(matched.shape[:2])
    for q in range(matched.shape[0]):
        x, y, count = 0.0, 0.0, 0
        for j in range(rays.shape[1]):
            if not np.isnan(rays[q, j, 0]):
                x, y, count = x + rays[q, j, 0], y + rays[q, j, 1], count + 1
        facing = rotation_to_ray(x / count, y / count)
        for k in range(matched.shape[1]):
            R = facing.copy()
            t = translate_onto(matched[q, k] @ R.T, rays[q])
            error = fit_rigid(matched[q, k], rays[q], R, t, stiffness, steps)
            placed[q, k] = matched[q, k] @ R.T + t
            residual[q, k] = np.sqrt(error / count) * t[2]
    return placed, residual


def fuse(placed: Array, residual_m: Array, torso: list[int]) -> tuple[Array, Array]:
    """Weighted mean (Q, J, 3) of torso-centred matches, and the weights (Q, k)."""
    weights = softmax(-0.5 * (residual_m / SOFTNESS_M) ** 2)
    centred = placed - placed[:, :, torso].mean(2, keepdims=True)
    return np.einsum("qk,qkja->qja", weights, centred), weights
