"""The search index of a pose library."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import Skeleton
from posecorpus.pseudogt.library.store import PoseLibrary
from posecorpus.pseudogt.search.files import FORMAT_VERSION
from posecorpus.pseudogt.search.index import ViewIndex

CHUNK = 1 << 14


def library_index(library: PoseLibrary, skeleton: Skeleton, *, threads: int = 1) -> ViewIndex:
    """The index of a library's views for a skeleton.

    Views are orthographic projections; groups are ``subject_of_pose``; joints that the library lacks are never
    used. A library with a folder keeps the index there (``index-<skeleton>``), and it is memory-mapped, so
    that processes share it; one that is damaged or belongs to other poses is made anew. Where it cannot be
    written it stays in memory.

    Args:
        threads: how many threads may work when it has to be made.

    Raises:
        InputError: the place of the index holds something else.
    """
    if library.folder is None:
        return _build(library, skeleton, threads)
    folder, source = library.folder / f"index-{skeleton.name}", _source(library, skeleton)
    try:
        index = ViewIndex.open(folder)
    except InputError:
        index = None
    if index is not None and index.source == source:
        return index
    index = _build(library, skeleton, threads)
    try:
        index.save(folder, source)
    except OSError:  # a library on a read-only or a full disk is still good to search
        return index
    return ViewIndex.open(folder)


def _build(library: PoseLibrary, skeleton: Skeleton, threads: int) -> ViewIndex:
    groups = np.repeat(library.subject_of_pose, library.views).astype(np.int32)
    return ViewIndex.build(_projections(library, skeleton), groups, threads=threads)


def _projections(library: PoseLibrary, skeleton: Skeleton) -> NDArray[np.float32]:
    """(M, J, 2) float32 metres, x right, y down."""
    result = np.empty((len(library), len(skeleton), 2), np.float32)
    for start in range(0, len(library), CHUNK):
        numbers = np.arange(start, min(start + CHUNK, len(library)))
        result[numbers] = library.joints3d(numbers, skeleton)[..., :2]
    return result


def _source(library: PoseLibrary, skeleton: Skeleton) -> str:
    """sha256 of all that decides the index."""
    digest = hashlib.sha256(repr((FORMAT_VERSION, library.views, skeleton.landmarks)).encode())
    arrays = library.poses, library.azimuth_deg, library.elevation_deg, library.subject_of_pose
    for array in arrays:
        digest.update(array.tobytes())
    return digest.hexdigest()
