"""Verdicts of a corpus's pictures, gathered while it streams by: some hundred bytes a person and a detection."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from posecorpus.pipelines.evaluation.people_figures import Traits
from posecorpus.pipelines.evaluation.people_truth import PictureTruth
from posecorpus.pipelines.evaluation.people_verdicts import Verdict


class Ledger:
    """Verdicts by way of decoding, and the traits of the same people.

    Attributes:
        pictures: how many were judged.
        ignored: people who do not count.
        lifted: pictures whose 3D was lifted from 2D.
    """

    def __init__(self) -> None:
        self._verdicts: dict[str, list[Verdict]] = {}
        self._tried: dict[tuple[float, int], list[Verdict]] = {}
        self._traits: list[Traits] = []
        self.pictures = self.ignored = self.lifted = 0

    def add(
        self,
        truth: PictureTruth,
        verdicts: Mapping[str, Verdict],
        tried: Mapping[tuple[float, int], Verdict] | None = None,
    ) -> None:
        """One picture: its verdict for each way of decoding and each pair of thresholds, always the same ones."""
        for name, verdict in verdicts.items():
            self._verdicts.setdefault(name, []).append(verdict)
        for pair, verdict in (tried or {}).items():
            self._tried.setdefault(pair, []).append(verdict)
        self._traits.append(_traits(truth))
        self.pictures += 1
        self.ignored += truth.left_out + int((~truth.counted).sum())
        self.lifted += int(truth.lifted)

    def verdicts(self) -> dict[str, Verdict]:
        """Of all pictures together."""
        return {name: Verdict.together(found) for name, found in self._verdicts.items()}

    def tried(self, pair: tuple[float, int]) -> Verdict:
        """Of all pictures together, with a pair of thresholds."""
        return Verdict.together(self._tried[pair])

    def traits(self) -> Traits:
        """Of all people together."""
        names = list(vars(self._traits[0]))
        return Traits(**{name: np.concatenate([vars(t)[name] for t in self._traits]) for name in names})


def _traits(truth: PictureTruth) -> Traits:
    counted: NDArray[np.bool_] = truth.counted
    return Traits(
        hidden=truth.hidden[counted],
        labelled3d=np.asarray(np.isfinite(truth.joints3d[counted]).all(-1)),
        head_px=truth.head_px[counted],
        torso_px=truth.torso_px[counted],
        outside=truth.outside[counted],
        covered=truth.covered[counted],
        rarity_mm=truth.rarity_mm[counted],
        company=np.full(int(counted.sum()), int(counted.sum()), np.int64),
    )
