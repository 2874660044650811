"""How far predictions are from the truth.

Joints are arrays (..., J, D) and a joint is unlabelled where the truth holds a NaN: it counts for
nothing. A joint that only the *prediction* lacks has no distance, so it is left out of mean errors, but
it is a miss in every percentage of correct keypoints. A mean over nothing is NaN, never a warning.
Distances come out in the unit that went in: metres for 3D joints and depth, pixels for 2D joints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import TORSO, Skeleton

Array = NDArray[np.float64]
BALL_M = 0.15
"""Radius of 3DPCK's ball (Mehta et al., 3DV 2017, section 6; LCR-Net++, section 5.4)."""
AUC_STEPS = 31
"""Thresholds of the area under the curve: 0, 5, ... 150 mm, as in the MPI-INF-3DHP evaluation."""
NOT_IN_PCKH = ("pelvis", "thorax")
"""Joints that MPII's evaluation leaves out."""


@dataclass(frozen=True)
class Accuracy:
    """A percentage of correct keypoints, as fractions.

    Attributes:
        per_joint: (J,) fraction of the labelled instances of each joint; NaN if there is none.
        total: fraction over all labelled joints together.
    """

    per_joint: Array
    total: float


# --- mean errors -------------------------------------------------------------------------------------


def joint_errors(predicted: ArrayLike, truth: ArrayLike) -> Array:
    """Euclidean distance (..., J) of joints (..., J, D); NaN where either is unlabelled."""
    predicted_, truth_ = _pair(predicted, truth)
    return np.asarray(np.linalg.norm(predicted_ - truth_, axis=-1))


def mpjpe(predicted: ArrayLike, truth: ArrayLike) -> float:
    """Mean per-joint position error of joints (..., J, D), without any alignment."""
    return _mean(joint_errors(predicted, truth))


def root_aligned_mpjpe(predicted: ArrayLike, truth: ArrayLike, skeleton: Skeleton) -> float:
    """MPJPE after moving both roots to the origin; see :func:`centre_on_root`."""
    predicted_, truth_ = _pair(predicted, truth)
    return mpjpe(centre_on_root(predicted_, skeleton), centre_on_root(truth_, skeleton))


def torso_aligned_mpjpe(predicted: ArrayLike, truth: ArrayLike, skeleton: Skeleton) -> float:
    """MPJPE after moving both torso centres to the origin; see :func:`centre_on_torso`."""
    predicted_, truth_ = _pair(predicted, truth)
    return mpjpe(centre_on_torso(predicted_, skeleton), centre_on_torso(truth_, skeleton))


def n_mpjpe(predicted: ArrayLike, truth: ArrayLike, skeleton: Skeleton) -> float:
    """Root-aligned MPJPE after the scale of each pose that is best in least squares.

    Rhodin et al., CVPR 2018, section 5 ("NMPJPE").
    """
    predicted_, truth_ = _pair(predicted, truth)
    predicted_, truth_ = centre_on_root(predicted_, skeleton), centre_on_root(truth_, skeleton)
    both = np.isfinite(predicted_) & np.isfinite(truth_)
    p, t = np.where(both, predicted_, 0.0), np.where(both, truth_, 0.0)
    norm = (p * p).sum((-2, -1))
    scale = (p * t).sum((-2, -1)) / np.where(norm > 0, norm, 1.0)
    return mpjpe(predicted_ * scale[..., None, None], truth_)


def pa_mpjpe(predicted: ArrayLike, truth: ArrayLike) -> float:
    """MPJPE after the best similarity of each pose; see :func:`procrustes`."""
    return mpjpe(procrustes(predicted, truth), truth)


def rigid_mpjpe(predicted: ArrayLike, truth: ArrayLike) -> float:
    """MPJPE after the best rotation and translation of each pose, its size kept (LCR-Net++'s "Align.")."""
    return mpjpe(procrustes(predicted, truth, scaled=False), truth)


def procrustes(predicted: ArrayLike, truth: ArrayLike, *, scaled: bool = True) -> Array:
    """Move, turn and (if ``scaled``) scale each predicted pose (..., J, D) onto the truth in least squares.

    A reflection is not allowed: a mirrored person is a wrong answer (Umeyama, PAMI 1991). Joints that
    either side lacks take no part and come out NaN, and so do all joints of a pose with fewer than three joints to
    align, where any answer would fit.
    """
    predicted_, truth_ = _pair(predicted, truth)
    both = (np.isfinite(predicted_) & np.isfinite(truth_)).all(-1, keepdims=True)
    count = both.sum(-2, keepdims=True)
    enough = np.maximum(count, 1)
    mean_p = np.where(both, predicted_, 0.0).sum(-2, keepdims=True) / enough
    mean_t = np.where(both, truth_, 0.0).sum(-2, keepdims=True) / enough
    p, t = np.where(both, predicted_ - mean_p, 0.0), np.where(both, truth_ - mean_t, 0.0)

    u, singular, vt = np.linalg.svd(np.swapaxes(p, -1, -2) @ t)
    sign = np.ones_like(singular)
    sign[..., -1] = np.where(np.linalg.det(u @ vt) < 0, -1.0, 1.0)
    rotation = (u * sign[..., None, :]) @ vt
    spread = (p * p).sum((-2, -1))
    fitted = (singular * sign).sum(-1) / np.where(spread > 0, spread, 1.0)
    scale = fitted if scaled else np.ones_like(fitted)
    aligned = scale[..., None, None] * (p @ rotation) + mean_t
    return np.where(both & (count >= 3), aligned, np.nan)


def centre_on_root(joints: ArrayLike, skeleton: Skeleton) -> Array:
    """Joints (..., J, D) relative to the pelvis, or to the middle of the hips where there is none."""
    root = ("pelvis",) if "pelvis" in skeleton.joints else ("l_hip", "r_hip")
    return _centre_on(joints, skeleton, root)


def centre_on_torso(joints: ArrayLike, skeleton: Skeleton) -> Array:
    """Joints (..., J, D) relative to the mean of shoulders and hips (the project's "torso-centred")."""
    return _centre_on(joints, skeleton, TORSO)


# --- percentages of correct keypoints ----------------------------------------------------------------


def pck(predicted: ArrayLike, truth: ArrayLike, threshold: ArrayLike) -> Accuracy:
    """Fraction of joints (N, J, D) within ``threshold`` of the truth, the threshold itself included.

    Args:
        threshold: one distance for all, or one for each pose (N,). Poses whose threshold is NaN or
            not positive cannot be judged and are left out.
    """
    predicted_, truth_ = _pair(predicted, truth)
    if truth_.ndim != 3:
        raise InputError("pck", "joints of shape (N, J, D)", truth_.shape)
    limit = np.broadcast_to(np.asarray(threshold, float), truth_.shape[:1])[:, None]
    labelled = np.isfinite(truth_).all(-1) & (limit >= 0)
    errors = joint_errors(predicted_, truth_)
    return _accuracy((errors <= limit) & labelled, labelled)


def head_size(head_box: ArrayLike) -> Array:
    """MPII's head size (N,): 0.6 of the diagonal of the head boxes (N, 4) x0 y0 x1 y1, pixels."""
    box = np.asarray(head_box, float)
    return np.asarray(0.6 * np.hypot(box[..., 2] - box[..., 0], box[..., 3] - box[..., 1]))


def pckh(
    predicted: ArrayLike,
    truth: ArrayLike,
    head_sizes: ArrayLike,
    skeleton: Skeleton,
    fraction: float = 0.5,
) -> Accuracy:
    """PCKh: 2D joints (N, J, 2) within ``fraction`` of each person's head size (N,), pixels.

    Pelvis and thorax do not count (Andriluka et al., CVPR 2014 and the evaluation code of MPII).
    """
    _, truth_ = _pair(predicted, truth)
    truth_ = truth_.copy()
    truth_[..., [i for i, joint in enumerate(skeleton.joints) if joint in NOT_IN_PCKH], :] = np.nan
    sizes = np.asarray(head_sizes, float)
    return pck(predicted, truth_, fraction * np.where(sizes > 0, sizes, np.nan))


def pck3d(predicted: ArrayLike, truth: ArrayLike, ball_m: float = BALL_M) -> Accuracy:
    """3DPCK: 3D joints (N, J, 3) in a ball of 150 mm around the truth. Align first if need be."""
    return pck(predicted, truth, ball_m)


def auc3d(predicted: ArrayLike, truth: ArrayLike, ball_m: float = BALL_M) -> float:
    """Area under the 3DPCK curve: the mean over 31 evenly spaced thresholds from 0 to ``ball_m``."""
    return float(np.mean([pck3d(predicted, truth, t).total for t in np.linspace(0, ball_m, AUC_STEPS)]))


# --- parts -------------------------------------------------------------------------------------------


def part_confusion(
    predicted: NDArray[np.integer],
    truth: NDArray[np.integer],
    classes: int,
    mask: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Count pixels as (classes, classes): row = true id, column = predicted id.

    Add the counts of all images before asking for :func:`part_iou`: it is pooled over the set.

    Args:
        predicted, truth: ids of the same shape, below ``classes``.
        mask: pixels to count; all by default.
    """
    if predicted.shape != truth.shape:
        raise InputError("part ids", f"the shape of the truth, {truth.shape}", predicted.shape)
    keep = np.ones(truth.shape, bool) if mask is None else mask
    rows, columns = truth[keep].astype(np.int64), predicted[keep].astype(np.int64)
    for ids in (rows, columns):
        if ids.size and not (ids.min() >= 0 and ids.max() < classes):
            raise InputError("part ids", f"ids from 0 to {classes - 1}", f"{ids.min()} to {ids.max()}")
    return np.bincount(rows * classes + columns, minlength=classes * classes).reshape(classes, classes)


def part_iou(confusion: NDArray[np.integer]) -> Array:
    """Intersection over union (classes,) of pooled counts; NaN for the background and for parts never seen."""
    counts = np.asarray(confusion, float)
    hit = np.diag(counts)
    union = counts.sum(0) + counts.sum(1) - hit
    iou = np.where(union > 0, hit / np.maximum(union, 1), np.nan)
    iou[0] = np.nan
    return np.asarray(iou)


def mean_part_iou(confusion: NDArray[np.integer]) -> float:
    """Mean of :func:`part_iou` over the parts that occur, background excluded."""
    return _mean(part_iou(confusion))


def pixel_accuracy(confusion: NDArray[np.integer]) -> float:
    """Fraction of the person's pixels (true id above 0) with the right part."""
    counts = np.asarray(confusion, float)[1:]
    pixels = counts.sum()
    return float(np.diag(counts[:, 1:]).sum() / pixels) if pixels else float("nan")


# --- depth -------------------------------------------------------------------------------------------


def depth_rmse(predicted: ArrayLike, truth: ArrayLike, mask: NDArray[np.bool_] | None = None) -> float:
    """Root mean square error of depth, metres, where the truth has a surface (above 0).

    Args:
        mask: further limits the pixels, e.g. to one person.
    """
    p, t = _depths(predicted, truth, mask)
    return float(np.sqrt(np.mean((p - t) ** 2))) if len(t) else float("nan")


def aligned_depth_rmse(
    predicted: ArrayLike, truth: ArrayLike, mask: NDArray[np.bool_] | None = None
) -> float:
    """As :func:`depth_rmse` after the scale and shift that fit best (SURREAL's st-RMSE), of one image."""
    p, t = _depths(predicted, truth, mask)
    if len(t) == 0:
        return float("nan")
    design = np.stack([p, np.ones_like(p)], -1)
    solution = np.linalg.lstsq(design, t, rcond=None)[0]
    return float(np.sqrt(np.mean((design @ solution - t) ** 2)))


# --- helpers -----------------------------------------------------------------------------------------


def _pair(predicted: ArrayLike, truth: ArrayLike) -> tuple[Array, Array]:
    predicted_, truth_ = np.asarray(predicted, float), np.asarray(truth, float)
    if predicted_.shape != truth_.shape or truth_.ndim < 2:
        raise InputError("predicted joints", f"the shape of the truth, {truth_.shape}", predicted_.shape)
    return predicted_, truth_


def _centre_on(joints: ArrayLike, skeleton: Skeleton, names: Sequence[str]) -> Array:
    joints_ = np.asarray(joints, float)
    return np.asarray(joints_ - joints_[..., skeleton.indices(*names), :].mean(-2, keepdims=True))


def _mean(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")


def _accuracy(hit: NDArray[np.bool_], labelled: NDArray[np.bool_]) -> Accuracy:
    count = labelled.sum(0)
    per_joint = np.where(count > 0, hit.sum(0) / np.maximum(count, 1), np.nan)
    return Accuracy(per_joint, float(hit.sum() / count.sum()) if count.sum() else float("nan"))


def _depths(predicted: ArrayLike, truth: ArrayLike, mask: NDArray[np.bool_] | None) -> tuple[Array, Array]:
    predicted_, truth_ = np.asarray(predicted, float), np.asarray(truth, float)
    if predicted_.shape != truth_.shape:
        raise InputError("predicted depth", f"the shape of the truth, {truth_.shape}", predicted_.shape)
    keep = (truth_ > 0) if mask is None else (truth_ > 0) & mask
    keep = keep & np.isfinite(predicted_)
    return predicted_[keep], truth_[keep]
