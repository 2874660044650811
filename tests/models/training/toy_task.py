"""A task small enough to train in milliseconds, with all that is awkward: dropout, frozen layers, missing labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posecorpus.core.seeds import generator
from posecorpus.models.training.loop import train
from posecorpus.models.training.params import TrainParams

IMAGES = 4
Batch = dict[str, Tensor]


class Net(nn.Module):
    """Two heads on a trunk, used by methods and never by ``forward``."""

    def __init__(self, dropout: float = 0.0, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.frozen = nn.Linear(6, 6).requires_grad_(False)
        self.trunk = nn.Sequential(nn.Linear(6, 16), nn.LayerNorm(16), nn.ReLU(), nn.Dropout(dropout))
        self.classify = nn.Linear(16, 3)
        self.regress = nn.Linear(16, 2)

    def features(self, x: Tensor) -> Tensor:
        found: Tensor = self.trunk(self.frozen(x))
        return found


class Toy:
    """Classes and points; a batch may lack either."""

    def __init__(self, dropout: float = 0.0, noise: float = 0.0) -> None:
        self.network, self.noise = Net(dropout), noise

    def losses(self, batch: Batch, random: torch.Generator) -> dict[str, Tensor]:
        noise = self.noise * torch.randn(batch["x"].shape, generator=random)
        features = self.network.features(batch["x"] + noise.to(batch["x"].device))
        classes = points = torch.zeros(())
        if "classes" in batch:
            classes = F.cross_entropy(self.network.classify(features), batch["classes"])
        if "points" in batch:
            points = F.mse_loss(self.network.regress(features), batch["points"])
        return {"classes": classes, "points": points}


def batch(number: int, images: int = IMAGES) -> Batch:
    """The batch of a number; its answers follow from its questions."""
    x = torch.as_tensor(generator(1, "toy", number).normal(size=(images, 6)), dtype=torch.float32)
    return {"x": x, "classes": x[:, :3].argmax(1), "points": x[:, 3:5] * 2}


def batches_from(step: int, made: Callable[[int], Batch] = batch) -> Iterator[Batch]:
    """All batches from a step on, for one process."""
    while True:
        yield made(step)
        step += 1


def params(steps: int, **changes: Any) -> TrainParams:
    """Short, and with a line for every step."""
    return TrainParams(
        steps, **{"images": IMAGES, "learning_rate": 0.05, "log_every": 1, "checkpoint_every": 1000} | changes
    )


def run(folder: Path, steps: int, **changes: Any) -> Toy:
    """Train a new toy in a folder."""
    toy = Toy(dropout=0.2, noise=0.1)
    train(toy, batches_from, params(steps, **changes), folder)
    return toy


def lines(folder: Path) -> list[dict[str, Any]]:
    """Of the journal."""
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def curve(folder: Path) -> list[tuple[int, dict[str, float], float]]:
    """What of the journal does not depend on the clock."""
    return [(line["step"], line["losses"], line["lr"]) for line in lines(folder)]


def checkpoints(folder: Path) -> list[str]:
    """Names of all files beside the checkpoints."""
    return sorted(path.name for path in (folder / "checkpoints").iterdir())
