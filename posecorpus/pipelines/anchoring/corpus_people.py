"""Oriented poses of a corpus, in 3D and in its pictures, read without these."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from posecorpus.anchors.poses import PoseSet, pose_set
from posecorpus.core.errors import InputError
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import SKELETONS, Skeleton, convert

_COLUMNS = [f"people.list.element.{name}" for name in ("skeleton", "joints2d", "joints3d")]
_BATCH = 1000


def corpus_people(corpus: Corpus, wanted: Skeleton) -> PoseSet:
    """Everybody who has all wanted joints in both 2D and 3D.

    Raises:
        InputError: a shard cannot be read, or nobody is like that.
    """
    joints3d: list[NDArray[np.floating]] = [np.zeros((0, len(wanted), 3))]
    joints2d: list[NDArray[np.floating]] = [np.zeros((0, len(wanted), 2))]
    had = set()
    for people in _people(corpus):
        known = [who for who in people if who["joints3d"] is not None and who["skeleton"] in SKELETONS]
        for name in sorted({who["skeleton"] for who in known}):
            source, rows = SKELETONS[name], [who for who in known if who["skeleton"] == name]
            had.add(name)
            joints3d.append(
                convert(_array([who["joints3d"] for who in rows], len(source), 3), source, wanted)
            )
            joints2d.append(
                convert(_array([who["joints2d"] for who in rows], len(source), 2), source, wanted)
            )
    poses = pose_set(wanted, str(corpus.storage), np.concatenate(joints3d), np.concatenate(joints2d))
    if not len(poses):
        got = ", ".join(sorted(had)) or "nobody with 3D"
        raise InputError(corpus.storage, f"people with all joints of {wanted.name} in 2D and 3D", got)
    return poses


def _array(rows: list[Any], joints: int, axes: int) -> NDArray[np.float64]:
    """(N, J, axes) from nested lists; a row of another shape is all NaN."""
    found = np.full((len(rows), joints, axes), np.nan)
    for n, row in enumerate(rows):
        flat = np.asarray(row, np.float64) if row is not None else np.zeros(0)
        if flat.shape == (joints, axes):
            found[n] = flat
    return found


def _people(corpus: Corpus) -> Iterator[list[dict[str, Any]]]:
    """The people of some samples after the other, never of all at once."""
    for entry in corpus.manifest.shards:
        where = corpus.storage.where(entry.file)
        try:
            for batch in corpus.open(entry).iter_batches(_BATCH, columns=_COLUMNS):
                yield [who for people in batch["people"].to_pylist() for who in people]
        except (OSError, pa.ArrowException) as error:
            raise InputError(where, "readable rows", error, "run `posecorpus verify` on the corpus") from None
