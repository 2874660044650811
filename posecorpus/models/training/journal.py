"""What is written down of a training: a line of JSON and TensorBoard's curves every so many steps."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from torch.utils.tensorboard import SummaryWriter

METRICS, TENSORBOARD = "metrics.jsonl", "tensorboard"


@dataclass(frozen=True)
class Entry:
    """A line of the journal, about the steps since the one before.

    Attributes:
        step: how many are done.
        losses: means.
        lr: the learning rate of the last of the steps.
        images_per_s: of all processes together.
        waiting: share of the time in which there was no batch to work on.
        seconds: of training so far, over all the runs that continue each other.
    """

    step: int
    losses: dict[str, float]
    lr: float
    images_per_s: float
    waiting: float
    seconds: float

    @property
    def loss(self) -> float:
        """What is minimised."""
        return sum(self.losses.values())

    def __str__(self) -> str:
        parts = " + ".join(f"{name} {value:.4g}" for name, value in self.losses.items())
        return (
            f"step {self.step:,}: loss {self.loss:.4g} = {parts}; lr {self.lr:.3g}; "
            f"{self.images_per_s:.1f} images/s, {100 * self.waiting:.0f} % waiting for data"
        )


@dataclass
class Tally:
    """Sums since the last entry. The losses outlive an interruption, the times do not.

    Attributes:
        steps, sums: of losses.
        timed, waited: steps, and seconds without a batch, since ``began``.
    """

    steps: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    timed: int = 0
    waited: float = 0.0
    began: float = field(default_factory=time.perf_counter)

    def add(self, names: Sequence[str], values: Sequence[float]) -> None:
        """The losses of a step."""
        for name, value in zip(names, values, strict=True):
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.steps += 1
        self.timed += 1

    def entry(self, step: int, lr: float, images: int) -> Entry:
        """What was summed up, as of a step; ``images`` are those of all processes at each step."""
        took = max(time.perf_counter() - self.began, 1e-9)
        losses = {name: value / self.steps for name, value in self.sums.items()}
        return Entry(step, losses, lr, self.timed * images / took, min(self.waited / took, 1.0), took)

    def plain(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"steps": self.steps, "sums": dict(self.sums)}

    @staticmethod
    def of(plain: Mapping[str, Any]) -> Tally:
        """What :meth:`plain` gave, its clock set anew."""
        return Tally(plain.get("steps", 0), dict(plain.get("sums", {})))


class Journal:
    """``metrics.jsonl`` and ``tensorboard/`` in a run's folder, cut back to a step to go on from there."""

    def __init__(self, folder: Path, step: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / METRICS
        kept = _lines_up_to(self._path, step)
        self._path.write_text("".join(kept))
        self._seconds = json.loads(kept[-1])["seconds"] if kept else 0.0
        self._board = SummaryWriter(str(folder / TENSORBOARD), purge_step=step + 1)

    def write(self, entry: Entry) -> None:
        """Add an entry; its seconds are of its own steps."""
        self._seconds += entry.seconds
        line = {
            "step": entry.step, "loss": entry.loss, "losses": entry.losses, "lr": entry.lr,
            "images_per_s": round(entry.images_per_s, 2), "waiting": round(entry.waiting, 4),
            "seconds": round(self._seconds, 2),
        }  # fmt: skip
        with self._path.open("a") as stream:
            stream.write(json.dumps(line) + "\n")
        curves = {"loss": entry.loss, "lr": entry.lr, "speed/images_per_s": entry.images_per_s}
        curves |= {"speed/waiting": entry.waiting}
        curves |= {f"losses/{name}": value for name, value in entry.losses.items()}
        for name, value in curves.items():
            self._board.add_scalar(name, value, entry.step)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._board.close()


def _lines_up_to(path: Path, step: int) -> list[str]:
    if not path.exists():
        return []
    return [line for line in path.read_text().splitlines(True) if json.loads(line)["step"] <= step]
