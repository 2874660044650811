"""Learning a map of joints from pairs: ridge towards the nearest landmark, cross-validated over subjects.

What is learned is the step from a *prior* joint: the source's joint of the same landmark or, where there is
none, the one that lies nearest on average. Ridge shrinks the step, so that few pairs leave the prior alone. Its
strength is chosen for each joint by cross-validation inside the training folds, so the errors reported, which
are of the outer folds, are of people that neither the map nor its strength has seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import Skeleton, correspondence
from posecorpus.synth.regressors.pairs import Pairs
from posecorpus.synth.regressors.regressor import Form, JointRegressor, trunk_frame

STRENGTHS = tuple(10.0**e for e in range(-9, 3))
"""Strengths of the ridge tried, in units of the mean variance of a feature."""
MAX_FOLDS = 5
_CHUNK = 20_000

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """A regressor and how far off it is.

    Attributes:
        before_mm: (K,) mean error of converting by landmark; NaN where the source lacks the landmark.
        after_mm: (K,) mean error of the regressor on folds it was not learned from.
        strengths: (K,) ridge of each joint, in units of the mean variance of a feature.
        folds: how many.
    """

    regressor: JointRegressor
    before_mm: Array
    after_mm: Array
    strengths: Array
    folds: int


@dataclass(frozen=True)
class _Moments:
    """Sums over poses, which are all that ridge needs: of features with themselves and with the steps."""

    features: Array  # (F, F)
    steps: Array  # (F, K, O)
    squares: Array  # (K,)

    def __add__(self, other: _Moments) -> _Moments:
        return _Moments(
            self.features + other.features, self.steps + other.steps, self.squares + other.squares
        )


def fit_regressor(name: str, pairs: Pairs, source: Skeleton, target: Skeleton, form: Form = "affine") -> Fit:
    """Learn the map from ``source`` to ``target``.

    Raises:
        InputError: the linear form of a source without shoulders and hips.
    """
    shared = correspondence(source, target)
    prior = np.where(shared >= 0, shared, _nearest_joints(pairs))
    folds = assign_folds(pairs.groups, len(pairs.source))
    parts = [_moments(pairs, np.flatnonzero(folds == f), prior, source, form) for f in range(folds.max() + 1)]
    after = np.zeros((len(pairs.source), len(target)))
    for f in range(len(parts)):
        rest = parts[:f] + parts[f + 1 :]
        steps = _solve(_total(rest), _best(rest, form), form)
        held = np.flatnonzero(folds == f)
        mapped = _regressor(name, steps, prior, source, target, form).apply(pairs.source[held])
        after[held] = np.linalg.norm(mapped - pairs.target[held], axis=-1)
    strengths = _best(parts, form)
    regressor = _regressor(name, _solve(_total(parts), strengths, form), prior, source, target, form)
    before = np.linalg.norm(pairs.source[:, prior] - pairs.target, axis=-1).mean(0)
    return Fit(
        regressor, 1e3 * np.where(shared >= 0, before, np.nan), 1e3 * after.mean(0), strengths, len(parts)
    )


def assign_folds(groups: NDArray[np.integer] | None, count: int) -> NDArray[np.intp]:
    """(N,) fold of each pose: groups whole, largest first into the emptiest fold; else stretches in a row,
    because poses next to each other are nearly the same."""
    if groups is None:
        return np.arange(count) * MAX_FOLDS // count
    sizes = np.bincount(groups)
    filled = np.zeros(min(MAX_FOLDS, len(sizes)), np.intp)
    fold_of = np.zeros(len(sizes), np.intp)
    for group in np.argsort(-sizes, kind="stable"):
        fold_of[group] = filled.argmin()
        filled[fold_of[group]] += sizes[group]
    return np.asarray(fold_of[groups], np.intp)


def _nearest_joints(pairs: Pairs) -> NDArray[np.intp]:
    """(K,) the source's joint that lies nearest to each of the target's on average."""
    some = np.linspace(0, len(pairs.source) - 1, min(len(pairs.source), 2000)).round().astype(np.intp)
    gaps = pairs.target[some][:, :, None] - pairs.source[some][:, None]
    return np.asarray(np.linalg.norm(gaps, axis=-1).mean(0).argmin(1))


def _moments(
    pairs: Pairs, rows: NDArray[np.intp], prior: NDArray[np.intp], source: Skeleton, form: Form
) -> _Moments:
    joints, targets = len(source), len(prior)
    size, outputs = (joints - 1, 1) if form == "affine" else (3 * joints + 1, 3)
    total = _Moments(np.zeros((size, size)), np.zeros((size, targets, outputs)), np.zeros(targets))
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        points, steps = pairs.source[part], pairs.target[part] - pairs.source[part][:, prior]
        if form == "affine":  # x, y and z are three observations of the same weights
            features = (points[:, 1:] - points[:, :1]).transpose(0, 2, 1).reshape(-1, size)
            observed = steps.transpose(0, 2, 1).reshape(-1, targets, 1)
        else:
            origin, axes = trunk_frame(points, source.name)
            local = ((points - origin[:, None]) @ axes).reshape(len(points), -1)
            features = np.concatenate([local, np.ones((len(points), 1))], 1)
            observed = steps @ axes
        total += _Moments(
            features.T @ features,
            np.einsum("nf,nko->fko", features, observed, optimize=True),
            (observed**2).sum((0, 2)),
        )
    return total


def _total(parts: list[_Moments]) -> _Moments:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _best(parts: list[_Moments], form: Form) -> Array:
    """(K,) strength whose squared error on parts left out is least."""
    errors = np.zeros((len(STRENGTHS), len(parts[0].squares)))
    for f, held in enumerate(parts):
        train = _total(parts[:f] + parts[f + 1 :]) if len(parts) > 1 else held
        for s, strength in enumerate(STRENGTHS):
            steps = _solve(train, np.full(len(held.squares), strength), form)
            errors[s] += held.squares - 2 * (steps * held.steps).sum((0, 2))
            errors[s] += np.einsum("fko,fg,gko->k", steps, held.features, steps, optimize=True)
    return np.asarray(np.array(STRENGTHS)[errors.argmin(0)])


def _solve(moments: _Moments, strengths: Array, form: Form) -> Array:
    """(F, K, O) weights of the steps."""
    result = np.empty_like(moments.steps)
    penalised = np.ones(len(moments.features))
    if form == "linear":
        penalised[-1] = 0.0  # a constant offset is no more to be doubted than none
    unit = (np.diag(moments.features) * penalised).sum() / penalised.sum()
    for strength in np.unique(strengths):
        which = strengths == strength
        ridge = moments.features + np.diag(np.maximum(strength * penalised, 1e-12) * unit)
        wanted = moments.steps[:, which]
        result[:, which] = np.linalg.solve(ridge, wanted.reshape(len(ridge), -1)).reshape(wanted.shape)
    return result


def _regressor(
    name: str, steps: Array, prior: NDArray[np.intp], source: Skeleton, target: Skeleton, form: Form
) -> JointRegressor:
    joints, targets = len(source), len(target)
    if form == "affine":
        weights = np.zeros((targets, joints))
        weights[np.arange(targets), prior] = 1.0
        weights[:, 1:] += steps[:, :, 0].T
        weights[:, 0] -= steps[:, :, 0].sum(0)
    else:
        weights = np.zeros((3 * targets, 3 * joints + 1))
        rows = np.arange(3 * targets)
        weights[rows, 3 * prior[rows // 3] + rows % 3] = 1.0
        weights += steps.transpose(1, 2, 0).reshape(3 * targets, -1)
    return JointRegressor(name, source.name, target.name, form, weights)
