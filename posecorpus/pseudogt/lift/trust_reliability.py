"""How far predicted errors came true: the reliability curve, coverage of the intervals, rank correlation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Array = NDArray[np.float64]
BINS = 10
FEWEST = 20
"""Groups of fewer people have no share worth stating."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Predicted and measured errors of Q people.

    Attributes:
        error_mm: (Q,) predicted of the pose; interval_mm: (Q, 2).
        measured_mm: (Q,) mean error over the joints.
        joint_error_mm: (Q, J) predicted, joint_interval_mm: (Q, J, 2), joint_measured_mm: (Q, J); NaN for
            joints that do not count.
        missing: (Q,) missing joints.
        source: (Q,) names of the MoCap sources.
    """

    error_mm: Array
    interval_mm: Array
    measured_mm: Array
    joint_error_mm: Array
    joint_interval_mm: Array
    joint_measured_mm: Array
    missing: NDArray[np.integer]
    source: NDArray[np.str_]


def reliability_table(outcomes: Outcomes) -> dict[str, Any]:
    """The figures of a reliability table, ready for JSON.

    ``bins`` of about equally many people by predicted error hold their mean predicted and measured error and
    their number. ``coverage`` is the share of people whose measured error lies in the interval, also by
    number of missing joints and by source; names that begin with ``joint_`` are the same for single
    joints. ``spearman`` is the rank correlation of predicted with measured errors, None if undefined.
    Groups of fewer than 20 people are left out.
    """
    held = _held(outcomes.measured_mm, outcomes.interval_mm)
    joint_held = _held(outcomes.joint_measured_mm, outcomes.joint_interval_mm)
    missing = np.array([str(m) for m in outcomes.missing.tolist()], str)
    counted = np.isfinite(outcomes.joint_measured_mm)
    return {
        "people": len(held),
        "bins": reliability_bins(outcomes.error_mm, outcomes.measured_mm),
        "joint_bins": reliability_bins(outcomes.joint_error_mm[counted], outcomes.joint_measured_mm[counted]),
        "spearman": spearman(outcomes.error_mm, outcomes.measured_mm),
        "joint_spearman": spearman(outcomes.joint_error_mm[counted], outcomes.joint_measured_mm[counted]),
        "coverage": _share(held),
        "coverage_by_missing": _by_group(held, missing),
        "coverage_by_source": _by_group(held, outcomes.source),
        "joint_coverage": _share(joint_held),
        "joint_coverage_by_missing": _by_group(joint_held, missing),
        "joint_coverage_by_source": _by_group(joint_held, outcomes.source),
    }


def reliability_bins(predicted_mm: Array, measured_mm: Array) -> list[dict[str, float]]:
    """Mean predicted and measured error of up to ten equal shares of people by predicted error."""
    order = np.argsort(predicted_mm, kind="stable")
    parts = [part for part in np.array_split(order, BINS) if len(part)]
    return [
        {
            "predicted_mm": round(float(predicted_mm[part].mean()), 2),
            "measured_mm": round(float(measured_mm[part].mean()), 2),
            "count": len(part),
        }
        for part in parts
    ]


def spearman(predicted: Array, measured: Array) -> float | None:
    """Rank correlation, ties averaged; None for fewer than 3 values or without variation."""
    if len(predicted) < 3 or np.ptp(predicted) == 0 or np.ptp(measured) == 0:
        return None
    return round(float(np.corrcoef(rankdata(predicted), rankdata(measured))[0, 1]), 4)


def _held(measured: Array, interval: Array) -> Array:
    """1 where the interval holds the error, 0 where not, NaN where there is nothing to hold."""
    held = ((interval[..., 0] <= measured) & (measured <= interval[..., 1])).astype(np.float64)
    return np.where(np.isfinite(measured), held, np.nan)


def _share(held: Array) -> float | None:
    known = held[np.isfinite(held)]
    return round(float(known.mean()), 4) if len(known) else None


def _by_group(held: Array, group: NDArray[np.str_]) -> dict[str, float | None]:
    return {
        str(name): _share(held[group == name]) for name in np.unique(group) if (group == name).sum() >= FEWEST
    }
