"""The figures of an evaluation of people as words and cells, for the page and the terminal."""

from __future__ import annotations

from collections.abc import Callable

from posecorpus.pipelines.evaluation.people_figures import JointFigures, PeopleFigures
from posecorpus.pipelines.evaluation.people_results import PeopleResults
from posecorpus.pipelines.evaluation.units import millimetres, percent

Row = tuple[str, Callable[[PeopleFigures], str]]
SECTIONS: tuple[tuple[str, tuple[Row, ...]], ...] = (
    (
        "In the picture",
        (
            ("AP, multi-person, PCKh 0.5", lambda f: percent(f.ap)),
            ("AP, multi-person, PCKh 1", lambda f: percent(f.ap_1)),
            ("PCKh 0.5, all people", lambda f: percent(f.pckh)),
            ("PCKh 1, all people", lambda f: percent(f.pckh_1)),
            ("PCKh 0.5, found people", lambda f: percent(f.pckh_found)),
            ("PCKh 0.5, visible joints", lambda f: percent(f.pckh_visible)),
            ("PCKh 0.5, hidden joints", lambda f: percent(f.pckh_hidden)),
            ("PCK 0.5 of the torso", lambda f: percent(f.pck_torso)),
            ("PCK 0.2 of the torso", lambda f: percent(f.pck_torso_02)),
        ),
    ),
    (
        "In space",
        (
            ("MPJPE, absolute", lambda f: millimetres(f.mpjpe_abs_mm)),
            ("MPJPE, rigidly aligned", lambda f: millimetres(f.mpjpe_rigid_mm)),
            ("PA-MPJPE, by similarity", lambda f: millimetres(f.pa_mpjpe_mm)),
            ("MPJPE, absolute, 13 joints", lambda f: millimetres(f.mpjpe_common_abs_mm)),
            ("MPJPE, rigidly aligned, 13 joints", lambda f: millimetres(f.mpjpe_common_rigid_mm)),
            ("3DPCK 150 mm, all people", lambda f: percent(f.pck3d)),
            ("3DPCK 150 mm, found people", lambda f: percent(f.pck3d_found)),
            ("3DPCK, AUC to 150 mm, all people", lambda f: percent(f.auc3d)),
        ),
    ),
    (
        "Finding people",
        (
            ("found, at any score", lambda f: percent(f.found / f.people) if f.people else ""),
            ("AP of finding people", lambda f: percent(f.people_ap)),
            ("best F1", lambda f: percent(f.best_f1)),
            ("its precision", lambda f: percent(f.precision)),
            ("its recall", lambda f: percent(f.recall)),
            ("its score", lambda f: "" if f.score is None else f"{f.score:.3f}"),
            ("detections, at any score", lambda f: f"{f.detections:,}" if f.detections else ""),
            ("duplicates among them", lambda f: f"{f.duplicates:,}" if f.detections else ""),
            ("false alarms among them", lambda f: f"{f.false:,}" if f.detections else ""),
        ),
    ),
)
"""Title and cell of each figure; rows without any are left out."""

JOINT_COLUMNS: tuple[tuple[str, Callable[[JointFigures], str]], ...] = (
    ("labelled", lambda j: f"{j.labelled:,}" if j.labelled else ""),
    ("PCKh 0.5", lambda j: percent(j.pckh)),
    ("PCKh 1", lambda j: percent(j.pckh_1)),
    ("AP 0.5", lambda j: percent(j.ap)),
    ("AP 1", lambda j: percent(j.ap_1)),
    ("MPJPE", lambda j: millimetres(j.abs_mm)),
    ("aligned", lambda j: millimetres(j.rigid_mm)),
    ("3DPCK", lambda j: percent(j.pck3d)),
)


def story(results: PeopleResults) -> list[str]:
    """What was evaluated on what, in sentences."""
    s = results.settings
    some = "" if s["pictures"] == s["of"] else f" of {s['of']:,}"
    seen = "a visible joint" if s["least_visible"] == 1 else f"{s['least_visible']} visible joints"
    others = f" {results.ignored:,} more without {seen} in their picture do not." if results.ignored else ""
    lines = [
        f"{s['pictures']:,} pictures{some} of {s['corpus']}: {results.people:,} people count.{others}",
        "Joints in the picture are judged if they are labelled and inside the frame; joints in space, wherever they are.",
    ]
    if "run" in s:
        lines.insert(0, f"The run {s['run']} after {s['step']:,} steps; joints: {s['skeleton']}.")
    if s["pictures_per_s"] is not None:
        lines.append(f"{s['pictures_per_s']:g} pictures a second on {s.get('device', 'this machine')}.")
    if results.lifted:
        lines.append(f"In {results.lifted:,} pictures the 3D truth was itself lifted from 2D: errors of it are in the figures.")  # fmt: skip
    return lines


def filled(results: PeopleResults) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """Sections of titles with a cell for each way of decoding; rows that have nothing to say are left out."""
    found = []
    for section, rows in SECTIONS:
        texts = [(title, [cell(figures) for figures in results.figures.values()]) for title, cell in rows]
        said = [(title, [cell or "-" for cell in cells]) for title, cells in texts if any(cells)]
        if said:
            found.append((section, said))
    return found
