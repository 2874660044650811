"""What a kind of prop gives: its pieces, where it is solid, and how a hand holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from posecorpus.synth.props.materials import Material
from posecorpus.synth.props.solids import Piece

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
        solids: (K, 2, 3) float64 lower and upper corners of boxes that together hold whatever of it can be bumped
            into, or hides what is behind.
        materials: of the pieces, by tile.
        double_sided: has sheets that are seen from both sides.
    """

    pieces: tuple[Piece, ...]
    solids: NDArray[np.float64]
    materials: tuple[Material, ...]
    double_sided: bool = False


def solid(*corners: ArrayLike) -> NDArray[np.float64]:
    """Boxes (K, 2, 3) from (low, high) pairs."""
    return np.asarray(corners, float).reshape(-1, 2, 3)


def spread(*parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes (K, 2, 3) of several arrays of boxes."""
    return np.concatenate([np.reshape(p, (-1, 2, 3)) for p in parts])


def standing(
    kinds: Sequence[tuple[Piece, NDArray[np.float64] | None]],
    materials: Sequence[Material],
    double_sided: bool = False,
) -> Shape:
    """A shape from pieces with their solids; None where a piece's own bounds will do."""
    boxes = [
        solid((p.vertices.min(0), p.vertices.max(0))) if s is None else np.reshape(s, (-1, 2, 3))
        for p, s in kinds
    ]
    return Shape(tuple(p for p, _ in kinds), np.concatenate(boxes), tuple(materials), double_sided)
