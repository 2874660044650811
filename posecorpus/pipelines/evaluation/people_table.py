"""An evaluation of people, printed."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from posecorpus.pipelines.evaluation.people_results import PeopleResults
from posecorpus.pipelines.evaluation.people_sweep import sweep_lines
from posecorpus.pipelines.evaluation.people_text import filled, story

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
    for section, rows in filled(results):
        table.add_row(section, *[""] * len(results.figures), style="dim")
        for title, cells in rows:
            table.add_row(f"  {title}", *cells)
    console.print(table)
    for line in sweep_lines(results.sweep):
        console.print(line, highlight=False, markup=False)
