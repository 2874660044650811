"""One person of a clip as the placing sees them: outlines for the picture, solids for contact."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.crowd.meshes import Placement, Solid, too_near
from posecorpus.synth.crowd.solids import one_of_each
from posecorpus.synth.crowd.stance import Stance
from posecorpus.synth.crowd.tree import fit_tree, sort_faces
from posecorpus.synth.crowd.view import SPACING_M, spread
from posecorpus.synth.raster.jit import kernel, tight_kernel

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]

KEPT_SOLIDS = 16
"""Frames of a person whose solids are kept: one takes half a megabyte."""
BASE_M = 0.15
"""What is lower stands on the floor, or lies there."""
SLACK_M = 1e-9
SURE_M = 1e-6
"""Far more than the rounding of a distance."""
GRAIN_M = 0.1
"""Of the few points that are compared first."""
STRIDE = 8
"""Every so many frames are looked at first: most overlaps last longer."""


def heading_of(transforms: NDArray[np.floating]) -> float:
    """Where somebody's pelvis looks at the first frame, radians about Y from +Z.

    Args:
        transforms: (T, 24, 3, 4) of a :class:`~posecorpus.synth.bodies.skinning.Posed`.
    """
    x, _, z = (float(v) for v in transforms[0, 0, :, 2])
    return math.atan2(x, z)


class _Faces:
    """A faces array that is equal to itself alone."""

    def __init__(self, faces: NDArray[np.integer]) -> None:
        self.faces = faces

    def __hash__(self) -> int:
        return id(self.faces)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Faces) and other.faces is self.faces


def pieces_of(faces: NDArray[np.integer]) -> NDArray[np.int64]:
    """A vertex of each connected piece; of read-only faces it is remembered."""
    return _pieces(_Faces(faces)) if faces.flags.writeable else _known_pieces(_Faces(faces))


def _pieces(key: _Faces) -> NDArray[np.int64]:
    return one_of_each(np.ascontiguousarray(key.faces, np.int32), int(key.faces.max(initial=-1)) + 1)


_known_pieces = lru_cache(maxsize=8)(_pieces)


class Figure:
    """A person in their own frame, as posed.

    Attributes:
        vertices: (T, V, 3).
        points: (S, 3) spread over the skin, in the clip's middle frame.
        grains: (G, 3) fewer of them.
        stance: where the middle of their box, what is near the floor and the highest point are in the middle frame.
        path: (T, 2) x and z of the middle of their box.
        radius: (T,) of a vertical cylinder around it that holds them.
        sweep: radius of a vertical cylinder around the middle of their box that holds them at all frames.
        reach: how far what they wear is from the mesh, at most, metres.
    """

    def __init__(self, vertices: F32, faces: NDArray[np.integer], heading: float, reach: float = 0.0) -> None:
        self.vertices, self._pieces, self.reach = vertices, pieces_of(faces), reach
        self._faces, self._sorted = np.ascontiguousarray(faces, np.int32), False
        self._solids: dict[int, Solid] = {}
        discs = _discs(vertices)
        middle = len(vertices) // 2
        self.points = vertices[middle, spread(vertices[middle], SPACING_M)].astype(np.float64)
        self.grains = self.points[spread(self.points.astype(np.float32), GRAIN_M)]
        self.path, self.radius = discs[:, :2], discs[:, 2]
        centre = float(discs[middle, 0]), float(discs[middle, 1])
        self.sweep = float((np.hypot(*(self.path - centre).T) + self.radius).max())
        self.stance = Stance(centre, _base(vertices[middle], BASE_M), float(discs[middle, 3]), heading)

    def solid(self, t: int) -> Solid:
        """Frame ``t`` as a solid in the person's own frame."""
        if t not in self._solids:
            if len(self._solids) == KEPT_SOLIDS:
                del self._solids[next(iter(self._solids))]
            vertices = self.vertices[t].astype(np.float64)
            if not self._sorted:
                self._faces, self._sorted = sort_faces(vertices, self._faces), True
            self._solids[t] = Solid(fit_tree(vertices, self._faces), self._pieces)
        return self._solids[t]

    def centre_at(self, at: Placement) -> tuple[float, float]:
        """x and z of the middle of the box in a place, in the middle frame."""
        c, s = math.cos(at.yaw), math.sin(at.yaw)
        x, z = self.stance.centre
        return c * x + s * z + at.x, c * z - s * x + at.z

    def path_at(self, at: Placement) -> F64:
        """(T, 2) the path in a place."""
        c, s = math.cos(at.yaw), math.sin(at.yaw)
        return np.asarray(self.path @ np.array([[c, -s], [s, c]]) + (at.x, at.z))


def surely_clash(a: Figure, a_at: Placement, b: Figure, b_at: Placement, clearance: float) -> bool:
    """Whether :func:`clash` is sure to be true, as points of the two show that lie nearer than the clearance."""
    if math.dist(a.centre_at(a_at), b.centre_at(b_at)) >= a.sweep + b.sweep + clearance:
        return False
    to = b_at.seen_from(a_at)
    c, s = math.cos(to.yaw), math.sin(to.yaw)
    return clearance > SURE_M and _any_nearer(a.grains, b.grains, c, s, to.x, to.z, clearance - SURE_M)


def clash(a: Figure, a_at: Placement, b: Figure, b_at: Placement, clearance: float) -> bool:
    """Whether two people are nearer to each other than a clearance (metres) at any frame."""
    if math.dist(a.centre_at(a_at), b.centre_at(b_at)) >= a.sweep + b.sweep + clearance:
        return False
    b_to_a = b_at.seen_from(a_at)
    if len(a.path) == 1:
        return _clash_at(a, b, 0, b_to_a, clearance)
    apart = a.path_at(a_at) - b.path_at(b_at)
    reach = a.radius + b.radius + clearance
    frames = np.flatnonzero(np.einsum("ti,ti->t", apart, apart) < reach * reach)
    if not len(frames):
        return False
    order = np.concatenate([frames[offset::STRIDE] for offset in range(STRIDE)])
    return any(_clash_at(a, b, t, b_to_a, clearance) for t in order.tolist())


def _clash_at(a: Figure, b: Figure, t: int, b_to_a: Placement, clearance: float) -> bool:
    c, s = math.cos(b_to_a.yaw), math.sin(b_to_a.yaw)
    x, z = b.path[t]
    dx, dz = c * x + s * z + b_to_a.x - a.path[t, 0], c * z - s * x + b_to_a.z - a.path[t, 1]
    if _parted(a.vertices[t], b.vertices[t], c, s, b_to_a.x, b_to_a.z, math.atan2(dz, dx), clearance):
        return False
    return too_near(a.solid(t), b.solid(t), b_to_a, clearance)


@kernel
def _base(vertices: F32, height: float) -> F64:
    """(K, 2) x and z of those vertices (V, 3) below a height that lie farthest in eight directions; none in a jump."""
    out, reach = np.empty((8, 2)), np.full(8, -np.inf)
    for v in range(len(vertices)):
        if vertices[v, 1] < height:
            x, z = float(vertices[v, 0]), float(vertices[v, 2])
            for k, along in enumerate((x, z, -x, -z, x + z, x - z, z - x, -x - z)):
                if along > reach[k]:
                    reach[k], out[k, 0], out[k, 1] = along, x, z
    return out[: 8 if reach[0] > -np.inf else 0].copy()


@tight_kernel
def _any_nearer(a: F64, b: F64, c: float, s: float, x: float, z: float, distance: float) -> bool:
    """Whether a point of a (N, 3) is nearer than a distance to one of b (M, 3), which is turned and moved."""
    x0 = z0 = np.inf
    x1 = z1 = -np.inf
    for i in range(len(a)):
        ax, az = a[i, 0], a[i, 2]
        x0, x1 = ax if ax < x0 else x0, ax if ax > x1 else x1
        z0, z1 = az if az < z0 else z0, az if az > z1 else z1
    x0, x1, z0, z1 = x0 - distance, x1 + distance, z0 - distance, z1 + distance
    square = distance * distance
    for j in range(len(b)):
        bx, by, bz = c * b[j, 0] + s * b[j, 2] + x, b[j, 1], c * b[j, 2] - s * b[j, 0] + z
        if bx < x0 or bx > x1 or bz < z0 or bz > z1:
            continue
        for i in range(len(a)):
            dx, dy, dz = a[i, 0] - bx, a[i, 1] - by, a[i, 2] - bz
            if dx * dx + dy * dy + dz * dz < square:
                return True
    return False


@kernel
def _parted(
    a: F32, b: F32, c: float, s: float, x: float, z: float, towards: float, clearance: float
) -> bool:  # fmt: skip
    """Whether an upright slab as thick as the clearance parts vertices a from b, which is turned and moved.

    Tries the direction ``towards`` (radians from X to Z) and one on either side of it.
    """
    for swing in (0.0, 0.6, -0.6):
        nx, nz = np.cos(towards + swing), np.sin(towards + swing)
        high, low = -np.inf, np.inf
        for v in range(len(a)):
            along = nx * a[v, 0] + nz * a[v, 2]
            high = along if along > high else high  # max() looks out for NaN
        mx, mz = c * nx - s * nz, s * nx + c * nz
        for v in range(len(b)):
            along = mx * b[v, 0] + mz * b[v, 2]
            low = along if along < low else low
        if low + nx * x + nz * z - high > clearance + SLACK_M:
            return True
    return False


@kernel
def _discs(vertices: F32) -> F64:
    """(T, 4): x and z of the middle of the box, radius around it, height of the highest vertex."""
    out = np.empty((len(vertices), 4))
    for t in range(len(vertices)):
        x0 = z0 = np.inf
        x1 = y1 = z1 = -np.inf
        for v in range(vertices.shape[1]):
            x, y, z = vertices[t, v, 0], vertices[t, v, 1], vertices[t, v, 2]
            # Ternaries, not min and max: those look out for NaN.
            x0, x1 = x if x < x0 else x0, x if x > x1 else x1
            z0, z1 = z if z < z0 else z0, z if z > z1 else z1
            y1 = y if y > y1 else y1
        cx, cz = (x0 + x1) / 2, (z0 + z1) / 2
        square = 0.0
        for v in range(vertices.shape[1]):
            apart = (vertices[t, v, 0] - cx) ** 2 + (vertices[t, v, 2] - cz) ** 2
            square = apart if apart > square else square
        out[t, 0], out[t, 1], out[t, 2], out[t, 3] = cx, cz, np.sqrt(square) + 1e-6, y1
    return out
