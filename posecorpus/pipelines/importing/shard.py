"""One shard of an import, as a worker makes it; apart, so that a worker loads nothing that it does not need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2

from posecorpus.core.manifest import ShardEntry
from posecorpus.core.sample import Sample
from posecorpus.core.shards import write_shard
from posecorpus.core.skeletons import skeleton
from posecorpus.core.storage import Storage
from posecorpus.pipelines.importing.pictures import Examined, carry
from posecorpus.pseudogt.photos.records import AnnotatedPhoto
from posecorpus.pseudogt.photos.samples import JointRules, photo_sample


@dataclass(frozen=True)
class ShardTask:
    """One shard to make; small, picklable, and complete.

    Attributes:
        photos: the annotated photos of the shard, and where each one's picture is.
        provenance: what all samples of the corpus share.
    """

    out: Storage
    index: int
    source: str
    target: str
    rules: JointRules
    images: Path | None
    provenance: dict[str, Any]
    photos: tuple[tuple[str, AnnotatedPhoto, Examined | None], ...] = field(repr=False)


def make_shard(task: ShardTask) -> tuple[int, ShardEntry]:
    """Read the photos of one shard and write it; what a worker does."""
    cv2.setNumThreads(1)
    return task.index, write_shard(task.out, task.index, _shard(task))


def _shard(task: ShardTask) -> Iterator[Sample]:
    source, target = skeleton(task.source), skeleton(task.target)
    for key, photo, examined in task.photos:
        picture = None if task.images is None or examined is None else carry(task.images, examined, photo)
        yield photo_sample(key, photo, source, target, task.rules, task.provenance, picture)
