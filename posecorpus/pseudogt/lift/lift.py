"""Lift 2D annotations to 3D with a pose library."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import FULL_42, TORSO, Skeleton, correspondence
from posecorpus.pseudogt.library.store import PoseLibrary
from posecorpus.pseudogt.lift import fused, published
from posecorpus.pseudogt.lift.body import body_of
from posecorpus.pseudogt.lift.candidates import Candidates, both_sides, plain
from posecorpus.pseudogt.lift.lifted import Lifted, LiftSettings
from posecorpus.pseudogt.lift.perspective import to_pixels, to_rays
from posecorpus.pseudogt.lift.published import Estimate
from posecorpus.pseudogt.lift.refusals import refusals
from posecorpus.pseudogt.search.of_library import library_index

Array = NDArray[np.float64]
BREADTH = 2
"""``depth`` looks at this many times k matches on either side."""
BLOCK = 64
"""People lifted at a time: 200 matches of 42 joints of each are 13 MB."""


class Lifter:
    """Lifts people of one skeleton with one library.

    Args:
        skeleton: of the annotations; it must have shoulders and hips.
        threads: how many threads may work. They do not change the results.
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
        if self._settings.k < 1:
            raise InputError("k", "at least 1", self._settings.k)
        self._threads = threads
        self._known = correspondence(FULL_42, skeleton) >= 0
        seen = np.flatnonzero(self._known)
        self._seen = seen
        self._torso = np.searchsorted(seen, skeleton.indices(*TORSO)).tolist()
        self._body = body_of(library, skeleton, seen)
        self._mirror = self._settings.method == "depth" and not library.mirrored.any()
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
        usable = pixels.copy()
        usable[np.isnan(pixels).any(-1) | ~self._known] = np.nan
        lifted = _empty(pixels, len(self._skeleton), self._settings.k, refusals(usable))
        keep = np.flatnonzero([reason is None for reason in lifted.refused])
        if not len(keep):
            return lifted
        candidates = self._search(usable[keep], None if exclude is None else exclude[keep])
        found = candidates.views[:, 0] >= 0
        lifted.refused[keep[~found]] = "no view of the library compares with the annotated joints"
        keep, candidates = keep[found], candidates.rows(found)

        def lift_block(start: int) -> None:
            part = slice(start, start + BLOCK)
            self._fill(lifted, keep[part], usable[keep[part]], K[keep[part]], candidates.rows(part))

        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(lift_block, range(0, len(keep), BLOCK)))
        return lifted

    def _search(self, poses2d: Array, exclude: NDArray[np.int32] | None) -> Candidates:
        settings = self._settings
        n = settings.k if settings.method != "depth" else BREADTH * settings.k
        if self._mirror:
            return both_sides(
                self._index,
                poses2d,
                n,
                self._skeleton,
                approximate=settings.approximate,
                exclude=exclude,
                threads=self._threads,
            )
        return plain(
            self._index.search(
                poses2d,
                n if settings.method != "depth" else 2 * n,
                approximate=settings.approximate,
                exclude=exclude,
                threads=self._threads,
            )
        )

    def _fill(
        self, lifted: Lifted, rows: NDArray[np.intp], usable: Array, K: Array, candidates: Candidates
    ) -> None:
        """Lift some people and write them into their rows."""
        seen, k = self._seen, self._settings.k
        at = np.ix_(rows, seen)
        pixels = usable[:, seen]
        estimate = self._estimate(candidates, pixels, K)
        missing = np.asarray(np.isnan(pixels).any(-1))
        lifted.joints3d[at] = estimate.joints3d
        lifted.joints2d[at] = np.where(missing[..., None], estimate.joints2d, pixels)
        lifted.completed[at] = missing
        views = candidates.views[:, :k]
        lifted.views[rows], lifted.distances[rows] = views, candidates.distances[:, :k]
        lifted.mirrored[rows] = candidates.mirrored[:, :k]
        hypotheses = np.where(
            (views >= 0)[..., None, None], estimate.hypotheses[:, :k], estimate.hypotheses[:, :1]
        )
        lifted.hypotheses[rows[:, None, None], np.arange(k)[:, None], seen] = hypotheses
        lifted.weights[rows] = _shares(estimate.weights, k)
        lifted.deviation_mm[at] = 1000.0 * estimate.deviation_m
        projected = to_pixels(estimate.joints3d, K)
        lifted.residual_px[rows] = np.sqrt(np.nanmean(((projected - pixels) ** 2).sum(-1), 1))
        lifted.torso_px[rows] = self._torso_px(estimate.joints3d, K)
        lifted.spread_mm[at] = self._spread_mm(estimate)

    def _estimate(self, candidates: Candidates, pixels: Array, K: Array) -> Estimate:
        settings, rays = self._settings, to_rays(pixels, K)
        matched = candidates.joints3d(self._library, self._skeleton)
        matched = np.ascontiguousarray(matched[:, :, self._seen])
        if settings.method != "depth":
            # Where fewer than k views exist, the nearest stands in with no weight.
            matched = np.where(np.isnan(matched), matched[:, :1], matched)
        if settings.method == "nn":
            return published.nn(matched, rays, pixels)
        if settings.method == "soft":
            return published.soft(matched, candidates.distances, rays, pixels)
        return fused.depth(matched, rays, K, self._body, self._torso, settings.noise)

    def _torso_px(self, joints3d: Array, K: Array) -> Array:
        """Length of the torso if it were parallel to the image, pixels (Q,)."""
        shoulders, hips = joints3d[:, self._torso[:2]].mean(1), joints3d[:, self._torso[2:]].mean(1)
        middle = joints3d[:, self._torso, 2].mean(1)
        return np.asarray(np.linalg.norm(shoulders - hips, axis=-1) * K[:, 1, 1] / middle)

    def _spread_mm(self, estimate: Estimate) -> Array:
        """Weighted standard deviation (Q, J) of all torso-centred matches."""
        on = np.isfinite(estimate.hypotheses[:, :, 0, 0])
        poses = np.where(on[..., None, None], estimate.hypotheses, 0.0)
        centred = poses - poses[:, :, self._torso].mean(2, keepdims=True)
        mean = np.einsum("qk,qkja->qja", estimate.weights, centred)
        square = ((centred - mean[:, None]) ** 2).sum(-1)
        return np.asarray(1000.0 * np.sqrt(np.einsum("qk,qkj->qj", estimate.weights, square)))


def _shares(weights: Array, k: int) -> Array:
    """Weights (Q, n) of the k nearest matches among themselves; even where they have none at all."""
    nearest = weights[:, :k] + 1e-12 * (weights[:, :k] > 0)
    total = nearest.sum(1, keepdims=True)
    first = np.zeros_like(nearest)
    first[:, 0] = 1.0
    return np.where(total > 0, nearest / np.where(total > 0, total, 1.0), first)


def _empty(pixels: Array, joints: int, k: int, refused: NDArray[np.object_]) -> Lifted:
    """Nobody lifted yet."""
    people = len(pixels)
    return Lifted(
        joints3d=np.full((people, joints, 3), np.nan),
        joints2d=pixels.copy(),
        completed=np.zeros((people, joints), np.bool_),
        views=np.full((people, k), -1, np.int64),
        mirrored=np.zeros((people, k), np.bool_),
        distances=np.full((people, k), np.inf),
        hypotheses=np.full((people, k, joints, 3), np.nan, np.float32),
        weights=np.zeros((people, k)),
        deviation_mm=np.full((people, joints), np.nan),
        residual_px=np.full(people, np.nan),
        torso_px=np.full(people, np.nan),
        spread_mm=np.full((people, joints), np.nan),
        refused=refused,
    )


def _check(pixels: Array, K: Array, joints: int) -> None:
    if pixels.ndim != 3 or pixels.shape[1:] != (joints, 2):
        raise InputError("joints2d", f"shape (Q, {joints}, 2)", pixels.shape)
    if K.shape != (len(pixels), 3, 3):
        raise InputError("K", f"intrinsics of shape ({len(pixels)}, 3, 3)", K.shape)
    good = np.isfinite(K).all((1, 2)) & (K[:, 0, 0] > 0) & (K[:, 1, 1] > 0)
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise InputError(
            f"K of person {row}", "finite intrinsics with positive focal lengths", K[row].tolist()
        )
