"""The figures of an evaluation of people, and its curves."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.metrics import AUC_STEPS, BALL_M
from posecorpus.core.people_metrics import DUPLICATE, NOBODY, Curve, average_precision, precision_recall
from posecorpus.core.skeletons import Skeleton
from posecorpus.pipelines.evaluation.people_truth import judged_names
from posecorpus.pipelines.evaluation.people_verdicts import (
    NOT_JUDGED,
    RIGHT,
    THRESHOLDS,
    Verdict,
    common_joints,
)

Array = NDArray[np.float64]
BALL_MM = 1000 * BALL_M
TORSO_SHARES = (0.5, 0.2)
"""Of PCK with the torso as its unit."""
KINDS = ("perfect", "imprecise", "partly wrong", "misdetected")
"""LCR-Net++ figure 13: all joints within half a head size; all within one; more than half within one; fewer."""
CURVE_POINTS = 60
HEADS_SHOWN = 2.0
BALL_SHOWN_MM = 300.0


@dataclass(frozen=True)
class JointFigures:
    """Of one joint; None where it is never judged."""

    joint: str
    labelled: int
    pckh: float | None
    pckh_1: float | None
    ap: float | None
    ap_1: float | None
    abs_mm: float | None
    rigid_mm: float | None
    pck3d: float | None


@dataclass(frozen=True)
class PeopleFigures:
    """Of one way to decode; shares are fractions, None stands for nothing to average.

    Attributes:
        people, found: who counts, and of how many a detection is.
        detections, duplicates, false: of all scores.
        best_f1: of finding people, at the score that is best for it; with ``precision``, ``recall``, ``score`` there.
        people_ap: area under the precision-recall curve of finding people.
        pckh, pckh_1: PCKh at 0.5 and 1 of all people who count, the missed ones wrong; ``_found``: of the found ones.
        pck_torso, pck_torso_02: PCK at 0.5 and 0.2 of the torso.
        ap, ap_1: multi-person AP at PCKh 0.5 and 1: the mean over joints.
        kinds: share of all people, by :data:`KINDS`.
        mpjpe_abs_mm, mpjpe_rigid_mm, pa_mpjpe_mm: of found people: torso-centred, rigidly aligned, and by similarity.
        mpjpe_common_abs_mm, mpjpe_common_rigid_mm: over the 13 joints of ``lcr_13`` alone, where there are more.
        pck3d, pck3d_found: torso-centred joints within 150 mm, of all people and of found ones; ``auc3d``: mean over
            31 thresholds from 0 to 150 mm, of all.
        pckh_visible, pckh_hidden: PCKh at 0.5 of the joints seen and not seen.
        score_mean: of the detections about people.
        joints: each joint.
    """

    people: int
    found: int
    detections: int
    duplicates: int
    false: int
    best_f1: float | None
    precision: float | None
    recall: float | None
    score: float | None
    people_ap: float | None
    pckh: float | None
    pckh_1: float | None
    pckh_found: float | None
    pckh_visible: float | None
    pckh_hidden: float | None
    pck_torso: float | None
    pck_torso_02: float | None
    ap: float | None
    ap_1: float | None
    kinds: dict[str, float] | None
    mpjpe_abs_mm: float | None
    mpjpe_rigid_mm: float | None
    pa_mpjpe_mm: float | None
    mpjpe_common_abs_mm: float | None
    mpjpe_common_rigid_mm: float | None
    pck3d: float | None
    pck3d_found: float | None
    auc3d: float | None
    score_mean: float | None
    joints: tuple[JointFigures, ...]

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Traits:
    """What is hard about the counted people, in the order of a verdict's; see ``PictureTruth``.

    Attributes:
        hidden: (C, J2) bool.
        labelled3d: (C, J) whether the truth knows the joint in space.
        head_px, torso_px, outside, covered, rarity_mm: (C,).
        company: (C,) how many people of the picture count.
    """

    hidden: NDArray[np.bool_]
    labelled3d: NDArray[np.bool_]
    head_px: Array
    torso_px: Array
    outside: Array
    covered: Array
    rarity_mm: Array
    company: NDArray[np.int64]


def figures(verdict: Verdict, traits: Traits, joints: Skeleton, *, ranked: bool = True) -> PeopleFigures:
    """The figures of all pictures together.

    Args:
        ranked: whether there are detections with scores, not only the best pose for each person.
    """
    heads, judged = verdict.heads, ~np.isnan(verdict.heads)
    found = ~np.isnan(verdict.score)
    finding = people_curve(verdict)
    best = _best_f1(finding)
    torso = verdict.heads * (traits.head_px / traits.torso_px)[:, None].astype(np.float32)
    per_joint = tuple(_joint(verdict, traits, joints, j, ranked) for j in range(heads.shape[1]))
    more = len(common_joints(joints)) < len(joints)
    shown = tuple(joint for joint in per_joint if joint.labelled or joint.abs_mm is not None)
    return PeopleFigures(
        people=len(found),
        found=int(found.sum()),
        detections=len(verdict.scores),
        duplicates=int((verdict.outcome == DUPLICATE).sum()),
        false=int((verdict.outcome == NOBODY).sum()),
        **best,
        people_ap=_number(average_precision(finding)) if ranked else None,
        pckh=_share(heads <= 0.5, judged),
        pckh_1=_share(heads <= 1, judged),
        pckh_found=_share(heads <= 0.5, judged & found[:, None]),
        pckh_visible=_share(heads <= 0.5, judged & ~traits.hidden),
        pckh_hidden=_share(heads <= 0.5, judged & traits.hidden),
        pck_torso=_share(torso <= TORSO_SHARES[0], ~np.isnan(torso)),
        pck_torso_02=_share(torso <= TORSO_SHARES[1], ~np.isnan(torso)),
        ap=_mean_of([joint.ap for joint in shown]),
        ap_1=_mean_of([joint.ap_1 for joint in shown]),
        kinds=_kinds(verdict),
        mpjpe_abs_mm=_mean(verdict.abs_mm),
        mpjpe_rigid_mm=_mean(verdict.rigid_mm),
        pa_mpjpe_mm=_mean(verdict.similar_mm),
        mpjpe_common_abs_mm=_mean(verdict.common_mm[:, 0]) if more else None,
        mpjpe_common_rigid_mm=_mean(verdict.common_mm[:, 1]) if more else None,
        pck3d=_share(verdict.abs_mm <= BALL_MM, traits.labelled3d),
        pck3d_found=_share(verdict.abs_mm <= BALL_MM, traits.labelled3d & found[:, None]),
        auc3d=_mean_of([
            _share(verdict.abs_mm <= ball, traits.labelled3d) for ball in np.linspace(0, BALL_MM, AUC_STEPS)
        ]),
        score_mean=_mean(verdict.score),
        joints=shown,
    )  # fmt: skip


def people_curve(verdict: Verdict) -> Curve:
    """Precision and recall of finding people; detections that were set aside count for nothing."""
    counted = (verdict.outcome >= 0) | (verdict.outcome == DUPLICATE) | (verdict.outcome == NOBODY)
    hits = verdict.outcome[counted] >= 0
    return precision_recall(verdict.scores[counted].astype(np.float64), hits, len(verdict.score))


def joints_curve(verdict: Verdict, threshold: int = 0) -> Curve:
    """Precision and recall of joints by the protocol of AP, all joints together."""
    marks = verdict.marks[:, threshold]
    columns = (~np.isnan(verdict.heads)).any(0)
    counted = (marks != NOT_JUDGED) & columns
    scores = np.repeat(verdict.scores[:, None].astype(np.float64), marks.shape[1], 1)
    return precision_recall(scores[counted], marks[counted] == RIGHT, int((~np.isnan(verdict.heads)).sum()))


def pckh_curve(verdict: Verdict) -> list[tuple[float, float]]:
    """(threshold in head sizes, PCKh of all people)."""
    judged = ~np.isnan(verdict.heads)
    return _threshold_curve(verdict.heads, judged, HEADS_SHOWN)


def pck3d_curve(errors_mm: NDArray[np.float32], labelled: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """(radius in mm, 3DPCK of all people)."""
    return _threshold_curve(errors_mm, labelled, BALL_SHOWN_MM)


def thinned(curve: Curve, points: int = 200) -> list[tuple[float, float]]:
    """(recall, precision) of a curve, few enough to draw."""
    if not len(curve.scores):
        return []
    which = np.unique(np.linspace(0, len(curve.scores) - 1, points).round().astype(int))
    return [(round(float(curve.recall[i]), 5), round(float(curve.precision[i]), 5)) for i in which]


def _threshold_curve(values: NDArray[np.float32], judged: NDArray[np.bool_], last: float) -> list[tuple[float, float]]:  # fmt: skip
    if not judged.any():
        return []
    return [
        (round(float(t), 4), _share(values <= t, judged) or 0.0)
        for t in np.linspace(0, last, CURVE_POINTS + 1)
    ]


def _joint(verdict: Verdict, traits: Traits, joints: Skeleton, j: int, ranked: bool) -> JointFigures:
    heads = verdict.heads[:, j]
    judged = ~np.isnan(heads)
    in_space = j < len(joints)
    known = traits.labelled3d[:, j] if in_space else np.zeros(len(heads), bool)
    return JointFigures(
        joint=judged_names(joints)[j],
        labelled=int(judged.sum()),
        pckh=_share(heads <= 0.5, judged),
        pckh_1=_share(heads <= 1, judged),
        ap=_joint_ap(verdict, j, 0) if ranked else None,
        ap_1=_joint_ap(verdict, j, 1) if ranked else None,
        abs_mm=_mean(verdict.abs_mm[:, j]) if in_space else None,
        rigid_mm=_mean(verdict.rigid_mm[:, j]) if in_space else None,
        pck3d=_share(verdict.abs_mm[:, j] <= BALL_MM, known) if in_space else None,
    )


def _joint_ap(verdict: Verdict, j: int, threshold: int) -> float | None:
    marks = verdict.marks[:, threshold, j]
    counted = marks != NOT_JUDGED
    positives = int((~np.isnan(verdict.heads[:, j])).sum())
    scores = verdict.scores[counted].astype(np.float64)
    return _number(average_precision(precision_recall(scores, marks[counted] == RIGHT, positives)))


def _kinds(verdict: Verdict) -> dict[str, float] | None:
    judged = (~np.isnan(verdict.heads)).sum(1)
    if not len(judged):
        return None
    half, one = ((verdict.heads <= t).sum(1) / np.maximum(judged, 1) for t in THRESHOLDS)
    kind = np.select([half == 1, one == 1, one > 0.5], [0, 1, 2], 3)
    return {name: round(float((kind == k).mean()), 5) for k, name in enumerate(KINDS)}


def _best_f1(curve: Curve) -> dict[str, float | None]:
    both = curve.precision + curve.recall
    if not len(both) or np.isnan(both).any() or not both.any():
        return dict.fromkeys(("best_f1", "precision", "recall", "score"))
    f1 = np.where(both > 0, 2 * curve.precision * curve.recall / np.where(both > 0, both, 1), 0)
    best = int(f1.argmax())
    found = (f1[best], curve.precision[best], curve.recall[best], curve.scores[best])
    return dict(zip(("best_f1", "precision", "recall", "score"), (_number(v) for v in found), strict=True))


def _share(hit: NDArray[np.bool_], counted: NDArray[np.bool_]) -> float | None:
    count = int(counted.sum())
    return round(float((hit & counted).sum() / count), 5) if count else None


def _mean(values: NDArray[np.float32]) -> float | None:
    known = values[~np.isnan(values)].astype(np.float64)
    return round(float(known.mean()), 3) if len(known) else None


def _mean_of(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), 5) if known else None


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 5)
