"""Joints to placed ellipses, compiled. Geometry: :mod:`posecorpus.core.ellipses`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.pseudogt.jit import inline, kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PLACED = 9
"""Numbers of a placed shape: centre x, y, direction x, y, semi-axes along and across (pixels; 0: left out),
depth of the centre (m), its slope along the direction (m per pixel), thickness (m)."""


@kernel
def place(
    joints2d: Floats,
    joints3d: Floats,
    has3d: bool,
    points: Ints,
    ends: Ints,
    measures: Floats,
    references: Ints,
    proportions: Floats,
    placed: Floats,
    summary: Floats,
) -> None:
    """Place the shapes of people of one skeleton.

    Args:
        joints2d, joints3d: (M, J, 2) pixels and (M, J, 3) metres; not finite where unlabelled. ``joints3d`` is
            not looked at unless ``has3d``.
        points, ends, measures, references, proportions: of a ShapePlan.
        placed: (M, S, 9) output.
        summary: (M, 3) output: 1 if drawn by depth, mean depth (m), size (px); size 0 if there is none.
    """
    spots = np.empty((len(points), 5))  # x, y of the image, x, y, z of the camera frame
    known = np.empty(len(points), dtype=np.bool_)
    for m in range(len(joints2d)):
        by_depth, mean_z = _depth_known(joints2d[m], joints3d[m if has3d else 0], has3d)
        _find_points(joints2d[m], joints3d[m if has3d else 0], by_depth, points, spots, known)
        size, size_m = 0.0, 0.0
        if by_depth:
            size, size_m = _size_with_depth(spots, known, references, proportions)
            by_depth = size > 0.0
        if not by_depth:
            size, size_m = _size_without_depth(spots, known, references, proportions), 0.0
        summary[m, 0], summary[m, 1], summary[m, 2] = by_depth, mean_z, size
        for s in range(len(ends)):
            _place_shape(spots, known, by_depth, ends[s], measures[s], size, size_m, s, placed[m, s])


@inline
def _depth_known(joints2d: Floats, joints3d: Floats, has3d: bool) -> tuple[bool, float]:
    """Whether all labelled joints have 3D, and their mean depth."""
    count, total = 0, 0.0
    if not has3d:
        return False, 0.0
    for j in range(len(joints2d)):
        if np.isfinite(joints2d[j, 0]) and np.isfinite(joints2d[j, 1]):
            for k in range(3):
                if not np.isfinite(joints3d[j, k]):
                    return False, 0.0
            count += 1
            total += joints3d[j, 2]
    return (True, total / count) if count else (False, 0.0)


@inline
def _find_points(
    joints2d: Floats, joints3d: Floats, by_depth: bool, points: Ints, spots: Floats, known: NDArray[np.bool_]
) -> None:
    for p in range(len(points)):
        known[p] = False
        for a in range(points.shape[1]):
            i, j = points[p, a, 0], points[p, a, 1]
            if known[p] or i < 0:
                continue
            x = (joints2d[i, 0] + joints2d[j, 0]) / 2
            y = (joints2d[i, 1] + joints2d[j, 1]) / 2
            if np.isfinite(x) and np.isfinite(y):
                known[p] = True
                spots[p, 0], spots[p, 1] = x, y
                for k in range(3):
                    spots[p, 2 + k] = (joints3d[i, k] + joints3d[j, k]) / 2 if by_depth else 0.0


@inline
def _size_with_depth(
    spots: Floats, known: NDArray[np.bool_], references: Ints, proportions: Floats
) -> tuple[float, float]:
    """Size in pixels and in metres; 0, 0 if image and 3D have nothing in common."""
    length, share, product, square = 0.0, 0.0, 0.0, 0.0
    for r in range(len(references)):
        a, b = references[r, 0], references[r, 1]
        if known[a] and known[b]:
            dx, dy, dz = spots[b, 2] - spots[a, 2], spots[b, 3] - spots[a, 3], spots[b, 4] - spots[a, 4]
            length += np.sqrt(dx * dx + dy * dy + dz * dz)
            share += proportions[r]
            product += dx * (spots[b, 0] - spots[a, 0]) + dy * (spots[b, 1] - spots[a, 1])
            square += dx * dx + dy * dy
    if not (square > 0.0 and product > 0.0):
        return 0.0, 0.0
    size_m = length / share
    size = size_m * (product / square)
    return (size, size_m) if np.isfinite(size) else (0.0, 0.0)


@inline
def _size_without_depth(
    spots: Floats, known: NDArray[np.bool_], references: Ints, proportions: Floats
) -> float:
    """The second largest ratio, the only one, or 0."""
    largest, second = 0.0, -1.0
    count = 0
    for r in range(len(references)):
        a, b = references[r, 0], references[r, 1]
        if known[a] and known[b]:
            ratio = np.hypot(spots[b, 0] - spots[a, 0], spots[b, 1] - spots[a, 1]) / proportions[r]
            count += 1
            if ratio > largest:
                largest, second = ratio, largest
            elif ratio > second:
                second = ratio
    result = second if count > 1 else largest
    return result if np.isfinite(result) else 0.0


@inline
def _place_shape(
    spots: Floats,
    known: NDArray[np.bool_],
    by_depth: bool,
    ends: Ints,
    measures: Floats,
    size: float,
    size_m: float,
    order: int,
    out: Floats,
) -> None:
    out[:] = 0.0
    chosen = -1
    for f in range(len(ends)):
        a, b = ends[f, 0], ends[f, 1]
        if chosen < 0 and a >= 0 and known[a] and (b < 0 or known[b]):
            chosen = f
    if chosen < 0 or not size > 0.0:
        return
    a = ends[chosen, 0]
    b = ends[chosen, 1] if ends[chosen, 1] >= 0 else a
    radius, stretch, centre, cap, bulge = measures[chosen]
    dx, dy, dz = spots[b, 0] - spots[a, 0], spots[b, 1] - spots[a, 1], spots[b, 4] - spots[a, 4]
    segment = np.hypot(dx, dy)
    half, half_z, cap = stretch * segment / 2, stretch * dz / 2, cap * size
    along, across = np.hypot(half, cap), radius * size
    if not (along > 0.0 and np.isfinite(along) and across > 0.0):
        return
    out[0], out[1] = spots[a, 0] + centre * dx, spots[a, 1] + centre * dy
    out[2], out[3] = (dx / segment, dy / segment) if segment > 0.0 else (1.0, 0.0)
    out[4], out[5] = along, across
    if by_depth:
        out[6] = spots[a, 4] + centre * dz
        out[7] = half * half_z / (along * along)
        out[8] = np.hypot(bulge * size_m, half_z * cap / along)
    else:
        out[6] = -1.0 - order  # later shapes lie before earlier ones
