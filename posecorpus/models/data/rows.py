"""Rows of corpora in any order: groups of rows are kept as they are stored, within a budget of memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from posecorpus.core.cameras import Camera
from posecorpus.core.codecs import decode
from posecorpus.core.errors import InputError
from posecorpus.core.sample import Sample
from posecorpus.core.schema import RASTER_COLUMNS
from posecorpus.core.shards import Corpus
from posecorpus.models.data.mixture import WINDOW_BYTES, Row
from posecorpus.models.data.people import PERSON_FIELDS, PeopleColumns

OPEN_FILES = 32
_PLAIN = ("key", "width", "height", "camera", "clip", "frame")
_LISTS = ("list", "element", "item")


class Rows:
    """Reads samples by their place; for one thread.

    Samples have what training needs, and no more is read: no SMPL parameters, lifts, skeleton maps or provenance.

    Args:
        corpora: those of the mixture whose rows are asked for.
        fields: rasters that are read: the picture stays encoded (its view decides how it is decoded), others are
            decoded.
        budget_bytes: what the row groups that are kept may take together; one is always kept. Default: room for
            what is shuffled together.
    """

    def __init__(
        self, corpora: Sequence[Corpus], fields: Sequence[str] = ("image",), budget_bytes: int | None = None
    ) -> None:
        self.corpora = corpora
        self.budget_bytes = 2 * WINDOW_BYTES * len(corpora) if budget_bytes is None else budget_bytes
        self._rasters = {RASTER_COLUMNS[name]: name for name in fields}
        self._files: OrderedDict[tuple[int, int], _File] = OrderedDict()
        self._groups: OrderedDict[tuple[int, int, int], _Group] = OrderedDict()
        self._bytes = 0

    def where(self, place: Row) -> str:
        """The file that a row is in, for errors."""
        corpus = self.corpora[place.source]
        return corpus.storage.where(corpus.manifest.shards[place.shard].file)

    def sample(self, place: Row) -> Sample:
        """The sample of a place, its picture in ``Sample.encoded``.

        Raises:
            InputError: a shard that is missing or damaged, or a row that breaks the rules.
        """
        where = self.where(place)
        file = self._file(place.source, place.shard)
        number = int(np.searchsorted(file.ends, place.row, side="right"))
        group = self._group(place.source, place.shard, number, where)
        return group.sample(place.row - file.start(number), where)

    def _group(self, source: int, shard: int, number: int, where: str) -> _Group:
        key = (source, shard, number)
        if key in self._groups:
            self._groups.move_to_end(key)
            return self._groups[key]
        file = self._file(source, shard)
        try:
            group = _Group(file.read(number, self._rasters), self._rasters, where)
        except (OSError, ValueError, pa.ArrowException) as error:  # values that are no text are ValueErrors
            fix = "run `posecorpus verify` on the corpus"
            raise InputError(where, "readable rows", error, fix) from None
        self._groups[key] = group
        self._bytes += group.bytes
        while self._bytes > self.budget_bytes and len(self._groups) > 1:
            self._bytes -= self._groups.popitem(last=False)[1].bytes
        return group

    def _file(self, source: int, shard: int) -> _File:
        key = (source, shard)
        if key in self._files:
            self._files.move_to_end(key)
            return self._files[key]
        corpus = self.corpora[source]
        file = self._files[key] = _File(corpus.open(corpus.manifest.shards[shard]))
        if len(self._files) > OPEN_FILES:
            self._files.popitem(last=False)[1].parquet.close()
        return file


class _File:
    """An open shard."""

    def __init__(self, parquet: pq.ParquetFile) -> None:
        self.parquet = parquet
        groups = [parquet.metadata.row_group(i).num_rows for i in range(parquet.num_row_groups)]
        self.ends = np.cumsum(groups, dtype=np.int64)

    def start(self, group: int) -> int:
        return int(self.ends[group - 1]) if group else 0

    def read(self, group: int, rasters: dict[str, str]) -> pa.Table:
        paths = (self.parquet.schema.column(i).path for i in range(self.parquet.metadata.num_columns))
        wanted = [path for path in paths if _is_wanted(path, rasters)]
        return self.parquet.read_row_group(group, columns=wanted, use_threads=False)


def _is_wanted(path: str, rasters: dict[str, str]) -> bool:
    """Whether a leaf of the columns, ``people.list.element.joints2d.list.element`` say, is read."""
    column, *rest = path.split(".")
    if column != "people":
        return column in _PLAIN or column in rasters
    return next(name for name in rest if name not in _LISTS) in PERSON_FIELDS


class _Group:
    """A row group in memory."""

    def __init__(self, table: pa.Table, rasters: dict[str, str], where: str) -> None:
        columns = {name: table[name].combine_chunks() for name in table.column_names}
        self.bytes: int = table.nbytes
        self._rasters = {field: columns[column] for column, field in rasters.items()}
        self._plain: dict[str, list[Any]] = {name: columns[name].to_pylist() for name in _PLAIN}
        self._people = PeopleColumns(columns["people"], where)

    def sample(self, row: int, where: str) -> Sample:
        plain = {name: values[row] for name, values in self._plain.items()}
        where = f"{where}: {plain['key']}"
        width, height = plain["width"], plain["height"]
        if min(width, height) < 1:
            raise InputError(where, "an image of at least 1x1", f"{width}x{height}")
        sample = Sample(
            key=plain["key"],
            width=width,
            height=height,
            people=self._people.of_row(row),
            camera=None if plain["camera"] is None else _camera(plain["camera"], width, height, where),
            clip=plain["clip"],
            frame=plain["frame"],
        )
        for field, column in self._rasters.items():
            data = column[row].as_py()
            if data is not None and field == "image":
                sample.encoded[field] = data
            elif data is not None:
                setattr(sample, field, decode(field, data, width, height, f"{where}: {field}"))
        try:
            sample.validate()
        except InputError as error:
            raise _in_file(error, where.removesuffix(f": {sample.key}")) from None
        return sample


def _camera(row: dict[str, list[float]], width: int, height: int, where: str) -> Camera:
    try:
        K, R, t = (np.array(row[name], np.float64) for name in ("K", "R", "t"))
        return Camera(K.reshape(3, 3), R.reshape(3, 3), t, width, height)
    except InputError as error:
        raise _in_file(error, where) from None


def _in_file(error: InputError, where: str) -> InputError:
    return InputError(f"{where}: {error.where}", error.expected, error.got, error.fix)
