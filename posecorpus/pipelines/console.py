"""What a person sees while a command runs and when it ends. Results go to stdout, all else to stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from posecorpus.pipelines.synthesize import Progress as SynthProgress


class RateColumn(TextColumn):
    """Samples a second."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: object) -> Text:
        speed = getattr(task, "speed", None)
        return Text(f"{speed:.0f} samples/s" if speed else "")


@contextmanager
def synth_progress() -> Iterator[tuple[Callable[[SynthProgress], None], Callable[[str], None]]]:
    """A progress bar with rate and time to go; gives the two callbacks of ``synthesize``."""
    console = Console(stderr=True)
    columns = (
        TextColumn("rendering"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("render", total=None, visible=False)

        def report(progress: SynthProgress) -> None:
            bar.update(task, total=progress.total, completed=progress.done, visible=True)

        def note(message: str) -> None:
            bar.console.print(message, highlight=False, markup=False)

        yield report, note
