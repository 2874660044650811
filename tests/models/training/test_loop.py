"""The training loop on a toy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import toy_task as toy


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def curve(folder: Path) -> list[tuple[int, dict[str, float], float]]:
    return [(line["step"], line["losses"], line["lr"]) for line in lines(folder)]


def test_a_training_that_was_stopped_goes_on_to_the_same_losses_bit_for_bit(tmp_path: Path) -> None:
    toy.run(tmp_path / "whole", 12)
    toy.run(tmp_path / "parts", 12, checkpoint_every=5)
    for later in (tmp_path / "parts" / "checkpoints").glob("step-0000012.pt"):
        later.unlink()
    toy.run(tmp_path / "parts", 12)
    assert len(curve(tmp_path / "whole")) == 12
    assert curve(tmp_path / "parts") == curve(tmp_path / "whole")
