"""What detections of a picture are worth against its truth, picture by picture, and all pictures together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.metrics import NOT_IN_PCKH, centre_on_torso, joint_errors, procrustes
from posecorpus.core.people_metrics import (
    NEAR_HEADS,
    NOBODY,
    joint_distances,
    mean_distances,
    nearest_matches,
    protocol_matches,
)
from posecorpus.core.skeletons import LCR_13, Skeleton
from posecorpus.pipelines.evaluation.people_truth import PictureTruth, judged_joints, judged_names

Array = NDArray[np.float64]
Floats32 = NDArray[np.float32]
THRESHOLDS = (0.5, 1.0)
"""Of PCKh and AP, head sizes."""
NOT_JUDGED, WRONG, RIGHT = 0, 1, 2
_MM = 1000.0


@dataclass(frozen=True, eq=False)
class Verdict:
    """What is kept of one picture, or of several together: C counted people, D detections.

    Attributes:
        heads: (C, J2) float32 distance of each judged joint in head sizes; NaN where not judged, infinity where the
            person was missed.
        abs_mm, rigid_mm: (C, J) float32 errors of torso-centred joints, and after rigid alignment; NaN where the 3D
            is unknown or the person was missed.
        similar_mm: (C,) float32 mean error after the best similarity.
        common_mm: (C, 2) float32 mean errors over the joints of ``lcr_13``, torso-centred and rigidly aligned on
            these alone.
        score: (C,) float32 of the detection about each person; NaN if missed.
        scores: (D,) float32 of all detections.
        outcome: (D,) int32: at least 0 for detections about a person, else as in ``core.people_metrics``.
        marks: (D, 2, J2) uint8, for each of :data:`THRESHOLDS` what each joint is to the protocol of AP.
    """

    heads: Floats32
    abs_mm: Floats32
    rigid_mm: Floats32
    similar_mm: Floats32
    common_mm: Floats32
    score: Floats32
    scores: Floats32
    outcome: NDArray[np.int32]
    marks: NDArray[np.uint8]

    @staticmethod
    def together(verdicts: Sequence[Verdict]) -> Verdict:
        """Those of several pictures, in order."""
        names = [field.name for field in fields(Verdict)]
        return Verdict(*(np.concatenate([getattr(one, name) for one in verdicts]) for name in names))


@dataclass(frozen=True, eq=False)
class Found:
    """D poses that a detector claims to see.

    Attributes:
        poses2d: (D, J, 2) pixels; poses3d: (D, J, 3) metres.
        scores: (D,).
    """

    poses2d: Array
    poses3d: Array
    scores: Array


def judge(truth: PictureTruth, found: Found, joints: Skeleton, size: tuple[int, int]) -> Verdict:
    """Compare the people of a picture with what was found.

    Args:
        joints: the joint set of ``found``.
        size: width and height of the picture, pixels.
    """
    points = judged_joints(found.poses2d, joints)
    away = joint_distances(points, truth.joints2d, truth.head_px)
    outcome = nearest_matches(away, found.scores, truth.counted)
    chosen = np.full(len(truth), -1, np.intp)
    about = np.flatnonzero(outcome >= 0)
    chosen[outcome[about]] = about
    people = np.flatnonzero(truth.counted)
    return Verdict(
        heads=_distances(truth, away, chosen),
        **vars(_space_errors(truth.joints3d[people], found, joints, chosen[people])),
        score=_picked(found.scores, chosen[people]).astype(np.float32),
        scores=found.scores.astype(np.float32),
        outcome=outcome.astype(np.int32),
        marks=_marks(points, away, found.scores, truth, joints, size),
    )


def judge_best(truth: PictureTruth, found: Found, joints: Skeleton) -> Verdict:
    """The upper bound: every person is given the pose that is best for him, as if scores were perfect.

    Best by mean distance in the picture for the 2D, and for each 3D error by itself, among the poses near enough in
    the picture to be about the person (LCR-Net++ figures 10 and 14).
    """
    away = joint_distances(judged_joints(found.poses2d, joints), truth.joints2d, truth.head_px)
    near = mean_distances(away)
    people = np.flatnonzero(truth.counted)
    chosen = np.full(len(truth), -1, np.intp)
    if len(found.scores) and len(truth):
        chosen = np.where(near.min(0) <= NEAR_HEADS, near.argmin(0), -1)
    best = [
        _best_errors(truth.joints3d[p], found, joints, np.flatnonzero(near[:, p] <= NEAR_HEADS))
        for p in people
    ]
    none = _space_errors(truth.joints3d[:0], found, joints, chosen[:0])
    errors = {name: np.concatenate([vars(one)[name] for one in [none, *best]]) for name in vars(none)}
    return Verdict(
        heads=_distances(truth, away, chosen),
        **errors,
        score=_picked(found.scores, chosen[people]).astype(np.float32),
        scores=np.zeros(0, np.float32),
        outcome=np.zeros(0, np.int32),
        marks=np.zeros((0, len(THRESHOLDS), away.shape[2]), np.uint8),
    )


def common_joints(joints: Skeleton) -> list[int]:
    """Indices of the joints that are named as those of ``lcr_13``."""
    return [i for i, joint in enumerate(joints.joints) if joint in LCR_13.joints]


@dataclass(frozen=True, eq=False)
class _SpaceErrors:
    """3D errors of C people; see :class:`Verdict`."""

    abs_mm: Floats32
    rigid_mm: Floats32
    similar_mm: Floats32
    common_mm: Floats32


def _space_errors(truth: Array, found: Found, joints: Skeleton, chosen: NDArray[np.intp]) -> _SpaceErrors:
    """Errors of the chosen detections (C,), -1 for none, against poses (C, J, 3)."""
    poses = centre_on_torso(_picked(found.poses3d, chosen), joints)
    own = common_joints(joints)
    plain = joint_errors(poses, truth)
    rigid = joint_errors(procrustes(poses, truth, scaled=False), truth)
    common = joint_errors(procrustes(poses[:, own], truth[:, own], scaled=False), truth[:, own])
    similar = joint_errors(procrustes(poses, truth), truth)
    both = np.stack([_row_means(plain[:, own]), _row_means(common)], axis=1)
    values = (plain, rigid, _row_means(similar), both)
    return _SpaceErrors(*((_MM * value).astype(np.float32) for value in values))


def _best_errors(truth: Array, found: Found, joints: Skeleton, candidates: NDArray[np.intp]) -> _SpaceErrors:
    """Of one pose (J, 3), each error by the candidate that has the least."""
    if not len(candidates) or not np.isfinite(truth).any():
        return _space_errors(truth[None], found, joints, np.array([-1]))
    all_ = _space_errors(np.repeat(truth[None], len(candidates), 0), found, joints, candidates)
    common = np.stack([all_.common_mm[:, kind].min(keepdims=True) for kind in range(2)], axis=1)
    return _SpaceErrors(
        all_.abs_mm[[_row_means(all_.abs_mm).argmin()]],
        all_.rigid_mm[[_row_means(all_.rigid_mm).argmin()]],
        all_.similar_mm.min(keepdims=True),
        common,
    )


def _distances(truth: PictureTruth, away: Array, chosen: NDArray[np.intp]) -> Floats32:
    """(C, J2) distances of the counted people's own detections (P,), -1 for none."""
    missed = np.where(np.isfinite(truth.joints2d).all(-1), np.inf, np.nan)
    rows = [away[d, p] if d >= 0 else missed[p] for p, d in enumerate(chosen) if truth.counted[p]]
    return np.array(rows, np.float32).reshape(-1, away.shape[2])


def _marks(
    points: Array, away: Array, scores: Array, truth: PictureTruth, joints: Skeleton, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """(D, 2, J2) what each detected joint is to the protocol.

    Of a detection about somebody the joints that are judged of him are right or wrong; of one about nobody all that
    lie inside the frame are wrong: nobody is labelled beyond it.
    """
    claimed = ((points >= 0) & (points <= size)).all(-1) & ~np.isin(judged_names(joints), NOT_IN_PCKH)
    result = np.zeros((len(points), len(THRESHOLDS), points.shape[1]), np.uint8)
    for t, threshold in enumerate(THRESHOLDS):
        matches = protocol_matches(away, scores, truth.counted, threshold)
        about, nobody = np.flatnonzero(matches >= 0), matches == NOBODY
        own = away[about, matches[about]]
        result[about, t] = np.where(np.isnan(own), NOT_JUDGED, np.where(own <= threshold, RIGHT, WRONG))
        result[nobody, t] = np.where(claimed[nobody], WRONG, NOT_JUDGED)
    return result


def _picked(values: Array, chosen: NDArray[np.intp]) -> Array:
    """Rows of ``values``; NaN for -1."""
    result = np.full((len(chosen), *values.shape[1:]), np.nan)
    result[chosen >= 0] = values[chosen[chosen >= 0]]
    return result


def _row_means(values: NDArray[np.floating]) -> Array:
    """Means of the last axis over what is not NaN; NaN where nothing is."""
    known = ~np.isnan(values)
    count = known.sum(-1)
    return np.where(count > 0, np.where(known, values, 0.0).sum(-1) / np.maximum(count, 1), np.nan)
