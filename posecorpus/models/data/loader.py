"""Batches of training pictures, made by worker processes, the same bytes for any number of them."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.context import BaseContext
from types import TracebackType
from typing import Generic, TypeVar

import cv2
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from posecorpus.core.errors import InputError
from posecorpus.core.parts import taxonomy
from posecorpus.core.sample import Sample
from posecorpus.core.seeds import generator
from posecorpus.models.data.augment import AugmentParams, draw_view, seen
from posecorpus.models.data.mixture import Mixture
from posecorpus.models.data.rows import Rows

Item = TypeVar("Item")
Batch = TypeVar("Batch")


@dataclass(frozen=True)
class _Failure:
    """A worker's error on its way home; torch would wrap it in the worker's traceback."""

    error: InputError


@dataclass(eq=False)
class PictureStream(IterableDataset[object], Generic[Item, Batch]):
    """The batches of one rank, without end; each worker of a DataLoader makes every so many-th.

    Attributes:
        mixture: which picture comes when.
        make: a picture's part of a batch, made of the sample as it is seen, in the worker.
        collate: a batch of its parts, in the worker.
        augment: how pictures are seen.
        frame: what pictures are fitted to: pixels of the shorter side, and the most of the longer one.
        images: pictures of a batch.
        first_batch: number of the first batch of all ranks; batch b is of positions b * images and on.
        rank, world: this process makes the batches b with b mod world = rank.
        seed: of the augmentation.
        fields: rasters that ``make`` wants.
    """

    mixture: Mixture
    make: Callable[[Sample], Item]
    collate: Callable[[list[Item]], Batch]
    augment: AugmentParams
    frame: tuple[int, int]
    images: int
    seed: int
    first_batch: int = 0
    rank: int = 0
    world: int = 1
    fields: tuple[str, ...] = ("image",)

    def __post_init__(self) -> None:
        if self.images < 1 or self.first_batch < 0 or not 0 <= self.rank < self.world:
            raise ValueError(
                f"expected images >= 1, first_batch >= 0 and 0 <= rank < world, got {self.images}, "
                f"{self.first_batch}, {self.rank}, {self.world}"
            )
        self._taxonomies = [
            None if corpus.manifest.part_taxonomy is None else taxonomy(corpus.manifest.part_taxonomy["name"])
            for corpus in self.mixture.corpora
        ]

    def __iter__(self) -> Iterator[object]:
        info = get_worker_info()
        start, step = (0, 1) if info is None else (info.id, info.num_workers)
        rows = Rows(self.mixture.corpora, self.fields)
        first = self.first_batch + (self.rank - self.first_batch) % self.world
        number = first + start * self.world
        while True:
            try:
                yield self.collate([self._item(number * self.images + i, rows) for i in range(self.images)])
            except InputError as error:
                yield _Failure(error)
                return
            number += step * self.world

    def _item(self, position: int, rows: Rows) -> Item:
        place = self.mixture.at(position)
        sample = rows.sample(place)
        if "image" in self.fields and "image" not in sample.encoded:
            where = f"{rows.where(place)}: {sample.key}"
            raise InputError(where, "a picture", "annotations only", "leave the corpus out")
        random = generator(self.seed, "augment", position)
        view = draw_view(sample.width, sample.height, self.frame, self.augment, random)
        try:
            picture = seen(sample, view, self._taxonomies[place.source])
        except InputError as error:
            where = f"{rows.where(place)}: {error.where}"
            raise InputError(where, error.expected, error.got, error.fix) from None
        return self.make(picture)


def batches(
    mixture: Mixture,
    make: Callable[[Sample], Item],
    collate: Callable[[list[Item]], Batch],
    *,
    augment: AugmentParams,
    frame: tuple[int, int],
    images: int,
    seed: int,
    first_batch: int = 0,
    workers: int = 0,
    rank: int = 0,
    world: int = 1,
    fields: tuple[str, ...] = ("image",),
) -> Iterator[Batch]:
    """The batches of a rank from a number on, without end; see :class:`PictureStream`.

    Their bytes depend on the mixture, the seed and their number, not on ``workers`` (processes; 0 makes them here, when
    asked) nor on where the stream begins. Closing the iterator ends the workers. They start as new processes, so
    ``make`` and ``collate`` must be picklable, and a script that calls this needs ``if __name__ == "__main__"``.

    Raises:
        InputError: damaged or missing rows, as one line also from a worker; a worker that was killed.
    """
    stream = PictureStream(
        mixture, make, collate, augment, frame, images, seed, first_batch, rank, world, fields
    )
    loader: DataLoader[object] = DataLoader(
        stream,
        batch_size=None,
        num_workers=workers,
        collate_fn=_as_it_is,
        worker_init_fn=_set_up_worker,
        multiprocessing_context=_fresh_processes() if workers else None,
    )
    arriving = iter(loader)
    while True:
        batch = _next(arriving)
        if isinstance(batch, _Failure):
            raise batch.error
        yield batch  # type: ignore[misc]


def _next(arriving: Iterator[object]) -> object:
    try:
        return next(arriving)
    except RuntimeError as error:
        if not str(error).startswith("DataLoader worker"):
            raise
        fix = "it may have run out of memory: ask for fewer workers"
        raise InputError("training data", "worker processes that stay alive", error, fix) from None


def _as_it_is(batch: object) -> object:
    return batch


def _fresh_processes() -> BaseContext:
    """How workers are started: not as forks of this process.

    Arrow, OpenMP and OpenCV have threads here, and a fork waits forever for one that it has no copy of.
    """
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _set_up_worker(_: int) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    # Ctrl-C goes to all processes; the one that trains decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.excepthook = _report_fault


def _report_fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """As Python does, but for the thread that hands batches over: that its reader is gone is how a stream ends."""
    if not issubclass(kind, (ConnectionError, EOFError)):
        sys.__excepthook__(kind, error, trace)
