"""The kinds of props there are, how large they come, and their shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from posecorpus.core.errors import InputError
from posecorpus.synth.appearance.draws import Draws
from posecorpus.synth.props import furniture, handheld, things
from posecorpus.synth.props.meshes import is_mesh, mesh_shape
from posecorpus.synth.props.shape import Range, Shape, Size


@dataclass(frozen=True)
class Kind:
    """One kind of prop.

    Attributes:
        build: its shape, from a size and the draws of its details.
        wide, high, deep: ranges of its size, metres; a depth of None is the width.
    """

    build: Callable[[Size, Draws], Shape]
    wide: Range
    high: Range
    deep: Range | None = None


KINDS: dict[str, Kind] = {
    "crate": Kind(furniture.crate, (0.35, 0.9), (0.3, 0.85), (0.35, 0.8)),
    "cabinet": Kind(furniture.cabinet, (0.45, 1.6), (0.6, 2.0), (0.32, 0.6)),
    "shelf": Kind(furniture.shelf, (0.5, 1.2), (0.8, 2.1), (0.24, 0.4)),
    "table": Kind(furniture.table, (0.7, 1.9), (0.68, 0.8), (0.6, 0.95)),
    "chair": Kind(furniture.chair, (0.4, 0.52), (0.82, 1.0), (0.42, 0.54)),
    "stool": Kind(furniture.stool, (0.3, 0.42), (0.42, 0.76)),
    "pouffe": Kind(furniture.pouffe, (0.4, 0.7), (0.32, 0.48)),
    "bench": Kind(furniture.bench, (1.0, 1.9), (0.4, 0.5), (0.34, 0.5)),
    "sofa": Kind(furniture.sofa, (0.85, 2.2), (0.72, 0.95), (0.8, 1.0)),
    "counter": Kind(furniture.counter, (0.9, 2.4), (0.85, 1.12), (0.5, 0.75)),
    "board": Kind(furniture.board, (0.6, 1.8), (1.2, 2.0), (0.35, 0.5)),
    "lamp_post": Kind(things.lamp_post, (0.26, 0.44), (1.5, 4.5)),
    "column": Kind(things.column, (0.25, 0.6), (2.2, 3.6)),
    "pole": Kind(things.pole, (0.05, 0.16), (0.8, 2.8)),
    "ball": Kind(things.floor_ball, (0.18, 0.9), (0.18, 0.9)),
    "bin": Kind(things.bin_, (0.28, 0.5), (0.35, 1.0)),
    "barrel": Kind(things.barrel, (0.45, 0.65), (0.7, 1.0)),
    "cone": Kind(things.cone, (0.28, 0.42), (0.45, 0.95)),
    "suitcase": Kind(things.suitcase, (0.35, 0.5), (0.75, 1.1), (0.2, 0.32)),
    "plant": Kind(things.plant, (0.45, 1.2), (0.6, 1.9)),
    "bag": Kind(handheld.bag, (0.24, 0.42), (0.42, 0.62), (0.08, 0.16)),
    "bottle": Kind(handheld.bottle, (0.055, 0.085), (0.17, 0.32)),
    "racket": Kind(handheld.racket, (0.2, 0.27), (0.64, 0.7), (0.032, 0.036)),
    "phone": Kind(handheld.phone, (0.068, 0.08), (0.14, 0.165), (0.008, 0.01)),
    "umbrella": Kind(handheld.umbrella, (0.85, 1.1), (0.8, 0.95)),
    "stick": Kind(handheld.stick, (0.02, 0.036), (0.7, 1.25)),
    "parcel": Kind(handheld.parcel, (0.14, 0.3), (0.18, 0.32), (0.02, 0.14)),
}
"""Sizes are those of real things."""

STANDING = (
    "crate", "cabinet", "shelf", "table", "chair", "stool", "pouffe", "bench", "sofa", "counter", "board", "lamp_post",
    "column", "pole", "ball", "bin", "barrel", "cone", "suitcase", "plant",
)  # fmt: skip
"""What may stand on the floor."""
HELD = tuple(handheld.GRIPS)
"""What may be in a hand."""
SEATS = tuple(furniture.SEAT_SHARE)
"""What people may sit on."""

HELD_BALL: Range = (0.065, 0.24)


def draw_size(kind: str, draws: Draws, held: bool = False) -> Size:
    """A plausible size of one of :data:`KINDS`, metres."""
    if kind == "ball":
        d = draws.uniform(*(HELD_BALL if held else KINDS[kind].wide))
        return d, d, d
    of = KINDS[kind]
    wide, high = draws.uniform(*of.wide), draws.uniform(*of.high)
    return wide, high, wide if of.deep is None else draws.uniform(*of.deep)


@lru_cache(maxsize=64)
def shape_of(kind: str, seed: int, size: Size) -> Shape:
    """The shape of a prop; the same arguments give the same one.

    Raises:
        InputError: no such kind, or an unreadable mesh file.
    """
    if kind in KINDS:
        return KINDS[kind].build(size, Draws(np.random.default_rng(seed)))
    if is_mesh(kind):
        return mesh_shape(kind, size)
    raise InputError("prop", f"one of {', '.join(KINDS)}, or a mesh file", repr(kind))
