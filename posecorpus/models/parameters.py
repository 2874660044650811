"""Parameters of a network that come from somewhere else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from posecorpus.core.errors import InputError


def fill_network(network: nn.Module, state: Mapping[str, Tensor], where: str | Path) -> None:
    """``load_state_dict``, with one-line errors that name the file ``where`` and the parameter."""
    wanted = network.state_dict()
    for name, value in wanted.items():
        if name not in state:
            raise InputError(where, f"a parameter {name}", "none", "is it of another network?")
        check_like(state[name], value, f"{where}: {name}")
    unknown = sorted(set(state) - set(wanted))
    if unknown:
        raise InputError(where, "parameters of this network only", unknown[0])
    network.load_state_dict(state)


def check_like(found: Tensor, wanted: Tensor, where: str) -> None:
    """Raise :class:`InputError` unless one tensor's numbers can be put into the other."""
    if found.shape != wanted.shape:
        raise InputError(where, f"shape {tuple(wanted.shape)}", tuple(found.shape))
    if found.dtype != wanted.dtype:
        raise InputError(where, str(wanted.dtype), found.dtype)
    if found.layout != torch.strided or found.device.type != "cpu":
        raise InputError(where, "plain numbers", f"{found.layout} on {found.device}")
