"""An evaluation of lifting as one self-contained page: curves, reliability, and every figure."""

from __future__ import annotations

import html
from pathlib import Path

from posecorpus.core.manifest import write_atomically
from posecorpus.pipelines.evaluation.charts import Series, chart, legend
from posecorpus.pipelines.evaluation.document import document
from posecorpus.pipelines.evaluation.queries import NOISES, USUAL_NOISE
from posecorpus.pipelines.evaluation.results import (
    COLUMNS,
    DEFAULT,
    METHODS,
    Baselines,
    Results,
    baseline_lines,
    cells,
)
from posecorpus.pseudogt.lift.simulate import MASKS, Mask

_COLOUR: dict[str, str] = {"nn": "c0", "soft": "c1", "depth": "c2"}
_NAME: dict[str, str] = {"nn": "nn, as published", "soft": "soft", "depth": "depth, the default"}  # fmt: skip
_FLOORS = (("nearest view of the library", "c4", "nearest"), ("mean pose", "c3", "mean"))
_MASK_TITLE: dict[Mask, str] = {
    "none": "All joints",
    "ankles": "No ankles",
    "one arm": "One arm missing",
    "any four": "Any four missing",
    "below hips": "Nothing below the hips",
}
GOAL = (0.87, 0.93)


def write_page(results: Results, path: Path) -> Path:
    """Write the page; gives its path."""
    write_atomically(path, page(results).encode())
    return path


def page(results: Results) -> str:
    """The page's text."""
    body = [_head(results), _by_noise(results), _distributions(results), _trust(results), _table(results)]
    return document("Lifting, evaluated", "".join(body))


def _head(results: Results) -> str:
    s, library = results.settings, results.settings["library"]
    held = ", ".join(s["hold_out"][:20]) + (" and more" if len(s["hold_out"]) > 20 else "")
    shown = "" if s["report_on"] == s["hold_out"] else f" Reported on {', '.join(s['report_on'][:20])}."
    lines = [
        f"{s['poses']:,} poses of {s['clips']:,} clips of people whom the library does not hold ({held}).{shown}",
        f"The library: {library['poses']:,} poses, {library['views']} views each. Joints: {s['skeleton']}. "
        "Errors are of joints relative to the mean of shoulders and hips unless said otherwise.",
        *baseline_lines(results),
    ]
    return "<h1>Lifting, evaluated</h1>" + "".join(f"<p>{html.escape(line)}</p>" for line in lines)


def _by_noise(results: Results) -> str:
    base = _baselines(results)
    highest = max(f.mpjpe_mm or 0 for row, m in results.rows if row.grid for f in m.values())
    top = 10.0 * int(max(highest, base.nearest_mm) / 10 + 2)
    cards = []
    for mask in MASKS:
        # The mean pose would be far above all lines.
        series = [Series(_FLOORS[0][0], _FLOORS[0][1], [(n, base.nearest_mm) for n in NOISES], dashed=True)]
        for method in METHODS:
            points = [
                (row.condition.noise, found[method].mpjpe_mm or 0.0)
                for row, found in results.rows
                if row.grid and row.condition.mask == mask and found[method].mpjpe_mm is not None
            ]  # fmt: skip
            points = sorted(dict(points).items())
            series.append(Series(_NAME[method], _COLOUR[method], points, dots=True))
        drawn = chart(series, (NOISES[0], NOISES[-1]), (0, top), ("noise, torso lengths", "mm"), x_ticks=NOISES, percent=(True, False))  # fmt: skip
        cards.append(f'<div class="card"><h3>{_MASK_TITLE[mask]}</h3>{drawn}</div>')
    text = "Mean error of the joints (MPJPE) against the noise of the annotations."
    return f'<h2>Error</h2><p>{text}</p>{_legend(floors=1)}<div class="cards">{"".join(cards)}</div>'


def _distributions(results: Results) -> str:
    base = _baselines(results)
    cards = []
    for mask in ("none", "any four"):
        row = next(
            found for row, found in results.rows
            if row.grid and row.condition.mask == mask and row.condition.noise == USUAL_NOISE
        )  # fmt: skip
        series = [
            Series(name, colour, _cdf(getattr(base, f"{key}_quantiles_mm")), dashed=True)
            for name, colour, key in _FLOORS
        ] + [Series(_NAME[m], _COLOUR[m], _cdf(row[m].quantiles_mm)) for m in METHODS]
        drawn = chart(series, (0, 300), (0, 1), ("error of a pose, mm", "share of poses"), percent=(False, True))  # fmt: skip
        cards.append(f'<div class="card"><h3>{_MASK_TITLE[mask]}, 2 % noise</h3>{drawn}</div>')
    text = "How many poses are within an error."
    return f'<h2>Distribution</h2><p>{text}</p>{_legend()}<div class="cards">{"".join(cards)}</div>'


def _cdf(quantiles_mm: list[float]) -> list[tuple[float, float]]:
    last = max(len(quantiles_mm) - 1, 1)
    return [(value, i / last) for i, value in enumerate(quantiles_mm)]


def _trust(results: Results) -> str:
    found = results.trust.get("all") or {}
    if not found:
        return ""
    cards = []
    for key, title in (("bins", "Poses"), ("joint_bins", "Joints")):
        bins = [(b["predicted_mm"], b["measured_mm"]) for b in found[key]]
        top = 10.0 * int(max(max(pair) for pair in bins) / 10 + 2)
        series = [
            Series("as predicted", "c3", [(0, 0), (top, top)], dashed=True),
            Series("mean of a tenth", "c2", bins, dots=True),
        ]
        drawn = chart(series, (0, top), (0, top), ("predicted, mm", "measured, mm"))
        cards.append(f'<div class="card"><h3>{title}: predicted and measured error</h3>{drawn}</div>')
    for key, title in (("coverage_by_missing", "missing joints"), ("coverage_by_source", "MoCap source")):
        cards.append(_coverage_card(found[key], found[f"joint_{key}"], title))
    text = (
        f"Of the default method, over all conditions: rank correlation of predicted and measured pose error "
        f"{found['spearman']}, of joints {found['joint_spearman']}; the 90 % interval holds {found['coverage']:.1%} "
        f"of poses and {found['joint_coverage']:.1%} of joints. Shares outside 87 to 93 % are marked."
    )
    return f'<h2>Trust</h2><p>{html.escape(text)}</p><div class="cards">{"".join(cards)}</div>'


def _coverage_card(poses: dict[str, float], joints: dict[str, float], title: str) -> str:
    names = sorted(poses, key=lambda name: (int(name) if name.isdigit() else 0, name))
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td></td>{_held(poses[name])}{_held(joints.get(name))}</tr>"
        for name in names
    )
    head = f"<tr><th>{html.escape(title)}</th><th></th><th>poses</th><th>joints</th></tr>"
    return f'<div class="card"><h3>What the 90 % interval holds</h3><table>{head}{rows}</table></div>'


def _held(share: float | None) -> str:
    if share is None:
        return "<td>-</td>"
    inside = GOAL[0] <= share <= GOAL[1]
    return f"<td{'' if inside else ' class=off'}>{share:.1%}</td>"


def _table(results: Results) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ("condition", "method", *COLUMNS, "refused"))
    rows = []
    for row, found in results.rows:
        for i, method in enumerate(METHODS):
            marks = ("first" if i == 0 else "", "default" if method == DEFAULT else "")
            values = [
                row.label if i == 0 else "",
                method,
                *cells(found[method]),
                str(found[method].refused or ""),
            ]
            rows.append(f'<tr class="{" ".join(filter(None, marks))}">' + "".join(f"<td>{html.escape(v)}</td>" for v in values) + "</tr>")  # fmt: skip
    text = (
        "MPJPE, N-MPJPE (root-aligned, scaled), PA-MPJPE and the best hypothesis in mm; completed 2D joints in torso "
        "lengths; limbs: mean error of their lengths; Spearman of predicted and measured pose error; share of "
        "poses / joints whose error the 90 % interval holds."
    )
    return f'<h2>Figures</h2><p>{text}</p><div class="card wide"><table><tr>{head}</tr>{"".join(rows)}</table></div>'  # fmt: skip


def _legend(floors: int = len(_FLOORS)) -> str:
    entries = [(_NAME[m], _COLOUR[m], False) for m in METHODS]
    return legend(entries + [(name, colour, True) for name, colour, _ in _FLOORS[:floors]])


def _grid_shapes(results: Results) -> float:
    return float(results.settings["shapes"])


def _baselines(results: Results) -> Baselines:
    return results.baselines[_grid_shapes(results)]
