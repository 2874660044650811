"""Nearest views under any mask of missing joints.

How it works: FAISS k-means groups the views, normalised on all joints, into cells (:mod:`partition`); a
cell is cut into blocks of 32 views, laid out so that vector instructions score them together (:mod:`layout`).
A cone around each block and cell, good for any mask without work beforehand, tells which cannot hold
one of the k nearest (:mod:`scan`); batches of queries walk through the rest (:mod:`walk`). Float32 only
ever rules views out, by more than its rounding; what is left is measured in float64 (:mod:`exact`).

What bounds the speed (1e6 views of MoCap): a query with all joints enters a third of the cells, where the cones of
blocks are computed, and scores 3 % of the blocks for the nearest view, 5 % for the 50 nearest; with four joints missing
half and 6 to 9 %. Scoring a block takes 0.1 us from the cache and five times that from memory, which is why
queries walk in batches: each block is read once for all. Queries with a mask of their own also pay for the cones'
widths and the norms of views under it, which queries of one mask share: about as much again.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.pseudogt.search.exact import NO_VIEW
from posecorpus.pseudogt.search.files import map_tree, write_tree
from posecorpus.pseudogt.search.layout import lay_out
from posecorpus.pseudogt.search.matches import Matches
from posecorpus.pseudogt.search.normalise import Queries, normalise_queries
from posecorpus.pseudogt.search.partition import partition
from posecorpus.pseudogt.search.walk import Tree, read_only, walk

BATCH = 256
"""Queries that walk together. More share each view read from memory, but need memory of their own."""


def approximate_share(k: int) -> np.float32:
    """Share of their radii that cones keep when approximate: as much as a recall@1 of .99 needs.

    Cones are cut off against the k-th best, so the nearest are the safer the larger k is: 0.7 for k = 1,
    0.61 for k = 50, where the recall of all 50 is .99 too in a library of 1e6 views (benchmarks/lift.py).
    """
    return np.float32(0.6 + 0.1 / np.sqrt(k))


class ViewIndex:
    """M views of J joints, searchable by any of their joints.

    The distance is LCR-Net++'s equation 9 made free of translation: on the annotated joints S of the query,
    query and view are centred on their mean and divided by their norm; what counts is the norm of the
    difference. Equal distances are ordered by view number.
    """

    def __init__(self, tree: Tree, usable: NDArray[np.bool_], source: str = "") -> None:
        self._tree, self._usable, self.source = read_only(tree), usable, source

    @classmethod
    def build(
        cls,
        projections: NDArray[np.float32],
        groups: NDArray[np.int32] | None = None,
        *,
        threads: int = 1,
        seed: int = 0,
    ) -> ViewIndex:
        """Index views. Needs memory for three times the projections, of which the index keeps two.

        Args:
            projections: (M, J, 2) in any unit; a joint that is NaN in all views is never used. Not copied
                if float32 without such joints, so they must not change afterwards.
            groups: (M,) numbers that ``exclude`` of :meth:`search` refers to, at least 0.
            threads: how many threads may work.
            seed: of the clustering; it decides the speed, never the results of an exact search.

        Raises:
            InputError: no views, a coordinate that is not finite, or shapes that disagree.
        """
        if projections.ndim != 3 or projections.shape[-1] != 2 or 0 in projections.shape:
            raise InputError("views to index", "shape (M, J, 2), none of them 0", projections.shape)
        usable = np.asarray(~np.isnan(projections[0]).any(-1), np.bool_)
        views = projections if usable.all() else projections[:, usable]
        views = np.ascontiguousarray(views, np.float32)
        if not usable.any() or not all(np.isfinite(part).all() for part in _chunks(views)):
            raise InputError("views to index", "finite coordinates, or a joint NaN in all views", "others")
        if not all(np.isnan(part).any(-1).all() for part in _chunks(projections[:, ~usable])):
            raise InputError("views to index", "a joint NaN in all views or in none", "one in some")
        groups = np.zeros(0, np.int32) if groups is None else np.ascontiguousarray(groups, np.int32)
        if len(groups) and groups.shape != (len(views),):
            raise InputError("groups of views", f"shape ({len(views)},)", groups.shape)
        order, first = partition(views, threads=threads, seed=seed)
        return cls(lay_out(views, groups, order, first), usable)

    def __len__(self) -> int:
        return len(self._tree.views)

    def save(self, folder: Path, source: str = "") -> None:
        """Write the index into a folder, all or nothing; an index that is there is replaced.

        Args:
            source: what the views came from, to be compared with :attr:`source` of the opened index.

        Raises:
            InputError: the folder holds something else.
        """
        write_tree(folder, self._tree, self._usable, source)

    @classmethod
    def open(cls, folder: Path) -> ViewIndex:
        """Map an index into memory.

        Shapes, types and every number that is used as an address are checked; coordinates are not.

        Raises:
            InputError: missing or damaged.
        """
        return cls(*map_tree(folder))

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

        The results of a pose depend neither on the other poses nor on the number of threads.

        Args:
            poses2d: (Q, J, 2) in any unit; NaN where a joint is missing.
            k: how many views.
            approximate: take cones for narrower than they are: faster, but a neighbour may be missed.
            exclude: (Q,) group whose views are left out for the pose; negative for none.
            threads: how many threads may work.

        Returns:
            Matches; for a pose of fewer than 4 joints, or with all joints on one point, views -1 and
            distances inf. A view whose annotated joints lie on one point is never a match.

        Raises:
            InputError: shapes disagree, k is not positive, or ``exclude`` without groups.
        """
        if k < 1:
            raise InputError("k", "at least 1", k)
        queries = normalise_queries(poses2d, self._usable)
        count = len(queries.unit)
        excluded = np.full(count, -1) if exclude is None else np.asarray(exclude, np.int64)
        if excluded.shape != (count,):
            raise InputError("exclude", f"shape ({count},)", excluded.shape)
        if (excluded >= 0).any() and not len(self._tree.groups):
            raise InputError("exclude", "an index with groups", "one without")
        distances = np.full((count, k), np.inf)
        views = np.full((count, k), NO_VIEW)
        rows = np.flatnonzero(queries.valid)
        _, mask_of_row = np.unique(queries.mask[rows], axis=0, return_inverse=True)
        rows = rows[np.argsort(mask_of_row.ravel(), kind="stable")]
        share = approximate_share(k) if approximate else np.float32(1)
        size = max(1, min(BATCH, -(-len(rows) // threads)))
        with ThreadPoolExecutor(threads) as pool:
            batches = [rows[start : start + size] for start in range(0, len(rows), size)]
            done = pool.map(lambda b: self._search(queries, b, excluded[b], share, k), batches)
            for batch, (batch_distances, batch_views) in zip(batches, done, strict=True):
                distances[batch], views[batch] = batch_distances, batch_views
        return Matches(np.where(views == NO_VIEW, -1, views), distances)

    def _search(
        self,
        queries: Queries,
        batch: NDArray[np.intp],
        excluded: NDArray[np.int64],
        share: np.float32,
        k: int,
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Distances and views (N, k), in order, of a batch whose equal masks lie together."""
        mask = queries.mask[batch][:, self._usable]
        starts = np.flatnonzero(np.r_[True, (mask[1:] != mask[:-1]).any(1), True])
        best, views = np.full((len(batch), k), np.inf), np.full((len(batch), k), NO_VIEW)
        unit = np.ascontiguousarray(queries.unit[batch][:, self._usable])
        walk(self._tree, mask[starts[:-1]], starts, unit, excluded, share, best, views)
        order = np.lexsort((views, best), axis=-1)
        return np.sqrt(np.take_along_axis(best, order, -1)), np.take_along_axis(views, order, -1)


def _chunks(array: NDArray[np.float32], size: int = 1 << 18) -> list[NDArray[np.float32]]:
    """Pieces of an array, so that a test of all its numbers needs little memory."""
    return [array[start : start + size] for start in range(0, len(array), size)]
