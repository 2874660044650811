"""How evenly a set of poses covers what could have been drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from posecorpus.synth.balance.density import nearest
from posecorpus.synth.balance.poses import Poses

RADII_MM = (50, 100, 150)
PROBES = 500
MAX_SPREAD = 20_000


@dataclass(frozen=True)
class Coverage:
    """A corpus seen from probes that are spread evenly over the poses.

    Attributes:
        poses: how many the corpus has.
        within: share of probes with a pose of the corpus within each of :data:`RADII_MM`.
        nearest_mm: mean distance of a probe from the nearest pose.
        cells: effective number of cells that the corpus fills: e to the entropy of its poses over the
            probes each is nearest to. All alike: 1; evenly spread: the number of probes.
    """

    poses: int
    within: tuple[float, ...]
    nearest_mm: float
    cells: float

    def __str__(self) -> str:
        shares = ", ".join(
            f"{share:.0%} within {radius} mm" for share, radius in zip(self.within, RADII_MM, strict=True)
        )
        return f"{shares}, mean {self.nearest_mm:.0f} mm; {self.cells:.0f} effective cells"


def spread(poses: Poses, count: int = PROBES) -> Poses:
    """At most ``count`` poses, each as far as can be from those before it (Gonzalez 1985, farthest first).

    Every pose is then within the same distance of one of them: an even set, however dense the poses lie.
    Of more than :data:`MAX_SPREAD` poses an even choice takes part.
    """
    rows = np.linspace(0, len(poses) - 1, min(len(poses), MAX_SPREAD)).round().astype(np.intp)
    points = poses[rows].reshape(len(rows), -1).astype(np.float32)
    distance = np.full(len(points), np.inf, np.float32)
    chosen = [0]
    while len(chosen) < min(count, len(points)):
        step = points - points[chosen[-1]]
        np.minimum(distance, np.einsum("ij,ij->i", step, step), out=distance)
        if distance.max() == 0:
            break
        chosen.append(int(distance.argmax()))
    return poses[rows[chosen]]


def coverage(corpus: Poses, probes: Poses) -> Coverage:
    """How well a corpus covers the probes.

    Args:
        corpus: (N, J, 3).
        probes: (P, J, 3), as :func:`spread` gives them.
    """
    if not len(corpus):
        return Coverage(0, (0.0,) * len(RADII_MM), float("inf"), 0.0)
    gaps = nearest(probes, corpus, 1)[0][:, 0]
    cells = nearest(corpus, probes, 1)[1][:, 0]
    shares = np.bincount(cells) / len(corpus)
    shares = shares[shares > 0]
    entropy = -float((shares * np.log(shares)).sum())
    within = tuple(float((gaps <= radius).mean()) for radius in RADII_MM)
    return Coverage(len(corpus), within, float(gaps.mean()), float(np.exp(entropy)))


def as_json(covered: Coverage) -> dict[str, float | int | dict[str, float] | None]:
    """For a manifest; null where there is no pose."""
    return {
        "poses": covered.poses,
        "within": {f"{radius} mm": round(s, 4) for radius, s in zip(RADII_MM, covered.within, strict=True)},
        "nearest_mm": round(covered.nearest_mm, 1) if covered.poses else None,
        "effective_cells": round(covered.cells, 1),
    }
