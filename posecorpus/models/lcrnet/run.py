"""A trained LCR-Net in a folder: what it is, its anchors, its parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError
from torch import Tensor

from posecorpus.anchors.bank import Anchors, load_anchors, save_anchors
from posecorpus.core.errors import InputError
from posecorpus.core.files import read_limited
from posecorpus.core.manifest import installed_packages, write_atomically
from posecorpus.models.data.frame import fit_size
from posecorpus.models.lcrnet.decode import Detections, Proposals
from posecorpus.models.lcrnet.detect import DetectSettings, people_of, pose_proposals
from posecorpus.models.lcrnet.network import LCRNet
from posecorpus.models.lcrnet.params import LCRNetParams
from posecorpus.models.lcrnet.targets import AnchorTensors
from posecorpus.models.training import checkpoint as checkpoints
from posecorpus.models.training.checkpoint import Checkpoint

FORMAT = 1
RUN, ANCHORS = "run.json", "anchors.npz"
_LARGEST = 1 << 20


class Description(BaseModel):
    """``run.json``: all that decided the network, in a form that a person can read.

    Attributes:
        params: sizes of the network.
        training: how it was trained; what the command was given.
        packages: versions that trained it.
    """

    format: int = FORMAT
    model: str = "lcrnet"
    params: LCRNetParams
    training: dict[str, Any] = {}
    packages: dict[str, str] = {}


def save_run(folder: Path, params: LCRNetParams, anchors: Anchors, training: dict[str, Any]) -> None:
    """Write a run's description and anchors; :func:`save_weights` completes it."""
    folder.mkdir(parents=True, exist_ok=True)
    save_anchors(anchors, folder / ANCHORS)
    described = Description(params=params, training=training, packages=installed_packages())
    write_atomically(folder / RUN, described.model_dump_json(indent=1).encode() + b"\n")


def save_weights(folder: Path, net: LCRNet, step: int) -> None:
    """Write a checkpoint that holds the network only: enough to use it, not to go on training."""
    checkpoints.save(folder, Checkpoint(step, {}, net.state_dict()))


def read_description(folder: Path) -> Description:
    """What ``run.json`` says.

    Raises:
        InputError: no run there, or not one of LCR-Net.
    """
    path = folder / RUN
    if not path.is_file():
        raise InputError(folder, f"a folder that `posecorpus train` wrote, with {RUN}", "none")
    try:
        found = Description.model_validate_json(read_limited(str(path), _LARGEST, "description of a run"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(path, "the description of a run", f"{where}: {first['msg']}") from None
    if (found.format, found.model) != (FORMAT, "lcrnet"):
        raise InputError(path, f"lcrnet, format {FORMAT}", f"{found.model}, format {found.format}")
    return found


@dataclass(frozen=True, eq=False)
class LCRNetRun:
    """A network that is ready to look at pictures.

    Attributes:
        net: in evaluation mode, on its device.
        anchors: what its classes are.
        description: of the run.
        step: steps it was trained for.
    """

    net: LCRNet
    anchors: Anchors
    description: Description
    step: int

    def proposals(self, image: NDArray[np.uint8]) -> Proposals:
        """Poses proposed in a picture (H, W, 3), RGB, in its pixels; decode them by ``detect.people_of``."""
        picture, scale = fitted(image, self.net.params.frame)
        found = pose_proposals(self.net, picture.to(self._device), self._classes, len(self.anchors))
        return replace(found, boxes=found.boxes / np.tile(scale, 2), poses2d=found.poses2d / scale)

    def detect(self, image: NDArray[np.uint8], settings: DetectSettings | None = None) -> Detections:
        """The people of a picture (H, W, 3), RGB, in its pixels."""
        return people_of(self.proposals(image), self.anchors.skeleton, settings or DetectSettings())

    @property
    def _device(self) -> torch.device:
        return self.net.mean.device

    @cached_property
    def _classes(self) -> AnchorTensors:
        return AnchorTensors.of(self.anchors, self._device)


def open_run(folder: Path, device: str = "auto") -> LCRNetRun:
    """Load a run as its newest checkpoint has it.

    Args:
        device: ``auto`` takes a GPU if there is one.

    Raises:
        InputError: no run there, a file of it is damaged, or there is no such device.
    """
    description = read_description(folder)
    anchors = load_anchors(folder / ANCHORS)
    net = LCRNet(description.params, anchors.classes, len(anchors.skeleton))
    newest = checkpoints.latest(folder)
    if newest is None:
        raise InputError(folder / checkpoints.FOLDER, "a checkpoint", "none", "train it for longer")
    step = checkpoints.load_network(newest, net)
    return LCRNetRun(net.to(_device(device)).eval(), anchors, description, step)


def fitted(image: NDArray[np.uint8], frame: tuple[int, int]) -> tuple[Tensor, NDArray[np.float64]]:
    """A picture scaled to a frame, (3, h, w) in [0, 1], and the scales (2,) of x and y that took it there."""
    height, width = image.shape[:2]
    wide, high, _ = fit_size(width, height, *frame)
    way = cv2.INTER_AREA if wide < width else cv2.INTER_LINEAR
    small = cv2.resize(image, (wide, high), interpolation=way)
    picture = torch.from_numpy(small).permute(2, 0, 1).float() / 255
    return picture, np.array([wide / width, high / height])


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            "device", "auto, cpu or a GPU that is there", str(error).partition("\n")[0]
        ) from None
    return device
