"""``posecorpus filter``: keep the lifted 3D that is trusted.

A person whose predicted error is too large loses its 3D and the 2D that was completed, and stays as an
annotated person: leaving somebody in a photo unlabelled would teach a detector that nobody is there.
Photos without any trusted person are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from posecorpus.core.errors import InputError
from posecorpus.core.progress import Report, silent
from posecorpus.core.sample import UNLABELLED, Person, Sample
from posecorpus.core.shards import Corpus
from posecorpus.pipelines.derive import derive, digest, open_source, refuse_drawn


@dataclass(frozen=True)
class Filtered:
    """What filtering kept.

    Attributes:
        manifest: of the new corpus.
        people, samples: lifted people and samples before; ``kept_people``, ``kept_samples`` after.
    """

    manifest: Path
    people: int
    samples: int
    kept_people: int
    kept_samples: int


def filter_lifted(
    source: Path, out: Path, max_error_mm: float, *, workers: int = 1, report: Report = silent
) -> Filtered:
    """Write the trusted part of a lifted corpus.

    Args:
        source: a corpus that ``posecorpus lift`` wrote, or one made from it.
        max_error_mm: largest predicted pose error to keep.

    Raises:
        InputError: nobody in it is lifted, or nobody is trusted that far.
    """
    if not max_error_mm > 0:
        raise InputError("--max-error-mm", "a number above 0", max_error_mm)
    corpus = open_source(source, out)
    refuse_drawn(corpus, "filter")
    counted = _count(corpus, max_error_mm)
    if counted.people == 0:
        raise InputError(source, "lifted people", "none", "lift the corpus first: posecorpus lift")
    if counted.kept_people == 0:
        fix = "allow a larger error; `posecorpus inspect` shows the predicted ones"
        raise InputError("--max-error-mm", f"an error some of {source} is below", max_error_mm, fix)
    planned = corpus.manifest.model_copy(
        update={
            "kind": "filter",
            "configuration": corpus.manifest.configuration | {"filter": {"max_error_mm": max_error_mm}},
            "inputs": digest(corpus),
            "planned_samples": counted.kept_samples,
            "planned_shards": len(corpus.manifest.shards),
            "shards": [],
        }
    )
    path = derive(corpus, out, planned, trusted_samples, max_error_mm, workers, report, "filtering")
    return replace(counted, manifest=path)


def trusted_samples(max_error_mm: float, samples: Iterator[Sample]) -> Iterable[Sample]:
    """The samples with somebody trusted, without the 3D of the others."""
    for sample in samples:
        if any(_trusted(person, max_error_mm) for person in sample.people):
            yield _without_untrusted(sample, max_error_mm)


def _trusted(person: Person, max_error_mm: float) -> bool:
    return person.lift is not None and person.lift.pose_error_mm <= max_error_mm


def _without_untrusted(sample: Sample, max_error_mm: float) -> Sample:
    people = [
        person if person.lift is None or _trusted(person, max_error_mm) else _unlifted(person)
        for person in sample.people
    ]
    return replace(sample, people=people)


def _unlifted(person: Person) -> Person:
    """The person as it was annotated."""
    assert person.lift is not None
    completed = person.lift.completed
    return replace(
        person,
        joints2d=np.where(completed[:, None], np.float32(np.nan), person.joints2d),
        visibility=np.where(completed, np.uint8(UNLABELLED), person.visibility).astype(np.uint8),
        joints3d=None,
        lift=None,
        motion=None,
        motion_frame=None,
    )


def _count(corpus: Corpus, max_error_mm: float) -> Filtered:
    people = kept_people = kept_samples = 0
    for sample in corpus.samples(()):
        lifted = [person for person in sample.people if person.lift is not None]
        trusted = sum(_trusted(person, max_error_mm) for person in lifted)
        people += len(lifted)
        kept_people += trusted
        kept_samples += trusted > 0
    return Filtered(corpus.path, people, len(corpus), kept_people, kept_samples)
