"""A network that learns: one step, and its state put aside and taken up again."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TypeVar

import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import DistributedDataParallelKwargs, send_to_device
from torch import Tensor

from posecorpus.core.errors import InputError
from posecorpus.core.seeds import generator
from posecorpus.models.parameters import fill_network
from posecorpus.models.training import checkpoint as checkpoints
from posecorpus.models.training.checkpoint import Checkpoint
from posecorpus.models.training.journal import Entry, Tally
from posecorpus.models.training.params import TrainParams
from posecorpus.models.training.schedule import learning_rate, make_optimiser
from posecorpus.models.training.task import LossOf, Task

Batch = TypeVar("Batch")


def processes() -> PartialState:
    """Who trains together, on what. Left alone, ``accelerate`` takes several processes without a GPU for strangers."""
    return PartialState(cpu=not torch.accelerator.is_available())


class Learner:
    """A network, its optimiser and how far they are.

    Attributes:
        accelerator: knows the device, the precision and the other processes.
        step: how many are done.
        tally: of the steps since :meth:`take_stock`.

    Raises:
        InputError: the device has no such precision.
    """

    def __init__(self, task: Task[Batch], params: TrainParams) -> None:
        self.step, self.tally = 0, Tally()
        self.accelerator = _accelerator(params.precision)
        self._params, self._network = params, task.network
        self._optimiser = make_optimiser(task.network, params)
        self._learned = [p for group in self._optimiser.param_groups for p in group["params"]]
        self._saved: int | None = None
        self._losses_of, self._stepper = self.accelerator.prepare(LossOf(task), self._optimiser)

    def learn(self, batch: object, stop: bool) -> bool:
        """One step.

        Args:
            stop: whether this process was asked to stop.

        Returns:
            whether any process was.

        Raises:
            InputError: a loss or a gradient is no number; the network stays as it was.
        """
        self._losses_of.train()
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate(self.step, self._params)
        losses = self._losses_of(send_to_device(batch, self.accelerator.device), self._random())
        values, stop = self._agreed(losses, stop)
        self._check_finite(values)
        self._stepper.zero_grad()
        self.accelerator.backward(torch.stack([*losses.values()]).sum())
        norm = self.accelerator.clip_grad_norm_(self._learned, self._params.clip_norm or math.inf)
        if self.accelerator.scaler is None:  # which looks for itself, and passes the step over
            self._check_finite({"gradient": float(norm)})
        self._stepper.step()
        self.step += 1
        self.tally.add([*values], [*values.values()])
        return stop

    def _random(self) -> torch.Generator:
        """What the task draws from at this step; it also seeds layers that draw on their own, such as dropout."""
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        draws = generator(self._params.seed, "targets", self.step * world + rank)
        first, second = draws.integers(1 << 62, size=2).tolist()
        # Not torch.manual_seed, which notes the stack for every kind of device that is not there: a millisecond.
        torch.default_generator.manual_seed(first)
        if self.accelerator.device.type != "cpu":
            torch.get_device_module(self.accelerator.device).manual_seed(first)
        return torch.Generator().manual_seed(second)

    def _agreed(self, losses: dict[str, Tensor], stop: bool) -> tuple[dict[str, float], bool]:
        """The means over all processes, and whether one of them is to stop: all go on in the same way, or none."""
        told = torch.stack([*losses.values()]).detach()
        told = self.accelerator.reduce(torch.cat([told, told.new_tensor([float(stop)])]), "mean")
        *values, stops = told.tolist()
        return dict(zip(losses, values, strict=True)), stops > 0

    def _check_finite(self, values: dict[str, float]) -> None:
        for name, value in values.items():
            if not math.isfinite(value):
                fix = "try a lower learning rate or a longer warm-up"
                raise InputError(f"step {self.step + 1}", f"a finite {name}", value, fix)

    def start_clock(self) -> None:
        """Training begins now."""
        self.tally.began_s = time.perf_counter()

    def take_stock(self) -> Entry:
        """The journal's entry about the steps since the last one."""
        images = self._params.images * self.accelerator.num_processes
        entry = self.tally.entry(self.step, learning_rate(self.step - 1, self._params), images)
        self.tally = Tally()
        return entry

    def save(self, folder: Path) -> None:
        """Write a checkpoint, unless this step has one; all processes wait until it is there.

        Raises:
            InputError: it cannot be written.
        """
        if self._saved == self.step:
            return
        with self.tally.paused():
            if self.accelerator.is_main_process:
                checkpoints.save(folder, self._state())
            self.accelerator.wait_for_everyone()
        self._saved = self.step

    def _state(self) -> Checkpoint:
        scaler = self.accelerator.scaler
        return Checkpoint(
            step=self.step,
            params=self._params.plain(),
            network=self._network.state_dict(),
            optimiser=checkpoints.optimiser_state(self._network, self._optimiser),
            scaler=scaler.state_dict() if scaler else {},
            tally=self.tally.plain(),
        )

    def resume(self, folder: Path) -> None:
        """Take up the newest checkpoint of a folder, if there is one.

        Raises:
            InputError: it is damaged, or of another network or training.
        """
        path = checkpoints.latest(folder)
        if path is None:
            return
        found = checkpoints.load(path)
        if not found.params:
            raise InputError(path, "a checkpoint to train on from", "one of a network only")
        self._params.check_continues(found.params, found.step, path)
        fill_network(self._network, found.network, path)
        checkpoints.fill_optimiser(self._network, self._optimiser, found.optimiser, path)
        if self.accelerator.scaler and found.scaler:
            _fill_scaler(self.accelerator.scaler, found, path)
        self.step, self.tally, self._saved = found.step, Tally.of(found.tally), found.step


def _accelerator(precision: str) -> Accelerator:
    state = processes()
    if precision == "fp16" and state.device.type == "cpu":
        raise InputError("precision", "no or bf16 on a CPU", precision)
    # Batches may lack labels of some losses, whose layers are then not used.
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)
    try:
        return Accelerator(
            mixed_precision=precision, cpu=state.device.type == "cpu", kwargs_handlers=[unused]
        )
    except ValueError as error:
        raise InputError("precision", f"one that {state.device} has", f"{precision}: {error}") from None


def _fill_scaler(scaler: torch.amp.GradScaler, found: Checkpoint, path: Path) -> None:
    try:
        scaler.load_state_dict(dict(found.scaler))
    except (KeyError, RuntimeError) as error:
        raise InputError(path, "the state of a gradient scaler", error) from None
