"""From scored pose proposals to people: rescoring, non-maximum suppression, pose proposal integration.

LCR-Net++ section 3.6. A network gives each region one pose for each class; the proposals that are worth a look are
the ones here. Everything is NumPy on the host: there are some hundreds of them in a picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError

Floats = NDArray[np.float64]

SIGMA_PX = 25.0
"""Of the score's fall with a joint's distance to its box (equation 6)."""
LOWER_WEIGHT = 0.1
"""Of the lower joints of an upper-body proposal in averages: it has not seen them."""


@dataclass(frozen=True, eq=False)
class Proposals:
    """N poses proposed in a picture.

    Attributes:
        boxes: (N, 4) x0, y0, x1, y1 of their regions, pixels.
        poses2d: (N, J, 2) pixels.
        poses3d: (N, J, 3) metres, torso-centred.
        scores: (N,) in [0, 1].
        upper: (N,) whether the class is one of upper bodies.
    """

    boxes: Floats
    poses2d: Floats
    poses3d: Floats
    scores: Floats
    upper: NDArray[np.bool_]

    def __post_init__(self) -> None:
        n, joints = self.poses2d.shape[:2]
        wanted = {
            "boxes": (n, 4), "poses2d": (n, joints, 2), "poses3d": (n, joints, 3), "scores": (n,), "upper": (n,),
        }  # fmt: skip
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise InputError(f"proposals: {name}", f"shape {shape}", getattr(self, name).shape)

    def __len__(self) -> int:
        return len(self.scores)

    def at(self, which: NDArray[np.integer] | NDArray[np.bool_]) -> Proposals:
        """Some of them."""
        return Proposals(
            self.boxes[which], self.poses2d[which], self.poses3d[which], self.scores[which], self.upper[which]
        )


@dataclass(frozen=True, eq=False)
class Detections:
    """People found, best first.

    Attributes:
        poses2d: (M, J, 2) pixels.
        poses3d: (M, J, 3) metres, torso-centred.
        scores: (M,); a sum of proposals' scores where they were integrated.
        members: (M,) int64 how many proposals each is made of.
    """

    poses2d: Floats
    poses3d: Floats
    scores: Floats
    members: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)

    def at(self, which: NDArray[np.integer]) -> Detections:
        """Some of them."""
        return Detections(self.poses2d[which], self.poses3d[which], self.scores[which], self.members[which])


@dataclass(frozen=True)
class Integration:
    """Thresholds of pose proposal integration; by default T3D is the paper's for photos and VGG-16 (section 4.2).

    A wider one averages poses of different modes: it is worse in 2D and 3D for small networks too.

    Attributes:
        iou: overlap of the boxes around two poses from which they may be of one person.
        distance_m: T3D, mean distance of joints below which two poses are of one mode.
        least_score: modes of a lower summed score are dropped.
    """

    iou: float = 0.2
    distance_m: float = 0.13
    least_score: float = 0.05


def rescored(proposals: Proposals, sigma_px: float = SIGMA_PX) -> Floats:
    """(N,) scores lowered where joints lie outside of their box (equation 6)."""
    boxes = proposals.boxes[:, None]
    outside = np.maximum(boxes[..., :2] - proposals.poses2d, proposals.poses2d - boxes[..., 2:])
    squared = (np.maximum(outside, 0.0) ** 2).sum(-1)
    return np.asarray(proposals.scores * np.exp(-squared / sigma_px**2).mean(-1))


def box_overlaps(boxes: Floats, others: Floats) -> Floats:
    """(N, M) intersection over union; 0 where both are empty."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    common = np.maximum(high - low, 0.0).prod(-1)
    areas, other_areas = ((b[:, 2:] - b[:, :2]).clip(0).prod(-1) for b in (boxes, others))
    union = areas[:, None] + other_areas[None] - common
    return np.asarray(np.where(union > 0, common / np.where(union > 0, union, 1.0), 0.0))


def person_boxes(poses2d: Floats, joints: NDArray[np.integer] | None = None) -> Floats:
    """(N, 4) around poses (N, J, 2), or around some joints of them: head and trunk where people are close."""
    points = poses2d if joints is None else poses2d[:, joints]
    return np.asarray(np.concatenate([points.min(1), points.max(1)], axis=1))


def suppress(proposals: Proposals, iou: float, joints: NDArray[np.integer] | None = None) -> Detections:
    """Non-maximum suppression: each person is the best proposal where nothing better overlaps by ``iou`` or more.

    Args:
        joints: that boxes are put around, (K,) indices; all if None.
    """
    groups = _groups(proposals.scores, person_boxes(proposals.poses2d, joints), iou)
    kept = np.array([group[0] for group in groups], np.intp)
    return Detections(
        proposals.poses2d[kept], proposals.poses3d[kept], proposals.scores[kept], np.ones(len(kept), np.int64)
    )


def integrate(
    proposals: Proposals,
    settings: Integration,
    lower: NDArray[np.integer],
    joints: NDArray[np.integer] | None = None,
) -> Detections:
    """Pose proposal integration: proposals of one person and one 3D pose are averaged (equations 7 and 8).

    The best proposal gathers what overlaps it in 2D; of such a group, again and again, the best one that is left and
    all that are nearer to it in 3D than ``distance_m`` make one person. Its score is the sum of theirs.

    Args:
        lower: (L,) indices of the joints that upper-body proposals have not seen.
        joints: that boxes are put around, (K,) indices; all if None.
    """
    found = []
    for group in _groups(proposals.scores, person_boxes(proposals.poses2d, joints), settings.iou):
        left = group
        while len(left):
            apart = np.linalg.norm(proposals.poses3d[left] - proposals.poses3d[left[0]], axis=-1).mean(-1)
            near = apart < settings.distance_m
            near[0] = True
            mode = proposals.at(left[near])
            if mode.scores.sum() >= settings.least_score:
                found.append(_average(mode, lower))
            left = left[~near]
    found.sort(key=lambda person: -person[2])
    joint_count = proposals.poses2d.shape[1]
    return Detections(
        np.array([person[0] for person in found]).reshape(-1, joint_count, 2),
        np.array([person[1] for person in found]).reshape(-1, joint_count, 3),
        np.array([person[2] for person in found], np.float64),
        np.array([person[3] for person in found], np.int64),
    )


def best_of_each_place(
    found: Detections, iou: float, joints: NDArray[np.integer] | None = None
) -> NDArray[np.intp]:
    """Indices of the people whom no better one overlaps by ``iou``: integration may find several poses of one person.

    Args:
        joints: that boxes are put around, (K,) indices; all if None.
    """
    groups = _groups(found.scores, person_boxes(found.poses2d, joints), iou)
    return np.array([group[0] for group in groups], np.intp)


def _groups(scores: Floats, boxes: Floats, iou: float) -> list[NDArray[np.intp]]:
    """Indices of what overlaps the best one that is left, best first, until none is left."""
    left = np.argsort(-scores, kind="stable")
    groups = []
    while len(left):
        same = box_overlaps(boxes[left[:1]], boxes[left])[0] >= iou
        same[0] = True
        groups.append(left[same])
        left = left[~same]
    return groups


def _average(mode: Proposals, lower: NDArray[np.integer]) -> tuple[Floats, Floats, float, int]:
    """Mean poses weighted by score, the summed score, and of how many."""
    weights = np.repeat(mode.scores[:, None], mode.poses2d.shape[1], axis=1)
    weights[np.ix_(mode.upper, lower)] *= LOWER_WEIGHT
    shares = (weights / weights.sum(0))[..., None]
    return (
        (shares * mode.poses2d).sum(0),
        (shares * mode.poses3d).sum(0),
        float(mode.scores.sum()),
        len(mode),
    )
