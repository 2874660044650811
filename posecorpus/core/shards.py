"""Parquet shards: writing one whole or not at all, and reading a corpus back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import (
    MANIFEST,
    MAX_BYTES,
    Manifest,
    ShardEntry,
    no_manifest,
    parse_manifest,
    read_manifest,
)
from posecorpus.core.sample import RASTERS, Sample
from posecorpus.core.schema import RASTER_COLUMNS, SCHEMA, sample_of, table
from posecorpus.core.storage import LocalStorage, Storage, read_limited, storage_at

ROW_GROUP = 50
"""Rows read at a time; small enough for shuffling readers, large enough to be sequential on disk."""


def shard_name(index: int) -> str:
    """File name of a shard."""
    return f"shard-{index:05d}.parquet"


def write_shard(folder: Path | str | Storage, index: int, samples: Iterable[Sample]) -> ShardEntry:
    """Write samples as one shard, whole or not at all, and return its manifest entry.

    The bytes depend on the samples alone. The images and label maps are compressed already, so the
    columns are not compressed again.
    """
    sink = pa.BufferOutputStream()  # grows twice as fast as Python's own: shards are large
    count, rest = 0, iter(samples)
    with pq.ParquetWriter(sink, SCHEMA, compression="NONE", use_dictionary=False) as file:
        # What a group of rows holds is let go once it is written: all of a shard's leaves large holes in memory.
        while (rows := table(islice(rest, ROW_GROUP))).num_rows:
            file.write_table(rows, ROW_GROUP)
            count += rows.num_rows
    data = memoryview(sink.getvalue())
    storage_at(folder).put(shard_name(index), data)
    return ShardEntry(file=shard_name(index), samples=count, sha256=hashlib.sha256(data).hexdigest())


def file_sha256(path: Path) -> str:
    """Digest of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stored_manifest(storage: Storage, name: str) -> Manifest:
    """Read and validate a manifest wherever it lies; raises as :func:`read_manifest`."""
    if isinstance(storage, LocalStorage):
        return read_manifest(storage.folder / name)
    if name not in storage.names():
        raise no_manifest(storage.where(name))
    return parse_manifest(read_limited(storage, name, MAX_BYTES), storage.where(name))


def open_parquet(storage: Storage, name: str) -> pq.ParquetFile:
    """A Parquet file wherever it lies; raises what Arrow and the storage raise."""
    # Arrow's own reader is the faster one.
    return pq.ParquetFile(storage.folder / name if isinstance(storage, LocalStorage) else storage.open(name))


class Corpus:
    """A corpus in a folder or behind a URL, read-only.

    ``len(corpus)``, ``corpus[i]`` and iteration give :class:`Sample` objects in shard order; rasters can
    be left undecoded by naming the wanted ones in :meth:`samples`.

    Raises:
        InputError: no corpus there, or a shard that is missing or damaged.
    """

    def __init__(self, place: Path | str | Storage) -> None:
        self.storage = storage_at(place)
        self.manifest: Manifest = stored_manifest(self.storage, MANIFEST)

    @property
    def path(self) -> Path:
        """The corpus's folder.

        Raises:
            InputError: it lies behind a URL.
        """
        if isinstance(self.storage, LocalStorage):
            return self.storage.folder
        raise InputError(self.storage, "a corpus in a local folder", "a URL", "copy it to this machine first")

    def __len__(self) -> int:
        return sum(entry.samples for entry in self.manifest.shards)

    def __iter__(self) -> Iterator[Sample]:
        return self.samples()

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(index)
        for entry in self.manifest.shards:
            if index < entry.samples:
                return next(self._rows(entry, tuple(RASTERS), start=index))
            index -= entry.samples
        raise IndexError(index)

    @cached_property
    def shards(self) -> list[Path]:
        """Files of the finished shards, in order."""
        return [self.path / entry.file for entry in self.manifest.shards]

    def samples(self, fields: Iterable[str] = RASTERS) -> Iterator[Sample]:
        """Stream all samples, decoding only the named raster fields."""
        wanted = tuple(fields)
        for entry in self.manifest.shards:
            yield from self._rows(entry, wanted)

    def shard_samples(
        self, entry: ShardEntry, fields: Iterable[str] = RASTERS, *, keep_encoded: bool = False
    ) -> Iterator[Sample]:
        """Stream the samples of one shard.

        Args:
            fields: rasters to decode.
            keep_encoded: put the other rasters, as they are stored, into ``Sample.encoded``.
        """
        return self._rows(entry, tuple(fields), keep_encoded=keep_encoded)

    def shard_keys(self, entry: ShardEntry) -> list[str]:
        """Keys of the samples of one shard, in order."""
        keys: list[str] = self.open(entry).read(columns=["key"])["key"].to_pylist()
        return keys

    def columns(self, *names: str) -> pa.Table:
        """Whole columns as an Arrow table, without touching the others: for statistics."""
        tables = [self.open(entry).read(columns=list(names)) for entry in self.manifest.shards]
        return pa.concat_tables(tables) if tables else SCHEMA.empty_table().select(list(names))

    def open(self, entry: ShardEntry) -> pq.ParquetFile:
        """A shard, with its columns and number of rows checked; raises as the class does."""
        path = self.storage.where(entry.file)
        try:
            file = open_parquet(self.storage, entry.file)
        except (OSError, pa.ArrowException) as error:
            raise InputError(
                path, "a Parquet shard", error, "run `posecorpus verify` on the corpus"
            ) from None
        if not file.schema_arrow.equals(SCHEMA):
            different = next(
                (f.name for f in SCHEMA if f.name not in file.schema_arrow.names), "types differ"
            )
            raise InputError(path, "the columns of a posecorpus shard", different)
        if file.metadata.num_rows != entry.samples:
            raise InputError(path, f"{entry.samples} rows, as the manifest says", file.metadata.num_rows)
        return file

    def _rows(
        self, entry: ShardEntry, fields: Sequence[str], start: int = 0, *, keep_encoded: bool = False
    ) -> Iterator[Sample]:
        file = self.open(entry)
        skipped = [] if keep_encoded else [RASTER_COLUMNS[name] for name in RASTERS if name not in fields]
        columns = [name for name in SCHEMA.names if name not in skipped]
        where = self.storage.where(entry.file)
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if start >= rows:
                start -= rows
                continue
            try:
                part = file.read_row_group(group, columns=columns).slice(start)
            except (OSError, pa.ArrowException) as error:
                raise InputError(
                    where, "readable rows", error, "run `posecorpus verify` on the corpus"
                ) from None
            start = 0
            for batch in part.to_batches(max_chunksize=1):
                yield sample_of(batch.to_pylist()[0], where, fields, keep_encoded=keep_encoded)
