"""What a lifted person shows of how wrong it may be.

All of it can be seen without the truth and without knowing the skeleton's numbering, so one model serves
every skeleton: how near the matches are and how much they disagree, what the result does to the
annotation, from where the person is seen, which joints are missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import TORSO, Skeleton
from posecorpus.pseudogt.library.store import PoseLibrary
from posecorpus.pseudogt.lift.chains import chains
from posecorpus.pseudogt.lift.lifted import Lifted
from posecorpus.pseudogt.lift.perspective import NEAR_M
from posecorpus.pseudogt.lift.trust_rays import RAY_FEATURES, ray_features

Array = NDArray[np.float64]
BLOCK = 256
"""People that are looked at together: hypotheses of more would fill the memory."""
_KINDS = ("ankle", "knee", "hip", "wrist", "elbow", "shoulder")
_ALIKE = {
    "foot": "ankle",
    "hand": "wrist",
    "collar": "shoulder",
    "nose": "head",
    "eye": "head",
    "ear": "head",
}
_ALIKE |= {"head_top": "head", "head_centre": "head", "head_h36m": "head", "skull_base": "head"}
POSE_FEATURES = (
    "missing", "missing_share", *(f"missing_{kind}" for kind in (*_KINDS, "head", "other")),
    "nearest", "tenth", "residual", "best_fit",
    "spread", "spread_depth", "spread_even", "matches", "clips", "subjects",
    "about", "about_loose", "off", "result_off", "closest", "close", "flipped",
    "elevation", "distance", "width", "height", "depth", "upright", "annotated_extent", "deviation",
    *RAY_FEATURES,
)  # fmt: skip
JOINT_FEATURES = (
    "pose", "spread", "spread_depth", "spread_image", "spread_even", "about_loose", "result_off",
    "deviation", "completed", "far", "behind", *(f"is_{kind}" for kind in (*_KINDS, "head")),
)  # fmt: skip
STRICT_MM, LOOSE_MM = 30.0, 60.0
"""Standard deviations of a match's residual, by which it counts, when looking at which matches would fit, too."""
NOWHERE_MM = 2000.0
"""Residual and distance of a match that is not there."""


@dataclass(frozen=True, eq=False)
class Features:
    """Features of Q people.

    Attributes:
        pose: (Q, F) in the order of :data:`POSE_FEATURES`.
        joint: (Q, J, G) in the order of :data:`JOINT_FEATURES`; the first is left 0 for the error
            predicted of the pose. Joints that the library lacks are NaN.
        missing: (Q,) int number of joints that the annotation lacks.
    """

    pose: Array
    joint: Array
    missing: NDArray[np.int64]


def features(lifted: Lifted, library: PoseLibrary, skeleton: Skeleton) -> Features:
    """Features of lifted people; the rows of refused ones are NaN."""
    people, joints = lifted.completed.shape
    result = Features(
        np.full((people, len(POSE_FEATURES)), np.nan),
        np.full((people, joints, len(JOINT_FEATURES)), np.nan),
        lifted.completed.sum(1),
    )
    known = np.asarray(np.isfinite(lifted.joints3d).all(-1))
    rows = np.flatnonzero(known[:, skeleton.indices(*TORSO)].all(1) & (lifted.views[:, 0] >= 0))
    if not len(rows):
        return result
    seen = np.flatnonzero(known[rows[0]])  # the same of all: it depends on the library alone
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK]
        pose, joint = _Look(lifted, library, skeleton, part, seen).features()
        result.pose[part] = pose
        result.joint[np.ix_(part, seen)] = joint
    return result


class _Look:
    """A block of people, every joint relative to the torso's mean, millimetres."""

    def __init__(
        self,
        lifted: Lifted,
        library: PoseLibrary,
        skeleton: Skeleton,
        rows: NDArray[np.intp],
        seen: NDArray[np.intp],
    ) -> None:
        self._rows, self._seen, self._library = rows, seen, library
        self._lifted, self._skeleton = lifted, skeleton
        self._torso = np.searchsorted(seen, skeleton.indices(*TORSO))
        self._completed = lifted.completed[np.ix_(rows, seen)]
        self._weights = lifted.weights[rows]
        self._result = 1000 * self._centred(lifted.joints3d[np.ix_(rows, seen)])
        views = lifted.views[rows]
        # Where there are fewer matches than asked for, the nearest and the result stand in.
        self._views = np.where(views >= 0, views, views[:, :1])
        matches = lifted.hypotheses[rows][:, :, seen].astype(np.float64)
        matches = 1000 * self._centred(matches)
        there = (views >= 0) & np.isfinite(matches).all((2, 3))
        self._matches = np.where(there[:, :, None, None], matches, self._result[:, None])
        self._mean = np.einsum("qk,qkja->qja", self._weights, self._matches)
        self._off = self._matches - self._mean[:, None]
        self._variance = np.einsum("qk,qkja->qja", self._weights, self._off**2)
        self._even = self._matches.var(1).sum(-1)
        self._apart = np.linalg.norm(self._matches - self._result[:, None], axis=-1)
        self._there = there
        self._rays = self._annotated_rays()
        self._misfit = self._misfits()
        self._bones = _bones(skeleton, seen)
        # Not every method has a deviation of its own.
        self._deviation = np.nan_to_num(lifted.deviation_mm[np.ix_(rows, seen)])

    def _centred(self, points: Array) -> Array:
        return np.asarray(points - points[..., self._torso, :].mean(-2, keepdims=True))

    def _annotated_rays(self) -> Array:
        """(Q, J, 2) annotated joints on the plane z = 1, NaN where missing."""
        lifted, at = self._lifted, np.ix_(self._rows, self._seen)
        points, pixels = lifted.joints3d[at], lifted.joints2d[at]
        # Pixels are rays times the focal length, plus an offset: both follow from the result's projection.
        rays = points[..., :2] / np.maximum(points[..., 2:], NEAR_M)
        middle, centre = rays.mean(1, keepdims=True), pixels.mean(1, keepdims=True)
        spread = ((rays - middle) ** 2).sum((1, 2))
        focal = ((rays - middle) * (pixels - centre)).sum((1, 2)) / np.maximum(spread, 1e-12)
        annotated = (pixels - centre) / np.maximum(focal, 1.0)[:, None, None] + middle
        return np.where(self._completed[..., None], np.nan, annotated)

    def _misfits(self) -> Array:
        """(Q, k) RMS distance, mm at the person, of each match as it was placed from the annotated joints."""
        placed = self._lifted.hypotheses[self._rows][:, :, self._seen].astype(np.float64)
        placed = np.where(self._there[:, :, None, None], placed, 1.0)
        off = placed[..., :2] / np.maximum(placed[..., 2:], NEAR_M) - self._rays[:, None]
        away = self._lifted.joints3d[np.ix_(self._rows, self._seen)][..., 2].mean(1)
        misfit = 1000 * np.sqrt(np.nanmean((off**2).sum(-1), -1)) * away[:, None]
        return np.where(self._there, np.minimum(misfit, NOWHERE_MM), NOWHERE_MM)

    def features(self) -> tuple[Array, Array]:
        columns = {
            **self._missing(), **self._match(), **self._disagreement(), **self._alternatives(), **self._company(), **self._shape(), **self._on_rays(),
        }  # fmt: skip
        pose = np.stack([columns[name] for name in POSE_FEATURES], -1).astype(np.float64)
        of_joints = self._joints()
        shape = self._completed.shape
        joint = np.stack([np.broadcast_to(of_joints[name], shape) for name in JOINT_FEATURES], -1)
        return pose, joint.astype(np.float64)

    def _missing(self) -> dict[str, Array]:
        kinds = _kinds(self._skeleton)[self._seen]
        absent = self._completed.astype(np.float64)
        columns = {"missing": absent.sum(1), "missing_share": absent.mean(1)}
        for kind in (*_KINDS, "head", "other"):
            columns[f"missing_{kind}"] = absent[:, kinds == kind].sum(1) / max(1, (kinds == kind).sum())
        return columns

    def _match(self) -> dict[str, Array]:
        lifted, rows = self._lifted, self._rows
        distances = lifted.distances[rows]
        last = np.maximum(np.isfinite(distances).sum(1) - 1, 0)

        def at(rank: int) -> Array:
            return np.asarray(np.log(distances[np.arange(len(rows)), np.minimum(rank, last)] + 1e-4))

        return {
            "nearest": at(0),
            "tenth": at(9),
            "residual": np.log(lifted.residual_px[rows] / lifted.torso_px[rows] + 1e-4),
        }

    def _disagreement(self) -> dict[str, Array]:
        """How far the matches that the lifter used are from each other, and the result from them."""
        return {
            "spread": _log(np.sqrt(self._variance.sum(-1)).mean(1)),
            "spread_depth": _log(np.sqrt(self._variance[..., 2].mean(1))),
            "spread_even": _log(np.sqrt(self._even).mean(1)),
            "result_off": _log(np.linalg.norm(self._result - self._mean, axis=-1).mean(1)),
            "deviation": _log(self._deviation.mean(1)),
        }

    def _alternatives(self) -> dict[str, Array]:
        """How far the result is from the matches that fit the annotation about as well as the best."""
        strict, loose = (_shares(self._misfit, width) for width in (STRICT_MM, LOOSE_MM))
        whole = np.sort(np.where(self._there, self._apart.mean(-1), NOWHERE_MM), 1)
        mean = np.einsum("qk,qkja->qja", strict, self._matches)
        return {
            "best_fit": _log(self._misfit.min(1)),
            "about": _log(np.einsum("qk,qkj->qj", strict, self._apart).mean(1)),
            "about_loose": _log(np.einsum("qk,qkj->qj", loose, self._apart).mean(1)),
            "off": _log(np.linalg.norm(mean - self._result, axis=-1).mean(1)),
            "closest": _log(whole[:, 0]),
            "close": _log(whole[:, :5].mean(1)),
            "flipped": _log(self._flipped(loose)),
        }

    def _on_rays(self) -> dict[str, Array]:
        result = self._lifted.joints3d[np.ix_(self._rows, self._seen)]
        placed = self._lifted.hypotheses[self._rows][:, :, self._seen].astype(np.float64)
        bones = chains(self._skeleton).of(self._seen)
        return ray_features(placed, self._there, result, self._rays, bones, self._torso)

    def _flipped(self, shares: Array) -> Array:
        """(Q,) mean depth, mm, of bones times the share of matches that have them the other way round."""
        ends = self._bones
        depth = self._result[:, ends[:, 1], 2] - self._result[:, ends[:, 0], 2]
        other = self._matches[:, :, ends[:, 1], 2] - self._matches[:, :, ends[:, 0], 2]
        against = np.einsum("qk,qkb->qb", shares, other * depth[:, None] < 0)
        return np.asarray((against * np.abs(depth)).mean(1))

    def _company(self) -> dict[str, Array]:
        """Effective numbers of different matches, and from how high they look."""
        poses = self._views // self._library.views
        elevation = self._library.elevation_deg[poses, self._views % self._library.views]
        return {
            "matches": -np.log((self._weights**2).sum(1)),
            "clips": self._effective(self._library.clip[poses]),
            "subjects": self._effective(self._library.subject_of_pose[poses]),
            "elevation": (self._weights * elevation).sum(1),
        }

    def _effective(self, ids: NDArray[np.integer]) -> Array:
        """(Q,) log of how many different ids (Q, k) hold the weight: one over the chance that two draws agree."""
        same = ids[:, :, None] == ids[:, None, :]
        return np.asarray(-np.log(np.einsum("qa,qab,qb->q", self._weights, same, self._weights)))

    def _shape(self) -> dict[str, Array]:
        pose, torso = self._result, self._torso
        rise = pose[:, torso[:2]].mean(1) - pose[:, torso[2:]].mean(1)
        rise = rise / np.maximum(np.linalg.norm(rise, axis=-1, keepdims=True), 1e-9)
        pixels = self._lifted.joints2d[np.ix_(self._rows, self._seen)]
        annotated = np.where(self._completed[..., None], np.nan, pixels)
        extent = np.sqrt(np.nanvar(annotated, axis=1).sum(-1)) / self._lifted.torso_px[self._rows]
        depth = self._lifted.joints3d[np.ix_(self._rows, self._seen)][..., 2].mean(1)
        return {
            "distance": np.log(np.maximum(depth, 0.1)),
            "width": _log(pose[..., 0].std(1)),
            "height": _log(pose[..., 1].std(1)),
            "depth": _log(pose[..., 2].std(1)),
            "upright": -rise[:, 1],
            "annotated_extent": np.log(extent + 1e-3),
        }

    def _joints(self) -> dict[str, Array]:
        kinds = _kinds(self._skeleton)[self._seen]
        return {
            "pose": np.zeros(1),
            "spread": _log(np.sqrt(self._variance.sum(-1))),
            "spread_depth": _log(np.sqrt(self._variance[..., 2])),
            "spread_image": _log(np.sqrt(self._variance[..., :2].sum(-1))),
            "spread_even": _log(np.sqrt(self._even)),
            "about_loose": _log(np.einsum("qk,qkj->qj", _shares(self._misfit, LOOSE_MM), self._apart)),
            "result_off": _log(np.linalg.norm(self._result - self._mean, axis=-1)),
            "deviation": _log(self._deviation),
            "completed": self._completed.astype(np.float64),
            "far": np.linalg.norm(self._result, axis=-1) / 1000,
            "behind": np.abs(self._result[..., 2]) / 1000,
            **{f"is_{kind}": (kinds == kind).astype(np.float64) for kind in (*_KINDS, "head")},
        }


def _shares(misfit: Array, width: float) -> Array:
    """(Q, k) normal weights of residuals beyond the least."""
    weights = np.exp(-0.5 * (misfit**2 - misfit.min(1, keepdims=True) ** 2) / width**2)
    return np.asarray(weights / weights.sum(1, keepdims=True))


def _bones(skeleton: Skeleton, seen: NDArray[np.intp]) -> NDArray[np.intp]:
    """(B, 2) parent and child, as places in ``seen``, of the bones whose ends are both there."""
    ends = np.array([bone for bone in skeleton.bones if np.isin(bone, seen).all()], np.intp)
    return np.searchsorted(seen, ends).astype(np.intp)


def _log(millimetres: Array) -> Array:
    return np.asarray(np.log(millimetres + 1.0))


def _kinds(skeleton: Skeleton) -> NDArray[np.str_]:
    """(J,) what kind of joint each is, by its landmark, the same in all skeletons."""
    kinds = []
    for landmark in skeleton.landmarks:
        base = landmark.partition("@")[0].removeprefix("l_").removeprefix("r_")
        kind = _ALIKE.get(base, base)
        kinds.append(kind if kind in (*_KINDS, "head") else "other")
    return np.array(kinds)
