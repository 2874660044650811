"""Pictures seen anew: turned, scaled, shifted, mirrored and in other colours, with labels that follow exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.core.parts import PartTaxonomy
from posecorpus.core.sample import HIDDEN, UNLABELLED, VISIBLE, Person, Sample
from posecorpus.core.skeletons import skeleton

Array = NDArray[np.float64]
BORDER_RGB = (124, 116, 104)
"""The mean of ImageNet: what lies beyond the picture is nothing to a network that subtracts it."""
_GREY = np.array([0.299, 0.587, 0.114])


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


@dataclass(frozen=True, eq=False)
class View:
    """How a picture is seen: by a similarity of the plane, and in which colours.

    Attributes:
        matrix: (2, 3) from pixels of the picture to pixels of the view, a multiple of a rotation or, mirrored, of a
            reflection.
        width, height: of the view, pixels.
        colours: (3, 4) from RGB and 1 to RGB, levels; None leaves them.
    """

    matrix: Array
    width: int
    height: int
    colours: Array | None = None

    @property
    def mirrored(self) -> bool:
        """Whether left and right are exchanged."""
        return bool(np.linalg.det(self.matrix[:, :2]) < 0)

    @property
    def scale(self) -> float:
        """Pixels of the view for one of the picture."""
        return math.sqrt(abs(float(np.linalg.det(self.matrix[:, :2]))))

    def moved(self, points: NDArray[np.floating]) -> Array:
        """Points of the picture (..., 2) in the view, pixels."""
        return np.asarray(points @ self.matrix[:, :2].T + self.matrix[:, 2])


def fit_size(width: int, height: int, shorter_px: int, longest_px: int) -> tuple[int, int, float]:
    """Size of a picture in the frame and its scale: Faster R-CNN's rule.

    The shorter side becomes ``shorter_px``, unless the longer one would become more than ``longest_px``: then that
    is its length. The scale is exact; width and height are rounded to whole pixels.
    """
    scale = min(shorter_px / min(width, height), longest_px / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale)), scale


def plain_view(width: int, height: int, frame: tuple[int, int]) -> View:
    """The picture fitted to the frame (shorter side, longest side), as it is."""
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
    """(3, 4): hue about the axis of greys, saturation from the grey of the same light, contrast about the border's."""
    if (brightness, contrast, saturation, hue) == (1.0, 1.0, 1.0, 0.0):
        return None
    axis = np.full(3, math.sqrt(1 / 3))
    cross = np.cross(np.eye(3), axis)
    turned = np.eye(3) * math.cos(hue) + (1 - math.cos(hue)) * np.outer(axis, axis) - math.sin(hue) * cross
    light = np.tile(_GREY, (3, 1))
    matrix = brightness * contrast * (light + saturation * (np.eye(3) - light)) @ turned
    offset = brightness * (1 - contrast) * np.mean(BORDER_RGB)
    return np.column_stack([matrix, np.full(3, offset)])


def seen(sample: Sample, view: View, parts: PartTaxonomy | None = None) -> Sample:
    """A sample in a view: its picture, its people and its camera, and ids of parts and people where it has them.

    The camera's frame turns about the optical axis with the picture, and is mirrored with it, so that the new
    ``joints3d`` seen by the new camera are the new ``joints2d``. What no longer holds is dropped: SMPL's parameters,
    lifts, depth, normals, flow, skeleton maps, and people none of whose joints are in the view any more. A visible joint that
    is outside becomes a hidden one.

    Args:
        parts: the taxonomy of ``sample.parts``, whose sides a mirrored view exchanges.

    Raises:
        ValueError: a mirrored view of parts of no given taxonomy.
    """
    camera, turn = _seen_camera(sample.camera, view)
    people = [_seen_person(person, view, turn) for person in sample.people]
    kept = [i for i, person in enumerate(people) if _in_view(person, view)]
    ids = np.zeros(256, np.uint8)
    ids[[i + 1 for i in kept]] = np.arange(1, len(kept) + 1)
    part_ids = None if sample.parts is None else _warped_ids(sample.parts, view)
    if part_ids is not None and view.mirrored:
        if parts is None:
            raise ValueError(f"{sample.key}: parts of which taxonomy are to be mirrored?")
        part_ids = cv2.LUT(part_ids, parts.mirror)
    instances = sample.instances
    return Sample(
        key=sample.key,
        width=view.width,
        height=view.height,
        people=[people[i] for i in kept],
        image=None if sample.image is None else warped(sample.image, view),
        camera=camera,
        parts=part_ids,
        instances=None if instances is None else cv2.LUT(_warped_ids(instances, view), ids),
        clip=sample.clip,
        frame=sample.frame,
        provenance=sample.provenance,
    )


def warped(image: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    """An image (H, W, 3) RGB in a view, in its colours; beyond it lies :data:`BORDER_RGB`."""
    result = cv2.warpAffine(
        image,
        _index_matrix(view.matrix),
        (view.width, view.height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=BORDER_RGB,
    )
    return result if view.colours is None else cv2.transform(result, view.colours)


def _warped_ids(ids: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    matrix = _index_matrix(view.matrix)
    warped_ids: NDArray[np.uint8] = cv2.warpAffine(
        ids, matrix, (view.width, view.height), flags=cv2.INTER_NEAREST
    )
    return warped_ids


def _index_matrix(matrix: Array) -> Array:
    """OpenCV counts from the first pixel's centre, we from its corner."""
    linear, start = matrix[:, :2], matrix[:, 2]
    return np.column_stack([linear, linear @ (0.5, 0.5) + start - 0.5])


def _seen_camera(camera: Camera | None, view: View) -> tuple[Camera | None, Array]:
    """The camera of the view, and the (3, 3) orthogonal matrix from the old camera's frame to its frame.

    With A the view's matrix, ``A K`` is split into an upper triangle, the new K, and that turn about the axis. Where
    K has one focal length and no skew the turn is the view's own; without a camera it is taken to be.
    """
    linear = view.matrix[:, :2] if camera is None else view.matrix[:, :2] @ camera.K[:2, :2]
    bottom = linear[1] / np.linalg.norm(linear[1])
    turn = np.eye(3)
    turn[1, :2] = bottom
    turn[0, :2] = (bottom[1], -bottom[0]) if np.linalg.det(linear) > 0 else (-bottom[1], bottom[0])
    if camera is None:
        return None, turn
    K = np.vstack([view.matrix, [0, 0, 1]]) @ camera.K @ turn.T
    K[1, 0] = 0.0
    world = np.diag([-1.0, 1.0, 1.0]) if view.mirrored else np.eye(3)
    return Camera(K, turn @ camera.R @ world, turn @ camera.t, view.width, view.height), turn


def _seen_person(person: Person, view: View, turn: Array) -> Person:
    points = view.moved(person.joints2d.astype(np.float64))
    space = None if person.joints3d is None else person.joints3d.astype(np.float64) @ turn.T
    visibility = person.visibility
    if view.mirrored:
        mirror = skeleton(person.skeleton).mirror
        points, visibility = points[mirror], visibility[mirror]
        space = None if space is None else space[mirror]
    outside = ~_inside(points, view)
    x0, y0, x1, y1 = person.bbox.astype(np.float64)
    corners = view.moved(np.array([[x0, y0], [x1, y0], [x0, y1], [x1, y1]]))
    return replace(
        person,
        joints2d=points.astype(np.float32),
        joints3d=None if space is None else space.astype(np.float32),
        visibility=np.where(outside & (visibility == VISIBLE), np.uint8(HIDDEN), visibility),
        bbox=np.concatenate([corners.min(0), corners.max(0)]).astype(np.float32),
        pose=None,
        betas=None,
        translation=None,
        lift=None,
    )


def _inside(points: Array, view: View) -> NDArray[np.bool_]:
    """Which points (J, 2) are in the view; NaN is not."""
    inside: NDArray[np.bool_] = ((points >= 0) & (points < (view.width, view.height))).all(-1)
    return inside


def _in_view(person: Person, view: View) -> bool:
    known = person.visibility != UNLABELLED
    if known.any():
        return bool((_inside(person.joints2d.astype(np.float64), view) & known).any())
    x0, y0, x1, y1 = person.bbox
    return bool(x0 < view.width and y0 < view.height and x1 > 0 and y1 > 0)
