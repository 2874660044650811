"""What people sit on. Every builder fills exactly the size it is given, front at +z; shares hold at any size."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from posecorpus.synth.appearance.draws import Draws
from posecorpus.synth.props import materials as of
from posecorpus.synth.props.shape import Shape, Size, spread, standing
from posecorpus.synth.props.solids import boxed, cylinder, four_legs

SEAT_SHARE = {"stool": 1.0, "bench": 1.0, "crate": 1.0, "pouffe": 1.0, "chair": 0.5, "sofa": 0.5}
"""Height of the seat over the height of the whole, of everything that can be sat on."""
BACK_SHARE = {"chair": 0.14, "sofa": 0.28}
"""Depth that the back takes of the whole."""
ARM_SHARE = {"sofa": 0.13}
"""Width that each arm takes of the whole."""


def chair(size: Size, draws: Draws) -> Shape:
    """A chair with a back; the seat is at half of its height."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    seat_y = SEAT_SHARE["chair"] * y
    deep = BACK_SHARE["chair"] * size[2]
    materials = [(of.wood, of.metal, of.paint)[draws.below(3)]]
    padded = draws.random() < 0.5
    if padded:
        materials.append(of.fabric)
    soft = len(materials) - 1
    thick = min(0.032 + 0.012 * draws.random(), 0.8 * deep)
    t = min(0.05 if padded else 0.025, 0.4 * seat_y)
    seat = np.array([[(-x, seat_y - t, -z), (x, seat_y, z)]])
    legs = four_legs(x, z, seat_y - t, thick)
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
            (boxed(seat, max(size), soft, draws.random(), 0.015), seat),
            (boxed(np.concatenate([legs, posts]), max(size), 0, draws.random()), spread(legs, wall)),
            (boxed(back, max(size), soft, draws.random(), 0.012), wall),
        ],
        materials,
    )


def stool(size: Size, draws: Draws) -> Shape:
    """A stool: round on four legs, or square."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    materials = [of.wood if draws.random() < 0.6 else of.metal]
    if draws.random() < 0.4:
        materials.append(of.leather)
    top = len(materials) - 1
    t, thick = min(0.04, 0.3 * y), draws.uniform(0.028, 0.04)
    plate = np.array([[(-x, y - t, -z), (x, y, z)]])
    legs = four_legs(0.82 * x, 0.82 * z, y - t, thick)
    lower = 0.35 * y
    rungs = np.array(
        [
            ((-0.82 * x + thick, lower, s), (0.82 * x - thick, lower + 0.6 * thick, s + 0.6 * thick))
            for s in (-0.8 * z, 0.8 * z - 0.6 * thick)
        ]
    )
    if draws.random() < 0.5 and abs(x - z) < 1e-6:
        seat = cylinder(x, y - t, y, max(size), top, 20, 0.01)
    else:
        seat = boxed(plate, max(size), top, draws.random(), 0.012)
    return standing(
        [
            (seat, plate),
            (boxed(np.concatenate([legs, rungs]), max(size), 0, draws.random()), spread(legs, rungs)),
        ],
        materials,
    )


def pouffe(size: Size, draws: Draws) -> Shape:
    """A padded cube to sit on."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    body = np.array([[(-x, 0, -z), (x, y, z)]])
    cover = of.fabric if draws.random() < 0.6 else of.leather
    return standing([(boxed(body, max(size), 0, draws.random(), 0.04), body)], [cover])


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
        legs = four_legs(0.9 * x, 0.92 * z, y - t, thick)
    else:
        legs = np.array(
            [((s, 0, -0.9 * z), (s + thick, y - t, 0.9 * z)) for s in (-0.85 * x, 0.85 * x - thick)]
        )
    legs_material = of.metal if draws.random() < 0.5 else of.stone
    plate = np.array([[(-x, y - t, -z), (x, y, z)]])
    return standing(
        [
            (boxed(planks, max(size), 0, draws.random()), plate),
            (boxed(legs, max(size), 1, draws.random()), legs),
        ],
        [of.wood, legs_material],
    )


def sofa(size: Size, draws: Draws) -> Shape:
    """A sofa or armchair with cushions; the seat is at half of its height."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    materials = [of.fabric if draws.random() < 0.65 else of.leather, of.wood]
    pillows = 0
    if draws.random() < 0.4:
        pillows = len(materials)
        materials.append(of.fabric)
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
    feet = four_legs(0.95 * x, 0.92 * z, foot, 0.05)
    back = np.array([[(-x, foot, -z), (x, y, -z + deep)], [(-x + arm, 0, -z), (x - arm, seat_y, z)]])
    return standing(
        [
            (boxed(body, max(size), 0, draws.random(), 0.035), spread(body[1:3], back)),
            (boxed(pads, max(size), pillows, draws.random(), 0.045), back),
            (boxed(feet, max(size), 1, draws.random()), feet),
        ],
        materials,
    )
