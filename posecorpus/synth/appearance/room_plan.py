"""What stands where in an indoor room, and of what it is made: plain records drawn from a generator.

The room frame is the world turned about its vertical so that the box's walls are its axes; its origin
is on the floor below the camera. Walls are named by the axis they are on: ``x0`` is the wall at the
smaller x, and so on.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.appearance import colours
from posecorpus.synth.appearance.colours import RGB

FLOOR, CEILING, WALL_X0, WALL_X1, WALL_Z0, WALL_Z1 = range(6)

PLAIN, PLANKS, TILES, CHECKER, CARPET, WALLPAPER, BRICK, WAINSCOT, GRID = range(9)
"""Materials of surfaces."""

WINDOW, DOOR, PICTURE, RUG, LAMP, BOOKS = range(6)
"""What is let into or hung on a surface."""

_RGB = np.dtype([(c, np.float32) for c in "rgb"])
SURFACE = np.dtype(
    [("material", np.int32), ("one", _RGB), ("two", _RGB), ("size", np.float32), ("grain", np.float32)]
)
DECAL = np.dtype(
    [
        ("surface", np.int32),
        ("kind", np.int32),
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
    eye_world = camera.centre
    turn = _turn(camera, rng)
    centre = np.array([eye_world[0], 0.0, eye_world[2]])
    eye = np.array([0.0, eye_world[1], 0.0])
    people = (keep_clear - centre) @ turn.T

    floor = min(0.0, eye[1] - 0.1)
    low = np.minimum(people.min(0), 0) - (rng.uniform(1.2, 3.5), 0, rng.uniform(0.6, 1.5))
    high = np.maximum(people.max(0), 0) + (rng.uniform(1.2, 3.5), 0, rng.uniform(1.0, 3.2))
    low[1], high[1] = floor, max(rng.uniform(2.4, 3.4), eye[1] + 0.3, people[:, 1].max() + 1.2)

    surfaces = _surfaces(rng)
    decals = _decals(rng, low, high)
    boxes = _furniture(rng, low, high, np.vstack([people, eye]))
    light = np.zeros(1, LIGHT)
    for lamp in "ab":
        light["x" + lamp], _, light["z" + lamp] = rng.uniform(low, high)
        light["y" + lamp] = high[1] - 0.4
        light["power_" + lamp] = rng.uniform(0.05, 0.45)
    warm = rng.uniform(-0.08, 0.12)
    light["ambient"], light["tint"] = rng.uniform(0.4, 0.85), (1 + warm, 1.0, 1 - warm)
    return RoomPlan(
        turn=turn,
        eye=eye,
        low=low,
        high=high,
        surfaces=surfaces,
        decals=decals,
        boxes=boxes,
        light=light,
    )


def _turn(camera: Camera, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rotation about the vertical after which the camera looks roughly along +z of the room."""
    forward = camera.R[2] * (1, 0, 1)
    if np.linalg.norm(forward) < 1e-3:  # straight down or up: the top of the picture is as good
        forward = -camera.R[1] * (1, 0, 1)
    heading = np.arctan2(forward[0], forward[2])
    # Mostly a wall across the view; now and then a corner.
    heading += np.radians(rng.normal(0, 12) if rng.random() < 0.7 else rng.uniform(-45, 45))
    c, s = np.cos(heading), np.sin(heading)
    return np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])


def _surfaces(rng: np.random.Generator) -> NDArray[np.void]:
    surfaces = np.zeros(6, SURFACE)
    floor = (PLANKS, PLANKS, PLANKS, TILES, CHECKER, CARPET, CARPET)[rng.integers(7)]
    if floor == PLANKS:
        one = colours.blend((70, 44, 28), (205, 165, 118), rng.random())
        two = colours.scale(one, rng.uniform(0.7, 0.9))
        size = rng.uniform(0.08, 0.18)
    elif floor == CARPET:
        one = colours.cloth(rng, 0.85)
        two, size = colours.scale(one, 0.8), 0.3
    else:
        one = _pale(rng, 0.5, 0.9)
        two = colours.scale(one, rng.uniform(0.25, 0.8))
        size = rng.uniform(0.25, 0.6)
    surfaces[FLOOR] = (floor, one, two, size, rng.uniform(0.05, 0.16))
    white = _pale(rng, 0.8, 0.97)
    office = rng.random() < 0.2
    surfaces[CEILING] = (GRID if office else PLAIN, white, colours.scale(white, 0.85), 0.6, 0.02)
    wall = (PLAIN, PLAIN, PLAIN, PLAIN, WALLPAPER, WAINSCOT, BRICK, TILES)[rng.integers(8)]
    one = _pale(rng, 0.45, 0.95)
    if rng.random() < 0.35:
        one = colours.blend(one, colours.cloth(rng, 0.3), rng.uniform(0.15, 0.7))
    two = colours.scale(one, rng.uniform(0.8, 0.95))
    size = rng.uniform(0.08, 0.35)
    if wall == BRICK:
        one = colours.blend((150, 70, 52), (215, 205, 195), rng.random())
        two, size = _pale(rng, 0.5, 0.8), 0.075
    elif wall == WAINSCOT:
        two, size = colours.cloth(rng, 0.6), rng.uniform(0.8, 1.2)
    elif wall == TILES:
        two, size = colours.scale(one, 0.75), rng.uniform(0.1, 0.3)
    accent = WALL_X0 + rng.integers(4) if rng.random() < 0.25 else -1
    for k in (WALL_X0, WALL_X1, WALL_Z0, WALL_Z1):
        surfaces[k] = (wall, one, two, size, rng.uniform(0.01, 0.05))
        if k == accent:
            other = colours.blend(one, colours.cloth(rng, 0.5), 0.75)
            surfaces[k] = (PLAIN, other, colours.scale(other, 0.9), 0.3, 0.04)
    return surfaces


def _decals(
    rng: np.random.Generator, low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.void]:
    rows: list[tuple[Any, ...]] = []
    palette = [colours.cloth(rng, 0.55) for _ in range(7)]
    if rng.random() < 0.45:
        middle = np.array([rng.uniform(low[0], high[0]), rng.uniform(0.4, 1.0) * high[2]])
        half = rng.uniform((0.8, 0.6), (2.0, 1.5))
        rows.append(_decal(FLOOR, RUG, (*(middle - half), *(middle + half)), palette, rng))
    for _ in range(rng.integers(0, 4)):
        x, z = rng.uniform(low[0], high[0]), rng.uniform(low[2], high[2])
        a, b = (0.3, 0.3) if rng.random() < 0.6 else (0.6, 0.15)
        rows.append(_decal(CEILING, LAMP, (x - a, z - b, x + a, z + b), [(255.0, 252.0, 240.0)], rng))
    white = _pale(rng, 0.75, 0.95)
    height = float(high[1])
    for wall, axis in ((WALL_X0, 2), (WALL_X1, 2), (WALL_Z1, 0)):
        # Fill the wall from one end to the other with things and gaps.
        at = float(low[axis]) + rng.uniform(0.1, 1.2)
        while True:
            kind = (WINDOW, DOOR, PICTURE, PICTURE, PICTURE, BOOKS)[rng.integers(6)]
            width, bottom, top = _opening(rng, kind, height)
            if at + width > high[axis] - 0.1:
                break
            if rng.random() < 0.8:
                frame = palette
                if kind in (WINDOW, DOOR):
                    wood = colours.blend((60, 38, 26), (170, 125, 84), rng.random())
                    frame = [white if rng.random() < 0.6 else wood]
                rows.append(_decal(wall, kind, (at, bottom, at + width, top), frame, rng))
            at += width + rng.uniform(0.25, 1.3)
    rows.sort(key=itemgetter(0, 2))
    return np.array(rows, DECAL)


def _opening(rng: np.random.Generator, kind: int, height: float) -> tuple[float, float, float]:
    """Width, bottom and top of a thing on a wall."""
    if kind == DOOR:
        return rng.uniform(0.8, 1.0), 0.0, min(rng.uniform(2.0, 2.15), height - 0.1)
    if kind == WINDOW:
        bottom = rng.uniform(0.5, 1.0)
        return rng.uniform(0.8, 2.2), bottom, min(bottom + rng.uniform(1.0, 1.5), height - 0.15)
    if kind == BOOKS:
        return rng.uniform(0.7, 1.4), 0.0, min(rng.uniform(1.2, 2.1), height - 0.2)
    width = rng.uniform(0.3, 1.1)
    middle = rng.uniform(1.4, 1.75)
    half = width * rng.uniform(0.3, 0.7)
    return width, max(middle - half, 0.9), min(middle + half, height - 0.15)


def _decal(
    surface: int,
    kind: int,
    edges: tuple[float, float, float, float],
    palette: list[RGB],
    rng: np.random.Generator,
) -> tuple[Any, ...]:
    """A row of :data:`DECAL`; ``edges`` are u0, v0, u1 and v1."""
    one, two, three = (palette[int(rng.random() * len(palette))] for _ in range(3))
    u0, v0, u1, v1 = edges
    return surface, kind, u0, u1, v0, v1, one, two, three, rng.random()


def _furniture(
    rng: np.random.Generator,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    people: NDArray[np.float64],
) -> NDArray[np.void]:
    """Boxes along the walls, never nearer than 0.7 m to anyone nor between the camera and anyone."""
    boxes = np.zeros(7, BOX)
    count = 0
    for _ in range(rng.integers(1, 11)):
        if count == len(boxes):
            break
        width, depth = rng.uniform(0.5, 2.0), rng.uniform(0.35, 0.75)
        tall = rng.uniform(0.4, 1.0) if rng.random() < 0.75 else rng.uniform(1.4, 2.0)
        if rng.random() < 0.55:  # against the far wall
            x = rng.uniform(low[0], max(high[0] - width, low[0] + 0.01))
            corner, size = np.array([x, low[1], high[2] - depth]), np.array([width, tall, depth])
        else:  # against a side wall
            z = rng.uniform(0.5 * people[:, 2].max(), max(high[2] - width, 0.6 * high[2]))
            x = low[0] if rng.random() < 0.5 else high[0] - depth
            corner, size = np.array([x, low[1], z]), np.array([depth, tall, width])
        if _in_the_way(corner, corner + size, people) or _overlaps(corner, corner + size, boxes[:count]):
            continue
        wood = colours.blend((52, 34, 24), (212, 178, 134), rng.random())
        one = wood if rng.random() < 0.5 else colours.cloth(rng, 0.6)
        if rng.random() < 0.2:
            one = _pale(rng, 0.7, 0.95)
        boxes[count] = (
            tuple(corner), tuple(corner + size), one, colours.scale(one, rng.uniform(0.6, 0.85)),
            rng.integers(1, 4), rng.integers(1, 4), rng.uniform(0.04, 0.16) * (tall < 0.85 and rng.random() < 0.4),
        )  # fmt: skip
        count += 1
    return boxes[:count]


def _in_the_way(low: NDArray[np.float64], high: NDArray[np.float64], people: NDArray[np.float64]) -> bool:
    """Whether a box comes within 0.7 m of the line from the camera (last row) to any person."""
    eye = people[-1]
    at = eye + _SHARES[:, None, None] * (people[:-1] - eye)
    gap = np.maximum(np.maximum(low - at, at - high), 0)
    return bool((gap[..., 0] ** 2 + gap[..., 2] ** 2 < 0.7**2).any())


_SHARES = np.linspace(0, 1.05, 22)


def _overlaps(low: NDArray[np.float64], high: NDArray[np.float64], boxes: NDArray[np.void]) -> bool:
    return bool(((boxes["lo"] < high) & (boxes["hi"] > low)).all(axis=1).any())


def _pale(rng: np.random.Generator, darkest: float, lightest: float) -> RGB:
    value = rng.uniform(darkest, lightest) * 255
    warm, green = rng.uniform(-0.04, 0.10), rng.uniform(-0.03, 0.03)
    return colours.scale((value * (1 + warm), value * (1 + green), value * (1 - warm)), 1.0)
