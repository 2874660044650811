"""What a picture's people are to LCR-Net: boxes with a class and a pose (sections 3.1 and 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.anchors.bank import Anchors
from posecorpus.anchors.boxes import joint_boxes, upper_body
from posecorpus.anchors.distance import nearest_anchor
from posecorpus.core.metrics import centre_on_torso
from posecorpus.core.sample import UNLABELLED, VISIBLE, Person
from posecorpus.core.skeletons import convert, convert_visibility, skeleton

BACKGROUND = 0
LEAST_JOINTS = 3
"""Of fewer known joints no box is drawn."""


@dataclass(frozen=True, eq=False)
class Truth:
    """G boxes of a picture; a person has one around the whole body, if a knee or an ankle is seen, and one
    around the upper body, if there are such classes.

    Attributes:
        boxes: (G, 4) float32 x0, y0, x1, y1 pixels, a tenth of their extent wider than the joints on each side.
        classes: (G,) int64, 1 to the number of classes; 0 where there is no 3D to tell the class by.
        poses2d: (G, J, 2) float32 pixels; NaN where unknown.
        poses3d: (G, J, 3) float32 metres, torso-centred; NaN where unknown.
    """

    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    poses2d: NDArray[np.float32]
    poses3d: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.boxes)


def picture_truth(people: Sequence[Person], anchors: Anchors) -> Truth:
    """Boxes, classes and poses of the people of a picture."""
    joints, upper = len(anchors.skeleton), upper_body(anchors.skeleton)
    lower = np.setdiff1d(np.arange(joints), upper)
    boxes, classes, found2d, found3d = [], [], [], []
    for person in people:
        points, visibility, space = _on_anchors(person, anchors)
        if np.isfinite(points).all(-1).sum() < LEAST_JOINTS:
            continue
        near = int(nearest_anchor(space[None], anchors.poses3d)[0][0])
        kinds = [(points, near)] if (visibility[lower] == VISIBLE).any() or not anchors.upper_body else []
        if anchors.upper_body:
            kinds.append((points[upper], len(anchors) + near if near >= 0 else near))
        for around, label in kinds:
            box = joint_boxes(around)
            if not np.isfinite(box).all() or (box[2:] - box[:2] <= 0).any():
                continue
            boxes.append(box)
            classes.append(label + 1 if label >= 0 else BACKGROUND)
            found2d.append(points)
            found3d.append(space)
    return Truth(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(classes, np.int64),
        np.array(found2d, np.float32).reshape(-1, joints, 2),
        np.array(found3d, np.float32).reshape(-1, joints, 3),
    )


def _on_anchors(
    person: Person, anchors: Anchors
) -> tuple[NDArray[np.floating], NDArray[np.uint8], NDArray[np.floating]]:
    """A person's joints in the picture, their visibility, and in space about the torso, on the anchors' joint set.

    In space all are NaN where shoulders or hips are not known: a pose must be centred to be compared.
    """
    source = skeleton(person.skeleton)
    points = convert(person.joints2d.astype(np.float64), source, anchors.skeleton)
    visibility = convert_visibility(person.visibility, source, anchors.skeleton)
    points[visibility == UNLABELLED] = np.nan
    space: NDArray[np.floating] = np.full((len(anchors.skeleton), 3), np.nan)
    if person.joints3d is not None:
        joints3d = convert(person.joints3d.astype(np.float64), source, anchors.skeleton)
        space = centre_on_torso(joints3d, anchors.skeleton)
    return points, visibility, space
