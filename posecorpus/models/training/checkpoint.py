"""The whole state of training in one file, and a network out of it."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn, optim

from posecorpus.core.errors import InputError

FOLDER = "checkpoints"
KEPT = 2
_FORMAT = 1
_NAME = re.compile(r"step-(\d{7,12})\.pt")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What training needs to go on as if it had not stopped; the learning rate and all that is drawn follow from the step.

    Attributes:
        step: how many are done.
        params: ``TrainParams.plain()``.
        network: its state dict.
        optimiser: for each parameter that learns, by name, what the optimiser remembers of it.
        scaler: of fp16; empty without.
        tally: of the losses since the last line of the journal, see ``journal.Tally``.
    """

    step: int
    params: Mapping[str, Any]
    network: Mapping[str, Tensor]
    optimiser: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)
    scaler: Mapping[str, Any] = field(default_factory=dict)
    tally: Mapping[str, Any] = field(default_factory=dict)


def path_of(folder: Path, step: int) -> Path:
    """Where in a run's folder the checkpoint of a step is."""
    return folder / FOLDER / f"step-{step:07d}.pt"


def steps_in(folder: Path) -> list[int]:
    """Of all checkpoints in a run's folder, in rising order."""
    found = (_NAME.fullmatch(path.name) for path in (folder / FOLDER).glob("step-*.pt"))
    return sorted(int(match[1]) for match in found if match)


def latest(folder: Path) -> Path | None:
    """The newest checkpoint of a run's folder."""
    steps = steps_in(folder)
    return path_of(folder, steps[-1]) if steps else None


def save(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint into a run's folder, whole or not at all, and remove all but the last two.

    Raises:
        InputError: it cannot be written, on a full disk for instance; those there are stay.
    """
    path = path_of(folder, checkpoint.step)
    part = path.with_suffix(".part")
    content = {"format": _FORMAT} | {name: getattr(checkpoint, name) for name in checkpoint.__annotations__}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            torch.save(content, stream)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except (OSError, RuntimeError) as error:  # torch makes some errors of the file RuntimeErrors of its own
        part.unlink(missing_ok=True)
        cause = error if isinstance(error, OSError) else error.__context__
        if not isinstance(cause, OSError):
            raise
        raise InputError(
            path, "room for a checkpoint", cause.strerror, "make room and run again to go on"
        ) from None
    for step in steps_in(folder)[:-KEPT]:
        path_of(folder, step).unlink(missing_ok=True)
    return path


def load(path: Path) -> Checkpoint:
    """Read a checkpoint; only tensors, numbers and names are unpickled, nothing in the file is executed.

    Raises:
        InputError: no such file, a damaged one, or another kind of file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged:
            raise InputError(path, "an intact checkpoint", f"damage in {damaged}")
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(path, "a checkpoint", "no such file") from None
    except Exception as error:  # whatever a file of a stranger makes the unpickler raise
        raise InputError(path, "a checkpoint", str(error).partition("\n")[0]) from None
    if not isinstance(content, dict) or content.pop("format", None) != _FORMAT:
        raise InputError(path, f"a checkpoint of format {_FORMAT}", "something else")
    return Checkpoint(**content)


def load_network(path: Path, network: nn.Module) -> int:
    """Fill a network from a checkpoint; returns how many steps it has learned.

    Raises:
        InputError: as :func:`load`, or the checkpoint is of another network.
    """
    checkpoint = load(path)
    fill_network(network, checkpoint.network, path)
    return checkpoint.step


def fill_network(network: nn.Module, state: Mapping[str, Tensor], where: Path) -> None:
    """``load_state_dict``, with one-line errors that name the file ``where`` and the parameter."""
    wanted = network.state_dict()
    for name, value in wanted.items():
        if name not in state:
            raise InputError(where, f"a parameter {name}", "none", "is it of another network?")
        if state[name].shape != value.shape:
            raise InputError(f"{where}: {name}", f"shape {tuple(value.shape)}", tuple(state[name].shape))
    unknown = sorted(set(state) - set(wanted))
    if unknown:
        raise InputError(where, "parameters of this network only", unknown[0])
    network.load_state_dict(state)


def optimiser_state(network: nn.Module, optimiser: optim.Optimizer) -> dict[str, dict[str, Tensor]]:
    """What an optimiser remembers of each parameter, by the parameter's name."""
    return {
        name: dict(optimiser.state[p]) for name, p in network.named_parameters() if optimiser.state.get(p)
    }


def fill_optimiser(
    network: nn.Module, optimiser: optim.Optimizer, state: Mapping[str, Mapping[str, Tensor]], where: Path
) -> None:
    """Give back to an optimiser what :func:`optimiser_state` took; raises :class:`InputError`."""
    names = {id(p): name for name, p in network.named_parameters()}
    order = [names[id(p)] for group in optimiser.param_groups for p in group["params"]]
    parameters = dict(network.named_parameters())
    for name, memory in state.items():
        if name not in order:
            raise InputError(where, "parameters that learn", name, "was it trained with other frozen layers?")
        for key, value in memory.items():
            if value.ndim and value.shape != parameters[name].shape:
                raise InputError(
                    f"{where}: {name} {key}", f"shape {tuple(parameters[name].shape)}", tuple(value.shape)
                )
    numbered = {i: state[name] for i, name in enumerate(order) if name in state}
    optimiser.load_state_dict(optimiser.state_dict() | {"state": numbered})
