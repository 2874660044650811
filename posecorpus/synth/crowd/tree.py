"""Trees of spheres over a mesh: which of its faces may come near something else.

Faces are sorted along a Morton curve through the pose they are first seen in and dealt out to the leaves of
a perfect binary tree in that order. Other poses keep the order and only fit the spheres anew. A sphere holds
all corners below it, hence all of their faces, and stays a bound under any rotation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.raster.jit import kernel, tight_kernel

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

LEAF_FACES = 16
CELLS = 32
"""Cells of the Morton curve along the longest side: five bits."""
SLACK = 1e-12
"""What a radius grows by, absolute (metres) and relative: far more than its rounding."""


@dataclass(frozen=True, eq=False)
class Tree:
    """A mesh in one pose, ready for :mod:`posecorpus.synth.crowd.contact`.

    Attributes:
        vertices: (V, 3) metres.
        faces: (F, 3) sorted; leaf ``i`` of L holds those from ``F * i // L`` up to ``F * (i + 1) // L``.
        spheres: (2 L, 4) centre and radius; node 1 is the root, 2 n and 2 n + 1 are the children of n.
        box: (6,) low and high corner of the whole.
    """

    vertices: F64
    faces: I32
    spheres: F64
    box: F64


def sort_faces(vertices: F64, faces: I32) -> I32:
    """The faces (F, 3) in the order of their first corners along a Morton curve."""
    return _sort(vertices, faces)


def fit_tree(vertices: F64, sorted_faces: I32) -> Tree:
    """The tree of a mesh whose faces :func:`sort_faces` has sorted, in whatever pose."""
    leaves = 1
    while leaves * LEAF_FACES < len(sorted_faces):
        leaves *= 2
    spheres = np.empty((2 * leaves, 4))
    boxes = np.empty((2 * leaves, 6))
    _fit(vertices, sorted_faces, boxes, spheres)
    return Tree(vertices, sorted_faces, spheres, boxes[1])


@kernel
def _sort(vertices: F64, faces: I32) -> I32:
    """Counting sort by the Morton code of a face's first corner."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for v in range(len(vertices)):
        for a in range(3):
            low[a], high[a] = min(low[a], vertices[v, a]), max(high[a], vertices[v, a])
    scale = (CELLS - 1e-6) / max(high[0] - low[0], high[1] - low[1], high[2] - low[2], 1e-9)
    codes = np.empty(len(vertices), np.int32)
    for v in range(len(vertices)):
        code = 0
        for a in range(3):
            cell = int((vertices[v, a] - low[a]) * scale)
            cell = (cell | cell << 8) & 0x100F  # two empty bits after each of the five
            cell = (cell | cell << 4) & 0x10C3
            code |= ((cell | cell << 2) & 0x1249) << a
        codes[v] = code
    starts = np.zeros(CELLS**3 + 1, np.int32)
    for f in range(len(faces)):
        starts[codes[faces[f, 0]] + 1] += 1
    for code in range(CELLS**3):
        starts[code + 1] += starts[code]
    out = np.empty_like(faces)
    for f in range(len(faces)):
        code = codes[faces[f, 0]]
        place = starts[code]
        starts[code] += 1
        out[place, 0], out[place, 1], out[place, 2] = faces[f, 0], faces[f, 1], faces[f, 2]
    return out


@tight_kernel
def _fit(vertices: F64, faces: I32, boxes: F64, spheres: F64) -> None:
    """Boxes (low, high) and spheres of all nodes, leaves first."""
    count, leaves = len(faces), len(spheres) // 2
    for node in range(2 * leaves - 1, 0, -1):
        first, stop = 0, 0
        if node >= leaves:
            first, stop = count * (node - leaves) // leaves, count * (node - leaves + 1) // leaves
            for a in range(3):
                boxes[node, a], boxes[node, 3 + a] = np.inf, -np.inf
            for f in range(first, stop):
                for k in range(3):
                    v = faces[f, k]
                    for a in range(3):
                        boxes[node, a] = min(boxes[node, a], vertices[v, a])
                        boxes[node, 3 + a] = max(boxes[node, 3 + a], vertices[v, a])
        else:
            for a in range(3):
                boxes[node, a] = min(boxes[2 * node, a], boxes[2 * node + 1, a])
                boxes[node, 3 + a] = max(boxes[2 * node, 3 + a], boxes[2 * node + 1, 3 + a])
        x, y, z = (
            (boxes[node, 0] + boxes[node, 3]) / 2,
            (boxes[node, 1] + boxes[node, 4]) / 2,
            (boxes[node, 2] + boxes[node, 5]) / 2,
        )
        radius = 0.0
        if node >= leaves:
            for f in range(first, stop):
                for k in range(3):
                    v = faces[f, k]
                    square = (vertices[v, 0] - x) ** 2 + (vertices[v, 1] - y) ** 2 + (vertices[v, 2] - z) ** 2
                    radius = max(radius, square)
            radius = np.sqrt(radius)
        else:
            dx, dy, dz = boxes[node, 3] - x, boxes[node, 4] - y, boxes[node, 5] - z
            corner = np.sqrt(dx * dx + dy * dy + dz * dz)
            for child in (2 * node, 2 * node + 1):
                dx, dy, dz = spheres[child, 0] - x, spheres[child, 1] - y, spheres[child, 2] - z
                radius = max(radius, np.sqrt(dx * dx + dy * dy + dz * dz) + spheres[child, 3])
            radius = min(radius, corner)
        spheres[node, 0], spheres[node, 1], spheres[node, 2] = x, y, z
        spheres[node, 3] = radius * (1 + SLACK) + SLACK
