"""The training loop of every model: :func:`train` is what happens when, ``learner.Learner.learn`` is one step."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TypeVar

import torch

from posecorpus.core.progress import Report, silent
from posecorpus.models.training.interruption import Interrupted, Interruption
from posecorpus.models.training.journal import Journal
from posecorpus.models.training.learner import Learner, processes
from posecorpus.models.training.params import TrainParams
from posecorpus.models.training.task import Task

Batch = TypeVar("Batch")


def rank_and_world() -> tuple[int, int]:
    """The number of this process among those that train together, and how many they are: 0 and 1 if alone.

    ``accelerate launch`` and ``torchrun`` start several, each on a GPU of its own, or all on the CPU if there is none.
    """
    state = processes()
    return state.process_index, state.num_processes


def leave_cores_to(workers: int) -> None:
    """Compute on the cores that so many other busy processes leave, one at least; never on more than torch does now.

    Threads that wait for one which has no core wait busily: a step then takes ten times as long.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(max(1, min(torch.get_num_threads(), cores - workers)))


def wait_for_the_others() -> None:
    """Until all processes that train together are here; at once if this one is alone."""
    processes().wait_for_everyone()


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
    """Train a task's network up to ``params.steps`` steps, going on from the newest checkpoint in the folder.

    Writes ``checkpoints/`` (see ``checkpoint``), ``metrics.jsonl`` and ``tensorboard/`` (see ``journal``) into the
    folder. A training that stopped and went on has the same losses as one that did not, to the last bit where the
    device computes the same twice, as a CPU does with the same number of threads. The network is left on the device.

    Args:
        batches_from: told a step, 0 for the first, gives the batches of this process (:func:`rank_and_world`) from
            this step on, without end.
        folder: the run's; all processes must see the same one.
        report: told "train", the steps done and ``params.steps``.
        note: told a line with the losses every ``params.log_every`` steps.
        preview: called with the step every ``params.preview_every`` steps; may set the network to ``eval``. This and
            the two above are called in the main process only.

    Raises:
        InputError: a loss or a gradient is no number, a checkpoint is damaged or does not fit, the disk is full.
        KeyboardInterrupt: after Ctrl-C or SIGTERM. What was learned is in a checkpoint, which ``note`` was
            told; the same call goes on from there.
    """
    learner = Learner(task, params)
    learner.resume(folder)
    if learner.step == params.steps:
        return
    main, alone = learner.accelerator.is_main_process, learner.accelerator.num_processes == 1
    with (
        Journal(folder, learner.step) if main else nullcontext() as journal,
        Interruption(alone) as interruption,
    ):
        batches: Iterable[Batch] = ()
        try:
            with interruption.idle():
                batches = batches_from(learner.step)
                upcoming = iter(batches)
            learner.start_clock()
            while learner.step < params.steps:
                with interruption.idle(), learner.tally.waiting():
                    batch = _next(upcoming)
                stop = learner.learn(batch, interruption.asked)
                step = learner.step
                if main:
                    report("train", step, params.steps)
                if step % params.log_every == 0 or step == params.steps:
                    entry = learner.take_stock()
                    if journal is not None:
                        journal.write(entry)
                        note(str(entry))
                if step % params.checkpoint_every == 0 or step == params.steps:
                    learner.save(folder)
                if main and preview and params.preview_every and step % params.preview_every == 0:
                    with learner.tally.paused():
                        preview(step)
                if stop:
                    raise Interrupted
        except Interrupted:
            learner.save(folder)
            if main:
                note(f"interrupted: step {learner.step:,} is saved")
            raise
        finally:
            if isinstance(batches, Generator):
                batches.close()  # ends the processes that make them


def _next(batches: Iterator[Batch]) -> Batch:
    for batch in batches:
        return batch
    raise ValueError("expected batches without end")
