"""What stands where in an indoor room, and of what it is made: plain records drawn from a generator.

The room frame is the world turned about its vertical so that the box's walls are its axes; its origin
is on the floor below the camera. Walls are named by the axis they are on: ``x0`` is the wall at the
smaller x, and so on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.appearance import colours
from posecorpus.synth.appearance.colours import RGB
from posecorpus.synth.appearance.draws import Draws

FLOOR, CEILING, WALL_X0, WALL_X1, WALL_Z0, WALL_Z1 = range(6)

PLAIN, PLANKS, TILES, CHECKER, CARPET, WALLPAPER, BRICK, WAINSCOT, GRID = range(9)
"""Materials of surfaces."""

WINDOW, DOOR, PICTURE, RUG, LAMP, BOOKS = range(6)
"""What is let into or hung on a surface."""

# Records are numbers of one type, so that a row of numbers is a record (see ``_records``).
_RGB = np.dtype([(c, np.float32) for c in "rgb"])
SURFACE = np.dtype(
    [("material", np.float32), ("one", _RGB), ("two", _RGB), ("size", np.float32), ("grain", np.float32)]
)
DECAL = np.dtype(
    [
        ("surface", np.float32),
        ("kind", np.float32),
        ("u0", np.float32),
        ("u1", np.float32),
        ("v0", np.float32),
        ("v1", np.float32),
        ("one", _RGB),
        ("two", _RGB),
        ("three", _RGB),
        ("phase", np.float32),
    ]
)
BOX = np.dtype(
    [
        ("lo", np.float32, (3,)),
        ("hi", np.float32, (3,)),
        ("one", _RGB),
        ("two", _RGB),
        ("rows", np.float32),
        ("columns", np.float32),
        ("legs", np.float32),
    ]
)
LIGHT = np.dtype(
    [(axis + lamp, np.float32) for lamp in "ab" for axis in ("x", "y", "z", "power_")]
    + [("ambient", np.float32), ("tint", _RGB)]
)
"""Two lamps, a and b, and what is the same everywhere; ambient 1 shows a surface in its own colour."""


MOST_BOXES = 7
"""Pieces of furniture in a room."""

Row = tuple[float, ...]
"""The numbers of a record."""

Point = tuple[float, float, float]
_Rectangle = tuple[float, float, float, float]  # x0, z0, x1, z1 on the floor


@dataclass(frozen=True)
class RoomPlan:
    """A furnished room.

    Attributes:
        turn: (3, 3) rotation from the world to the room frame.
        eye: (3,) the camera in the room frame.
        low, high: (3,) corners of the box, metres; ``low[1]`` is the floor.
        surfaces: (6,) SURFACE records, in the order FLOOR ... WALL_Z1.
        decals: (D,) DECAL records sorted by surface and then by u0; later ones cover earlier ones. On walls u runs along
            the wall's horizontal axis and v is the height; on floor and ceiling they are x and z.
        boxes: (B,) BOX records: furniture.
        light: (1,) LIGHT record.
    """

    turn: NDArray[np.float64]
    eye: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    surfaces: NDArray[np.void]
    decals: NDArray[np.void]
    boxes: NDArray[np.void]
    light: NDArray[np.void]


def plan_room(camera: Camera, rng: np.random.Generator, keep_clear: NDArray[np.floating]) -> RoomPlan:
    """Build a room around a camera and the people it looks at.

    Args:
        camera: in the world; the floor is at y = 0, or below a camera that is lower.
        rng: the source of all draws.
        keep_clear: (P, 3) world positions of people; walls and furniture stay behind or beside them.
    """
    draws = Draws(rng)
    eye_world = camera.centre
    turn = _turn(camera, draws)
    centre, eye = eye_world * (1, 0, 1), eye_world * (0, 1, 0)
    people: list[Point] = ((keep_clear - centre) @ turn.T).tolist()
    x, y, z = zip(*people, strict=True)
    eye_y = float(eye[1])
    low = (
        min(*x, 0.0) - draws.uniform(1.2, 3.5),
        min(0.0, eye_y - 0.1),
        min(*z, 0.0) - draws.uniform(0.6, 1.5),
    )
    high = (
        max(*x, 0.0) + draws.uniform(1.2, 3.5),
        max(draws.uniform(2.4, 3.4), eye_y + 0.3, max(y) + 1.2),
        max(*z, 0.0) + draws.uniform(1.0, 3.2),
    )
    surfaces = _surfaces(draws)
    decals = _decals(draws, low, high)
    boxes = _furniture(draws, low, high, people)
    lamps: list[float] = []
    for _ in range(2):
        lamps += (
            draws.uniform(low[0], high[0]), high[1] - 0.4, draws.uniform(low[2], high[2]),
            draws.uniform(0.05, 0.45),
        )  # fmt: skip
    warm = draws.uniform(-0.08, 0.12)
    light = [(*lamps, draws.uniform(0.4, 0.85), 1 + warm, 1.0, 1 - warm)]
    return RoomPlan(
        turn=turn,
        eye=eye,
        low=np.array(low),
        high=np.array(high),
        surfaces=_records(surfaces, SURFACE),
        decals=_records(decals, DECAL),
        boxes=_records(boxes, BOX),
        light=_records(light, LIGHT),
    )


def _records(rows: Sequence[Row], kind: np.dtype[np.void]) -> NDArray[np.void]:
    """(N,) records whose fields, all float32, are the numbers of each row. Nested tuples cost numpy ten times as much."""
    return np.array(rows, np.float32).reshape(-1, kind.itemsize // 4).view(kind)[:, 0]


def _turn(camera: Camera, draws: Draws) -> NDArray[np.float64]:
    """Rotation about the vertical after which the camera looks roughly along +z of the room."""
    _, up, (x, _, z) = camera.R.tolist()
    if math.hypot(x, z) < 1e-3:  # straight down or up: the top of the picture is as good
        x, z = -up[0], -up[2]
    # Mostly a wall across the view; now and then a corner.
    heading = math.atan2(x, z)
    heading += math.radians(draws.normal(0, 12) if draws.random() < 0.7 else draws.uniform(-45, 45))
    c, s = math.cos(heading), math.sin(heading)
    return np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])


def _surfaces(draws: Draws) -> list[Row]:
    """Rows of :data:`SURFACE`, FLOOR ... WALL_Z1."""
    floor = (PLANKS, PLANKS, PLANKS, TILES, CHECKER, CARPET, CARPET)[draws.below(7)]
    if floor == PLANKS:
        one = colours.blend((70, 44, 28), (205, 165, 118), draws.random())
        two = colours.scale(one, draws.uniform(0.7, 0.9))
        size = draws.uniform(0.08, 0.18)
    elif floor == CARPET:
        one = colours.cloth(draws, 0.85)
        two, size = colours.scale(one, 0.8), 0.3
    else:
        one = _pale(draws, 0.5, 0.9)
        two = colours.scale(one, draws.uniform(0.25, 0.8))
        size = draws.uniform(0.25, 0.6)
    rows: list[Row] = [(floor, *one, *two, size, draws.uniform(0.05, 0.16))]
    white = _pale(draws, 0.8, 0.97)
    office = draws.random() < 0.2
    rows.append((GRID if office else PLAIN, *white, *colours.scale(white, 0.85), 0.6, 0.02))
    wall = (PLAIN, PLAIN, PLAIN, PLAIN, WALLPAPER, WAINSCOT, BRICK, TILES)[draws.below(8)]
    one = _pale(draws, 0.45, 0.95)
    if draws.random() < 0.35:
        one = colours.blend(one, colours.cloth(draws, 0.3), draws.uniform(0.15, 0.7))
    two = colours.scale(one, draws.uniform(0.8, 0.95))
    size = draws.uniform(0.08, 0.35)
    if wall == BRICK:
        one = colours.blend((150, 70, 52), (215, 205, 195), draws.random())
        two, size = _pale(draws, 0.5, 0.8), 0.075
    elif wall == WAINSCOT:
        two, size = colours.cloth(draws, 0.6), draws.uniform(0.8, 1.2)
    elif wall == TILES:
        two, size = colours.scale(one, 0.75), draws.uniform(0.1, 0.3)
    accent = WALL_X0 + draws.below(4) if draws.random() < 0.25 else -1
    for k in (WALL_X0, WALL_X1, WALL_Z0, WALL_Z1):
        if k == accent:
            other = colours.blend(one, colours.cloth(draws, 0.5), 0.75)
            rows.append((PLAIN, *other, *colours.scale(other, 0.9), 0.3, 0.04))
        else:
            rows.append((wall, *one, *two, size, draws.uniform(0.01, 0.05)))
    return rows


def _decals(draws: Draws, low: Point, high: Point) -> list[Row]:
    """Rows of :data:`DECAL`, sorted."""
    rows: list[Row] = []
    palette = [colours.cloth(draws, 0.55) for _ in range(7)]
    if draws.random() < 0.45:
        x, z = draws.uniform(low[0], high[0]), draws.uniform(0.4, 1.0) * high[2]
        a, b = draws.uniform(0.8, 2.0), draws.uniform(0.6, 1.5)
        rows.append(_decal(FLOOR, RUG, (x - a, z - b, x + a, z + b), palette, draws))
    for _ in range(draws.below(4)):
        x, z = draws.uniform(low[0], high[0]), draws.uniform(low[2], high[2])
        a, b = (0.3, 0.3) if draws.random() < 0.6 else (0.6, 0.15)
        rows.append(_decal(CEILING, LAMP, (x - a, z - b, x + a, z + b), [(255.0, 252.0, 240.0)], draws))
    white = _pale(draws, 0.75, 0.95)
    height = high[1]
    for wall, axis in ((WALL_X0, 2), (WALL_X1, 2), (WALL_Z1, 0)):
        # Fill the wall from one end to the other with things and gaps.
        at = low[axis] + draws.uniform(0.1, 1.2)
        while True:
            kind = (WINDOW, DOOR, PICTURE, PICTURE, PICTURE, BOOKS)[draws.below(6)]
            width, bottom, top = _opening(draws, kind, height)
            if at + width > high[axis] - 0.1:
                break
            if draws.random() < 0.8:
                frame = palette
                if kind in (WINDOW, DOOR):
                    wood = colours.blend((60, 38, 26), (170, 125, 84), draws.random())
                    frame = [white if draws.random() < 0.6 else wood]
                rows.append(_decal(wall, kind, (at, bottom, at + width, top), frame, draws))
            at += width + draws.uniform(0.25, 1.3)
    rows.sort(key=itemgetter(0, 2))
    return rows


def _opening(draws: Draws, kind: int, height: float) -> tuple[float, float, float]:
    """Width, bottom and top of a thing on a wall."""
    if kind == DOOR:
        return draws.uniform(0.8, 1.0), 0.0, min(draws.uniform(2.0, 2.15), height - 0.1)
    if kind == WINDOW:
        bottom = draws.uniform(0.5, 1.0)
        return draws.uniform(0.8, 2.2), bottom, min(bottom + draws.uniform(1.0, 1.5), height - 0.15)
    if kind == BOOKS:
        return draws.uniform(0.7, 1.4), 0.0, min(draws.uniform(1.2, 2.1), height - 0.2)
    width = draws.uniform(0.3, 1.1)
    middle = draws.uniform(1.4, 1.75)
    half = width * draws.uniform(0.3, 0.7)
    return width, max(middle - half, 0.9), min(middle + half, height - 0.15)


def _decal(
    surface: int,
    kind: int,
    edges: tuple[float, float, float, float],
    palette: list[RGB],
    draws: Draws,
) -> Row:
    """A row of :data:`DECAL`; ``edges`` are u0, v0, u1 and v1."""
    one, two, three = (palette[int(draws.random() * len(palette))] for _ in range(3))
    u0, v0, u1, v1 = edges
    return surface, kind, u0, u1, v0, v1, *one, *two, *three, draws.random()


def _furniture(draws: Draws, low: Point, high: Point, people: list[Point]) -> list[Row]:
    """Rows of :data:`BOX` along the walls, never nearer than 0.7 m to anyone nor between the camera and anyone."""
    rows: list[Row] = []
    plans: list[_Rectangle] = []
    middle = 0.5 * max(0.0, *(z for _, _, z in people))
    for _ in range(1 + draws.below(10)):
        if len(rows) == MOST_BOXES:
            break
        width, depth = draws.uniform(0.5, 2.0), draws.uniform(0.35, 0.75)
        tall = draws.uniform(0.4, 1.0) if draws.random() < 0.75 else draws.uniform(1.4, 2.0)
        if draws.random() < 0.55:  # against the far wall
            x, z = draws.uniform(low[0], max(high[0] - width, low[0] + 0.01)), high[2] - depth
            plan = (x, z, x + width, z + depth)
        else:  # against a side wall
            x = low[0] if draws.random() < 0.5 else high[0] - depth
            z = draws.uniform(middle, max(high[2] - width, 0.6 * high[2]))
            plan = (x, z, x + depth, z + width)
        if any(_overlap(plan, other) for other in plans) or any(
            _in_the_way(plan, p[0], p[2]) for p in people
        ):
            continue
        wood = colours.blend((52, 34, 24), (212, 178, 134), draws.random())
        one = wood if draws.random() < 0.5 else colours.cloth(draws, 0.6)
        if draws.random() < 0.2:
            one = _pale(draws, 0.7, 0.95)
        two = colours.scale(one, draws.uniform(0.6, 0.85))
        legs = draws.uniform(0.04, 0.16) if tall < 0.85 and draws.random() < 0.4 else 0.0
        columns, fronts = 1 + draws.below(3), 1 + draws.below(3)
        x0, z0, x1, z1 = plan
        rows.append((x0, low[1], z0, x1, low[1] + tall, z1, *one, *two, fronts, columns, legs))
        plans.append(plan)
    return rows


def _in_the_way(plan: _Rectangle, x: float, z: float) -> bool:
    """Whether a rectangle comes within 0.7 m of the line from the camera, at the origin, to a person at (x, z)."""
    x0, z0, x1, z1 = plan
    # Most are far from the box around the line.
    if x0 > max(x, 0) * 1.05 + 0.7 or x1 < min(x, 0) * 1.05 - 0.7:
        return False
    if z0 > max(z, 0) * 1.05 + 0.7 or z1 < min(z, 0) * 1.05 - 0.7:
        return False
    for share in _SHARES:
        px, pz = share * x, share * z
        dx, dz = max(x0 - px, px - x1, 0.0), max(z0 - pz, pz - z1, 0.0)
        if dx * dx + dz * dz < 0.7**2:
            return True
    return False


_SHARES = [1.05 * k / 21 for k in range(22)]


def _overlap(one: _Rectangle, other: _Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _pale(draws: Draws, darkest: float, lightest: float) -> RGB:
    value = draws.uniform(darkest, lightest) * 255
    warm, green = draws.uniform(-0.04, 0.10), draws.uniform(-0.03, 0.03)
    return colours.scale((value * (1 + warm), value * (1 + green), value * (1 - warm)), 1.0)
