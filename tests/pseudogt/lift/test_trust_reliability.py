"""The reliability table finds predictions that are wrong, and where."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm, spearmanr

from posecorpus.pseudogt.lift.trust_reliability import Outcomes, reliability_table, spearman

PEOPLE, JOINTS, SPREAD = 6000, 5, 0.3


@pytest.fixture(scope="module")
def right() -> Outcomes:
    """People whose errors come from exactly the distributions that are predicted."""
    rng = np.random.default_rng(0)

    def predict(scale: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # type: ignore[type-arg]
        ends = np.stack([scale * np.exp(SPREAD * norm.ppf(s)) for s in (0.05, 0.95)], -1)
        return scale * np.exp(SPREAD**2 / 2), ends, scale * np.exp(SPREAD * rng.normal(size=scale.shape))

    joint = rng.uniform(20, 200, (PEOPLE, JOINTS))
    expected, ends, measured = predict(joint)
    measured[:, -1] = np.nan
    missing, source = (
        rng.integers(0, 4, PEOPLE),
        np.array(["one", "two", "three"])[rng.integers(3, size=PEOPLE)],
    )
    return Outcomes(*predict(rng.uniform(20, 200, PEOPLE)), expected, ends, measured, missing, source)


def test_right_predictions_look_right(right: Outcomes) -> None:
    table = reliability_table(right)
    assert json.loads(json.dumps(table, allow_nan=False)) == table
    assert sum(row["count"] for row in table["bins"]) == PEOPLE
    assert sum(row["count"] for row in table["joint_bins"]) == PEOPLE * (JOINTS - 1)
    for row in table["bins"] + table["joint_bins"]:
        assert row["measured_mm"] == pytest.approx(row["predicted_mm"], rel=0.05)
    shares = [table["coverage"], table["joint_coverage"]]
    for by in (
        "coverage_by_missing",
        "coverage_by_source",
        "joint_coverage_by_missing",
        "joint_coverage_by_source",
    ):
        shares += table[by].values()
    assert len(shares) == 2 + 2 * (4 + 3)
    np.testing.assert_allclose(shares, 0.9, atol=0.03)


def test_predictions_too_low_by_half_are_seen_in_the_curve(right: Outcomes) -> None:
    table = reliability_table(replace(right, error_mm=right.error_mm / 2))
    for row in table["bins"]:
        assert row["measured_mm"] == pytest.approx(2 * row["predicted_mm"], rel=0.05)


def test_intervals_too_narrow_are_seen_in_the_coverage(right: Outcomes) -> None:
    middle = np.exp(np.log(right.interval_mm).mean(1, keepdims=True))
    narrow = middle * (right.interval_mm / middle) ** (norm.ppf(0.75) / norm.ppf(0.95))
    assert reliability_table(replace(right, interval_mm=narrow))["coverage"] == pytest.approx(0.5, abs=0.03)


def test_one_bad_source_and_one_bad_number_are_named(right: Outcomes) -> None:
    worse = np.where(right.source == "two", 3.0, 1.0)
    table = reliability_table(replace(right, measured_mm=right.measured_mm * worse))
    assert min(table["coverage_by_source"], key=table["coverage_by_source"].get) == "two"
    assert table["coverage_by_source"]["two"] < 0.1 < 0.87 < table["coverage_by_source"]["one"]
    worse = np.where(right.missing == 3, 3.0, 1.0)[:, None]
    table = reliability_table(replace(right, joint_measured_mm=right.joint_measured_mm * worse))
    assert table["joint_coverage_by_missing"]["3"] < 0.1 < 0.87 < table["joint_coverage_by_missing"]["2"]
    assert table["coverage_by_missing"]["3"] > 0.87


def test_trust_at_random_has_no_correlation(right: Outcomes) -> None:
    mixed = np.random.default_rng(1).permutation(right.error_mm)
    assert abs(reliability_table(replace(right, error_mm=mixed))["spearman"]) < 0.05
    assert reliability_table(right)["spearman"] > 0.8


def test_rank_correlation_equals_scipy_with_ties() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 8, 50).astype(float), rng.integers(0, 8, 50).astype(float)
    assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic, abs=1e-4)
    assert spearman(a, np.ones(50)) is None and spearman(a[:2], b[:2]) is None


def test_small_groups_are_left_out(right: Outcomes) -> None:
    missing = right.missing.copy()
    missing[:19], missing[19:39] = 8, 9
    table = reliability_table(replace(right, missing=missing))
    assert "8" not in table["coverage_by_missing"] and "9" in table["coverage_by_missing"]
