"""Verify a corpus: shard by shard, sample by sample, in as many processes as are given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from posecorpus.core.codecs import decode, decode_map
from posecorpus.core.errors import InputError
from posecorpus.core.manifest import MANIFEST, Manifest, ShardEntry
from posecorpus.core.parts import PartTaxonomy
from posecorpus.core.progress import Report as Progress
from posecorpus.core.progress import silent
from posecorpus.core.sample import Sample, SkeletonMap
from posecorpus.core.schema import RASTER_COLUMNS, SCHEMA, sample_of
from posecorpus.core.shards import stored_manifest
from posecorpus.core.storage import Storage, storage_at
from posecorpus.inspect.verify import (
    ellipses,
    files,
    joints,
    lifted,
    maps,
    pictures,
    predicted,
    rasters,
    sticks,
    surfaces,
    visibility,
)
from posecorpus.inspect.verify.clips import following_samples, usual_bones
from posecorpus.inspect.verify.joints import Messages
from posecorpus.inspect.verify.report import Report, Violation
from posecorpus.inspect.verify.subject import Subject

Check = Callable[[Subject], Messages]

RENDERED_CHECKS: tuple[tuple[str, tuple[Check, ...]], ...] = (
    ("reprojection", (joints.check_reprojection,)),
    ("body", (joints.check_body,)),
    ("sides", (joints.check_sides,)),
    ("visibility", (visibility.check_visibility,)),
    ("bbox", (joints.check_box,)),
    ("image", (pictures.check_image,)),
    ("ids", (rasters.check_ids,)),
    ("masks", (rasters.check_masks,)),
    ("instances", (surfaces.check_surface_instances,)),
    ("parts", (rasters.check_joint_parts, surfaces.check_surface_parts)),
    ("depth", (rasters.check_joint_depth, surfaces.check_surface_depth)),
    ("normals", (rasters.check_normals, surfaces.check_surface_normals)),
    ("flow", (rasters.check_flow_values, surfaces.check_surface_flow)),
)
LIFTED_CHECKS: tuple[tuple[str, tuple[Check, ...]], ...] = (
    ("residual", (lifted.check_residual,)),
    ("completed", (lifted.check_completed,)),
    ("trust", (lifted.check_trust,)),
    ("hypotheses", (lifted.check_hypotheses,)),
    ("limbs", (lifted.check_limbs,)),
    ("sticks", (maps.check_maps, sticks.check_skeleton_maps)),
    ("ellipses", (ellipses.check_ellipses,)),
)
PREDICTED_CHECKS: tuple[tuple[str, tuple[Check, ...]], ...] = (("predicted", (predicted.check_predicted,)),)
CHECKS = RENDERED_CHECKS + LIFTED_CHECKS + PREDICTED_CHECKS
"""Checks of one sample, by name. ``camera``, ``sample``, ``bones`` and those of files are made beside them."""


_HEAVY_COLUMNS = (*RASTER_COLUMNS.values(), "skeleton_maps")
"""Read sample by sample: those of a whole shard may not fit into memory."""


@dataclass
class _ShardResult:
    """What a worker sends home: its report, and what only the whole corpus can judge."""

    report: Report = field(default_factory=Report)
    keys: list[str] = field(default_factory=list)
    frames: list[tuple[str, int]] = field(default_factory=list)
    skeletons: set[str] = field(default_factory=set)
    parts: bool = False
    maps: bool = False


def verify_corpus(place: Path | str, workers: int = 1, progress: Progress = silent) -> Report:
    """Re-derive every label of a corpus that can be re-derived.

    Args:
        place: the corpus's folder or URL.
        workers: processes to share the shards among.
        progress: told how many samples are verified.

    Raises:
        InputError: there is no corpus.
    """
    storage = storage_at(place)
    manifest = stored_manifest(storage, MANIFEST)
    report = files.check_manifest(storage, manifest)
    verify = partial(_verify_shard, storage, manifest.model_copy(update={"shards": [], "skipped": []}))
    used: set[str] = set()
    keys: Counter[str] = Counter()
    frames: Counter[tuple[str, int]] = Counter()
    parts = maps_used = False
    total = sum(entry.samples for entry in manifest.shards)
    for result in _map(verify, manifest.shards, workers):
        report.merge(result.report)
        progress("verifying", report.samples, total)
        keys.update(result.keys)
        frames.update(result.frames)
        used |= result.skeletons
        parts, maps_used = parts or result.parts, maps_used or result.maps
    report.checked["keys"] += len(keys)
    report.violations += [
        Violation(key, "keys", f"{n} samples have this key") for key, n in keys.items() if n > 1
    ]
    report.violations += [
        Violation(clip, "keys", f"{n} samples are frame {frame} of this clip")
        for (clip, frame), n in frames.items()
        if n > 1
    ]
    report.violations += [
        Violation(MANIFEST, "legend", fault) for fault in files.undescribed(manifest, used, parts, maps_used)
    ]
    return report


def _map(
    verify: Callable[[ShardEntry], _ShardResult], shards: list[ShardEntry], workers: int
) -> Iterator[_ShardResult]:
    if workers <= 1 or len(shards) <= 1:
        yield from map(verify, shards)
        return
    with ProcessPoolExecutor(min(workers, len(shards)), mp_context=get_context("spawn")) as pool:
        yield from pool.map(verify, shards)


def _verify_shard(storage: Storage, manifest: Manifest, entry: ShardEntry) -> _ShardResult:
    cv2.setNumThreads(1)
    result = _ShardResult()
    taxonomy = files.manifest_taxonomy(manifest)
    file = files.open_shard(storage, entry, result.report)
    if file is None:
        return result
    try:
        samples = _read_light(file, result)
        following = following_samples(samples)
        usual = usual_bones(samples)
        for sample, after, row in zip(samples, following, _raster_rows(file), strict=True):
            if sample is not None and _decode(sample, row, result.report):
                subject = _subject(sample, after, taxonomy, manifest)
                _verify_sample(subject, usual.get(sample.clip), result.report)
                result.parts = result.parts or sample.parts is not None
                result.maps = result.maps or sample.skeleton_maps is not None
                _drop_rasters(sample)
    except (OSError, pa.ArrowException) as error:
        result.report.record(entry.file, "columns", [str(InputError("rows", "readable data", error))])
    return result


def _subject(
    sample: Sample, after: Sample | None, taxonomy: PartTaxonomy | None, manifest: Manifest
) -> Subject:
    return Subject(sample, after, taxonomy, manifest.inputs, manifest.configuration, manifest.sticks)


def _verify_sample(subject: Subject, usual: list[NDArray[np.float64]] | None, report: Report) -> None:
    key = subject.sample.key
    with np.errstate(all="ignore"):  # labels may be anything, also infinite
        for name, checks in CHECKS:
            found = [messages for check in checks if (messages := check(subject)) is not None]
            report.record(
                key, name, [message for messages in found for message in messages] if found else None
            )
        report.record(key, "bones", joints.check_bones(subject, usual))
    report.notes += [
        note for reason in subject.unposed if (note := f"not posed: {reason}") not in report.notes
    ]


def _read_light(file: pq.ParquetFile, result: _ShardResult) -> list[Sample | None]:
    """All samples of a shard without their rasters; None for a broken row, which is recorded."""
    light = [name for name in SCHEMA.names if name not in _HEAVY_COLUMNS]
    samples: list[Sample | None] = []
    for batch in file.iter_batches(batch_size=50, columns=light):
        for row in batch.to_pylist():
            sample = _sample_of(row, result.report)
            samples.append(sample)
            result.report.samples += 1
            result.keys.append(str(row["key"]))
            if sample is not None:
                result.skeletons.update(person.skeleton for person in sample.people)
                if sample.clip is not None and sample.frame is not None:
                    result.frames.append((sample.clip, sample.frame))
    return samples


def _sample_of(row: dict[str, Any], report: Report) -> Sample | None:
    key = str(row["key"])
    try:
        faults = joints.check_camera(row["camera"], row["width"], row["height"])
        report.record(key, "camera", faults)
        sample = sample_of(row | {"camera": None} if faults else row, "row", fields=())
    except (InputError, TypeError, ValueError) as error:
        report.record(key, "sample", [" ".join(str(error).removeprefix(f"row: {key}: ").split())])
        return None
    lacking = _null_in_lift(sample)
    if lacking is not None:
        report.record(key, "sample", [f"{lacking}: expected a value, got none"])
        return None
    return sample


def _null_in_lift(sample: Sample) -> str | None:
    """The first value that a lifted person must have, but whose column is null."""
    for i, person in enumerate(sample.people):
        for name in ("method", "match_distance", "residual_px", "pose_error_mm"):
            if person.lift is not None and getattr(person.lift, name) is None:
                return f"people[{i}].lift.{name}"
    return None


def _raster_rows(file: pq.ParquetFile) -> Iterator[dict[str, Any]]:
    for batch in file.iter_batches(batch_size=10, columns=list(_HEAVY_COLUMNS)):
        for i in range(batch.num_rows):
            yield batch.slice(i, 1).to_pylist()[0]


def _decode(sample: Sample, row: dict[str, Any], report: Report) -> bool:
    """Put rasters and skeleton maps of a row into its sample; False, with the reason recorded, if they are broken."""
    try:
        for name, column in RASTER_COLUMNS.items():
            data = row[column]
            if data is not None:
                setattr(sample, name, decode(name, data, sample.width, sample.height, name))
        if row["skeleton_maps"] is not None:
            sample.skeleton_maps = [_decode_map(drawn, i) for i, drawn in enumerate(row["skeleton_maps"])]
            sample.validate()
        report.record(sample.key, "sample", [])
    except (InputError, TypeError, ValueError) as error:
        report.record(sample.key, "sample", [" ".join(str(error).removeprefix(f"{sample.key}: ").split())])
        return False
    return True


def _decode_map(row: dict[str, Any], index: int) -> SkeletonMap:
    where, size = f"skeleton_maps[{index}]", row["size"]
    return SkeletonMap(
        row["person"],
        float(row["stick_px"]),
        np.array(row["window"], np.float32),
        decode_map(row["foreground"], size, f"{where}.foreground"),
        decode_map(row["background"], size, f"{where}.background"),
    )


def _drop_rasters(sample: Sample) -> None:
    for name in (*RASTER_COLUMNS, "skeleton_maps"):
        setattr(sample, name, None)
