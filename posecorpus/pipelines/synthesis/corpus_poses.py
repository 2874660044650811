"""3D poses of a corpus as arrays, read without its pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import SKELETONS

LEVEL = np.diag([1.0, -1.0, -1.0])
"""Rotation of a level camera that looks along -Z of a world whose Y points up."""
_COLUMNS = ["people.list.element.skeleton", "people.list.element.joints3d", "camera.R"]
_BATCH = 2000


def read_poses(corpus: Corpus, limit: int) -> dict[str, NDArray[np.float32]]:
    """(N, J, 3) joints of the people whose 3D is whole, by skeleton; metres, axes of a world whose Y points up.

    Camera coordinates are turned by the sample's camera; without one, the camera is taken for level.

    Args:
        limit: of more samples than that, every n-th is read.

    Raises:
        InputError: a shard cannot be read, or nobody has 3D.
    """
    corpus.columns("key")  # opens every shard and checks its columns
    stride = max(1, -(-len(corpus) // limit))
    found: dict[str, list[NDArray[np.float32]]] = {}
    for path in corpus.shards:
        try:
            for batch in pq.ParquetFile(path).iter_batches(_BATCH, columns=_COLUMNS):
                for name, joints in whole_poses(batch, stride):
                    found.setdefault(name, []).append(joints)
        except (OSError, pa.ArrowException) as error:
            fix = "run `posecorpus verify` on the corpus"
            raise InputError(path, "a Parquet shard", error, fix) from None
    if not found:
        raise InputError(corpus.path, "a corpus with people in 3D", "nobody with 3D of all joints")
    return {name: np.concatenate(found[name]) for name in sorted(found)}


def whole_poses(batch: pa.RecordBatch, stride: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Skeleton and (N, J, 3) poses of every ``stride``-th row of the columns ``people`` and ``camera``."""
    rows = batch.take(pa.array(np.arange(0, len(batch), stride)))
    people, image = pc.list_flatten(rows["people"]), pc.list_parent_indices(rows["people"])
    to_world = _rotations(pc.struct_field(rows["camera"], "R"))[image.to_numpy()].transpose(0, 2, 1)
    names = pc.struct_field(people, "skeleton")
    lists = pc.struct_field(people, "joints3d")
    for name in names.unique().drop_null().to_pylist():
        if name not in SKELETONS:
            continue
        count = len(SKELETONS[name])
        wanted = pc.and_(pc.equal(names, name), pc.equal(pc.list_value_length(lists), count))
        who = np.flatnonzero(pc.fill_null(wanted, False).to_numpy(zero_copy_only=False))
        joints = _numbers(lists.take(pa.array(who)), (len(who), count, 3))
        whole = np.isfinite(joints).all((1, 2))
        if whole.any():
            yield name, (joints[whole] @ to_world[who[whole]].transpose(0, 2, 1)).astype(np.float32)


def _rotations(lists: Any) -> NDArray[np.float64]:
    """(N, 3, 3) from nullable lists of 9; a null or a matrix that is not finite is a level camera."""
    result = np.tile(LEVEL, (len(lists), 1, 1))
    known = np.flatnonzero(lists.is_valid().to_numpy(zero_copy_only=False))
    given = _numbers(lists.take(pa.array(known)), (len(known), 3, 3))
    finite = np.isfinite(given).all((1, 2))
    result[known[finite]] = given[finite]
    return result


def _numbers(lists: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Nested lists without nulls at their tops as an array; a null inside makes its number NaN."""
    while pa.types.is_list(lists.type) or pa.types.is_fixed_size_list(lists.type):
        lists = pc.list_flatten(lists)
    values = lists.to_numpy(zero_copy_only=False).astype(np.float64)
    # An inner list that is null leaves fewer numbers: which ones are missing cannot be told.
    return values.reshape(shape) if values.size == np.prod(shape) else np.full(shape, np.nan)
