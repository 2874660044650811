"""A corpus made from another, shard by shard: what lifting, labelling and filtering have in common.

Each shard of the new corpus is made of one shard of the old by a function of its samples, so it does
not matter who makes it or when. Rasters that the function leaves alone pass through as stored bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import cv2

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import MANIFEST, Manifest, ShardEntry
from posecorpus.core.progress import Report
from posecorpus.core.sample import Sample
from posecorpus.core.shards import Corpus, file_sha256, write_shard
from posecorpus.core.storage import Storage
from posecorpus.pipelines import ledger
from posecorpus.pipelines.engine import local_engine

Settings = TypeVar("Settings")


@dataclass(frozen=True)
class DeriveTask(Generic[Settings]):
    """One shard to make; small, picklable, and complete.

    Attributes:
        source: where the old corpus lies; out: the new.
        index: the shard's number in both.
        change, settings: what to do with its samples; see :func:`derive`.
    """

    source: Storage
    out: Storage
    index: int
    change: Callable[[Settings, Iterator[Sample]], Iterable[Sample]]
    settings: Settings


def derive(
    source: Corpus,
    out: Path,
    planned: Manifest,
    change: Callable[[Settings, Iterator[Sample]], Iterable[Sample]],
    settings: Settings,
    workers: int,
    report: Report,
    stage: str,
) -> Path:
    """Make, or finish, the corpus that ``planned`` describes; gives its manifest's path.

    Args:
        change: a function of its module's top level: the samples of a shard to those of the new one.
        settings: handed to it.
        workers: processes that share the shards.
        stage: what the progress bar says.

    Raises:
        InputError: ``out`` holds something else, or is the source itself.
    """
    samples = [entry.samples for entry in source.manifest.shards]
    with ledger.claimed(out) as storage, local_engine(workers) as run:
        book = ledger.Ledger(storage, planned, run=run, report=report)
        done, total = sum(samples) - sum(samples[i] for i in book.missing), sum(samples)
        report(stage, done, total)
        tasks = [DeriveTask(source.storage, storage, i, change, settings) for i in book.missing]
        with book.taking() as take:
            for index, entry in run(make_shard, tasks):
                take(index, entry)
                done += samples[index]
                report(stage, done, total)
        return out / book.close()


def make_shard(task: DeriveTask[Settings]) -> tuple[int, ShardEntry]:
    """Make and write one shard; what a worker does."""
    cv2.setNumThreads(1)
    corpus = Corpus(task.source)
    entry = corpus.manifest.shards[task.index]
    old = corpus.shard_samples(entry, (), keep_encoded=True)
    return task.index, write_shard(task.out, task.index, task.change(task.settings, old))


def open_source(source: Path, out: Path) -> Corpus:
    """The corpus to start from, whole, and not the one to be written.

    Raises:
        InputError: no corpus, an unfinished one, ``out`` is the same folder or holds something else.
    """
    corpus = Corpus(source)
    if out.exists() and out.resolve() == source.resolve():
        raise InputError(out, "another folder than the corpus it is made from", "the same")
    if not corpus.manifest.complete:
        got = f"{len(corpus.manifest.shards)} of {corpus.manifest.planned_shards} shards"
        raise InputError(source, "a finished corpus", got, "run the command that makes it again")
    ledger.check_folder(out)
    return corpus


def refuse_drawn(corpus: Corpus, command: str) -> None:
    """Refuse a corpus whose masks or maps were drawn from the joints that ``command`` would change."""
    drawn = [name for name in ("ellipses", "skeleton_maps") if name in corpus.manifest.configuration]
    if drawn:
        got = f"{drawn[0]} drawn from its joints"
        raise InputError(corpus.path, "a corpus without drawn labels", got, f"{command} first, then label")


def digest(corpus: Corpus) -> dict[str, str]:
    """What the new corpus's manifest says of the old one: that its contents were these."""
    return {"corpus": file_sha256(corpus.path / MANIFEST)}
