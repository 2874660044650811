"""Pictures seen anew: turned, scaled, shifted, mirrored and in other colours, with labels that follow exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.core.parts import PartTaxonomy
from posecorpus.core.sample import HIDDEN, UNLABELLED, VISIBLE, Person, Sample
from posecorpus.core.skeletons import skeleton
from posecorpus.models.data.frame import fit_size
from posecorpus.models.data.pixels import BORDER_RGB, decoded, reduction_for, smaller, warped, warped_ids
from posecorpus.models.data.view import Array, View

_ONE = np.eye(3)
_ALONG = np.full((3, 3), 1 / 3)
_ACROSS = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
"""Rodrigues: what a turn about the axis of greys keeps, and what it puts across."""
_LIGHT = np.tile([0.299, 0.587, 0.114], (3, 1))
_MIDDLE = float(np.mean(BORDER_RGB))


@dataclass(frozen=True)
class AugmentParams:
    """How differently a picture is seen each time; every range is drawn from evenly.

    Attributes:
        flip: how often it is mirrored.
        scale: lowest and highest, times the scale of the frame.
        rotation_deg: at most, either way, about the middle.
        shift: at most, as a share of the frame's width and height, either way.
        brightness, contrast, saturation: at most, either way, of a factor around 1.
        hue_deg: at most, either way, about the axis of greys.
    """

    flip: float = 0.5
    scale: tuple[float, float] = (0.75, 1.25)
    rotation_deg: float = 20.0
    shift: float = 0.1
    brightness: float = 0.3
    contrast: float = 0.3
    saturation: float = 0.4
    hue_deg: float = 8.0

    def __post_init__(self) -> None:
        for name in ("flip", "shift", "brightness", "contrast", "saturation"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"augmentation: {name}", "a number from 0 to 1", getattr(self, name))
        if not 0 < self.scale[0] <= self.scale[1] < math.inf:
            raise InputError("augmentation: scale", "two numbers above 0, the lower first", self.scale)
        for name in ("rotation_deg", "hue_deg"):
            if not 0 <= getattr(self, name) <= 180:
                raise InputError(f"augmentation: {name}", "degrees from 0 to 180", getattr(self, name))

    @staticmethod
    def none() -> AugmentParams:
        """Pictures as they are, fitted to the frame."""
        return AugmentParams(0.0, (1.0, 1.0), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def plain_view(width: int, height: int, frame: tuple[int, int]) -> View:
    """A picture of that size fitted to the frame (:func:`~posecorpus.models.data.frame.fit_size`), as it is."""
    out_width, out_height, scale = fit_size(width, height, *frame)
    return View(np.array([[scale, 0.0, 0.0], [0.0, scale, 0.0]]), out_width, out_height)


def draw_view(
    width: int, height: int, frame: tuple[int, int], params: AugmentParams, random: np.random.Generator
) -> View:
    """A view of a picture of that size, drawn; of the frame's size for it."""
    out_width, out_height, fit = fit_size(width, height, *frame)
    # All numbers are drawn in any case: a range that is changed leaves the other draws as they were.
    flip, scale, turn, right, down, brightness, contrast, saturation, hue = random.random(9)
    size = fit * (params.scale[0] + (params.scale[1] - params.scale[0]) * scale)
    angle = math.radians(params.rotation_deg) * (2 * turn - 1)
    mirror = -1.0 if flip < params.flip else 1.0
    cosine, sine = size * math.cos(angle), size * math.sin(angle)
    linear = np.array([[cosine * mirror, -sine], [sine * mirror, cosine]])
    shift = params.shift * (2 * np.array([right, down]) - 1) * (out_width, out_height)
    middle = fit * np.array([width, height]) / 2
    start = middle + shift - linear @ (width / 2, height / 2)
    colours = _colours(
        1 + params.brightness * (2 * brightness - 1),
        1 + params.contrast * (2 * contrast - 1),
        1 + params.saturation * (2 * saturation - 1),
        math.radians(params.hue_deg) * (2 * hue - 1),
    )
    return View(np.column_stack([linear, start]), out_width, out_height, colours)


def _colours(brightness: float, contrast: float, saturation: float, hue: float) -> Array | None:
    """(3, 4): hue about the axis of greys, saturation from the grey of the same light, contrast about the border's.

    All are affine in RGB, so one matrix does them in one pass over a picture.
    """
    if (brightness, contrast, saturation, hue) == (1.0, 1.0, 1.0, 0.0):
        return None
    turned = math.cos(hue) * _ONE + (1 - math.cos(hue)) * _ALONG + math.sin(hue) * _ACROSS
    matrix = brightness * contrast * (saturation * turned + (1 - saturation) * (_LIGHT @ turned))
    return np.column_stack([matrix, np.full(3, brightness * (1 - contrast) * _MIDDLE)])


def seen(sample: Sample, view: View, parts: PartTaxonomy | None = None) -> Sample:
    """A sample in a view: its picture, its people and its camera, and ids of parts and people where it has them.

    The camera's frame turns about the optical axis with the picture, and is mirrored with it, so that the new
    ``joints3d`` seen by the new camera are the new ``joints2d``. What no longer holds is dropped: SMPL's parameters,
    lifts, depth, normals, flow, skeleton maps, and people none of whose joints are in the view any more. A visible
    joint that is outside becomes a hidden one.

    Args:
        sample: with its picture decoded, encoded or without one.
        parts: the taxonomy of ``sample.parts``, whose sides a mirrored view exchanges.

    Raises:
        InputError: a damaged picture.
        ValueError: a mirrored view of parts of no given taxonomy.
    """
    camera, turn = _seen_camera(sample.camera, view)
    kept, people = _seen_people(sample.people, view, turn)
    names = np.arange(256, dtype=np.uint8)
    if sample.parts is not None and view.mirrored:
        if parts is None:
            raise ValueError(f"{sample.key}: parts of which taxonomy are to be mirrored?")
        names = parts.mirror
    numbers = np.zeros(256, np.uint8)
    numbers[[i + 1 for i in kept]] = np.arange(1, len(kept) + 1)
    return Sample(
        key=sample.key,
        width=view.width,
        height=view.height,
        people=people,
        image=_seen_picture(sample, view),
        camera=camera,
        parts=None if sample.parts is None else warped_ids(sample.parts, view, names),
        instances=None if sample.instances is None else warped_ids(sample.instances, view, numbers),
        clip=sample.clip,
        frame=sample.frame,
        provenance=sample.provenance,
    )


def _seen_picture(sample: Sample, view: View) -> NDArray[np.uint8] | None:
    if sample.image is not None:
        reduction = reduction_for(view.scale)
        return warped(smaller(sample.image, reduction), view, reduction)
    if "image" not in sample.encoded:
        return None
    data, where = sample.encoded["image"], f"{sample.key}: image"
    image, reduction = decoded(data, sample.width, sample.height, view.scale, where)
    return warped(image, view, reduction)


def _seen_camera(camera: Camera | None, view: View) -> tuple[Camera | None, Array]:
    """The camera of the view, and the (3, 3) orthogonal matrix from the old camera's frame to its frame.

    With A the view's matrix, ``A K`` is split into an upper triangle, the new K, and that turn about the axis. Where
    K has one focal length and no skew the turn is the view's own; without a camera it is taken to be.
    """
    linear = view.matrix[:, :2] if camera is None else view.matrix[:, :2] @ camera.K[:2, :2]
    x, y = (linear[1] / math.hypot(*linear[1])).tolist()
    side = -1.0 if view.mirrored else 1.0
    turn = np.array([[side * y, -side * x, 0.0], [x, y, 0.0], [0.0, 0.0, 1.0]])
    if camera is None:
        return None, turn
    K = np.vstack([view.matrix, [0.0, 0.0, 1.0]]) @ camera.K @ turn.T
    K[1, 0] = 0.0  # but for rounding
    R = turn @ camera.R
    if view.mirrored:
        R[:, 0] *= -1  # the world is mirrored too, so that R stays a rotation: as Camera.flip
    return Camera(K, R, turn @ camera.t, view.width, view.height), turn


def _seen_people(people: list[Person], view: View, turn: Array) -> tuple[list[int], list[Person]]:
    """Who is in the view, and they as they are seen there."""
    if not people:
        return [], []
    points, space, visibility = _seen_joints(people, view, turn)
    found = view.contains(points) & (visibility != UNLABELLED)
    boxes = _boxes(np.array([person.bbox for person in people], np.float64), view)
    kept, moved, end = [], [], 0
    for i, person in enumerate(people):
        joints = slice(end, end := end + len(person.joints2d))
        labelled = bool(visibility[joints].any())
        if not (found[joints].any() if labelled else _meets(boxes[i], view)):
            continue
        kept.append(i)
        moved.append(
            replace(
                person,
                joints2d=points[joints],
                joints3d=None if person.joints3d is None else space[joints],
                visibility=visibility[joints],
                bbox=boxes[i],
                pose=None,
                betas=None,
                translation=None,
                lift=None,
            )
        )
    return kept, moved


def _seen_joints(
    people: list[Person], view: View, turn: Array
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8]]:
    """The joints of all people, one after another, as they are seen: pixels, metres and visibility.

    All at once, since it is numpy's calls that take time, not its arithmetic.
    """
    points = view.moved(np.concatenate([person.joints2d for person in people]).astype(np.float64))
    space = np.concatenate([_space(person) for person in people]) @ turn.T
    visibility = np.concatenate([person.visibility for person in people])
    if view.mirrored:
        starts = np.cumsum([0, *(len(person.joints2d) for person in people[:-1])])
        mirrors = [skeleton(person.skeleton).mirror for person in people]
        order = np.concatenate([start + mirror for start, mirror in zip(starts, mirrors, strict=True)])
        points, space, visibility = points[order], space[order], visibility[order]
    visibility = np.where((visibility == VISIBLE) & ~view.contains(points), np.uint8(HIDDEN), visibility)
    return points.astype(np.float32), space.astype(np.float32), visibility


def _space(person: Person) -> NDArray[np.float32]:
    """(J, 3) joints3d; NaN where there are none."""
    missing = np.full((len(person.joints2d), 3), np.nan, np.float32)
    return missing if person.joints3d is None else person.joints3d


def _boxes(boxes: Array, view: View) -> NDArray[np.float32]:
    """The upright boxes (P, 4) around boxes (P, 4) that are turned; they may reach out of the view."""
    middle = view.moved((boxes[:, :2] + boxes[:, 2:]) / 2)
    half = (boxes[:, 2:] - boxes[:, :2]) / 2 @ np.abs(view.matrix[:, :2]).T
    return np.concatenate([middle - half, middle + half], 1).astype(np.float32)


def _meets(box: NDArray[np.float32], view: View) -> bool:
    x0, y0, x1, y1 = box.tolist()
    return bool(x0 < view.width and y0 < view.height and x1 > 0 and y1 > 0)
