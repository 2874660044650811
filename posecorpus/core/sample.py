"""The unit of every corpus: one image with whatever labels it has.

A label that is missing is ``None`` (or NaN for a single joint), never zero. Shapes, types and the
agreement between fields are checked once, in :meth:`Sample.validate`, where samples enter or leave.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import skeleton

UNLABELLED, HIDDEN, VISIBLE = 0, 1, 2
"""Joint visibility, as in COCO."""


@dataclass
class Lift:
    """How a person's ``joints3d`` came from a 2D annotation, and how far to trust it.

    Predicted errors are of torso-centred joints, calibrated on motions that the library lacks.

    Attributes:
        method: ``nn``, ``soft`` or ``depth``.
        completed: (J,) bool: the annotation lacks the joint; its 2D is the match's, its visibility 1.
        match_distance: to the nearest library view, LCR-Net++ equation 9.
        residual_px: RMS distance of the projected ``joints3d`` from the annotated joints, pixels.
        spread_mm: (J,) float32 deviation of the hypotheses.
        error_mm: (J,) float32 predicted error of each joint.
        interval_mm: (J, 2) float32 ends of the interval that holds the error of each joint 9 times in 10.
        pose_error_mm: predicted mean error over the joints: the person's trust.
        pose_interval_mm: (2,) float32 its interval.
        hypotheses: (H, J, 3) float32 metres, camera frame, nearest match first.
        measured_error_mm: true mean error over the joints, where the truth was given; else None.
    """

    method: str
    completed: NDArray[np.bool_]
    match_distance: float
    residual_px: float
    spread_mm: NDArray[np.float32]
    error_mm: NDArray[np.float32]
    interval_mm: NDArray[np.float32]
    pose_error_mm: float
    pose_interval_mm: NDArray[np.float32]
    hypotheses: NDArray[np.float32]
    measured_error_mm: float | None = None


@dataclass
class SkeletonMap:
    """One person's sticks in a window of the image (DeepSkeleton sections 3.1-3.2).

    Attributes:
        person: index into ``people``.
        stick_px: width of a stick in pixels of the MAP.
        window: (4,) float32 x0, y0, x1, y1 of the image that the map covers, pixels; it may stick out.
        foreground: (S, S) uint8 stick ids of the manifest's legend, 0 = none; the nearest at each pixel.
        background: the same, but the farthest.
    """

    person: int
    stick_px: float
    window: NDArray[np.float32]
    foreground: NDArray[np.uint8]
    background: NDArray[np.uint8]


@dataclass
class Person:
    """One person of an image.

    Attributes:
        skeleton: name of the joint set of the three arrays that follow.
        joints2d: (J, 2) float32 pixels; NaN where unlabelled.
        joints3d: (J, 3) float32 metres in the camera frame, or None.
        visibility: (J,) uint8: 0 unlabelled, 1 labelled but hidden, 2 visible.
        bbox: (4,) float32 pixels x0, y0, x1, y1.
        body: which body model, e.g. ``open`` or a file's name; None for photos.
        gender: ``neutral``, ``female`` or ``male``.
        pose: (24, 3) float32 axis-angles of SMPL's joints; the first turns the body into the WORLD.
        betas: (B,) float32 shape coefficients.
        translation: (3,) float32 metres, added to the posed vertices in the WORLD.
        motion, motion_frame: clip the pose comes from, and its frame at the clip's own stored rate.
        score: confidence of a prediction.
        lift: where ``joints3d`` was lifted from 2D: how, and how far to trust it.
    """

    skeleton: str
    joints2d: NDArray[np.float32]
    visibility: NDArray[np.uint8]
    bbox: NDArray[np.float32]
    joints3d: NDArray[np.float32] | None = None
    body: str | None = None
    gender: str | None = None
    pose: NDArray[np.float32] | None = None
    betas: NDArray[np.float32] | None = None
    translation: NDArray[np.float32] | None = None
    motion: str | None = None
    motion_frame: int | None = None
    score: float | None = None
    lift: Lift | None = None


@dataclass
class Sample:
    """One image and its labels.

    Attributes:
        key: unique within the corpus; letters, digits, ``-``, ``_`` and ``.`` only.
        image: (H, W, 3) uint8 RGB, or None for annotations without pixels.
        width, height: of the image, pixels.
        camera: None where unknown.
        people: in the order of instance ids: ``people[i]`` is instance ``i + 1``.
        parts: (H, W) uint8 ids of the corpus's taxonomy.
        instances: (H, W) uint8, 0 = background.
        depth_mm: (H, W) uint16 z along the optical axis in millimetres, 0 = no surface.
        normals: (H, W, 3) uint8, camera frame, ``round(127.5 (n + 1))``; 0 0 0 where there is no surface.
        flow: (H, W, 2) float16 pixels (dx, dy) to the next frame of the clip; 0 on the static background.
        clip, frame: which clip of the corpus the image belongs to and its number there.
        skeleton_maps: sticks of the people, of several widths and windows, or None.
        provenance: where it comes from (files, licence, seed); stored as JSON.
        encoded: rasters by field as a corpus stores them, for those whose own field is None: a corpus
            made from another passes its photographs on without decoding, byte for byte.
    """

    key: str
    width: int
    height: int
    people: list[Person]
    image: NDArray[np.uint8] | None = None
    camera: Camera | None = None
    parts: NDArray[np.uint8] | None = None
    instances: NDArray[np.uint8] | None = None
    depth_mm: NDArray[np.uint16] | None = None
    normals: NDArray[np.uint8] | None = None
    flow: NDArray[np.float16] | None = None
    clip: str | None = None
    frame: int | None = None
    skeleton_maps: list[SkeletonMap] | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    encoded: dict[str, bytes] = field(default_factory=dict)

    def validate(self) -> None:
        """Check shapes, types and agreement of all fields; raise :class:`InputError` for the first fault."""
        if not self.key or not all(c.isalnum() or c in "-_." for c in self.key) or self.key.startswith("."):
            raise InputError("sample key", "letters, digits, '-', '_' and '.'", repr(self.key))
        for name, (dtype, depth) in RASTERS.items():
            value = getattr(self, name)
            shape = (self.height, self.width) + ((depth,) if depth > 1 else ())
            if value is not None:
                _expect(f"{self.key}: {name}", value, shape, dtype)
        if self.camera is not None and (self.camera.width, self.camera.height) != (self.width, self.height):
            got = f"{self.camera.width}x{self.camera.height}"
            raise InputError(f"{self.key}: camera", f"an image of {self.width}x{self.height}", got)
        if self.instances is not None and int(self.instances.max(initial=0)) > len(self.people):
            raise InputError(
                f"{self.key}: instances",
                f"ids up to {len(self.people)}, the number of people",
                int(self.instances.max()),
            )
        for i, person in enumerate(self.people):
            _validate_person(f"{self.key}: people[{i}]", person)
        for i, drawn in enumerate(self.skeleton_maps or ()):
            _validate_map(f"{self.key}: skeleton_maps[{i}]", drawn, len(self.people))


RASTERS: dict[str, tuple[type[np.generic], int]] = {
    "image": (np.uint8, 3),
    "parts": (np.uint8, 1),
    "instances": (np.uint8, 1),
    "depth_mm": (np.uint16, 1),
    "normals": (np.uint8, 3),
    "flow": (np.float16, 2),
}
"""Per-pixel fields: element type and number of channels."""


def _validate_person(where: str, person: Person) -> None:
    joints = len(skeleton(person.skeleton))
    _expect(f"{where}.joints2d", person.joints2d, (joints, 2), np.float32)
    _expect(f"{where}.visibility", person.visibility, (joints,), np.uint8)
    _expect(f"{where}.bbox", person.bbox, (4,), np.float32)
    if person.joints3d is not None:
        _expect(f"{where}.joints3d", person.joints3d, (joints, 3), np.float32)
    if person.pose is not None:
        _expect(f"{where}.pose", person.pose, (24, 3), np.float32)
    if person.translation is not None:
        _expect(f"{where}.translation", person.translation, (3,), np.float32)
    if person.betas is not None:
        _expect(f"{where}.betas", person.betas, (len(person.betas),), np.float32)
    if int(person.visibility.max(initial=0)) > VISIBLE:
        raise InputError(f"{where}.visibility", "0, 1 or 2", int(person.visibility.max()))
    if person.lift is not None:
        _validate_lift(f"{where}.lift", person.lift, joints)
    missing = np.isnan(person.joints2d).any(-1)
    if bool((missing & (person.visibility != UNLABELLED)).any()):
        raise InputError(f"{where}.joints2d", "numbers for every joint with visibility above 0", "NaN")


def _validate_lift(where: str, lift: Lift, joints: int) -> None:
    _expect(f"{where}.completed", lift.completed, (joints,), np.bool_)
    _expect(f"{where}.spread_mm", lift.spread_mm, (joints,), np.float32)
    _expect(f"{where}.error_mm", lift.error_mm, (joints,), np.float32)
    _expect(f"{where}.interval_mm", lift.interval_mm, (joints, 2), np.float32)
    _expect(f"{where}.pose_interval_mm", lift.pose_interval_mm, (2,), np.float32)
    _expect(f"{where}.hypotheses", lift.hypotheses, (len(lift.hypotheses), joints, 3), np.float32)


def _validate_map(where: str, drawn: SkeletonMap, people: int) -> None:
    if not 0 <= drawn.person < people:
        raise InputError(f"{where}.person", f"an index below {people}, the number of people", drawn.person)
    side = len(drawn.foreground)
    _expect(f"{where}.window", drawn.window, (4,), np.float32)
    _expect(f"{where}.foreground", drawn.foreground, (side, side), np.uint8)
    _expect(f"{where}.background", drawn.background, (side, side), np.uint8)


def _expect(where: str, value: NDArray[Any] | None, shape: tuple[int, ...], dtype: type[np.generic]) -> None:
    if value is None:
        raise InputError(where, f"{np.dtype(dtype)} of shape {shape}", "nothing")
    if value.shape != shape or value.dtype != dtype:
        raise InputError(
            where, f"{np.dtype(dtype)} of shape {shape}", f"{value.dtype} of shape {value.shape}"
        )
