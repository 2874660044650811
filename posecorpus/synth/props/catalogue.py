"""The kinds of props there are, how large they come, and their shapes."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from posecorpus.core.errors import InputError
from posecorpus.synth.appearance.draws import Draws
from posecorpus.synth.props import furniture, handheld, seating, things
from posecorpus.synth.props.meshes import is_mesh, read_mesh
from posecorpus.synth.props.shape import Design, Range, Shape, Size, design

DESIGNS = 16
"""How many designs of a kind there are; each is scaled and coloured anew for every seed."""


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
    "chair": Kind(seating.chair, (0.4, 0.52), (0.82, 1.0), (0.42, 0.54)),
    "stool": Kind(seating.stool, (0.3, 0.42), (0.42, 0.76)),
    "pouffe": Kind(seating.pouffe, (0.4, 0.7), (0.32, 0.48)),
    "bench": Kind(seating.bench, (1.0, 1.9), (0.4, 0.5), (0.34, 0.5)),
    "sofa": Kind(seating.sofa, (0.85, 2.2), (0.72, 0.95), (0.8, 1.0)),
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
SEATS = tuple(seating.SEAT_SHARE)
"""What people may sit on."""

HELD_BALL: Range = (0.065, 0.24)
"""Diameter of a ball in a hand."""
SCALE, STRETCH = (0.88, 1.14), (0.94, 1.06)
"""How a prop's size differs from its design's: as a whole, and in width and depth over height."""


def draw_size(kind: str, seed: int, draws: Draws, held: bool = False) -> Size:
    """A plausible size of a prop, metres: about that of its design."""
    if kind == "ball" and held:
        d = draws.uniform(*HELD_BALL)
        return d, d, d
    x, y, z = design_of(kind, seed).size
    whole, wide = draws.uniform(*SCALE), 1.0 if kind == "ball" else draws.uniform(*STRETCH)
    return x * whole * wide, y * whole, z * whole * wide


def _design_size(kind: str, draws: Draws) -> Size:
    of = KINDS[kind]
    wide, high = draws.uniform(*of.wide), draws.uniform(*of.high)
    if kind == "ball":
        return wide, wide, wide
    if kind == "plant":  # leaves are about as long as broad
        wide = high * draws.uniform(0.5, 0.85)
    return wide, high, wide if of.deep is None else draws.uniform(*of.deep)


def design_of(kind: str, seed: int) -> Design:
    """The design of a prop: one of :data:`DESIGNS` of its kind, or the user's mesh.

    Raises:
        InputError: no such kind, or an unreadable mesh file.
    """
    if kind in KINDS:
        return _drawn_up(kind, seed % DESIGNS)
    if is_mesh(kind):
        return read_mesh(kind)
    raise InputError("prop", f"one of {', '.join(KINDS)}, or a mesh file", repr(kind))


@lru_cache(maxsize=len(KINDS) * DESIGNS)
def _drawn_up(kind: str, number: int) -> Design:
    """Building a shape takes longer than painting it: each process builds a design once."""
    draws = Draws(np.random.default_rng([number, zlib.crc32(kind.encode())]))
    size = _design_size(kind, draws)
    return design(KINDS[kind].build(size, draws), size)
