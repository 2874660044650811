"""What looks wrong in annotations: told, counted and written beside each person, never mended.

Left and right cannot be told from the places of joints alone: a person seen from behind looks like one
whose labels are exchanged. What can be told is a person whose labels contradict each other, and a file
in which most people would have to be seen from behind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.sample import VISIBLE
from posecorpus.core.skeletons import TORSO, Skeleton
from posecorpus.pseudogt.photos.records import AnnotatedPerson

OUTSIDE_PX = 1.0
"""How far a joint may lie outside its image before it is said so: annotators click on the very edge."""

SHOULDERS_WIDE, HIPS_WIDE, OPPOSITE = 0.4, 0.2, -0.5
"""Widths in units of the longest of torso, thighs and shins, and the cosine between the lines from right to
left. A spine twists by 70 degrees at most, so shoulders and hips seen this wide cannot point opposite ways.
Of all people 0.6 % (LSP), 1.3 % (LSP-extended), 1.1 % (MPII) and 0.1 % (COCO) do, and looked at, most are
mistakes. Of people with a whole torso 67 to 76 % would be told if their arms or legs were exchanged."""
FACE_PX = 3.0
FACE_MIRRORED = -0.5
"""Least size of a face that is judged, and the sine between "up" and "left" in it below which it is mirrored.
Of 538 faces in COCO's validation photos one is."""

FRONTAL_WIDE, MIN_JUDGED = 0.3, 50
MOST_FROM_BEHIND = 0.5
"""In the seven files this was tried on, 69 to 79 % of the people whose torso is wide enough face the camera;
exchanged they would be 21 to 31 %."""

EXCHANGED_BODY = "shoulders and hips point opposite ways: left and right of one of them are exchanged"
EXCHANGED_FACE = "the face's left and right are exchanged"


@dataclass(frozen=True)
class Sides:
    """What the labels of many people say about left and right.

    Attributes:
        body: (N,) bool: shoulders and hips contradict each other.
        face: (N,) bool: nose and eyes contradict each other.
        judged: how many people have a torso wide enough to tell which way they face.
        facing: the share of those who face the camera.
    """

    body: NDArray[np.bool_]
    face: NDArray[np.bool_]
    judged: int
    facing: float

    @property
    def file_exchanged(self) -> bool:
        """Whether most people of the file look as if left and right were exchanged."""
        return self.judged >= MIN_JUDGED and self.facing < MOST_FROM_BEHIND


def outside(joints: NDArray[np.float64], size: tuple[int, int] | None) -> NDArray[np.bool_]:
    """(..., J) bool: labelled joints (..., J, 2) that lie outside an image.

    Of an image of unknown size only the upper and left edges are known.
    """
    limits = np.array((np.inf, np.inf) if size is None else size)
    with np.errstate(invalid="ignore"):
        return np.asarray(((joints < -OUTSIDE_PX) | (joints > limits + OUTSIDE_PX)).any(-1))


def check_sides(people: list[AnnotatedPerson], joints: Skeleton) -> Sides:
    """Judge the left and right of many people of one joint set."""
    count = len(people)
    points = np.array([p.joints for p in people]).reshape(count, len(joints), 2)
    flags = np.array([p.visibility for p in people]).reshape(count, len(joints))
    nothing = np.zeros(count, bool)
    body, judged, facing = nothing, 0, 0.0
    if all(name in joints.joints for name in TORSO):
        body, judged, facing = _torsos(points, joints)
    face = nothing
    if all(name in joints.joints for name in ("nose", "l_eye", "r_eye")):
        face = _mirrored_faces(points, flags, joints)
    return Sides(body, face, judged, facing)


def _torsos(points: NDArray[np.float64], joints: Skeleton) -> tuple[NDArray[np.bool_], int, float]:
    def at(name: str) -> NDArray[np.float64]:
        return np.asarray(points[:, joints.index(name)])

    shoulders, hips = at("l_shoulder") - at("r_shoulder"), at("l_hip") - at("r_hip")
    up = (at("l_shoulder") + at("r_shoulder") - at("l_hip") - at("r_hip")) / 2
    lengths = [_length(up)]
    for side in "lr":
        for ends in (("hip", "knee"), ("knee", "ankle")):
            upper, lower = (f"{side}_{end}" for end in ends)
            if upper in joints.joints and lower in joints.joints:
                lengths.append(_length(at(upper) - at(lower)))
    unit = np.nan_to_num(np.array(lengths)).max(0)
    across, below = _length(shoulders), _length(hips)
    with np.errstate(invalid="ignore", divide="ignore"):
        wide = (across > SHOULDERS_WIDE * unit) & (below > HIPS_WIDE * unit)
        opposite = (shoulders * hips).sum(-1) / (across * below) < OPPOSITE
        frontal = (across > FRONTAL_WIDE * unit) & (lengths[0] > 0.5 * unit)
        faces_us = _cross(up, shoulders) > 0
    judged = int(frontal.sum())
    return np.asarray(wide & opposite), judged, float(faces_us[frontal].mean()) if judged else 0.0


def _mirrored_faces(
    points: NDArray[np.float64], flags: NDArray[np.uint8], joints: Skeleton
) -> NDArray[np.bool_]:
    """Faces seen whole, whose left eye is where the right one should be."""
    indices = joints.indices("nose", "l_eye", "r_eye")
    nose, left, right = (points[:, i] for i in indices)
    up, across = (left + right) / 2 - nose, left - right
    with np.errstate(invalid="ignore", divide="ignore"):
        sine = _cross(up, across) / (_length(up) * _length(across))
        large = (_length(up) >= FACE_PX) & (_length(across) >= FACE_PX)
        return np.asarray((flags[:, indices] == VISIBLE).all(-1) & large & (sine < FACE_MIRRORED))


def _length(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.hypot(vectors[:, 0], vectors[:, 1]))


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positive where ``b`` points to the right of ``a`` on a screen (y down)."""
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
