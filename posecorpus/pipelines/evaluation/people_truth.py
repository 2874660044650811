"""The people of a picture as evaluation sees them: which joints are judged, who counts, and what is hard about each.

In the picture a joint is judged if it is labelled and inside the frame; joints of the trunk's middle that MPII's
evaluation leaves out (pelvis, thorax) are not. In space all labelled joints are judged, seen or not: full-body poses
are what the detector claims. A person counts if enough of the judged joints are visible; people who do not are
neither missed nor do detections of them count as false.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.anchors.bank import Anchors
from posecorpus.anchors.distance import nearest_anchor
from posecorpus.core.head_sizes import head_size_px, torso_px
from posecorpus.core.metrics import NOT_IN_PCKH, centre_on_torso
from posecorpus.core.sample import HIDDEN, UNLABELLED, Person, Sample
from posecorpus.core.skeletons import MPII_16, Skeleton, convert, convert_visibility, skeleton
from posecorpus.core.sticks import POINTS, stick_points

Array = NDArray[np.float64]
STAND_INS = ("upper_neck", "head_top")
"""Judged where the truth has these instead of the detector's head (LSP, MPII); the detector's are extrapolated from
its own joints, as in LCR-Net++ section 5.3."""
_HEADS = ("head", "head_centre")


@dataclass(frozen=True, eq=False)
class PictureTruth:
    """P people of a picture with at least one judged joint; the 2D joints are those of :func:`judged_names`.

    Attributes:
        joints2d: (P, J2, 2) pixels; NaN where not judged.
        hidden: (P, J2) judged, but not visible.
        joints3d: (P, J, 3) metres, torso-centred; NaN where unknown.
        head_px, torso_px: (P,); the torso's NaN where unknown.
        counted: (P,) who counts.
        outside: (P,) share of the labelled joints that lie outside of the frame.
        covered: (P,) share of the judged joints that are hidden.
        rarity_mm: (P,) D3D to the nearest anchor pose; NaN without 3D.
        lifted: whether any of the 3D was lifted from 2D.
        left_out: people without a judged joint.
    """

    joints2d: Array
    hidden: NDArray[np.bool_]
    joints3d: Array
    head_px: Array
    torso_px: Array
    counted: NDArray[np.bool_]
    outside: Array
    covered: Array
    rarity_mm: Array
    lifted: bool
    left_out: int

    def __len__(self) -> int:
        return len(self.joints2d)


def judged_names(joints: Skeleton) -> tuple[str, ...]:
    """Names of the joints that are judged in the picture: the detector's, and what may stand in for its head."""
    return (*joints.joints, *STAND_INS)


def judged_joints(poses2d: Array, joints: Skeleton) -> Array:
    """A detector's poses (D, J, 2) with the stand-ins: (D, J2, 2)."""
    extra = stick_points(poses2d, joints)[:, [POINTS.index(name) for name in STAND_INS]]
    return np.concatenate([poses2d, extra], axis=1)


def picture_truth(sample: Sample, anchors: Anchors, least_visible: int = 1) -> PictureTruth:
    """The people of a sample.

    Args:
        least_visible: judged joints that must be visible for a person to count.
    """
    told = _told_head_sizes(sample)
    found = [
        _judged(person, sample, anchors.skeleton, size) for person, size in zip(sample.people, told, strict=True)
    ]  # fmt: skip
    kept = [one for one in found if one is not None]
    count, joints = len(kept), len(anchors.skeleton)
    points = np.array([one.points for one in kept]).reshape(count, joints + len(STAND_INS), 2)
    hidden = np.array([one.hidden for one in kept], bool).reshape(points.shape[:2])
    space = np.array([one.space for one in kept]).reshape(count, joints, 3)
    judged = np.isfinite(points).all(-1)
    return PictureTruth(
        joints2d=points,
        hidden=hidden,
        joints3d=space,
        head_px=np.array([one.head_px for one in kept], float),
        torso_px=np.array([one.torso_px for one in kept], float),
        counted=(judged & ~hidden).sum(1) >= least_visible,
        outside=np.array([one.outside for one in kept], float),
        covered=hidden.sum(1) / np.maximum(judged.sum(1), 1),
        rarity_mm=_rarity_mm(space, anchors),
        lifted=any(person.lift is not None for person in sample.people),
        left_out=len(found) - count,
    )


@dataclass(frozen=True, eq=False)
class _Judged:
    points: Array
    hidden: NDArray[np.bool_]
    space: Array
    head_px: float
    torso_px: float
    outside: float


def _judged(person: Person, sample: Sample, target: Skeleton, told_px: float | None) -> _Judged | None:
    """One person, or None where no joint of his is judged or nothing tells the size of his head."""
    source = skeleton(person.skeleton)
    flags = person.visibility.copy()
    if person.lift is not None:
        flags[person.lift.completed] = UNLABELLED  # an answer of lifting, not of an annotator
    own = np.where((flags == UNLABELLED)[:, None], np.nan, person.joints2d.astype(np.float64))
    points, seen = _on(own, flags, source, target)
    labelled = np.isfinite(points).all(-1)
    with np.errstate(invalid="ignore"):
        inside = ((points >= 0) & (points <= (sample.width, sample.height))).all(-1)
    judged = labelled & inside & ~np.isin(judged_names(target), NOT_IN_PCKH)
    size = head_size_px(person, sample.camera, told_px)
    if not judged.any() or not size > 0:
        return None
    space = np.full((len(target), 3), np.nan)
    if person.joints3d is not None:
        space = centre_on_torso(convert(person.joints3d.astype(np.float64), source, target), target)
    return _Judged(
        points=np.where(judged[:, None], points, np.nan),
        hidden=judged & (seen == HIDDEN),
        space=space,
        head_px=size,
        torso_px=torso_px(own, source),
        outside=float((labelled & ~inside).sum() / labelled.sum()),
    )


def _on(
    points: Array, flags: NDArray[np.uint8], source: Skeleton, target: Skeleton
) -> tuple[Array, NDArray[np.uint8]]:
    """2D joints and flags on the judged joints; the stand-ins only where the head is missing."""
    mine, seen = convert(points, source, target), convert_visibility(flags, source, target)
    extra, extra_seen = (np.full((len(STAND_INS), 2), np.nan), np.zeros(len(STAND_INS), np.uint8))
    heads = [i for i, joint in enumerate(target.joints) if joint in _HEADS]
    if heads and not (seen[heads] != UNLABELLED).any():
        chosen = MPII_16.indices(*STAND_INS)
        extra = np.asarray(convert(points, source, MPII_16)[chosen], np.float64)
        extra_seen = convert_visibility(flags, source, MPII_16)[chosen]
    return np.concatenate([mine, extra]), np.concatenate([seen, extra_seen])


def _rarity_mm(space: Array, anchors: Anchors) -> Array:
    result = np.full(len(space), np.nan)
    known = np.isfinite(space).all((1, 2))
    if known.any():
        result[known] = 1000 * nearest_anchor(space[known], anchors.poses3d)[1]
    return result


def _told_head_sizes(sample: Sample) -> list[float | None]:
    """Head sizes that importing kept in the provenance."""
    notes = sample.provenance.get("people")
    if not isinstance(notes, list) or len(notes) != len(sample.people):
        return [None] * len(sample.people)
    sizes = [note.get("head_size_px") if isinstance(note, dict) else None for note in notes]
    return [float(size) if isinstance(size, int | float) else None for size in sizes]
