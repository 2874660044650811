"""Cutting cloth along a line: faces are trimmed where a field changes its sign, so that hems are smooth."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

NEAREST = 0.02
"""A cut keeps this share of an edge away from its ends: no slivers."""

Floats = NDArray[np.float32]
UvMap = tuple[float, float, float, float]
"""Origin and scale of u, origin and scale of v: where a piece's coordinates lie in the whole texture."""


@dataclass(frozen=True, eq=False)
class Uncut:
    """A mesh to cut from.

    Attributes:
        faces: (F, 3) int32.
        edges, n_edges: (F, 3) ids of the edges from each corner to the next, and how many there are.
        uv: (F, 3, 2) float32 of the corners.
        face_parts: (F,) uint8.
    """

    faces: NDArray[np.int32]
    edges: NDArray[np.int32]
    n_edges: int
    uv: Floats
    face_parts: NDArray[np.uint8]

    def where(self, faces: NDArray[np.bool_]) -> Uncut:
        """Only these faces (F,), of the same vertices and edges."""
        return Uncut(
            self.faces[faces], self.edges[faces], self.n_edges, self.uv[faces], self.face_parts[faces]
        )


@dataclass(frozen=True, eq=False)
class Sheet:
    """Faces of things that are worn, being filled piece by piece; see :class:`Surface`. uv: (3 F, 2)."""

    faces: NDArray[np.int32]
    face_parts: NDArray[np.uint8]
    uv: Floats

    def first(self, count: int) -> Sheet:
        """Only so many faces."""
        return Sheet(self.faces[:count], self.face_parts[:count], self.uv[: 3 * count])

    @staticmethod
    def of(count: int) -> Sheet:
        """Room for that many faces; what is not written to takes no memory."""
        return Sheet(
            np.empty((count, 3), np.int32), np.empty(count, np.uint8), np.empty((3 * count, 2), np.float32)
        )


@dataclass(frozen=True, eq=False)
class Seam:
    """Vertices of a piece: whole ones of the mesh, then those where edges were cut.

    Attributes:
        whole: (W,) int32 vertices of the mesh; some lie outside, and only carry cut ones.
        ends: (C, 2) int32 into ``whole``: the ends of the edge that each cut vertex lies on.
        shares: (C,) float32 of the second end.
    """

    whole: NDArray[np.int32]
    ends: NDArray[np.int32]
    shares: Floats

    def __len__(self) -> int:
        return len(self.whole) + len(self.ends)


def most_faces(mesh: Uncut) -> int:
    """How many faces :func:`cut` makes at most: of a face that a line crosses two may be left."""
    return 2 * len(mesh.faces)


def cut(mesh: Uncut, field: Floats, uv_map: UvMap, sheet: Sheet, face: int, vertex: int) -> tuple[Seam, int]:
    """Keep of a mesh what has a positive field.

    Args:
        field: (V,) linear over each face.
        uv_map: where the coordinates lie in the whole texture.
        sheet: what to write to, from its face number ``face`` on, up to :func:`most_faces` faces.
        vertex: number of the piece's first vertex in the sheet.

    Returns:
        the piece's vertices, and the number after that of its last face.
    """
    number, on_edge, whole, ends, shares, crossed = _scratch(len(field), mesh.n_edges)
    n_whole, n_cut, after = _cut(
        mesh.faces, mesh.edges, mesh.uv, mesh.face_parts, field, np.array(uv_map, np.float32), face, vertex,
        number, on_edge, whole, ends, shares, crossed, sheet.faces, sheet.face_parts, sheet.uv,
    )  # fmt: skip
    return Seam(whole[:n_whole].copy(), ends[:n_cut].copy(), shares[:n_cut].copy()), int(after)


_local = threading.local()


_Buffers = tuple[
    NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], Floats, NDArray[np.int32]
]


def _scratch(vertices: int, edges: int) -> _Buffers:
    """Buffers of a thread, the first two all -1: fresh memory for every cut would cost more than the cut."""
    held: _Buffers | None = getattr(_local, "held", None)
    if held is None or len(held[0]) < vertices or len(held[1]) < edges:
        held = _local.held = (
            np.full(vertices, -1, np.int32), np.full(edges, -1, np.int32), np.empty(vertices, np.int32),
            np.empty((edges, 2), np.int32), np.empty(edges, np.float32), np.empty(edges, np.int32),
        )  # fmt: skip
    return held


@njit(cache=True, nogil=True, error_model="numpy")
def _cut(
    faces: NDArray[np.int32], edges: NDArray[np.int32], uv: Floats, parts: NDArray[np.uint8], field: Floats,
    uv_map: Floats, first_face: int, first_vertex: int,
    number: NDArray[np.int32], on_edge: NDArray[np.int32], whole: NDArray[np.int32],
    ends: NDArray[np.int32], shares: Floats, crossed: NDArray[np.int32],
    out: NDArray[np.int32], out_parts: NDArray[np.uint8], out_uv: Floats,
) -> tuple[int, int, int]:  # fmt: skip
    # Corners of what is left of a face, as numbers (cut ones counted down from -1) and coordinates.
    ids, u, v = np.empty(4, np.int32), np.empty(4, np.float32), np.empty(4, np.float32)
    origin_u, scale_u, origin_v, scale_v = uv_map[0], uv_map[1], uv_map[2], uv_map[3]
    n_whole = n_cut = 0
    n = first_face
    for f in range(len(faces)):
        # Unsigned: an index that may be negative costs a test at every use.
        corner = (np.uintp(faces[f, 0]), np.uintp(faces[f, 1]), np.uintp(faces[f, 2]))
        value = (field[corner[0]], field[corner[1]], field[corner[2]])
        inside = int(value[0] > 0) + int(value[1] > 0) + int(value[2] > 0)
        if inside == 0:
            continue
        for at in corner:
            if number[at] < 0:
                number[at] = n_whole
                whole[n_whole] = at
                n_whole += 1
        if inside == 3:
            for k in range(3):
                out[n, k] = number[corner[k]]
                out_uv[3 * n + k, 0] = origin_u + scale_u * uv[f, k, 0]
                out_uv[3 * n + k, 1] = origin_v + scale_v * uv[f, k, 1]
            out_parts[n] = parts[f]
            n += 1
            continue
        corners = 0
        for k in range(3):  # walk around the face, keep what is inside and where the line crosses
            after = k + 1 if k < 2 else 0
            one, two = value[k], value[after]
            if one > 0:
                ids[corners], u[corners], v[corners] = number[corner[k]], uv[f, k, 0], uv[f, k, 1]
                corners += 1
            if (one > 0) == (two > 0):
                continue
            share = min(max(one / (one - two), np.float32(NEAREST)), np.float32(1 - NEAREST))
            edge = edges[f, k]
            if on_edge[edge] < 0:
                on_edge[edge] = n_cut
                crossed[n_cut] = edge
                ends[n_cut, 0], ends[n_cut, 1] = number[corner[k]], number[corner[after]]
                shares[n_cut] = share
                n_cut += 1
            ids[corners] = -1 - on_edge[edge]
            u[corners] = uv[f, k, 0] + share * (uv[f, after, 0] - uv[f, k, 0])
            v[corners] = uv[f, k, 1] + share * (uv[f, after, 1] - uv[f, k, 1])
            corners += 1
        for t in range(corners - 2):
            for k in range(3):
                c = 0 if k == 0 else t + k
                out[n, k] = ids[c]
                out_uv[3 * n + k, 0] = origin_u + scale_u * u[c]
                out_uv[3 * n + k, 1] = origin_v + scale_v * v[c]
            out_parts[n] = parts[f]
            n += 1
    made = out[first_face:n].reshape(-1)
    for i in range(len(made)):
        made[i] = first_vertex + (made[i] if made[i] >= 0 else n_whole - 1 - made[i])
    for i in range(n_whole):
        number[whole[i]] = -1
    for i in range(n_cut):
        on_edge[crossed[i]] = -1
    return n_whole, n_cut, n
