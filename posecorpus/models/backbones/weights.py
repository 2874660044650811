"""Parameters trained elsewhere, from a file or a URL."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import torch
from torch import Tensor

from posecorpus.core.errors import InputError
from posecorpus.models.backbones.base import Backbone
from posecorpus.models.parameters import fill_network

_OPTIONAL = ("classifier.6.", "fc.")
"""Of ImageNet's classes: files have them, detectors do not."""
_COUNTERS = "num_batches_tracked"
"""Of normalisation: how many batches its statistics are of, which only training asks."""


def load_weights(backbone: Backbone, source: str | Path) -> None:
    """Fill a backbone with a state dict as torchvision saves it; its ImageNet classifier is passed over.

    Args:
        source: a ``.pth`` file, or an http(s) URL, which is downloaded once into torch's cache.

    Raises:
        InputError: no such file, not a state dict, or one of another network.
    """
    state = _read(source)
    given = {
        name: value.float() if value.is_floating_point() else value
        for name, value in state.items()
        if not name.startswith(_OPTIONAL) and _COUNTERS not in name
    }
    counters = {name: value for name, value in backbone.state_dict().items() if _COUNTERS in name}
    fill_network(backbone, counters | given, source)


def _read(source: str | Path) -> dict[str, Tensor]:
    try:
        if urlsplit(str(source)).scheme in ("http", "https"):
            state = torch.hub.load_state_dict_from_url(str(source), map_location="cpu", weights_only=True)
        else:
            # Only tensors are unpickled; nothing in the file is executed.
            state = torch.load(source, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(source, "a file of parameters", error.strerror or error) from None
    except (
        RuntimeError,
        ValueError,
        EOFError,
        KeyError,
        zipfile.BadZipFile,
        pickle.UnpicklingError,
    ) as error:
        raise InputError(source, "a state dict saved by torch", str(error).partition("\n")[0]) from None
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(source, "a dictionary of tensors", type(state).__name__)
    return state
