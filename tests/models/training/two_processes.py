"""Run by ``torchrun`` as each of two processes: trains toys together and writes down what each process saw.

Which batches lack which labels is decided by :func:`labels`, which the test asks, too.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
import toy_task as toy

from posecorpus.core.errors import InputError
from posecorpus.models.training.loop import rank_and_world, train

STEPS = 8
WITHOUT: dict[int, set[str]] = {
    # One process lacks a label, the other has it; then both lack it; then one has none at all; then both.
    3: {"points"}, 6: {"points"}, 7: {"points"}, 8: {"points", "classes"}, 10: {"points", "classes"},
    11: {"points", "classes"}, 13: {"classes"},
}  # fmt: skip


def labels(number: int, whole: bool = False) -> toy.Batch:
    """The batch of a number over both processes; ``whole`` has all labels."""
    made = toy.batch(number)
    return made if whole else {name: made[name] for name in made if name not in WITHOUT.get(number, set())}


def main(folder: Path) -> None:
    """All scenes, one after the other, in one start of the processes."""
    rank, world = rank_and_world()
    told: dict[str, object] = {"rank": rank, "world": world}

    def batches_from(step: int, whole: bool = False) -> Iterator[toy.Batch]:
        for number in range(step * world + rank, 10**6, world):
            yield labels(number, whole)

    calls: list[str] = []
    task = toy.Toy()
    with torch.no_grad():  # the processes must agree on where they begin
        task.network.classify.bias.add_(rank)
    train(
        task, lambda step: batches_from(step, whole=True), toy.params(STEPS), folder / "same",
        report=lambda stage, done, total: calls.append(f"report {done}"),
        note=lambda line: calls.append("note"), preview=lambda step: calls.append("preview"),
    )  # fmt: skip
    told["calls"] = calls

    train(toy.Toy(), batches_from, toy.params(STEPS, checkpoint_every=3), folder / "lacking")
    # Each process names a folder of its own: what the second one writes is too much.
    train(toy.Toy(), batches_from, toy.params(2), folder / f"own{rank}")

    def struck(step: int) -> Iterator[toy.Batch]:
        for number, batch in enumerate(batches_from(step), start=step):
            if rank == 1 and number == 4:
                os.kill(os.getpid(), signal.SIGINT)
            yield batch

    try:
        train(toy.Toy(), struck, toy.params(STEPS), folder / "struck")
    except KeyboardInterrupt:
        told["struck"] = True
    train(toy.Toy(), batches_from, toy.params(STEPS), folder / "struck")

    def broken(step: int) -> Iterator[toy.Batch]:
        for number, batch in enumerate(batches_from(step), start=step):
            yield batch | ({"x": batch["x"] * torch.nan} if rank == 1 and number == 2 else {})

    try:
        train(toy.Toy(), broken, toy.params(STEPS), folder / "broken")
    except InputError as error:
        told["broken"] = str(error)
    (folder / f"rank{rank}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
