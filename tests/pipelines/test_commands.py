"""The command line's surface: every command explains itself, and a user's mistake is one line and exit code 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from posecorpus.pipelines.cli import app

GROUP = typer.main.get_command(app)
COMMANDS = sorted(set(GROUP.commands) - {"fetch"})  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_all_but_doctor_an_example(command: str) -> None:
    found = GROUP.commands[command]  # type: ignore[attr-defined]
    assert found.help
    assert command == "doctor" or f"posecorpus {command} " in found.epilog
    for parameter in found.params:
        assert getattr(parameter, "help", None), f"{command}: {parameter.name}"


@pytest.mark.parametrize(
    "arguments",
    [
        ("lift", "out", "--annotations", "nothing", "--library", "nothing"),
        ("label", "nothing", "out", "--parts", "ellipses"),
        ("label", "nothing", "out"),
        ("label", "nothing", "out", "--skeleton-maps", "widths=wide"),
        ("label", "nothing", "out", "--skeleton-maps", "widths=-3"),
        ("label", "nothing", "out", "--skeleton-maps", "size=56,224"),
        ("label", "nothing", "out", "--parts", "ellipses", "--constants", "nothing.json"),
        ("filter", "nothing", "out"),
        ("import", "out", "--format", "lsp", "--annotations", "nothing.mat"),
        ("library", "out", "--motions", "nothing"),
        ("library", "out", "--elevation", "40", "-20"),
        ("predict", "nothing", "nothing.jpg", "--out", "out"),
        ("verify", "nothing"),
        ("inspect", "nothing"),
        ("inspect", "nothing.npz"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "posecorpus.pipelines.cli", *arguments, *_one_worker(arguments[0])]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 2, done.stderr
    message = done.stderr.strip().splitlines()
    assert message[-1].startswith("posecorpus: ") and "expected" in message[-1], done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def _one_worker(command: str) -> tuple[str, ...]:
    return () if command == "inspect" else ("--workers", "1")
