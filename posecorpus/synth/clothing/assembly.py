"""Putting pieces of cloth together into one surface and one binding, without copying anything twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.synth.bodies.model import BodyModel
from posecorpus.synth.clothing.binding import ANCHORS, JOINTS, Binding
from posecorpus.synth.clothing.cut import Cutting
from posecorpus.synth.scene import Texture
from posecorpus.synth.surface import Surface

Floats = NDArray[np.float32]
UvMap = tuple[float, float, float, float]
"""Origin and scale of u, origin and scale of v: where a piece's coordinates lie in the whole texture."""


class Bolt(Protocol):
    """What a piece is cut from; see :class:`Binding` for the first four, whose rows are its vertices."""

    @property
    def anchors(self) -> NDArray[np.int32]: ...
    @property
    def shares(self) -> Floats: ...
    @property
    def joints(self) -> NDArray[np.uint8]: ...
    @property
    def weights(self) -> Floats: ...
    @property
    def face_parts(self) -> NDArray[np.uint8]: ...


@dataclass(frozen=True, eq=False)
class Piece:
    """One thing worn.

    Attributes:
        cutting: its faces.
        bolt: what they were cut from.
        offsets: (W, 3) of its whole vertices from their anchors.
        uv_map: where it is painted.
    """

    cutting: Cutting
    bolt: Bolt
    offsets: Floats
    uv_map: UvMap


def assemble(
    pieces: Sequence[Piece],
    free: Cutting | None,
    free_parts: NDArray[np.uint8],
    free_uv: UvMap,
    texture: Texture,
) -> tuple[Binding, Surface]:
    """Pieces as one surface, double-sided; each face has texture coordinates of its own.

    Args:
        free: a last piece whose vertices come after the binding's, or None. free_parts: of what it is cut from.
    """
    n_whole = sum(len(p.cutting.whole) for p in pieces)
    n_ends = sum(len(p.cutting.ends) for p in pieces)
    loose = 0 if free is None else len(free.faces)
    n_faces = sum(len(p.cutting.faces) for p in pieces) + loose
    bound = Binding(
        np.empty((n_whole, ANCHORS), np.int32), np.empty((n_whole, ANCHORS), np.float32),
        np.empty((n_whole, JOINTS), np.uint8), np.empty((n_whole, JOINTS), np.float32),
        np.empty((n_whole, 3), np.float32), np.empty((n_ends, 2), np.int32), np.empty(n_ends, np.float32),
    )  # fmt: skip
    faces, parts = np.empty((n_faces, 3), np.int32), np.empty(n_faces, np.uint8)
    uv = np.empty((3 * n_faces, 2), np.float32)
    whole = cut = face = 0
    for p in pieces:
        c, bolt, rows = p.cutting, p.bolt, slice(whole, whole + len(p.cutting.whole))
        _gather(
            c.whole, bolt.anchors, bolt.shares, bolt.joints, bolt.weights,
            bound.anchors[rows], bound.shares[rows], bound.joints[rows], bound.weights[rows],
        )  # fmt: skip
        bound.offsets[rows] = p.offsets
        ends = slice(cut, cut + len(c.ends))
        np.add(c.ends, np.int32(whole), out=bound.ends[ends])
        bound.end_shares[ends] = c.shares
        _lay(c, bolt.face_parts, p.uv_map, whole, n_whole + cut, face, faces, parts, uv)
        whole, cut, face = rows.stop, ends.stop, face + len(c.faces)
    if free is not None:
        start = n_whole + n_ends
        _lay(free, free_parts, free_uv, start, start + len(free.whole), face, faces, parts, uv)
    surface = Surface(faces, parts, uv, _counting(n_faces), texture, double_sided=True)
    return bound, surface


def bare_skin(body: BodyModel, hidden: NDArray[np.bool_], uv_map: UvMap, texture: Texture) -> Surface:
    """The body without the faces whose three vertices are all ``hidden`` (V,)."""
    count = _count_seen(body.faces, hidden)
    faces, uv_faces = np.empty((count, 3), np.int32), np.empty((count, 3), np.int32)
    parts = np.empty(count, np.uint8)
    _keep_seen(body.faces, body.uv_faces, body.face_parts, hidden, faces, uv_faces, parts)
    uv = np.empty((len(body.uv), 2), np.float32)
    np.multiply(body.uv, np.array(uv_map[1::2], np.float32), out=uv)
    uv += np.array(uv_map[::2], np.float32)
    return Surface(faces, parts, uv, uv_faces, texture)


def _lay(
    c: Cutting, parts_of: NDArray[np.uint8], uv_map: UvMap, whole: int, cut: int, face: int,
    faces: NDArray[np.int32], parts: NDArray[np.uint8], uv: Floats,
) -> None:  # fmt: skip
    stop = face + len(c.faces)
    _renumber(
        c.faces, len(c.whole), whole, cut, c.sources, parts_of, c.uv, np.array(uv_map, np.float32),
        faces[face:stop], parts[face:stop], uv[3 * face : 3 * stop],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _numbers(count: int) -> NDArray[np.int32]:
    numbers = np.arange(count, dtype=np.int32)
    numbers.flags.writeable = False
    return numbers


def _counting(n_faces: int) -> NDArray[np.int32]:
    """(F, 3) 0, 1, 2, ...: a view of one array that all surfaces share."""
    room = 1 << max((3 * n_faces - 1).bit_length(), 18)
    return _numbers(room)[: 3 * n_faces].reshape(-1, 3)


@njit(cache=True, nogil=True)
def _gather(
    whole: NDArray[np.int32], anchors: NDArray[np.int32], shares: Floats, joints: NDArray[np.uint8],
    weights: Floats, to_anchors: NDArray[np.int32], to_shares: Floats, to_joints: NDArray[np.uint8],
    to_weights: Floats,
) -> None:  # fmt: skip
    for i in range(len(whole)):
        v = whole[i]
        for k in range(anchors.shape[1]):
            to_anchors[i, k], to_shares[i, k] = anchors[v, k], shares[v, k]
        for k in range(joints.shape[1]):
            to_joints[i, k], to_weights[i, k] = joints[v, k], weights[v, k]


@njit(cache=True, nogil=True)
def _renumber(
    faces: NDArray[np.int32], n_whole: int, whole: int, cut: int, sources: NDArray[np.int32],
    parts_of: NDArray[np.uint8], uv: Floats, uv_map: Floats,
    to_faces: NDArray[np.int32], to_parts: NDArray[np.uint8], to_uv: Floats,
) -> None:  # fmt: skip
    for f in range(len(faces)):
        for k in range(3):
            v = faces[f, k]
            to_faces[f, k] = v + whole if v < n_whole else v - n_whole + cut
            to_uv[3 * f + k, 0] = uv_map[0] + uv_map[1] * uv[f, k, 0]
            to_uv[3 * f + k, 1] = uv_map[2] + uv_map[3] * uv[f, k, 1]
        to_parts[f] = parts_of[sources[f]]


@njit(cache=True, nogil=True)
def _count_seen(faces: NDArray[np.int32], hidden: NDArray[np.bool_]) -> int:
    count = 0
    for f in range(len(faces)):
        if not (hidden[faces[f, 0]] and hidden[faces[f, 1]] and hidden[faces[f, 2]]):
            count += 1
    return count


@njit(cache=True, nogil=True)
def _keep_seen(
    faces: NDArray[np.int32], uv_faces: NDArray[np.int32], parts: NDArray[np.uint8], hidden: NDArray[np.bool_],
    to_faces: NDArray[np.int32], to_uv_faces: NDArray[np.int32], to_parts: NDArray[np.uint8],
) -> None:  # fmt: skip
    n = 0
    for f in range(len(faces)):
        if hidden[faces[f, 0]] and hidden[faces[f, 1]] and hidden[faces[f, 2]]:
            continue
        for k in range(3):
            to_faces[n, k], to_uv_faces[n, k] = faces[f, k], uv_faces[f, k]
        to_parts[n] = parts[f]
        n += 1
