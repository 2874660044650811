"""Furniture of boxes. Every builder fills exactly the size it is given: x wide, y high, z deep, front at +z."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.appearance.draws import Draws
from posecorpus.synth.props import materials as of
from posecorpus.synth.props.shape import Shape, Size, spread, standing
from posecorpus.synth.props.solids import Piece, boxed, four_legs


def crate(size: Size, draws: Draws) -> Shape:
    """A box: cardboard, boards, or painted."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    kind = draws.below(3)
    material = (of.carton, of.wood, of.paint)[kind]
    body = np.array([[(-x, 0, -z), (x, y, z)]])
    parts = [(boxed(body, max(size), 0, draws.random(), 0.012), body)]
    if kind == 1:  # battens along the edges of the front and the back
        w, t = 0.09 * min(size[0], size[1]), 0.03 * size[2]
        inner = body * (1, 1, 1 - t / z)
        rails = [
            ((-x, 0, s), (x, w, s + t)) for s in (z - t, -z)
        ] + [((-x, y - w, s), (x, y, s + t)) for s in (z - t, -z)]  # fmt: skip
        posts = [((p, w, s), (p + w, y - w, s + t)) for p in (-x, x - w) for s in (z - t, -z)]
        battens = np.array(rails + posts)
        parts = [
            (boxed(inner, max(size), 0, draws.random()), body),
            (boxed(battens, max(size), 0, 0.3), body),
        ]
    return standing(parts, [material])


def cabinet(size: Size, draws: Draws) -> Shape:
    """A cupboard, wardrobe or chest of drawers with handles."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    materials = [of.wood if draws.random() < 0.55 else of.white, of.metal]
    body = 0
    if draws.random() < 0.4:
        body = len(materials)
        materials.append(of.sober_paint)
    t, foot = min(0.022, 0.1 * size[2]), min(0.07, 0.08 * y)
    case = np.array([[(-x, foot, -z), (x, y, z - t)]])
    base = np.array([[(-0.94 * x, 0, -0.94 * z), (0.94 * x, foot, 0.9 * z - t)]])
    columns = 1 if size[0] < 0.55 else 2 if size[0] < 1.3 else 3
    rows = max(1, round(y / draws.uniform(0.22, 0.4))) if y < 1.3 and draws.random() < 0.6 else 1 + (y > 1.7)
    edges_x, edges_y = np.linspace(-x, x, columns + 1), np.linspace(foot, y, rows + 1)
    gap = 0.004
    doors = np.array(
        [
            (
                (edges_x[i] + gap, edges_y[j] + gap, z - t),
                (edges_x[i + 1] - gap, edges_y[j + 1] - gap, z - 0.4 * t),
            )
            for i in range(columns)
            for j in range(rows)
        ]
    )
    middle, high = doors.mean(1), doors[:, 1]
    wide = rows > 2 or y < 0.6
    half = np.array((0.05, 0.006) if wide else (0.006, 0.06))
    if wide:
        at = middle[:, :2]
    else:
        towards = (
            np.where(np.arange(len(doors)) // rows % 2 == 0, 1, -1) if columns > 1 else np.ones(len(doors))
        )
        at = np.stack([middle[:, 0] + towards * ((high - middle)[:, 0] - 0.04), middle[:, 1]], -1)
    handles = np.stack(
        [np.c_[at - half, np.full(len(at), z - 0.4 * t)], np.c_[at + half, np.full(len(at), z)]], 1
    )
    whole = np.array([[(-x, 0, -z), (x, y, z)]])
    span = max(size)
    return standing(
        [
            (boxed(np.concatenate([case, base]), span, body, draws.random()), whole),
            (boxed(doors, span, 0, draws.random(), 0.004), whole),
            (boxed(handles, 0.3, 1, 0.0, 0.002), whole),
        ],
        materials,
    )


def shelf(size: Size, draws: Draws) -> Shape:
    """An open bookcase with some books and boxes in it."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    t = min(0.025, 0.08 * size[0])
    rows = max(2, round(y / 0.36))
    levels = np.linspace(0, y - t, rows + 1)
    boards = [((-x + t, h, -z), (x - t, h + t, z)) for h in levels]
    sides = [((-x, 0, -z), (-x + t, y, z)), ((x - t, 0, -z), (x, y, z))]
    back = [((-x + t, 0, -z), (x - t, y, -z + 0.4 * t))]
    frame = np.array(boards + sides + back)
    books: list[tuple[tuple[float, float, float], tuple[float, float, float]]] = []
    for low, high in zip(levels[:-1] + t, levels[1:], strict=True):
        at = -x + t
        end = at + draws.uniform(0.2, 1.0) * (size[0] - 2 * t)
        while True:
            w = draws.uniform(0.05, 0.13)
            if at + w > end:
                break
            tall = low + (high - low) * draws.uniform(0.6, 0.95)
            books.append(((at, low, -z + 0.4 * t), (at + 0.94 * w, tall, z * draws.uniform(0.3, 0.85))))
            at += w
    pieces: list[tuple[Piece, NDArray[np.float64] | None]] = [
        (boxed(frame, max(size), 0, draws.random(), 0.002), np.array([[(-x, 0, -z), (x, y, z)]]))
    ]
    whole = pieces[0][1]
    for k in range(3):
        if some := books[k::3]:
            pieces.append((boxed(np.array(some), 0.5, k + 1, draws.random(), 0.003), whole))
    return standing(pieces, [of.wood, of.vivid_paint, of.paint, of.carton])


def table(size: Size, draws: Draws) -> Shape:
    """A table or desk: four legs, or two panels."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    materials = [of.wood if draws.random() < 0.7 else of.white]
    if draws.random() < 0.5:
        materials.append(of.metal)
    t, thick = draws.uniform(0.025, 0.045), draws.uniform(0.045, 0.08)
    top = np.array([[(-x, y - t, -z), (x, y, z)]])
    inset = draws.uniform(0.0, 0.06)
    if draws.random() < 0.75:
        legs = four_legs(x - inset, z - inset, y - t, thick)
        rail = y - t - 0.08
        rails = [
            ((-x + inset + thick, rail, s), (x - inset - thick, y - t, s + 0.02))
            for s in (-z + inset, z - inset - 0.02)
        ]
        legs = np.concatenate([legs, np.array(rails)])
    else:
        legs = np.array(
            [((s, 0, -z + inset), (s + 0.03, y - t, z - inset)) for s in (-x + inset, x - inset - 0.03)]
        )
    return standing(
        [
            (boxed(top, max(size), 0, draws.random()), top),
            (boxed(legs, max(size), len(materials) - 1, draws.random()), legs),
        ],
        materials,
    )


def counter(size: Size, draws: Draws) -> Shape:
    """A counter or kitchen island: a worktop over panels."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    top = of.stone if draws.random() < 0.6 else of.wood
    body = of.white if draws.random() < 0.5 else of.wood
    t, over, foot = draws.uniform(0.03, 0.05), 0.02, 0.08
    count = max(1, round(size[0] / 0.6))
    edges = np.linspace(-x + over, x - over, count + 1)
    panels = [((a + 0.002, foot, -z + over), (b - 0.002, y - t, z - over)) for a, b in pairwise(edges)]
    base = ((-x + 0.06, 0.0, -z + 0.06), (x - 0.06, foot, z - 0.06))
    plate = np.array([[(-x, y - t, -z), (x, y, z)]])
    below = np.array([[(-x + over, 0, -z + over), (x - over, y - t, z - over)]])
    return standing(
        [
            (boxed(plate, max(size), 0, draws.random(), 0.008), plate),
            (boxed(np.array([*panels, base]), max(size), 1, draws.random(), 0.004), below),
        ],
        [top, body],
    )


def board(size: Size, draws: Draws) -> Shape:
    """A notice board, screen or sign on two feet."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    t = min(0.03, size[2])
    low = y * draws.uniform(0.05, 0.55)
    plate = np.array([[(-x, low, -t / 2), (x, y, t / 2)]])
    posts = np.array([((s, 0, -t / 2), (s + t, low, t / 2)) for s in (-0.9 * x, 0.9 * x - t)])
    feet = np.array([((s, 0, -z), (s + t, 0.03, z)) for s in (-0.9 * x, 0.9 * x - t)])
    face = (of.paint, of.white, of.sober_paint)[draws.below(3)]
    return standing(
        [
            (boxed(plate, max(size), 0, draws.random()), plate),
            (boxed(np.concatenate([posts, feet]), max(size), 1, 0.2), spread(posts, feet)),
        ],
        [face, of.metal],
    )
