"""A task small enough to train in milliseconds, with all that is awkward: dropout, frozen layers, missing labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posecorpus.core.seeds import generator
from posecorpus.models.training.loop import train
from posecorpus.models.training.params import TrainParams

IMAGES = 4


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
    """Classes and points; a batch is a dictionary that may lack ``points``."""

    def __init__(self, dropout: float = 0.0, noise: float = 0.0) -> None:
        self.network, self.noise = Net(dropout), noise

    def losses(self, batch: dict[str, Tensor], random: torch.Generator) -> dict[str, Tensor]:
        noise = self.noise * torch.randn(batch["x"].shape, generator=random)
        features = self.network.features(batch["x"] + noise.to(batch["x"].device))
        classes = F.cross_entropy(self.network.classify(features), batch["classes"])
        points = torch.zeros(())
        if "points" in batch:
            points = F.mse_loss(self.network.regress(features), batch["points"])
        return {"classes": classes, "points": points}


def batch(number: int, images: int = IMAGES) -> dict[str, Tensor]:
    """The batch of a number; its answers follow from its questions."""
    x = torch.as_tensor(generator(1, "toy", number).normal(size=(images, 6)), dtype=torch.float32)
    return {"x": x, "classes": x[:, :3].argmax(1), "points": x[:, 3:5] * 2}


def batches_from(step: int) -> Iterator[dict[str, Tensor]]:
    """All batches from a step on, for one process."""
    while True:
        yield batch(step)
        step += 1


def params(steps: int, **changes: object) -> TrainParams:
    """Short, and with a line for every step."""
    chosen = {"images": IMAGES, "learning_rate": 0.05, "log_every": 1, "checkpoint_every": 1000} | changes
    return TrainParams(steps, **chosen)  # type: ignore[arg-type]


def run(folder: Path, steps: int, **changes: object) -> Toy:
    """Train a new toy in a folder."""
    toy = Toy(dropout=0.2, noise=0.1)
    train(toy, batches_from, params(steps, **changes), folder)
    return toy
