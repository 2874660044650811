"""Nearest views under any mask of missing joints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.pseudogt.search.matches import Matches
from posecorpus.pseudogt.search.queries import normalise_queries

DEGENERATE = 1e-5
"""A view whose annotated joints extend less than this share of the whole view has no shape under the mask."""


class ViewIndex:
    """M views of J joints, searchable by any of their joints.

    The distance is LCR-Net++'s equation 9 made free of translation: on the annotated joints S of the query,
    query and view are centred on their mean and divided by their norm; what counts is the norm of the
    difference. Equal distances are ordered by view number.
    """

    def __init__(self, views: NDArray[np.float32], groups: NDArray[np.int32] | None) -> None:
        self._views, self._groups = views, groups

    @classmethod
    def build(
        cls,
        projections: NDArray[np.float32],
        groups: NDArray[np.int32] | None = None,
        *,
        threads: int = 1,
        seed: int = 0,
    ) -> ViewIndex:
        """Index views.

        Args:
            projections: (M, J, 2) in any unit; a joint that is NaN in all views is never used.
            groups: (M,) numbers that ``exclude`` of :meth:`search` refers to, at least 0.
            threads: how many threads may work.
            seed: of the clustering; it decides the speed, never the results of an exact search.

        Raises:
            InputError: a coordinate is not finite, or shapes disagree.
        """
        return cls(np.asarray(projections, np.float32), groups)

    def __len__(self) -> int:
        return len(self._views)

    def save(self, folder: Path) -> None:
        """Write the index into a new folder, all or nothing."""
        folder.mkdir(parents=True)
        np.save(folder / "views.npy", self._views)
        if self._groups is not None:
            np.save(folder / "groups.npy", self._groups)

    @classmethod
    def open(cls, folder: Path) -> ViewIndex:
        """Map an index into memory.

        Raises:
            InputError: missing or damaged.
        """
        groups = folder / "groups.npy"
        return cls(np.load(folder / "views.npy", mmap_mode="r"), np.load(groups) if groups.exists() else None)

    def search(
        self,
        poses2d: NDArray[np.floating],
        k: int,
        *,
        approximate: bool = False,
        exclude: NDArray[np.integer] | None = None,
        threads: int = 1,
    ) -> Matches:
        """The k nearest views of each pose.

        Args:
            poses2d: (Q, J, 2) in any unit; NaN where a joint is missing.
            k: how many views.
            approximate: look only where neighbours are most likely.
            exclude: (Q,) group whose views are left out for the pose; negative for none.
            threads: how many threads may work.

        Returns:
            Matches; for a pose of fewer than 4 joints, or with all joints on one point, views -1 and
            distances inf. A view whose annotated joints lie on one point is never a match.

        Raises:
            InputError: shapes disagree, or k is not positive.
        """
        if k < 1:
            raise InputError("k", "at least 1", k)
        queries = normalise_queries(poses2d, np.asarray(np.isfinite(self._views[:1]).all((0, 2)), np.bool_))
        views = np.full((len(queries.unit), k), -1, np.int64)
        distances = np.full((len(queries.unit), k), np.inf)
        for row in np.flatnonzero(queries.valid):
            on = queries.mask[row]
            of_row = np.full(len(self), np.inf)
            for start in range(0, len(self), 1 << 16):
                x = self._views[start : start + (1 << 16)].astype(np.float64)
                whole = x[:, np.isfinite(x[0]).all(-1)]
                whole = whole - whole.mean(1, keepdims=True)
                x = x[:, on] - x[:, on].mean(1, keepdims=True)
                norm = np.sqrt((x**2).sum((1, 2)))
                good = norm > DEGENERATE * np.sqrt((whole**2).sum((1, 2)))
                apart = x / np.where(good, norm, 1)[:, None, None] - queries.unit[row, on]
                of_row[start : start + len(x)] = np.where(good, np.sqrt((apart**2).sum((1, 2))), np.inf)
            if exclude is not None and exclude[row] >= 0:
                if self._groups is None:
                    raise InputError("exclude", "an index with groups", "one without")
                of_row[self._groups == exclude[row]] = np.inf
            order = np.lexsort((np.arange(len(self)), of_row))[:k]
            order = order[np.isfinite(of_row[order])]
            views[row, : len(order)], distances[row, : len(order)] = order, of_row[order]
        return Matches(views, distances)
