"""``posecorpus train lcrnet``: a run's folder, made once and gone on with after every stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.anchors.bank import Anchors, load_anchors
from posecorpus.core.codecs import encode
from posecorpus.core.errors import InputError
from posecorpus.core.manifest import write_atomically
from posecorpus.core.progress import Report, silent
from posecorpus.core.sample import Sample
from posecorpus.core.shards import Corpus
from posecorpus.core.storage import storage_at
from posecorpus.models.data.augment import AugmentParams, plain_view, seen
from posecorpus.models.data.mixture import Mixture, Source
from posecorpus.models.lcrnet.detect import EVERYBODY_ONCE
from posecorpus.models.lcrnet.params import preset
from posecorpus.models.lcrnet.run import RUN, LCRNetRun, read_description, save_run
from posecorpus.models.lcrnet.train import TRAINING, Lesson, learn
from posecorpus.models.training.checkpoint import steps_done
from posecorpus.models.training.loop import rank_and_world, wait_for_the_others
from posecorpus.models.training.params import TrainParams
from posecorpus.pipelines.locks import only_run
from posecorpus.pipelines.training.previews import Seen, preview_sheet

PICTURES = "pictures"
PREVIEWED = 8
DRAWN_FROM = 0.5
"""People of a lower score are not drawn: those of a network that has just begun would hide the picture."""


@dataclass(frozen=True)
class TrainRequest:
    """What is asked for.

    Attributes:
        corpora: with their weights.
        anchors: file of ``posecorpus anchors``.
        preset: name of the network's sizes and of how it is trained.
        network: what of the preset's sizes is replaced, by the names of :class:`LCRNetParams`.
        training: what of its training is replaced, by the names of :class:`TrainParams`.
        augment: how pictures are seen.
        init: a backbone's state dict, a file or a URL.
        previews: corpus of the pictures that are shown as it learns; None for the first of ``corpora``.
    """

    corpora: tuple[Source, ...]
    anchors: Path
    preset: str = "tiny"
    network: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    augment: AugmentParams = field(default_factory=AugmentParams)
    init: str | None = None
    previews: str | None = None


def train_lcrnet(
    request: TrainRequest,
    folder: Path,
    *,
    report: Report = silent,
    note: Callable[[str], None] = lambda line: None,
) -> LCRNetRun:
    """Train, or go on training, in a folder.

    Raises:
        InputError: the folder is another run's or another process trains there; corpora or anchors cannot be read;
            training comes to nothing.
        KeyboardInterrupt: after Ctrl-C, when all is saved.
    """
    lesson = _lesson(request)
    if rank_and_world()[0] > 0:  # the first of several processes looks after the folder
        wait_for_the_others()
        return learn(lesson, folder)
    with only_run(storage_at(folder), None):
        _describe(request, lesson, folder)
        wait_for_the_others()
        pictures = _pictures(request.previews or request.corpora[0].place, lesson.params.frame)
        look = partial(_show, folder / PICTURES, pictures, lesson.anchors)
        return learn(lesson, folder, report=report, note=note, look=look)


def _lesson(request: TrainRequest) -> Lesson:
    params = replace(preset(request.preset), **request.network)
    training: TrainParams = replace(TRAINING[request.preset], **request.training)
    return Lesson(
        mixture=Mixture(request.corpora, training.seed),
        anchors=load_anchors(request.anchors),
        params=params,
        training=training,
        augment=request.augment,
        init=request.init,
    )


def _describe(request: TrainRequest, lesson: Lesson, folder: Path) -> None:
    """Write what the run is, or see that it is the one that was begun here."""
    asked: dict[str, Any] = {
        "corpora": {source.place: source.weight for source in request.corpora},
        "training": lesson.training.plain(),
        "augment": _listed(vars(lesson.augment)),
        "init": lesson.init,
    }
    if (folder / RUN).is_file():
        begun = read_description(folder)
        if begun.params != lesson.params:
            raise InputError(folder, f"the network of {begun.params}", lesson.params, "choose another folder")
        for name in ("corpora", "augment", "init"):
            if begun.training.get(name) != asked[name]:
                got = f"{asked[name]} now, {begun.training.get(name)} then"
                raise InputError(
                    folder, f"the same {name} as when training began", got, "choose another folder"
                )
        earlier, done = begun.training.get("training", {}), steps_done(folder)
        lesson.training.check_continues(earlier, done, folder / RUN)
        if not _same(load_anchors(folder / "anchors.npz"), lesson.anchors):
            raise InputError(
                folder, "the anchors that training began with", "others", "choose another folder"
            )
    save_run(folder, lesson.params, lesson.anchors, asked)


def _listed(values: dict[str, Any]) -> dict[str, Any]:
    """As JSON gives it back."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _same(anchors: Anchors, others: Anchors) -> bool:
    return anchors.skeleton == others.skeleton and all(
        np.array_equal(getattr(anchors, name), getattr(others, name)) for name in ("poses3d", "poses2d")
    )


def _pictures(place: str, frame: tuple[int, int]) -> list[Sample]:
    """The first few pictures with people of a corpus, as the network sees them."""
    found = []
    for sample in Corpus(place).samples(["image"]):
        if sample.image is not None and sample.people:
            found.append(seen(sample, plain_view(sample.width, sample.height, frame)))
        if len(found) == PREVIEWED:
            break
    return found


def _show(folder: Path, pictures: list[Sample], anchors: Anchors, step: int, run: LCRNetRun) -> None:
    """Draw what the network makes of the pictures."""
    shown = []
    for sample in pictures:
        assert sample.image is not None
        people = run.detect(sample.image, EVERYBODY_ONCE)
        shown.append(Seen(sample, people.poses2d[people.scores >= DRAWN_FROM]))
    if shown:
        folder.mkdir(exist_ok=True)
        _write(folder / f"step-{step:07d}.jpg", preview_sheet(shown, anchors.skeleton))


def _write(path: Path, image: NDArray[np.uint8]) -> None:
    try:
        write_atomically(path, encode("image", image))
    except OSError as error:
        raise InputError(path, "a file that can be written", error.strerror) from None
