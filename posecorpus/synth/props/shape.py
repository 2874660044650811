"""What a kind of prop gives: its pieces, where it is solid, and how a hand holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from posecorpus.synth.props.materials import Recipe
from posecorpus.synth.props.paint import to_texture
from posecorpus.synth.props.solids import Piece
from posecorpus.synth.scene import Texture

Size = tuple[float, float, float]
Range = tuple[float, float]


@dataclass(frozen=True)
class Grip:
    """Where a hand takes hold.

    Attributes:
        at: (3,) share of the size, from the middle of the underside: the point that comes to the palm.
        radius_m: half of the thickness there: the palm is so far from that point.
        way: ``bar``: the thing's y runs across the palm, up on the thumb's side; ``hang``: its x does, and it hangs
            with y against gravity; ``upright``: a bar whose y points up; ``flat``: its back (-z) lies in the palm.
    """

    at: Size
    radius_m: float
    way: str


@dataclass(frozen=True, eq=False)
class Shape:
    """A prop in its own frame: x to its left, y up, z to its front, the middle of its underside at the origin.

    Attributes:
        pieces: what is drawn.
        solids: (K, 2, 3) float64 lower and upper corners of boxes that hold whatever of it can be bumped into.
        opaque: (L, 2, 3) boxes that hide what is behind them; the solids but for leaves.
        materials: recipes of the pieces' materials, by tile; at most four.
        double_sided: has sheets that are seen from both sides.
    """

    pieces: tuple[Piece, ...]
    solids: NDArray[np.float64]
    opaque: NDArray[np.float64]
    materials: tuple[Recipe, ...]
    double_sided: bool = False


def solid(*corners: ArrayLike) -> NDArray[np.float64]:
    """Boxes (K, 2, 3) from (low, high) pairs."""
    return np.asarray(corners, float).reshape(-1, 2, 3)


def spread(*parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes (K, 2, 3) of several arrays of boxes."""
    return np.concatenate([np.reshape(p, (-1, 2, 3)) for p in parts])


def standing(
    kinds: Sequence[tuple[Piece, NDArray[np.float64] | None]],
    materials: Sequence[Recipe],
    double_sided: bool = False,
    opaque: NDArray[np.float64] | None = None,
) -> Shape:
    """A shape from pieces with their solids; None where a piece's own bounds will do."""
    boxes = [
        solid((p.vertices.min(0), p.vertices.max(0))) if s is None else np.reshape(s, (-1, 2, 3))
        for p, s in kinds
    ]
    solids = np.concatenate(boxes)
    pieces = tuple(piece for piece, _ in kinds)
    return Shape(pieces, solids, solids if opaque is None else opaque, tuple(materials), double_sided)


@dataclass(frozen=True, eq=False)
class Design:
    """A prop at the size it was designed for, ready to be scaled and coloured.

    Attributes:
        size: (3,) metres.
        vertices: (V, 3) float32 in its own frame.
        faces, uv_faces: (F, 3) int32. uv: (T, 2) float32.
        solids, opaque: (K, 2, 3) and (L, 2, 3), as of a :class:`Shape`.
        materials: recipes of its tiles; none if it has a texture of its own.
        texture: its own.
        double_sided: as of a :class:`Shape`.
    """

    size: Size
    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    uv: NDArray[np.float32]
    uv_faces: NDArray[np.int32]
    solids: NDArray[np.float64]
    opaque: NDArray[np.float64]
    materials: tuple[Recipe, ...]
    texture: Texture | None
    double_sided: bool

    def solids_at(self, size: Size) -> NDArray[np.float64]:
        """The solids of the same design at another size."""
        return np.asarray(self.solids * (np.asarray(size) / self.size))

    def opaque_at(self, size: Size) -> NDArray[np.float64]:
        """What hides, at another size."""
        return np.asarray(self.opaque * (np.asarray(size) / self.size))

    def vertices_at(self, size: Size) -> NDArray[np.float32]:
        """The vertices of the same design at another size."""
        return np.asarray(self.vertices * (np.asarray(size) / self.size), np.float32)


def design(shape: Shape, size: Size) -> Design:
    """A shape's pieces as one mesh with one texture."""
    starts = np.cumsum([0] + [len(p.vertices) for p in shape.pieces])
    count = len(shape.materials)
    faces = [p.faces + n for p, n in zip(shape.pieces, starts[:-1], strict=True)]
    uv = np.concatenate([to_texture(p.uv, p.tile, count) for p in shape.pieces]).reshape(-1, 2)
    return Design(
        size=size,
        vertices=np.concatenate([p.vertices for p in shape.pieces]).astype(np.float32),
        faces=np.concatenate(faces).astype(np.int32),
        uv=uv,
        uv_faces=np.arange(len(uv), dtype=np.int32).reshape(-1, 3),
        solids=shape.solids,
        opaque=shape.opaque,
        materials=shape.materials,
        texture=None,
        double_sided=shape.double_sided,
    )
