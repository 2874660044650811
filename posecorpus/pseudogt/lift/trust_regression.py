"""Ridge regression on the squares and products of features, its strength chosen on unseen groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Penalties that are tried, per sample, on standardised terms."""
REACH = 4.0
"""Features farther than this many standard deviations from their mean count as that far: a square fitted
to what is usual says nothing of what is not."""
BLOCK = 4096


@dataclass(frozen=True, eq=False)
class Ridge:
    """A fitted regression; all arrays are float64.

    Attributes:
        centre, scale: (F,) of the features.
        term_centre, term_scale, weights: (T,) of the terms: features, then products of pairs of them.
        offset: (1,) mean of the target.
        limits: (2,) the least and the largest that samples unknown to it were predicted; no prediction
            lies outside.
    """

    centre: Array
    scale: Array
    term_centre: Array
    term_scale: Array
    weights: Array
    offset: Array
    limits: Array

    def predict(self, features: Array) -> Array:
        """(N,) targets of features (N, F); NaN features give NaN."""
        result = np.empty(len(features))
        for start in range(0, len(features), BLOCK):
            part = slice(start, start + BLOCK)
            terms = _terms(features[part], self.centre, self.scale)
            result[part] = self.offset[0] + ((terms - self.term_centre) / self.term_scale) @ self.weights
        return np.clip(result, *self.limits)


@dataclass(frozen=True, eq=False)
class Fit:
    """A regression and how it does on groups that it does not know.

    Attributes:
        ridge: fitted to everything.
        unseen: (N,) prediction for each sample by a regression fitted without the sample's fold.
        strength: the penalty chosen.
    """

    ridge: Ridge
    unseen: Array
    strength: float


def fit_ridge(features: Array, target: Array, weight: Array, fold: NDArray[np.integer]) -> Fit:
    """Fit (N, F) features to a target (N,).

    The penalty is the one with the least weighted squared error on folds (N,) that were left out, each
    of which holds groups as a whole. With a single fold there is nothing to compare by: the strongest
    penalty is used and ``unseen`` is what the regression says of its own samples.
    """
    centre, scale = _moments(features, weight)
    first = _terms(features[:1], centre, scale)
    terms = np.empty((len(features), first.shape[1]))
    for start in range(0, len(features), BLOCK):
        part = slice(start, start + BLOCK)
        terms[part] = _terms(features[part], centre, scale)
    term_centre, term_scale = _moments(terms, weight)
    terms -= term_centre
    terms /= term_scale
    # A constant of its own lets a fit without a fold know nothing of the fold's mean either.
    terms = np.column_stack([terms, np.ones(len(terms))])
    offset = np.array([np.average(target, weights=weight)])
    rest = target - offset

    folds = np.unique(fold)
    grams = [_gram(terms[fold == f], rest[fold == f], weight[fold == f]) for f in folds]
    whole = grams[0]
    for gram in grams[1:]:
        whole = whole[0] + gram[0], whole[1] + gram[1], whole[2] + gram[2]
    if len(folds) == 1:
        weights = _solve(*whole, STRENGTHS[-1])
        own, offset = offset + terms @ weights, offset + weights[-1]
        return Fit(
            Ridge(centre, scale, term_centre, term_scale, weights[:-1], offset, _limits(own)),
            own,
            STRENGTHS[-1],
        )
    best: tuple[float, float, Array] | None = None
    for strength in STRENGTHS:
        unseen = np.empty(len(target))
        for f, gram in zip(folds, grams, strict=True):
            known = _solve(whole[0] - gram[0], whole[1] - gram[1], whole[2] - gram[2], strength)
            unseen[fold == f] = terms[fold == f] @ known
        loss = float(np.average((rest - unseen) ** 2, weights=weight))
        if best is None or loss < best[0]:
            best = loss, strength, unseen
    assert best is not None
    unseen = offset + best[2]
    weights = _solve(*whole, best[1])
    return Fit(
        Ridge(centre, scale, term_centre, term_scale, weights[:-1], offset + weights[-1], _limits(unseen)),
        unseen,
        best[1],
    )


def _limits(predicted: Array) -> Array:
    return np.array([predicted.min(), predicted.max()])


def _terms(features: Array, centre: Array, scale: Array) -> Array:
    plain = np.clip((features - centre) / scale, -REACH, REACH)
    a, b = np.triu_indices(plain.shape[1])
    return np.concatenate([plain, plain[:, a] * plain[:, b]], 1)


def _moments(values: Array, weight: Array) -> tuple[Array, Array]:
    """Weighted mean and deviation of columns; what does not vary gets a deviation of one."""
    mean = np.average(values, axis=0, weights=weight)
    deviation = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weight))
    return mean, np.where(deviation > 1e-9, deviation, 1.0)


def _gram(terms: Array, target: Array, weight: Array) -> tuple[Array, Array, float]:
    weighted = terms * weight[:, None]
    return weighted.T @ terms, weighted.T @ target, float(weight.sum())


def _solve(gram: Array, right: Array, weight: float, strength: float) -> Array:
    """Weights of the terms; the last, the constant, is not held back."""
    penalty = np.full(len(right), strength * max(weight, 1e-12))
    penalty[-1] = 1e-12
    return np.asarray(np.linalg.solve(gram + np.diag(penalty), right))
