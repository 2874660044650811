"""Cutting cloth along a line: faces are trimmed where a field changes its sign, so that hems are smooth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

NEAREST = 0.02
"""A cut keeps this share of an edge away from its ends: no slivers."""


@dataclass(frozen=True, eq=False)
class Cutting:
    """A piece of cloth. Its vertices are whole ones of the mesh, then those where edges were cut.

    Attributes:
        whole: (W,) int32 vertices of the mesh; some lie outside, and only carry cut ones.
        ends: (C, 2) int32 into ``whole``: the ends of the edge that each cut vertex lies on.
        shares: (C,) float32 of the second end.
        faces: (F, 3) int32 into whole and cut vertices.
        sources: (F,) int32, the face of the mesh that each face is a piece of.
        uv: (F, 3, 2) float32.
    """

    whole: NDArray[np.int32]
    ends: NDArray[np.int32]
    shares: NDArray[np.float32]
    faces: NDArray[np.int32]
    sources: NDArray[np.int32]
    uv: NDArray[np.float32]


def cut(
    faces: NDArray[np.int32],
    edges: NDArray[np.int32],
    n_edges: int,
    uv: NDArray[np.float32],
    field: NDArray[np.float32],
) -> Cutting:
    """Keep of a mesh what has a positive field.

    Args:
        faces, edges, n_edges: of the mesh, see :class:`ClothMesh`.
        uv: (F, 3, 2) of its corners.
        field: (V,) linear over each face.
    """
    kept, cut_faces = _count(faces, field)
    whole = np.empty(len(field), np.int32)
    ends = np.empty((2 * cut_faces + 1, 2), np.int32)
    shares = np.empty(2 * cut_faces + 1, np.float32)
    out = np.empty((kept + 2 * cut_faces, 3), np.int32)
    sources = np.empty(len(out), np.int32)
    new_uv = np.empty((len(out), 3, 2), np.float32)
    n_whole, n_cut, n_faces = _cut(
        faces, edges, n_edges, uv, field, whole, ends, shares, out, sources, new_uv
    )
    return Cutting(
        whole[:n_whole], ends[:n_cut], shares[:n_cut], out[:n_faces], sources[:n_faces], new_uv[:n_faces]
    )


@njit(cache=True, nogil=True)
def _count(faces: NDArray[np.int32], field: NDArray[np.float32]) -> tuple[int, int]:
    kept = cut = 0
    for f in range(len(faces)):
        inside = 0
        for k in range(3):
            if field[faces[f, k]] > 0:
                inside += 1
        if inside == 3:
            kept += 1
        elif inside > 0:
            cut += 1
    return kept, cut


@njit(cache=True, nogil=True)
def _cut(
    faces: NDArray[np.int32],
    edges: NDArray[np.int32],
    n_edges: int,
    uv: NDArray[np.float32],
    field: NDArray[np.float32],
    whole: NDArray[np.int32],
    ends: NDArray[np.int32],
    shares: NDArray[np.float32],
    out: NDArray[np.int32],
    sources: NDArray[np.int32],
    new_uv: NDArray[np.float32],
) -> tuple[int, int, int]:
    number = np.full(len(field), -1, np.int32)
    on_edge = np.full(n_edges, -1, np.int32)
    # Corners of what is left of a face, as numbers (cut ones counted down from -1) and coordinates.
    ids, u, v = np.empty(4, np.int32), np.empty(4, np.float32), np.empty(4, np.float32)
    n_whole = n_cut = n_faces = 0
    for f in range(len(faces)):
        inside = 0
        for k in range(3):
            if field[faces[f, k]] > 0:
                inside += 1
        if inside == 0:
            continue
        for k in range(3):
            at = faces[f, k]
            if number[at] < 0:
                number[at] = n_whole
                whole[n_whole] = at
                n_whole += 1
        if inside == 3:
            for k in range(3):
                out[n_faces, k] = number[faces[f, k]]
                new_uv[n_faces, k, 0], new_uv[n_faces, k, 1] = uv[f, k, 0], uv[f, k, 1]
            sources[n_faces] = f
            n_faces += 1
            continue
        corners = 0
        for k in range(3):  # walk around the face, keep what is inside and where the line crosses
            here, there = faces[f, k], faces[f, (k + 1) % 3]
            one, two = field[here], field[there]
            if one > 0:
                ids[corners], u[corners], v[corners] = number[here], uv[f, k, 0], uv[f, k, 1]
                corners += 1
            if (one > 0) == (two > 0):
                continue
            share = min(max(one / (one - two), np.float32(NEAREST)), np.float32(1 - NEAREST))
            edge = edges[f, k]
            if on_edge[edge] < 0:
                on_edge[edge] = n_cut
                ends[n_cut, 0], ends[n_cut, 1], shares[n_cut] = number[here], number[there], share
                n_cut += 1
            ids[corners] = -1 - on_edge[edge]
            u[corners] = uv[f, k, 0] + share * (uv[f, (k + 1) % 3, 0] - uv[f, k, 0])
            v[corners] = uv[f, k, 1] + share * (uv[f, (k + 1) % 3, 1] - uv[f, k, 1])
            corners += 1
        for t in range(corners - 2):
            for k in range(3):
                c = 0 if k == 0 else t + k
                out[n_faces, k], new_uv[n_faces, k, 0], new_uv[n_faces, k, 1] = ids[c], u[c], v[c]
            sources[n_faces] = f
            n_faces += 1
    for f in range(n_faces):
        for k in range(3):
            if out[f, k] < 0:
                out[f, k] = n_whole - 1 - out[f, k]
    return n_whole, n_cut, n_faces
