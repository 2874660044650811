"""The default renderer: a deferred rasteriser on the CPU, with no driver, display or system package.

What it gives and how (see the modules): exact visibility (``visibility``), clipping (``clip``), eight-sample
outlines (``antialias``), perspective-correct attributes and mip-mapped colour (``shade``).

Depth, normals and flow belong to the surface that is seen, an occluder's included (its part and instance
are 0). Flow is zero where the surface point is nearer than ``NEAR_M`` in front of the camera, or behind it,
in the next frame. Textures are clamped at their borders.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.synth.raster.antialias import (
    JUMP_PX,
    SAMPLES,
    cover_piece_samples,
    cover_samples,
    find_outline,
    list_surfaces,
)
from posecorpus.synth.raster.clip import PIECES_PER_FACE, clip_faces
from posecorpus.synth.raster.light import BAND_WEIGHTS
from posecorpus.synth.raster.mipmap import pack
from posecorpus.synth.raster.shade import (
    POINTS_SIZE,
    SAME_SURFACE_PX,
    TABLE_SIZE,
    resolve,
    shade_pixels,
    shade_surfaces,
)
from posecorpus.synth.raster.visibility import LAST_ID, cover, cover_pieces, project
from posecorpus.synth.scene import Frame, Mesh

MAX_SIDE = 8000


A = TypeVar("A", bound=np.generic)
Packed = tuple[NDArray[np.uint8], NDArray[np.int64]]
Look = tuple[
    NDArray[np.float32], NDArray[np.float32], NDArray[np.int32], NDArray[np.uint8], NDArray[np.int64]
]  # fmt: skip


def fixed(array: NDArray[np.generic], dtype: type[A]) -> NDArray[A]:
    """A contiguous read-only view (a copy only where type or layout differ).

    Kernels are compiled per type, layout and writability of their arguments: with this every input
    finds the one compiled version, be it sliced, memory-mapped or frozen.
    """
    view = np.ascontiguousarray(array, dtype=dtype).view()
    view.flags.writeable = False
    return view


@dataclass
class _Scratch:
    """Buffers of one mesh, kept for the next frame's mesh of the same size."""

    homogeneous: NDArray[np.float64]
    screen: NDArray[np.float64]
    front: NDArray[np.int32]
    wild: NDArray[np.int32]
    pieces: NDArray[np.float64]
    piece_faces: NDArray[np.int32]

    @staticmethod
    def of(n_vertices: int, n_faces: int) -> _Scratch:
        """Buffers for that many vertices and faces; room for clipped pieces comes when needed."""
        return _Scratch(
            np.empty((n_vertices, 3)), np.empty((n_vertices, 3)),
            np.empty((n_faces, 5), dtype=np.int32), np.empty(n_faces, dtype=np.int32),
            np.empty((0, 3, 3)), np.empty(0, dtype=np.int32),
        )  # fmt: skip

    def fits(self, n_vertices: int, n_faces: int) -> bool:
        """Whether a mesh of that size can use these buffers."""
        return len(self.screen) == n_vertices and len(self.front) == n_faces


@dataclass
class _Surface:
    """A mesh on its way through the passes.

    Attributes:
        first: identity of its first face in the keys.
        look: normals, uv, uv_faces, texels and mip table, as the shading kernels take them.
        n_front, n_pieces: used length of the scratch lists.
        window: (4,) x0, y0, x1, y1 of the pixels it can touch.
    """

    first: int
    mesh: Mesh
    scratch: _Scratch
    faces: NDArray[np.int32]
    look: Look
    n_front: int = 0
    n_pieces: int = 0
    window: NDArray[np.int64] = field(default_factory=lambda: np.zeros(4, dtype=np.int64))


def _check(index: int, mesh: Mesh) -> None:
    """Shapes and indices: kernels read memory unchecked."""
    vertices, faces = len(mesh.vertices), len(mesh.faces)
    wanted = {
        "vertices": (vertices, 3), "vertices_next": (vertices, 3), "normals": (vertices, 3),
        "faces": (faces, 3), "uv_faces": (faces, 3), "face_parts": (faces,), "uv": (len(mesh.uv), 2),
    }  # fmt: skip
    for name, shape in wanted.items():
        if getattr(mesh, name).shape != shape:
            raise InputError(f"mesh {index} {name}", f"shape {shape}", getattr(mesh, name).shape)
    for name, size in (("faces", vertices), ("uv_faces", len(mesh.uv))):
        indices = getattr(mesh, name)
        # Read as unsigned, a negative index is too large as well.
        if indices.size and np.ascontiguousarray(indices, np.int32).view(np.uint32).max() >= size:
            got = f"{indices.min()} to {indices.max()}"
            raise InputError(f"mesh {index} {name}", f"indices from 0 to {size - 1}", got)


class Rasteriser:
    """Buffers for one image size, reused from frame to frame. Not to be shared between threads."""

    def __init__(self, width: int, height: int) -> None:
        if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
            raise InputError("image size", f"sides from 1 to {MAX_SIDE} pixels", f"{width}x{height}")
        self.width, self.height = width, height
        self._keys = np.zeros((height + 1, width + 2))
        self._marks = np.zeros(width, dtype=np.uint8)
        self._slots = np.full((height, width), -1, dtype=np.int32)
        self._scratch: list[_Scratch] = []
        self._counts = np.zeros(2, dtype=np.int32)
        self._bounds = np.zeros(4)
        self._found = np.zeros(SAMPLES)
        self._block = np.zeros(POINTS_SIZE, dtype=np.int32), np.zeros(TABLE_SIZE)
        self._reserve(1024)

    def _reserve(self, outline: int) -> None:
        """Room for that many outline pixels."""
        self._pixels = np.zeros((outline, 2), dtype=np.int32)
        self._samples = np.zeros((outline, SAMPLES))
        self._farthest = np.zeros(outline)
        self._own = np.zeros(outline, dtype=np.int32)
        self._surfaces = np.zeros((outline * SAMPLES, 3), dtype=np.int32)
        self._sums = np.zeros((outline, 3))

    def render(
        self,
        meshes: Sequence[Mesh],
        camera: Camera,
        light: NDArray[np.float32],
        background: NDArray[np.uint8],
    ) -> Frame:
        """Draw one frame; see :func:`render`."""
        P = fixed(camera.K @ np.column_stack([camera.R, camera.t]), np.float64)
        R = fixed(camera.R, np.float64)
        weighted = fixed(np.asarray(light, dtype=np.float64).T * BAND_WEIGHTS, np.float64)
        footprint = 1 / float(max(camera.K[0, 0], camera.K[1, 1]))
        self._keys.fill(0)
        face_bits = _face_bits(meshes)
        textures = {id(mesh.texture): mesh.texture for mesh in meshes}  # all that one person wears shares one
        packed = {key: pack(texture) for key, texture in textures.items()}
        surfaces = [
            self._cover(self._surface(i, i << face_bits, mesh, packed[id(mesh.texture)]), P)
            for i, mesh in enumerate(meshes)
        ]
        count = self._sample_outline(surfaces, face_bits, JUMP_PX * footprint)
        keys, samples = self._keys.view(np.int64), self._samples.view(np.int64)
        heads = np.empty(len(meshes), dtype=np.int32)
        list_surfaces(
            count, self._pixels, keys, samples, face_bits, SAME_SURFACE_PX * footprint,
            self._own, self._surfaces, heads,
        )  # fmt: skip
        shape = (self.height, self.width)
        frame = Frame(
            np.array(background, dtype=np.uint8, order="C"),
            np.zeros(shape, dtype=np.float32),
            np.zeros(shape, dtype=np.uint8),
            np.zeros(shape, dtype=np.uint8),
            np.zeros((*shape, 3), dtype=np.float32),
            np.zeros((*shape, 2), dtype=np.float32),
        )
        for surface, head in zip(surfaces, heads.tolist(), strict=True):
            self._shade(surface, face_bits, head, P, R, weighted, frame)
        resolve(count, self._pixels, samples, self._sums, self._slots, frame.rgb)
        return frame

    def _surface(self, index: int, first: int, mesh: Mesh, packed: Packed) -> _Surface:
        """The mesh with buffers, those of an earlier frame if they fit."""
        _check(index, mesh)
        size = len(mesh.vertices), len(mesh.faces)
        if index == len(self._scratch) or not self._scratch[index].fits(*size):
            self._scratch[index : index + 1] = [_Scratch.of(*size)]
        texels, table = packed
        look = (
            fixed(mesh.normals, np.float32), fixed(mesh.uv, np.float32), fixed(mesh.uv_faces, np.int32),
            fixed(texels, np.uint8), table,
        )  # fmt: skip
        return _Surface(first, mesh, self._scratch[index], fixed(mesh.faces, np.int32), look)

    def _cover(self, surface: _Surface, P: NDArray[np.float64]) -> _Surface:
        """First pass for one mesh."""
        mesh, first = surface.mesh, surface.first
        scratch, faces = surface.scratch, surface.faces
        project(fixed(mesh.vertices, np.float32), P, scratch.homogeneous, scratch.screen, self._bounds)
        size = (self.width, self.height)
        surface.window[:2] = np.floor(np.clip(self._bounds[:2], 0, size))
        surface.window[2:] = np.ceil(np.clip(self._bounds[2:], 0, size))
        cover(first, faces, scratch.screen, mesh.double_sided, self._keys,
              scratch.front, scratch.wild, self._counts)  # fmt: skip
        surface.n_front, n_wild = int(self._counts[0]), int(self._counts[1])
        if n_wild:
            room = n_wild * PIECES_PER_FACE
            if len(scratch.pieces) < room:
                scratch.pieces, scratch.piece_faces = np.empty((room, 3, 3)), np.empty(room, dtype=np.int32)
            surface.n_pieces = clip_faces(
                faces, scratch.homogeneous, scratch.wild, n_wild, mesh.double_sided,
                scratch.pieces, scratch.piece_faces,
            )  # fmt: skip
            cover_pieces(first, scratch.pieces, scratch.piece_faces, surface.n_pieces, self._keys)
        return surface

    def _sample_outline(self, surfaces: Sequence[_Surface], face_bits: int, jump: float) -> int:
        """Second pass; returns the number of outline pixels."""
        if not surfaces:
            return 0
        windows = np.stack([surface.window for surface in surfaces])
        x0, y0 = (int(v) for v in np.maximum(windows[:, :2].min(0) - 1, 0))
        x1, y1 = (int(v) for v in np.minimum(windows[:, 2:].max(0) + 1, (self.width, self.height)))
        find = (self._keys.view(np.int64), face_bits, jump, x0, y0, x1, y1, self._marks, self._slots)
        count = find_outline(*find, self._pixels)
        if count > len(self._pixels):
            self._slots.fill(-1)
            self._reserve(min(2 * count, self.width * self.height))
            count = find_outline(*find, self._pixels)
        for buffer in (self._samples, self._farthest, self._sums):
            buffer[:count] = 0
        samples = (self._slots, self._samples, self._farthest, self._found)
        for s in surfaces:
            scratch = s.scratch
            cover_samples(s.first, s.faces, scratch.screen, scratch.front, s.n_front, *samples)
            if s.n_pieces:
                cover_piece_samples(s.first, scratch.pieces, scratch.piece_faces, s.n_pieces, *samples)
        return count

    def _shade(
        self,
        surface: _Surface,
        face_bits: int,
        head: int,
        P: NDArray[np.float64],
        R: NDArray[np.float64],
        light: NDArray[np.float64],
        frame: Frame,
    ) -> None:
        """Third pass for one mesh."""
        mesh, homogeneous = surface.mesh, surface.scratch.homogeneous
        shade_pixels(
            surface.first, face_bits, mesh.instance, surface.window, surface.faces,
            fixed(mesh.face_parts, np.uint8), homogeneous, *surface.look,
            fixed(mesh.vertices_next, np.float32), P, R, light,
            self._keys.view(np.int64), self._slots, self._own, self._sums,
            frame.rgb, frame.depth, frame.parts, frame.instances, frame.normals, frame.flow,
            *self._block,
        )  # fmt: skip
        if head >= 0:
            shade_surfaces(
                surface.first, head, surface.faces, homogeneous, *surface.look, R, light,
                self._pixels, self._samples.view(np.int64), self._surfaces, self._sums, *self._block,
            )  # fmt: skip


def _face_bits(meshes: Sequence[Mesh]) -> int:
    """How many bits tell the faces of the largest mesh apart."""
    bits = max((len(mesh.faces) for mesh in meshes), default=1).bit_length()
    if len(meshes) << bits > LAST_ID:
        raise InputError("scene", f"at most {LAST_ID >> bits} meshes of up to 2^{bits} faces", len(meshes))
    return bits


_local = threading.local()


def render(
    meshes: Sequence[Mesh], camera: Camera, light: NDArray[np.float32], background: NDArray[np.uint8]
) -> Frame:
    """Draw meshes over a background.

    Args:
        meshes: drawn in this order; of surfaces at equal depth the first wins.
        camera: the view, any principal point, image up to 8000x8000.
        light: (9, 3) spherical-harmonics coefficients per channel, see ``raster.light``.
        background: (H, W, 3) uint8 sRGB of the camera's size; left as it is.

    Returns:
        fresh arrays every time; see :class:`Frame` and the head of this module.

    Raises:
        InputError: if light, background or a mesh's arrays have another shape, an index points outside, or
            there are too many faces to count.
    """
    if np.shape(light) != (9, 3):
        raise InputError("light", "spherical harmonics of shape (9, 3)", np.shape(light))
    if background.shape != (camera.height, camera.width, 3) or background.dtype != np.uint8:
        raise InputError(
            "background",
            f"({camera.height}, {camera.width}, 3) uint8",
            f"{background.shape} {background.dtype}",
        )
    current: Rasteriser | None = getattr(_local, "rasteriser", None)
    if current is None or (current.width, current.height) != (camera.width, camera.height):
        current = _local.rasteriser = Rasteriser(camera.width, camera.height)
    try:
        return current.render(meshes, camera, light, background)
    except BaseException:  # interrupted half-way: its buffers are not in their resting state
        del _local.rasteriser
        raise
