"""Calibrate what lifting with a library can be trusted, on the library's own poses.

Poses of the library are photographed and lifted without the poses of their subject, so the truth is
known and nobody is matched with himself. Regressions and intervals are fitted to what came out; the
reliability table counts each person by regressions and intervals that do not know the person's subject.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.metrics import centre_on_torso
from posecorpus.core.progress import Report, silent
from posecorpus.core.seeds import generator
from posecorpus.core.skeletons import COCO_17, LSP_14, MPII_16, Skeleton
from posecorpus.pseudogt.library.store import PoseLibrary
from posecorpus.pseudogt.lift.lift import Lifter
from posecorpus.pseudogt.lift.lifted import LiftSettings, Method
from posecorpus.pseudogt.lift.trust import TrustModel
from posecorpus.pseudogt.lift.trust_features import Features, features
from posecorpus.pseudogt.lift.trust_intervals import MethodTrust, calibrate_intervals
from posecorpus.pseudogt.lift.trust_queries import HeldOut, choose_poses, held_out, photographs
from posecorpus.pseudogt.lift.trust_reliability import Outcomes, reliability_table

Array = NDArray[np.float64]
QUERIES = 4800
SKELETONS: tuple[Skeleton, ...] = (LSP_14, MPII_16, COCO_17)
METHODS: tuple[Method, ...] = ("depth", "soft", "nn")
FOLDS = 8
FEWEST = 30
"""People without whom nothing is fitted."""
FEW = 1000
"""People below whom the table says so."""
BATCH = 256


@dataclass(frozen=True, eq=False)
class Measured:
    """Lifted people with a known truth.

    Attributes:
        pose, joint: features (Q, F) and (Q, J, G).
        missing: (Q,) missing joints.
        error_mm: (Q, J) measured, relative to the torso; NaN for joints that do not count.
        source, group: (Q,) the MoCap source, and what was left out for the person.
    """

    pose: Array
    joint: Array
    missing: NDArray[np.int64]
    error_mm: Array
    source: NDArray[np.str_]
    group: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.missing)


def calibrate(
    library: PoseLibrary,
    *,
    seed: int = 0,
    report: Report = silent,
    queries: int = QUERIES,
    methods: Sequence[Method] = METHODS,
    skeletons: Sequence[Skeleton] = SKELETONS,
    settings: LiftSettings | None = None,
    threads: int = 1,
) -> TrustModel:
    """Fit a trust model to a library.

    Args:
        seed: decides which poses are photographed, from where, and what is annotated.
        queries: people to lift by the first method; by the others a half of that.
        methods: methods to calibrate; the table of the first is the model's main one.
        skeletons: whose annotations are simulated, in equal parts. The model serves others, too.
        settings: of lifting, apart from the method.
        threads: how many the search may use.
    """
    left_out = held_out(library)
    settings = LiftSettings() if settings is None else settings
    fitted: dict[Method, MethodTrust] = {}
    tables: dict[str, dict[str, Any]] = {}
    for number, method in enumerate(methods):
        of_method = LiftSettings(method, settings.k, settings.approximate, settings.noise)
        count = queries if number == 0 else queries // 2
        people = measure(left_out, of_method, skeletons, count, seed, report, threads)
        if len(people) >= FEWEST:
            report(f"fitting trust in {method}", 0, 1)
            fitted[method], outcomes = _fit(people)
            tables[method] = reliability_table(outcomes) | _bounds(fitted[method])
            report(f"fitting trust in {method}", 1, 1)
        tables.setdefault(method, {})
        tables[method] |= _notes(left_out, len(people))
    first, *others = methods
    main = tables[first] | {"method": first, "methods": {name: tables[name] for name in others}}
    return TrustModel(fitted, main)


def _bounds(trust: MethodTrust) -> dict[str, float]:
    """The largest errors of poses and joints that are ever predicted, rounded down: who is given them reaches them."""
    parts = {"most_mm": trust.pose, "joint_most_mm": trust.joint}
    return {key: math.floor(100 * float(part.most_mm[0])) / 100 for key, part in parts.items()}


def _notes(left_out: HeldOut, people: int) -> dict[str, str]:
    notes = [left_out.doubt] if left_out.doubt else []
    if people < FEWEST:
        notes.append(f"only {people} people could be lifted without their {left_out.what}: nothing is known")
    elif people < FEW:
        notes.append(f"calibrated on {people} people only")
    return {"held_out": left_out.what} | ({"note": "; ".join(notes)} if notes else {})


# --- lifting people whose truth is known ----------------------------------------------------------------


def measure(
    left_out: HeldOut,
    settings: LiftSettings,
    skeletons: Sequence[Skeleton],
    count: int,
    seed: int,
    report: Report = silent,
    threads: int = 1,
) -> Measured:
    """Lift people of the library without their group; those that cannot be lifted are left out."""
    library = left_out.library
    poses = choose_poses(library, count, generator(seed, "trust poses"))
    parts: list[Measured] = []
    done = 0
    for number, skeleton in enumerate(skeletons):
        lifter = Lifter(library, skeleton, settings, threads=threads)
        own = poses[number :: len(skeletons)]
        for rows, joints2d, K, truth in _batches(library, own, skeleton, seed):
            group = library.subject_of_pose[own[rows]]
            lifted = lifter.lift(joints2d, K, exclude=group)
            error = 1000 * _apart(lifted.joints3d, truth, skeleton)
            source = np.array([library.clips[c].collection for c in library.clip[own[rows]]], str)
            seen = features(lifted, library, skeleton)
            parts.append(_lifted_only(seen, error, source, group))
            done += len(rows)
            report(f"calibrating {settings.method}", done, count)
    return _joined(parts)


def _batches(
    library: PoseLibrary, poses: NDArray[np.int64], skeleton: Skeleton, seed: int
) -> list[tuple[NDArray[np.int64], Array, Array, Array]]:
    """Places in ``poses``, annotations, intrinsics and truth, in batches that fit in memory."""
    parts = list(photographs(library, poses, skeleton, seed))
    if not parts:
        return []
    rows = np.concatenate([rows for rows, _ in parts])
    joints2d = np.concatenate([queries.joints2d for _, queries in parts])
    K = np.concatenate([queries.K_told for _, queries in parts])
    truth = np.concatenate([queries.truth3d for _, queries in parts])
    return [
        (rows[s : s + BATCH], joints2d[s : s + BATCH], K[s : s + BATCH], truth[s : s + BATCH])
        for s in range(0, len(rows), BATCH)
    ]


def _apart(predicted: Array, truth: Array, skeleton: Skeleton) -> Array:
    """(Q, J) distances, both relative to their torso."""
    off = centre_on_torso(predicted, skeleton) - centre_on_torso(truth, skeleton)
    return np.asarray(np.linalg.norm(off, axis=-1))


def _lifted_only(
    seen: Features, error: Array, source: NDArray[np.str_], group: NDArray[np.int32]
) -> Measured:
    keep = np.isfinite(seen.pose).all(-1) & np.isfinite(error).any(-1)
    return Measured(
        seen.pose[keep], seen.joint[keep], seen.missing[keep], error[keep], source[keep], group[keep]
    )


def _joined(parts: list[Measured]) -> Measured:
    """All of them; joints are padded to the same number, with NaN."""
    most = max(part.error_mm.shape[1] for part in parts)

    def padded(values: Array) -> Array:
        wider = np.full((len(values), most, *values.shape[2:]), np.nan)
        wider[:, : values.shape[1]] = values
        return wider

    return Measured(
        np.concatenate([part.pose for part in parts]),
        np.concatenate([padded(part.joint) for part in parts]),
        np.concatenate([part.missing for part in parts]),
        np.concatenate([padded(part.error_mm) for part in parts]),
        np.concatenate([part.source for part in parts]),
        np.concatenate([part.group for part in parts]),
    )


# --- fitting ----------------------------------------------------------------------------------------------


def _fit(people: Measured) -> tuple[MethodTrust, Outcomes]:
    """Regressions and intervals of poses and joints, and what they say of people unknown to them."""
    weight = source_weights(people.source)
    fold = folds_of_groups(people.group, FOLDS)
    measured = np.nanmean(people.error_mm, axis=1)
    pose = calibrate_intervals(people.pose, measured, people.missing, weight, fold)

    of_joints = people.joint.copy()
    of_joints[:, :, 0] = pose.log_size[:, None]
    person, joint = np.nonzero(np.isfinite(people.error_mm) & np.isfinite(of_joints).all(-1))
    each = calibrate_intervals(
        of_joints[person, joint],
        people.error_mm[person, joint],
        people.missing[person],
        weight[person] / np.isfinite(people.error_mm).sum(1)[person],
        fold[person],
    )
    shape = people.error_mm.shape
    error, ends, kept = np.full(shape, np.nan), np.full((*shape, 2), np.nan), np.full(shape, np.nan)
    error[person, joint], ends[person, joint] = each.error_mm, each.interval_mm
    kept[person, joint] = people.error_mm[person, joint]
    outcomes = Outcomes(
        pose.error_mm, pose.interval_mm, measured, error, ends, kept, people.missing, people.source
    )
    return MethodTrust(pose.intervals, each.intervals), outcomes


def source_weights(source: NDArray[np.str_]) -> Array:
    """(Q,) weights of mean one by which every source counts the same."""
    number, count = np.unique(source, return_inverse=True, return_counts=True)[1:]
    return np.asarray(len(source) / (len(count) * count[number]))


def folds_of_groups(group: NDArray[np.integer], folds: int) -> NDArray[np.int64]:
    """(Q,) fold of each person: groups stay whole, and folds are about equally large."""
    numbers, which, count = np.unique(group, return_inverse=True, return_counts=True)
    load = np.zeros(min(folds, len(numbers)), np.int64)
    of_group = np.empty(len(numbers), np.int64)
    for i in np.argsort(-count, kind="stable"):
        of_group[i] = int(np.argmin(load))
        load[of_group[i]] += count[i]
    return of_group[which]
