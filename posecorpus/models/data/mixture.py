"""Which picture comes when: a plan over several corpora that anyone can look up at any position.

Training asks for positions 0, 1, 2, ... without end. What stands at a position depends on the manifests, the
weights and the seed alone, so any number of readers agree on it, and a run that resumes starts where it was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.seeds import generator
from posecorpus.core.shards import ROW_GROUP, Corpus

BUFFER = 20
"""Blocks of rows that are shuffled together: 1000 rows."""
WINDOW_BYTES = 128 << 20
"""What the pictures that are shuffled together may take: of a corpus of large ones there are fewer."""
MOST_ROWS = 1 << 28
"""Of one corpus. A manifest that claims more would take memory before its shards were looked at."""


@dataclass(frozen=True)
class Source:
    """A corpus of a mixture.

    Attributes:
        place: its folder or URL.
        weight: its share of the pictures, relative to the other weights; 0 leaves it out.
    """

    place: str
    weight: float = 1.0


@dataclass(frozen=True)
class Row:
    """Where a sample lies: in which of the mixture's corpora, which of its shards, which row."""

    source: int
    shard: int
    row: int


class Mixture:
    """An endless order of the pictures of several corpora.

    The corpora take turns as evenly as their weights allow. Each is gone through again and again: blocks of
    50 rows (a row group on disk) in a new order every time, and rows shuffled among ``buffer`` blocks.

    Args:
        sources: corpora and their weights.
        seed: of the order.
        buffer: most blocks of rows that are shuffled together, which a reader has at hand; fewer of large pictures.

    Attributes:
        corpora: those of the sources with a weight.

    Raises:
        InputError: no source, a corpus that is missing or empty, a weight below 0 or not finite, no weight above 0.
    """

    def __init__(self, sources: Sequence[Source], seed: int, buffer: int = BUFFER) -> None:
        weights = [_weight(source) for source in sources]
        kept = [i for i, weight in enumerate(weights) if weight > 0]
        if not kept:
            raise InputError("training data", "at least one corpus with a weight above 0", "none")
        self.corpora = [Corpus(sources[i].place) for i in kept]
        self._orders = [_Order(corpus, seed, i, buffer) for i, corpus in enumerate(self.corpora)]
        whole = math.lcm(*(weights[i].denominator for i in kept))
        self._weights = [int(weights[i] * whole) for i in kept]

    def __len__(self) -> int:
        """Rows of all corpora together."""
        return sum(order.rows for order in self._orders)

    def at(self, position: int) -> Row:
        """The row at a position, which may be any number from 0."""
        source, turn = turn_at(self._weights, position)
        shard, row = self._orders[source].at(turn)
        return Row(source, shard, row)


def turn_at(weights: Sequence[int], position: int) -> tuple[int, int]:
    """Whose turn a position is, and how many turns that source has had before.

    The first source has had ``floor(n w / sum)`` of the first n turns. That leaves a number of turns that
    grows by one or not at all with n, of which the second has its share in the same way, and so on: each
    turn belongs to exactly one, and counts stay within the number of sources of their exact shares.
    """
    before, after, rest = position, position + 1, sum(weights)
    for source, weight in enumerate(weights):
        had, has = before * weight // rest, after * weight // rest
        if has > had:
            return source, had
        before, after, rest = before - had, after - has, rest - weight
    raise AssertionError("the last source takes all the turns that are left")


def _weight(source: Source) -> Fraction:
    if not math.isfinite(source.weight) or source.weight < 0:
        raise InputError(f"{source.place}: weight", "a number from 0", source.weight)
    return Fraction(repr(float(source.weight)))  # 0.3 is three tenths, not the nearest binary number


def _blocks(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """(B, 3) shard, first row and end of each block of shards of so many rows."""
    numbers = -(-counts // ROW_GROUP)
    shard = np.repeat(np.arange(len(counts)), numbers)
    start = (np.arange(len(shard)) - (np.cumsum(numbers) - numbers)[shard]) * ROW_GROUP
    return np.stack([shard, start, np.minimum(start + ROW_GROUP, counts[shard])], 1)


def _picture_bytes(corpus: Corpus) -> int:
    """Mean size of the encoded pictures, as the first shard's footer tells it; at least 1."""
    footer = corpus.open(next(entry for entry in corpus.manifest.shards if entry.samples)).metadata
    column = next(i for i in range(footer.num_columns) if footer.schema.column(i).path == "image")
    sizes: list[int] = [
        footer.row_group(i).column(column).total_uncompressed_size for i in range(footer.num_row_groups)
    ]
    return max(1, sum(sizes) // int(footer.num_rows))


class _Order:
    """The order of one corpus: its rows once, then once more in another order, and so on."""

    def __init__(self, corpus: Corpus, seed: int, source: int, buffer: int) -> None:
        counts = [entry.samples for entry in corpus.manifest.shards]
        self.rows = sum(counts)
        if self.rows > MOST_ROWS or min(counts, default=0) < 0:
            raise InputError(corpus.storage, f"shards of 0 to {MOST_ROWS} samples in total", self.rows)
        if self.rows == 0:
            raise InputError(corpus.storage, "a corpus with samples", "none", "give it a weight of 0")
        self.seed, self.source = seed, source
        self.buffer = max(1, min(buffer, WINDOW_BYTES // (ROW_GROUP * _picture_bytes(corpus))))
        self.blocks = _blocks(np.array(counts, np.int64))
        self.windows = -(-len(self.blocks) // self.buffer)
        self._epoch: tuple[int, NDArray[np.intp], NDArray[np.int64]] | None = None
        self._window: tuple[tuple[int, int], NDArray[np.int64]] | None = None

    def at(self, turn: int) -> tuple[int, int]:
        """Shard and row of a turn."""
        epoch, index = divmod(turn, self.rows)
        order, starts = self._blocks_of(epoch)
        window = int(np.searchsorted(starts, index, side="right")) - 1
        shard, row = self._rows_of(epoch, window, order)[index - starts[window]]
        return int(shard), int(row)

    def _blocks_of(self, epoch: int) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """The blocks in an epoch's order, and the number of rows before each window of them."""
        if self._epoch is None or self._epoch[0] != epoch:
            order = generator(self.seed, f"blocks of corpus {self.source}", epoch).permutation(
                len(self.blocks)
            )
            sizes = self.blocks[order, 2] - self.blocks[order, 1]
            ends = np.add.reduceat(sizes, np.arange(0, len(sizes), self.buffer)).cumsum()
            self._epoch = epoch, order, np.concatenate([[0], ends[:-1]])
        return self._epoch[1:]

    def _rows_of(self, epoch: int, window: int, order: NDArray[np.intp]) -> NDArray[np.int64]:
        """(shard, row) of a window, shuffled."""
        if self._window is None or self._window[0] != (epoch, window):
            blocks = self.blocks[order[window * self.buffer : (window + 1) * self.buffer]]
            rows = np.concatenate(
                [
                    np.stack([np.full(end - start, shard), np.arange(start, end)], 1)
                    for shard, start, end in blocks
                ]
            )
            stage = f"rows of corpus {self.source}"
            shuffled = generator(self.seed, stage, epoch * self.windows + window).permutation(len(rows))
            self._window = (epoch, window), rows[shuffled]
        return self._window[1]
