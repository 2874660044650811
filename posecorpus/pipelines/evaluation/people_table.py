"""An evaluation of people, printed."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from posecorpus.pipelines.evaluation.people_results import PeopleResults
from posecorpus.pipelines.evaluation.people_text import ROWS, story

WIDTH = 124


def print_people(results: PeopleResults) -> None:
    """Every figure by every way of decoding, to stdout."""
    console = Console()
    console.width = max(console.width, WIDTH)
    for line in story(results):
        console.print(line, highlight=False, markup=False)
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for name in results.figures:
        table.add_column(name, justify="right", style="bold" if name == results.main else "")
    for title, cell in ROWS:
        values = [cell(found) for found in results.figures.values()]
        if any(values):
            table.add_row(title, *(value or "-" for value in values))
    console.print(table)
