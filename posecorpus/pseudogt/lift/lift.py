"""Lift 2D annotations to 3D with a pose library."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import FULL_42, TORSO, Skeleton, correspondence
from posecorpus.pseudogt.library.store import PoseLibrary
from posecorpus.pseudogt.lift import fused, published
from posecorpus.pseudogt.lift.lifted import Lifted, LiftSettings
from posecorpus.pseudogt.lift.perspective import to_pixels, to_rays
from posecorpus.pseudogt.lift.published import Estimate
from posecorpus.pseudogt.search.matches import Matches
from posecorpus.pseudogt.search.of_library import library_index

Array = NDArray[np.float64]
MIN_JOINTS = 4


class Lifter:
    """Lifts people of one skeleton with one library.

    Args:
        skeleton: of the annotations; it must have shoulders and hips.
        threads: how many threads the search may use.
    """

    def __init__(
        self,
        library: PoseLibrary,
        skeleton: Skeleton,
        settings: LiftSettings | None = None,
        *,
        threads: int = 1,
    ) -> None:
        self._library, self._skeleton = library, skeleton
        self._settings = LiftSettings() if settings is None else settings
        self._threads = threads
        self._torso = skeleton.indices(*TORSO)
        self._known = correspondence(FULL_42, skeleton) >= 0
        self._index = library_index(library, skeleton, threads=threads)

    def lift(self, joints2d: Array, K: Array, *, exclude: NDArray[np.int32] | None = None) -> Lifted:
        """Lift Q people.

        Args:
            joints2d: (Q, J, 2) pixels, NaN where missing.
            K: (Q, 3, 3) intrinsics that are assumed for each person's image.
            exclude: (Q,) number of a subject whose poses are not to be used; -1 for none.

        Raises:
            InputError: shapes disagree, or a camera is not finite.
        """
        pixels, K = np.asarray(joints2d, np.float64), np.asarray(K, np.float64)
        _check(pixels, K, len(self._skeleton))
        refused = _refusals(pixels, self._known)
        usable = pixels.copy()
        usable[np.isnan(usable).any(-1)] = np.nan
        usable[:, ~self._known] = np.nan
        keep = np.flatnonzero(refused == None)  # noqa: E711 - elementwise
        matches = self._index.search(
            usable[keep],
            self._settings.k,
            approximate=self._settings.approximate,
            exclude=None if exclude is None else exclude[keep],
            threads=self._threads,
        )
        found = matches.views[:, 0] >= 0
        refused[keep[~found]] = "no view of the library compares with it"
        keep, matches = keep[found], Matches(matches.views[found], matches.distances[found])
        return self._assemble(pixels, usable, K, keep, matches, refused)

    def _assemble(
        self,
        pixels: Array,
        usable: Array,
        K: Array,
        keep: NDArray[np.intp],
        matches: Matches,
        refused: NDArray[np.object_],
    ) -> Lifted:
        people, joints, k = len(pixels), len(self._skeleton), self._settings.k
        lifted = Lifted(
            joints3d=np.full((people, joints, 3), np.nan),
            joints2d=pixels.copy(),
            completed=np.zeros((people, joints), bool),
            views=np.full((people, k), -1, np.int64),
            distances=np.full((people, k), np.inf),
            hypotheses=np.full((people, k, joints, 3), np.nan, np.float32),
            weights=np.zeros((people, k)),
            residual_px=np.full(people, np.nan),
            torso_px=np.full(people, np.nan),
            spread_mm=np.full((people, joints), np.nan),
            refused=refused,
        )
        if not len(keep):
            return lifted
        estimate = self._estimate(usable[keep], K[keep], matches)
        missing = np.isnan(usable[keep]).any(-1) & self._known
        lifted.joints3d[keep] = estimate.joints3d
        lifted.joints2d[keep] = np.where(missing[..., None], estimate.joints2d, pixels[keep])
        lifted.completed[keep] = missing
        lifted.views[keep], lifted.distances[keep] = matches.views, matches.distances
        lifted.hypotheses[keep], lifted.weights[keep] = estimate.hypotheses, estimate.weights
        projected = to_pixels(estimate.joints3d, K[keep])
        lifted.residual_px[keep] = np.sqrt(np.nanmean(((projected - usable[keep]) ** 2).sum(-1), 1))
        lifted.torso_px[keep] = self._torso_px(estimate.joints3d, K[keep])
        lifted.spread_mm[keep] = self._spread_mm(estimate)
        return lifted

    def _estimate(self, pixels: Array, K: Array, matches: Matches) -> Estimate:
        # Where fewer than k views exist, the nearest stands in with no weight.
        views = np.where(matches.views >= 0, matches.views, matches.views[:, :1])
        matched = self._library.joints3d(views, self._skeleton)
        return self._method(matched, to_rays(pixels, K), pixels, K, matches.distances)

    def _method(self, matched: Array, rays: Array, pixels: Array, K: Array, distances: Array) -> Estimate:
        if self._settings.method == "nn":
            return published.nn(matched, rays, pixels)
        if self._settings.method == "soft":
            return published.soft(matched, distances, rays, pixels)
        placed, residual = fused.fit_matches(matched, rays, 1e-6, 10)
        mean, weights = fused.fuse(placed, np.where(np.isfinite(distances), residual, np.inf), self._torso)
        joints3d = published.place(mean[:, None], rays)[:, 0]
        return Estimate(joints3d, to_pixels(joints3d, K), placed, weights)

    def _torso_px(self, joints3d: Array, K: Array) -> Array:
        """Length of the torso if it were parallel to the image, pixels (Q,)."""
        shoulders, hips = joints3d[:, self._torso[:2]].mean(1), joints3d[:, self._torso[2:]].mean(1)
        depth = joints3d[:, self._torso, 2].mean(1)
        return np.asarray(np.linalg.norm(shoulders - hips, axis=-1) * K[:, 1, 1] / depth)

    def _spread_mm(self, estimate: Estimate) -> Array:
        """Weighted standard deviation (Q, J) of the torso-centred hypotheses."""
        centred = estimate.hypotheses - estimate.hypotheses[:, :, self._torso].mean(2, keepdims=True)
        mean = np.einsum("qk,qkja->qja", estimate.weights, centred)
        square = ((centred - mean[:, None]) ** 2).sum(-1)
        return np.asarray(1000.0 * np.sqrt(np.einsum("qk,qkj->qj", estimate.weights, square)))


def _check(pixels: Array, K: Array, joints: int) -> None:
    if pixels.ndim != 3 or pixels.shape[1:] != (joints, 2):
        raise InputError("joints2d", f"shape (Q, {joints}, 2)", pixels.shape)
    if K.shape != (len(pixels), 3, 3) or not np.isfinite(K).all():
        raise InputError("K", f"finite intrinsics of shape ({len(pixels)}, 3, 3)", K.shape)


def _refusals(pixels: Array, known: NDArray[np.bool_]) -> NDArray[np.object_]:
    """(Q,) why a person cannot be lifted, or None."""
    refused = np.full(len(pixels), None, dtype=object)
    for i, person in enumerate(pixels):
        joints = person[known & ~np.isnan(person).any(-1)]
        if np.isinf(joints).any():
            refused[i] = "a joint is not finite"
        elif len(joints) < MIN_JOINTS:
            refused[i] = f"{len(joints)} annotated joints, at least {MIN_JOINTS} are needed"
        elif np.ptp(joints, axis=0).max() <= 1e-6 * max(1.0, np.abs(joints).max()):
            refused[i] = "all joints on one point"
    return refused
