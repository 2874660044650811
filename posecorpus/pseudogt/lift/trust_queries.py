"""Photos of a library's own poses, made to be lifted without what would give them away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.seeds import generator
from posecorpus.core.skeletons import FULL_42, Skeleton, correspondence
from posecorpus.pseudogt.library.store import PoseLibrary
from posecorpus.pseudogt.lift.simulate import (
    CROPS,
    MASKS,
    USUAL_FOV_DEG,
    Condition,
    Queries,
    simulate,
)

NOISE = (0.0, 0.01, 0.02, 0.02, 0.03, 0.05)
"""Of annotations, in torso lengths; each is as likely."""
CROP_SHARES = {"none": 0.7, "person": 0.15, "waist": 0.15}
TOLD_FOV_DEG, TOLD_SHARES = (USUAL_FOV_DEG, None, 30.0, 80.0), (0.6, 0.2, 0.1, 0.1)
"""Fields of view that the lifter is told; the true one is near the first."""
MASK_SHARES = {"none": 0.1, "ankles": 0.06, "one arm": 0.06, "any four": 0.06, "below hips": 0.06}
"""The other people miss any number of any joints."""
MOST_MISSING, LEAST_LEFT = 11, 4
QUARTERS = 4
MIN_GROUPS = 2


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A library whose subjects are what must be left out together.

    Attributes:
        library: the same poses; the subjects of its clips are groups.
        what: what a group is, in words.
        doubt: why errors on unseen people may be larger than on what was held out, or an empty text.
    """

    library: PoseLibrary
    what: str
    doubt: str


def held_out(library: PoseLibrary) -> HeldOut:
    """Choose what is left out for a query: its subject; with one subject its clip; else a quarter of it."""
    if len(np.unique(library.subject_of_pose)) >= MIN_GROUPS:
        return HeldOut(library, "subjects", "")
    if len(np.unique(library.clip)) >= MIN_GROUPS:
        clips = tuple(replace(clip, subject=f"{i:09d}") for i, clip in enumerate(library.clips))
        return HeldOut(
            replace(library, folder=None, clips=clips),
            "clips",
            "the library holds one subject, so errors on other people may be larger",
        )
    quarter = np.empty(len(library.frame), np.int32)
    order = np.argsort(library.frame, kind="stable")
    quarter[order] = np.arange(len(order)) * QUARTERS // max(len(order), 1)
    entry = library.clips[int(library.clip[0])]
    clips = tuple(replace(entry, subject=f"{i:09d}") for i in range(QUARTERS))
    return HeldOut(
        replace(library, folder=None, clip=quarter, clips=clips),
        "quarters of a clip",
        "the library holds one clip, so errors on other people may be much larger",
    )


def choose_poses(library: PoseLibrary, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(count,) poses of the library in random order: every source as often as any other.

    Within a source a subject counts by the square root of its poses. By their number, the few subjects
    who do somersaults would decide what is expected of all others: unusual poses are far from each other,
    so a library keeps most of them, and of much walking little.
    """
    names = np.array([clip.collection for clip in library.clips])
    sources = np.unique(names, return_inverse=True)[1][library.clip]
    picked = []
    for source, share in zip(
        np.unique(sources), _parts(count, np.ones(len(np.unique(sources)))), strict=True
    ):
        own = np.flatnonzero(sources == source)
        subjects, sizes = np.unique(library.subject_of_pose[own], return_counts=True)
        for subject, number in zip(subjects, _parts(int(share), np.sqrt(sizes)), strict=True):
            of_subject = own[library.subject_of_pose[own] == subject]
            rounds = -(-int(number) // len(of_subject))
            drawn = [rng.permutation(of_subject) for _ in range(rounds)]
            picked += [np.concatenate(drawn)[:number]] if drawn else []
    return rng.permutation(np.concatenate(picked)).astype(np.int64)


def _parts(count: int, shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whole numbers that add up to ``count``, in proportion to the shares."""
    ends = np.round(count * np.cumsum(shares) / shares.sum()).astype(np.int64)
    return np.asarray(np.diff(ends, prepend=0))


def photographs(
    library: PoseLibrary, poses: NDArray[np.int64], skeleton: Skeleton, seed: int
) -> Iterator[tuple[NDArray[np.int64], Queries]]:
    """The chosen poses under all sorts of conditions: places in ``poses`` and their annotated photos."""
    rng = generator(seed, f"trust:{skeleton.name}")
    count = len(poses)
    noise = rng.integers(len(NOISE), size=count)
    crop = rng.choice(len(CROPS), size=count, p=[CROP_SHARES[c] for c in CROPS])
    told = rng.choice(len(TOLD_FOV_DEG), size=count, p=TOLD_SHARES)
    rest = 1 - sum(MASK_SHARES.values())
    mask = rng.choice(len(MASKS) + 1, size=count, p=[*(MASK_SHARES[m] for m in MASKS), rest])
    keys = np.stack([noise, crop, told, mask], 1)
    for key in np.unique(keys, axis=0):
        rows = np.flatnonzero((keys == key).all(1))
        any_number = key[3] == len(MASKS)
        condition = Condition(
            noise=NOISE[key[0]],
            mask="none" if any_number else MASKS[key[3]],
            crop=CROPS[key[1]],
            told_fov_deg=TOLD_FOV_DEG[key[2]],
        )
        queries = simulate(library.poses[poses[rows]], skeleton, condition, rng)
        if any_number:
            drop_any(queries, skeleton, rng)
        yield rows, queries


def drop_any(queries: Queries, skeleton: Skeleton, rng: np.random.Generator) -> None:
    """Remove any joints, in place, so that each number of missing ones is about as likely."""
    known = correspondence(FULL_42, skeleton) >= 0
    for person in queries.joints2d:
        there = np.flatnonzero(np.isfinite(person).all(-1))
        most = min(MOST_MISSING, int(known.sum()) - LEAST_LEFT)
        wanted = int(rng.integers(most + 1)) - (int(known.sum()) - len(there))
        person[rng.permutation(there)[: max(wanted, 0)]] = np.nan
