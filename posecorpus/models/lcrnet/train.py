"""Training LCR-Net on corpora: what it is made of, in which order it sees what, and how it learns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from posecorpus.anchors.bank import Anchors
from posecorpus.core.progress import Report, silent
from posecorpus.models.backbones.weights import load_weights
from posecorpus.models.data.augment import AugmentParams
from posecorpus.models.data.loader import batches
from posecorpus.models.data.mixture import Mixture
from posecorpus.models.lcrnet.network import LCRNet
from posecorpus.models.lcrnet.params import LCRNetParams
from posecorpus.models.lcrnet.run import LCRNetRun, read_description
from posecorpus.models.lcrnet.task import Batch, LCRNetTask, MakeExample, collate
from posecorpus.models.training.loop import leave_cores_to, rank_and_world, train
from posecorpus.models.training.params import TrainParams

TRAINING = {
    "tiny": TrainParams(
        steps=2000, optimiser="adamw", drops=((0.7, 0.1), (0.9, 0.1)), warmup_steps=20, images=8
    ),
    "vgg16": TrainParams(steps=500_000, drops=((0.6, 0.1),)),
    "resnet50": TrainParams(steps=2_700_000, images=1, drops=((2 / 3, 0.1), (8 / 9, 0.1))),
}
"""How each preset is trained: the paper's numbers (section 4.1) for the networks that it has."""


@dataclass(frozen=True)
class Lesson:
    """All that decides what is learned.

    Attributes:
        mixture: which picture comes when.
        anchors: what the classes are.
        params: of the network.
        training: of the loop.
        augment: how pictures are seen.
        init: a backbone's state dict, a file or a URL; None to start from nothing.
    """

    mixture: Mixture
    anchors: Anchors
    params: LCRNetParams
    training: TrainParams
    augment: AugmentParams
    init: str | None = None


def new_network(lesson: Lesson) -> LCRNet:
    """A network that has learned nothing but what ``init`` gives its backbone; the seed decides the rest."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lesson.training.seed)
        net = LCRNet(lesson.params, lesson.anchors.classes, len(lesson.anchors.skeleton))
    if lesson.init is not None:
        load_weights(net.backbone, lesson.init)
    return net


def learn(
    lesson: Lesson,
    folder: Path,
    *,
    report: Report = silent,
    note: Callable[[str], None] = lambda line: None,
    look: Callable[[int, LCRNetRun], None] | None = None,
) -> LCRNetRun:
    """Train into a folder that ``run.save_run`` has described, from its newest checkpoint if it has one.

    Args:
        look: shown the network, fit for looking at pictures, every ``training.preview_every`` steps.

    Raises:
        InputError: as ``loop.train``; a corpus that cannot be read.
        KeyboardInterrupt: after Ctrl-C, when all is saved.
    """
    leave_cores_to(lesson.training.workers)
    net, description = new_network(lesson), read_description(folder)
    rank, world = rank_and_world()

    def batches_from(step: int) -> Iterator[Batch]:
        return batches(
            lesson.mixture, MakeExample(lesson.anchors), collate, augment=lesson.augment, frame=lesson.params.frame,
            images=lesson.training.images, seed=lesson.training.seed, first_batch=step * world,
            workers=lesson.training.workers, rank=rank, world=world,
        )  # fmt: skip

    def preview(step: int) -> None:
        if look is not None:
            look(step, LCRNetRun(net.eval(), lesson.anchors, description, step))

    train(
        LCRNetTask(net, lesson.anchors), batches_from, lesson.training, folder,
        report=report, note=note, preview=preview,
    )  # fmt: skip
    return LCRNetRun(net.eval(), lesson.anchors, description, lesson.training.steps)
