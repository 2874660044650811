"""Puts the page together: reads the anchors and the files beside them, writes one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from posecorpus.anchors.bank import Anchors, load_anchors
from posecorpus.core.errors import InputError
from posecorpus.core.manifest import write_atomically
from posecorpus.inspect.anchor_page.figures import charts, headline
from posecorpus.inspect.anchor_page.quality_file import Quality, read_quality
from posecorpus.inspect.anchor_page.records import anchor_records, bounded, shown_anchors
from posecorpus.inspect.joint_drawing import skeleton_record
from posecorpus.inspect.shell import PageParts, render_page

MAX_SOURCES = 400
_PARTS = PageParts(
    package="posecorpus.inspect.anchor_page",
    body="anchors.html",
    style="anchors.css",
    scripts=("bank.js", "drawing.js", "cards.js", "focus.js", "anchors.js"),
)


def write_anchor_page(path: Path, out: Path) -> Path:
    """Write a self-contained HTML page on a file of anchors.

    Every anchor is shown in 2D and in 3D with its population, spread and nearest and farthest members; above them
    are the quality figures, as far as ``<name>.quality.json`` beside the anchors tells them.

    Args:
        path: what ``posecorpus anchors`` wrote (.npz), with the .json beside it.
        out: the file to write; its folder is made. A file that is there is replaced, atomically.

    Returns:
        ``out``.

    Raises:
        InputError: files that are missing, broken or do not fit each other, or ``out`` cannot be written.
    """
    if not path.is_file():
        raise InputError(path, "a file of anchors", "no such file")
    anchors, quality = bounded(load_anchors(path)), read_quality(path.with_suffix(".quality.json"))
    page = render_page(_data(path.name, anchors, quality), _PARTS)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, page.encode())
    except OSError as error:
        raise InputError(out, "a file that can be written", error.strerror) from None
    return out


def _data(name: str, anchors: Anchors, quality: Quality | None) -> dict[str, Any]:
    shown = shown_anchors(anchors)
    return {
        "name": name,
        "story": _story(anchors, quality),
        "figures": headline(anchors, quality),
        "charts": charts(anchors, quality),
        "basis": _basis(quality),
        "skeleton": skeleton_record(anchors.skeleton),
        "total": int(anchors.counts.sum()),
        "leftOut": len(anchors) - len(shown),
        "anchors": anchor_records(anchors, shown),
        "facts": _facts(anchors, quality),
        "sources": sorted(((source[:160], count) for source, count in anchors.sources.items()), key=lambda item: -item[1])[:MAX_SOURCES],
        "sourcesMore": max(0, len(anchors.sources) - MAX_SOURCES),
    }  # fmt: skip


def _story(anchors: Anchors, quality: Quality | None) -> str:
    left_out = (
        "" if quality is None or not quality.left_out else f" {quality.left_out:,} poses lacked a joint."
    )
    return (
        f"Means of clusters of torso-centred 3D poses, oriented as the camera sees them: {len(anchors.skeleton)} joints "
        f"of {anchors.skeleton.name}, seed {anchors.seed}.{left_out}"
    )


def _basis(quality: Quality | None) -> str:
    if quality is None:
        return "There is no .quality.json beside the anchors: elbow, drift between seeds and coverage are unknown."
    return "Distances between poses are means over their joints (D3D)."


def _facts(anchors: Anchors, quality: Quality | None) -> list[tuple[str, str]]:
    return [
        ("skeleton", f"{anchors.skeleton.name}: {', '.join(anchors.skeleton.joints)}"),
        ("seed", str(anchors.seed)),
        ("inertia", f"{anchors.inertia:,.6g} m²"),
        ("classes", _classes(anchors)),
        ("left out", f"{quality.left_out:,} poses that lacked a joint" if quality else ""),
        ("3D", "metres in the camera frame, relative to the mean of shoulders and hips"),
        ("2D", "units of the box around the joints with a margin of a tenth: (0, 0) is its top left, (1, 1) its bottom right"),
    ]  # fmt: skip


def _classes(anchors: Anchors) -> str:
    count = len(anchors)
    if not anchors.upper_body:
        return f"0 to {count - 1}, of full bodies"
    return f"0 to {count - 1} of full bodies, {count} to {2 * count - 1} of upper bodies"
