"""Furniture of boxes. Every builder fills exactly the size it is given: x wide, y high, z deep, front at +z."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.appearance.draws import Draws
from posecorpus.synth.props import materials as of
from posecorpus.synth.props.shape import Shape, Size, spread, standing
from posecorpus.synth.props.solids import Floats, Piece, boxes, cylinder

SEAT_SHARE = {"stool": 1.0, "bench": 1.0, "crate": 1.0, "pouffe": 1.0, "chair": 0.5, "sofa": 0.5}
"""Height of the seat over the height of the whole, of everything that can be sat on."""
BACK_SHARE = {"chair": 0.14, "sofa": 0.28}
"""Depth that the back takes of the whole."""
ARM_SHARE = {"sofa": 0.13}
"""Width that each arm takes of the whole."""


def _legs(x: float, z: float, top: float, thick: float, bottom: float = 0.0) -> Floats:
    """(4, 2, 3) boxes of legs whose outer corners are at +-x, +-z."""
    out = np.empty((4, 2, 3))
    for i, (sx, sz) in enumerate(((-1, -1), (1, -1), (-1, 1), (1, 1))):
        xs, zs = sorted((sx * x, sx * (x - thick))), sorted((sz * z, sz * (z - thick)))
        out[i] = (xs[0], bottom, zs[0]), (xs[1], top, zs[1])
    return out


def _boxed(solids: NDArray[np.float64], span: float, tile: int, shift: float, bevel: float = 0.006) -> Piece:
    return boxes(solids[:, 0], solids[:, 1], span, tile, bevel, shift)


def crate(size: Size, draws: Draws) -> Shape:
    """A box: cardboard, boards, or painted."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    kind = draws.below(3)
    material = (of.carton, of.wood, of.paint)[kind](draws)
    body = np.array([[(-x, 0, -z), (x, y, z)]])
    parts = [(_boxed(body, max(size), 0, draws.random(), 0.012), body)]
    if kind == 1:  # battens along the edges of the front and the back
        w, t = 0.09 * min(size[0], size[1]), 0.03 * size[2]
        inner = body * (1, 1, 1 - t / z)
        rails = [
            ((-x, 0, s), (x, w, s + t)) for s in (z - t, -z)
        ] + [((-x, y - w, s), (x, y, s + t)) for s in (z - t, -z)]  # fmt: skip
        posts = [((p, w, s), (p + w, y - w, s + t)) for p in (-x, x - w) for s in (z - t, -z)]
        battens = np.array(rails + posts)
        parts = [
            (_boxed(inner, max(size), 0, draws.random()), body),
            (_boxed(battens, max(size), 0, 0.3), body),
        ]
    return standing(parts, [material])


def cabinet(size: Size, draws: Draws) -> Shape:
    """A cupboard, wardrobe or chest of drawers with handles."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    front = of.wood(draws) if draws.random() < 0.55 else of.white(draws)
    body = front if draws.random() < 0.6 else of.paint(draws, 0.8)
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
            (_boxed(np.concatenate([case, base]), span, 1, draws.random()), whole),
            (_boxed(doors, span, 0, draws.random(), 0.004), whole),
            (_boxed(handles, 0.3, 2, 0.0, 0.002), whole),
        ],
        [front, body, of.metal(draws)],
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
        (_boxed(frame, max(size), 0, draws.random(), 0.002), np.array([[(-x, 0, -z), (x, y, z)]]))
    ]
    whole = pieces[0][1]
    for k in range(3):
        if some := books[k::3]:
            pieces.append((_boxed(np.array(some), 0.5, k + 1, draws.random(), 0.003), whole))
    return standing(pieces, [of.wood(draws), of.paint(draws, 0.3), of.paint(draws, 0.5), of.carton(draws)])


def table(size: Size, draws: Draws) -> Shape:
    """A table or desk: four legs, or two panels."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    top_material = of.wood(draws) if draws.random() < 0.7 else of.white(draws)
    legs_material = top_material if draws.random() < 0.5 else of.metal(draws)
    t, thick = draws.uniform(0.025, 0.045), draws.uniform(0.045, 0.08)
    top = np.array([[(-x, y - t, -z), (x, y, z)]])
    inset = draws.uniform(0.0, 0.06)
    if draws.random() < 0.75:
        legs = _legs(x - inset, z - inset, y - t, thick)
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
            (_boxed(top, max(size), 0, draws.random()), top),
            (_boxed(legs, max(size), 1, draws.random()), legs),
        ],
        [top_material, legs_material],
    )


def chair(size: Size, draws: Draws) -> Shape:
    """A chair with a back; the seat is at half of its height."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    seat_y = SEAT_SHARE["chair"] * y
    deep = BACK_SHARE["chair"] * size[2]
    frame = (of.wood, of.metal, of.paint)[draws.below(3)](draws)
    padded = draws.random() < 0.5
    cushion = of.fabric(draws) if padded else frame
    thick = min(0.032 + 0.012 * draws.random(), 0.8 * deep)
    t = min(0.05 if padded else 0.025, 0.4 * seat_y)
    seat = np.array([[(-x, seat_y - t, -z), (x, seat_y, z)]])
    legs = _legs(x, z, seat_y - t, thick)
    low, high = seat_y, y
    posts = np.array(
        [((-x, low, -z), (-x + thick, high, -z + thick)), ((x - thick, low, -z), (x, high, -z + thick))]
    )
    inner = x - thick
    if draws.random() < 0.5:  # one panel, or slats
        back = np.array(
            [[(-inner, low + 0.35 * (high - low), -z + 0.1 * thick), (inner, high, -z + 0.9 * thick)]]
        )
    else:
        at = np.linspace(low + 0.2 * (high - low), high - 0.07, 3 + draws.below(2))
        back = np.array([((-inner, h, -z + 0.2 * thick), (inner, h + 0.06, -z + 0.8 * thick)) for h in at])
    wall = np.array([[(-x, low, -z), (x, high, -z + thick)]])
    return standing(
        [
            (_boxed(seat, max(size), 1, draws.random(), 0.015), seat),
            (_boxed(np.concatenate([legs, posts]), max(size), 0, draws.random()), spread(legs, wall)),
            (_boxed(back, max(size), 1 if padded else 0, draws.random(), 0.012), wall),
        ],
        [frame, cushion],
    )


def stool(size: Size, draws: Draws) -> Shape:
    """A stool: round on four legs, or square."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    material = of.wood(draws) if draws.random() < 0.6 else of.metal(draws)
    top = material if draws.random() < 0.6 else of.leather(draws)
    t, thick = min(0.04, 0.3 * y), draws.uniform(0.028, 0.04)
    plate = np.array([[(-x, y - t, -z), (x, y, z)]])
    legs = _legs(0.82 * x, 0.82 * z, y - t, thick)
    lower = 0.35 * y
    rungs = np.array(
        [
            ((-0.82 * x + thick, lower, s), (0.82 * x - thick, lower + 0.6 * thick, s + 0.6 * thick))
            for s in (-0.8 * z, 0.8 * z - 0.6 * thick)
        ]
    )
    if draws.random() < 0.5 and abs(x - z) < 1e-6:
        seat = cylinder(x, y - t, y, max(size), 1, 20, 0.01)
    else:
        seat = _boxed(plate, max(size), 1, draws.random(), 0.012)
    return standing(
        [
            (seat, plate),
            (_boxed(np.concatenate([legs, rungs]), max(size), 0, draws.random()), spread(legs, rungs)),
        ],
        [material, top],
    )


def pouffe(size: Size, draws: Draws) -> Shape:
    """A padded cube to sit on."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    body = np.array([[(-x, 0, -z), (x, y, z)]])
    cover = of.fabric(draws) if draws.random() < 0.6 else of.leather(draws)
    return standing([(_boxed(body, max(size), 0, draws.random(), 0.04), body)], [cover])


def bench(size: Size, draws: Draws) -> Shape:
    """A bench of planks, without a back."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    t, gap = min(0.035, 0.3 * y), 0.012
    count = max(2, round(size[2] / 0.13))
    edges = np.linspace(-z, z, count + 1)
    planks = np.array(
        [
            ((-x, y - t, a + (k > 0) * gap / 2), (x, y, b - (k < count - 1) * gap / 2))
            for k, (a, b) in enumerate(pairwise(edges))
        ]
    )
    thick = draws.uniform(0.05, 0.09)
    if draws.random() < 0.5:
        legs = _legs(0.9 * x, 0.92 * z, y - t, thick)
    else:
        legs = np.array(
            [((s, 0, -0.9 * z), (s + thick, y - t, 0.9 * z)) for s in (-0.85 * x, 0.85 * x - thick)]
        )
    legs_material = of.metal(draws) if draws.random() < 0.5 else of.stone(draws)
    plate = np.array([[(-x, y - t, -z), (x, y, z)]])
    return standing(
        [
            (_boxed(planks, max(size), 0, draws.random()), plate),
            (_boxed(legs, max(size), 1, draws.random()), legs),
        ],
        [of.wood(draws), legs_material],
    )


def sofa(size: Size, draws: Draws) -> Shape:
    """A sofa or armchair with cushions; the seat is at half of its height."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    cover = of.fabric(draws) if draws.random() < 0.65 else of.leather(draws)
    pillows = cover if draws.random() < 0.6 else of.fabric(draws)
    seat_y, deep = SEAT_SHARE["sofa"] * y, BACK_SHARE["sofa"] * size[2]
    arm, foot = ARM_SHARE["sofa"] * size[0], min(0.06, 0.2 * seat_y)
    arm_y = seat_y + 0.42 * (y - seat_y)
    cushion = min(0.14, 0.4 * seat_y)
    body = np.array(
        [
            ((-x + arm, foot, -z + deep), (x - arm, seat_y - cushion, z)),
            ((-x, foot, -z + 0.3 * deep), (-x + arm, arm_y, z)),
            ((x - arm, foot, -z + 0.3 * deep), (x, arm_y, z)),
            ((-x, foot, -z), (x, y, -z + 0.6 * deep)),
        ]
    )
    places = max(1, round((size[0] - 2 * arm) / 0.65))
    edges = np.linspace(-x + arm, x - arm, places + 1)
    pads = np.array(
        [((a, seat_y - cushion, -z + deep), (b, seat_y, z)) for a, b in pairwise(edges)]
        + [((a, seat_y, -z + 0.55 * deep), (b, y - 0.02 * y, -z + deep)) for a, b in pairwise(edges)]
    )
    feet = _legs(0.95 * x, 0.92 * z, foot, 0.05)
    back = np.array([[(-x, foot, -z), (x, y, -z + deep)], [(-x + arm, 0, -z), (x - arm, seat_y, z)]])
    return standing(
        [
            (_boxed(body, max(size), 0, draws.random(), 0.035), spread(body[1:3], back)),
            (_boxed(pads, max(size), 1, draws.random(), 0.045), back),
            (_boxed(feet, max(size), 2, draws.random()), feet),
        ],
        [cover, pillows, of.wood(draws)],
    )


def counter(size: Size, draws: Draws) -> Shape:
    """A counter or kitchen island: a worktop over panels."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    top = of.stone(draws) if draws.random() < 0.6 else of.wood(draws)
    body = of.white(draws) if draws.random() < 0.5 else of.wood(draws)
    t, over, foot = draws.uniform(0.03, 0.05), 0.02, 0.08
    count = max(1, round(size[0] / 0.6))
    edges = np.linspace(-x + over, x - over, count + 1)
    panels = [((a + 0.002, foot, -z + over), (b - 0.002, y - t, z - over)) for a, b in pairwise(edges)]
    base = ((-x + 0.06, 0.0, -z + 0.06), (x - 0.06, foot, z - 0.06))
    plate = np.array([[(-x, y - t, -z), (x, y, z)]])
    below = np.array([[(-x + over, 0, -z + over), (x - over, y - t, z - over)]])
    return standing(
        [
            (_boxed(plate, max(size), 0, draws.random(), 0.008), plate),
            (_boxed(np.array([*panels, base]), max(size), 1, draws.random(), 0.004), below),
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
    face = (of.paint, of.white, of.screen)[draws.below(3)](draws)
    return standing(
        [
            (_boxed(plate, max(size), 0, draws.random()), plate),
            (_boxed(np.concatenate([posts, feet]), max(size), 1, 0.2), spread(posts, feet)),
        ],
        [face, of.metal(draws)],
    )
