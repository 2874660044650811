"""The matches that a person is lifted from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import Skeleton
from posecorpus.pseudogt.library.store import PoseLibrary
from posecorpus.pseudogt.search.index import ViewIndex
from posecorpus.pseudogt.search.matches import Matches

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Candidates:
    """n matches of each of Q people, nearest first.

    Attributes:
        views: (Q, n) int64 view numbers, -1 where there are fewer than n.
        mirrored: (Q, n) bool the match is the view's mirror image.
        distances: (Q, n) float64 match distances, inf where there is none.
    """

    views: NDArray[np.int64]
    mirrored: NDArray[np.bool_]
    distances: NDArray[np.float64]

    def rows(self, rows: NDArray[np.integer] | NDArray[np.bool_] | slice) -> Candidates:
        """Those of some of the people."""
        return Candidates(self.views[rows], self.mirrored[rows], self.distances[rows])

    def joints3d(self, library: PoseLibrary, skeleton: Skeleton) -> Array:
        """(Q, n, J, 3) metres in the frames of the views; a match that is not one holds NaN."""
        joints = library.joints3d(np.maximum(self.views, 0), skeleton)
        joints[self.views < 0] = np.nan
        flipped = joints[self.mirrored][:, skeleton.mirror]
        flipped[..., 0] *= -1.0
        joints[self.mirrored] = flipped
        return joints


def plain(matches: Matches) -> Candidates:
    """Matches as the search gives them."""
    return Candidates(matches.views, np.zeros(matches.views.shape, np.bool_), matches.distances)


def both_sides(
    index: ViewIndex,
    poses2d: Array,
    n: int,
    skeleton: Skeleton,
    *,
    approximate: bool,
    exclude: NDArray[np.integer] | None,
    threads: int,
) -> Candidates:
    """The n nearest views and the n nearest mirror images of views, merged, nearest first.

    People move to either side alike, so mirror images double what a library knows; looking for the
    mirrored person finds them without storing them.
    """
    opposite = poses2d[:, skeleton.mirror] * [-1.0, 1.0]
    found = [
        index.search(poses, n, approximate=approximate, exclude=exclude, threads=threads)
        for poses in (poses2d, opposite)
    ]
    views = np.concatenate([f.views for f in found], 1)
    distances = np.concatenate([f.distances for f in found], 1)
    mirrored = np.repeat([[False, True]], n, axis=1) & np.ones((len(views), 1), np.bool_)
    order = np.argsort(distances, axis=1, kind="stable")
    return Candidates(
        np.take_along_axis(views, order, 1),
        np.take_along_axis(mirrored, order, 1),
        np.take_along_axis(distances, order, 1),
    )
