"""What a person sees while a command runs and when it ends. Results go to stdout, all else to stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from posecorpus.core.progress import Report

if TYPE_CHECKING:
    from posecorpus.inspect.verify import Report as Verification


class RateColumn(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.0f}/s" if speed else "")


@contextmanager
def stages() -> Iterator[tuple[Report, Callable[[str], None]]]:
    """One progress bar for each stage of a pipeline, with rate and time to go.

    Gives the two callbacks that pipelines take: one told how far a stage is, one to print a line.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], total=total, completed=done)

        def note(message: str) -> None:
            bars.console.print(message, highlight=False, markup=False)

        yield report, note


MAX_LISTED = 50


def print_verification(corpus: str, report: Verification) -> None:
    """Violations, one a line, then how often each check was made and failed."""
    for violation in report.violations[:MAX_LISTED]:
        print(violation)
    if len(report.violations) > MAX_LISTED:
        print(f"... and {len(report.violations) - MAX_LISTED} more")
    for note in report.notes:
        print(f"note: {note}")
    table = Table("check", "made", "failed", box=None, pad_edge=False)
    for check in sorted(report.checked | report.failed):
        table.add_row(check, str(report.checked[check]), str(report.failed[check]))
    Console().print(table)
    verdict = "every check holds" if report.ok else f"{len(report.violations)} violations"
    print(f"{corpus}: {report.samples} samples, {verdict}")
