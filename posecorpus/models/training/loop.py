"""The training loop of every model."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TypeVar

import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import DistributedDataParallelKwargs, send_to_device

from posecorpus.core.errors import InputError
from posecorpus.core.progress import Report, silent
from posecorpus.core.seeds import generator
from posecorpus.models.training import checkpoint as checkpoints
from posecorpus.models.training.checkpoint import Checkpoint
from posecorpus.models.training.interruption import Interrupted, Interruption
from posecorpus.models.training.journal import Entry, Journal, Tally
from posecorpus.models.training.params import TrainParams
from posecorpus.models.training.schedule import learning_rate, make_optimiser
from posecorpus.models.training.task import LossOf, Task

Batch = TypeVar("Batch")


def rank_and_world() -> tuple[int, int]:
    """The number of this process among those that train together, and how many they are: 0 and 1 if alone.

    ``accelerate launch`` and ``torchrun`` start several.
    """
    state = PartialState()
    return state.process_index, state.num_processes


def train(
    task: Task[Batch],
    batches_from: Callable[[int], Iterable[Batch]],
    params: TrainParams,
    folder: Path,
    *,
    report: Report = silent,
    note: Callable[[str], None] = lambda line: None,
    preview: Callable[[int], None] | None = None,
) -> None:
    """Train a task's network up to ``params.steps`` steps, going on from the last checkpoint in the folder.

    The network is left on the device, and the newest checkpoint in ``folder/checkpoints``, the journal in
    ``folder/metrics.jsonl`` and ``folder/tensorboard`` (see ``checkpoint`` and ``journal``).

    Args:
        batches_from: told a step, gives the batches of this process (:func:`rank_and_world`) from this step on,
            without end.
        folder: the run's. Several processes must all see it.
        report: told "train", the steps done and ``params.steps``.
        note: told a line with the losses every ``params.log_every`` steps.
        preview: called every ``params.preview_every`` steps with the step; may set the network to ``eval``.
            This and the two above are called in the main process only.

    Raises:
        InputError: a loss is no number any more, a checkpoint is damaged or does not fit, the disk is full.
        KeyboardInterrupt: after Ctrl-C; what was learned is in the last checkpoint, and ``note`` was told so.
    """
    learner = Learner(task, params)
    learner.resume(folder)
    main = learner.accelerator.is_main_process
    world = learner.accelerator.num_processes
    with (
        Journal(folder, learner.step) if main else nullcontext() as journal,
        Interruption(alone=world == 1) as interruption,
    ):
        try:
            batches = iter(batches_from(learner.step))
            while learner.step < params.steps:
                with interruption.idle():
                    batch = learner.wait_for(batches)
                stop = learner.learn(batch, interruption.asked)
                step = learner.step
                if main:
                    report("train", step, params.steps)
                if step % params.log_every == 0:
                    entry = learner.take_stock()
                    if journal is not None:
                        journal.write(entry)
                        note(str(entry))
                if step % params.checkpoint_every == 0 or step == params.steps:
                    learner.save(folder)
                if main and preview and params.preview_every and step % params.preview_every == 0:
                    preview(step)
                if stop:
                    raise Interrupted
        except Interrupted:
            learner.save(folder)
            if main:
                note(f"interrupted after step {learner.step}, which is saved; run the same again to go on")
            raise


class Learner:
    """A network, its optimiser and how far they are."""

    def __init__(self, task: Task[Batch], params: TrainParams) -> None:
        self.params, self.network, self.step, self.tally = params, task.network, 0, Tally()
        unused = DistributedDataParallelKwargs(find_unused_parameters=True)
        self.accelerator = Accelerator(mixed_precision=params.precision, kwargs_handlers=[unused])
        self.module, self.optimiser = self.accelerator.prepare(
            LossOf(task), make_optimiser(task.network, params)
        )
        self.learned = [p for p in task.network.parameters() if p.requires_grad]

    def wait_for(self, batches: Iterator[Batch]) -> Batch:
        """The next batch; the time it takes is waiting time."""
        began = time.perf_counter()
        batch = next(batches)
        self.tally.waited += time.perf_counter() - began
        return batch

    def learn(self, batch: object, stop: bool) -> bool:
        """One step; returns whether any process was asked to stop.

        Raises:
            InputError: a loss is no number.
        """
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        draws = generator(self.params.seed, "targets", self.step * world + rank)
        torch.manual_seed(int(draws.integers(1 << 62)))  # layers such as dropout take no generator
        random = torch.Generator().manual_seed(int(draws.integers(1 << 62)))
        self.module.train()
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.step, self.params)
        losses = self.module(send_to_device(batch, self.accelerator.device), random)
        total = torch.stack(list(losses.values())).sum()
        # All processes are to agree on what to do next: losses and wishes travel together.
        told = torch.stack([*losses.values(), torch.full_like(total, float(stop))]).detach()
        *values, stops = self.accelerator.reduce(told, "mean").tolist()
        for name, value in zip(losses, values, strict=True):
            if not math.isfinite(value):
                raise InputError(
                    f"step {self.step + 1}", f"a finite loss {name!r}", value, "try a lower learning rate"
                )
        self.optimiser.zero_grad()
        self.accelerator.backward(total)
        if self.params.clip_norm is not None:
            self.accelerator.clip_grad_norm_(self.learned, self.params.clip_norm)
        self.optimiser.step()
        self.step += 1
        self.tally.add(list(losses), values)
        return bool(stops > 0)

    def take_stock(self) -> Entry:
        """An entry for the journal about the steps since the last one."""
        world = self.accelerator.num_processes
        entry = self.tally.entry(
            self.step, learning_rate(self.step - 1, self.params), self.params.images * world
        )
        self.tally = Tally()
        return entry

    def save(self, folder: Path) -> None:
        """Write a checkpoint; all processes wait until it is there."""
        if self.accelerator.is_main_process:
            inner, scaler = self.optimiser.optimizer, self.accelerator.scaler
            checkpoints.save(
                folder,
                Checkpoint(
                    self.step,
                    self.params.plain(),
                    self.network.state_dict(),
                    checkpoints.optimiser_state(self.network, inner),
                    scaler.state_dict() if scaler else {},
                    self.tally.plain(),
                ),
            )
        self.accelerator.wait_for_everyone()

    def resume(self, folder: Path) -> None:
        """Go to the newest checkpoint of a folder, if there is one."""
        path = checkpoints.latest(folder)
        if path is None:
            return
        found = checkpoints.load(path)
        self.params.check_continues(found.params, path)
        checkpoints.fill_network(self.network, found.network, path)
        checkpoints.fill_optimiser(self.network, self.optimiser.optimizer, found.optimiser, path)
        if self.accelerator.scaler and found.scaler:
            self.accelerator.scaler.load_state_dict(dict(found.scaler))
        self.step, self.tally = found.step, Tally.of(found.tally)
