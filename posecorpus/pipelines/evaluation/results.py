"""The figures of an evaluation of lifting: per condition and method, of the trust, and as text."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.pipelines.evaluation.queries import EvalCondition
from posecorpus.pseudogt.lift.evaluate import PersonErrors
from posecorpus.pseudogt.lift.lifted import Method, Trust
from posecorpus.pseudogt.lift.trust_reliability import Outcomes, reliability_table

Array = NDArray[np.float64]
METHODS: tuple[Method, ...] = ("nn", "soft", "depth")
DEFAULT: Method = "depth"
QUANTILES = 100


@dataclass(frozen=True, eq=False)
class Trial:
    """What one method made of one condition.

    Attributes:
        condition, method: which.
        errors: of the people.
        trust: predicted for them, or None where the library has no trust for the method.
        missing: (Q,) how many joints were not annotated.
    """

    condition: EvalCondition
    method: Method
    errors: PersonErrors
    trust: Trust | None
    missing: NDArray[np.int64]


@dataclass(frozen=True)
class Figures:
    """Means over the people of a trial; None where there is nothing to average.

    Attributes:
        people, refused: how many were lifted, and how many could not be.
        mpjpe_mm: relative to the torso; n_mpjpe_mm: root-aligned, after scaling; pa_mpjpe_mm: after the
            best similarity; best_of_k_mm: ``mpjpe_mm`` of the best hypothesis.
        completion: distance of completed 2D joints from where they are, in torso lengths.
        limb_error: mean of |length / true length - 1| of arms and legs; limb_bias: mean of the ratio - 1.
        spearman: rank correlation of predicted and measured pose error.
        pose_coverage, joint_coverage: shares of errors inside their 90 % interval.
        quantiles_mm: of the pose errors, from the 0th to the 100th hundredth.
    """

    people: int
    refused: int
    mpjpe_mm: float | None
    n_mpjpe_mm: float | None
    pa_mpjpe_mm: float | None
    best_of_k_mm: float | None
    completion: float | None
    limb_error: float | None
    limb_bias: float | None
    spearman: float | None
    pose_coverage: float | None
    joint_coverage: float | None
    quantiles_mm: list[float]


def figures(trial: Trial) -> Figures:
    """The figures of a trial."""
    e = trial.errors
    reliability: dict[str, Any] = {}
    if trial.trust is not None:
        source = np.zeros(len(e.pose_mm), np.int64)
        reliability = trust_figures([trial], source, ("all",))
    return Figures(
        people=int((~e.refused).sum()),
        refused=int(e.refused.sum()),
        mpjpe_mm=_mean(e.pose_mm),
        n_mpjpe_mm=_mean(e.scaled_mm),
        pa_mpjpe_mm=_mean(e.aligned_mm),
        best_of_k_mm=_mean(e.best_of_k_mm),
        completion=_mean(e.completion, 5),
        limb_error=_mean(np.abs(e.limb_ratio - 1), 5),
        limb_bias=_mean(e.limb_ratio - 1, 5),
        spearman=reliability.get("spearman"),
        pose_coverage=reliability.get("coverage"),
        joint_coverage=reliability.get("joint_coverage"),
        quantiles_mm=quantiles(e.pose_mm),
    )


def trust_figures(trials: list[Trial], source: NDArray[np.int64], sources: tuple[str, ...]) -> dict[str, Any]:
    """The reliability table of several trials of the same people together.

    Args:
        source: (Q,) MoCap source of each person, an index into ``sources``.
    """
    known = [(t, t.trust, ~t.errors.refused) for t in trials if t.trust is not None]
    if not known:
        return {}
    names = np.array(sources, str)
    return reliability_table(
        Outcomes(
            error_mm=np.concatenate([trust.pose_error_mm[ok] for _, trust, ok in known]),
            interval_mm=np.concatenate([trust.pose_interval_mm[ok] for _, trust, ok in known]),
            measured_mm=np.concatenate([t.errors.pose_mm[ok] for t, _, ok in known]),
            joint_error_mm=np.concatenate([trust.error_mm[ok] for _, trust, ok in known]),
            joint_interval_mm=np.concatenate([trust.interval_mm[ok] for _, trust, ok in known]),
            joint_measured_mm=np.concatenate([t.errors.joint_mm[ok] for t, _, ok in known]),
            missing=np.concatenate([t.missing[ok] for t, _, ok in known]),
            source=np.concatenate([names[source[ok]] for _, _, ok in known]),
        )
    )


def quantiles(values: Array) -> list[float]:
    """Quantiles of the finite values in steps of a hundredth, for curves."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return []
    return [round(float(q), 2) for q in np.percentile(finite, np.linspace(0, 100, QUANTILES + 1))]


@dataclass(frozen=True)
class Baselines:
    """What answers are worth that ignore the photo, or know the truth; mm, of one set of people."""

    random_mm: float
    mean_mm: float
    nearest_mm: float
    random_quantiles_mm: list[float]
    mean_quantiles_mm: list[float]
    nearest_quantiles_mm: list[float]


@dataclass(frozen=True)
class Results:
    """A whole evaluation.

    Attributes:
        settings: what was asked, and of which library.
        baselines: by standard deviation of the people's shapes.
        rows: conditions in order, each with the figures of every method.
        trust: reliability tables of the default method: ``grid`` pools the grid of noise and masks,
            ``all`` every condition.
    """

    settings: dict[str, Any]
    baselines: dict[float, Baselines]
    rows: list[tuple[EvalCondition, dict[Method, Figures]]]
    trust: dict[str, dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "settings": self.settings,
            "baselines": {f"{std:g}": asdict(b) for std, b in self.baselines.items()},
            "conditions": [
                asdict(row) | {"methods": {name: asdict(f) for name, f in methods.items()}}
                for row, methods in self.rows
            ],
            "trust": self.trust,
        }


COLUMNS = ("MPJPE", "N", "PA", "best of k", "completion", "limbs", "Spearman", "90 % holds")


def cells(found: Figures) -> list[str]:
    """The figures of a method under a condition, in the order of :data:`COLUMNS`."""
    both = (found.pose_coverage, found.joint_coverage)
    return [
        _text(found.mpjpe_mm, ".1f"),
        _text(found.n_mpjpe_mm, ".1f"),
        _text(found.pa_mpjpe_mm, ".1f"),
        _text(found.best_of_k_mm, ".1f"),
        _text(found.completion, ".3f"),
        _text(found.limb_error, ".1%"),
        _text(found.spearman, ".2f"),
        "" if both == (None, None) else " / ".join(_text(share, ".0%") for share in both),
    ]


def baseline_lines(results: Results) -> list[str]:
    """Floors and oracle as text."""
    lines = []
    for std, b in results.baselines.items():
        who = "the library's body shape" if std == 0 else f"body shapes of std {std:g}"
        lines.append(
            f"{who}: random pose {b.random_mm:.0f} mm, mean pose {b.mean_mm:.0f} mm, "
            f"nearest view of the library {b.nearest_mm:.0f} mm"
        )
    return lines


def _mean(values: Array, digits: int = 2) -> float | None:
    finite = values[np.isfinite(values)]
    return round(float(finite.mean()), digits) if len(finite) else None


def _text(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
