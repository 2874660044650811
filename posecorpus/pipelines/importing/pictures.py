"""The photos of an import: found in a folder or zip, and each proved to be usable before anything is written."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from posecorpus.core.errors import InputError
from posecorpus.core.files import list_files, read_file
from posecorpus.core.manifest import Skipped
from posecorpus.core.progress import Report
from posecorpus.pipelines.engine import Run
from posecorpus.pseudogt.photos.checks import outside
from posecorpus.pseudogt.photos.pictures import MAX_FILE_BYTES, SUFFIXES, Picture, take_in
from posecorpus.pseudogt.photos.records import AnnotatedPhoto, Annotations

NOT_THERE = "annotated photos that are not among the images"


@dataclass(frozen=True)
class Examined:
    """A photo that can be used.

    Attributes:
        name: within the folder or zip.
        sha256, size_bytes: of its file.
        width, height: as stored in the corpus, pixels.
        change: what will be done to the file (see :class:`Picture`).
    """

    name: str
    sha256: str
    size_bytes: int
    width: int
    height: int
    change: str


@dataclass(frozen=True, eq=False)
class Photos:
    """What becomes samples: annotated photos in order, each with its picture (None: without pixels)."""

    usable: list[tuple[AnnotatedPhoto, Examined | None]]
    faults: list[Skipped] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Question:
    index: int
    name: str
    photo: AnnotatedPhoto


def prove_photos(annotations: Annotations, images: Path | None, *, run: Run, report: Report) -> Photos:
    """Find the picture of every annotated photo, and decode each once.

    Args:
        images: a folder or zip; None for annotations without pixels.
        run: who does the work.

    Raises:
        InputError: no folder or zip there, or none of the photos in it.
    """
    if images is None:
        return Photos([(photo, None) for photo in annotations.photos])
    files = _Names(list_files(images, SUFFIXES))
    faults: list[Skipped] = []
    questions: list[_Question] = []
    absent = 0
    for index, photo in enumerate(annotations.photos):
        found = files.find(photo.name)
        if len(found) == 1:
            questions.append(_Question(index, found[0], photo))
        elif found:
            reason = f"expected one file {photo.name}, got {found[0]} and {found[1]}"
            faults.append(Skipped(where=f"{images}", reason=reason))
        else:
            absent += 1
    if annotations.photos and not questions and not faults:
        got = f"{files.count} others, such as {files.first!r}" if files.count else "no picture at all"
        raise InputError(images, f"photos such as {annotations.photos[0].name!r}", got)
    answers: dict[int, Examined] = {}
    for done, (index, answer) in enumerate(run(partial(_examine, images), questions), 1):
        report("checking photos", done, len(questions))
        if isinstance(answer, Skipped):
            faults.append(answer)
        else:
            answers[index] = answer
    usable: list[tuple[AnnotatedPhoto, Examined | None]] = [
        (annotations.photos[index], answers[index]) for index in sorted(answers)
    ]
    # Workers finish in any order; the corpus must not depend on it.
    faults.sort(key=lambda fault: (fault.where, fault.reason))
    return Photos(usable, faults, {NOT_THERE: absent} if absent else {})


def carry(images: Path, examined: Examined, photo: AnnotatedPhoto) -> Picture:
    """A proved photo as the corpus stores it.

    Raises:
        InputError: it is not the file any more that was proved.
    """
    data = read_file(images, examined.name, MAX_FILE_BYTES)
    where = f"{images}: {examined.name}"
    if hashlib.sha256(data).hexdigest() != examined.sha256:
        raise InputError(where, "the photo as it was when the run began", "another", "run the command again")
    if examined.change:
        return take_in(data, where, photo.size)
    return Picture(data, examined.width, examined.height)


def _examine(images: Path, question: _Question) -> tuple[int, Examined | Skipped]:
    cv2.setNumThreads(1)
    where = f"{images}: {question.name}"
    try:
        data = read_file(images, question.name, MAX_FILE_BYTES)
        picture = take_in(data, where, question.photo.size)
        _check_people(where, question.photo, picture)
    except InputError as error:
        return question.index, Skipped.by(error)
    digest = hashlib.sha256(data).hexdigest()
    return question.index, Examined(
        question.name, digest, len(data), picture.width, picture.height, picture.change
    )


def _check_people(where: str, photo: AnnotatedPhoto, picture: Picture) -> None:
    """A person of whom no joint lies in the photo belongs to another photo."""
    size = (picture.width, picture.height)
    for number, person in enumerate(photo.people):
        labelled = np.isfinite(person.joints).all(-1)
        if outside(person.joints[labelled], size).all():
            got = f"all of person {number}'s outside its {size[0]}x{size[1]} pixels"
            raise InputError(where, "joints in the photo", got)


class _Names:
    """Files by their names: the whole path, or its end if only one file has that."""

    def __init__(self, names: Sequence[str]) -> None:
        self.count, self.first = len(names), names[0] if names else ""
        self._whole = set(names)
        ends: defaultdict[str, list[str]] = defaultdict(list)
        for name in names:
            ends[name.rpartition("/")[2]].append(name)
        self._by_last: Mapping[str, list[str]] = ends

    def find(self, name: str) -> list[str]:
        """The files that a name may mean; exactly one if it is clear."""
        if name in self._whole:
            return [name]
        same = self._by_last.get(name.rpartition("/")[2], [])
        longer = [file for file in same if file.endswith(f"/{name}")]
        return longer or same
