"""What is written down of a training: a line of JSON and TensorBoard's curves every so many steps."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import write_atomically

METRICS, TENSORBOARD = "metrics.jsonl", "tensorboard"
_LONGEST_LINE = 1 << 16


@dataclass(frozen=True)
class Entry:
    """A line of the journal, about the steps since the one before.

    Attributes:
        step: how many are done.
        losses: means.
        lr: the learning rate of the last of the steps.
        images_per_s: of all processes together.
        waiting: share of the time in which this process had no batch to work on.
        took_s: seconds of learning and waiting; without previews and checkpoints, which are in none of these figures.
    """

    step: int
    losses: dict[str, float]
    lr: float
    images_per_s: float
    waiting: float
    took_s: float

    @property
    def loss(self) -> float:
        """What is minimised."""
        return sum(self.losses.values())

    def __str__(self) -> str:
        parts = " + ".join(f"{name} {value:.3g}" for name, value in self.losses.items())
        return (
            f"step {self.step:,}: loss {self.loss:.3g} = {parts}, lr {self.lr:.2g}, "
            f"{self.images_per_s:.1f} images/s, waiting {self.waiting:.0%}"
        )


@dataclass
class Tally:
    """Sums since the last entry. Those of losses outlive an interruption, those of times do not.

    Attributes:
        steps, sums: of losses.
        timed, waited_s: steps, and seconds without a batch, since ``began_s``.
    """

    steps: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    timed: int = 0
    waited_s: float = 0.0
    began_s: float = field(default_factory=lambda: time.perf_counter())

    def add(self, names: Sequence[str], values: Sequence[float]) -> None:
        """The losses of a step."""
        if self.sums and list(names) != list(self.sums):
            raise ValueError(
                f"expected the losses {', '.join(self.sums)} at every step, got {', '.join(names)}"
            )
        for name, value in zip(names, values, strict=True):
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.steps += 1
        self.timed += 1

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Time in which there is no batch to work on."""
        began = time.perf_counter()
        yield
        self.waited_s += time.perf_counter() - began

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Time that is not training."""
        began = time.perf_counter()
        yield
        self.began_s += time.perf_counter() - began

    def entry(self, step: int, lr: float, images: int) -> Entry:
        """What was summed up, as of a step; ``images`` are those of all processes at each step."""
        took = max(time.perf_counter() - self.began_s, 1e-9)
        losses = {name: value / self.steps for name, value in self.sums.items()}
        return Entry(step, losses, lr, self.timed * images / took, min(self.waited_s / took, 1.0), took)

    def plain(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"steps": self.steps, "sums": dict(self.sums)}

    @staticmethod
    def of(plain: Mapping[str, Any]) -> Tally:
        """What :meth:`plain` gave, its clock set anew."""
        return Tally(plain.get("steps", 0), dict(plain.get("sums", {})))


class Journal:
    """``metrics.jsonl`` and ``tensorboard/`` in a run's folder, cut back to a step to go on from there.

    Each line of the first is an object with step, loss (the sum), losses, lr, images_per_s, waiting and seconds, of
    training so far: see :class:`Entry`.

    Raises:
        InputError: a line is none of a journal, or the folder cannot be written.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._path = folder / METRICS
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._seconds = _cut(self._path, step)
            # TensorBoard hides what older files of the folder hold of this step and later ones.
            self._board = SummaryWriter(str(folder / TENSORBOARD), purge_step=step + 1)
        except OSError as error:
            raise InputError(folder, "a folder that can be written", error.strerror or error) from None

    def write(self, entry: Entry) -> None:
        """Add an entry; raises :class:`InputError` on a full disk."""
        self._seconds += entry.took_s
        line = {
            "step": entry.step, "loss": entry.loss, "losses": entry.losses, "lr": entry.lr,
            "images_per_s": round(entry.images_per_s, 2), "waiting": round(entry.waiting, 4),
            "seconds": round(self._seconds, 3),
        }  # fmt: skip
        curves = {"loss": entry.loss, "lr": entry.lr}
        curves |= {f"losses/{name}": value for name, value in entry.losses.items()}
        curves |= {"speed/images_per_s": entry.images_per_s, "speed/waiting": entry.waiting}
        try:
            with self._path.open("a") as stream:
                stream.write(json.dumps(line, allow_nan=False) + "\n")
            for name, value in curves.items():
                self._board.add_scalar(name, value, entry.step)
        except OSError as error:
            raise InputError(self._path, "a journal that can be written", error.strerror or error) from None

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._board.close()


def _cut(path: Path, step: int) -> float:
    """Remove from a journal what came after a step; returns the seconds that the rest took."""
    kept, seconds, cut = [], 0.0, False
    if path.exists():
        with path.open("rb") as stream:
            for number, line in enumerate(iter(lambda: stream.readline(_LONGEST_LINE), b""), start=1):
                if not line.endswith(b"\n"):  # its writing was cut short
                    cut = True
                    break
                done, took = _read(line, f"{path}:{number}")
                if done > step:
                    cut = True
                    break
                kept.append(line)
                seconds = took
    if cut:
        write_atomically(path, b"".join(kept))
    return seconds


def _read(line: bytes, where: str) -> tuple[int, float]:
    """Step and seconds of a line."""
    try:
        found = json.loads(line)
        return int(found["step"]), float(found["seconds"])
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        raise InputError(where, "a line of a journal of training", "something else") from None
