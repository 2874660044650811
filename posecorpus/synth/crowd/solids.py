"""Boxes, pieces and the inside of meshes: kernels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.raster.jit import kernel

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]


@kernel
def box_of(vertices: F64) -> F64:
    """(6,) low and high corner of the box around all vertices; NaN if one is not finite."""
    x0 = y0 = z0 = np.inf
    x1 = y1 = z1 = -np.inf
    total = 0.0
    for v in range(len(vertices)):
        x, y, z = vertices[v, 0], vertices[v, 1], vertices[v, 2]
        x0, x1, y0, y1, z0, z1 = min(x0, x), max(x1, x), min(y0, y), max(y1, y), min(z0, z), max(z1, z)
        total += 0.0 * (x + y + z)
    return np.array([x0, y0, z0, x1, y1, z1]) + total


@kernel
def faces_in_box(vertices: F64, faces: I32, box: F64) -> I32:
    """Those faces (N, 3) whose boxes touch a box (low, high)."""
    out = np.empty_like(faces)
    count = 0
    for f in range(len(faces)):
        p, q, r = faces[f, 0], faces[f, 1], faces[f, 2]
        apart = False
        for a in range(3):
            one, two, three = vertices[p, a], vertices[q, a], vertices[r, a]
            apart = apart or min(one, two, three) > box[3 + a] or max(one, two, three) < box[a]
        if not apart:
            out[count, 0], out[count, 1], out[count, 2] = p, q, r
            count += 1
    return out[:count]


@kernel
def winding(vertices: F64, faces: I32, x: float, y: float, z: float) -> int:
    """How often a closed mesh winds around a point: signed crossings of the ray from it along +X.

    Each edge is evaluated in one direction whichever face asks, so that no ray slips through between two.
    """
    count = 0
    for f in range(len(faces)):
        left = 0
        for k in range(3):
            a, b = faces[f, k], faces[f, (k + 1) % 3]
            flip = a > b
            if flip:
                a, b = b, a
            ay, az, by, bz = vertices[a, 1] - y, vertices[a, 2] - z, vertices[b, 1] - y, vertices[b, 2] - z
            side = ay * bz - az * by
            if side == 0:  # as if the point lay a little towards +Y, and much less towards +Z
                side = az - bz if az != bz else by - ay
            left += (side > 0) != flip
        if left == 1 or left == 2:
            continue
        p, q, r = faces[f, 0], faces[f, 1], faces[f, 2]
        ux, uy, uz = (
            vertices[q, 0] - vertices[p, 0], vertices[q, 1] - vertices[p, 1], vertices[q, 2] - vertices[p, 2],
        )  # fmt: skip
        vx, vy, vz = (
            vertices[r, 0] - vertices[p, 0], vertices[r, 1] - vertices[p, 1], vertices[r, 2] - vertices[p, 2],
        )  # fmt: skip
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        ahead = nx * (vertices[p, 0] - x) + ny * (vertices[p, 1] - y) + nz * (vertices[p, 2] - z)
        if left == 3 and ahead > 0:
            count += 1
        elif left == 0 and ahead < 0:
            count -= 1
    return count


@kernel
def one_of_each(faces: I32, vertices: int) -> I64:
    """A vertex of every connected piece of a mesh with that many vertices."""
    parent = np.arange(vertices)
    used = np.zeros(vertices, np.bool_)
    for f in range(len(faces)):
        root = -1
        for k in range(3):
            v = faces[f, k]
            used[v] = True
            while parent[v] != v:
                parent[v] = parent[parent[v]]
                v = parent[v]
            if root < 0:
                root = v
            elif v < root:
                parent[root], root = v, v
            else:
                parent[v] = root
    count = 0
    out = np.empty(vertices, np.int64)
    for v in range(vertices):
        if used[v] and parent[v] == v:
            out[count] = v
            count += 1
    return out[:count].copy()
