"""From a predicted size of an error to an interval that holds it 9 times in 10.

Conformal prediction: the share of calibration errors outside decides how wide an interval is, not a
formula for their distribution. What is counted is how far the log of an error is from the predicted
one, in units of a predicted deviation, among samples with about as many missing joints and about as
large a predicted error. The samples were predicted by a regression that does not know their group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.pseudogt.lift.trust_regression import Fit, Ridge, fit_ridge

Array = NDArray[np.float64]
COVERED = 0.9
MISSING = 11
"""Numbers of missing joints told apart: 0 to 9, and 10 or more."""
SIZES = 4
"""Sizes of predicted errors told apart."""
REACH = 1.0
"""How far samples with another number of missing joints count: the deviation of a normal distribution."""
ENOUGH = 40.0
"""Effective number of samples below which a cell borrows from all of its size, then from all."""
UP_TO = 0.999
"""Share of the calibration's errors that bounds what is predicted."""
FARTHEST_MM = 2500.0
"""Where intervals end at the latest: no joint of one pose is farther from that of another."""
FLOOR_MM = 1.0
"""Added before the log: errors far below it are as good as none."""


@dataclass(frozen=True, eq=False)
class Intervals:
    """Predicts an error and its interval.

    Attributes:
        size, deviation: regressions of the log of the error, and of the log of how far that is off.
        edges: (SIZES - 1,) predicted log errors that part the sizes.
        low, high: (MISSING, SIZES) ends of the interval, in deviations.
        mean: (MISSING, SIZES) mean error over the exponential of its predicted log.
        most_mm: (1,) no predicted error exceeds it: 999 of 1000 errors of the calibration lie below. What would
            be larger was never seen, and by how much it is larger cannot be told.
    """

    size: Ridge
    deviation: Ridge
    edges: Array
    low: Array
    high: Array
    mean: Array
    most_mm: Array

    def predict(self, features: Array, missing: NDArray[np.integer]) -> tuple[Array, Array]:
        """Expected errors (N,) and intervals (N, 2), mm, of features (N, F); NaN features give NaN."""
        size, deviation = self.size.predict(features), np.exp(self.deviation.predict(features))
        return self._spell_out(size, deviation, missing)

    def _spell_out(self, size: Array, deviation: Array, missing: NDArray[np.integer]) -> tuple[Array, Array]:
        low, high = (_at(table, self.edges, size, missing) for table in (self.low, self.high))
        ends = np.exp(np.stack([size + low * deviation, size + high * deviation], -1)) - FLOOR_MM
        expected = np.exp(size) * _at(self.mean, self.edges, size, missing) - FLOOR_MM
        most = self.most_mm[0]
        ends = np.clip(ends, 0.0, [min(most, FARTHEST_MM), FARTHEST_MM])
        return np.minimum(np.clip(expected, ends[:, 0], ends[:, 1]), most), ends


@dataclass(frozen=True, eq=False)
class MethodTrust:
    """What predicts errors of one method of lifting: of the mean over the joints, and of each joint."""

    pose: Intervals
    joint: Intervals


@dataclass(frozen=True, eq=False)
class Calibrated:
    """Fitted intervals, and what they say of samples whose fold they were fitted without.

    Attributes:
        intervals: fitted to everything.
        error_mm, interval_mm: (N,) and (N, 2) for the samples, each by intervals that do not know its fold.
        log_size: (N,) predicted log errors behind them.
    """

    intervals: Intervals
    error_mm: Array
    interval_mm: Array
    log_size: Array


def calibrate_intervals(
    features: Array,
    error_mm: Array,
    missing: NDArray[np.integer],
    weight: Array,
    fold: NDArray[np.integer],
) -> Calibrated:
    """Fit intervals to samples with measured errors.

    Args:
        features: (N, F) without NaN.
        error_mm: (N,) measured.
        missing: (N,) missing joints of the person.
        weight: (N,) how much each sample counts.
        fold: (N,) samples of one group share a fold.
    """
    target = np.log(error_mm + FLOOR_MM)
    size = fit_ridge(features, target, weight, fold)
    off = target - size.unseen
    deviation = fit_ridge(features, np.log(np.abs(off) + 0.02), weight, fold)
    whole = _tables(size, deviation, target, missing, weight, np.ones(len(target), bool))
    expected, ends = np.empty(len(target)), np.empty((len(target), 2))
    folds = np.unique(fold)
    for f in folds:
        out = fold == f
        tables = _tables(size, deviation, target, missing, weight, ~out if len(folds) > 1 else out)
        expected[out], ends[out] = tables._spell_out(
            size.unseen[out], np.exp(deviation.unseen[out]), missing[out]
        )
    return Calibrated(whole, expected, ends, size.unseen)


def _tables(
    size: Fit,
    deviation: Fit,
    target: Array,
    missing: NDArray[np.integer],
    weight: Array,
    use: NDArray[np.bool_],
) -> Intervals:
    """Quantiles of the normalised residuals of the samples to use, cell by cell."""
    predicted, off = size.unseen[use], (target - size.unseen)[use]
    measured = np.exp(target[use]) - FLOOR_MM
    ratio = off / np.exp(deviation.unseen[use])
    weight, missing = weight[use], np.minimum(missing[use], MISSING - 1)
    edges = _quantile(predicted, weight, np.arange(1, SIZES) / SIZES)
    cell = np.searchsorted(edges, predicted)
    low, high, mean = (np.empty((MISSING, SIZES)) for _ in range(3))
    tail = (1 - COVERED) / 2
    for m in range(MISSING):
        near = np.exp(-0.5 * ((missing - m) / REACH) ** 2)
        for s in range(SIZES):
            counts = _first_with_enough([weight * near * (cell == s), weight * (cell == s), weight])
            # The finite-sample step of conformal prediction: one more sample, at infinity on either side.
            share = 1 / max(_effective(counts), 1.0)
            low[m, s], high[m, s] = _quantile(
                ratio,
                counts,
                np.array([max(tail * (1 + share) - share, 0), min((1 - tail) * (1 + share), 1)]),
            )
            mean[m, s] = np.average(np.exp(off), weights=counts)
    most = _quantile(measured, weight, np.array([UP_TO]))
    return Intervals(size.ridge, deviation.ridge, edges, low, high, mean, most)


def _first_with_enough(options: list[Array]) -> Array:
    for counts in options:
        if _effective(counts) >= ENOUGH:
            return counts
    return options[-1]


def _effective(weight: Array) -> float:
    total = float((weight**2).sum())
    return float(weight.sum()) ** 2 / total if total > 0 else 0.0


def _quantile(values: Array, weight: Array, shares: Array) -> Array:
    """Values below which the given shares of the weight lie."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    if reached[-1] <= 0:
        return np.full(len(shares), np.nan)
    places = np.searchsorted(reached, shares * reached[-1])
    return np.asarray(values[order][np.minimum(places, len(values) - 1)])


def _at(table: Array, edges: Array, size: Array, missing: NDArray[np.integer]) -> Array:
    cell = np.searchsorted(edges, np.nan_to_num(size))
    return np.asarray(table[np.minimum(missing, MISSING - 1), cell])
