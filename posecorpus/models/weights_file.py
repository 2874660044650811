"""A network's parameters in a file, written whole or not at all and read without executing anything in it."""

from __future__ import annotations

import pickle
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import write_atomically


def write_weights(path: Path, state: dict[str, Tensor], step: int) -> None:
    """Write parameters and how many steps they were trained for.

    Raises:
        InputError: the file cannot be written; one that was there stays as it was.
    """
    packed = BytesIO()
    torch.save({"step": step, "network": {name: value.cpu() for name, value in state.items()}}, packed)
    try:
        write_atomically(path, packed.getbuffer())
    except OSError as error:
        raise InputError(path, "a file that can be written", error.strerror or error) from None


def read_weights(path: Path, network: nn.Module) -> int:
    """Fill a network from :func:`write_weights`' file; returns the steps it was trained for.

    Raises:
        InputError: no such file, a damaged one, or one of another network.
    """
    found = read_tensors(path)
    state, step = found.get("network"), found.get("step")
    if not isinstance(state, dict) or not isinstance(step, int):
        raise InputError(path, "a file of a network's parameters", "another file of torch")
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise InputError(
            path, "parameters of the network that run.json describes", lines[min(1, len(lines) - 1)]
        ) from None
    return step


def read_tensors(path: Path) -> dict[str, Any]:
    """What :func:`torch.save` put into a file, tensors and plain values only.

    Raises:
        InputError: no such file, or not one of torch's.
    """
    try:
        # ``weights_only`` unpickles tensors and plain values; nothing in the file is executed.
        found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(path, "a file of parameters", error.strerror or error) from None
    except (
        RuntimeError,
        ValueError,
        EOFError,
        KeyError,
        zipfile.BadZipFile,
        pickle.UnpicklingError,
    ) as error:
        raise InputError(path, "a file saved by torch", str(error).partition("\n")[0]) from None
    if not isinstance(found, dict):
        raise InputError(path, "a dictionary", type(found).__name__)
    return found
