"""Surfaces of their own shape that are worn: rings around a part of the body, skinned to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError, cKDTree

from posecorpus.synth.clothing.binding import ANCHORS, JOINTS, Hold
from posecorpus.synth.clothing.cut import Uncut

FEWEST = 8
"""Edges around a thing, however coarse."""

Floats = NDArray[np.float32]
Vectors = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Loft:
    """A thing to wear that is made once for a body, before a look cuts it.

    Attributes:
        fields: (K, N) float32, what a look's outline is made of; see the things' own ``cut_field``.
        mesh: uv is within its tile.
        hold, offsets: (N, 3), what binds it to the body.
    """

    fields: Floats
    mesh: Uncut
    hold: Hold
    offsets: Floats


def along(base: Floats, directions: Floats, betas: NDArray[np.floating]) -> Floats:
    """Points (N, 3) of a shape: a mean (N, 3) and directions (B, N, 3); directions or betas that are missing
    count as zero."""
    coefficients = np.zeros(len(directions), np.float32)
    known = betas[: len(directions)]
    coefficients[: len(known)] = known
    return _along(base, directions, coefficients)


@njit(cache=True, nogil=True)
def _along(base: Floats, directions: Floats, coefficients: Floats) -> Floats:
    out = base.copy()
    flat = out.reshape(-1)
    for b in range(len(coefficients)):
        if coefficients[b] != 0:
            direction = directions[b].reshape(-1)
            for i in range(len(flat)):
                flat[i] += coefficients[b] * direction[i]
    return out


def section(points: Vectors, edges: NDArray[np.integer], origin: Vectors, normal: Vectors) -> Vectors:
    """(K, 3) where a plane cuts the edges (E, 2) of a mesh."""
    height = (points - origin) @ normal
    one, two = height[edges[:, 0]], height[edges[:, 1]]
    crossing = (one > 0) != (two > 0)
    a, b = edges[crossing].T
    share = (one[crossing] / (one[crossing] - two[crossing]))[:, None]
    return np.asarray(points[a] + share * (points[b] - points[a]))


def hull_radii(flat: Vectors, centre: Vectors, directions: Vectors) -> Vectors:
    """(K,) how far the convex hull of points (N, 2) reaches from a centre within it, by direction (K, 2)."""
    try:
        equations = ConvexHull(flat).equations
    except (QhullError, ValueError):  # too few points, or all in a line
        return np.asarray(np.maximum((flat - centre) @ directions.T, 0).max(axis=0, initial=1e-3))
    towards = equations[:, :2] @ directions.T
    room = -(equations[:, :2] @ centre + equations[:, 2])
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(towards > 1e-9, room[:, None] / towards, np.inf)
    return np.asarray(np.clip(reach.min(axis=0), 1e-3, 1.0))


def thinned(rings: int, around: int, grain: float, closed: bool = True) -> NDArray[np.intp]:
    """(rings', around') which vertices of a grid are left of it for a coarser body; the first and last rings are.

    Args:
        grain: of the edges: so many times as long, see :func:`cloth_mesh.grain_of`.
    """
    rows = np.linspace(0, rings - 1, max(round((rings - 1) / grain), FEWEST) + 1)
    if closed:
        columns = np.arange(max(round(around / grain), FEWEST)) * around / max(round(around / grain), FEWEST)
    else:
        columns = np.linspace(0, around - 1, max(round((around - 1) / grain), FEWEST) + 1)
    return np.asarray(np.rint(rows).astype(int)[:, None] * around + columns.astype(int))


def ring_faces(rings: int, around: int, closed: bool = True) -> NDArray[np.int32]:
    """(F, 3) of a tube of ``rings`` times ``around`` vertices, row by row.

    Counter-clockwise from outside if the ring runs counter-clockwise seen from the side of the first row.
    """
    row = np.arange(rings - 1)[:, None] * around
    at = np.arange(around if closed else around - 1)[None]
    after = (at + 1) % around
    a, b, c, d = row + at, row + after, row + around + after, row + around + at
    quads = np.stack([a, d, c, b], axis=-1).reshape(-1, 4)
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)


def attach(
    points: Vectors, skin: Vectors, dense: Vectors, candidates: NDArray[np.integer]
) -> tuple[NDArray[np.int32], Floats, NDArray[np.uint8], Floats, Floats]:
    """Bind points (N, 3) to the skin's nearest vertices, the nearer the more.

    Args:
        skin: (V, 3) rest vertices. dense: (V, 24) skinning weights.
        candidates: which of them may be anchors.

    Returns:
        anchors, shares, joints, weights and offsets as :class:`Seam` has them.
    """
    away, near = cKDTree(skin[candidates]).query(points, k=ANCHORS)
    anchors = candidates[near]
    shares = 1 / (away + 0.004) ** 2
    shares /= shares.sum(axis=1, keepdims=True)
    mixed = np.einsum("nk,nkj->nj", shares, dense[anchors])
    offsets = points - np.einsum("nk,nkc->nc", shares, skin[anchors])
    joints, weights = heaviest(mixed)
    return anchors.astype(np.int32), shares.astype(np.float32), joints, weights, offsets.astype(np.float32)


def heaviest(dense: Vectors) -> tuple[NDArray[np.uint8], Floats]:
    """The largest weights of each row (N, 24) and their joints."""
    joints = np.argsort(-dense, axis=1, kind="stable")[:, :JOINTS]
    weights = np.take_along_axis(dense, joints, axis=1)
    weights /= weights.sum(axis=1, keepdims=True)
    return joints.astype(np.uint8), weights.astype(np.float32)
