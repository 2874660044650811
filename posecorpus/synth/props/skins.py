"""The colours of a user's mesh: pictures as tiles of one texture, or one colour a face."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.raster.mipmap import build_texture
from posecorpus.synth.scene import Texture

MAX_PICTURE_PIXELS = 64_000_000
TILE_SIDES = {1: 512, 2: 256, 3: 128, 4: 128}
"""Texels along a tile, by how many tiles lie side by side."""
MOST_TILES = 16
BLOCK = 2
"""Texels along the square of one colour: inside it, interpolation changes nothing."""
_GREY = (160, 160, 160)


@dataclass(frozen=True, eq=False)
class Part:
    """One surface of a user's mesh.

    Attributes:
        vertices: (V, 3). faces: (F, 3).
        colours: (F, 3) uint8 of each face.
        uv: (F, 3, 2) of its corners, v up, or None.
        picture: (H, W, 3) uint8 that ``uv`` is in, or None.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    colours: NDArray[np.uint8]
    uv: NDArray[np.float64] | None
    picture: NDArray[np.uint8] | None

    def moved(self, origin: NDArray[np.float64], scale: float) -> Part:
        """The same part seen from ``origin``, then scaled."""
        return Part((self.vertices - origin) * scale, self.faces, self.colours, self.uv, self.picture)


def part_of(
    surface: Any, vertices: NDArray[np.float64], faces: NDArray[np.int64], kept: NDArray[np.bool_]
) -> Part:
    """The kept faces of a ``trimesh.Trimesh``, with its colours or its picture."""
    visual = surface.visual
    colours = np.broadcast_to(np.array(_GREY, np.uint8), (len(faces), 3))
    uv = picture = None
    if visual.kind == "texture":
        colours = np.broadcast_to(_main_colour(visual.material), (len(faces), 3))
        have = getattr(visual, "uv", None)
        image = getattr(visual.material, "baseColorTexture", None) or getattr(visual.material, "image", None)
        if have is not None and len(have) == len(vertices) and image is not None:
            corners = np.asarray(have, float)[faces][..., :2]
            if np.isfinite(corners).all():
                uv, picture = _unwrapped(corners)[kept], _decoded(image)
    elif visual.kind == "vertex":
        colours = np.asarray(visual.vertex_colors)[faces][..., :3].mean(1).round().astype(np.uint8)
    elif visual.kind == "face":
        colours = np.asarray(visual.face_colors)[:, :3].astype(np.uint8)
    return Part(vertices, faces[kept], colours[kept], uv, picture)


def texture_of(parts: Sequence[Part]) -> tuple[NDArray[np.float32], Texture]:
    """Places (F, 3, 2) of all faces' corners in one texture, and that texture."""
    if any(part.picture is not None for part in parts):
        return _tiled(parts)
    return _palette(np.concatenate([part.colours for part in parts]))


def _palette(colours: NDArray[np.uint8]) -> tuple[NDArray[np.float32], Texture]:
    """One square of texels per colour. A single mip level: farther ones would mix colours of different faces."""
    for bits in (8, 5, 4):
        step = 1 << (8 - bits)
        coarse = (
            np.minimum((colours // step) * step + step // 2, 255).astype(np.uint8) if bits < 8 else colours
        )
        found, which = np.unique(coarse, axis=0, return_inverse=True)
        if len(found) <= 4096:
            break
    side = math.ceil(math.sqrt(len(found)))
    cells = np.zeros((side * side, 3), np.uint8)
    cells[: len(found)] = found
    picture = cells.reshape(side, side, 3).repeat(BLOCK, 0).repeat(BLOCK, 1)
    row, column = np.divmod(which.reshape(-1), side)
    uv = np.stack([(column + 0.5) / side, 1 - (row + 0.5) / side], -1).astype(np.float32)
    return np.repeat(uv[:, None], 3, 1), Texture((np.ascontiguousarray(picture),))


def _tiled(parts: Sequence[Part]) -> tuple[NDArray[np.float32], Texture]:
    """A tile per part: its picture, or its mean colour; parts beyond the last tile share that one."""
    count = min(len(parts), MOST_TILES)
    across = math.ceil(math.sqrt(count))
    side = TILE_SIDES[across]
    sheet = np.zeros((across * side, across * side, 3), np.uint8)
    places = []
    for k, part in enumerate(parts):
        tile = min(k, MOST_TILES - 1)
        row, column = divmod(tile, across)
        if k == tile:
            shown = part.colours.mean(0).round().astype(np.uint8)
            window = sheet[row * side : (row + 1) * side, column * side : (column + 1) * side]
            window[:] = shown if part.picture is None else _resized(part.picture, side)
        uv = np.full((len(part.faces), 3, 2), 0.5) if part.uv is None else part.uv
        inner = (1.5 + uv * (side - 3)) / side
        places.append((inner + (column, across - 1 - row)) / across)
    return np.concatenate(places).astype(np.float32), build_texture(sheet)


def _resized(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def _unwrapped(uv: NDArray[np.float64]) -> NDArray[np.float64]:
    """Repeating coordinates (F, 3, 2) moved by whole numbers, a face at a time, then cut to [0, 1]."""
    return np.asarray(np.clip(uv - np.floor(uv.mean(1, keepdims=True) - 1e-9), 0, 1))


def _decoded(image: Any) -> NDArray[np.uint8]:
    """A picture that trimesh opened (by Pillow, which has only read its header so far)."""
    width, height = image.size
    if width * height > MAX_PICTURE_PIXELS:
        raise ValueError(f"a texture of {width}x{height} pixels")
    picture = np.asarray(image.convert("RGB"), np.uint8)
    most = max(TILE_SIDES.values())
    if max(picture.shape[:2]) > most:
        size = (min(width, most), min(height, most))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return picture


def _main_colour(material: Any) -> NDArray[np.uint8]:
    colour = np.asarray(getattr(material, "main_color", _GREY))
    return colour[:3].astype(np.uint8) if colour.shape in ((3,), (4,)) else np.array(_GREY, np.uint8)
