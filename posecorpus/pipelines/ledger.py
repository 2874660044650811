"""Which shards of a corpus are finished, kept so that interruption and teamwork cannot confuse it.

A whole run keeps its book in ``manifest.json``. A piece of a run (``--shard i/n``) keeps its own in
``manifest-i-of-n.json``, so pieces never write the same file; whoever finds all shards finished writes
``manifest.json`` and removes the pieces' books. A shard counts as finished if a book holds its hash and
the file's bytes have it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import MANIFEST, Manifest, ShardEntry, read_manifest
from posecorpus.core.shards import file_sha256, shard_name

SECONDS_BETWEEN_BOOKS = 3.0
_PIECE = re.compile(r"^manifest-\d+-of-\d+\.json$")


def check_folder(out: Path) -> None:
    """Refuse a folder that holds something, but no corpus."""
    if out.exists() and not out.is_dir():
        raise InputError(out, "a folder for the corpus", "a file")
    if not out.is_dir() or _books(out):
        return
    strangers = sorted(p.name for p in out.iterdir() if not p.name.startswith("."))
    if strangers:
        raise InputError(out, "an empty folder or a corpus", f"{strangers[0]!r} in it", "name another folder")


def open_ledger(out: Path, planned: Manifest, piece: tuple[int, int] | None) -> dict[int, ShardEntry]:
    """The finished shards of the planned corpus that lie in the folder, by number.

    Left-overs of a killed run are removed.

    Raises:
        InputError: the folder holds a corpus of another configuration, seed or inputs.
    """
    out.mkdir(parents=True, exist_ok=True)
    finished: dict[int, ShardEntry] = {}
    for book in _books(out):
        manifest = read_manifest(book)
        _check_same(book, manifest, planned)
        for entry in manifest.shards:
            path = out / entry.file
            if path.is_file() and file_sha256(path) == entry.sha256:
                finished[_number(entry)] = entry
    if piece is None:  # a piece must not touch what a neighbour is writing
        for stale in out.glob(".*.tmp"):
            stale.unlink(missing_ok=True)
    record(out, planned, finished, piece)
    return finished


@contextmanager
def recorder(
    out: Path, planned: Manifest, finished: dict[int, ShardEntry], piece: tuple[int, int] | None
) -> Iterator[Callable[[int, ShardEntry], None]]:
    """Gives a function that takes a shard into the book.

    The book is written at most every few seconds, and at the end, also after Ctrl-C: a corpus of many
    shards would otherwise spend its time on it. A shard that a killed run did not book is made again.
    """
    written = time.monotonic()

    def take(index: int, entry: ShardEntry) -> None:
        nonlocal written
        finished[index] = entry
        if time.monotonic() - written > SECONDS_BETWEEN_BOOKS:
            record(out, planned, finished, piece)
            written = time.monotonic()

    try:
        yield take
    finally:
        record(out, planned, finished, piece)


def record(
    out: Path, planned: Manifest, finished: dict[int, ShardEntry], piece: tuple[int, int] | None
) -> Path:
    """Write the book of this run."""
    mine = {i: e for i, e in finished.items() if piece is None or i % piece[1] == piece[0] - 1}
    entries = [mine[i] for i in sorted(mine)]
    path = out / (MANIFEST if piece is None else f"manifest-{piece[0]}-of-{piece[1]}.json")
    planned.model_copy(update={"shards": entries}).write(path)
    return path


def close_ledger(
    out: Path, planned: Manifest, finished: dict[int, ShardEntry], piece: tuple[int, int] | None
) -> Path:
    """Write the last book; the corpus's own if, with the neighbours' pieces, all shards are finished."""
    for book in _books(out):
        for entry in read_manifest(book).shards:
            if (out / entry.file).is_file():
                finished.setdefault(_number(entry), entry)
    if len(finished) < planned.planned_shards:
        return record(out, planned, finished, piece)
    path = record(out, planned, finished, None)
    for book in _books(out):
        if _PIECE.match(book.name):
            book.unlink(missing_ok=True)
    return path


def _books(out: Path) -> list[Path]:
    return sorted(p for p in out.iterdir() if p.name == MANIFEST or _PIECE.match(p.name))


def _number(entry: ShardEntry) -> int:
    number = int(entry.file.removeprefix("shard-").removesuffix(".parquet"))
    assert shard_name(number) == entry.file
    return number


def _check_same(book: Path, found: Manifest, planned: Manifest) -> None:
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
