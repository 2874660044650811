"""The annotation columns of a corpus as flat arrays, read without touching a single raster.

A person is a row here, whatever image it is in; a missing value is NaN (or the code -1 for text).
Skeletons are brought together by the twelve limb joints that all of them have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.schema import RASTER_COLUMNS, SCHEMA
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import SKELETONS

Array = NDArray[np.float64]
LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
LIMB_JOINTS = tuple(f"{side}_{limb}" for side in "lr" for limb in LIMBS)
"""Joints that every skeleton has by these names: six of the left side, then six of the right."""

_PERSON = ("skeleton", "joints2d", "joints3d", "visibility", "bbox", "body", "gender", "motion")
_LIFT = (
    "completed", "match_distance", "residual_px", "pose_error_mm", "pose_interval_mm", "measured_error_mm",
)  # fmt: skip
_COLUMNS = [
    "width", "height", "camera", "clip", "skeleton_maps.list.element.person",
    *(f"people.list.element.{name}" for name in _PERSON),
    *(f"people.list.element.lift.{name}" for name in _LIFT),
]  # fmt: skip
"""What is read: without hypotheses, which would be most of it."""
_NUMBERS = ("match_distance", "residual_px", "pose_error_mm", "measured_error_mm")


@dataclass(frozen=True)
class Columns:
    """Annotations of N images with P people.

    Attributes:
        rows: (N,) index of each image within the corpus.
        size: (N, 2) width and height, pixels.
        K, R, t: (N, 3, 3), (N, 3, 3), (N, 3) cameras, NaN where unknown.
        clips: number of different clips among these images.
        image: (P,) index into the N images.
        box: (P, 4) pixels.
        limbs2d, limbs3d: (P, 12, 2) pixels and (P, 12, 3) metres of :data:`LIMB_JOINTS`, NaN where unlabelled.
        text: ``body``, ``gender``, ``motion`` of each person, None where unknown.
        visibility: for each skeleton the (J, 3) numbers of unlabelled, hidden and visible joints.
        lift: ``match_distance``, ``residual_px``, ``pose_error_mm``, ``measured_error_mm`` and the ends ``low_mm``
            and ``high_mm`` of the pose's interval, each (P,), NaN for people who are not lifted.
        completed: for each skeleton (1 + J,): the number of lifted people, and for how many a joint was completed.
        maps: (N,) whether an image has skeleton maps.
    """

    rows: NDArray[np.intp]
    size: Array
    K: Array
    R: Array
    t: Array
    clips: int
    image: NDArray[np.intp]
    box: Array
    limbs2d: Array
    limbs3d: Array
    text: dict[str, NDArray[np.object_]]
    visibility: dict[str, NDArray[np.intp]]
    lift: dict[str, Array]
    completed: dict[str, NDArray[np.intp]]
    maps: NDArray[np.bool_]

    def limb(self, name: str) -> Array:
        """(P, 3) metres of one of :data:`LIMB_JOINTS`."""
        return np.asarray(self.limbs3d[:, LIMB_JOINTS.index(name)])


def label_coverage(corpus: Corpus) -> dict[str, int]:
    """How many samples have each raster, from the shards' footers alone.

    Raises:
        InputError: a shard that is missing, damaged or not a shard.
    """
    counts = dict.fromkeys(RASTER_COLUMNS.values(), 0)
    for entry in corpus.manifest.shards:
        footer = corpus.open(entry).metadata
        names = [footer.schema.column(i).path for i in range(footer.num_columns)]
        for group in range(footer.num_row_groups):
            for column in counts:
                chunk = footer.row_group(group).column(names.index(column))
                statistics = chunk.statistics
                nulls = statistics.null_count if statistics is not None and statistics.has_null_count else 0
                counts[column] += chunk.num_values - nulls
    return counts


def read_columns(corpus: Corpus, max_samples: int) -> Columns:
    """Read the annotations of at most about ``max_samples`` images, in whole shards spread evenly.

    Raises:
        InputError: a shard that cannot be read.
    """
    entries = corpus.manifest.shards
    starts = np.concatenate([[0], np.cumsum([entry.samples for entry in entries])]).astype(np.intp)
    keep = max(1, int(len(entries) * min(1.0, max_samples / max(1, int(starts[-1])))))
    picked = np.unique(np.linspace(0, len(entries) - 1, keep).round().astype(int)).tolist() if entries else []
    tables, rows = [], []
    for index in picked:
        try:
            tables.append(corpus.open(entries[index]).read(columns=_COLUMNS))
        except (OSError, pa.ArrowException) as error:
            raise InputError(
                corpus.storage.where(entries[index].file),
                "a Parquet shard",
                error,
                "run `posecorpus verify` on the corpus",
            ) from None
        rows.append(np.arange(starts[index], starts[index + 1]))
    table = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
    return _columns(table.combine_chunks(), np.concatenate(rows) if rows else np.zeros(0, np.intp))


def _columns(table: pa.Table, rows: NDArray[np.intp]) -> Columns:
    people_lists = _array(table["people"])
    people = pc.list_flatten(people_lists)
    camera = _array(table["camera"])
    limbs2d = np.full((len(people), len(LIMB_JOINTS), 2), np.nan)
    limbs3d = np.full((len(people), len(LIMB_JOINTS), 3), np.nan)
    visibility, completed = {}, {}
    lift = _member(people, "lift")
    skeletons = np.array(_member(people, "skeleton").to_pylist(), dtype=object)
    for name, shape in SKELETONS.items():
        who = np.flatnonzero(skeletons == name)
        if not len(who):
            continue
        own, limbs = people.take(pa.array(who)), shape.indices(*LIMB_JOINTS)
        flags = _stack(_member(own, "visibility"), (len(shape),), 0).astype(np.intp)
        visibility[name] = np.stack([(flags == flag).sum(0) for flag in (0, 1, 2)], -1)
        filled = _stack(_member(lift.take(pa.array(who)), "completed"), (len(shape),), np.nan)
        known = np.isfinite(filled).all(-1)
        completed[name] = np.concatenate([[known.sum()], np.nansum(filled, 0)]).astype(np.intp)
        limbs2d[who] = _stack(_member(own, "joints2d"), (len(shape), 2), np.nan)[:, limbs]
        limbs2d[who[:, None], np.arange(12)] = np.where(
            flags[:, limbs, None] > 0, limbs2d[who[:, None], np.arange(12)], np.nan
        )
        limbs3d[who] = _stack(_member(own, "joints3d"), (len(shape), 3), np.nan)[:, limbs]
    return Columns(
        rows=rows,
        size=np.stack([table["width"].to_numpy(), table["height"].to_numpy()], -1).astype(float),
        K=_stack(_member(camera, "K"), (9,), np.nan).reshape(-1, 3, 3),
        R=_stack(_member(camera, "R"), (9,), np.nan).reshape(-1, 3, 3),
        t=_stack(_member(camera, "t"), (3,), np.nan),
        clips=len(table["clip"].unique().drop_null()),
        image=pc.list_parent_indices(people_lists).to_numpy().astype(np.intp),
        box=_stack(_member(people, "bbox"), (4,), np.nan),
        limbs2d=np.where(np.isfinite(limbs2d), limbs2d, np.nan),
        limbs3d=np.where(np.isfinite(limbs3d), limbs3d, np.nan),
        text={
            name: np.array(_member(people, name).to_pylist(), dtype=object)
            for name in ("body", "gender", "motion")
        },
        visibility=visibility,
        lift=_lift_columns(lift),
        completed=completed,
        maps=_has_maps(table),
    )


def _lift_columns(lift: Any) -> dict[str, Array]:
    numbers = {
        name: _member(lift, name).to_numpy(zero_copy_only=False).astype(np.float64) for name in _NUMBERS
    }
    interval = _stack(_member(lift, "pose_interval_mm"), (2,), np.nan)
    ends = {"low_mm": interval[:, 0], "high_mm": interval[:, 1]}
    return {name: np.where(np.isfinite(values), values, np.nan) for name, values in (numbers | ends).items()}


def _has_maps(table: pa.Table) -> NDArray[np.bool_]:
    counts = pc.fill_null(pc.list_value_length(_array(table["skeleton_maps"])), 0)
    return np.asarray(counts.to_numpy(zero_copy_only=False) > 0)


def _array(column: pa.ChunkedArray) -> Any:
    combined = column.combine_chunks()
    if isinstance(combined, pa.ChunkedArray):  # what older versions give
        return combined.chunk(0) if combined.num_chunks else pa.array([], column.type)
    return combined


def _member(structs: Any, name: str) -> Any:
    return pc.struct_field(structs, name)


def _stack(lists: Any, shape: tuple[int, ...], missing: float) -> Array:
    """Lists of equal length as one (len, *shape) array; a null or a list of another length is ``missing``."""
    result = np.full((len(lists), *shape), missing, dtype=np.float64)
    good = np.asarray(pc.fill_null(pc.equal(pc.list_value_length(lists), shape[0]), False))
    flat = lists.filter(pa.array(good))
    for _ in shape:
        flat = pc.list_flatten(flat)
    values = flat.to_numpy(zero_copy_only=False).astype(np.float64)
    if len(values) == good.sum() * np.prod(shape):
        result[good] = values.reshape(-1, *shape)
    return result
