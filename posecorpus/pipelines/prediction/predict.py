"""``posecorpus predict``: a trained network's people of any pictures, as a corpus, as pictures and as a page.

The story: find and prove every picture, write down what will be made; then, shard by shard, look at each picture,
put its people before the camera, draw them; at last the page that shows them in 3D.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import MANIFEST, Manifest, Skipped, describe_skeletons, write_atomically
from posecorpus.core.progress import Report, silent
from posecorpus.core.sample import Sample
from posecorpus.core.shards import Corpus, write_shard
from posecorpus.core.storage import LocalStorage, stored_sha256
from posecorpus.inspect.report import write_report
from posecorpus.models.lcrnet.decode import Detections
from posecorpus.pipelines import ledger
from posecorpus.pipelines.engine import local_engine
from posecorpus.pipelines.inputs import UnusableInputs
from posecorpus.pipelines.prediction.drawing import overlay
from posecorpus.pipelines.prediction.inputs import Inputs, Proved, find_inputs, prove
from posecorpus.pipelines.prediction.model import Model
from posecorpus.pipelines.prediction.overlap import ahead, behind
from posecorpus.pipelines.prediction.people import Standing, with_people
from posecorpus.pipelines.prediction.plan import Shard, pictures, plan

OVERLAYS, PAGE = "overlays", "predictions.html"
AHEAD, BEHIND = 2, 2
"""Pictures that are decoded before the network wants them, and people that are placed and drawn after it."""


@dataclass(frozen=True)
class PredictRequest:
    """What to look at, and what to make of it.

    Attributes:
        images: files, folders, zips, patterns and corpora.
        standing: how people are put before the camera, and who is left out.
        pictured: pictures on the page, at most.
        overlays: whether every picture is drawn with its people.
        skip_bad: leave out unusable photos and list them, instead of stopping.
    """

    images: tuple[str, ...]
    standing: Standing
    pictured: int = 48
    overlays: bool = True
    skip_bad: bool = False


def predict(
    model: Model,
    request: PredictRequest,
    out: Path,
    *,
    workers: int = 1,
    report: Report = silent,
    note: Callable[[str], None] = lambda message: None,
) -> Path:
    """Make, or finish, a corpus of predictions, its overlays and its page.

    Args:
        out: the corpus's folder; overlays lie in its folder ``overlays``, the page beside the shards.
        workers: processes that prove photos; the network itself looks in this one.

    Returns:
        The page's path.

    Raises:
        InputError: unusable pictures, ``out`` holds something else, or is a corpus that is looked at.
    """
    fov = request.standing.fov_deg
    if fov is not None and not 1 <= fov < 170:
        raise InputError("--camera", "a field of view of 1 to 170 degrees", fov)
    ledger.check_folder(out)
    inputs = find_inputs(request.images)
    _refuse_own(inputs, out)
    with ledger.claimed(out) as storage, local_engine(workers, note) as run:
        photos, faults = prove(inputs.photos, run, report)
        if faults and not request.skip_bad:
            raise UnusableInputs([f"{fault.where}: {fault.reason}" for fault in faults])
        shards = plan(photos, inputs.corpora)
        if not shards:
            raise InputError(
                ", ".join(request.images), "at least one usable picture", f"{len(faults)} faults"
            )
        planned = _manifest(model, request, inputs, photos, faults, shards)
        book = ledger.Ledger(storage, planned, note=note, run=run, report=report)
        if request.overlays:
            (out / OVERLAYS).mkdir(exist_ok=True)
        done = sum(len(shards[i].keys) for i in book.finished)
        with book.taking() as take:
            for index in book.missing:
                looking = _looked_at(model, request, shards[index], out)
                counted = _counting(looking, report, done, planned.planned_samples)
                take(index, write_shard(storage, index, counted))
                done += len(shards[index].keys)
        book.close()
    made = Corpus(out)
    note(_summary(made))
    return write_report(made, out / PAGE, samples=request.pictured, report=report)


def _looked_at(model: Model, request: PredictRequest, shard: Shard, out: Path) -> Iterator[Sample]:
    """The samples of a shard with their people. The network is called from here, all else is done by threads."""

    def finished(seen: tuple[Sample, NDArray[np.uint8], Detections]) -> Sample:
        sample, image, found = seen
        done = with_people(sample, found, model.skeleton, request.standing)
        done.provenance = {"run": model.name, "step": model.step} | done.provenance
        if request.overlays:
            write_atomically(out / OVERLAYS / f"{done.key}.jpg", overlay(done, image))
        return done

    seen = ((sample, image, model.detect(image)) for sample, image in ahead(pictures(shard), AHEAD))
    return behind(finished, seen, BEHIND)


def _counting(samples: Iterator[Sample], report: Report, done: int, total: int) -> Iterator[Sample]:
    report("looking", done, total)
    for number, sample in enumerate(samples, done + 1):
        yield sample
        report("looking", number, total)


def _refuse_own(inputs: Inputs, out: Path) -> None:
    for corpus in inputs.corpora:
        if isinstance(corpus.storage, LocalStorage) and corpus.path.resolve() == out.resolve():
            raise InputError(out, "another folder than the corpus that is looked at", "the same")


def _manifest(
    model: Model,
    request: PredictRequest,
    inputs: Inputs,
    photos: Sequence[Proved],
    faults: Sequence[Skipped],
    shards: Sequence[Shard],
) -> Manifest:
    digests = {f"run {name}": digest for name, digest in model.digests.items()}
    for number, corpus in enumerate(inputs.corpora, 1):
        digests[f"corpus {number} {corpus.storage.name}"] = stored_sha256(corpus.storage, MANIFEST)
    if photos:
        listed = "".join(f"{proved.photo.name}\0{proved.sha256}\n" for proved in photos)
        digests["photos"] = hashlib.sha256(listed.encode()).hexdigest()
    return Manifest(
        kind="predict",
        seed=0,
        configuration={
            "run": model.name,
            "step": model.step,
            "skeleton": model.skeleton.name,
            "fov_deg": request.standing.fov_deg,
            "least_score": request.standing.least_score,
            "ppi_iou": model.integration.iou,
            "ppi_mm": 1000 * model.integration.distance_m,
        },
        inputs=digests,
        skeletons=describe_skeletons(model.skeleton.name),
        planned_samples=sum(len(shard.keys) for shard in shards),
        planned_shards=len(shards),
        skipped=list(faults),
    )


def _summary(made: Corpus) -> str:
    people = made.columns("people")["people"]
    counts = pc.fill_null(pc.list_value_length(people), 0).to_numpy()
    empty = int((counts == 0).sum())
    return f"{len(made):,} pictures, {int(counts.sum()):,} people, {empty:,} pictures with nobody"
