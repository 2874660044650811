"""Which poses to draw so that what there is and what is drawn are spread evenly together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.synth.balance.density import MAX_QUERIES, POWER, SCALE_MM, counts_around, thin
from posecorpus.synth.balance.poses import Poses, mirrored

NEIGHBOURS = 10
_STEPS = 200


def thinness_weights(
    candidates: Poses,
    reference: Poses,
    draws: int,
    k: int = NEIGHBOURS,
    *,
    twins_of: Sequence[str] | None = None,
    scale_mm: float = SCALE_MM,
    power: float = POWER,
) -> NDArray[np.float64]:
    """Probabilities with which to draw candidates, so that reference and draws together are most even.

    Around each candidate there are already R poses of the reference and C candidates (k-th neighbour density,
    :func:`counts_around`). Drawing with probabilities w brings ``draws * w * C`` new ones there. Like water
    filling a vessel, what is drawn raises every place to one level: ``draws * w * C = max(0, level - R)``, with
    the level at which the draws are used up. Of all ways to draw, that one leaves the even-most union. Without
    a reference the candidates are balanced within themselves.

    LCR-Net++ (section 4.1) samples "in areas of the pose space that are less populated"; it gives no formula.

    Args:
        candidates: (N, J, 3) from :func:`posecorpus.synth.balance.poses.comparable`; frames of a clip in a row.
        reference: (M, J, 3) of the same joints; M may be 0.
        draws: how many will be drawn.
        k: how many neighbours the density is told by.
        twins_of: names of the J joints if draws are mirrored half the time: then each pose counts half
            for itself and half for its mirror image.
        scale_mm, power: of the density; see :mod:`posecorpus.synth.balance.density`.

    Returns:
        (N,) float64 that sum to 1. The same for the same arguments on every machine.

    Raises:
        InputError: no candidates, other joints, or ``draws`` or ``k`` below 1.
    """
    if not len(candidates) or candidates.shape[1:] != reference.shape[1:]:
        got = f"shapes {candidates.shape} and {reference.shape}"
        raise InputError("poses to balance", "candidates, and a reference of the same joints", got)
    if draws < 1 or k < 1:
        raise InputError("poses to balance", "at least one draw and one neighbour", f"{draws} and {k}")
    kept = thin(candidates, MAX_QUERIES)
    around, before = (
        counts_around(
            kept.poses, *_with_twins(thinned.poses, thinned.mass, twins_of), k, scale_mm=scale_mm, power=power
        )
        for thinned in (kept, thin(reference, MAX_QUERIES))
    )
    expected = fill(np.maximum(around, kept.mass), before, kept.mass, draws)
    weights = expected[kept.of_row]
    return np.asarray(weights / weights.sum())


def _with_twins(
    pool: Poses, mass: NDArray[np.float64], twins_of: Sequence[str] | None
) -> tuple[Poses, NDArray[np.float64]]:
    """Poses and masses, with mirror images if wanted, in pairs: an even choice of them holds both of a pair."""
    if twins_of is None:
        return pool, mass
    twins = np.stack([pool, mirrored(pool, twins_of)], 1).reshape(-1, *pool.shape[1:])
    return twins, np.repeat(mass / 2, 2)


def fill(
    around: NDArray[np.floating], before: NDArray[np.floating], mass: NDArray[np.floating], draws: float
) -> NDArray[np.float64]:
    """(L,) how often each pose should be drawn: ``max(0, level - before) / around``, whose sum is ``draws``.

    Args:
        around: (L,) positive number of candidates around each pose.
        before: (L,) number of reference poses around it.
        mass: (L,) how many candidates the pose stands for, each drawn that often.
    """
    low, high = 0.0, float(before.max() + draws * around.max() / mass.min())
    for _ in range(_STEPS):
        level = (low + high) / 2
        if (mass * np.maximum(level - before, 0.0) / around).sum() > draws:
            high = level
        else:
            low = level
    return np.asarray(np.maximum(high - before, 0.0) / around)
