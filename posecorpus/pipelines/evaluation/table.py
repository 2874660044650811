"""An evaluation of lifting, printed."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from posecorpus.pipelines.evaluation.results import COLUMNS, DEFAULT, METHODS, Results, baseline_lines, cells

WIDTH = 124


def print_results(results: Results) -> None:
    """Every condition by every method, then floors, oracle and what trust was worth, to stdout."""
    console = Console()
    console.width = max(console.width, WIDTH)  # a piped or narrow one would cut the names of conditions
    table = Table(box=None, pad_edge=False)
    table.add_column("condition")
    table.add_column("method")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for row, found in results.rows:
        for method in METHODS:
            style = "bold" if method == DEFAULT else "dim"
            table.add_row(
                row.label if method == METHODS[0] else "", method, *cells(found[method]), style=style
            )
        table.add_section()
    console.print(table)
    for line in [*baseline_lines(results), *trust_lines(results)]:
        console.print(line, highlight=False)


def trust_lines(results: Results) -> list[str]:
    """What predicted errors of the default method were worth."""
    lines = []
    for key, what in (("grid", "noise and masks"), ("all", "all conditions")):
        found = results.trust.get(key)
        if not found:
            continue
        lines.append(
            f"trust, {what}: Spearman {_share(found['spearman'], '.2f')} of poses, "
            f"{_share(found['joint_spearman'], '.2f')} of joints; the 90 % interval holds "
            f"{_share(found['coverage'])} of poses, {_share(found['joint_coverage'])} of joints"
        )
        for group, title in (
            ("coverage_by_source", "by source"),
            ("coverage_by_missing", "by missing joints"),
        ):
            held = found[group]
            joints = found[f"joint_{group}"]
            names = sorted(held, key=lambda name: (int(name) if name.isdigit() else 0, name))
            parts = [f"{name} {_share(held[name])}/{_share(joints.get(name))}" for name in names]
            lines.append(f"  {title}, poses/joints: {', '.join(parts)}")
    return lines


def _share(value: float | None, form: str = ".0%") -> str:
    return "-" if value is None else format(value, form)
