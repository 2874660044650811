"""Filling in the arrays of boxes and turned solids: kernels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.raster.jit import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@kernel
def fill_boxes(
    low: Floats, high: Floats, signs: Floats, inset: Floats, box_faces: Ints, box_axes: Ints,
    span: float, bevel: float, shift: float, vertices: Floats, faces: Ints, uv: Floats,
) -> None:  # fmt: skip
    """Fill in K boxes with cut edges, shaped as a template (signs, inset, box_faces, box_axes).

    Args:
        low, high: (K, 3) corners.
        span, bevel, shift: as of :func:`posecorpus.synth.props.solids.boxes`.
        vertices, faces, uv: (K, V, 3), (K, F, 3) and (K, F, 3, 2) to fill in.
    """
    half = np.empty(3)
    for k in range(len(low)):
        for a in range(3):
            half[a] = (high[k, a] - low[k, a]) / 2
        cut = min(bevel, 0.3 * half.min())
        for v in range(len(signs)):
            for a in range(3):
                centre = (low[k, a] + high[k, a]) / 2
                vertices[k, v, a] = centre + signs[v, a] * (half[a] - inset[v, a] * cut)
        for f in range(len(box_faces)):
            # Looked at along one axis, the longer of the other two runs along the grain.
            across, along = (box_axes[f] + 1) % 3, (box_axes[f] + 2) % 3
            if half[across] > half[along]:
                across, along = along, across
            offset = (shift + 0.37 * k + 0.21 * box_axes[f]) % 1
            for corner in range(3):
                v = box_faces[f, corner]
                faces[k, f, corner] = v + len(signs) * k
                for i, a in enumerate((across, along)):
                    free = max(1 - 2 * half[a] / span, 0.0)
                    place = (vertices[k, v, a] - low[k, a]) / span + free * offset
                    uv[k, f, corner, i] = min(max(place, 0.0), 1.0)


@kernel
def fill_turned(
    points: Floats, starts: Ints, steps: Floats, ring: Floats, u: Floats, span: float,
    vertices: Floats, faces: Ints, uv: Floats,
) -> int:  # fmt: skip
    """Fill in a solid of revolution; returns its number of faces: a radius of zero leaves some no area.

    Args:
        points: (P, 2) radius and height of all strips; strip ``s`` begins at ``starts[s]``.
        steps: (P - 1,) from each point to the next.
        ring: (around + 1, 2) sine and cosine. u: (around + 1,) across the tile.
        span: metres that the tile covers at least along the strips.
        vertices, faces, uv: (P, around, 3), (F, 3) and (F, 3, 2) to fill in.
    """
    around, total, count, done = vertices.shape[1], 0.0, 0, 0.0
    for s in range(len(starts) - 1):
        length = 0.0
        for p in range(starts[s], starts[s + 1] - 1):
            length += steps[p]
        total += length
    whole = max(span, total)
    for p in range(len(points)):
        for k in range(around):
            vertices[p, k, 0], vertices[p, k, 1] = points[p, 0] * ring[k, 0], points[p, 1]
            vertices[p, k, 2] = points[p, 0] * ring[k, 1]
    for s in range(len(starts) - 1):
        length = 0.0
        for p in range(starts[s], starts[s + 1] - 1):
            low, high = (done + length) / whole, (done + (length + steps[p])) / whole
            high = low + (high - low)
            length += steps[p]
            for k in range(around):
                a, b = p * around + k, p * around + (k + 1) % around
                for upper in range(2):
                    if points[p + upper, 0] <= 0:
                        continue
                    face = (a, b + around, a + around) if upper else (a, b, b + around)
                    for corner in range(3):
                        left = corner == 0 or (corner == 2 and upper == 1)
                        raised = corner == 2 or (corner == 1 and upper == 1)
                        faces[count, corner] = face[corner]
                        uv[count, corner, 0] = min(max(u[k] if left else u[k + 1], 0.0), 1.0)
                        uv[count, corner, 1] = min(max(high if raised else low, 0.0), 1.0)
                    count += 1
        done += length
    return count
