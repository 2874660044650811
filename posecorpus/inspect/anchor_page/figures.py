"""How good anchors are: the figures at the top of the page and the charts below them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.anchors.bank import Anchors
from posecorpus.inspect.anchor_page.quality_file import Coverage, Quality
from posecorpus.inspect.anchor_page.words import facing
from posecorpus.inspect.report.histograms import histogram
from posecorpus.inspect.report.pose_charts import Chart

SECTORS = 24
MAX_SOURCES = 10
_MAP: Chart = {
    "type": "map",
    "group": "Clusters",
    "title": "Map of the anchors",
    "note": "Two principal components. Area is the population, colour the facing; click to open.",
}


def headline(anchors: Anchors, quality: Quality | None) -> list[tuple[str, str]]:
    """(value, what it is) for the page's summary."""
    counts = anchors.counts
    figures = [
        (f"{len(anchors):,}", "anchors"),
        (f"{anchors.classes:,}", "classes, half of upper bodies" if anchors.upper_body else "classes"),
        (f"{int(counts.sum()):,}", "poses clustered"),
        (_mm(mean_spread_m(anchors)), "from a pose to its anchor, mean"),
        (_mm(float(anchors.farthest_m.max())), "to the farthest member"),
    ]
    if quality is None:
        return figures
    figures.append((_mm(quality.drift_to_next_seed.mean_m), "to another seed's anchors, mean"))
    if quality.held_out is not None:
        figures += [
            (f"{share:.0%}", f"of held-out poses within {1e3 * radius:.0f} mm")
            for share, radius in zip(quality.held_out.within, quality.within_m, strict=True)
        ]
    return figures


def mean_spread_m(anchors: Anchors) -> float:
    """Mean distance of all poses to their own anchors, metres."""
    return float((anchors.spread_m * anchors.counts).sum() / max(int(anchors.counts.sum()), 1))


def charts(anchors: Anchors, quality: Quality | None) -> list[Chart]:
    """Charts in the order of the page; what is not known has none."""
    found = [
        _elbow(anchors, quality),
        _of_anchors(anchors.counts.astype(float), "members", "Population", "Anchors by how many poses they stand for."),
        _of_anchors(1e3 * anchors.spread_m, "mm", "Spread within clusters", "Anchors by the mean distance of their members (D3D)."),
        _of_anchors(1e3 * anchors.farthest_m, "mm", "Farthest members", "Anchors by the distance of the worst member (D3D)."),
        _coverage_and_drift(quality),
        _facing(anchors),
        _MAP,
        _sources(anchors),
    ]  # fmt: skip
    return [chart for chart in found if chart is not None]


def _of_anchors(values: NDArray[np.float64], unit: str, title: str, note: str) -> Chart | None:
    chart = histogram(values, unit)
    return None if chart is None else {**chart, "title": title, "note": note, "group": "Clusters"}


def _elbow(anchors: Anchors, quality: Quality | None) -> Chart | None:
    if quality is None or len(quality.elbow) < 2:
        return None
    note = "Inertia, m²: where it flattens, more anchors gain little."
    points = [[k, float(f"{inertia:.6g}")] for k, inertia in sorted(quality.elbow)]
    return {
        "type": "curve", "group": "Quality", "title": "Elbow", "note": note, "points": points, "unit": "anchors", "name": "inertia, m²", "here": len(anchors),
    }  # fmt: skip


def _coverage_and_drift(quality: Quality | None) -> Chart | None:
    if quality is None:
        return None
    held, drift = quality.held_out, quality.drift_to_next_seed
    values = {"median": drift.median_m, "mean": drift.mean_m, "largest": drift.largest_m}
    bars = [{"label": f"{name}, mm", "values": [round(1e3 * value, 1)]} for name, value in values.items()]
    parts = [
        {"note": "No corpus was held out (--held-out), so its coverage is unknown."} if held is None else _coverage(held, quality.within_m),
        {"type": "bars", "items": bars, "note": "Drift: from each anchor to its partner among those of the next seed. So much of the anchors is chance."},
    ]  # fmt: skip
    return {"type": "parts", "group": "Quality", "title": "Coverage and drift", "note": "", "parts": parts}


def _coverage(held: Coverage, radii: list[float]) -> Chart:
    items = [
        {"label": f"within {1e3 * radius:.0f} mm", "values": [round(share * held.poses)]}
        for share, radius in zip(held.within, radii, strict=True)
    ]
    note = (
        f"Coverage: of {held.poses:,} poses that were not clustered, those with an anchor so near. They are "
        f"{1e3 * held.mean_m:.0f} mm from the nearest on average; {held.unused:,} anchors are the nearest of none."
    )
    return {"type": "bars", "items": items, "total": held.poses, "note": note}


def _facing(anchors: Anchors) -> Chart | None:
    degrees = facing(anchors.poses3d, anchors.skeleton)
    known = np.isfinite(degrees)
    if not known.any():
        return None
    sector = np.floor(degrees[known] / 360 * SECTORS + 0.5).astype(int) % SECTORS
    counts = np.bincount(sector, anchors.counts[known], SECTORS).round().astype(int)
    return {
        "type": "rose", "group": "Clusters", "title": "Facing", "note": "Where chests point, seen from above; area is the number of members.", "turned": True,
        "counts": counts.tolist(), "labels": ["towards the camera", "right", "away", "left"],
    }  # fmt: skip


def _sources(anchors: Anchors) -> Chart | None:
    ranked = sorted(anchors.sources.items(), key=lambda item: (-item[1], item[0]))
    if not ranked:
        return None
    items: list[dict[str, Any]] = [
        {"label": name[:80], "values": [count]} for name, count in ranked[:MAX_SOURCES]
    ]
    if rest := ranked[MAX_SOURCES:]:
        items.append({"label": f"{len(rest):,} more", "values": [sum(count for _, count in rest)]})
    note = f"Poses of {len(ranked):,} {'source' if len(ranked) == 1 else 'sources'}."
    total = max(sum(anchors.sources.values()), 1)
    return {
        "type": "bars",
        "group": "Sources",
        "title": "Sources",
        "note": note,
        "items": items,
        "total": total,
    }


def _mm(metres: float) -> str:
    return f"{1e3 * metres:,.0f} mm"
