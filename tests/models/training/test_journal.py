"""The journal: one curve, whatever happened in between."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import toy_task as toy
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from posecorpus.core.errors import InputError
from posecorpus.models.training.checkpoint import path_of
from posecorpus.models.training.journal import Entry, Journal


def entry(step: int, loss: float = 1.0) -> Entry:
    return Entry(step, {"a": loss, "b": 0.5}, 0.001, 40.0, 0.25, took_s=2.0)


def board(folder: Path, name: str) -> list[tuple[int, float]]:
    """A curve as TensorBoard shows it."""
    shown = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0}).Reload()
    return [(event.step, event.value) for event in shown.Scalars(name)]


def test_an_entry_is_a_line_for_programs_and_one_for_people(tmp_path: Path) -> None:
    with Journal(tmp_path, 0) as journal:
        journal.write(entry(20))
        journal.write(entry(1240, 0.75))
    assert toy.lines(tmp_path)[1] == {
        "step": 1240, "loss": 1.25, "losses": {"a": 0.75, "b": 0.5}, "lr": 0.001, "images_per_s": 40.0,
        "waiting": 0.25, "seconds": 4.0,
    }  # fmt: skip
    assert str(entry(1240, 0.75)) == (
        "step 1,240: loss 1.25 = a 0.75 + b 0.5, lr 0.001, 40.0 images/s, waiting 25%"
    )
    assert board(tmp_path, "losses/a") == [(20, 1.0), (1240, 0.75)]
    assert board(tmp_path, "loss") == [(20, 1.5), (1240, 1.25)]
    assert board(tmp_path, "speed/waiting") == [(20, 0.25), (1240, 0.25)]


def test_what_came_after_the_checkpoint_is_cut_off_both(tmp_path: Path) -> None:
    with Journal(tmp_path, 0) as journal:
        for step in (10, 20, 30, 40):
            journal.write(entry(step, loss=1.0))
    with (tmp_path / "metrics.jsonl").open("a") as stream:
        stream.write('{"step": 50, "lo')  # the power failed
    with Journal(tmp_path, 25) as journal:
        for step in (30, 40, 50):
            journal.write(entry(step, loss=2.0))
    expected = [(10, 1.0), (20, 1.0), (30, 2.0), (40, 2.0), (50, 2.0)]
    assert [(line["step"], line["losses"]["a"]) for line in toy.lines(tmp_path)] == expected
    assert [line["seconds"] for line in toy.lines(tmp_path)] == [2.0, 4.0, 6.0, 8.0, 10.0]
    assert board(tmp_path, "losses/a") == expected


def test_a_journal_that_needs_no_cut_is_not_touched(tmp_path: Path) -> None:
    with Journal(tmp_path, 0) as journal:
        journal.write(entry(10))
    before = (tmp_path / "metrics.jsonl").stat()
    with Journal(tmp_path, 10):
        pass
    after = (tmp_path / "metrics.jsonl").stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_size) == (
        before.st_ino,
        before.st_mtime_ns,
        before.st_size,
    )


@pytest.mark.parametrize(
    "line", ["", "[]", '{"step": 3}', '{"step": "x", "seconds": 1}', "[" * 60_000, "\x00"]
)
def test_lines_of_something_else_are_named(tmp_path: Path, line: str) -> None:
    with Journal(tmp_path, 0) as journal:
        journal.write(entry(1))
    with (tmp_path / "metrics.jsonl").open("a") as stream:
        stream.write(line + "\n")
    with pytest.raises(InputError, match=r"metrics\.jsonl:2: expected a line of a journal"):
        Journal(tmp_path, 9)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="a folder that can be written"):
        Journal(tmp_path / "file", 0)
    (tmp_path / "run").mkdir()
    with Journal(tmp_path / "run", 0) as journal:
        (tmp_path / "run" / "metrics.jsonl").symlink_to("/dev/full")
        with pytest.raises(InputError, match="No space left"):
            journal.write(entry(1))


def test_a_run_that_stopped_has_one_curve_on_the_board(tmp_path: Path) -> None:
    toy.run(tmp_path, 9, checkpoint_every=6)
    path_of(tmp_path, 9).unlink()
    toy.run(tmp_path, 12)
    assert [step for step, _ in board(tmp_path, "loss")] == list(range(1, 13))
    losses = [json.loads(line)["loss"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [value for _, value in board(tmp_path, "loss")] == pytest.approx(losses, rel=1e-6)
