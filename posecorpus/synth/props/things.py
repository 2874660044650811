"""Poles, round things, and plants. Every builder fills exactly the size it is given."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from posecorpus.synth.appearance.draws import Draws
from posecorpus.synth.props import materials as of
from posecorpus.synth.props.shape import Shape, Size, solid, standing
from posecorpus.synth.props.solids import TURN, Floats, Piece, ball, boxes, cylinder, leaves, tube, turned


def _round(radius: float, low: float, high: float) -> Floats:
    """Three boxes that together are an upright round thing, nearly."""
    wide, narrow, middle = radius, 0.38 * radius, 0.72 * radius
    return solid(
        *(((-a, low, -b), (a, high, b)) for a, b in ((wide, narrow), (narrow, wide), (middle, middle)))
    )


def lamp_post(size: Size, draws: Draws) -> Shape:
    """A street lamp, or a floor lamp if it is low."""
    y, r = size[1], min(size[0], size[2]) / 2
    pole = float(np.clip(0.016 * y, 0.012, 0.07))
    head = min(0.5 * r * draws.uniform(1.4, 1.9), r)
    tall = min(1.4 * r, 0.25 * y)
    post = turned(
        [
            [(0, 0), (r, 0)],
            [(r, 0), (r, 0.012 * y)],
            [(r, 0.012 * y), (1.3 * pole, 0.03 * y), (pole, 0.06 * y), (0.8 * pole, y - tall)],
        ],
        y,
        0,
    )
    lamp = turned(
        [[(0, y - tall), (head, y - tall)], [(head, y - tall), (0.55 * head, y)], [(0.55 * head, y), (0, y)]],
        1.0,
        1,
    )
    solids = np.concatenate(
        [_round(r, 0, 0.03 * y), _round(pole, 0.03 * y, y - tall), _round(head, y - tall, y)]
    )
    shade = of.fabric if y < 2.2 else of.white
    return standing([(post, solids), (lamp, solids[:0])], [of.metal, shade])


def column(size: Size, draws: Draws) -> Shape:
    """A pillar: round with base and capital, or square."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    material = of.stone if draws.random() < 0.6 else of.sober_paint
    if draws.random() < 0.5 or abs(x - z) > 1e-6:
        body = boxes((-x, 0, -z), (x, y, z), max(size), 0, 0.012, draws.random())
        return standing([(body, None)], [material])
    base = 0.08 * y * draws.uniform(0.5, 1.0)
    shaft = 0.86 * x
    body = turned(
        [
            [(0, 0), (x, 0)],
            [(x, 0), (x, 0.6 * base)],
            [(x, 0.6 * base), (0.94 * x, 0.8 * base), (shaft, base)],
            [(shaft, base), (shaft, y - base)],
            [(shaft, y - base), (x, y - 0.6 * base)],
            [(x, y - 0.6 * base), (x, y)],
            [(x, y), (0, y)],
        ],
        y,
        0,
        24,
    )
    return standing([(body, _round(0.93 * x, 0, y))], [material])


def pole(size: Size, draws: Draws) -> Shape:
    """A bollard, pipe or rail post."""
    y, r = size[1], min(size[0], size[2]) / 2
    material = of.metal if draws.random() < 0.6 else of.vivid_paint
    return standing([(cylinder(r, 0, y, y, 0, 14, 0.3 * r), _round(r, 0, y))], [material])


def floor_ball(size: Size, draws: Draws) -> Shape:
    """A ball: beach ball, football, gymnastics ball."""
    r = min(size) / 2
    # The inscribed cube is what can be bumped into everywhere; its three slabs reach out to the sphere.
    inner, outer = 0.6 * r, 0.95 * r
    solids = np.array(
        [
            [(-a, r - b, -c), (a, r + b, c)]
            for a, b, c in ((outer, inner, inner), (inner, outer, inner), (inner, inner, outer))
        ]
    )
    return standing([(ball(r, r, 0, 24), solids)], [of.ball_cover])


def bin_(size: Size, draws: Draws) -> Shape:
    """A waste bin, bucket or planter without a plant."""
    y, r = size[1], min(size[0], size[2]) / 2
    low = r * draws.uniform(0.7, 0.95)
    rim = 0.06 * y
    material = (of.metal, of.plastic, of.paint)[draws.below(3)]
    body = turned(
        [
            [(0, 0), (low, 0)],
            [(low, 0), (0.94 * r, y - rim)],
            [(0.94 * r, y - rim), (r, y - rim)],
            [(r, y - rim), (r, y)],
            [(r, y), (0.9 * r, y)],
            [(0.9 * r, y), (0.8 * low, 0.35 * y)],
            [(0.8 * low, 0.35 * y), (0, 0.35 * y)],
        ],
        y,
        0,
        20,
    )
    return standing([(body, _round((low + r) / 2, 0, y))], [material])


def barrel(size: Size, draws: Draws) -> Shape:
    """A barrel or oil drum."""
    y, r = size[1], min(size[0], size[2]) / 2
    if draws.random() < 0.5:  # staves and hoops
        h = np.linspace(0, y, 9)
        belly = r * (0.84 + 0.16 * np.sin(np.pi * h / y))
        body = turned([[(0, 0), (belly[0], 0)], np.c_[belly, h], [(belly[-1], y), (0, y)]], y, 0, 24)
        return standing([(body, _round(0.95 * r, 0, y))], [of.wood])
    ribs = np.array([(0.96, 0.0), (1.0, 0.02), (0.96, 0.04), (0.96, 0.32), (1.0, 0.34), (0.96, 0.36), (0.96, 0.64), (1.0, 0.66), (0.96, 0.68), (0.96, 0.96), (1.0, 0.98), (0.96, 1.0)])  # fmt: skip
    side = ribs * (r, y)
    body = turned([[(0, 0), side[0]], side, [side[-1], (0, y)]], y, 0, 24)
    return standing([(body, _round(0.97 * r, 0, y))], [of.vivid_paint])


def cone(size: Size, draws: Draws) -> Shape:
    """A traffic cone on its square foot."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    foot, r = 0.05 * y, 0.85 * min(x, z)

    def ring(low: float, high: float, tile: int) -> Piece:
        at = [(r + (0.18 - 1) * r * t, foot + (y - foot) * t) for t in (low, high)]
        strips = [at] if high < 1 else [at, [at[1], (0, y)]]
        return turned(strips, y, tile, 18)

    base = boxes((-x, 0, -z), (x, foot, z), max(size), 0)
    edges = (0.0, 0.35, 0.55, 0.7, 0.84, 1.0)
    rings = [ring(a, b, k % 2) for k, (a, b) in enumerate(pairwise(edges))]
    lower, upper = _round(0.8 * r, foot, y / 2), _round(0.45 * r, y / 2, y)
    solids = np.concatenate([lower, upper])
    return standing(
        [(base, None), (rings[0], solids), *((p, solids[:0]) for p in rings[1:])],
        [of.signal_orange, of.reflector],
    )


def suitcase(size: Size, draws: Draws) -> Shape:
    """A trolley case with its handle drawn out or in."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    body_y = y * draws.uniform(0.62, 0.9)
    wheel = 0.05 * y
    shell = boxes((-x, wheel, -z), (x, body_y, z), max(size), 0, 0.05, draws.random())
    bar = 0.4 * x
    path = [(-bar, body_y - 0.02, -0.6 * z), (-bar, y - 0.03, -0.6 * z), (-bar + 0.018, y - 0.01, -0.6 * z), (bar - 0.018, y - 0.01, -0.6 * z), (bar, y - 0.03, -0.6 * z), (bar, body_y - 0.02, -0.6 * z)]  # fmt: skip
    handle = tube(path, 0.01, 0.5, 1, 6)
    at = [(sx * 0.8 * x, sz * 0.7 * z) for sx in (-1, 1) for sz in (-1, 1)]
    half = 0.02
    wheels = boxes(
        [(a - half, 0, b - half) for a, b in at], [(a + half, wheel, b + half) for a, b in at], 0.3, 1, 0.008
    )
    ribs = np.linspace(-0.7 * x, 0.7 * x, 5)
    ridges = boxes(
        np.c_[ribs - 0.008, np.full(5, wheel + 0.06), np.full(5, z - 0.001)],
        np.c_[ribs + 0.008, np.full(5, body_y - 0.06), np.full(5, z)],
        max(size), 0, 0.0005,
    )  # fmt: skip
    whole = solid(((-x, 0, -z), (x, body_y, z)), ((-bar, body_y, -0.7 * z), (bar, y, -0.5 * z)))
    cover = of.plastic if draws.random() < 0.6 else of.fabric
    return standing(
        [(shell, whole), (handle, whole[:0]), (wheels, whole[:0]), (ridges, whole[:0])],
        [cover, of.metal],
    )


def plant(size: Size, draws: Draws) -> Shape:
    """A potted plant: arching leaves from the middle, or leaves along stems."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    pot_y = y * draws.uniform(0.18, 0.3)
    pot_r = min(0.5 * min(x, z) + 0.05, min(x, z), pot_y * 0.7)
    low = pot_r * draws.uniform(0.65, 0.9)
    pot = turned(
        [
            [(0, 0), (low, 0)],
            [(low, 0), (pot_r, pot_y)],
            [(pot_r, pot_y), (0.9 * pot_r, pot_y)],
            [(0.9 * pot_r, pot_y), (0.88 * pot_r, 0.9 * pot_y)],
            [(0.88 * pot_r, 0.9 * pot_y), (0, 0.9 * pot_y)],
        ],
        max(pot_y, 0.2),
        1,
        18,
    )
    arching = draws.random() < 0.55
    foliage, stems = (_arching if arching else _bushy)(size, pot_y, pot_r, draws)
    foliage, *stems = _filling(foliage, stems, size, 0.92 * pot_y)
    ceramic = of.stone if draws.random() < 0.6 else of.paint
    soil = turned([[(0.88 * pot_r, 0.93 * pot_y), (0, 0.95 * pot_y)]], 0.4, 2, 18)
    low_leaf, high_leaf = foliage.vertices.min(0), foliage.vertices.max(0)
    crown = solid((low_leaf, high_leaf))
    vessel = _round(0.5 * (low + pot_r), 0, pot_y)
    pieces = [(pot, vessel), (soil, crown[:0]), (foliage, crown), *((stem, crown[:0]) for stem in stems)]
    return standing(pieces, [of.leaf, ceramic, of.soil], True, np.concatenate([vessel, _bulk(foliage)]))


def _filling(foliage: Piece, others: Sequence[Piece], size: Size, rim: float) -> list[Piece]:
    """Leaves, and what carries them, stretched over the pot's rim until the leaves reach the sides and the top."""
    v = foliage.vertices
    low, high = np.minimum(v.min(0), -1e-6), np.maximum(v.max(0), 1e-6)
    half, least = np.array(size) / 2, 0.3 * rim
    drop = (rim - least) / (rim - low[1]) if low[1] < least else 1.0

    def stretched(piece: Piece) -> Piece:
        p = piece.vertices
        q = np.where(p < 0, p * -half / low, p * half / high)
        up = p[:, 1] - rim
        q[:, 1] = rim + np.where(up > 0, up * (size[1] - rim) / max(high[1] - rim, 1e-6), up * drop)
        return Piece(q, piece.faces, piece.uv, piece.tile)

    return [stretched(piece) for piece in (foliage, *others)]


def _bulk(foliage: Piece) -> Floats:
    """Boxes (5, 2, 3) where leaves are dense: from slice to slice, half of their area is within."""
    corners = foliage.vertices[foliage.faces]
    a, b, c = np.moveaxis(corners, 1, 0)
    area, middle = np.linalg.norm(np.cross(b - a, c - a), axis=1), corners.mean(1)
    edges = np.quantile(middle[:, 1], np.linspace(0.04, 0.98, 6))
    out = []
    for low, high in pairwise(edges):
        inside = (middle[:, 1] >= low) & (middle[:, 1] <= high)
        reach = np.abs(middle[inside][:, [0, 2]]).max(1)
        order = np.argsort(reach)
        share = np.cumsum(area[inside][order])
        half = max(float(reach[order][np.searchsorted(share, 0.5 * share[-1])]), 0.02)
        out.append(((-half, low, -half), (half, max(high, low + 0.01), half)))
    return solid(*out)


def _arching(size: Size, pot_y: float, pot_r: float, draws: Draws) -> tuple[Piece, list[Piece]]:
    """Long leaves that rise from the pot and bend outwards, as of a palm lily or a spider plant."""
    count = 36 + draws.below(24)
    k = np.arange(count)
    angle = k * 2.39996 + np.array([draws.normal(0, 0.25) for _ in k])
    lean = 0.15 + 0.85 * (k + 0.5) / count  # inner leaves stand, outer ones bend
    t = np.linspace(0, 1, 6)
    height = (size[1] - pot_y) * (1.0 - 0.45 * lean)
    reach = 0.5 * min(size[0], size[2]) * lean
    out = reach[:, None] * t**1.4
    rise = pot_y * 0.92 + height[:, None] * (t * (1.45 - 0.45 * t - lean[:, None] * 0.75 * t**2))
    direction = np.stack([np.sin(angle), np.cos(angle)], -1)[:, None]
    start = 0.35 * pot_r * direction
    flat = start + out[..., None] * direction
    spines = np.stack([flat[..., 0], rise, flat[..., 1]], -1)
    wide = draws.uniform(0.018, 0.042) * (0.6 + 0.4 * size[1])
    widths = np.broadcast_to(wide * np.sin(np.pi * (0.12 + 0.85 * t)) ** 0.8, (count, 6))
    up = np.stack([-0.5 * direction[:, 0, 0], np.ones(count), -0.5 * direction[:, 0, 1]], -1)
    return leaves(spines, widths, up, 0), []


def _bushy(size: Size, pot_y: float, pot_r: float, draws: Draws) -> tuple[Piece, list[Piece]]:
    """A few stems with broad leaves, as of a rubber plant or a small tree."""
    stems = 4 + draws.below(3)
    per = 15 + draws.below(6)
    crown = draws.uniform(0.2, 0.45)
    spines, widths, ups, twigs = [], [], [], []
    for s in range(stems):
        heading = TURN * (s + draws.uniform(-0.25, 0.25)) / stems
        out = 0.2 * min(size[0], size[2]) * draws.uniform(0.5, 1.2)
        tip = np.array([np.sin(heading) * out, size[1] * draws.uniform(0.8, 0.97), np.cos(heading) * out])
        root = np.array([np.sin(heading) * 0.3 * pot_r, 0.9 * pot_y, np.cos(heading) * 0.3 * pot_r])
        twigs.append(tube(np.linspace(root, tip, 4), np.linspace(0.013, 0.005, 4), 1.0, 2, 6))
        t = crown + (1 - crown) * np.arange(per) / (per - 1)
        at = root + t[:, None] * (tip - root)
        turn = np.arange(per) * 2.39996 + heading
        ways = np.stack([np.sin(turn), np.full(per, 0.35), np.cos(turn)], -1)
        long = 0.4 * min(size[0], size[2]) * (1.1 - 0.4 * t) * draws.uniform(0.8, 1.2)
        along = np.linspace(0, 1, 4)
        droop = np.zeros((per, 4, 3))
        droop[..., 1] = -0.5 * long[:, None] * along**2
        spines.append(at[:, None] + ways[:, None] * (long[:, None] * along)[..., None] + droop)
        widths.append(0.34 * long[:, None] * np.array([0.15, 0.85, 0.9, 0.05]))
        ups.append(np.tile((0.0, 1.0, 0.0), (per, 1)))
    foliage = leaves(np.concatenate(spines), np.concatenate(widths), np.concatenate(ups), 0)
    return foliage, twigs
