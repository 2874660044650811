"""Thresholds of pose proposal integration tried in a grid, on the same proposals (LCR-Net++ figures 7 and 12)."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from posecorpus.core.errors import InputError
from posecorpus.pipelines.evaluation.people_figures import PeopleFigures
from posecorpus.pipelines.evaluation.units import millimetres, percent

if TYPE_CHECKING:
    from posecorpus.models.lcrnet.detect import DetectSettings

IOUS = (0.05, 0.12, 0.2, 0.35, 0.5)
DISTANCES_MM = (40, 80, 130, 200, 300)
SHADES = 8
STYLE = "".join(
    f"td.q{level}{{background:color-mix(in srgb,var(--c4) {round(60 * level / (SHADES - 1))}%,transparent)}}"
    for level in range(SHADES)
)
"""From the worst cell of a table to its best one."""


@dataclass(frozen=True)
class SweepCell:
    """What integration with two thresholds comes to; figures as in ``PeopleFigures``."""

    iou: float
    distance_mm: int
    ap: float | None
    people_ap: float | None
    pckh: float | None
    mpjpe_abs_mm: float | None


def sweep_decodings(settings: DetectSettings) -> dict[tuple[float, int], DetectSettings]:
    """The grid's settings, all else as given.

    Raises:
        InputError: ``settings`` integrate nothing.
    """
    if settings.integration is None:
        raise InputError("sweep", "settings with thresholds of integration", "none")
    return {
        (iou, mm): replace(settings, integration=replace(settings.integration, iou=iou, distance_m=mm / 1000))
        for iou in IOUS
        for mm in DISTANCES_MM
    }


def sweep_cells(figures: Mapping[tuple[float, int], PeopleFigures]) -> list[SweepCell]:
    """The grid's figures."""
    return [
        SweepCell(iou, mm, found.ap, found.people_ap, found.pckh, found.mpjpe_abs_mm)
        for (iou, mm), found in figures.items()
    ]


_Table = tuple[str, Callable[[SweepCell], float | None], Callable[[float | None], str], bool]
TABLES: tuple[_Table, ...] = (
    ("AP, multi-person, PCKh 0.5", lambda cell: cell.ap, percent, True),
    ("PCKh 0.5, all people", lambda cell: cell.pckh, percent, True),
    ("MPJPE, absolute", lambda cell: cell.mpjpe_abs_mm, millimetres, False),
    ("AP of finding people", lambda cell: cell.people_ap, percent, True),
)
"""Title, value, text, and whether more is better."""


def best_cell(cells: Sequence[SweepCell], value: Callable[[SweepCell], float | None], more: bool) -> SweepCell | None:  # fmt: skip
    """The best cell, of equal ones the first; None where nothing is known."""
    known = [
        (found if more else -found, -i) for i, cell in enumerate(cells) if (found := value(cell)) is not None
    ]
    return cells[-max(known)[1]] if known else None


def sweep_section(cells: Sequence[SweepCell]) -> str:
    """HTML of the grid; empty without cells."""
    if not cells:
        return ""
    cards = "".join(_card(cells, *table) for table in TABLES if best_cell(cells, table[1], table[3]))
    text = (
        "Pose proposal integration of the same proposals with other thresholds: rows by overlap, columns by distance. "
        "What is best here was chosen here; take it to other pictures before you believe it."
    )
    return f'<h2>Thresholds of integration</h2><p>{text}</p><div class="bins">{cards}</div>'


def sweep_lines(cells: Sequence[SweepCell]) -> list[str]:
    """The best thresholds by each figure, in words."""
    lines = []
    for title, value, text, more in TABLES:
        best = best_cell(cells, value, more)
        if best is not None:
            lines.append(
                f"best {title}: {text(value(best))} with --ppi-iou {best.iou:g} --ppi-mm {best.distance_mm}"
            )
    return lines


def _card(
    cells: Sequence[SweepCell],
    title: str,
    value: Callable[[SweepCell], float | None],
    text: Callable[[float | None], str],
    more: bool,
) -> str:
    found = [value(cell) for cell in cells]
    known = [v for v in found if v is not None]
    low, high = (min(known), max(known)) if more else (max(known), min(known))
    rows = []
    for i in range(0, len(cells), len(DISTANCES_MM)):
        tds = "".join(
            f"<td{_shade(v, low, high)}>{text(v) or '-'}</td>" for v in found[i : i + len(DISTANCES_MM)]
        )
        rows.append(f"<tr><td>IoU {cells[i].iou:g}</td>{tds}</tr>")
    head = "".join(f"<th>{mm} mm</th>" for mm in DISTANCES_MM)
    return f'<div class="card wide"><h3>{html.escape(title)}</h3><table class="plain"><tr><th></th>{head}</tr>{"".join(rows)}</table></div>'  # fmt: skip


def _shade(value: float | None, low: float, high: float) -> str:
    if value is None:
        return ""
    share = 1.0 if high == low else (value - low) / (high - low)
    return f' class="q{round(share * (SHADES - 1))}"'
