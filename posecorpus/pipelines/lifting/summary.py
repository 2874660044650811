"""What a lifted corpus came out like, in a few lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.shards import Corpus

PERCENTILES = (5, 50, 95)


@dataclass(frozen=True)
class Summary:
    """Counts and errors of the people of a lifted corpus.

    Attributes:
        people: annotated people; ``lifted`` of them were lifted.
        completed: joints that the annotation lacked, per lifted person.
        predicted_mm: predicted pose errors at :data:`PERCENTILES`.
        measured_mm: mean measured error, or None where no truth was given.
        covered: share of measured errors within their intervals, or None.
        refused: how many people were refused for each reason.
    """

    people: int
    lifted: int
    completed: float
    predicted_mm: tuple[float, ...]
    measured_mm: float | None
    covered: float | None
    refused: dict[str, int]

    def lines(self) -> list[str]:
        """For the terminal."""
        lines = [
            f"{self.lifted:,} of {self.people:,} people lifted, {self.completed:.1f} joints completed each"
        ]
        lines += [f"  {count:,} refused: {reason}" for reason, count in sorted(self.refused.items())]
        if self.lifted:
            best, median, worst = self.predicted_mm
            lines.append(
                f"predicted error: median {median:.0f} mm, 5 % below {best:.0f}, 5 % above {worst:.0f}"
            )
        if self.measured_mm is not None and self.covered is not None:
            inside = f"{self.covered:.0%} within their 90 % intervals"
            lines.append(f"measured error against the truth: mean {self.measured_mm:.0f} mm, {inside}")
        return lines


def summarise(corpus: Corpus) -> Summary:
    """Read what lifting wrote."""
    people, completed = 0, 0
    predicted: list[float] = []
    measured: list[tuple[float, bool]] = []
    refused: dict[str, int] = {}
    for sample in corpus.samples(()):
        people += len(sample.people)
        for reason in sample.provenance.get("refused", {}).values():
            refused[reason] = refused.get(reason, 0) + 1
        for lift in (person.lift for person in sample.people if person.lift is not None):
            completed += int(lift.completed.sum())
            predicted.append(lift.pose_error_mm)
            if lift.measured_error_mm is not None:
                low, high = lift.pose_interval_mm
                measured.append((lift.measured_error_mm, bool(low <= lift.measured_error_mm <= high)))
    values: NDArray[np.float64] = np.array(measured, np.float64).reshape(-1, 2)
    return Summary(
        people=people,
        lifted=len(predicted),
        completed=completed / max(1, len(predicted)),
        predicted_mm=tuple(np.percentile(predicted, PERCENTILES).tolist()) if predicted else (),
        measured_mm=float(values[:, 0].mean()) if len(values) else None,
        covered=float(values[:, 1].mean()) if len(values) else None,
        refused=refused,
    )
