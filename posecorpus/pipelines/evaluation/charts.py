"""Line charts as SVG text, without scripts: colours come from the page's style sheet."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 340.0, 200.0
LEFT, BOTTOM, TOP, RIGHT = 38.0, 34.0, 8.0, 6.0


@dataclass(frozen=True)
class Series:
    """One line or row of dots.

    Attributes:
        name: what it is, for the legend and the tooltip.
        colour: class of the style sheet, e.g. ``c0``.
        points: (x, y) in the chart's units.
        dashed: for floors and oracles; dots: mark the points.
    """

    name: str
    colour: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False
    dots: bool = False


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round marks within a range: steps of 1, 2 or 5 times a power of ten."""
    span = high - low
    if span <= 0:
        return [low]
    step = 10.0**-12
    for power in range(-12, 13):
        for factor in (1, 2, 5):
            step = factor * 10.0**power
            if span / step <= wanted:
                first = -int(-low / step // 1)
                return [round(i * step, 12) for i in range(first, int(high / step + 1e-9) + 1)]
    return [low, high]


def chart(
    series: Sequence[Series],
    x: tuple[float, float],
    y: tuple[float, float],
    labels: tuple[str, str],
    *,
    x_ticks: Sequence[float] | None = None,
    percent: tuple[bool, bool] = (False, False),
) -> str:
    """An SVG element.

    Args:
        x, y: ranges; what lies outside is cut off.
        labels: of the axes.
        x_ticks: marks of the x axis; round ones by default.
        percent: whether the axes are shares.
    """

    def across(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - x[0]) / (x[1] - x[0])

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value - y[0]) / (y[1] - y[0])

    parts = [f'<svg class="chart" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img">']
    for mark in ticks(*y):
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(mark):.1f}" y2="{up(mark):.1f}"/>')  # fmt: skip
        parts.append(f'<text x="{LEFT - 5}" y="{up(mark) + 3.5:.1f}" text-anchor="end">{_mark(mark, percent[1])}</text>')  # fmt: skip
    for mark in ticks(*x) if x_ticks is None else x_ticks:
        anchor = "end" if across(mark) > WIDTH - RIGHT - 8 else "middle"
        parts.append(f'<text x="{across(mark):.1f}" y="{HEIGHT - BOTTOM + 13}" text-anchor="{anchor}">{_mark(mark, percent[0])}</text>')  # fmt: skip
    parts.append(
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 4}" text-anchor="end">{html.escape(labels[0])}</text>'
    )
    parts.append(f'<text x="2" y="{HEIGHT - 4}">{html.escape(labels[1])}</text>')
    for one in series:
        inside = [(a, b) for a, b in one.points if x[0] <= a <= x[1] and y[0] <= b <= y[1]]
        if len(inside) > 1:
            path = "L".join(f"{across(a):.1f} {up(b):.1f}" for a, b in inside)
            dash = ' stroke-dasharray="4 3"' if one.dashed else ""
            parts.append(f'<path class="line {one.colour}" d="M{path}"{dash}><title>{html.escape(one.name)}</title></path>')  # fmt: skip
        if one.dots:
            for a, b in inside:
                tip = f"{one.name}: {_mark(a, percent[0])}, {_mark(b, percent[1])}"
                parts.append(f'<circle class="dot {one.colour}" cx="{across(a):.1f}" cy="{up(b):.1f}" r="3.2"><title>{html.escape(tip)}</title></circle>')  # fmt: skip
    return "".join([*parts, "</svg>"])


def legend(entries: Sequence[tuple[str, str, bool]]) -> str:
    """Names with their colour class; dashed ones are floors and oracles."""
    chips = "".join(
        f'<span class="chip"><i class="{colour}{" dashed" if dashed else ""}"></i>{html.escape(name)}</span>'
        for name, colour, dashed in entries
    )
    return f'<div class="keys">{chips}</div>'


def _mark(value: float, percent: bool) -> str:
    return f"{100 * value:.3g}%" if percent else f"{value:.4g}"
