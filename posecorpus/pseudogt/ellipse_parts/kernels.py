"""Compiled kernels: joints to placed ellipses, and placed ellipses to pixels. Geometry: :mod:`posecorpus.core.ellipses`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., object])
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

PLACED = 9
"""Numbers of a placed shape: centre x, y, direction x, y, semi-axes along and across (pixels; 0: left out),
depth of the centre (m), its slope along the direction (m per pixel), thickness (m)."""


def _kernel(function: F) -> F:
    """Compiled once and cached; IEEE arithmetic, so that the same input gives the same bytes everywhere."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def _inline(function: F) -> F:
    """A helper of kernels in this file."""
    return cast(F, numba.njit(inline="always", error_model="numpy")(function))


@_kernel
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


@_inline
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


@_inline
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


@_inline
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


@_inline
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


@_inline
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
        out[6] = -float(order)


@_kernel
def paint(
    placed: Floats,
    labels: Bytes,
    people: Ints,
    summary: Floats,
    windows: Floats,
    parts: Bytes,
    instances: Bytes,
) -> None:
    """Draw images of placed people.

    Args:
        placed, summary: (M, S, 9) and (M, 3) as :func:`place` gives them.
        labels: (M, S) part ids.
        people: (N, 2) first person of each image and the one after its last.
        windows: (N, 4) x0, y0, x1, y1 of what the image covers.
        parts, instances: (N, H, W) output, zeroed. Instance i + 1 is the image's person i. Instances of shape
            (N, H, 0) are not wanted.
    """
    nearest = np.empty(parts.shape[1:])
    layer = np.empty(parts.shape[1:], dtype=np.uint8)
    for n in range(len(people)):
        first, last = people[n]
        for m in _far_to_near(summary[first:last]):
            _paint_person(
                placed[first + m], labels[first + m], summary[first + m, 0] > 0.0, windows[n], m + 1,
                nearest, layer, parts[n], instances[n],
            )  # fmt: skip


@_kernel
def _far_to_near(summary: Floats) -> Ints:
    """Indices of people in the order they are painted; of equals the first comes last."""
    count = len(summary)
    order = np.empty(count, dtype=np.int64)
    by_depth = True
    for m in range(count):
        by_depth = by_depth and (summary[m, 0] > 0.0 or not summary[m, 2] > 0.0)
    key = np.where(summary[:, 2] > 0.0, summary[:, 1] if by_depth else -summary[:, 2], np.inf)
    used = np.zeros(count, dtype=np.bool_)
    for k in range(count):
        best = -1
        for m in range(count):
            if not used[m] and (best < 0 or key[m] >= key[best]):
                best = m
        order[k] = best
        used[best] = True
    return order


@_inline
def _paint_person(
    placed: Floats,
    labels: Bytes,
    by_depth: bool,
    window: Floats,
    instance: int,
    nearest: Floats,
    layer: Bytes,
    parts: Bytes,
    instances: Bytes,
) -> None:
    height, width = parts.shape
    step_x, step_y = (window[2] - window[0]) / width, (window[3] - window[1]) / height
    centres, depths = window[0] + (np.arange(width) + 0.5) * step_x, np.empty(width)
    top, bottom, left, right = height, 0, width, 0
    for s in range(len(placed)):
        if placed[s, 4] > 0.0:
            rise, reach = _extents(placed[s])
            top = min(top, _first(placed[s, 1] - rise, window[1], step_y, height))
            bottom = max(bottom, _past(placed[s, 1] + rise, window[1], step_y, height))
            left = min(left, _first(placed[s, 0] - reach, window[0], step_x, width))
            right = max(right, _past(placed[s, 0] + reach, window[0], step_x, width))
    if top >= bottom or left >= right:
        return
    for y in range(top, bottom):
        layer[y, left:right] = 0
        if by_depth:
            nearest[y, left:right] = np.inf
    for s in range(len(placed)):
        if placed[s, 4] > 0.0:
            _paint_shape(
                placed[s], labels[s], by_depth, window, step_x, step_y, centres, depths, nearest, layer
            )
    for y in range(top, bottom):
        for x in range(left, right):
            parts[y, x] = layer[y, x] if layer[y, x] else parts[y, x]
        for x in range(left, min(right, instances.shape[1])):
            instances[y, x] = np.uint8(instance) if layer[y, x] else instances[y, x]


@_inline
def _paint_shape(
    shape: Floats,
    label: int,
    by_depth: bool,
    window: Floats,
    step_x: float,
    step_y: float,
    centres: Floats,
    depths: Floats,
    nearest: Floats,
    layer: Bytes,
) -> None:
    height, width = layer.shape
    cx, cy, ux, uy, along, across, z, slope, thickness = shape
    rise, _ = _extents(shape)
    if not rise > 0.0:
        return
    # On the row dy above the centre, the ellipse spans middle +- half (in x from the centre).
    tilt = ux * uy * (along - across) * (along + across) / (rise * rise)
    spread = along / rise * across / rise
    for row in range(
        _first(cy - rise, window[1], step_y, height), _past(cy + rise, window[1], step_y, height)
    ):
        dy = window[1] + (row + 0.5) * step_y - cy
        middle = dy * tilt
        half = spread * np.sqrt(max(0.0, (rise - dy) * (rise + dy)))
        start = _first(cx + middle - half, window[0], step_x, width)
        stop = _past(cx + middle + half, window[0], step_x, width)
        if not by_depth:
            layer[row, start:stop] = label
            continue
        row_z = z + slope * uy * dy
        row_slope = slope * ux
        # sqrt(1 - q) = bend * sqrt(half^2 - (x - middle)^2)
        bend = thickness / spread / rise
        square = half * half
        for column in range(start, stop):  # apart from the comparisons, so that it compiles to vectors
            dx = centres[column] - cx
            off = dx - middle
            depths[column] = row_z + row_slope * dx - bend * np.sqrt(max(0.0, square - off * off))
        for column in range(start, stop):
            nearer = depths[column] < nearest[row, column]
            nearest[row, column] = depths[column] if nearer else nearest[row, column]
            layer[row, column] = label if nearer else layer[row, column]


@_inline
def _extents(shape: Floats) -> tuple[float, float]:
    """Half the height and half the width of an ellipse's box, pixels."""
    ux, uy, along, across = shape[2], shape[3], shape[4], shape[5]
    return np.hypot(along * uy, across * ux), np.hypot(along * ux, across * uy)


@_inline
def _first(edge: float, origin: float, step: float, count: int) -> int:
    """The first of ``count`` pixels whose centre is at or beyond an edge."""
    return int(np.ceil(min(max((edge - origin) / step - 0.5, 0.0), float(count))))


@_inline
def _past(edge: float, origin: float, step: float, count: int) -> int:
    """The pixel after the last whose centre is at or before an edge."""
    return int(np.floor(min(max((edge - origin) / step - 0.5, -1.0), float(count - 1)))) + 1
