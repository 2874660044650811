"""A corpus as if its pictures were photos that somebody annotated: 2D joints and the picture, nothing else.

So renders can be lifted like photos, and compared with the truth they were made from: keys and the order
of people stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from posecorpus.core.manifest import Manifest, describe_skeletons
from posecorpus.core.progress import Report
from posecorpus.core.sample import Person, Sample
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import Skeleton, convert, convert_visibility, skeleton
from posecorpus.pipelines.derive import derive, digest, open_source
from posecorpus.pseudogt.photos.samples import JointRules


@dataclass(frozen=True)
class Annotating:
    """How to make annotations of labels.

    Attributes:
        corpus: name of the corpus they come from.
        target: joint set of the result; None keeps everyone's own.
        rules: what becomes of hidden joints and of those outside the picture.
    """

    corpus: str
    target: str | None
    rules: JointRules


def import_corpus(
    corpus: Path,
    out: Path,
    target: Skeleton | None,
    rules: JointRules,
    *,
    workers: int,
    report: Report,
    note: Callable[[str], None],
) -> Path:
    """Make, or finish, a corpus that holds of another one what an annotator of its pictures would know.

    3D, bodies, cameras and all rasters but the picture are dropped; pictures are passed on byte for byte.

    Args:
        corpus: folder of a finished corpus.
        target: joint set of the result, converted by landmark; None keeps everyone's own.
        rules: what becomes of hidden joints and of those outside the picture.

    Returns:
        The manifest's path.

    Raises:
        InputError: no finished corpus there, or ``out`` is that very corpus.
    """
    source = open_source(corpus, out)
    name = source.path.resolve().name
    settings = Annotating(name, None if target is None else target.name, rules)
    path = derive(
        source,
        out,
        _manifest(source, settings),
        annotate,
        settings,
        workers,
        report,
        "importing",
    )
    note(_summary(Corpus(out)))
    return path


def annotate(settings: Annotating, samples: Iterator[Sample]) -> Iterator[Sample]:
    """The samples of one shard as an annotator would have left them."""
    for sample in samples:
        size = (sample.width, sample.height)
        picture = sample.encoded.get("image")
        yield Sample(
            key=sample.key,
            width=sample.width,
            height=sample.height,
            people=[_annotated(p, settings.target, settings.rules, size) for p in sample.people],
            clip=sample.clip,
            frame=sample.frame,
            provenance={"format": "corpus", "source": settings.corpus, "origin": sample.provenance},
            encoded={} if picture is None else {"image": picture},
        )


def _annotated(person: Person, target: str | None, rules: JointRules, size: tuple[int, int]) -> Person:
    own = skeleton(person.skeleton)
    joints, flags = rules.apply(person.joints2d, person.visibility, size)
    result = Person(person.skeleton, joints.astype(np.float32), flags, person.bbox)
    if target is None or target == own.name:
        return result
    other = skeleton(target)
    return replace(
        result,
        skeleton=other.name,
        joints2d=convert(joints, own, other).astype(np.float32),
        visibility=convert_visibility(flags, own, other),
    )


def _manifest(source: Corpus, settings: Annotating) -> Manifest:
    names = sorted(source.manifest.skeletons) if settings.target is None else [settings.target]
    return Manifest(
        kind="import",
        seed=0,
        configuration={
            "format": "corpus",
            "corpus": settings.corpus,
            "skeleton": settings.target,
            "hidden": settings.rules.hidden,
            "outside": settings.rules.outside,
        },
        inputs=digest(source),
        skeletons=describe_skeletons(*names),
        planned_samples=len(source),
        planned_shards=len(source.manifest.shards),
    )


def _summary(made: Corpus) -> str:
    people, flags = 0, np.zeros(3, np.int64)
    for shard in made.shards:
        column = pq.ParquetFile(shard).read(columns=["people.list.element.visibility"])["people"]
        each = pc.struct_field(pc.list_flatten(column.combine_chunks()), "visibility")
        people += len(each)
        flags += np.bincount(pc.list_flatten(each).to_numpy(zero_copy_only=False), minlength=3)
    unlabelled, hidden, _ = flags / max(flags.sum(), 1)
    return f"{len(made):,} samples, {people:,} people, {unlabelled:.1%} of the joints unlabelled, {hidden:.1%} hidden"
