"""Which samples a report pictures: spread over the corpus, or, where 3D was lifted, over its trust."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.seeds import generator
from posecorpus.inspect.report.columns import Columns

UNLIFTED_SHARE = 8
"""One place in so many is for pictures with nobody lifted, where there are any."""


@dataclass(frozen=True)
class Group:
    """Samples that the contact sheet shows under one heading.

    Attributes:
        title, note: the heading, empty where there is only one group.
        rows: indices within the corpus, in the order to show them.
    """

    title: str
    note: str
    rows: list[int]


def spread(total: int, wanted: int, seed: int) -> list[int]:
    """At most ``wanted`` indices below ``total``, one drawn from each of as many equal stretches."""
    count = max(0, min(total, wanted))
    rng = generator(seed, "report")
    return [int(rng.integers(i * total // count, (i + 1) * total // count)) for i in range(count)]


def choose(columns: Columns, total: int, wanted: int, seed: int) -> list[Group]:
    """Samples to picture, at most ``wanted`` of ``total``.

    A corpus with lifted people gives the most trusted, those around the median and the least trusted, a third
    each, and a few with nobody lifted. A picture is as trusted as the least trusted of its people.
    """
    errors = sample_errors(columns)
    if not np.isfinite(errors).any():
        return [Group("", "", spread(total, wanted, seed))]
    unlifted = columns.rows[np.isnan(errors)]
    places = min(len(unlifted), max(wanted // UNLIFTED_SHARE, wanted - int(np.isfinite(errors).sum())))
    groups = _thirds(columns.rows, errors, wanted - places)
    if places:
        rest = [int(unlifted[i]) for i in spread(len(unlifted), places, seed)]
        groups.append(Group("Not lifted", f"{len(unlifted):,} pictures with nobody lifted.", rest))
    return groups


def sample_errors(columns: Columns) -> NDArray[np.float64]:
    """(N,) largest predicted pose error of each picture's lifted people, mm; NaN where nobody is lifted."""
    predicted = columns.lift["pose_error_mm"]
    lifted = np.isfinite(predicted)
    errors = np.full(len(columns.rows), -np.inf)
    np.maximum.at(errors, columns.image[lifted], predicted[lifted])
    return np.where(np.isfinite(errors), errors, np.nan)


def _thirds(rows: NDArray[np.intp], errors: NDArray[np.float64], wanted: int) -> list[Group]:
    lifted = np.flatnonzero(np.isfinite(errors))
    order = lifted[np.argsort(errors[lifted], kind="stable")]
    count = min(wanted, len(order))
    sizes = [
        (count + 2) // 3,
        (count + 1) // 3,
        count // 3,
    ]  # a remainder goes to the best, then to the middle
    starts = [0, (len(order) - sizes[1]) // 2, len(order) - sizes[2]]
    # With few pictures the middle would overlap its neighbours.
    starts[1] = min(max(starts[1], sizes[0]), starts[2] - sizes[1])
    groups = []
    titles = ("Most trusted", "Around the median", "Least trusted")
    for title, start, size in zip(titles, starts, sizes, strict=True):
        picked = order[start : start + size]
        if len(picked):
            low, high = errors[picked[0]], errors[picked[-1]]
            note = f"Ranks {start + 1:,} to {start + size:,} of {len(order):,} by predicted error: {low:.0f} to {high:.0f} mm."
            groups.append(Group(title, note, [int(row) for row in rows[picked]]))
    return groups
