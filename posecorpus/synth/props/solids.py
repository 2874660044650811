"""Building blocks of props: bevelled boxes, turned solids, tubes and leaves, each with texture coordinates.

Coordinates of a texture's tile are in [0, 1]; the vertical one runs along the grain. Where a surface turns
sharply its vertices are doubled, so that normals averaged over the faces of a vertex do not round the edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from posecorpus.synth.props.solid_kernels import fill_boxes, fill_turned

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

TURN = 2 * np.pi


@dataclass(frozen=True, eq=False)
class Piece:
    """A part of a prop, of one material.

    Attributes:
        vertices: (V, 3) metres, y up.
        faces: (F, 3) counter-clockwise from outside.
        uv: (F, 3, 2) place of each face's corners in the material's tile, in [0, 1], v up.
        tile: which of the prop's materials.
    """

    vertices: Floats
    faces: Ints
    uv: Floats
    tile: int

    def moved(self, turn: ArrayLike, by: ArrayLike) -> Piece:
        """The same piece turned by a (3, 3) rotation, then moved."""
        vertices = self.vertices @ np.asarray(turn, float).T + np.asarray(by, float)
        return Piece(vertices, self.faces, self.uv, self.tile)


def _box_template() -> tuple[Floats, Floats, Ints, Ints]:
    """A box with cut edges: signs (24, 3) of its vertices, which axes are set in by the bevel (24, 3), its
    faces (44, 3), and the axis (44,) that each face is looked at along for its texture."""
    axis = np.repeat(np.arange(3), 8)
    signs = np.tile(np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1], indexing="ij")).reshape(3, 8).T, (3, 1))
    inset = (np.arange(3) != axis[:, None]).astype(float)
    at = {(int(a), tuple(int(v) for v in s)): i for i, (a, s) in enumerate(zip(axis, signs, strict=True))}
    polygons: list[tuple[int, list[int]]] = []
    for a in range(3):
        b, c = (a + 1) % 3, (a + 2) % 3
        for s in (-1, 1):
            corner = np.zeros(3, int)
            corner[a] = s
            square = []
            for sb, sc in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                corner[b], corner[c] = sb, sc
                square.append(at[a, tuple(int(v) for v in corner)])
            polygons.append((a, square))
        for sb in (-1, 1):
            for sc in (-1, 1):  # the cut edge along a, between the sides towards b and c
                ends = []
                for s in (-1, 1):
                    corner = np.zeros(3, int)
                    corner[a], corner[b], corner[c] = s, sb, sc
                    ends.append(tuple(int(v) for v in corner))
                polygons.append((b, [at[b, ends[0]], at[b, ends[1]], at[c, ends[1]], at[c, ends[0]]]))
    for corner_signs in {tuple(int(v) for v in s) for s in signs}:
        polygons.append((1, [at[a, corner_signs] for a in range(3)]))
    points = signs * (1 - 0.1 * inset)
    faces, axes = [], []
    for a, polygon in sorted(polygons):
        p = points[polygon]
        outward = np.cross(p[1] - p[0], p[2] - p[0]) @ p.mean(0) > 0
        order = polygon if outward else polygon[::-1]
        for k in range(1, len(order) - 1):
            faces.append((order[0], order[k], order[k + 1]))
            axes.append(a)
    return signs.astype(float), inset, np.array(faces, np.intp), np.array(axes, np.intp)


_SIGNS, _INSET, _BOX_FACES, _BOX_AXES = _box_template()


def boxes(
    low: ArrayLike, high: ArrayLike, span: float, tile: int = 0, bevel: float = 0.006, shift: float = 0.0
) -> Piece:
    """Boxes with cut edges.

    Args:
        low, high: (K, 3) or (3,) corners, metres.
        span: metres that the material's tile covers.
        bevel: width of the cut, metres, where the box is thick enough for it.
        shift: in [0, 1], where in the tile the boxes take their pieces.
    """
    low_, high_ = (np.atleast_2d(np.ascontiguousarray(corner, float)) for corner in (low, high))
    count, sides = len(low_), len(_BOX_FACES)
    vertices = np.empty((count, len(_SIGNS), 3))
    faces, uv = np.empty((count, sides, 3), np.intp), np.empty((count, sides, 3, 2))
    fill_boxes(low_, high_, _SIGNS, _INSET, _BOX_FACES, _BOX_AXES, span, bevel, shift, vertices, faces, uv)
    return Piece(vertices.reshape(-1, 3), faces.reshape(-1, 3), uv.reshape(-1, 3, 2), tile)


def boxed(corners: Floats, span: float, tile: int, shift: float, bevel: float = 0.006) -> Piece:
    """:func:`boxes` from (K, 2, 3) lower and upper corners."""
    return boxes(corners[:, 0], corners[:, 1], span, tile, bevel, shift)


def four_legs(x: float, z: float, top: float, thick: float) -> Floats:
    """(4, 2, 3) corners of square legs from the floor to ``top``, whose outer edges are at +-x, +-z."""
    out = np.empty((4, 2, 3))
    for i, (sx, sz) in enumerate(((-1, -1), (1, -1), (-1, 1), (1, 1))):
        xs, zs = sorted((sx * x, sx * (x - thick))), sorted((sz * z, sz * (z - thick)))
        out[i] = (xs[0], 0, zs[0]), (xs[1], top, zs[1])
    return out


def turned(
    strips: Sequence[ArrayLike], span: float, tile: int = 0, around: int = 16, wrap: bool = False
) -> Piece:
    """A solid of revolution about the y axis.

    Args:
        strips: (P, 2) radius and height of points from the bottom to the top of the OUTSIDE; smooth within a
            strip, an edge between one and the next.
        span: metres that the tile covers.
        around: sides.
        wrap: the tile goes once around and from bottom to top, whatever the span; else it is mirrored in front and back.
    """
    angle = np.arange(around + 1) / around * TURN
    ring = np.stack([np.sin(angle), np.cos(angle)], -1)
    arrays = [np.asarray(strip, np.float64) for strip in strips]
    points, starts = np.concatenate(arrays), np.cumsum([0] + [len(array) for array in arrays])
    steps = np.hypot(*np.diff(points, axis=0).T)  # those from strip to strip are not looked at
    u = angle / TURN
    if not wrap:
        u = np.abs(2 * u - 1) * min(1.0, np.pi * float(points[:, 0].max()) / span)
    vertices = np.empty((len(points), around, 3))
    most = 2 * around * (len(points) - len(strips))
    faces, uv = np.empty((most, 3), np.intp), np.empty((most, 3, 2))
    count = fill_turned(points, starts, steps, ring, u, 0.0 if wrap else span, vertices, faces, uv)
    return Piece(vertices.reshape(-1, 3), faces[:count], uv[:count], tile)


def cylinder(
    radius: float,
    bottom: float,
    top: float,
    span: float,
    tile: int = 0,
    around: int = 16,
    bevel: float = 0.004,
) -> Piece:
    """An upright cylinder with lids and cut edges."""
    cut = min(bevel, radius / 3, (top - bottom) / 3)
    return turned(
        [
            [(0, bottom), (radius - cut, bottom)],
            [(radius - cut, bottom), (radius, bottom + cut), (radius, top - cut), (radius - cut, top)],
            [(radius - cut, top), (0, top)],
        ],
        span,
        tile,
        around,
    )


def ball(radius: float, centre_height: float, tile: int = 0, around: int = 20) -> Piece:
    """A ball whose tile goes once around, from pole to pole."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, around // 2 + 1)
    profile = np.stack([np.cos(angle), np.sin(angle)], -1) * radius
    profile[[0, -1], 0] = 0
    profile[:, 1] += centre_height
    return turned([profile], 1.0, tile, around, wrap=True)


def tube(
    path: ArrayLike, radius: ArrayLike, span: float, tile: int = 0, around: int = 8, closed: bool = False
) -> Piece:
    """A tube along a path, with flat ends, or a ring if the path is closed.

    Args:
        path: (P, 3) metres; successive directions differ by less than a right angle.
        radius: (P,) or one for all.
        closed: the last point is followed by the first.
    """
    points = np.asarray(path, float)
    n = len(points)
    radii = np.broadcast_to(np.asarray(radius, float), n)
    ahead = np.roll(points, -1, 0) - np.roll(points, 1, 0)
    if not closed:
        ahead[0], ahead[-1] = points[1] - points[0], points[-1] - points[-2]
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    # One direction that the whole path stays away from keeps the sides from twisting.
    reference = np.eye(3)[np.abs(ahead).max(0).argmin()]
    side = np.cross(ahead, reference)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(ahead, side)
    angle = np.arange(around) / around * TURN
    rim = np.cos(angle)[:, None] * side[:, None] + np.sin(angle)[:, None] * other[:, None]
    vertices = points[:, None] + radii[:, None, None] * rim
    rows = np.arange(n if closed else n - 1)
    a, k = rows[:, None] * around, np.arange(around)
    b = ((rows + 1) % n)[:, None] * around
    p, q, r, s = a + k, a + (k + 1) % around, b + (k + 1) % around, b + k
    faces = np.stack([np.stack([p, q, r], -1), np.stack([p, r, s], -1)], 2).reshape(-1, 3)
    step = np.linalg.norm(np.roll(points, -1, 0) - points, axis=1)[: len(rows)]
    along = np.r_[0, np.cumsum(step)] / max(span, float(step.sum()))
    u = np.abs(2 * np.arange(around + 1) / around - 1) * min(1.0, np.pi * float(radii.max()) / span)
    uv = np.empty((len(rows), around, 2, 3, 2))
    uv[:, :, 0, :, 0] = np.stack([u[:-1], u[1:], u[1:]], -1)
    uv[:, :, 1, :, 0] = np.stack([u[:-1], u[1:], u[:-1]], -1)
    low, high = along[:-1, None], along[1:, None]
    uv[:, :, 0, :, 1] = np.stack([low, low, high], -1)
    uv[:, :, 1, :, 1] = np.stack([low, high, high], -1)
    piece = Piece(vertices.reshape(-1, 3), faces, uv.reshape(-1, 3, 2), tile)
    return piece if closed else _with_lids(piece, around)


def _with_lids(open_tube: Piece, around: int) -> Piece:
    """A tube's ends closed by fans with vertices of their own."""
    vertices, uv, n = open_tube.vertices, open_tube.uv, len(open_tube.vertices)
    rims = np.concatenate([vertices[:around], vertices[-around:]])
    fan = np.stack([np.zeros(around - 2, np.intp), np.arange(1, around - 1), np.arange(2, around)], -1)
    lids = np.concatenate([n + fan[:, ::-1], n + around + fan])
    spot = np.broadcast_to(uv[:1, :1], (len(lids), 3, 2))
    faces = np.concatenate([open_tube.faces, lids])
    return Piece(np.concatenate([vertices, rims]), faces, np.concatenate([uv, spot]), open_tube.tile)


def leaves(spines: ArrayLike, widths: ArrayLike, up: ArrayLike, tile: int = 0, fold: float = 0.25) -> Piece:
    """Leaves as thin sheets, folded along their middle; to be drawn from both sides.

    Args:
        spines: (L, P, 3) points along the middle of each leaf, from stalk to tip.
        widths: (L, P) half width at each of them.
        up: (L, 3) about the direction that each leaf's upper side faces.
        fold: how far the edges rise over the middle, in half widths.
    """
    middle, width = np.asarray(spines, float), np.asarray(widths, float)[..., None]
    count, points = middle.shape[:2]
    ahead = np.gradient(middle, axis=1)
    side = np.cross(ahead, np.asarray(up, float)[:, None])
    side /= np.maximum(np.linalg.norm(side, axis=-1, keepdims=True), 1e-9)
    rise = np.cross(side, ahead)
    rise /= np.maximum(np.linalg.norm(rise, axis=-1, keepdims=True), 1e-9)
    left, right = middle - side * width + rise * (fold * width), middle + side * width + rise * (fold * width)
    vertices = np.stack([left, middle, right], 2)  # (L, P, 3, 3)
    cell = np.arange(points - 1)[:, None] * 3 + np.arange(2)
    one = np.stack([cell, cell + 1, cell + 4], -1)
    two = np.stack([cell, cell + 4, cell + 3], -1)
    faces = np.stack([one, two], 2).reshape(-1, 3)
    grid = np.stack(
        np.broadcast_arrays(np.array([0.02, 0.5, 0.98]), np.linspace(0, 1, points)[:, None]), -1
    ).reshape(-1, 2)
    uv = np.broadcast_to(grid[faces], (count, *faces.shape, 2)).reshape(-1, 3, 2)
    all_faces = (faces + 3 * points * np.arange(count)[:, None, None]).reshape(-1, 3)
    return Piece(vertices.reshape(-1, 3), all_faces, uv, tile)
