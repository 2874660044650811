"""The ellipses by their definition, pixel by pixel in float64: joints by name, ellipsoids by what spans them.

A shape is the set of points ``centre + G s`` with ``|s| <= 1``, where the columns of G (3 x 4) are the half segment, its
cap, its radius and its bulge. Over a pixel, the shortest s that reaches it says whether the pixel is inside, and what
is left of the unit ball how near the surface comes. The package solves for spans of rows instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from posecorpus.core.ellipse_table import POINTS, REFERENCES
from posecorpus.core.ellipses import EllipseConstants, shape_table
from posecorpus.core.skeletons import Skeleton

BAND = 1e-6


@dataclass
class Layer:
    """One person: id, depth and rank of the shape at each pixel, and which pixels are ties."""

    ids: np.ndarray
    ties: np.ndarray
    mean_z: float | None
    size: float


def draw(joints2d, joints3d, skeleton: Skeleton, constants: EllipseConstants, height, width, window=None):
    """Parts, instances and ties (H, W) of people's joints (P, J, 2) and (P, J, 3) or None."""
    x0, y0, x1, y1 = (0, 0, width, height) if window is None else window
    x = x0 + (np.arange(width) + 0.5) * (x1 - x0) / width
    y = y0 + (np.arange(height) + 0.5) * (y1 - y0) / height
    pixels = np.stack(np.meshgrid(x, y), axis=-1)
    layers = [
        layer(joints2d[p], None if joints3d is None else joints3d[p], skeleton, constants, pixels)
        for p in range(len(joints2d))
    ]
    drawn = [i for i, one in enumerate(layers) if one.size > 0]
    by_depth = all(layers[i].mean_z is not None for i in drawn)
    nearest_first = sorted(drawn, key=lambda i: layers[i].mean_z if by_depth else -layers[i].size)
    parts, instances = np.zeros((height, width), int), np.zeros((height, width), int)
    ties = np.zeros((height, width), bool)
    for i in nearest_first:
        free = instances == 0
        parts[free] = layers[i].ids[free]
        instances[free & (layers[i].ids > 0)] = i + 1
        ties |= layers[i].ties
    return parts, instances, ties


def layer(joints2d, joints3d, skeleton, constants, pixels) -> Layer:
    """One person alone."""
    labelled = {
        name: joints2d[j].astype(float)
        for j, name in enumerate(skeleton.landmarks)
        if np.isfinite(joints2d[j]).all()
    }
    lifted = None
    if joints3d is not None and labelled:
        lifted = {name: joints3d[skeleton.landmarks.index(name)].astype(float) for name in labelled}
        if not all(np.isfinite(place).all() for place in lifted.values()):
            lifted = None
    mean_z = None if lifted is None else float(np.mean([place[2] for place in lifted.values()]))

    def point(name, places):
        for pair in POINTS[name]:
            if all(landmark in labelled for landmark in pair):
                return np.mean([places[landmark] for landmark in pair], axis=0)
        return None

    segments = [
        (name, a, b)
        for name, (a, b, _) in REFERENCES.items()
        if point(a, labelled) is not None and point(b, labelled) is not None
    ]
    size, size_m = 0.0, 0.0
    if lifted is not None:
        flat = np.concatenate([point(b, labelled) - point(a, labelled) for _, a, b in segments] or [[]])
        solid = [point(b, lifted) - point(a, lifted) for _, a, b in segments]
        deep = np.concatenate([offset[:2] for offset in solid] or [[]])
        pixels_a_metre = float(flat @ deep / (deep @ deep)) if deep.any() else 0.0
        if pixels_a_metre > 0:
            size_m = sum(map(np.linalg.norm, solid)) / sum(constants.proportions[n] for n, _, _ in segments)
            size = size_m * pixels_a_metre
        else:
            lifted = None
    if lifted is None:
        mean_z = None
        ratios = [
            float(np.linalg.norm(point(b, labelled) - point(a, labelled))) / constants.proportions[name]
            for name, a, b in segments
        ]
        size = sorted(ratios, reverse=True)[:2][-1] if ratios else 0.0

    ids = {part: i for i, part in constants.parts.legend.items()}
    best = np.full(pixels.shape[:2], np.inf)
    second = np.full(pixels.shape[:2], np.inf)
    result = np.zeros(pixels.shape[:2], int)
    ties = np.zeros(pixels.shape[:2], bool)
    for order, shape in enumerate(shape_table(constants.taxonomy)):
        form = next(
            (
                f
                for f in shape.forms
                if point(f.start, labelled) is not None
                and (f.end is None or point(f.end, labelled) is not None)
            ),
            None,
        )
        if form is None or not size > 0:
            continue
        m = constants.shapes[form.key]
        start = np.append(
            point(form.start, labelled), 0.0 if lifted is None else point(form.start, lifted)[2]
        )
        end = start
        if form.end is not None:
            end = np.append(point(form.end, labelled), 0.0 if lifted is None else point(form.end, lifted)[2])
        inside, surface, edge = over(pixels, start, end, m, form.end is None, size, size_m)
        depth = np.where(inside, surface if lifted is not None else -float(order), np.inf)
        ties |= edge
        nearer = depth < best
        second = np.where(nearer, np.where(result != ids[shape.part], best, second), second)
        rival = ~nearer & (result != ids[shape.part])
        second = np.where(rival, np.minimum(second, depth), second)
        best, result = np.where(nearer, depth, best), np.where(nearer, ids[shape.part], result)
    with np.errstate(invalid="ignore"):
        ties |= second - best < BAND
    return Layer(result, ties, mean_z, size)


def over(pixels, start, end, m, circle, size, size_m):
    """Inside, depth of the near surface, and within the band of the outline, for every pixel."""
    step = end - start
    segment = float(np.hypot(*step[:2]))
    along = step[:2] / segment if segment > 0 else np.array([1.0, 0.0])
    across = np.array([-along[1], along[0]])
    cap = m.radius if circle else m.cap
    spans = np.zeros((3, 4))
    spans[:, 0] = step * m.length / 2
    spans[:2, 1] = along * cap * size
    spans[:2, 2] = across * m.radius * size
    spans[2, 3] = m.bulge * size_m
    if np.linalg.norm(spans[:2, :2]) == 0:
        nothing = np.zeros(pixels.shape[:2], bool)
        return nothing, np.zeros(pixels.shape[:2]), nothing
    offset = pixels - (start + m.centre * step)[:2]
    # Rows of spans[:2] in the shape's own axes are orthogonal, so the shortest s is exact without an inverse.
    u, v = along @ spans[:2], across @ spans[:2]
    s = (offset @ along)[..., None] * (u / (u @ u)) + (offset @ across)[..., None] * (v / (v @ v))
    square = (s * s).sum(-1)
    rest = spans[2] - (spans[2] @ u) / (u @ u) * u - (spans[2] @ v) / (v @ v) * v
    depth = (start + m.centre * step)[2] + s @ spans[2]
    depth = depth - np.linalg.norm(rest) * np.sqrt(np.maximum(0.0, 1.0 - square))
    return square <= 1.0, depth, np.abs(square - 1.0) < BAND
