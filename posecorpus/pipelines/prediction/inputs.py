"""The pictures to look at: files, folders, zips, patterns and corpora, all found and proved before the first look."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from posecorpus.core.errors import InputError
from posecorpus.core.files import MEMBER, is_zip, list_files, read_limited
from posecorpus.core.manifest import MANIFEST, ShardEntry, Skipped
from posecorpus.core.progress import Report
from posecorpus.core.schema import RASTER_COLUMNS
from posecorpus.core.shards import Corpus
from posecorpus.pipelines.engine import Run
from posecorpus.pseudogt.photos.exif import focal_35mm
from posecorpus.pseudogt.photos.pictures import MAX_FILE_BYTES, SUFFIXES, Picture, take_in


@dataclass(frozen=True)
class Photo:
    """A picture's file.

    Attributes:
        where: its path, or ``<zip>!<member>``.
        name: what it is called: from the folder or zip that the user named onwards.
    """

    where: str
    name: str


@dataclass(frozen=True)
class Proved:
    """A photo that can be used: the file, and what it held when it was proved.

    Attributes:
        focal_35mm: of its lens, as millimetres on 35 mm film, if the photo says so.
    """

    photo: Photo
    sha256: str
    size_bytes: int
    focal_35mm: int | None = None


@dataclass(frozen=True, eq=False)
class Inputs:
    """What the user named, in that order, each file once."""

    photos: list[Photo] = field(default_factory=list)
    corpora: list[Corpus] = field(default_factory=list)


def find_inputs(named: Sequence[str]) -> Inputs:
    """Files, folders with their subfolders, zips, patterns such as ``beach/*.jpg``, and corpora (URLs too).

    Raises:
        InputError: nothing there, a folder without pictures, or a corpus with samples without pixels.
    """
    found = Inputs()
    for text in named:
        _add(found, text)
    distinct = {photo.where: photo for photo in found.photos}
    return Inputs(list(distinct.values()), found.corpora)


def prove(photos: Sequence[Photo], run: Run, report: Report) -> tuple[list[Proved], list[Skipped]]:
    """Decode every photo once: those that can be used in the order given, and the others with the reasons."""
    answers: dict[int, Proved] = {}
    faults: dict[int, Skipped] = {}
    for done, (index, answer) in enumerate(run(_examine, list(enumerate(photos))), 1):
        report("checking photos", done, len(photos))
        if isinstance(answer, Skipped):
            faults[index] = answer
        else:
            answers[index] = answer
    return [answers[i] for i in sorted(answers)], [faults[i] for i in sorted(faults)]


def carry(proved: Proved) -> Picture:
    """A proved photo as the corpus stores it, turned as its camera was.

    Raises:
        InputError: it is not the file any more that was proved.
    """
    where = proved.photo.where
    data = read_limited(where, MAX_FILE_BYTES, "photo")
    if hashlib.sha256(data).hexdigest() != proved.sha256:
        raise InputError(where, "the photo as it was when the run began", "another", "run the command again")
    return take_in(data, where, None, upright=True)


def _examine(question: tuple[int, Photo]) -> tuple[int, Proved | Skipped]:
    cv2.setNumThreads(1)
    index, photo = question
    try:
        data = read_limited(photo.where, MAX_FILE_BYTES, "photo")
        take_in(data, photo.where, None, upright=True)
    except InputError as error:
        return index, Skipped.by(error)
    return index, Proved(photo, hashlib.sha256(data).hexdigest(), len(data), focal_35mm(data))


def _add(found: Inputs, text: str) -> None:
    path = Path(text)
    if "://" in text or (path / MANIFEST).is_file():
        found.corpora.append(_with_pixels(Corpus(text)))
    elif path.is_dir() or (path.is_file() and is_zip(path)):
        found.photos.extend(_within(path))
    elif path.is_file():
        found.photos.append(Photo(text, path.name))
    else:
        matches = sorted(glob.glob(text, recursive=True))
        if not matches:
            raise InputError(text, "a picture, a folder, a zip, a pattern or a corpus", "nothing there")
        for match in matches:
            _add(found, match)


def _within(path: Path) -> Iterator[Photo]:
    names = list_files(path, SUFFIXES)
    if not names:
        raise InputError(path, f"pictures ({', '.join(SUFFIXES)})", "none")
    for name in names:
        yield Photo(f"{path}{MEMBER}{name}" if is_zip(path) else str(path / name), name)


def _with_pixels(corpus: Corpus) -> Corpus:
    for entry in corpus.manifest.shards:
        lacking = _without_pixels(corpus, entry)
        if lacking:
            where = corpus.storage.where(entry.file)
            raise InputError(where, "a picture in every sample", f"{lacking} samples without")
    if not len(corpus):
        raise InputError(corpus.storage, "a corpus with samples", "none")
    return corpus


def _without_pixels(corpus: Corpus, entry: ShardEntry) -> int:
    """Samples of a shard without a picture, as its footer says; nothing else is read."""
    metadata = corpus.open(entry).metadata
    column = metadata.schema.names.index(RASTER_COLUMNS["image"])
    groups = [metadata.row_group(g).column(column).statistics for g in range(metadata.num_row_groups)]
    return sum(each.null_count for each in groups if each is not None)
