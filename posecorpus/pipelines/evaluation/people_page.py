"""An evaluation of a detector of people as one self-contained page: figures, curves, what is hard, pictures."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from posecorpus.core.manifest import write_atomically
from posecorpus.pipelines.evaluation.charts import Series, chart, legend
from posecorpus.pipelines.evaluation.document import document
from posecorpus.pipelines.evaluation.people_examples import Example
from posecorpus.pipelines.evaluation.people_figures import BALL_SHOWN_MM, HEADS_SHOWN, KINDS
from posecorpus.pipelines.evaluation.people_results import UPPER_BOUND, Bin, PeopleResults, Points
from posecorpus.pipelines.evaluation.people_sweep import STYLE, sweep_section
from posecorpus.pipelines.evaluation.people_text import JOINT_COLUMNS, filled, story
from posecorpus.pipelines.evaluation.units import millimetres, percent

_COLOURS = ("c2", "c0", "c1", "c3", "c5")
_STYLE = """
.examples{columns:420px;column-gap:12px}figure{margin:0 0 12px;break-inside:avoid}
.bins{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,520px),1fr));gap:12px}
figure img{display:block;width:100%;border-radius:8px}figcaption{font-size:12.5px;color:var(--muted);margin-top:5px;overflow-wrap:anywhere}
table.plain td:nth-child(2),table.plain th:nth-child(2){text-align:right}table.plain tr:first-child th{border-top:0}
tr.part td{color:var(--muted);padding-top:14px}td.main{font-weight:600}
"""


def write_page(results: PeopleResults, path: Path) -> Path:
    """Write the page; gives its path."""
    write_atomically(path, page(results).encode())
    return path


def page(results: PeopleResults) -> str:
    """The page's text."""
    body = [
        "<h1>People found, evaluated</h1>"
        + "".join(f"<p>{html.escape(line)}</p>" for line in story(results)),
        _table(results),
        _curves(results),
        _bins(results),
        _kinds(results),
        _joints(results),
        sweep_section(results.sweep),
        _examples("Worst pictures", results.worst),
        _examples("Surest false alarms", results.alarms, alarms=True),
        _examples("Best pictures", results.best),
    ]
    return document("People found, evaluated", "".join(body), _STYLE + STYLE)


def _colour(results: PeopleResults, name: str) -> str:
    if name == UPPER_BOUND:
        return "c4"
    return _COLOURS[list(results.figures).index(name) % len(_COLOURS)]


def _table(results: PeopleResults) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ("", *results.figures))
    rows = []
    for section, lines in filled(results):
        rows.append(
            f'<tr class="part"><td colspan="{len(results.figures) + 1}">{html.escape(section)}</td></tr>'
        )
        for title, cells in lines:
            shown = "".join(
                f'<td class="{"main" if name == results.main else ""}">{html.escape(cell)}</td>'
                for name, cell in zip(results.figures, cells, strict=True)
            )
            rows.append(f"<tr><td>{html.escape(title)}</td>{shown}</tr>")
    return f'<h2>Figures</h2><div class="card wide"><table class="plain"><tr>{head}</tr>{"".join(rows)}</table></div>'  # fmt: skip


def _curves(results: PeopleResults) -> str:
    cards = [
        _card(results, "PCKh of all people", "pckh", (0, HEADS_SHOWN), ("distance, head sizes", "joints"), (False, True)),
        _card(results, "3DPCK of all people, torso-centred", "pck3d", (0, BALL_SHOWN_MM), ("radius, mm", "joints"), (False, True)),
        _card(results, "3DPCK after rigid alignment", "pck3d_rigid", (0, BALL_SHOWN_MM), ("radius, mm", "joints"), (False, True)),
        _card(results, "Joints by the protocol of AP, PCKh 0.5", "joints", (0, 1), ("recall", "precision"), (True, True)),
        _card(results, "People found", "people", (0, 1), ("recall", "precision"), (True, True)),
    ]  # fmt: skip
    keys = legend([(name, _colour(results, name), name == UPPER_BOUND) for name in results.curves])
    return f'<h2>Curves</h2>{keys}<div class="cards">{"".join(cards)}</div>'


def _card(
    results: PeopleResults,
    title: str,
    which: str,
    x: tuple[float, float],
    labels: tuple[str, str],
    shares: tuple[bool, bool],
) -> str:
    series = []
    for name, curves in reversed(results.curves.items()):
        points: Points = getattr(curves, which)
        if points:
            series.append(Series(name, _colour(results, name), points, dashed=name == UPPER_BOUND))
    if not series:
        return ""
    drawn = chart(series, x, (0, 1), labels, percent=shares)
    return f'<div class="card"><h3>{html.escape(title)}</h3>{drawn}</div>'


def _bins(results: PeopleResults) -> str:
    cards = "".join(_bin_card(title, bins, results.has_3d) for title, bins in results.bins.items())
    text = f"The people of {results.main}, by what is hard about them."
    return f'<h2>Where it fails</h2><p>{html.escape(text)}</p><div class="bins">{cards}</div>'


def _bin_card(title: str, bins: Sequence[Bin], has_3d: bool) -> str:
    head = ["people", "found", "PCKh 0.5"] + (["MPJPE", "aligned", "3DPCK"] if has_3d else [])
    rows = []
    for one in bins:
        cells = [f"{one.people:,}", percent(one.found) or "-", percent(one.pckh) or "-"]
        if has_3d:
            cells += [millimetres(one.mpjpe_abs_mm) or "-", millimetres(one.mpjpe_rigid_mm) or "-", percent(one.pck3d) or "-"]  # fmt: skip
        rows.append(
            f"<tr><td>{html.escape(one.label)}</td>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
        )
    top = "".join(f"<th>{name}</th>" for name in ("", *head))
    return f'<div class="card wide"><h3>{html.escape(title.capitalize())}</h3><table class="plain"><tr>{top}</tr>{"".join(rows)}</table></div>'  # fmt: skip


def _kinds(results: PeopleResults) -> str:
    names = [name for name, found in results.figures.items() if found.kinds]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ("", *names))
    rows = []
    for kind in KINDS:
        cells = "".join(
            f"<td>{percent((results.figures[name].kinds or {}).get(kind))}</td>" for name in names
        )
        rows.append(f"<tr><td>{kind}</td>{cells}</tr>")
    text = (
        "Perfect: all joints within half a head size. Imprecise: all within one. Partly wrong: more than half "
        "within one. Misdetected: the rest, and the missed."
    )
    return f'<h2>Poses</h2><p>{text}</p><div class="card wide"><table class="plain"><tr>{head}</tr>{"".join(rows)}</table></div>'  # fmt: skip


def _joints(results: PeopleResults) -> str:
    found = results.figures[results.main]
    columns = [(title, cell) for title, cell in JOINT_COLUMNS if any(cell(joint) for joint in found.joints)]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ("joint", *(title for title, _ in columns)))
    rows = "".join(
        f"<tr><td>{html.escape(joint.joint)}</td>"
        + "".join(f"<td>{cell(joint) or '-'}</td>" for _, cell in columns)
        + "</tr>"
        for joint in found.joints
    )
    return f'<h2>Joints</h2><p>{html.escape(results.main)}</p><div class="card wide"><table class="plain"><tr>{head}</tr>{rows}</table></div>'  # fmt: skip


def _examples(title: str, examples: Sequence[Example], *, alarms: bool = False) -> str:
    if not examples:
        return ""
    figures = "".join(_figure(example, alarms) for example in examples)
    text = (
        "The truth on the left, what was found on the right; the person's right side is warm, the left cool. "
        "A red box marks a detection about nobody."
    )
    return f'<h2>{title}</h2><p>{text}</p><div class="examples">{figures}</div>'


def _figure(example: Example, alarms: bool) -> str:
    words = [example.key, f"{example.found} of {example.people} found"]
    if alarms and example.alarm is not None:
        words.insert(1, f"score {example.alarm:.2f}")
    if example.pckh is not None:
        words.append(f"PCKh {example.pckh:.0%}")
    if example.abs_mm is not None:
        words.append(f"{example.abs_mm:.0f} mm")
    caption = html.escape(" · ".join(words))
    return f'<figure class="card"><img alt="" src="data:image/jpeg;base64,{example.jpeg}"><figcaption>{caption}</figcaption></figure>'  # fmt: skip
