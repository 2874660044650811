"""The search index of a pose library."""

from __future__ import annotations

import numpy as np

from posecorpus.core.skeletons import Skeleton
from posecorpus.pseudogt.library.store import PoseLibrary
from posecorpus.pseudogt.search.index import ViewIndex


def library_index(library: PoseLibrary, skeleton: Skeleton, *, threads: int = 1) -> ViewIndex:
    """The index of a library's views for a skeleton: orthographic projections; groups are subjects."""
    projections = np.empty((len(library), len(skeleton), 2), np.float32)
    for start in range(0, len(library), 1 << 16):
        numbers = np.arange(start, min(start + (1 << 16), len(library)))
        projections[numbers] = library.joints3d(numbers, skeleton)[..., :2]
    groups = np.repeat(library.subject_of_pose, library.views)
    return ViewIndex.build(projections, groups, threads=threads)
