"""Soft shadows of people and things on the floor, the plane y = 0.

A lamp of angular radius ``softness`` in direction ``towards`` is hidden from a floor point by what stands in
its cone. Blockers are dropped along the light onto a grid of the floor, aligned with the shadows, that keeps
for every cell the lowest blocker's height. A point's penumbra is as wide as the mean height of the blockers
around it says (percentage-closer soft shadows: Fernando 2005), and the filter, exact for a blocker of one
height up to the shape of the lamp (a rectangle of the same variances), is widened by the pixel's
own footprint on the floor, which is the antialiasing. Both are summed-area tables. Where things touch the floor it
loses light to all sides, whatever the lamp: the same, dropped straight down.

The result multiplies the picture in linear light. Shadows on walls, things and people are not drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.synth.places.shadow_kernels import DISC, darken, light_left
from posecorpus.synth.places.shadow_map import NOTHING, drop, lowest, sum_blockers, sum_contact, widen
from posecorpus.synth.raster.engine import fixed
from posecorpus.synth.scene import Mesh, Shadow

CELLS = 100_000
"""Most cells of the grid."""

FINEST_M, COARSEST_M = 0.006, 0.06
"""Side of a cell."""

FINE_PIXELS = 100_000
COARSE_STEP = 3
"""Larger pictures get their shadows for squares of this many pixels a side: shadows are soft."""

FARTHEST_M = 40.0
"""Floor farther than this gets no shadow: along the optical axis."""

CONTACT_REACH_M = 0.35
"""Things higher above the floor do not touch it."""

CONTACT_WIDTHS_M = 0.03, 0.25
"""Half widths of the dark rim and of the dim surroundings of a contact."""

LOWEST_LAMP = 0.12
"""Least y of ``towards`` that is taken at its word: lower lamps would throw endless shadows."""


@dataclass(frozen=True)
class _Grid:
    """Cells on the floor.

    Attributes:
        towards: (3,) unit, y at least :data:`LOWEST_LAMP`.
        axes: (2, 2) rows: along the shadows and across, in x and z.
        origin: (2,) of the first cell, along these axes, metres.
        cell: side, metres.
        shape: rows, columns.
    """

    towards: NDArray[np.float64]
    axes: NDArray[np.float64]
    origin: NDArray[np.float64]
    cell: float
    shape: tuple[int, int]

    @property
    def below(self) -> NDArray[np.float64]:
        """(2, 3) from x, z and 1 of the world to columns and rows."""
        return np.column_stack([self.axes, -self.origin]) / self.cell

    @property
    def slope(self) -> float:
        """Columns by which the shadow of a thing one metre above the floor is moved."""
        x, y, z = (float(v) for v in self.towards)
        return math.hypot(x, z) / y / self.cell

    def of_pixels(self, camera: Camera) -> NDArray[np.float64]:
        """(3, 3) homography from pixels to cells; its last row gives 1 / depth."""
        floor = np.column_stack([camera.R[:, 0], camera.R[:, 2], camera.t])
        to_floor = np.linalg.inv(camera.K @ floor)
        cells = np.vstack([self.below, [0, 0, 1]])
        return np.ascontiguousarray(cells @ to_floor)


def cast_shadow(
    picture: NDArray[np.uint8],
    meshes: Sequence[Mesh],
    camera: Camera,
    shadow: Shadow,
    floor: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """The background with the shadows that people and things throw on the floor.

    Args:
        picture: (H, W, 3) uint8 RGB, the background.
        meshes: all that throw shadows, in the world.
        camera: of the picture.
        shadow: the light that is kept away.
        floor: (H, W) uint8, 255 where a pixel shows nothing but the floor; None if all below the horizon does.

    Returns:
        (H, W, 3) uint8 RGB, a copy.

    Raises:
        InputError: picture or floor are not of the camera's size, or the light comes from below.
    """
    size = (camera.height, camera.width)
    if picture.shape != (*size, 3) or (floor is not None and floor.shape != size):
        raise InputError("background", f"a picture and a floor of {size}", picture.shape)
    if shadow.towards[1] <= 0:
        raise InputError("shadow towards", "a direction to a lamp above the floor", shadow.towards)
    result = np.array(picture, np.uint8, order="C")
    seen = _seen_floor(camera)
    if (shadow.strength <= 0 and shadow.contact <= 0) or not meshes or len(seen) < 3:
        return result
    grid = _grid(meshes, _lamp(shadow), shadow, seen)
    if grid is None:
        return result
    step = 1 if camera.width * camera.height <= FINE_PIXELS else COARSE_STEP
    box = _window_of(grid, camera, step)
    blockers, contacts, top = _sums(meshes, grid)
    left = np.empty((-(-camera.height // step), -(-camera.width // step)), np.float32)
    dark = np.zeros((len(left), 2), np.int32)
    light_left(
        box, step, grid.of_pixels(camera), blockers, contacts,
        _penumbra(grid.towards, shadow.softness) / grid.cell, top, np.array(CONTACT_WIDTHS_M) / grid.cell,
        float(shadow.strength), float(shadow.contact), 1 / FARTHEST_M, left, dark,
    )  # fmt: skip
    everywhere = np.full(size, 255, np.uint8) if floor is None else floor
    darken(result, fixed(everywhere, np.uint8), box, step, left, dark)
    return result


def _lamp(shadow: Shadow) -> NDArray[np.float64]:
    towards = np.array(shadow.towards, np.float64)
    towards /= np.linalg.norm(towards)
    if towards[1] < LOWEST_LAMP:
        towards[[0, 2]] *= math.sqrt((1 - LOWEST_LAMP**2) / (1 - towards[1] ** 2))
        towards[1] = LOWEST_LAMP
    return towards


def _penumbra(towards: NDArray[np.float64], softness: float) -> NDArray[np.float64]:
    """(2,) half widths, along the shadow and across, that a blocker's edge one metre up is blurred over."""
    across = math.tan(softness) / towards[1]
    return np.array([across / towards[1], across]) * DISC


def _seen_floor(camera: Camera) -> NDArray[np.float64]:
    """(N, 2) corners, x and z, of the floor that the picture shows up to :data:`FARTHEST_M`; empty if none."""
    eye = camera.centre
    corners = np.array([[0, 0], [camera.width, 0], [camera.width, camera.height], [0, camera.height]], float)
    rays = np.column_stack([corners, np.ones(4)]) @ np.linalg.inv(camera.K).T @ camera.R
    # With z of the camera frame 1 along each ray, it meets the floor at the depth -eye / ray.
    inside = -rays[:, 1] * np.sign(eye[1]) - abs(eye[1]) / FARTHEST_M
    kept: list[NDArray[np.float64]] = []
    for i in range(4):
        j = (i + 1) % 4
        if inside[i] >= 0:
            kept.append(rays[i])
        if (inside[i] >= 0) != (inside[j] >= 0):
            kept.append(rays[i] + (rays[j] - rays[i]) * inside[i] / (inside[i] - inside[j]))
    if len(kept) < 3 or abs(eye[1]) < 1e-6:
        return np.empty((0, 2))
    ray = np.array(kept)
    return np.asarray((eye - ray * (eye[1] / ray[:, 1])[:, None])[:, [0, 2]])


def _grid(
    meshes: Sequence[Mesh], towards: NDArray[np.float64], shadow: Shadow, seen: NDArray[np.float64]
) -> _Grid | None:
    """A grid that holds all shadows on the floor that is seen; None if there are none."""
    level = math.hypot(towards[0], towards[2])
    along = -towards[[0, 2]] / level if level > 1e-9 else np.array([1.0, 0.0])
    axes = np.array([along, [-along[1], along[0]]])
    wide = max(CONTACT_WIDTHS_M)
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    top = 0.0
    for mesh in meshes:
        top = max(top, float(widen(fixed(mesh.vertices, np.float32), axes, low, high)))
    blur = _penumbra(towards, shadow.softness) * top + wide
    low, high = low - blur, high + blur + (top * level / towards[1], 0.0)
    view = seen @ axes.T
    margin = _penumbra(towards, shadow.softness) * 2 + wide
    low, high = np.maximum(low, view.min(0) - margin), np.minimum(high, view.max(0) + margin)
    if not (low < high).all():
        return None
    extent = high - low
    cell = min(max(math.sqrt(extent[0] * extent[1] / CELLS), FINEST_M), COARSEST_M)
    columns, rows = (min(math.ceil(side / cell), CELLS) for side in extent)
    return _Grid(towards, axes, low, cell, (rows, columns))


def _window_of(grid: _Grid, camera: Camera, step: int) -> NDArray[np.int32]:
    """(4,) x0, y0, x1, y1 of the pixels that can show a cell of the grid, multiples of ``step``; the whole
    picture if the grid reaches behind the camera."""
    rows, columns = grid.shape
    whole = np.array([camera.width, camera.height], float)
    cells = np.array([[0, 0, 1], [columns, 0, 1], [columns, rows, 1], [0, rows, 1]], float)
    pixels = cells @ np.linalg.inv(grid.of_pixels(camera)).T
    low, high = np.zeros(2), whole
    if (pixels[:, 2] > 1e-6 * np.abs(pixels[:, 2]).max()).all():
        at = pixels[:, :2] / pixels[:, 2:]
        low, high = np.clip(at.min(0), 0, whole), np.clip(at.max(0), 0, whole)
    return np.array([*np.floor(low / step), *np.ceil(high / step)], np.int32) * np.int32(step)


def _sums(meshes: Sequence[Mesh], grid: _Grid) -> tuple[NDArray[np.int32], NDArray[np.int32], float]:
    """Summed areas of blockers, cover and cover times height, and of contact; the greatest height of a blocker."""
    heights = np.full(grid.shape, NOTHING, np.float32)
    touching = np.full(grid.shape, NOTHING, np.float32)
    below, slope = np.ascontiguousarray(grid.below), grid.slope
    for mesh in meshes:
        dropped = np.empty((len(mesh.vertices), 4), np.float32)
        drop(fixed(mesh.vertices, np.float32), below, slope, dropped)
        faces = fixed(mesh.faces, np.int32)
        lowest(faces, dropped, mesh.double_sided, CONTACT_REACH_M, heights, touching)
    rows, columns = grid.shape
    blockers = np.empty((rows + 1, columns + 1, 2), np.int32)
    contacts = np.empty((rows + 1, columns + 1, 1), np.int32)
    top = float(sum_blockers(heights, blockers))
    sum_contact(touching, CONTACT_REACH_M, contacts)
    return blockers, contacts, top
