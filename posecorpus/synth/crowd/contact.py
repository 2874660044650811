"""Whether two meshes touch, or come nearer to each other than a clearance: kernels.

A separating axis is a certificate: rounding can spoil an axis, and then two triangles that barely miss each
other count as touching, but it cannot turn touching into missing, since a gap must exceed the rounding of the
products it is made of (Gottschalk, Lin and Manocha, OBBTree, 1996, for axes; here of triangles). Distances
follow Ericson, Real-Time Collision Detection, 2005, section 5.1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.crowd.tree import LEAF_FACES
from posecorpus.synth.raster.jit import inline, kernel, tight_kernel

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

STACK = 256
ROUNDING = 16 * 2.0**-53


@inline
def _misses(t: F64, i: int, u: F64, j: int, reach: float, x: float, y: float, z: float) -> bool:
    """Whether the axis certainly parts triangle i of t from triangle j of u; coordinates are within reach."""
    a0 = x * t[i, 0] + y * t[i, 1] + z * t[i, 2]
    a1 = x * t[i, 3] + y * t[i, 4] + z * t[i, 5]
    a2 = x * t[i, 6] + y * t[i, 7] + z * t[i, 8]
    b0 = x * u[j, 0] + y * u[j, 1] + z * u[j, 2]
    b1 = x * u[j, 3] + y * u[j, 4] + z * u[j, 5]
    b2 = x * u[j, 6] + y * u[j, 7] + z * u[j, 8]
    gap = max(min(a0, a1, a2) - max(b0, b1, b2), min(b0, b1, b2) - max(a0, a1, a2))
    return bool(gap > ROUNDING * reach * (abs(x) + abs(y) + abs(z)))


@tight_kernel
def _touch(t: F64, i: int, u: F64, j: int, axes: F64) -> bool:
    """Whether two closed triangles, rows of nine coordinates, have a point in common; axes is (8, 3) scratch."""
    reach = 0.0
    for a in range(9):
        reach = max(reach, abs(t[i, a]), abs(u[j, a]))
    for a in range(3):
        for k in range(3):
            axes[k, a] = t[i, 3 * ((k + 1) % 3) + a] - t[i, 3 * k + a]
            axes[3 + k, a] = u[j, 3 * ((k + 1) % 3) + a] - u[j, 3 * k + a]
    for n in range(2):  # the planes
        p, q = 3 * n, 3 * n + 1
        x = axes[p, 1] * axes[q, 2] - axes[p, 2] * axes[q, 1]
        y = axes[p, 2] * axes[q, 0] - axes[p, 0] * axes[q, 2]
        z = axes[p, 0] * axes[q, 1] - axes[p, 1] * axes[q, 0]
        if _misses(t, i, u, j, reach, x, y, z):
            return False
        axes[6 + n, 0], axes[6 + n, 1], axes[6 + n, 2] = x, y, z
    for p in range(3):  # an edge of each
        for q in range(3, 6):
            x = axes[p, 1] * axes[q, 2] - axes[p, 2] * axes[q, 1]
            y = axes[p, 2] * axes[q, 0] - axes[p, 0] * axes[q, 2]
            z = axes[p, 0] * axes[q, 1] - axes[p, 1] * axes[q, 0]
            if _misses(t, i, u, j, reach, x, y, z):
                return False
    for n in range(6, 8):  # in a plane: for triangles in one
        for q in range(6):
            x = axes[n, 1] * axes[q, 2] - axes[n, 2] * axes[q, 1]
            y = axes[n, 2] * axes[q, 0] - axes[n, 0] * axes[q, 2]
            z = axes[n, 0] * axes[q, 1] - axes[n, 1] * axes[q, 0]
            if _misses(t, i, u, j, reach, x, y, z):
                return False
    return True


@tight_kernel
def _edges_square(t: F64, i: int, k: int, u: F64, j: int, m: int) -> float:
    """Squared distance of edge k of triangle i of t from edge m of triangle j of u."""
    p, q, r, s = 3 * k, 3 * ((k + 1) % 3), 3 * m, 3 * ((m + 1) % 3)
    a = e = b = c = f = 0.0
    for x in range(3):
        d1, d2, w = t[i, q + x] - t[i, p + x], u[j, s + x] - u[j, r + x], t[i, p + x] - u[j, r + x]
        a, e, b, c, f = a + d1 * d1, e + d2 * d2, b + d1 * d2, c + d1 * w, f + d2 * w
    at, along = 0.0, 0.0
    if a > 0 and e > 0:
        spread = a * e - b * b
        at = min(max((b * f - c * e) / spread, 0.0), 1.0) if spread > 1e-14 * a * e else 0.0
        along = (b * at + f) / e
        if along < 0:
            along, at = 0.0, min(max(-c / a, 0.0), 1.0)
        elif along > 1:
            along, at = 1.0, min(max((b - c) / a, 0.0), 1.0)
    elif a > 0:
        at = min(max(-c / a, 0.0), 1.0)
    elif e > 0:
        along = min(max(f / e, 0.0), 1.0)
    square = 0.0
    for x in range(3):
        d1, d2, w = t[i, q + x] - t[i, p + x], u[j, s + x] - u[j, r + x], t[i, p + x] - u[j, r + x]
        square += (w + d1 * at - d2 * along) ** 2
    return square


@tight_kernel
def _height_square(t: F64, i: int, k: int, u: F64, j: int) -> float:
    """Squared distance of corner k of triangle i of t from triangle j of u where it lies over its inside, else inf."""
    ux, uy, uz = u[j, 3] - u[j, 0], u[j, 4] - u[j, 1], u[j, 5] - u[j, 2]
    vx, vy, vz = u[j, 6] - u[j, 0], u[j, 7] - u[j, 1], u[j, 8] - u[j, 2]
    wx, wy, wz = t[i, 3 * k] - u[j, 0], t[i, 3 * k + 1] - u[j, 1], t[i, 3 * k + 2] - u[j, 2]
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    area = nx * nx + ny * ny + nz * nz
    if area == 0:
        return np.inf
    second = ((wy * vz - wz * vy) * nx + (wz * vx - wx * vz) * ny + (wx * vy - wy * vx) * nz) / area
    third = ((uy * wz - uz * wy) * nx + (uz * wx - ux * wz) * ny + (ux * wy - uy * wx) * nz) / area
    if second < 0 or third < 0 or second + third > 1:
        return np.inf
    return float((wx * nx + wy * ny + wz * nz) ** 2 / area)


@tight_kernel
def _near(t: F64, i: int, u: F64, j: int, clearance: float, axes: F64) -> bool:
    """Whether two triangles are nearer to each other than a clearance, or touch."""
    square = clearance * clearance
    if square > 0:
        for k in range(3):
            if _height_square(t, i, k, u, j) < square or _height_square(u, j, k, t, i) < square:
                return True
            for m in range(3):
                if _edges_square(t, i, k, u, j, m) < square:
                    return True
    return _touch(t, i, u, j, axes)


@tight_kernel
def _corners(
    vertices: F64, faces: I32, first: int, stop: int, c: float, s: float, x: float, z: float,
    triangles: F64, boxes: F64,
) -> None:  # fmt: skip
    """Corners of faces, turned and moved, and their boxes (low, high)."""
    for f in range(first, stop):
        n = f - first
        for k in range(3):
            v = faces[f, k]
            px, pz = vertices[v, 0], vertices[v, 2]
            triangles[n, 3 * k] = c * px + s * pz + x
            triangles[n, 3 * k + 1] = vertices[v, 1]
            triangles[n, 3 * k + 2] = c * pz - s * px + z
        for a in range(3):
            one, two, three = triangles[n, a], triangles[n, 3 + a], triangles[n, 6 + a]
            boxes[n, a], boxes[n, 3 + a] = min(one, two, three), max(one, two, three)


@inline
def _gap(a_spheres: F64, p: int, b_spheres: F64, q: int, c: float, s: float, x: float, z: float) -> float:
    """How far sphere p of a is from sphere q of b, which is turned and moved."""
    bx, bz = b_spheres[q, 0], b_spheres[q, 2]
    dx = c * bx + s * bz + x - a_spheres[p, 0]
    dy = b_spheres[q, 1] - a_spheres[p, 1]
    dz = c * bz - s * bx + z - a_spheres[p, 2]
    return float(np.sqrt(dx * dx + dy * dy + dz * dz) - a_spheres[p, 3] - b_spheres[q, 3])


@inline
def _box_gap(t: F64, i: int, u: F64, j: int) -> float:
    """Squared distance of box i of t (low, high) from box j of u."""
    x = max(t[i, 0] - u[j, 3], u[j, 0] - t[i, 3], 0.0)
    y = max(t[i, 1] - u[j, 4], u[j, 1] - t[i, 4], 0.0)
    z = max(t[i, 2] - u[j, 5], u[j, 2] - t[i, 5], 0.0)
    return float(x * x + y * y + z * z)


@tight_kernel
def _any_near(
    t: F64, t_boxes: F64, t_count: int, u: F64, u_boxes: F64, u_count: int, clearance: float, axes: F64
) -> bool:
    """Whether one of some triangles is near to one of others; the last box of u is scratch."""
    square = clearance * clearance
    last = len(u_boxes) - 1
    for a in range(3):
        u_boxes[last, a], u_boxes[last, 3 + a] = u_boxes[0, a], u_boxes[0, 3 + a]
        for j in range(1, u_count):
            u_boxes[last, a] = min(u_boxes[last, a], u_boxes[j, a])
            u_boxes[last, 3 + a] = max(u_boxes[last, 3 + a], u_boxes[j, 3 + a])
    for i in range(t_count):
        if _box_gap(t_boxes, i, u_boxes, last) <= square:
            for j in range(u_count):
                if _box_gap(t_boxes, i, u_boxes, j) <= square and _near(t, i, u, j, clearance, axes):
                    return True
    return False


@kernel
def nearer(
    a_vertices: F64, a_faces: I32, a_spheres: F64, b_vertices: F64, b_faces: I32, b_spheres: F64,
    c: float, s: float, x: float, z: float, clearance: float,
) -> bool:  # fmt: skip
    """Whether a face of one tree is nearer to a face of another than a clearance, or touches it.

    Args:
        c, s, x, z: cosine and sine of the turn about Y and the move that bring b into a's frame.
        clearance: metres; 0 asks for touching alone, without an error. Distances carry rounding, some
            1e-8 m at most.
    """
    a_leaves, b_leaves = len(a_spheres) // 2, len(b_spheres) // 2
    stack = np.empty((STACK, 2), np.int32)
    t, u = np.empty((LEAF_FACES, 9)), np.empty((LEAF_FACES, 9))
    t_boxes, u_boxes, axes = np.empty((LEAF_FACES, 6)), np.empty((LEAF_FACES + 1, 6)), np.empty((8, 3))
    stack[0, 0], stack[0, 1], top = 1, 1, 1
    t_leaf = u_leaf = -1  # whose triangles t and u are
    square = clearance * clearance
    while top > 0:
        top -= 1
        p, q = stack[top, 0], stack[top, 1]
        if _gap(a_spheres, p, b_spheres, q, c, s, x, z) > clearance:
            continue
        if p < a_leaves or q < b_leaves:
            left = p < a_leaves and (q >= b_leaves or a_spheres[p, 3] >= b_spheres[q, 3])
            p1, p2 = (2 * p, 2 * p + 1) if left else (p, p)
            q1, q2 = (q, q) if left else (2 * q, 2 * q + 1)
            one, two = (
                _gap(a_spheres, p1, b_spheres, q1, c, s, x, z),
                _gap(a_spheres, p2, b_spheres, q2, c, s, x, z),
            )
            if one < two:  # the nearer pair is looked at first
                p1, p2, q1, q2 = p2, p1, q2, q1
            stack[top, 0], stack[top, 1], stack[top + 1, 0], stack[top + 1, 1] = p1, q1, p2, q2
            top += 2
            continue
        first, start = len(a_faces) * (p - a_leaves) // a_leaves, len(b_faces) * (q - b_leaves) // b_leaves
        stop = len(a_faces) * (p - a_leaves + 1) // a_leaves
        end = len(b_faces) * (q - b_leaves + 1) // b_leaves
        if p != t_leaf:
            _corners(a_vertices, a_faces, first, stop, 1.0, 0.0, 0.0, 0.0, t, t_boxes)
        if q != u_leaf:
            _corners(b_vertices, b_faces, start, end, c, s, x, z, u, u_boxes)
        t_leaf, u_leaf = p, q
        dx, dy, dz = t[0, 0] - u[0, 0], t[0, 1] - u[0, 1], t[0, 2] - u[0, 2]
        if dx * dx + dy * dy + dz * dz < square:  # of corners, hence of faces
            return True
        if _any_near(t, t_boxes, stop - first, u, u_boxes, end - start, clearance, axes):
            return True
    return False
