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
from posecorpus.core.manifest import sync_folder
from posecorpus.models.parameters import check_like, fill_network

FOLDER = "checkpoints"
KEPT = 2
_FORMAT = 1
_NAME = re.compile(r"step-(\d{7,12})\.pt")
_LARGEST_INDEX = 16 << 20
"""Bytes of a file's pickle, which holds the tensors' names and shapes; their numbers lie beside it."""
_REMEMBERED = {optim.SGD: {"momentum_buffer"}, optim.AdamW: {"step", "exp_avg", "exp_avg_sq"}}


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What training needs to go on as if it had not stopped. All else follows from the step: rate, order, draws.

    Attributes:
        step: how many are done.
        params: ``TrainParams.plain()``; empty in a checkpoint that is not for training on.
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


def latest(folder: Path) -> Path | None:
    """The newest checkpoint of a run's folder."""
    steps = _steps_in(folder)
    return path_of(folder, steps[-1]) if steps else None


def steps_done(folder: Path) -> int:
    """By the newest checkpoint of a run's folder; 0 without one."""
    return max(_steps_in(folder), default=0)


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
        sync_folder(path.parent)
        _tidy(folder, checkpoint.step)
    except (OSError, RuntimeError) as error:  # of some errors of a file torch makes errors of its own
        cause = error if isinstance(error, OSError) else error.__context__
        if not isinstance(cause, OSError):
            raise
        part.unlink(missing_ok=True)
        fix = "make room, then run the same again to go on from the checkpoint before"
        raise InputError(path, "a checkpoint that can be written", cause.strerror, fix) from None
    return path


def load(path: Path) -> Checkpoint:
    """Read a checkpoint; only tensors, numbers and names are unpickled, nothing in the file is executed.

    The tensors stay in the file until they are used.

    Raises:
        InputError: no such file, a damaged one, or another kind of file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damage = _damage(archive)
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True) if not damage else None
    except OSError as error:
        raise InputError(path, "a checkpoint", error.strerror or error) from None
    except Exception as error:  # whatever a stranger's file makes the zip's reader and the unpickler raise
        raise InputError(path, "a checkpoint", f"{error}".partition("\n")[0], _other(path)) from None
    if damage:
        raise InputError(path, "an intact checkpoint", damage, _other(path))
    return _checked(content, path)


def load_network(path: Path, network: nn.Module) -> int:
    """Fill a network from a checkpoint; returns how many steps it has learned.

    Raises:
        InputError: as :func:`load`, or the checkpoint is of another network.
    """
    checkpoint = load(path)
    fill_network(network, checkpoint.network, path)
    return checkpoint.step


def optimiser_state(network: nn.Module, optimiser: optim.Optimizer) -> dict[str, dict[str, Tensor]]:
    """What an optimiser remembers of each parameter, by the parameter's name."""
    return {
        name: dict(optimiser.state[p]) for name, p in network.named_parameters() if optimiser.state.get(p)
    }


def fill_optimiser(
    network: nn.Module, optimiser: optim.Optimizer, state: Mapping[str, Mapping[str, Tensor]], where: Path
) -> None:
    """Give back to an optimiser what :func:`optimiser_state` took.

    Raises:
        InputError: it is of other parameters or of another optimiser.
    """
    learned = {id(p) for group in optimiser.param_groups for p in group["params"]}
    parameters = {name: p for name, p in network.named_parameters() if id(p) in learned}
    for name, memory in state.items():
        if name not in parameters:
            raise InputError(where, "memory of what learns only", name, "were other layers frozen?")
        if set(memory) != _REMEMBERED[type(optimiser)]:
            raise InputError(
                f"{where}: {name}", f"memory of {type(optimiser).__name__}", ", ".join(memory) or "none"
            )
        for key, value in memory.items():
            like = torch.zeros(()) if key == "step" else parameters[name]
            check_like(value, like, f"{where}: {name} {key}")
    order = [id(p) for group in optimiser.param_groups for p in group["params"]]
    copies = {
        order.index(id(parameters[name])): {key: value.clone() for key, value in memory.items()}
        for name, memory in state.items()
    }
    optimiser.load_state_dict(optimiser.state_dict() | {"state": copies})


def _steps_in(folder: Path) -> list[int]:
    """Of all checkpoints in a run's folder, in rising order."""
    found = (_NAME.fullmatch(path.name) for path in (folder / FOLDER).glob("step-*.pt"))
    return sorted(int(match[1]) for match in found if match)


def _tidy(folder: Path, step: int) -> None:
    """Remove what was begun but not finished, and all checkpoints but the last ones up to a step."""
    for part in (folder / FOLDER).glob("step-*.part"):
        part.unlink(missing_ok=True)
    for old in [found for found in _steps_in(folder) if found <= step][:-KEPT]:
        path_of(folder, old).unlink(missing_ok=True)


def _damage(archive: zipfile.ZipFile) -> str | None:
    """What is wrong with a checkpoint's zip: torch looks neither at checksums nor at what a file unpacks to."""
    for info in archive.infolist():
        if info.compress_type != zipfile.ZIP_STORED:
            return f"{info.filename} compressed, which torch never does"
        if info.filename.endswith(".pkl") and info.file_size > _LARGEST_INDEX:
            return f"{info.filename} of {info.file_size >> 20} MiB"
    damaged = archive.testzip()
    return f"damage in {damaged}" if damaged else None


def _other(path: Path) -> str:
    """What to do about a damaged checkpoint."""
    before = [step for step in _steps_in(path.parent.parent) if path_of(path.parent.parent, step) != path]
    return f"remove it to go on from step {before[-1]}" if before else "remove it to begin anew"


def _checked(content: object, path: Path) -> Checkpoint:
    """The checkpoint that a file's content is; raises :class:`InputError` where it is none."""
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise InputError(path, f"a checkpoint of format {_FORMAT}", "something else")
    step, optimiser = content.get("step"), content.get("optimiser")
    good = {
        "step": isinstance(step, int) and step >= 0,
        "params": _named(content.get("params"), object),
        "network": _named(content.get("network"), Tensor),
        "optimiser": isinstance(optimiser, dict) and all(_named(m, Tensor) for m in optimiser.values()),
        "scaler": _named(content.get("scaler"), int, float),
        "tally": _is_tally(content.get("tally")),
    }
    for name, fine in good.items():
        if not fine:
            raise InputError(path, f"a checkpoint with its {name}", "something else in the place")
    return Checkpoint(**{name: content[name] for name in good})


def _named(value: object, *kinds: type) -> bool:
    """Whether something is a dictionary from names to things of a kind."""
    return isinstance(value, dict) and all(
        isinstance(name, str) and isinstance(thing, kinds) for name, thing in value.items()
    )


def _is_tally(value: object) -> bool:
    if not isinstance(value, dict) or not value:
        return value == {}
    whole = set(value) == {"steps", "sums"} and isinstance(value["steps"], int)
    return whole and value["steps"] >= 0 and _named(value["sums"], float)
