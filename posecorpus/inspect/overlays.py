"""Labels drawn over pictures: pure functions from arrays to (H, W, 3) uint8 RGB.

Two steps, usable apart. ``colour_*`` turns a label raster into colours, one for each pixel, whatever lies
below; :func:`blend` lays colours over a picture where a mask says so. :func:`draw_joints` draws a person's
joints and bones. :func:`draw` does the usual combination for one layer of a sample.

The person's right side is warm, the left cool, the middle green: in joints and in part palettes alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.parts import PartTaxonomy
from posecorpus.core.sample import Person, Sample, SkeletonMap
from posecorpus.core.skeletons import skeleton
from posecorpus.core.sticks import PALETTE_TABLE
from posecorpus.inspect.joint_drawing import (
    LEFT,
    MIDDLE,
    RIGHT,
    Colour,
    Mask,
    Picture,
    draw_joints,
    drawn_bones,
    drawn_joints,
    side_colour,
)

__all__ = [
    "INSTANCE_COLOURS",
    "LAYERS",
    "LEFT",
    "MIDDLE",
    "RIGHT",
    "Layer",
    "blend",
    "colour_depth",
    "colour_flow",
    "colour_instances",
    "colour_layer",
    "colour_normals",
    "colour_parts",
    "depth_range",
    "draw",
    "draw_joints",
    "draw_people",
    "drawn_bones",
    "drawn_joints",
    "flow_limit",
    "side_colour",
    "stick_ids",
    "surface_mask",
]

Layer = Literal["joints", "parts", "instances", "depth", "normals", "flow", "sticks", "sticks_behind"]
LAYERS: tuple[Layer, ...] = get_args(Layer)

INSTANCE_COLOURS: tuple[Colour, ...] = (
    (255, 107, 107), (77, 171, 247), (255, 212, 59), (105, 219, 124), (218, 119, 242),
    (255, 146, 43), (59, 201, 219), (247, 131, 172), (169, 227, 75), (145, 167, 255),
)  # fmt: skip
"""Person ``i`` (instance ``i + 1``) has colour ``i`` modulo their number."""


def colour_parts(parts: Picture, taxonomy: PartTaxonomy) -> Picture:
    """Part ids (H, W) to the taxonomy's palette; an id outside its legend comes out magenta."""
    return np.asarray(taxonomy.palette_table[parts], np.uint8)


def colour_instances(instances: Picture) -> Picture:
    """Instance ids (H, W) to :data:`INSTANCE_COLOURS`, background black."""
    table = np.zeros((256, 3), np.uint8)
    table[1:] = np.array(INSTANCE_COLOURS, np.uint8)[np.arange(255) % len(INSTANCE_COLOURS)]
    return table[instances]


def depth_range(depth_mm: NDArray[np.uint16]) -> tuple[int, int]:
    """Nearest and farthest surface, millimetres; (0, 0) where the picture holds none."""
    surface = depth_mm[depth_mm > 0]
    return (int(surface.min()), int(surface.max())) if surface.size else (0, 0)


def colour_depth(depth_mm: NDArray[np.uint16], limits_mm: tuple[float, float] | None = None) -> Picture:
    """Depth (H, W) in millimetres to the Turbo colour map, near = red, far = blue, no surface = black.

    Args:
        depth_mm: z along the optical axis, 0 = no surface.
        limits_mm: depths that get the ends of the map; the picture's own range by default.
    """
    near, far = limits_mm or depth_range(depth_mm)
    nearness = (far - depth_mm.astype(np.float32)) / max(far - near, 1)
    grey = np.round(255 * np.clip(nearness, 0.05, 0.95)).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(grey, cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB)
    colours[depth_mm == 0] = 0
    return np.asarray(colours, np.uint8)


def colour_normals(normals: Picture) -> Picture:
    """Camera-frame normals (H, W, 3), stored as ``round(127.5 (n + 1))``, in the customary lilac look.

    Red is right, green is UP and blue is TOWARDS the camera, as normal maps are shown everywhere;
    OpenCV's y (down) and z (away) are therefore inverted. No surface (0 0 0) stays black.
    """
    surface = normals.any(-1, keepdims=True)
    shown = np.concatenate([normals[..., :1], 255 - normals[..., 1:]], -1)
    return np.where(surface, shown, 0).astype(np.uint8)


def flow_limit(flow: NDArray[np.floating[Any]]) -> float:
    """The speed that is shown fully saturated, pixels a frame: the 99th percentile of what moves."""
    speed = np.hypot(flow[..., 0].astype(np.float32), flow[..., 1].astype(np.float32))
    moving = speed[np.isfinite(speed) & (speed > 0)]
    return max(float(np.percentile(moving, 99)), 1e-3) if moving.size else 1.0


def colour_flow(flow: NDArray[np.floating[Any]], limit_px: float | None = None) -> Picture:
    """Flow (H, W, 2) in pixels a frame to a colour wheel: hue = direction, saturation = speed.

    Rightward is red, downward (dy > 0) yellow-green, leftward cyan, upward violet; still is white.

    Args:
        flow: (dx, dy) to the next frame; a pixel with NaN or infinity comes out black.
        limit_px: speed of full saturation; :func:`flow_limit` by default.
    """
    finite = np.isfinite(flow).all(-1)
    step = np.where(finite[..., None], flow, 0).astype(np.float32)
    limit = flow_limit(flow) if limit_px is None else limit_px
    degrees = np.degrees(np.arctan2(step[..., 1], step[..., 0])) % 360
    saturation = np.minimum(np.hypot(step[..., 0], step[..., 1]) / limit, 1)
    hsv = np.stack([degrees, saturation, np.ones_like(degrees)], -1).astype(np.float32)
    colours = np.round(255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)).astype(np.uint8)
    colours[~finite] = 0
    return np.asarray(colours, np.uint8)


def blend(image: Picture, colours: Picture, mask: Mask, opacity: float = 0.65) -> Picture:
    """Lay ``colours`` over ``image`` (both (H, W, 3)) where ``mask`` (H, W) is true."""
    mixed = image * (1 - opacity) + colours * opacity
    return np.where(mask[..., None], np.round(mixed), image).astype(np.uint8)


def surface_mask(sample: Sample) -> Mask:
    """(H, W) true where the sample shows a person, from the first raster that can tell."""
    for raster in (sample.instances, sample.parts, sample.depth_mm):
        if raster is not None:
            return np.asarray(raster > 0)
    for vectors in (sample.normals, sample.flow):
        if vectors is not None:
            return np.asarray(vectors.any(-1))
    return np.zeros((sample.height, sample.width), bool)


def colour_layer(sample: Sample, layer: Layer, taxonomy: PartTaxonomy | None) -> tuple[Picture, Mask] | None:
    """Colours and coverage of one raster layer of a sample; None where it lacks that label.

    Args:
        sample: with any of its rasters.
        layer: any layer but ``joints``; ``sticks`` shows the nearer of crossing sticks, ``sticks_behind`` the
            farther.
        taxonomy: what the part ids mean; needed for ``parts`` only.
    """
    if layer == "parts" and sample.parts is not None and taxonomy is not None:
        return colour_parts(sample.parts, taxonomy), np.asarray(sample.parts > 0)
    if layer == "instances" and sample.instances is not None:
        return colour_instances(sample.instances), np.asarray(sample.instances > 0)
    if layer == "depth" and sample.depth_mm is not None:
        return colour_depth(sample.depth_mm), np.asarray(sample.depth_mm > 0)
    if layer == "normals" and sample.normals is not None:
        return colour_normals(sample.normals), np.asarray(sample.normals.any(-1))
    if layer == "flow" and sample.flow is not None:
        return colour_flow(sample.flow), surface_mask(sample)
    if layer in ("sticks", "sticks_behind") and sample.skeleton_maps is not None:
        ids = stick_ids(sample, behind=layer == "sticks_behind")
        return PALETTE_TABLE[ids], np.asarray(ids > 0)
    return None


def stick_ids(sample: Sample, *, behind: bool = False) -> Picture:
    """(H, W) stick ids of a sample's skeleton maps: of each person the thinnest sticks in the widest window.

    Args:
        behind: show the farther stick where two cross, not the nearer.
    """
    ids = np.zeros((sample.height, sample.width), np.uint8)
    by_person: dict[int, SkeletonMap] = {}
    for drawn in sample.skeleton_maps or ():
        if drawn.person not in by_person or _thin_and_wide(drawn) > _thin_and_wide(by_person[drawn.person]):
            by_person[drawn.person] = drawn
    columns, rows = np.arange(sample.width) + 0.5, np.arange(sample.height) + 0.5
    for drawn in by_person.values():
        shown = drawn.background if behind else drawn.foreground
        x0, y0, x1, y1 = drawn.window.astype(float).tolist()
        with np.errstate(all="ignore"):  # a window may be anything
            u, v = (columns - x0) / (x1 - x0) * len(shown), (rows - y0) / (y1 - y0) * len(shown)
        across, down = (u >= 0) & (u < len(shown)), (v >= 0) & (v < len(shown))
        inside = shown[np.ix_(v[down].astype(int), u[across].astype(int))]
        area = np.ix_(down, across)
        ids[area] = np.where(inside > 0, inside, ids[area])
    return ids


def _thin_and_wide(drawn: SkeletonMap) -> tuple[float, float]:
    return -drawn.stick_px, float(drawn.window[2] - drawn.window[0])


def draw_people(image: Picture, people: Iterable[Person]) -> Picture:
    """:func:`draw_joints` for everyone, each with the bones of their own skeleton."""
    for person in people:
        completed = None if person.lift is None else person.lift.completed
        shape = skeleton(person.skeleton)
        image = draw_joints(image, person.joints2d, person.visibility, shape, completed=completed)
    return image


def draw(
    sample: Sample, layer: Layer, taxonomy: PartTaxonomy | None = None, opacity: float = 0.65
) -> Picture:
    """One layer over the sample's picture (over black where it has none).

    Args:
        sample: what to draw; a label that it lacks leaves the picture as it is.
        layer: which label.
        taxonomy: what the part ids mean; needed for ``parts``.
        opacity: of a raster layer.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    black = np.zeros((sample.height, sample.width, 3), np.uint8)
    image = black if sample.image is None else sample.image
    if layer == "joints":
        return draw_people(image, sample.people)
    coloured = colour_layer(sample, layer, taxonomy)
    return image.copy() if coloured is None else blend(image, *coloured, opacity)
