"""Joints and bones drawn over a picture: the person's right side warm, the left cool, the middle green."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.sample import HIDDEN, UNLABELLED, VISIBLE
from posecorpus.core.skeletons import Skeleton

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Colour = tuple[int, int, int]

RIGHT: Colour = (255, 138, 48)
LEFT: Colour = (58, 160, 255)
MIDDLE: Colour = (110, 220, 110)

_SUBPIXEL_BITS = 4
_MAX_DOTS = 400  # of one bone
_FAR_AWAY = 1e5  # pixels; keeps fixed-point coordinates of absurd labels inside int32


def side_colour(joint: str) -> Colour:
    """Colour of a joint, and of the bone that leads to it, by the side of the body."""
    return {"r_": RIGHT, "l_": LEFT}.get(joint[:2], MIDDLE)


def drawn_joints(shape: Skeleton) -> NDArray[np.intp]:
    """Indices of the joints worth drawing.

    A set that holds several annotators' variants of one joint (``l_hip``, ``l_hip_lsp``, ``l_hip_h36m``) is
    drawn without the ones named after an annotator: they lie within centimetres of each other.
    """
    variants = ("_lsp", "_h36m")
    return np.array([i for i, joint in enumerate(shape.joints) if not joint.endswith(variants)], np.intp)


def drawn_bones(shape: Skeleton) -> list[tuple[int, int]]:
    """(parent, child) pairs among :func:`drawn_joints`."""
    drawn = set(drawn_joints(shape).tolist())
    return [bone for bone in shape.bones if drawn.issuperset(bone)]


def skeleton_record(shape: Skeleton) -> dict[str, Any]:
    """What a page's script needs to draw people of this joint set."""
    return {
        "joints": shape.joints,
        "drawn": drawn_joints(shape).tolist(),
        "bones": drawn_bones(shape),
        "colours": [side_colour(joint) for joint in shape.joints],
    }


def draw_joints(
    image: Picture,
    joints2d: NDArray[np.floating[Any]],
    visibility: Picture,
    shape: Skeleton,
    size: float | None = None,
    completed: Mask | None = None,
) -> Picture:
    """Draw one person's joints and bones over a copy of ``image`` (H, W, 3).

    A visible joint is a disc, a hidden one a ring; a bone with a hidden end is thinner. A joint that lifting
    completed is a hollow diamond, and the bones that end in one are dotted. Unlabelled joints and their bones
    are left out.

    Args:
        image: (H, W, 3) RGB.
        joints2d: (J, 2) pixels, centre of the first pixel at (0.5, 0.5); NaN where unlabelled.
        visibility: (J,) flags of :mod:`posecorpus.core.sample`.
        shape: names and bones of the J joints.
        size: radius of a joint, pixels; by default it grows with the person.
        completed: (J,) joints that the annotation lacks.
    """
    if joints2d.shape != (len(shape), 2) or visibility.shape != (len(shape),):
        raise InputError("draw_joints", f"{len(shape)} joints of {shape.name}", joints2d.shape)
    labelled = (visibility != UNLABELLED) & np.isfinite(joints2d).all(-1)
    canvas = image.copy()
    if not labelled.any():
        return canvas
    radius = _joint_radius(joints2d[labelled]) if size is None else size
    # OpenCV's integer coordinates are pixel centres; ours are half a pixel further.
    placed = np.clip(np.nan_to_num(joints2d) - 0.5, -_FAR_AWAY, _FAR_AWAY)
    points = np.round(placed * 2**_SUBPIXEL_BITS).astype(int)
    made_up = np.zeros(len(shape), bool) if completed is None else completed
    for parent, child in drawn_bones(shape):
        if labelled[parent] and labelled[child]:
            hidden = HIDDEN in (visibility[parent], visibility[child])
            width = max(1, round(radius * (0.5 if hidden else 0.9)))
            start, end = points[[parent, child]].tolist()
            colour = side_colour(shape.joints[child])
            if made_up[parent] or made_up[child]:
                _draw_dotted(canvas, start, end, colour, max(0.8, 0.35 * radius))
            else:
                cv2.line(canvas, start, end, colour, width, cv2.LINE_AA, _SUBPIXEL_BITS)
    for joint in drawn_joints(shape)[labelled[drawn_joints(shape)]]:
        at, colour = points[joint].tolist(), side_colour(shape.joints[joint])
        if made_up[joint]:
            _draw_diamond(canvas, at, colour, 1.3 * radius)
        else:
            _draw_joint(canvas, at, colour, radius, visibility[joint])
    return canvas


def _joint_radius(points: NDArray[np.floating[Any]]) -> float:
    extent = float(np.ptp(points, axis=0).max()) if len(points) else 0.0
    return float(np.clip(extent / 70, 1.5, 6))


def _draw_joint(canvas: Picture, at: list[int], colour: Colour, radius: float, flag: np.uint8) -> None:
    fixed = round(radius * 2**_SUBPIXEL_BITS)
    if flag == VISIBLE:
        cv2.circle(canvas, at, fixed, colour, -1, cv2.LINE_AA, _SUBPIXEL_BITS)
    else:
        cv2.circle(canvas, at, fixed, (20, 20, 20), -1, cv2.LINE_AA, _SUBPIXEL_BITS)
        cv2.circle(canvas, at, fixed, colour, 1, cv2.LINE_AA, _SUBPIXEL_BITS)


def _draw_diamond(canvas: Picture, at: list[int], colour: Colour, reach: float) -> None:
    fixed = max(round(reach * 2**_SUBPIXEL_BITS), 2 << _SUBPIXEL_BITS)
    corners = np.array([(0, -fixed), (fixed, 0), (0, fixed), (-fixed, 0)], np.int32) + np.array(at, np.int32)
    cv2.fillPoly(canvas, [corners], (20, 20, 20), cv2.LINE_AA, _SUBPIXEL_BITS)
    cv2.polylines(canvas, [corners], True, colour, 1, cv2.LINE_AA, _SUBPIXEL_BITS)


def _draw_dotted(canvas: Picture, start: list[int], end: list[int], colour: Colour, radius: float) -> None:
    """Dots of a radius in pixels along a line given in fixed point, as far as it can be seen."""
    a, b = np.array(start, float), np.array(end, float)
    gap = 5 * max(radius, 1.0) * 2**_SUBPIXEL_BITS
    count = min(round(float(np.linalg.norm(b - a)) / gap), _MAX_DOTS)
    for s in np.arange(1, count) / max(count, 1):
        at = np.round(a + s * (b - a)).astype(int).tolist()
        cv2.circle(canvas, at, round(radius * 2**_SUBPIXEL_BITS), colour, -1, cv2.LINE_AA, _SUBPIXEL_BITS)
