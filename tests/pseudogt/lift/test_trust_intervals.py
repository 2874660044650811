"""Predicted errors against distributions that are known in closed form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from posecorpus.pseudogt.lift import trust_regression
from posecorpus.pseudogt.lift.trust_intervals import FARTHEST_MM, Calibrated, _quantile, calibrate_intervals
from posecorpus.pseudogt.lift.trust_regression import fit_ridge

Array = NDArray[np.float64]
GROUPS = 24


def people(count: int, seed: int) -> tuple[Array, Array, NDArray[np.int64], Array, Array]:
    """Features, errors, missing joints, and the mean and deviation of the log of the error (of error + 1 mm)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 3))
    missing = rng.integers(0, 12, count)
    features = np.column_stack([x, missing])
    mean = 4.2 + 0.5 * x[:, 0] + 0.15 * x[:, 1] * x[:, 2] + 0.03 * missing
    deviation = 0.2 * np.exp(0.35 * np.clip(x[:, 2], -2, 2))
    errors = np.maximum(np.exp(mean + deviation * rng.normal(size=count)) - 1, 0)
    return features, errors, missing, mean, deviation


@pytest.fixture(scope="module")
def fitted() -> Calibrated:
    features, errors, missing, _, _ = people(6000, 0)
    fold = np.random.default_rng(9).integers(GROUPS, size=len(errors)) % 8
    return calibrate_intervals(features, errors, missing, np.ones(len(errors)), fold)


def test_intervals_hold_nine_times_in_ten_everywhere(fitted: Calibrated) -> None:
    features, errors, missing, _, deviation = people(20000, 1)
    expected, ends = fitted.intervals.predict(features, missing)
    held = (ends[:, 0] <= errors) & (errors <= ends[:, 1])
    assert held.mean() == pytest.approx(0.9, abs=0.012)
    for number in range(12):
        assert 0.87 <= held[missing == number].mean() <= 0.93
    # Where errors scatter more, intervals are wider, so they hold there, too.
    for part in np.array_split(np.argsort(deviation), 4):
        assert 0.85 <= held[part].mean() <= 0.95
    for part in np.array_split(np.argsort(expected), 10):
        assert 0.86 <= held[part].mean() <= 0.94


def test_expected_error_and_ends_are_those_of_the_distribution(fitted: Calibrated) -> None:
    features, _, missing, mean, deviation = people(2000, 2)
    expected, ends = fitted.intervals.predict(features, missing)
    true = np.exp(mean + deviation**2 / 2) - 1
    assert np.median(np.abs(expected / true - 1)) < 0.04
    for end, share in ((0, 0.05), (1, 0.95)):
        wanted = np.exp(mean + deviation * norm.ppf(share)) - 1
        assert np.median(np.abs(ends[:, end] / wanted - 1)) < 0.08


def test_a_larger_cause_is_trusted_less(fitted: Calibrated) -> None:
    features = np.zeros((41, 4))
    features[:, 0] = np.linspace(-2, 2, 41)
    expected, ends = fitted.intervals.predict(features, np.zeros(41, int))
    # Sizes are told apart in steps, so neighbours may differ a little the other way.
    assert (np.diff(expected[::5]) > 0).all() and (np.diff(ends[::5], axis=0) > 0).all()
    assert expected[-1] / expected[0] == pytest.approx(np.exp(0.5 * 4), rel=0.15)


def test_expected_errors_lie_in_their_intervals(fitted: Calibrated) -> None:
    features, _, missing, _, _ = people(3000, 3)
    expected, ends = fitted.intervals.predict(30 * features, missing)  # far from everything seen
    assert (ends[:, 0] >= 0).all() and (ends[:, 0] <= expected).all() and (expected <= ends[:, 1]).all()
    assert np.isfinite(ends).all() and ends.max() < 1e5


def test_samples_are_judged_by_what_does_not_know_their_group() -> None:
    """Groups are off by a factor of their own: only a fit without the group sees how much."""
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(40), 50)
    factor = rng.normal(size=40)[group] * 0.5
    marks = np.eye(40)[group]  # would tell the group, and with it the factor
    errors = np.exp(4 + factor + 0.05 * rng.normal(size=len(group)))
    fold = group % 8
    out = calibrate_intervals(
        np.column_stack([marks, rng.normal(size=len(group))]),
        errors,
        np.zeros(len(group), int),
        np.ones(len(group)),
        fold,
    )
    width = np.log(out.interval_mm[:, 1] / out.interval_mm[:, 0])
    assert np.median(width) > 2 * 1.645 * 0.5 * 0.75


def test_few_samples_give_all_that_was_seen() -> None:
    """Of n + 1 exchangeable samples the last lies beyond the others in 2 of n + 1 cases."""
    rng = np.random.default_rng(5)
    held = []
    for _ in range(300):
        errors, marks = rng.uniform(20, 200, 19), rng.normal(size=(19, 1))
        fold = np.arange(18) % 3
        out = calibrate_intervals(marks[:18], errors[:18], np.zeros(18, int), np.ones(18), fold)
        assert np.ptp(out.intervals.low) == np.ptp(out.intervals.high) == 0
        _, ends = out.intervals.predict(marks[18:], np.zeros(1, int))
        held.append(ends[0, 0] <= errors[18] <= ends[0, 1])
    assert np.mean(held) == pytest.approx(1 - 2 / 19, abs=0.05)


def test_ridge_is_the_penalised_least_squares_fit() -> None:
    rng = np.random.default_rng(6)
    x, y, w = rng.normal(size=(50, 2)), rng.normal(size=50), rng.uniform(0.5, 2, 50)
    fit = fit_ridge(x, y, w, np.arange(50) % 5)
    r = fit.ridge
    z = np.clip((x - np.average(x, axis=0, weights=w)) / r.scale, -4, 4)
    terms = np.column_stack([z, z[:, 0] ** 2, z[:, 0] * z[:, 1], z[:, 1] ** 2])
    terms = (terms - np.average(terms, axis=0, weights=w)) / r.term_scale
    np.testing.assert_allclose(np.average(terms**2, axis=0, weights=w), 1)
    rows = np.vstack([terms * np.sqrt(w)[:, None], np.sqrt(fit.strength * w.sum()) * np.eye(5)])
    target = np.concatenate([(y - np.average(y, weights=w)) * np.sqrt(w), np.zeros(5)])
    np.testing.assert_allclose(r.weights, np.linalg.lstsq(rows, target, rcond=None)[0], atol=1e-10)
    np.testing.assert_allclose(
        r.predict(x), np.clip(np.average(y, weights=w) + terms @ r.weights, *r.limits), atol=1e-10
    )


def test_the_penalty_is_strong_for_noise_and_weak_for_structure() -> None:
    rng = np.random.default_rng(7)
    x = rng.normal(size=(400, 6))
    fold, weight = np.arange(400) % 8, np.ones(400)
    noise = fit_ridge(x, rng.normal(size=400), weight, fold).strength
    structure = fit_ridge(x, x[:, 0] * x[:, 1] + x[:, 2], weight, fold).strength
    assert structure < noise


def test_what_is_said_of_a_fold_does_not_depend_on_its_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust_regression, "STRENGTHS", (0.1,))
    rng = np.random.default_rng(8)
    x, y, fold = rng.normal(size=(60, 2)), rng.normal(size=60), np.arange(60) % 3
    other = np.where(fold == 1, 5 + rng.normal(size=60), y)
    a, b = fit_ridge(x, y, np.ones(60), fold), fit_ridge(x, other, np.ones(60), fold)
    np.testing.assert_allclose(a.unseen[fold == 1], b.unseen[fold == 1], atol=1e-9)
    assert np.abs(a.unseen - b.unseen)[fold != 1].min() > 0.1


@pytest.mark.parametrize("count", [1, 7, 100])
def test_equal_weights_give_the_plain_quantile(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    shares = np.array([0.0, 0.05, 0.5, 0.949, 1.0])
    expected = np.quantile(values, shares, method="inverted_cdf")
    np.testing.assert_array_equal(_quantile(values, np.full(count, 3.0), shares), expected)


def test_a_weight_counts_like_copies() -> None:
    rng = np.random.default_rng(10)
    values, copies = rng.normal(size=30), rng.integers(0, 5, 30)
    shares = np.array([0.05, 0.31, 0.5, 0.95])
    repeated = np.repeat(values, copies)
    np.testing.assert_array_equal(
        _quantile(values, copies.astype(float), shares), _quantile(repeated, np.ones(len(repeated)), shares)
    )


def test_nothing_is_predicted_beyond_what_was_seen(fitted: Calibrated) -> None:
    """The features of someone far worse than everybody in the calibration, once extrapolated to metres."""
    _, errors, _, _, _ = people(6000, 0)
    most = fitted.intervals.most_mm[0]
    assert np.sort(errors)[-12] <= most <= np.sort(errors)[-4]  # 6 of 6000 are larger
    extrapolating = replace(
        fitted.intervals, size=replace(fitted.intervals.size, limits=np.array([-50.0, 50.0]))
    )
    stranger = np.array([[40.0, 0, 0, 5], [40.0, 30, 30, 5], [0, 0, 0, 5]])
    expected, ends = extrapolating.predict(stranger, np.full(3, 5))
    size = extrapolating.size.predict(stranger)
    assert np.exp(size[:2]).min() > 1.2 * most  # what the regression alone would say
    np.testing.assert_array_equal(expected[:2], most)
    assert expected[2] < most / 2
    assert (ends[:, 0] <= expected).all() and (expected <= ends[:, 1]).all()
    assert (ends[:2, 1] > most).all() and ends.max() <= FARTHEST_MM


def test_the_bound_leaves_others_alone(fitted: Calibrated) -> None:
    features, _, missing, _, _ = people(3000, 4)
    unbounded = replace(fitted.intervals, most_mm=np.array([np.inf]))
    a, b = fitted.intervals.predict(features, missing), unbounded.predict(features, missing)
    under = b[0] < fitted.intervals.most_mm[0]
    assert under.mean() > 0.99
    np.testing.assert_array_equal(a[0][under], b[0][under])
    np.testing.assert_array_equal(a[1][under], b[1][under])
