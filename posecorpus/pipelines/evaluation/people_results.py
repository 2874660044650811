"""An evaluation of people as a whole: figures by decoding, curves, what is hard, examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import Skeleton
from posecorpus.pipelines.evaluation.people_examples import Example, Extremes
from posecorpus.pipelines.evaluation.people_figures import (
    PeopleFigures,
    Traits,
    figures,
    joints_curve,
    pck3d_curve,
    pckh_curve,
    people_curve,
    thinned,
)
from posecorpus.pipelines.evaluation.people_ledger import Ledger
from posecorpus.pipelines.evaluation.people_sweep import SweepCell, sweep_cells
from posecorpus.pipelines.evaluation.people_verdicts import Verdict

UPPER_BOUND = "upper bound"
Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Curves:
    """Of one decoding; empty where there is nothing to draw.

    Attributes:
        pckh: threshold in head sizes, share of the joints.
        pck3d, pck3d_rigid: radius in mm, share of the joints, torso-centred and aligned.
        joints, people: recall, precision.
    """

    pckh: Points
    pck3d: Points
    pck3d_rigid: Points
    joints: Points
    people: Points


@dataclass(frozen=True)
class Bin:
    """People who have something in common.

    Attributes:
        label: what.
        people: how many.
        found: share of them that a detection is about.
        pckh, pck3d: of all of them; mpjpe_abs_mm, mpjpe_rigid_mm: of the found.
    """

    label: str
    people: int
    found: float
    pckh: float | None
    mpjpe_abs_mm: float | None
    mpjpe_rigid_mm: float | None
    pck3d: float | None


@dataclass(frozen=True)
class PeopleResults:
    """All of it.

    Attributes:
        settings: what was asked, and of which run.
        people, ignored: who counts, and who does not.
        lifted: pictures whose 3D truth was itself lifted from 2D.
        figures, curves: by decoding; the upper bound last.
        bins: of the first decoding, by what they are about.
        sweep: the first decoding with other thresholds; empty if that was not asked for.
        worst, best, alarms: pictures of the first decoding; the last with its surest detections of nobody.
    """

    settings: dict[str, Any]
    people: int
    ignored: int
    lifted: int
    figures: dict[str, PeopleFigures]
    curves: dict[str, Curves]
    bins: dict[str, list[Bin]]
    sweep: list[SweepCell]
    worst: list[Example]
    best: list[Example]
    alarms: list[Example]

    @property
    def main(self) -> str:
        """The decoding that the page is about."""
        return next(iter(self.figures))

    @property
    def has_3d(self) -> bool:
        """Whether the truth knows anybody in space."""
        return any(found.pck3d is not None for found in self.figures.values())

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON; the pictures stay in the page."""
        examples = {
            which: [{k: v for k, v in asdict(e).items() if k != "jpeg"} for e in getattr(self, which)]
            for which in ("worst", "best", "alarms")
        }
        return asdict(self) | examples


def results_of(
    ledger: Ledger,
    joints: Skeleton,
    settings: dict[str, Any],
    extremes: Extremes,
    tried: Sequence[tuple[float, int]] = (),
) -> PeopleResults:
    """Figures, curves and bins of what was gathered.

    Args:
        tried: pairs of thresholds of the ledger.

    Raises:
        InputError: nobody counts.
    """
    verdicts, traits = ledger.verdicts(), ledger.traits()
    if not len(traits.head_px):
        raise InputError(settings["corpus"], "people with joints that are visible in their pictures", "none")
    return PeopleResults(
        settings=settings,
        people=len(traits.head_px),
        ignored=ledger.ignored,
        lifted=ledger.lifted,
        figures={
            name: figures(verdict, traits, joints, ranked=name != UPPER_BOUND)
            for name, verdict in verdicts.items()
        },
        curves={name: _curves(verdict, traits) for name, verdict in verdicts.items()},
        bins=_bins(next(iter(verdicts.values())), traits),
        sweep=sweep_cells({pair: figures(ledger.tried(pair), traits, joints) for pair in tried}),
        worst=extremes.worst(),
        best=extremes.best(),
        alarms=extremes.alarms(),
    )


def _curves(verdict: Verdict, traits: Traits) -> Curves:
    return Curves(
        pckh=pckh_curve(verdict),
        pck3d=pck3d_curve(verdict.abs_mm, traits.labelled3d),
        pck3d_rigid=pck3d_curve(verdict.rigid_mm, traits.labelled3d),
        joints=thinned(joints_curve(verdict)),
        people=thinned(people_curve(verdict)),
    )


_SHARES: tuple[tuple[str, float, float], ...] = (
    ("none", -1, 0), ("up to 25 %", 0, 0.25), ("25 to 50 %", 0.25, 0.5), ("over 50 %", 0.5, 1),
)  # fmt: skip
"""Label, above, and up to."""
_INF = float("inf")
_Edges = tuple[tuple[str, float, float], ...]
_BY: dict[str, tuple[Callable[[Traits], NDArray[Any]], _Edges]] = {
    "joints outside of the picture": (lambda t: t.outside, _SHARES),
    "joints in the picture that are hidden": (lambda t: t.covered, _SHARES),
    "head size": (
        lambda t: t.head_px,
        (("up to 8 px", 0, 8), ("8 to 16 px", 8, 16), ("16 to 32 px", 16, 32), ("32 to 64 px", 32, 64), ("over 64 px", 64, _INF)),
    ),
    "people in the picture": (lambda t: t.company, (("1", 0, 1), ("2 or 3", 1, 3), ("4 to 6", 3, 6), ("7 or more", 6, _INF))),
    "distance to the nearest anchor pose": (
        lambda t: t.rarity_mm,
        (("up to 50 mm", -1, 50), ("50 to 100 mm", 50, 100), ("100 to 150 mm", 100, 150), ("over 150 mm", 150, _INF)),
    ),
}  # fmt: skip


def _bins(verdict: Verdict, traits: Traits) -> dict[str, list[Bin]]:
    result = {}
    for title, (value_of, edges) in _BY.items():
        values = value_of(traits)
        found = [
            _bin(label, (values > low) & (values <= high), verdict, traits) for label, low, high in edges
        ]
        if any(one.people for one in found):
            result[title] = [one for one in found if one.people]
    return result


def _bin(label: str, which: NDArray[np.bool_], verdict: Verdict, traits: Traits) -> Bin:
    heads, absolute, rigid = verdict.heads[which], verdict.abs_mm[which], verdict.rigid_mm[which]
    known, judged = traits.labelled3d[which], ~np.isnan(heads)
    count = int(which.sum())
    return Bin(
        label=label,
        people=count,
        found=round(float((~np.isnan(verdict.score[which])).mean()), 5) if count else 0.0,
        pckh=_ratio((heads <= 0.5).sum(), judged.sum()),
        mpjpe_abs_mm=_mean(absolute),
        mpjpe_rigid_mm=_mean(rigid),
        pck3d=_ratio((absolute <= 150.0).sum(), known.sum()),
    )


def _ratio(part: int, whole: int) -> float | None:
    return round(float(part / whole), 5) if whole else None


def _mean(values: NDArray[np.float32]) -> float | None:
    known = values[~np.isnan(values)]
    return round(float(known.mean(dtype=np.float64)), 2) if len(known) else None
