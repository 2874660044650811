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
)
from posecorpus.synth.raster.clip import PIECES_PER_FACE, clip_faces
from posecorpus.synth.raster.light import BAND_WEIGHTS
from posecorpus.synth.raster.mipmap import pack
from posecorpus.synth.raster.shade import SAME_SURFACE_PX, resolve, shade_pixels, shade_samples
from posecorpus.synth.raster.visibility import cover, cover_pieces, project
from posecorpus.synth.scene import Frame, Mesh

MAX_SIDE = 8000


@dataclass
class _Geometry:
    """One mesh on its way through the passes; ``k`` below is its 1-based number."""

    homogeneous: NDArray[np.float64]
    screen: NDArray[np.float64]
    front: NDArray[np.int32]
    wild: NDArray[np.int32]
    pieces: NDArray[np.float64]
    piece_faces: NDArray[np.int32]
    n_front: int = 0
    n_pieces: int = 0
    window: NDArray[np.int64] = field(default_factory=lambda: np.zeros(4, dtype=np.int64))


class Rasteriser:
    """Buffers for one image size, reused from frame to frame. Not to be shared between threads."""

    def __init__(self, width: int, height: int) -> None:
        if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
            raise InputError("image size", f"sides from 1 to {MAX_SIDE} pixels", f"{width}x{height}")
        self.width, self.height = width, height
        self._depth = np.zeros((height, width), dtype=np.float32)
        self._faces = np.zeros((height, width), dtype=np.int32)
        self._meshes = np.zeros((height, width), dtype=np.uint16)
        self._slots = np.full((height, width), -1, dtype=np.int32)
        self._geometry: list[_Geometry] = []
        self._counts = np.zeros(2, dtype=np.int32)
        self._bounds = np.zeros(4)
        self._reserve(1024)

    def _reserve(self, outline: int) -> None:
        """Room for that many outline pixels."""
        self._pixels = np.zeros((outline, 2), dtype=np.int32)
        self._sample_depth = np.zeros((outline, SAMPLES), dtype=np.float32)
        self._sample_faces = np.zeros((outline, SAMPLES), dtype=np.int32)
        self._sample_meshes = np.zeros((outline, SAMPLES), dtype=np.uint16)
        self._sums = np.zeros((outline, 3))

    def _place(self, index: int, mesh: Mesh) -> _Geometry:
        """Buffers for a mesh, those of an earlier frame if they fit."""
        n_vertices, n_faces = len(mesh.vertices), len(mesh.faces)
        if index == len(self._geometry) or (
            len(self._geometry[index].screen) != n_vertices or len(self._geometry[index].front) != n_faces
        ):
            fresh = _Geometry(
                np.empty((n_vertices, 3)), np.empty((n_vertices, 3)),
                np.empty(n_faces, dtype=np.int32), np.empty(n_faces, dtype=np.int32),
                np.empty((0, 3, 3)), np.empty(0, dtype=np.int32),
            )  # fmt: skip
            self._geometry[index : index + 1] = [fresh]
        return self._geometry[index]

    def render(
        self,
        meshes: Sequence[Mesh],
        camera: Camera,
        light: NDArray[np.float32],
        background: NDArray[np.uint8],
    ) -> Frame:
        """Draw one frame; see :func:`render`."""
        shape = (self.height, self.width)
        P = np.ascontiguousarray(camera.K @ np.column_stack([camera.R, camera.t]))
        R = np.ascontiguousarray(camera.R)
        weighted = np.ascontiguousarray(np.asarray(light, dtype=np.float64).T * BAND_WEIGHTS)
        self._depth.fill(0)
        self._meshes.fill(0)
        for index, mesh in enumerate(meshes):
            self._cover(index, mesh, P)
        footprint = 1 / float(max(camera.K[0, 0], camera.K[1, 1]))
        count = self._sample_outline(meshes, JUMP_PX * footprint)
        frame = Frame(
            np.array(background, dtype=np.uint8, order="C"),
            np.zeros(shape, dtype=np.float32),
            np.zeros(shape, dtype=np.uint8),
            np.zeros(shape, dtype=np.uint8),
            np.zeros((*shape, 3), dtype=np.float32),
            np.zeros((*shape, 2), dtype=np.float32),
        )
        for index, mesh in enumerate(meshes):
            self._shade(index, mesh, P, R, weighted, SAME_SURFACE_PX * footprint, count, frame)
        resolve(count, self._pixels, self._sample_depth, self._sums, self._slots, frame.rgb)
        return frame

    def _cover(self, index: int, mesh: Mesh, P: NDArray[np.float64]) -> None:
        """First pass for one mesh."""
        g = self._place(index, mesh)
        project(mesh.vertices, P, g.homogeneous, g.screen, self._bounds)
        low = np.floor(np.clip(self._bounds[:2], 0, (self.width, self.height)))
        high = np.ceil(np.clip(self._bounds[2:], 0, (self.width, self.height)))
        g.window[:2], g.window[2:] = low, np.maximum(high, low)
        buffers = (self._depth, self._faces, self._meshes)
        cover(index + 1, mesh.faces, g.screen, mesh.double_sided, *buffers, g.front, g.wild, self._counts)
        g.n_front, n_wild = int(self._counts[0]), int(self._counts[1])
        g.n_pieces = 0
        if n_wild:
            if len(g.pieces) < n_wild * PIECES_PER_FACE:
                g.pieces = np.empty((n_wild * PIECES_PER_FACE, 3, 3))
                g.piece_faces = np.empty(n_wild * PIECES_PER_FACE, dtype=np.int32)
            g.n_pieces = clip_faces(
                mesh.faces, g.homogeneous, g.wild, n_wild, mesh.double_sided, g.pieces, g.piece_faces
            )
            cover_pieces(index + 1, g.pieces, g.piece_faces, g.n_pieces, *buffers)

    def _sample_outline(self, meshes: Sequence[Mesh], jump: float) -> int:
        """Second pass; returns the number of outline pixels."""
        if not meshes:
            return 0
        windows = np.stack([g.window for g in self._geometry[: len(meshes)]])
        x0, y0 = (int(v) for v in np.maximum(windows[:, :2].min(0) - 1, 0))
        x1, y1 = (int(v) for v in np.minimum(windows[:, 2:].max(0) + 1, (self.width, self.height)))
        find = (self._depth, self._meshes, jump, x0, y0, x1, y1, self._slots)
        count = find_outline(*find, self._pixels)
        if count > len(self._pixels):
            self._slots.fill(-1)
            self._reserve(min(2 * count, self.width * self.height))
            count = find_outline(*find, self._pixels)
        for buffer in (self._sample_depth, self._sample_meshes, self._sums):
            buffer[:count] = 0
        samples = (self._slots, self._sample_depth, self._sample_faces, self._sample_meshes)
        for index, mesh in enumerate(meshes):
            g = self._geometry[index]
            cover_samples(index + 1, mesh.faces, g.screen, g.front, g.n_front, *samples)
            cover_piece_samples(index + 1, g.pieces, g.piece_faces, g.n_pieces, *samples)
        return count

    def _shade(
        self,
        index: int,
        mesh: Mesh,
        P: NDArray[np.float64],
        R: NDArray[np.float64],
        light: NDArray[np.float64],
        tolerance: float,
        count: int,
        frame: Frame,
    ) -> None:
        """Third pass for one mesh."""
        g = self._geometry[index]
        texels, table = pack(mesh.texture)
        samples = (self._sample_depth, self._sample_faces, self._sample_meshes, self._sums)
        look = (mesh.normals, mesh.uv, mesh.uv_faces, texels, table)
        shade_pixels(
            index + 1, mesh.instance, g.window, mesh.faces, mesh.face_parts, g.homogeneous, *look,
            mesh.vertices_next, P, R, light, tolerance, self._faces, self._meshes, self._slots, *samples,
            frame.rgb, frame.depth, frame.parts, frame.instances, frame.normals, frame.flow,
        )  # fmt: skip
        shade_samples(
            index + 1, count, mesh.faces, g.homogeneous, *look, R, light, tolerance, self._pixels, *samples
        )


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
        InputError: if light or background have another shape, or there are over 65535 meshes.
    """
    if np.shape(light) != (9, 3):
        raise InputError("light", "spherical harmonics of shape (9, 3)", np.shape(light))
    if background.shape != (camera.height, camera.width, 3) or background.dtype != np.uint8:
        raise InputError(
            "background",
            f"({camera.height}, {camera.width}, 3) uint8",
            f"{background.shape} {background.dtype}",
        )
    if len(meshes) > 65535:
        raise InputError("scene", "at most 65535 meshes", len(meshes))
    current: Rasteriser | None = getattr(_local, "rasteriser", None)
    if current is None or (current.width, current.height) != (camera.width, camera.height):
        current = _local.rasteriser = Rasteriser(camera.width, camera.height)
    return current.render(meshes, camera, light, background)
