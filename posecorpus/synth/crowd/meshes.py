"""Whether two solid meshes intersect, or come nearer to each other than a clearance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from posecorpus.core.errors import InputError
from posecorpus.synth.crowd.contact import nearer
from posecorpus.synth.crowd.solids import box_of, faces_in_box, one_of_each, winding
from posecorpus.synth.crowd.tree import Tree, fit_tree, sort_faces

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]


@dataclass(frozen=True)
class Placement:
    """A turn about Y (right-handed, radians) followed by a move along the floor, metres."""

    x: float
    z: float
    yaw: float

    def apply(self, points: ArrayLike) -> F64:
        """Points (..., 3), turned and moved."""
        at = np.asarray(points, np.float64)
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        x, y, z = at[..., 0], at[..., 1], at[..., 2]
        return np.stack([c * x + s * z + self.x, y, c * z - s * x + self.z], -1)

    def seen_from(self, other: Placement) -> Placement:
        """The same in the frame that another one moves to the world."""
        c, s = math.cos(other.yaw), math.sin(other.yaw)
        x, z = self.x - other.x, self.z - other.z
        return Placement(c * x - s * z, s * x + c * z, self.yaw - other.yaw)


STAY = Placement(0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Solid:
    """A closed mesh in one pose.

    Attributes:
        tree: over its faces.
        pieces: a vertex of each connected piece.
    """

    tree: Tree
    pieces: NDArray[np.int64]


def too_near(a: Solid, b: Solid, b_to_a: Placement, clearance: float) -> bool:
    """Whether two solids overlap, or are nearer to each other than a clearance (metres)."""
    return surfaces_near(a.tree, b.tree, b_to_a, clearance) or _one_inside(a, b, b_to_a)


def surfaces_near(a: Tree, b: Tree, b_to_a: Placement, clearance: float) -> bool:
    """Whether two surfaces touch, or are nearer to each other than a clearance (metres)."""
    c, s = math.cos(b_to_a.yaw), math.sin(b_to_a.yaw)
    return nearer(
        a.vertices, a.faces, a.spheres, b.vertices, b.faces, b.spheres, c, s, b_to_a.x, b_to_a.z, clearance
    )


def intersect(a_vertices: ArrayLike, a_faces: ArrayLike, b_vertices: ArrayLike, b_faces: ArrayLike) -> bool:
    """Whether two solids have a point in common.

    Surfaces that touch count, also where a piece of one lies wholly inside the other. What truly touches is
    always found; surfaces up to some 1e-14 of their coordinates apart may count as well.

    Args:
        a_vertices, b_vertices: (V, 3) metres.
        a_faces, b_faces: (F, 3) of closed meshes, which may have several pieces and cut themselves.

    Raises:
        InputError: arrays of other shapes, coordinates that are not finite, indices without a vertex.
    """
    a, b = _points("a_vertices", a_vertices), _points("b_vertices", b_vertices)
    a_box, b_box = box_of(a), box_of(b)
    for name, box in (("a_vertices", a_box), ("b_vertices", b_box)):
        if np.isnan(box).any():
            raise InputError(name, "finite coordinates", "NaN or infinity")
    if (a_box[:3] > b_box[3:]).any() or (b_box[:3] > a_box[3:]).any():
        return False
    a_triangles, b_triangles = _triangles("a_faces", a_faces, len(a)), _triangles("b_faces", b_faces, len(b))
    near_a, near_b = faces_in_box(a, a_triangles, b_box), faces_in_box(b, b_triangles, a_box)
    if len(near_a) and len(near_b):
        trees = fit_tree(a, sort_faces(a, near_a)), fit_tree(b, sort_faces(b, near_b))
        if surfaces_near(*trees, STAY, 0.0):
            return True
    unsorted = np.empty((0, 4))
    return _one_inside(
        Solid(Tree(a, a_triangles, unsorted, a_box), one_of_each(a_triangles, len(a))),
        Solid(Tree(b, b_triangles, unsorted, b_box), one_of_each(b_triangles, len(b))),
        STAY,
    )


def _one_inside(a: Solid, b: Solid, b_to_a: Placement) -> bool:
    """Whether a piece of one of two solids, whose surfaces don't touch, lies inside the other."""
    a_to_b = STAY.seen_from(b_to_a)
    return _holds(a, b_to_a.apply(b.tree.vertices[b.pieces])) or _holds(
        b, a_to_b.apply(a.tree.vertices[a.pieces])
    )


def _holds(solid: Solid, points: F64) -> bool:
    tree = solid.tree
    inside = ((points >= tree.box[:3]) & (points <= tree.box[3:])).all(1)
    return any(winding(tree.vertices, tree.faces, *point) != 0 for point in points[inside])


def _points(name: str, array: ArrayLike) -> F64:
    points = np.ascontiguousarray(array, np.float64)
    if points.ndim != 2 or points.shape[1] != 3:
        raise InputError(name, "shape (V, 3)", points.shape)
    return points


def _triangles(name: str, array: ArrayLike, count: int) -> I32:
    faces = np.ascontiguousarray(array, np.int32)
    if faces.ndim != 2 or faces.shape[1] != 3:
        raise InputError(name, "shape (F, 3)", faces.shape)
    # Read as unsigned, a negative index is too large as well.
    if faces.size and faces.view(np.uint32).max() >= count:
        raise InputError(name, f"indices from 0 to {count - 1}", f"{faces.min()} to {faces.max()}")
    return faces
