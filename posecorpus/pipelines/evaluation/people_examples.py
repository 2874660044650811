"""Pictures that say most about a detector: the truth on the left, what was found on the right."""

from __future__ import annotations

import base64
import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.people_metrics import DUPLICATE, FAR_HEADS, NOBODY
from posecorpus.core.sample import UNLABELLED, VISIBLE, Person, Sample
from posecorpus.core.skeletons import Skeleton, convert, convert_visibility, skeleton
from posecorpus.inspect.joint_drawing import draw_joints
from posecorpus.pipelines.evaluation.people_verdicts import Found, Verdict

SIDE_PX = 360
"""Longer side of each half."""
GAP_PX = 4
LEAST_SHOWN = 0.4
"""Share of a picture's width and height that is shown at least."""
STRAY = (255, 60, 60)
"""Of the box around a detection about nobody."""
_JPEG_QUALITY = 82
_FAR_PX = 1e6
_STRAY_SHOWN = 3


@dataclass(frozen=True)
class Example:
    """A picture worth a look.

    Attributes:
        key: of the sample.
        people, found: how many count, and of how many a detection is.
        badness: mean distance of its joints, head sizes, none beyond :data:`FAR_HEADS`; None without people.
        pckh: share of its judged joints within half a head size.
        abs_mm: MPJPE of the found people, None without 3D.
        alarm: best score of a detection about nobody, None without any.
        jpeg: base64 of the picture twice, side by side.
    """

    key: str
    people: int
    found: int
    badness: float | None
    pckh: float | None
    abs_mm: float | None
    alarm: float | None
    jpeg: str


class _Top:
    """The few examples of the highest rank."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._heap: list[tuple[float, str, Example]] = []

    def wants(self, rank: float) -> bool:
        """Whether an example of that rank belongs here so far."""
        return len(self._heap) < self._count or (self._count > 0 and rank > self._heap[0][0])

    def add(self, rank: float, example: Example) -> None:
        """Take it in, and the lowest out if there are too many."""
        heapq.heappush(self._heap, (rank, example.key, example))
        if len(self._heap) > self._count:
            heapq.heappop(self._heap)

    def ranked(self) -> list[Example]:
        """The highest first."""
        return [example for _, _, example in sorted(self._heap, key=lambda entry: (-entry[0], entry[1]))]


class Extremes:
    """Keeps the pictures, among those that it is shown, that say most about a detector."""

    def __init__(self, joints: Skeleton, count: int) -> None:
        self._joints = joints
        self._worst, self._best, self._alarms = _Top(count), _Top(count), _Top(count)

    def show(self, sample: Sample, found: Found, verdict: Verdict) -> None:
        """Keep the picture if it is among the worst, the best, or those of the surest false alarms so far."""
        if sample.image is None:
            return
        judged = ~np.isnan(verdict.heads)
        badness = float(np.minimum(verdict.heads[judged], FAR_HEADS).mean()) if judged.any() else None
        strays = verdict.scores[verdict.outcome == NOBODY]
        alarm = float(strays.max()) if len(strays) else None
        surest = (
            int(np.where(verdict.outcome == NOBODY, found.scores, -np.inf).argmax()) if len(strays) else None
        )
        errors = verdict.abs_mm[~np.isnan(verdict.abs_mm)]
        for top, rank, also in (
            (self._worst, badness, None),
            (self._best, None if badness is None else -badness, None),
            (self._alarms, alarm, surest),
        ):
            if rank is None or not top.wants(rank):
                continue
            picture = side_by_side(sample, found, verdict.outcome, self._joints, also)
            example = Example(
                key=sample.key,
                people=len(verdict.score),
                found=int((~np.isnan(verdict.score)).sum()),
                badness=None if badness is None else round(badness, 4),
                pckh=round(float((verdict.heads <= 0.5).sum() / judged.sum()), 4) if judged.any() else None,
                abs_mm=round(float(errors.mean()), 1) if len(errors) else None,
                alarm=None if alarm is None else round(alarm, 4),
                jpeg=_jpeg(picture),
            )
            top.add(rank, example)

    def worst(self) -> list[Example]:
        """The worst first."""
        return self._worst.ranked()

    def best(self) -> list[Example]:
        """The best first, without those among the worst."""
        bad = {example.key for example in self.worst()}
        return [example for example in self._best.ranked() if example.key not in bad]

    def alarms(self) -> list[Example]:
        """Those with the surest detection of nobody first."""
        return self._alarms.ranked()


def side_by_side(
    sample: Sample, found: Found, outcome: NDArray[np.int32], joints: Skeleton, also: int | None = None
) -> NDArray[np.uint8]:
    """The part of the picture where people are, twice beside each other: with the true ones, and with those found.

    Of the detections about nobody the best few are shown as well, as far as they score no less than the worst that is
    about somebody: those are what a user would have to tell from people.

    Args:
        also: a detection that is shown in any case.
    """
    if sample.image is None:
        raise ValueError(f"{sample.key} has no picture")
    drawn = _drawn(found.scores, outcome, also)
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
        points = (found.poses2d[d] - (x0, y0)) * scale
        right = draw_joints(right, points, all_seen, joints)
        if outcome[d] == NOBODY:
            low, high = (
                np.clip(edge, -_FAR_PX, _FAR_PX).astype(int) for edge in (points.min(0), points.max(0))
            )
            right = np.asarray(cv2.rectangle(right, low.tolist(), high.tolist(), STRAY, 1), np.uint8)
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


def _drawn(scores: NDArray[np.float64], outcome: NDArray[np.int32], also: int | None) -> NDArray[np.intp]:
    """Which detections are drawn, the best last, on top."""
    about = np.flatnonzero(outcome >= 0)
    least = scores[about].min() if len(about) else -np.inf
    stray = np.flatnonzero((outcome == NOBODY) | (outcome == DUPLICATE))
    stray = stray[np.argsort(-scores[stray], kind="stable")]
    stray = stray[scores[stray] >= least][:_STRAY_SHOWN]
    both = np.union1d(np.concatenate([about, stray]), [] if also is None else [also]).astype(np.intp)
    return both[np.argsort(scores[both], kind="stable")]


def _jpeg(image: NDArray[np.uint8]) -> str:
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return base64.b64encode(data.tobytes()).decode()
