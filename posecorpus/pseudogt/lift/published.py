"""Lifting as published (LCR-Net++ section 3.7), and the soft mean of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.pseudogt.lift.perspective import translate_onto

Array = NDArray[np.float64]
SOFTNESS = 0.03
"""Standard deviation of the match distance in the weights of :func:`soft`, beyond that of the nearest."""


@dataclass(frozen=True)
class Estimate:
    """What a method makes of Q people.

    Attributes:
        joints3d: (Q, J, 3) metres, camera frame.
        joints2d: (Q, J, 2) pixels of all joints; those that were annotated are not used.
        hypotheses: (Q, k, J, 3) metres, camera frame: the matches as they were placed.
        weights: (Q, k) shares of the matches in the result; rows sum to one.
        deviation_m: (Q, J) standard deviation of the joints relative to the torso, metres, as far as the
            method can tell; NaN where it cannot.
    """

    joints3d: Array
    joints2d: Array
    hypotheses: Array
    weights: Array
    deviation_m: Array


def nn(matched: Array, rays: Array, pixels: Array) -> Estimate:
    """The nearest match as it is: its 3D pose as seen from its view, its 2D for the missing joints.

    Args:
        matched: (Q, k, J, 3) metres, the matches in the frames of their views, nearest first.
        rays: (Q, J, 2) annotated joints on the plane z = 1, NaN where missing.
        pixels: (Q, J, 2) the same in pixels.
    """
    hypotheses = place(matched, rays)
    weights = np.zeros(matched.shape[:2])
    weights[:, 0] = 1.0
    joints2d = similarity_onto(matched[:, :1, :, :2], pixels)[:, 0]
    return Estimate(hypotheses[:, 0].copy(), joints2d, hypotheses, weights, _unknown(rays))


def soft(matched: Array, distances: Array, rays: Array, pixels: Array) -> Estimate:
    """The mean of the k nearest matches, weighted by their distance; see :func:`nn`.

    Args:
        distances: (Q, k) match distances, inf where there is no match.
    """
    hypotheses = place(matched, rays)
    weights = softmax(-0.5 * (distances / SOFTNESS) ** 2)
    joints2d = similarity_onto(matched[..., :2], pixels)
    mean = np.einsum("qk,qkja->qja", weights, matched)
    return Estimate(
        place(mean[:, None], rays)[:, 0],
        np.einsum("qk,qkja->qja", weights, joints2d),
        hypotheses,
        weights,
        _unknown(rays),
    )


def _unknown(rays: Array) -> Array:
    return np.full(rays.shape[:2], np.nan)


def softmax(scores: Array) -> Array:
    """Shares (Q, k) from log weights; rows sum to one, and -inf gives 0."""
    shares = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(shares / shares.sum(1, keepdims=True))


def similarity_onto(matched: Array, pixels: Array) -> Array:
    """Scale and move 2D poses (Q, k, J, 2) onto pixels (Q, J, 2) by least squares on the annotated joints."""
    on = np.asarray(np.isfinite(pixels).all(-1))[:, None, :, None]
    count = on.sum(2, keepdims=True)
    target = np.where(on, pixels[:, None], 0.0)
    middle = target.sum(2, keepdims=True) / count
    source_middle = np.where(on, matched, 0.0).sum(2, keepdims=True) / count
    centred = np.where(on, matched - source_middle, 0.0)
    scale = (centred * (target - middle)).sum((2, 3)) / (centred**2).sum((2, 3))
    return np.asarray((matched - source_middle) * scale[..., None, None] + middle)


@njit(cache=True, nogil=True)
def place(matched: Array, rays: Array) -> Array:
    """Move poses (Q, k, J, 3) in front of the camera, onto rays (Q, J, 2), without turning them."""
    placed = np.empty_like(matched)
    for q in range(matched.shape[0]):
        for k in range(matched.shape[1]):
            placed[q, k] = matched[q, k] + translate_onto(matched[q, k], rays[q])
    return placed
