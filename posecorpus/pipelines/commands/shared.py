"""What the command line's modules share: options, examples in the help, progress that Ctrl-C may end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from posecorpus.core.errors import InputError

if TYPE_CHECKING:
    from posecorpus.core.progress import Report
    from posecorpus.models.lcrnet.decode import Integration

EXIT_VIOLATIONS, EXIT_INPUT, EXIT_INTERRUPTED = 1, 2, 130

Workers = Annotated[int | None, typer.Option(help="Processes; default: one for each core.", min=1)]
ReadableCorpus = Annotated[
    str, typer.Argument(help="Folder or URL (s3://...) of a corpus.", metavar="CORPUS")
]
Seed = Annotated[int, typer.Option(help="Same seed, same bytes.", min=0)]
Motions = Annotated[
    list[Path] | None,
    typer.Option(help="MoCap file, folder or zip (ASF/AMC, BVH, AMASS); repeatable. Default: built-in."),
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave out unusable inputs and list them.")]
Library = Annotated[Path, typer.Option(help="Folder that `posecorpus library` wrote.")]
PpiIou = Annotated[
    float | None,
    typer.Option("--ppi-iou", help="Integration: overlap from which poses are of one person.", min=0, max=1),
]
PpiMm = Annotated[
    float | None,
    typer.Option("--ppi-mm", help="Integration: distance in space up to which they are one pose.", min=0),
]
Camera = Annotated[
    float,
    typer.Option(
        help="Field of view of the longer side, degrees, of images without a known camera.", metavar="FOV_DEG"
    ),
]


def integration(iou: float | None, distance_mm: float | None) -> Integration:
    """The usual thresholds but for those that are given."""
    from posecorpus.models.lcrnet.decode import Integration

    asked = {"iou": iou, "distance_m": None if distance_mm is None else distance_mm / 1000}
    return Integration(**{name: value for name, value in asked.items() if value is not None})


def examples(*lines: str) -> str:
    """A help text's last paragraph."""
    return "\b\nExamples:\n" + "\n".join(f"  posecorpus {line}" for line in lines)


def usable_workers() -> int:
    """How many processes there are cores for."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def needs_models() -> None:
    """Say how to install what networks need, if it is missing; to be called before torch is loaded.

    Raises:
        InputError: something is missing.
    """
    # Threads of OpenMP that wait for one without a core would else keep it from getting one: ten times as slow.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for package in ("torch", "accelerate"):
        if find_spec(package) is None:
            raise InputError("this command", package, "not installed", "pip install 'posecorpus[models]'")


@contextmanager
def resumable_stages() -> Iterator[tuple[Report, Callable[[str], None]]]:
    """Progress bars of a command that goes on where it was if it is interrupted and run again."""
    from posecorpus.pipelines.console import stages

    try:
        with stages() as callbacks:
            yield callbacks
    except KeyboardInterrupt:
        typer.echo("posecorpus: interrupted; run the same command again to go on", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None


def numbers(option: str, text: str, separator: str, form: str) -> tuple[int, int]:
    """Two whole numbers of an option such as ``320x240``; raises :class:`InputError` naming the form."""
    try:
        first, second = (int(part) for part in text.lower().split(separator))
    except ValueError:
        raise InputError(option, form, repr(text)) from None
    return first, second
