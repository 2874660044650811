"""Which detection is about which person, and what a detector of several people is worth.

Two ways to tell whom a detection is about. :func:`protocol_matches` is that of MPII's multi-person evaluation
(Pishchulin et al., CVPR 2016; Insafutdinov et al., ECCV 2016): by the share of joints found, whatever the scores
are. :func:`nearest_matches` takes detections best first, each to the person it is nearest to, and tells duplicates
from false alarms. Joints that the truth lacks count for nothing, and neither do detections of people that are not
counted: nobody could have seen them.

Distances are arrays (D, P, J) of D detections, P people and J joints in head sizes: see :func:`joint_distances`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError

Array = NDArray[np.float64]
NOBODY, DUPLICATE, ASIDE = -1, -2, -3
"""What a detection is about that is no person's: none; one whom a better one is about; one who is not counted."""
FAR_HEADS = 3.0
"""A joint that is farther away, about half a metre, is as wrong as one that is missing."""
NEAR_HEADS = 2.0
"""Mean distance of joints, none beyond :data:`FAR_HEADS`, up to which a detection can be about a person. A body whose
sides are exchanged is still about its person, even with the arms spread."""
_TIE = 1e-9


@dataclass(frozen=True, eq=False)
class Curve:
    """Precision against recall, from the best score down; detections of one score come in together.

    Attributes:
        scores: (T,) falling, each with what it lets in.
        precision, recall: (T,); recall is NaN where nothing was to be found.
        positives: how many were to be found.
    """

    scores: Array
    precision: Array
    recall: Array
    positives: int


def joint_distances(predicted: Array, truth: Array, sizes: Array) -> Array:
    """Distances of every detection's joints (D, J, 2) from every person's (P, J, 2).

    Args:
        sizes: (P,) head sizes, in the unit of the joints, above 0.

    Returns:
        (D, P, J) in head sizes; NaN where the truth lacks the joint, infinity where only the detection does.
    """
    if predicted.shape[1:] != truth.shape[1:] or sizes.shape != truth.shape[:1]:
        raise InputError(
            "joint_distances", f"joints and sizes of {truth.shape}", f"{predicted.shape}, {sizes.shape}"
        )
    if not (sizes > 0).all():
        raise InputError("joint_distances", "head sizes above 0", sizes[~(sizes > 0)][0])
    away = np.linalg.norm(predicted[:, None] - truth[None], axis=-1) / sizes[None, :, None]
    labelled = np.asarray(np.isfinite(truth).all(-1))[None]
    return np.asarray(np.where(labelled, np.where(np.isnan(away), np.inf, away), np.nan))


def found_shares(distances: Array, threshold: float) -> Array:
    """(D, P) share of a person's labelled joints within ``threshold``; 0 for people without any."""
    labelled = (~np.isnan(distances)).sum(-1)
    return np.asarray((distances <= threshold).sum(-1) / np.maximum(labelled, 1))


def mean_distances(distances: Array) -> Array:
    """(D, P) mean over a person's labelled joints, none farther than :data:`FAR_HEADS`; infinity for people without any."""
    labelled = ~np.isnan(distances)
    count = labelled.sum(-1)
    total = np.where(labelled, np.minimum(distances, FAR_HEADS), 0.0).sum(-1)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.inf))


def protocol_matches(distances: Array, scores: Array, counted: NDArray[np.bool_], threshold: float = 0.5) -> NDArray[np.intp]:  # fmt: skip
    """Whom each detection is about, by MPII's multi-person protocol.

    Each detection chooses the person of whom it has the largest share of joints; each person takes, of those who
    chose him, the one with the largest share; without any joint there is no match. All others are false alarms. The
    published code leaves ties to the order: here the nearer person, and the better, then nearer detection win.

    Args:
        scores: (D,).
        counted: (P,) people who can be matched. A detection without a match that shares more joints with one of the
            others is set aside.

    Returns:
        (D,) index of the person, :data:`NOBODY` or :data:`ASIDE`.
    """
    detections, people = distances.shape[:2]
    result = np.full(detections, NOBODY, np.intp)
    if not detections or not people:
        return result
    shares, near = found_shares(distances, threshold), mean_distances(distances)
    open_to = np.where(counted[None], shares, -1.0)
    chosen = np.lexsort((near, -open_to), axis=1)[:, 0]
    best = open_to[np.arange(detections), chosen]
    for person in np.flatnonzero(counted):
        mine = np.flatnonzero((chosen == person) & (best > 0))
        if len(mine):
            order = np.lexsort((near[mine, person], -scores[mine], -shares[mine, person]))
            result[mine[order[0]]] = person
    others = np.where(counted[None], 0.0, shares).max(1)
    result[(result == NOBODY) & (others > np.maximum(best, 0.0) + _TIE)] = ASIDE
    return result


def nearest_matches(distances: Array, scores: Array, counted: NDArray[np.bool_], limit: float = NEAR_HEADS) -> NDArray[np.intp]:  # fmt: skip
    """Whom each detection is about: the person it is nearest to, best scores first.

    Args:
        scores: (D,); of equal ones the nearer detection goes first.
        counted: (P,) people who count. A detection is set aside where one of the others is nearer.
        limit: mean distance of joints, head sizes, beyond which it is about nobody.

    Returns:
        (D,) index of the person, :data:`NOBODY`, :data:`DUPLICATE` or :data:`ASIDE`.
    """
    detections, people = distances.shape[:2]
    result = np.full(detections, NOBODY, np.intp)
    if not detections or not people:
        return result
    near = mean_distances(distances)
    ours = np.where(counted[None], near, np.inf)
    person, away = ours.argmin(1), ours.min(1)
    aside = np.where(counted[None], np.inf, near).min(1)
    taken = np.zeros(people, bool)
    for d in np.lexsort((away, -scores)):
        if away[d] <= limit and not taken[person[d]]:
            result[d] = person[d]
            taken[person[d]] = True
        elif aside[d] <= limit and aside[d] < away[d]:
            result[d] = ASIDE
        elif away[d] <= limit:
            result[d] = DUPLICATE
    return result


def precision_recall(scores: Array, hits: NDArray[np.bool_], positives: int) -> Curve:
    """The curve of detections with ``scores`` (N,), of which ``hits`` (N,) are right, where ``positives`` were to be found."""
    order = np.argsort(-scores, kind="stable")
    ranked, right = scores[order], hits[order].cumsum()
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.zeros(0, np.intp)
    recall = right[ends] / positives if positives else np.full(len(ends), np.nan)
    return Curve(ranked[ends], right[ends] / (ends + 1.0), recall, positives)


def average_precision(curve: Curve) -> float:
    """Area under the curve after each precision was raised to the best one at a higher recall.

    That is VOC's measure since 2010, which the protocol uses; NaN where nothing was to be found.
    """
    if not curve.positives:
        return float("nan")
    envelope = np.maximum.accumulate(curve.precision[::-1])[::-1]
    return float((np.diff(curve.recall, prepend=0.0) * envelope).sum())
