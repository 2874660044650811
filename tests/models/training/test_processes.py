"""Training by two processes on the CPU, and as a command that is interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import toy_task as toy
import two_processes as scenes
from torch import Tensor

from posecorpus.models.training.checkpoint import latest, load
from posecorpus.models.training.loop import train

HERE = Path(__file__).parent


def environment() -> dict[str, str]:
    """Of a user's machine without a GPU."""
    hidden = {"ACCELERATE_USE_CPU", "WORLD_SIZE", "RANK", "LOCAL_RANK"}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    paths = os.pathsep.join([str(HERE), str(HERE.parents[2])])
    return kept | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "PYTHONPATH": paths}


class Both(toy.Toy):
    """What two processes do, in one: the mean of the losses of two batches."""

    def losses(self, batch: Any, random: torch.Generator) -> dict[str, Tensor]:
        parts = [super(Both, self).losses(part, random) for part in batch]
        return {name: (parts[0][name] + parts[1][name]) / 2 for name in parts[0]}


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """The folder of the scenes, and what each process has to say."""
    folder = tmp_path_factory.mktemp("together")
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    ended = subprocess.run(
        [*start, str(HERE / "two_processes.py"), str(folder)],
        env=environment(), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    return folder, [json.loads((folder / f"rank{rank}.json").read_text()) for rank in range(2)]


def parameters(folder: Path) -> dict[str, Tensor]:
    path = latest(folder)
    assert path is not None
    return dict(load(path).network)


def close(one: Path, other: Path) -> None:
    """The same curve and the same network, to what the order of sums does."""
    for (step, losses, lr), (step_too, losses_too, lr_too) in zip(
        toy.curve(one), toy.curve(other), strict=True
    ):
        assert (step, lr) == (step_too, lr_too)
        assert losses == pytest.approx(losses_too, abs=1e-5)
    for name, value in parameters(one).items():
        torch.testing.assert_close(value, parameters(other)[name], rtol=1e-4, atol=1e-5)


def test_two_processes_are_one_with_the_doubled_batch(
    together: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    folder, told = together
    assert [(one["rank"], one["world"]) for one in told] == [(0, 2), (1, 2)]

    def doubled(step: int) -> toy.Batch:
        two = [toy.batch(2 * step), toy.batch(2 * step + 1)]
        return {name: torch.cat([one[name] for one in two]) for name in two[0]}

    train(toy.Toy(), lambda step: toy.batches_from(step, doubled), toy.params(scenes.STEPS), tmp_path)
    close(folder / "same", tmp_path)


def test_labels_that_one_process_lacks_are_zeros_in_the_mean(
    together: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    def two(step: int) -> Any:
        return scenes.labels(2 * step), scenes.labels(2 * step + 1)

    train(Both(), lambda step: toy.batches_from(step, two), toy.params(scenes.STEPS), tmp_path)
    assert any(losses["points"] == 0 for _, losses, _ in toy.curve(tmp_path))
    close(together[0] / "lacking", tmp_path)


def test_only_the_first_process_tells_and_writes(together: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, told = together
    assert told[0]["calls"][:3] == ["report 1", "note", "report 2"]
    assert told[1]["calls"] == []
    assert toy.checkpoints(folder / "own0") == ["step-0000002.pt"]
    assert not (folder / "own1").exists()


def test_a_signal_to_one_process_stops_both_at_the_same_step(
    together: tuple[Path, list[dict[str, Any]]],
) -> None:
    folder, told = together
    assert [one.get("struck") for one in told] == [True, True]
    assert "step-0000005.pt" in toy.checkpoints(folder / "struck")
    assert toy.curve(folder / "struck") == toy.curve(
        folder / "lacking"
    )  # and they went on as if nothing had been


def test_no_number_in_one_process_stops_both(together: tuple[Path, list[dict[str, Any]]]) -> None:
    _, told = together
    assert told[0]["broken"] == told[1]["broken"]
    assert told[0]["broken"].startswith("step 3: expected a finite classes, got nan")


COMMAND = """
import itertools
import time
from pathlib import Path
import typer
import toy_task as toy
from torch.utils.data import DataLoader, IterableDataset, get_worker_info
from posecorpus.models.data.loader import _set_up_worker
from posecorpus.models.training.loop import train
from posecorpus.pipelines.commands.shared import resumable_stages

class Slow(IterableDataset):
    def __iter__(self):
        worker = get_worker_info()
        for number in itertools.count(worker.id, worker.num_workers):
            time.sleep(0.02)
            yield toy.batch(number)

def command(folder: Path):
    with resumable_stages() as (report, note):
        train(toy.Toy(0.2, 0.1), lambda step: DataLoader(
            Slow(), batch_size=None, num_workers=2, worker_init_fn=_set_up_worker),
            toy.params(10**6, drops=()), folder, report=report, note=note)

typer.run(command)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_exits_130_and_says_how_to_go_on(
    tmp_path: Path, number: signal.Signals, wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    """As a terminal does it, which signals to all of its processes, and as ``kill`` and schedulers do."""
    parts, whole = tmp_path / "parts", tmp_path / "whole"
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(parts)],
        env=environment(), stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as command:  # fmt: skip
        journal = parts / "metrics.jsonl"
        wait_until(lambda: command.poll() is not None or (journal.exists() and len(toy.lines(parts)) >= 3))
        (os.killpg if number == signal.SIGINT else os.kill)(command.pid, number)
        _, errors = command.communicate(timeout=60)
    assert command.returncode == 130, errors[-2000:]
    assert "Traceback" not in errors
    done = toy.lines(parts)[-1]["step"]
    assert f"interrupted: step {done} is saved\n" in errors
    assert "run the same command again to go on" in errors
    toy.run(parts, done + 3, drops=())
    toy.run(whole, done + 3, drops=())
    assert toy.curve(parts) == toy.curve(whole)
