"""Which shards of a corpus are finished, kept so that interruption and teamwork cannot confuse it.

A whole run keeps its book in ``manifest.json``. A piece of a run (``--shard i/n``) keeps its own in
``manifest-i-of-n.json``, so pieces never write the same file; whoever finds all shards finished writes
``manifest.json`` and removes the pieces' books. A shard counts as finished if a book holds its hash and
the file's bytes have it.

A book of many shards is too long to write after each. It is written every few seconds, and in a folder
each shard is noted at once in a journal beside the book, which the next run reads. Dates of files and
the machine's clock play no part.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import MANIFEST, MAX_BYTES, Manifest, ShardEntry
from posecorpus.core.progress import Report, silent
from posecorpus.core.shards import shard_name, stored_manifest
from posecorpus.core.storage import Storage, read_limited, storage_at, stored_sha256
from posecorpus.pipelines.engine import Run, here
from posecorpus.pipelines.locks import only_run

SECONDS_BETWEEN_BOOKS, SHARE_OF_TIME = 3.0, 0.02
"""Books are at least so far apart, and farther if they would take more than this share of the time."""
Piece = tuple[int, int]
_PIECE = re.compile(r"^manifest-\d+-of-\d+\.json$")
_SHARD_ASIDE = re.compile(r"^\.shard-(\d{5})\.parquet\..*\.tmp$")


@contextmanager
def claimed(out: Path | str | Storage, piece: Piece | None = None) -> Iterator[Storage]:
    """The place of a corpus to make or finish, kept for this run alone (and for other pieces).

    Raises:
        InputError: it holds something else, or another run is at work there.
    """
    storage = storage_at(out)
    check_folder(storage)
    with only_run(storage, piece):
        yield storage


def check_folder(out: Path | str | Storage) -> None:
    """Refuse a folder that holds something, but no corpus."""
    names = storage_at(out).names()
    strangers = [name for name in names if not name.startswith(".")]
    if strangers and not any(map(_is_book, names)):
        raise InputError(out, "an empty folder or a corpus", f"{strangers[0]!r} in it", "name another folder")


class Ledger:
    """The books of one run.

    Args:
        out: where the corpus lies; see :func:`claimed`.
        planned: what the corpus will be; its list of shards does not matter.
        piece: which part of it this run makes.
        note: told of shards that are damaged.
        run: who reads finished shards to check them.
        report: told how far that is.

    Attributes:
        finished: the shards of this run that are there, by number.

    Raises:
        InputError: ``out`` holds a corpus of another configuration, seed or inputs.
    """

    def __init__(
        self,
        out: Storage,
        planned: Manifest,
        piece: Piece | None = None,
        *,
        note: Callable[[str], None] = lambda message: None,
        run: Run = here,
        report: Report = silent,
    ) -> None:
        self.out, self.planned, self.piece = out, planned, piece
        name = "" if piece is None else f"-{piece[0]}-of-{piece[1]}"
        self.book, self._journal = f"manifest{name}.json", _journal_of(f"manifest{name}.json")
        self._journalled = self._journal in out.names()
        self.finished: dict[int, ShardEntry] = {}
        noted = {i: entry for i, entry in self._noted(check=True).items() if self._mine(i)}
        for done, (index, fault) in enumerate(run(_examine, [(out, i, e) for i, e in noted.items()]), 1):
            report("checking", done, len(noted))
            if fault is None:
                self.finished[index] = noted[index]
            else:
                note(f"{out.where(noted[index].file)} {fault}: it is made again")
        self._sweep()
        self._write_book()

    @property
    def wanted(self) -> list[int]:
        """Numbers of all shards of this run."""
        return [i for i in range(self.planned.planned_shards) if self._mine(i)]

    @property
    def missing(self) -> list[int]:
        """Numbers of those that are not finished."""
        return [i for i in self.wanted if i not in self.finished]

    @contextmanager
    def taking(self) -> Iterator[Callable[[int, ShardEntry], None]]:
        """Gives a function that takes a finished shard into the books, which are in order when this ends."""
        next_book = time.monotonic() + SECONDS_BETWEEN_BOOKS

        def take(index: int, entry: ShardEntry) -> None:
            nonlocal next_book
            self.finished[index] = entry
            self._journalled |= self.out.append(self._journal, entry.model_dump_json().encode() + b"\n")
            began = time.monotonic()
            if began >= next_book:
                self._write_book()
                ended = time.monotonic()
                next_book = ended + max(SECONDS_BETWEEN_BOOKS, (ended - began) / SHARE_OF_TIME)

        try:
            yield take
        finally:
            self._write_book()

    def close(self) -> str:
        """Write the corpus's own book if, with the neighbours' pieces, all shards are finished.

        Returns:
            name of the corpus's or this piece's book.
        """
        self._write_book()
        names = set(self.out.names())
        found = {i: e for i, e in self._noted(check=False).items() if e.file in names} | self.finished
        if len(found) < self.planned.planned_shards:
            return self.book
        self._put(MANIFEST, found)
        for name in self.out.names():
            if _PIECE.match(name) or _is_journal(name):
                self.out.remove(name)
        return MANIFEST

    def _mine(self, index: int) -> bool:
        return self.piece is None or index % self.piece[1] == self.piece[0] - 1

    def _noted(self, *, check: bool) -> dict[int, ShardEntry]:
        """What the books and journals of all pieces say."""
        noted: dict[int, ShardEntry] = {}
        names = self.out.names()
        for book in filter(_is_book, names):
            try:
                manifest = stored_manifest(self.out, book)
            except InputError:
                if book in self.out.names():
                    raise
                continue  # a neighbour has found everything finished and removed the pieces' books
            if check:
                _check_same(self.out.where(book), manifest, self.planned)
            entries = list(manifest.shards)
            if _journal_of(book) in names:
                entries += _read_journal(self.out, _journal_of(book))
            noted |= {_number(entry): entry for entry in entries}
        return {i: entry for i, entry in noted.items() if i < self.planned.planned_shards}

    def _write_book(self) -> None:
        self._put(self.book, self.finished)
        if self._journalled:
            self.out.remove(self._journal)
        self._journalled = False

    def _put(self, book: str, entries: dict[int, ShardEntry]) -> None:
        listed = [entries[i] for i in sorted(entries)]
        self.out.put(book, self.planned.model_copy(update={"shards": listed}).as_bytes())

    def _sweep(self) -> None:
        """Remove what killed runs left half-written. A piece must not touch what a neighbour is writing."""
        for name in self.out.names():
            shard = _SHARD_ASIDE.match(name)
            if self.piece is None:
                stale = name.startswith(".") and name.endswith(".tmp")
            else:
                stale = shard is not None and self._mine(int(shard[1]))
            if stale:
                self.out.remove(name)


def _examine(question: tuple[Storage, int, ShardEntry]) -> tuple[int, str | None]:
    """A shard's number and, if it is not what its book says, why."""
    storage, index, entry = question
    try:
        found = stored_sha256(storage, entry.file)
    except InputError as error:
        return index, f"cannot be read ({error.got})"
    return index, None if found == entry.sha256 else "does not have the bytes that were written"


def _read_journal(out: Storage, name: str) -> Iterator[ShardEntry]:
    for line in read_limited(out, name, MAX_BYTES).splitlines():
        try:
            yield ShardEntry.model_validate_json(line)
        except ValidationError:
            return  # the run was killed while it wrote this line


def _journal_of(book: str) -> str:
    return f".{book.removesuffix('.json')}.journal"


def _is_journal(name: str) -> bool:
    return name.endswith(".journal") and _is_book(name[1:].removesuffix(".journal") + ".json")


def _is_book(name: str) -> bool:
    return name == MANIFEST or _PIECE.match(name) is not None


def _number(entry: ShardEntry) -> int:
    number = int(entry.file.removeprefix("shard-").removesuffix(".parquet"))
    assert shard_name(number) == entry.file
    return number


def _check_same(book: str, found: Manifest, planned: Manifest) -> None:
    for name in ("kind", "seed", "configuration", "inputs", "packages"):
        old, new = getattr(found, name), getattr(planned, name)
        if old == new:
            continue
        detail = name
        if isinstance(old, dict):
            key = next(k for k in sorted(old.keys() | new.keys()) if old.get(k) != new.get(k))
            detail, old, new = f"{name}.{key}", old.get(key), new.get(key)
        fix = "finish that corpus with the options and inputs it was begun with, or name another folder"
        raise InputError(f"{book}: {detail}", f"{new!r} as this run would have", repr(old), fix)
