"""Things that people hold. Every builder fills exactly the size it is given."""

from __future__ import annotations

import numpy as np

from posecorpus.synth.appearance.draws import Draws
from posecorpus.synth.props import materials as of
from posecorpus.synth.props.shape import Grip, Shape, Size, solid, standing
from posecorpus.synth.props.solids import TURN, boxes, cylinder, tube, turned

BAG_STRAPS = 0.36
"""Share of a bag's height that its straps take."""


def bag(size: Size, draws: Draws) -> Shape:
    """A shopping bag or handbag with two straps."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    top = (1 - BAG_STRAPS) * y
    cover = (of.fabric, of.leather, of.paint)[draws.below(3)]
    body = boxes((-x, 0, -z), (x, top, z), max(size), 0, 0.02, draws.random())
    r = 0.006
    t = np.linspace(0, np.pi, 9)
    half = min(0.5 * x, 0.07)
    leather_straps = draws.random() < 0.4
    pieces = [(body, solid(((-x, 0, -z), (x, top, z))))]
    for side in (-1, 1):
        # Both straps meet in the hand, as the middle of their arches.
        sway = side * 0.6 * z * (1 - np.sin(t))
        arch = np.stack([half * np.cos(t), top + (y - top - r) * np.sin(t) ** 0.7, sway], -1)
        arch[[0, -1], 1] = top - 0.03
        pieces.append((tube(arch, r, 0.5, int(leather_straps), 6), np.empty((0, 2, 3))))
    return standing(pieces, [cover, of.leather] if leather_straps else [cover])


def bottle(size: Size, draws: Draws) -> Shape:
    """A bottle, or a can if it is squat."""
    y, r = size[1], min(size[0], size[2]) / 2
    neck, shoulder = 0.38 * r, y * draws.uniform(0.55, 0.72)
    body = turned(
        [
            [(0, 0), (0.9 * r, 0)],
            [(0.9 * r, 0), (r, 0.03 * y), (r, shoulder), (0.8 * r, shoulder + 0.09 * y), (neck, 0.86 * y), (neck, 0.93 * y)],
        ],
        1.0, 0, 14, wrap=True,
    )  # fmt: skip
    cap = cylinder(1.15 * neck, 0.93 * y, y, 0.2, 1, 12)
    solids = solid(((-r, 0, -r), (r, shoulder, r)), ((-neck, shoulder, -neck), (neck, y, neck)))
    return standing([(body, solids), (cap, solids[:0])], [of.label, of.plastic])


def racket(size: Size, draws: Draws) -> Shape:
    """A tennis or badminton racket, its handle down."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    rim = min(0.011, z)
    grip_y, long = 0.3 * y, 0.46 * y
    a, b = x - rim, long / 2 - rim
    centre = y - rim - b
    t = np.arange(24) / 24 * TURN
    head = tube(np.c_[a * np.sin(t), centre + b * np.cos(t), np.zeros(24)], rim, 1.0, 0, 6, closed=True)
    handle = tube([(0, 0, 0), (0, grip_y, 0)], z, 0.3, 1, 8)
    shaft = tube([(0, grip_y, 0), (0, centre - b, 0)], 0.6 * rim, 1.0, 0, 6)
    n = 7
    s = np.linspace(-0.82, 0.82, n)
    reach = np.sqrt(1 - s**2)
    w = 0.0012
    low = np.r_[
        np.c_[a * s - w, centre - b * reach, np.full(n, -w)],
        np.c_[-a * reach, centre + b * s - w, np.full(n, -w)],
    ]
    high = np.r_[
        np.c_[a * s + w, centre + b * reach, np.full(n, w)],
        np.c_[a * reach, centre + b * s + w, np.full(n, w)],
    ]
    strings = boxes(low, high, 1.0, 2, 0.0003)
    solids = solid(((-x, centre - b, -rim), (x, y, rim)), ((-z, 0, -z), (z, centre - b, z)))
    return standing(
        [(head, solids), (handle, solids[:0]), (shaft, solids[:0]), (strings, solids[:0])],
        [of.plastic, of.leather, of.string],
    )


def phone(size: Size, draws: Draws) -> Shape:
    """A phone, its screen at +z."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    body = boxes((-x, 0, -z), (x, y, 0.9 * z), max(size), 0, 0.003)
    glass = boxes((-0.95 * x, 0.02 * y, 0.9 * z), (0.95 * x, 0.98 * y, z), 0.98 * y, 1, 0.0003)
    return standing([(body, None), (glass, np.empty((0, 2, 3)))], [of.plastic, of.screen])


def umbrella(size: Size, draws: Draws) -> Shape:
    """An open umbrella, its handle down."""
    y, r = size[1], min(size[0], size[2]) / 2
    deep = min(0.42 * r, 0.4 * y)
    t = np.linspace(0, 1, 6)
    dome = np.c_[r * np.cos(0.5 * np.pi * t) ** 0.9, (y - 0.04) - deep * (1 - np.sin(0.5 * np.pi * t) ** 1.2)]
    dome[-1, 0] = 0
    canopy = turned([dome], 1.0, 0, 16, wrap=True)
    shaft = tube([(0, 0.1, 0), (0, y, 0)], 0.006, 1.0, 1, 6)
    handle = tube([(0, 0, 0), (0, 0.13, 0)], 0.014, 0.3, 1, 8)
    low = y - 0.04 - deep
    solids = solid(
        ((-0.7 * r, low, -0.7 * r), (0.7 * r, y - 0.04, 0.7 * r)),
        ((-r, low, -0.38 * r), (r, low + 0.5 * deep, 0.38 * r)),
        ((-0.38 * r, low, -r), (0.38 * r, low + 0.5 * deep, r)),
        ((-0.014, 0, -0.014), (0.014, y, 0.014)),
    )
    return standing(
        [(canopy, solids), (shaft, solids[:0]), (handle, solids[:0])],
        [of.panes, of.metal],
        True,
    )


def stick(size: Size, draws: Draws) -> Shape:
    """A walking stick, staff, bat or broom handle."""
    y, r = size[1], min(size[0], size[2]) / 2
    thin = r * draws.uniform(0.8, 1.0)
    material = of.wood if draws.random() < 0.65 else of.metal
    body = turned(
        [[(0, 0), (0.9 * thin, 0)], [(0.9 * thin, 0), (thin, 0.01), (r, y - 0.01), (0.9 * r, y)], [(0.9 * r, y), (0, y)]],
        y, 0, 10,
    )  # fmt: skip
    return standing([(body, None)], [material])


def parcel(size: Size, draws: Draws) -> Shape:
    """A small box or a book."""
    x, y, z = size[0] / 2, size[1], size[2] / 2
    material = of.carton if draws.random() < 0.5 else of.vivid_paint
    return standing([(boxes((-x, 0, -z), (x, y, z), max(size), 0, 0.004, draws.random()), None)], [material])


GRIPS: dict[str, Grip] = {
    "bag": Grip((0.0, 1.0, 0.0), 0.006, "hang"),
    "bottle": Grip((0.0, 0.4, 0.0), 0.0, "bar"),
    "racket": Grip((0.0, 0.13, 0.0), 0.017, "bar"),
    "phone": Grip((0.0, 0.4, -0.5), 0.0, "flat"),
    "umbrella": Grip((0.0, 0.07, 0.0), 0.014, "upright"),
    "stick": Grip((0.0, 0.55, 0.0), 0.0, "bar"),
    "parcel": Grip((0.0, 0.5, -0.5), 0.0, "flat"),
    "ball": Grip((0.0, 0.5, -0.5), 0.0, "flat"),
}
"""How each is held; a radius of 0 stands for half of its width."""
