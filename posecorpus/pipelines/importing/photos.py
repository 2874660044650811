"""``posecorpus import``: photos annotated with 2D joints in, a corpus out.

The story: read the annotations, judge them, find and prove every photo, write down what will be made,
then make shard after shard. Whatever is wrong is told; what cannot be used stops the run before anything
is written, or is left out and listed if the user says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import Manifest, Skipped, describe_skeletons
from posecorpus.core.progress import Report, silent
from posecorpus.core.shards import file_sha256
from posecorpus.core.skeletons import skeleton
from posecorpus.core.storage import Storage
from posecorpus.pipelines import ledger
from posecorpus.pipelines.engine import Run, local_engine
from posecorpus.pipelines.importing.corpus import import_corpus
from posecorpus.pipelines.importing.pictures import Photos, prove_photos
from posecorpus.pipelines.importing.shard import ShardTask, make_shard
from posecorpus.pipelines.importing.summary import Summary, judge, sample_keys
from posecorpus.pipelines.inputs import UnusableInputs, named
from posecorpus.pseudogt.photos.read import PhotoFormat, read_annotations
from posecorpus.pseudogt.photos.records import Annotations
from posecorpus.pseudogt.photos.samples import JointRules, Keep

ImportFormat = Literal["lsp", "lspet", "mpii", "coco", "corpus"]
SHARD_BYTES = 128 << 20
"""A shard ends with the photo that brings its files beyond this: a worker holds a shard in memory."""


@dataclass(frozen=True)
class ImportRequest:
    """Everything that decides the bytes of an imported corpus, but for the contents of the input files.

    Attributes:
        format: whose annotations these are.
        annotations: the file; for ``corpus`` the folder of a corpus.
        images: a folder or zip with the photos; without it samples have no pixels. Annotations whose
            photo is not there are left out.
        skeleton: joint set of the result; the annotations' own if None.
        hidden: whether joints that are labelled but hidden stay labelled.
        outside: whether joints outside their image stay labelled (as hidden).
        samples_per_shard: at most; of ``corpus`` the shards stay as they are.
        skip_bad: leave out unusable annotations and photos and list them, instead of stopping.
    """

    format: ImportFormat
    annotations: Path
    images: Path | None = None
    skeleton: str | None = None
    hidden: Keep = "keep"
    outside: Keep = "keep"
    samples_per_shard: int = 500
    skip_bad: bool = False

    @property
    def rules(self) -> JointRules:
        """What becomes of hidden joints and those outside."""
        return JointRules(self.hidden, self.outside)


def import_photos(
    request: ImportRequest,
    out: Path,
    *,
    workers: int = 1,
    report: Report = silent,
    note: Callable[[str], None] = lambda message: None,
) -> Path:
    """Make, or finish, a corpus of annotated photos.

    Args:
        out: the corpus's folder. If it holds a part of the same corpus, only the rest is made.
        report: told how far each stage is.
        note: called with one line for each thing the user should know; the last ones sum up what was
            imported, what was left out and what looks wrong.

    Returns:
        The manifest's path.

    Raises:
        InputError: unusable annotations or photos, or ``out`` holds something else.
    """
    if request.samples_per_shard < 1:
        raise InputError("samples per shard", "at least 1", request.samples_per_shard)
    target = None if request.skeleton is None else skeleton(request.skeleton)
    ledger.check_folder(out)
    if request.format == "corpus":
        if request.images is not None:
            raise InputError("--images", "none: a corpus holds its own", request.images)
        return import_corpus(
            request.annotations, out, target, request.rules, workers=workers, report=report, note=note
        )
    with ledger.claimed(out) as storage, local_engine(workers, note) as run:
        return out / _import(request, request.format, storage, run, report, note)


def _import(
    request: ImportRequest,
    form: PhotoFormat,
    out: Storage,
    run: Run,
    report: Report,
    note: Callable[[str], None],
) -> str:
    report("reading annotations", 0, 1)
    annotations = read_annotations(form, request.annotations)
    summary = judge(annotations)
    report("reading annotations", 1, 1)
    photos = prove_photos(annotations, request.images, run=run, report=report)
    faults = annotations.faults + photos.faults
    if faults and not request.skip_bad:
        raise UnusableInputs([f"{f.where}: {f.reason}" for f in faults])
    if not photos.usable:
        raise InputError(request.annotations, "at least one usable photo", f"{len(faults)} faults")
    summary.count(photos, request.rules)
    groups = shard_groups(photos, request.samples_per_shard, SHARD_BYTES)
    planned = _manifest(request, annotations, photos, summary, len(groups))
    book = ledger.Ledger(out, planned, note=note, run=run, report=report)
    missing = book.missing
    if len(missing) < planned.planned_shards:
        note(
            f"{planned.planned_shards - len(missing)} of {planned.planned_shards} shards were finished before"
        )
    done = sum(entry.samples for entry in book.finished.values())
    report("importing", done, planned.planned_samples)
    if missing:
        tasks = _tasks(request, annotations, photos, groups, out)
        with book.taking() as take:
            for index, entry in run(make_shard, [tasks[i] for i in missing]):
                take(index, entry)
                done += entry.samples
                report("importing", done, planned.planned_samples)
    name = book.close()
    for line in summary.lines():
        note(line)
    return name


def shard_groups(photos: Photos, samples: int, limit_bytes: int) -> list[slice]:
    """Which photos each shard holds: at most so many, and fewer where their files are large."""
    groups: list[slice] = []
    first = held = 0
    for index, (_, examined) in enumerate(photos.usable):
        held += 0 if examined is None else examined.size_bytes
        if index + 1 - first == samples or held > limit_bytes or index + 1 == len(photos.usable):
            groups.append(slice(first, index + 1))
            first, held = index + 1, 0
    return groups


def _tasks(
    request: ImportRequest, annotations: Annotations, photos: Photos, groups: list[slice], out: Storage
) -> list[ShardTask]:
    keys = sample_keys([photo.name for photo, _ in photos.usable])
    rows = [(key, *usable) for key, usable in zip(keys, photos.usable, strict=True)]
    provenance = {
        "format": request.format,
        "dialect": annotations.dialect,
        "source": request.annotations.name,
        **annotations.dataset,
    }
    return [
        ShardTask(
            out=out,
            index=index,
            source=annotations.skeleton,
            target=request.skeleton or annotations.skeleton,
            rules=request.rules,
            images=request.images,
            provenance=provenance,
            photos=tuple(rows[group]),
        )
        for index, group in enumerate(groups)
    ]


def _manifest(
    request: ImportRequest, annotations: Annotations, photos: Photos, summary: Summary, shards: int
) -> Manifest:
    roots = [request.annotations] + ([] if request.images is None else [request.images])
    inputs = {request.annotations.name: file_sha256(request.annotations)}
    if request.images is not None:
        digest = hashlib.sha256()
        for _, examined in photos.usable:
            assert examined is not None
            digest.update(f"{examined.name}\0{examined.sha256}\n".encode())
        inputs[f"photos of {request.images.name}"] = digest.hexdigest()
    faults = annotations.faults + photos.faults
    skipped = [Skipped(where=named(f.where, roots), reason=f.reason) for f in faults]
    skipped += [
        Skipped(where=request.annotations.name, reason=f"{number} {what}")
        for what, number in summary.left_out.items()
    ]
    return Manifest(
        kind="import",
        seed=0,
        configuration={
            "format": request.format,
            "dialect": annotations.dialect,
            "skeleton": request.skeleton or annotations.skeleton,
            "hidden": request.hidden,
            "outside": request.outside,
            "samples_per_shard": request.samples_per_shard,
            "findings": summary.findings,
        },
        inputs=inputs,
        skeletons=describe_skeletons(request.skeleton or annotations.skeleton),
        planned_samples=len(photos.usable),
        planned_shards=shards,
        skipped=skipped,
    )
