"""The mesh that garments are cut from: the body's own faces, made finer where cloth lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.synth.bodies.model import BodyModel

FINE_FACES = 27_000
"""Of a body that cloth of the finest grain fits."""


@dataclass(frozen=True, eq=False)
class ClothMesh:
    """A body's faces with long edges halved.

    Attributes:
        faces: (F, 3) int32 of vertices: the body's own, then the middles of split edges.
        middles: (M, 2) int32, the body's vertices that each middle lies between.
        edges: (F, 3) int32 id of the edge from each corner to the next; shared by both faces.
        n_edges: how many ids there are.
        body_faces: (F,) int32, the body's face that each face is a piece of.
        corners: (F, 3, 3) float32 barycentric coordinates of the corners in that face.
    """

    faces: NDArray[np.int32]
    middles: NDArray[np.int32]
    edges: NDArray[np.int32]
    n_edges: int
    body_faces: NDArray[np.int32]
    corners: NDArray[np.float32]


def grain_of(body: BodyModel) -> float:
    """How many times as long the edges of what a body wears are, if it is a coarser version of another; else 1."""
    return 1.0 if body.finest is None else max(float(np.sqrt(FINE_FACES / len(body.faces))), 1.0)


def refine(vertices: NDArray[np.floating], faces: NDArray[np.integer], longest: float) -> ClothMesh:
    """Halve every edge longer than ``longest`` metres; both faces of an edge are split alike.

    Args:
        vertices: (V, 3).
        faces: (F, 3).
        longest: in the units of the vertices.
    """
    pairs, ids = _edges(faces)
    long = np.linalg.norm(vertices[pairs[:, 0]] - vertices[pairs[:, 1]], axis=1) > longest
    middle = np.where(long, np.cumsum(long) - 1 + len(vertices), -1).astype(np.int32)
    new, origin, corners = _split(np.ascontiguousarray(faces, np.int32), middle[ids])
    return ClothMesh(new, pairs[long].astype(np.int32), *edge_ids(new), origin, corners)


def edge_ids(faces: NDArray[np.integer]) -> tuple[NDArray[np.int32], int]:
    """(F, 3) ids of the edges from each corner to the next, shared by the faces of an edge; how many."""
    pairs, ids = _edges(faces)
    return ids, len(pairs)


def edge_pairs(faces: NDArray[np.integer]) -> NDArray[np.int64]:
    """(E, 2) vertices of each edge, once."""
    return _edges(faces)[0]


def _edges(faces: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """(E, 2) edges and (F, 3) ids into them of the edges from each corner to the next."""
    directed = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2).astype(np.int64)
    directed.sort(axis=1)
    count = int(faces.max()) + 1 if faces.size else 1
    keys, inverse = np.unique(directed[:, 0] * count + directed[:, 1], return_inverse=True)
    return np.stack([keys // count, keys % count], axis=1), inverse.reshape(-1, 3).astype(np.int32)


@njit(cache=True)
def _split(
    faces: NDArray[np.int32], middles: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Each face in one to four pieces, by the middles (-1: none) of its three edges."""
    room = 0
    for f in range(len(faces)):
        room += 1 + (middles[f] >= 0).sum()
    out = np.empty((room, 3), np.int32)
    origin = np.empty(room, np.int32)
    corners = np.empty((room, 3, 3), np.float32)
    # Places 0 to 2 are the corners, 3 to 5 the middles of the edges that start at them.
    where = np.zeros((6, 3), np.float32)
    for k in range(3):
        where[k, k] = 1.0
        where[3 + k, k] = where[3 + k, (k + 1) % 3] = 0.5
    pieces = np.empty((4, 3), np.int64)
    n = 0
    for f in range(len(faces)):
        split = [middles[f, k] >= 0 for k in range(3)]
        count = int(split[0]) + int(split[1]) + int(split[2])
        made = 1
        pieces[0] = np.array([0, 1, 2])
        if count == 3:
            made = 4
            pieces[0] = np.array([0, 3, 5])
            pieces[1] = np.array([3, 1, 4])
            pieces[2] = np.array([5, 4, 2])
            pieces[3] = np.array([3, 4, 5])
        elif count > 0:
            # Turned so that the first edge is split and, of two, the second one too.
            k = 0
            while not (split[k] and (count == 1 or split[(k + 1) % 3])):
                k += 1
            a, b, c, ab, bc = k, (k + 1) % 3, (k + 2) % 3, 3 + k, 3 + (k + 1) % 3
            made = count + 1
            if count == 1:
                pieces[0] = np.array([a, ab, c])
                pieces[1] = np.array([ab, b, c])
            else:
                pieces[0] = np.array([ab, b, bc])
                pieces[1] = np.array([a, ab, c])
                pieces[2] = np.array([ab, bc, c])
        for p in range(made):
            for k in range(3):
                place = pieces[p, k]
                out[n, k] = faces[f, place] if place < 3 else middles[f, place - 3]
                corners[n, k] = where[place]
            origin[n] = f
            n += 1
    return out, origin, corners
