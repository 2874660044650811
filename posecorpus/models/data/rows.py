"""Rows of corpora in any order: groups of rows are kept as they are stored, within a budget of memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from posecorpus.core.errors import InputError
from posecorpus.core.sample import RASTERS, Sample
from posecorpus.core.schema import RASTER_COLUMNS, SCHEMA, sample_of
from posecorpus.core.shards import Corpus
from posecorpus.models.data.mixture import Row

BUDGET_BYTES = 256 << 20
OPEN_FILES = 32


class Rows:
    """Reads samples by their place; for one thread.

    Args:
        corpora: those of the mixture whose rows are asked for.
        fields: rasters to decode; the others are not read.
        budget_bytes: what the row groups that are kept may take together; one is always kept.
    """

    def __init__(
        self, corpora: Sequence[Corpus], fields: Sequence[str] = ("image",), budget_bytes: int = BUDGET_BYTES
    ) -> None:
        self.corpora, self.fields, self.budget_bytes = corpora, tuple(fields), budget_bytes
        unread = {RASTER_COLUMNS[name] for name in RASTERS if name not in fields} | {"skeleton_maps"}
        self._columns = [name for name in SCHEMA.names if name not in unread]
        self._files: OrderedDict[tuple[int, int], pq.ParquetFile] = OrderedDict()
        self._groups: OrderedDict[tuple[int, int, int], pa.Table] = OrderedDict()

    def sample(self, place: Row) -> Sample:
        """The sample of a place.

        Raises:
            InputError: a shard that is missing or damaged, or a row that breaks the rules.
        """
        corpus = self.corpora[place.source]
        where = corpus.storage.where(corpus.manifest.shards[place.shard].file)
        file = self._file(place.source, place.shard)
        sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
        ends = np.cumsum(sizes)
        group = int(np.searchsorted(ends, place.row, side="right"))
        rows = self._group(place.source, place.shard, group, where)
        row = rows.slice(place.row - int(ends[group]) + sizes[group], 1).to_pylist()[0]
        return sample_of(row, where, self.fields)

    def _group(self, source: int, shard: int, group: int, where: str) -> pa.Table:
        key = (source, shard, group)
        if key not in self._groups:
            try:
                table = self._file(source, shard).read_row_group(
                    group, columns=self._columns, use_threads=False
                )
            except (OSError, pa.ArrowException) as error:
                raise InputError(
                    where, "readable rows", error, "run `posecorpus verify` on the corpus"
                ) from None
            self._groups[key] = table
            while len(self._groups) > 1 and sum(t.nbytes for t in self._groups.values()) > self.budget_bytes:
                self._groups.popitem(last=False)
        self._groups.move_to_end(key)
        return self._groups[key]

    def _file(self, source: int, shard: int) -> pq.ParquetFile:
        key = (source, shard)
        if key not in self._files:
            corpus = self.corpora[source]
            self._files[key] = corpus.open(corpus.manifest.shards[shard])
            if len(self._files) > OPEN_FILES:
                self._files.popitem(last=False)[1].close()
        self._files.move_to_end(key)
        return self._files[key]
