"""One shard of a synthetic corpus: what a worker does."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from threading import Event
from zlib import crc32

import cv2

from posecorpus.core.manifest import ShardEntry
from posecorpus.core.progress import Report, silent
from posecorpus.core.sample import Sample
from posecorpus.core.shards import write_shard
from posecorpus.core.storage import Storage
from posecorpus.pipelines.locks import only_process
from posecorpus.pipelines.synthesis.clips import clip_samples
from posecorpus.pipelines.synthesis.plan import Plan
from posecorpus.pipelines.synthesis.request import SynthRequest
from posecorpus.synth.kernels import kernel_cache, kernels_are_compiled

TRIALS = 8
"""Samples that are rendered at most to get kernels compiled."""

_COMPILED = Event()
"""Set in a process of another machine once it has seen to its kernels."""


@dataclass(frozen=True)
class ShardTask:
    """One shard to make; small, picklable, and complete.

    Attributes:
        plan: gives what all shards are made from, wherever it is called.
        elsewhere: whether it may be made on a machine whose kernels the command did not compile.
    """

    request: SynthRequest
    out: Storage
    plan: Callable[[], Plan]
    index: int
    elsewhere: bool


def compile_kernels(task: ShardTask, report: Report) -> None:
    """Render a few samples, so that a machine's workers find compiled kernels: all at once would spoil their cache.

    One that shows all that the configuration allows is enough; some need several until somebody is far away
    or holds a thing.
    """
    config = task.request.config
    if kernels_are_compiled(config):
        return
    report("compiling", 0, 1)
    with only_process(f"kernels-{crc32(bytes(kernel_cache())):08x}"):
        for _ in islice(_shard(task), TRIALS):
            if kernels_are_compiled(config):
                break
    report("compiling", 1, 1)


def make_shard(task: ShardTask) -> tuple[int, ShardEntry]:
    """Render, label and write one shard; what a worker does."""
    cv2.setNumThreads(1)
    if task.elsewhere and not _COMPILED.is_set():
        compile_kernels(task, silent)
        _COMPILED.set()
    with _no_garbage_collection():
        return task.index, write_shard(task.out, task.index, _shard(task))


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Labels become nested lists on their way to Parquet; the collector would walk them all, for nothing."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _shard(task: ShardTask) -> Iterator[Sample]:
    request, plan = task.request, task.plan()
    first = task.index * request.clips_per_shard
    for index in range(first, min(first + request.clips_per_shard, request.clips)):
        yield from clip_samples(
            request.config,
            request.seed,
            index,
            request.frames,
            request.renderer,
            plan.motions,
            plan.materials,
            request.regressor,
        )
