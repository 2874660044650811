"""The pictures that a detector did worst and best on: the truth on the left, what was found on the right."""

from __future__ import annotations

import base64
import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.sample import UNLABELLED, VISIBLE, Person, Sample
from posecorpus.core.skeletons import Skeleton, convert, convert_visibility, skeleton
from posecorpus.inspect.joint_drawing import draw_joints
from posecorpus.pipelines.evaluation.people_verdicts import Found, Verdict

SIDE_PX = 360
"""Longer side of each half."""
GAP_PX = 4
LEAST_SHOWN = 0.4
"""Share of a picture's width and height that is shown at least."""
FAR_HEADS = 3.0
"""Joints farther than this are as wrong as a missed one."""
_JPEG_QUALITY = 82
_STRAY_SHOWN = 3


@dataclass(frozen=True)
class Example:
    """A picture worth a look.

    Attributes:
        badness: mean distance of its joints, head sizes, none counted beyond :data:`FAR_HEADS`.
        key: of the sample.
        people, found: how many count, and of how many a detection is.
        pckh: share of its judged joints within half a head size.
        abs_mm: MPJPE of the found people, None without 3D.
        jpeg: base64 of the picture twice, side by side.
    """

    badness: float
    key: str
    people: int
    found: int
    pckh: float
    abs_mm: float | None
    jpeg: str


class Extremes:
    """Keeps the worst and the best of the pictures that it is shown."""

    def __init__(self, joints: Skeleton, count: int) -> None:
        self._joints, self._count = joints, count
        self._worst: list[tuple[float, str, Example]] = []
        self._best: list[tuple[float, str, Example]] = []

    def show(self, sample: Sample, found: Found, verdict: Verdict) -> None:
        """Keep the picture if it is among the worst or the best so far; pictures of nobody are left out."""
        judged = ~np.isnan(verdict.heads)
        if sample.image is None or not judged.any() or not self._count:
            return
        badness = float(np.minimum(verdict.heads[judged], FAR_HEADS).mean())
        places = [
            (heap, sign * badness)
            for heap, sign in ((self._worst, 1.0), (self._best, -1.0))
            if len(heap) < self._count or sign * badness > heap[0][0]
        ]
        if not places:
            return
        example = self._example(sample, found, verdict, badness)
        for heap, rank in places:
            heapq.heappush(heap, (rank, sample.key, example))
            if len(heap) > self._count:
                heapq.heappop(heap)

    def worst(self) -> list[Example]:
        """The worst first."""
        return [example for _, _, example in sorted(self._worst, reverse=True)]

    def best(self) -> list[Example]:
        """The best first, without those among the worst."""
        bad = {key for _, key, _ in self._worst}
        return [example for _, key, example in sorted(self._best, reverse=True) if key not in bad]

    def _example(self, sample: Sample, found: Found, verdict: Verdict, badness: float) -> Example:
        judged = ~np.isnan(verdict.heads)
        errors = verdict.abs_mm[~np.isnan(verdict.abs_mm)]
        return Example(
            badness=round(badness, 4),
            key=sample.key,
            people=len(verdict.score),
            found=int((~np.isnan(verdict.score)).sum()),
            pckh=round(float((verdict.heads <= 0.5).sum() / judged.sum()), 4),
            abs_mm=round(float(errors.mean()), 1) if len(errors) else None,
            jpeg=_jpeg(side_by_side(sample, found, verdict.outcome, self._joints)),
        )


def side_by_side(
    sample: Sample, found: Found, outcome: NDArray[np.int32], joints: Skeleton
) -> NDArray[np.uint8]:
    """The part of the picture where people are, twice beside each other: with the true ones, and with those found.

    Of the detections about nobody the best few are shown as well, as far as they score no less than the worst that is
    about somebody: those are what a user would have to tell from people.
    """
    if sample.image is None:
        raise ValueError(f"{sample.key} has no picture")
    drawn = _drawn(found.scores, outcome)
    poses = [_known(person, joints) for person in sample.people]
    x0, y0, x1, y1 = _window(sample, [points for points, _, _ in poses] + [found.poses2d[d] for d in drawn])
    part = np.ascontiguousarray(sample.image[y0:y1, x0:x1])
    scale = SIDE_PX / max(part.shape[:2])
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(part, size, interpolation=way), np.uint8)
    left = right = small
    for points, flags, own in poses:
        left = draw_joints(left, (points - (x0, y0)) * scale, flags, own)
    for d in drawn:
        all_seen = np.full(len(joints), VISIBLE, np.uint8)
        right = draw_joints(right, (found.poses2d[d] - (x0, y0)) * scale, all_seen, joints)
    gap = np.full((size[1], GAP_PX, 3), 255, np.uint8)
    return np.concatenate([left, gap, right], axis=1)


def _known(person: Person, joints: Skeleton) -> tuple[NDArray[np.floating], NDArray[np.uint8], Skeleton]:
    """Points, flags and skeleton to draw: the detector's joint set if the person has all of it, else his own."""
    own = skeleton(person.skeleton)
    flags = convert_visibility(person.visibility, own, joints)
    if (flags != UNLABELLED).all():
        return convert(person.joints2d, own, joints), flags, joints
    return person.joints2d, person.visibility, own


def _window(sample: Sample, poses: Sequence[NDArray[np.floating]]) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 around the joints of the poses that lie inside of the picture, in whole pixels."""
    size = np.array([sample.width, sample.height])
    points = np.concatenate([np.zeros((0, 2)), *poses])
    inside = points[np.isfinite(points).all(-1)]
    inside = inside[((inside >= 0) & (inside <= size)).all(-1)]
    if not len(inside):
        return 0, 0, sample.width, sample.height
    low, high = inside.min(0), inside.max(0)
    missing = np.maximum(LEAST_SHOWN * size - (high - low), 0) / 2
    margin = np.maximum(0.15 * (high - low).max(), missing)
    x0, y0 = np.floor(np.clip(low - margin, 0, size - 1)).astype(int).tolist()
    x1, y1 = np.ceil(np.clip(high + margin, (x0 + 1, y0 + 1), size)).astype(int).tolist()
    return x0, y0, x1, y1


def _drawn(scores: NDArray[np.float64], outcome: NDArray[np.int32]) -> NDArray[np.intp]:
    """Which detections are drawn, the best last, on top."""
    about = np.flatnonzero(outcome >= 0)
    least = scores[about].min() if len(about) else -np.inf
    stray = np.flatnonzero((outcome < 0) & (scores >= least))
    stray = stray[np.argsort(-scores[stray], kind="stable")][:_STRAY_SHOWN]
    both = np.concatenate([about, stray])
    return both[np.argsort(scores[both], kind="stable")]


def _jpeg(image: NDArray[np.uint8]) -> str:
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return base64.b64encode(data.tobytes()).decode()
