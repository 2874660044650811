"""The training loop on a toy, against plain loops written from the formulas."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import toy_task as toy
from accelerate import Accelerator
from torch import Tensor

from posecorpus.core.errors import InputError
from posecorpus.models.training import learner
from posecorpus.models.training.checkpoint import latest, load, path_of
from posecorpus.models.training.loop import train
from posecorpus.models.training.schedule import learning_rate


def state(task: toy.Toy) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in task.network.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# ---- going on


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
@pytest.mark.parametrize("log_every", [1, 4])
def test_a_training_that_stopped_goes_on_to_the_same_losses_bit_for_bit(
    tmp_path: Path, optimiser: str, log_every: int
) -> None:
    chosen = {"optimiser": optimiser, "log_every": log_every, "warmup_steps": 3}
    whole = toy.run(tmp_path / "whole", 16, **chosen)

    def until(step: int) -> Iterator[toy.Batch]:
        for number in range(step, 10):
            yield toy.batch(number)
        raise RuntimeError("the power fails")  # after ten steps; the checkpoint is of the sixth

    with pytest.raises(RuntimeError, match="power"):
        train(toy.Toy(0.2, 0.1), until, toy.params(16, checkpoint_every=6, **chosen), tmp_path / "parts")
    assert toy.checkpoints(tmp_path / "parts") == ["step-0000006.pt"]
    torch.manual_seed(99)  # what others draw from torch is no part of it
    parts = toy.run(tmp_path / "parts", 16, **chosen)
    assert [step for step, _, _ in toy.curve(tmp_path / "whole")] == list(range(log_every, 17, log_every))
    assert toy.curve(tmp_path / "parts") == toy.curve(tmp_path / "whole")
    assert same(state(parts), state(whole))


def test_more_steps_go_on_and_move_the_drops(tmp_path: Path) -> None:
    trained = toy.run(tmp_path, 10)
    finished = (tmp_path / "metrics.jsonl").read_bytes()
    again = toy.Toy()  # nothing is left to do but to take up what was learned
    train(again, lambda step: pytest.fail("asked for batches"), toy.params(10), tmp_path)
    assert (tmp_path / "metrics.jsonl").read_bytes() == finished
    assert same(state(again), state(trained))
    toy.run(tmp_path, 20, learning_rate=0.1)
    rates = [lr for _, _, lr in toy.curve(tmp_path)]
    assert rates == pytest.approx([0.05] * 6 + [0.005] * 4 + [0.1] * 2 + [0.01] * 8)


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"seed": 5}, "expected seed 5, got training with seed 0"), ({"optimiser": "adamw"}, "optimiser sgd")],
)
def test_another_seed_or_optimiser_cannot_go_on(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    toy.run(tmp_path, 3)
    with pytest.raises(InputError, match=told):
        toy.run(tmp_path, 6, **changes)
    with pytest.raises(InputError, match="at most 2 steps, got 3 done"):
        toy.run(tmp_path, 2)


# ---- what a step does


def test_steps_are_those_of_the_formulas(tmp_path: Path) -> None:
    """Momentum, decay of matrices alone, clipping, warm-up and drops, written out by hand."""
    chosen = toy.params(12, warmup_steps=2, weight_decay=0.01, clip_norm=0.5, drops=((0.5, 0.1),))
    task, plain = toy.Toy(), toy.Toy()
    train(task, toy.batches_from, chosen, tmp_path)
    velocity: dict[str, Tensor] = {}
    clipped = []
    for step in range(12):
        learned = {name: p for name, p in plain.network.named_parameters() if p.requires_grad}
        losses = plain.losses(toy.batch(step), torch.Generator())
        total = losses["classes"] + losses["points"]
        gradients = dict(zip(learned, torch.autograd.grad(total, [*learned.values()]), strict=True))
        norm = float(torch.cat([g.flatten() for g in gradients.values()]).norm())
        clipped.append(norm > 0.5)
        rate = 0.05 * min(1, (step + 1) / 3) * (0.1 if step >= 6 else 1)
        with torch.no_grad():
            for name, p in learned.items():
                push = gradients[name] * min(1, 0.5 / norm) + (0.01 * p if p.ndim > 1 else 0)
                velocity[name] = push + 0.9 * velocity.get(name, 0)
                p -= rate * velocity[name]
    assert any(clipped)
    for name, value in state(task).items():
        torch.testing.assert_close(value, plain.network.state_dict()[name], rtol=1e-5, atol=1e-6)


def test_frozen_layers_stay_and_have_no_memory(tmp_path: Path) -> None:
    before, task = state(toy.Toy()), toy.run(tmp_path, 5)
    moved = {name for name, value in state(task).items() if not torch.equal(value, before[name])}
    assert moved == {name for name in before if not name.startswith("frozen")}
    path = latest(tmp_path)
    assert path is not None
    assert set(load(path).optimiser) == moved


def test_a_batch_without_labels_changes_nothing_that_it_says_nothing_about(tmp_path: Path) -> None:
    task = toy.Toy()
    before = state(task)
    train(
        task, lambda step: toy.batches_from(step, lambda n: {"x": toy.batch(n)["x"]}), toy.params(3), tmp_path
    )
    assert [losses for _, losses, _ in toy.curve(tmp_path)] == [{"classes": 0.0, "points": 0.0}] * 3
    moved = {name for name, value in state(task).items() if not torch.equal(value, before[name])}
    assert moved == {"trunk.0.weight"}  # the one parameter that the sum was hung on, by its decay
    torch.testing.assert_close(state(task)["trunk.0.weight"], before["trunk.0.weight"], rtol=2e-4, atol=0)


def test_bfloat16_computes_in_it_and_keeps_parameters_and_losses_in_float32(tmp_path: Path) -> None:
    seen = set()

    class Looks(toy.Toy):
        def losses(self, batch: toy.Batch, random: torch.Generator) -> dict[str, Tensor]:
            seen.add(self.network.classify(self.network.features(batch["x"])).dtype)
            return super().losses(batch, random)

    task, chosen = Looks(), toy.params(25, precision="bf16", drops=())
    train(task, lambda step: toy.batches_from(0, lambda number: toy.batch(0)), chosen, tmp_path)
    assert seen == {torch.bfloat16}
    assert {value.dtype for value in state(task).values()} == {torch.float32}
    losses = [line["loss"] for line in toy.lines(tmp_path)]
    assert losses[-1] < 0.2 * losses[0]


def test_half_precision_needs_a_gpu(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="precision: expected no or bf16 on a CPU, got fp16"):
        toy.run(tmp_path, 1, precision="fp16")


def test_the_scale_of_half_precision_s_losses_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a scaler of the CPU: it begins so high that steps are passed over until it has come down, then it grows."""
    made, make = [], learner._accelerator

    def scaled(precision: str) -> Accelerator:
        accelerator = make(precision)
        accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127, growth_interval=3)
        made.append(accelerator.scaler)
        return accelerator

    monkeypatch.setattr(learner, "_accelerator", scaled)
    start = state(toy.Toy())
    whole = toy.run(tmp_path / "whole", 16)
    toy.run(tmp_path / "parts", 16, checkpoint_every=7)
    path_of(tmp_path / "parts", 16).unlink()
    parts = toy.run(tmp_path / "parts", 16)
    assert toy.curve(tmp_path / "parts") == toy.curve(tmp_path / "whole")
    assert same(state(parts), state(whole))
    assert not same(state(whole), start)
    assert made[2].get_scale() == made[0].get_scale() < 2.0**127
    first = toy.lines(tmp_path / "whole")[:2]
    assert all(np.isfinite(line["loss"]) for line in first)


# ---- what goes wrong


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_no_number_stops_training_and_names_the_step(tmp_path: Path, where: str) -> None:
    class Breaks(toy.Toy):
        def losses(self, batch: toy.Batch, random: torch.Generator) -> dict[str, Tensor]:
            losses = super().losses(batch, random)
            if "break" in batch:
                bias = self.network.regress.bias
                # 0 with the gradient 0 * inf
                losses["points"] = (
                    ((bias - bias) ** 2).sum().sqrt() if where == "gradient" else bias.sum() / 0
                )
            return losses

    def breaking(number: int) -> toy.Batch:
        return toy.batch(number) | ({"break": torch.ones(())} if number == 4 else {})

    task = Breaks()
    with pytest.raises(
        InputError, match=r"^step 5: expected a finite (points|gradient), got (-?inf|nan)"
    ) as told:
        train(task, lambda step: toy.batches_from(step, breaking), toy.params(9), tmp_path)
    assert ("gradient" in str(told.value)) == (where == "gradient")
    assert "\n" not in str(told.value)
    good = toy.Toy()
    train(good, toy.batches_from, toy.params(4, drops=((0.99, 1.0),)), tmp_path / "good")
    assert [line[0] for line in toy.curve(tmp_path)] == [1, 2, 3, 4]
    assert same(state(task), state(good))  # the bad step was not made


def test_batches_that_end_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without end"):
        train(toy.Toy(), lambda step: [toy.batch(step)], toy.params(3), tmp_path)


def test_losses_that_come_and_go_are_told(tmp_path: Path) -> None:
    class Forgets(toy.Toy):
        def losses(self, batch: toy.Batch, random: torch.Generator) -> dict[str, Tensor]:
            losses = super().losses(batch, random)
            return losses if random.initial_seed() % 2 else {"classes": losses["classes"]}

    with pytest.raises(ValueError, match="expected the losses"):
        train(Forgets(), toy.batches_from, toy.params(40, log_every=40), tmp_path)


# ---- Ctrl-C


def interrupt(number: signal.Signals = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("moment", ["loader", "losses", "preview"])
def test_ctrl_c_leaves_a_checkpoint_to_go_on_from(tmp_path: Path, moment: str) -> None:
    """While a batch is waited for, in the middle of a step, and between two; the losses are as if nothing had been."""

    class Struck(toy.Toy):
        def losses(self, batch: toy.Batch, random: torch.Generator) -> dict[str, Tensor]:
            if moment == "losses" and torch.equal(batch["x"], toy.batch(6)["x"]):
                interrupt()
            return super().losses(batch, random)

    closed = []

    def struck_from(step: int) -> Iterator[toy.Batch]:
        try:
            for number in range(step, 100):
                if moment == "loader" and number == 7:
                    interrupt()
                    time.sleep(60)  # a worker that does not answer
                yield toy.batch(number)
        finally:
            closed.append(True)

    def preview(step: int) -> None:
        if moment == "preview" and step == 7:
            interrupt(signal.SIGTERM)  # as schedulers do

    notes: list[str] = []
    with pytest.raises(KeyboardInterrupt) as caught:  # which keeps what it went through
        train(
            Struck(0.2, 0.1), struck_from, toy.params(12, preview_every=1), tmp_path / "parts",
            note=notes.append, preview=preview,
        )  # fmt: skip
    assert notes[-1] == "interrupted: step 7 is saved"
    assert toy.checkpoints(tmp_path / "parts") == ["step-0000007.pt"]
    assert closed == [True] and caught.tb
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    toy.run(tmp_path / "parts", 12)
    toy.run(tmp_path / "whole", 12)
    assert toy.curve(tmp_path / "parts") == toy.curve(tmp_path / "whole")


def test_a_second_ctrl_c_does_not_wait(tmp_path: Path) -> None:
    class Stuck(toy.Toy):
        def losses(self, batch: toy.Batch, random: torch.Generator) -> dict[str, Tensor]:
            interrupt()
            interrupt()
            raise AssertionError("still here")

    with pytest.raises(KeyboardInterrupt):
        train(Stuck(), toy.batches_from, toy.params(3), tmp_path)
    assert not (tmp_path / "checkpoints").exists()


# ---- what is told


def test_who_is_told_what_and_when(tmp_path: Path) -> None:
    reports, notes, previews = [], [], []
    task = toy.Toy()

    def preview(step: int) -> None:
        previews.append(step)
        task.network.eval()  # as previews do

    def report(stage: str, done: int, total: int) -> None:
        reports.append((stage, done, total))
        assert task.network.training

    train(
        task, toy.batches_from, toy.params(7, log_every=3, preview_every=2, checkpoint_every=2), tmp_path,
        report=report, note=notes.append, preview=preview,
    )  # fmt: skip
    assert reports == [("train", step, 7) for step in range(1, 8)]
    assert previews == [2, 4, 6]
    assert [note.split(":")[0] for note in notes] == ["step 3", "step 6", "step 7"]
    assert "= classes " in notes[0] and " + points " in notes[0] and "lr 0.05," in notes[0]
    assert toy.checkpoints(tmp_path) == ["step-0000006.pt", "step-0000007.pt"]
    every = [sum(losses.values()) for _, losses, _ in _all_losses(tmp_path)]
    logged = [line["loss"] for line in toy.lines(tmp_path)]
    np.testing.assert_allclose(logged, [np.mean(every[:3]), np.mean(every[3:6]), every[6]], rtol=1e-12)


def _all_losses(folder: Path) -> list[tuple[int, dict[str, float], float]]:
    train(toy.Toy(), toy.batches_from, toy.params(7), folder / "all")
    return toy.curve(folder / "all")


def test_the_share_of_time_spent_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that only moves where the test says: 3 s for a batch, 1 s for its losses, 100 s for a preview."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    class Takes(toy.Toy):
        def losses(self, batch: toy.Batch, random: torch.Generator) -> dict[str, Tensor]:
            now[0] += 1
            return super().losses(batch, random)

    def slow(number: int) -> toy.Batch:
        now[0] += 3
        return toy.batch(number)

    def preview(step: int) -> None:
        now[0] += 100

    chosen = toy.params(6, log_every=2, preview_every=1)
    train(Takes(), lambda step: toy.batches_from(step, slow), chosen, tmp_path, preview=preview)
    lines = toy.lines(tmp_path)
    assert [line["waiting"] for line in lines] == [0.75] * 3
    assert [line["images_per_s"] for line in lines] == [toy.IMAGES / 4] * 3
    assert [line["seconds"] for line in lines] == [8.0, 16.0, 24.0]
    train(Takes(), lambda step: toy.batches_from(step, slow), toy.params(8, log_every=2), tmp_path)
    assert toy.lines(tmp_path)[-1]["seconds"] == 32.0


def test_the_learning_rate_in_the_journal_is_the_schedules(tmp_path: Path) -> None:
    toy.run(tmp_path, 9, warmup_steps=4)
    chosen = toy.params(9, warmup_steps=4)
    assert [lr for _, _, lr in toy.curve(tmp_path)] == [learning_rate(step, chosen) for step in range(9)]
