"""Skinning weights of the open bodies: smoothed over the skin, then thinned out."""

from __future__ import annotations

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

SMOOTHING_METRES = 0.016
"""Where weights jump from vertex to vertex (crotch, crook of the elbow), bending tears the skin there.
Diffused this far, no edge of a squatting body stretches beyond eightfold; farther costs volume."""
MIN_WEIGHT = 4e-3  # influences below this move skin by less than a millimetre
_STEPS = 3
_MAX_COTANGENT = 10.0


def smooth_weights(
    weights: NDArray[np.float64], vertices: NDArray[np.float64], faces: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Diffuse weights (V, J) along the surface, by implicit steps with the cotangent Laplacian.

    Distance is measured on the skin, so fingers and thighs do not mix with their neighbours.
    """
    stiffness, mass = cotangent_laplacian(vertices, faces)
    step = splu((mass + SMOOTHING_METRES**2 / (2 * _STEPS) * stiffness).tocsc())
    for _ in range(_STEPS):
        weights = step.solve(mass @ weights)
    return weights


def prune(weights: NDArray[np.float64]) -> NDArray[np.float32]:
    """Drop influences too small to see; rows sum to one again."""
    kept = np.where(weights < MIN_WEIGHT, 0, weights)
    return np.asarray(kept / kept.sum(axis=1, keepdims=True), np.float32)


def cotangent_laplacian(
    vertices: NDArray[np.float64], faces: NDArray[np.int32]
) -> tuple[scipy.sparse.csr_matrix, scipy.sparse.dia_matrix]:
    """Stiffness and lumped mass (V, V) of a triangle mesh; negative cotangents count as zero, which
    keeps diffused weights between their extremes."""
    count = len(vertices)
    area = np.zeros(count)
    rows, columns, values = [], [], []
    for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        first = vertices[faces[:, a]] - vertices[faces[:, c]]
        second = vertices[faces[:, b]] - vertices[faces[:, c]]
        doubled = np.linalg.norm(np.cross(first, second), axis=1)
        cotangent = (first * second).sum(axis=1) / np.maximum(doubled, 1e-14)
        rows += [faces[:, a], faces[:, b]]
        columns += [faces[:, b], faces[:, a]]
        values += [np.clip(cotangent, 0, _MAX_COTANGENT) / 2] * 2
        np.add.at(area, faces[:, a], doubled / 6)
    pairs = (np.concatenate(rows), np.concatenate(columns))
    adjacency = scipy.sparse.coo_matrix((np.concatenate(values), pairs), (count, count)).tocsr()
    degree = scipy.sparse.diags(np.asarray(adjacency.sum(axis=1)).ravel())
    return degree - adjacency, scipy.sparse.diags(area)
