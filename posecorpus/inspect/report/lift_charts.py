"""Charts about lifted people: how well they matched, what errors are predicted, and whether those come true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from posecorpus.core.skeletons import skeleton
from posecorpus.inspect.overlays import drawn_joints
from posecorpus.inspect.report.columns import Columns
from posecorpus.inspect.report.histograms import histogram
from posecorpus.inspect.report.pictures import MAX_TEXT
from posecorpus.inspect.report.pose_charts import Chart

Array = NDArray[np.float64]
MAX_DOTS = 1500
MAX_ROWS = 24
CURVE_BINS = 10
MIN_MEASURED = 20
"""People with a measured error that a curve and a correlation take."""


def lift_charts(
    columns: Columns, pictured: Mapping[int, int], trust: Mapping[str, Any] | None
) -> list[Chart]:
    """Every chart about lifting that the corpus has numbers for.

    Args:
        pictured: index of a sample within the corpus to its place on the contact sheet.
        trust: the library's reliability table, as the manifest has it.
    """
    if not np.isfinite(columns.lift["pose_error_mm"]).any():
        return []
    charts = [
        _distribution(columns.lift["pose_error_mm"], "Predicted error", "Mean over a person's joints.", "mm"),
        _distribution(
            columns.lift["match_distance"],
            "Match distance",
            "To the nearest view of the library (LCR-Net++, equation 9).",
            "",
        ),
        _distribution(
            residual_torso(columns),
            "Residual",
            "Lifted joints seen by the camera, from the annotated ones.",
            "torso lengths",
        ),
        predicted_and_measured(columns, pictured),
        reliability(columns, trust),
        coverage(columns, trust),
        *completed_bars(columns),
    ]
    return [chart for chart in charts if chart is not None]


def _distribution(values: Array, title: str, note: str, unit: str) -> Chart | None:
    chart = histogram(values, unit)
    if chart is None:
        return None
    low, middle, high = np.percentile(values[np.isfinite(values)], (5, 50, 95))
    note = f"{note} Median {middle:.3g}, 90 % between {low:.3g} and {high:.3g}{unit and ' ' + unit}."
    return chart | {"group": "Lifting", "title": title, "note": note}


def residual_torso(columns: Columns) -> Array:
    """(P,) residual in lengths of the torso, were it parallel to the image."""
    names = ("l_shoulder", "r_shoulder", "l_hip", "r_hip")
    left, right, left_hip, right_hip = (columns.limb(name) for name in names)
    length = np.linalg.norm(left + right - left_hip - right_hip, axis=-1) / 2
    depth = (left + right + left_hip + right_hip)[:, 2] / 4
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(columns.lift["residual_px"] * depth / (length * columns.K[columns.image, 1, 1]))


def _both(columns: Columns) -> NDArray[np.bool_]:
    """(P,) people whose error was predicted and measured."""
    return np.isfinite(columns.lift["pose_error_mm"]) & np.isfinite(columns.lift["measured_error_mm"])


def predicted_and_measured(columns: Columns, pictured: Mapping[int, int]) -> Chart | None:
    """Each person's predicted error against the true one, where the truth was given."""
    who = np.flatnonzero(_both(columns))
    if not len(who):
        return None
    predicted, measured = columns.lift["pose_error_mm"][who], columns.lift["measured_error_mm"][who]
    note = f"{len(who):,} people whose true 3D is known: mean error {measured.mean():.0f} mm."
    if len(who) >= MIN_MEASURED and np.ptp(predicted) > 0 and np.ptp(measured) > 0:
        note += f" Spearman correlation {spearmanr(predicted, measured).statistic:.2f}."
    places = [pictured.get(int(columns.rows[columns.image[p]]), -1) for p in who]
    shown = np.unique(np.linspace(0, len(who) - 1, min(len(who), MAX_DOTS)).astype(int)).tolist()
    shown = sorted({*shown, *(i for i, place in enumerate(places) if place >= 0)}, key=lambda i: places[i])
    points = [[round(float(predicted[i]), 1), round(float(measured[i]), 1), places[i]] for i in shown]
    return {
        "type": "versus",
        "group": "Lifting",
        "title": "Predicted and measured",
        "note": f"{note} Ringed dots are on the contact sheet: click one.",
        "dots": points,
        "curves": [],
        "axes": ["predicted, mm", "measured, mm"],
    }


def reliability(columns: Columns, trust: Mapping[str, Any] | None) -> Chart | None:
    """Measured errors of people for whom about the same error was predicted: on the diagonal if all is well."""
    curves = []
    note = "Mean measured error of people with about the same predicted one; trust is right on the diagonal."
    table = _table(trust)
    if table:
        curves.append({"name": "library's held-out motions", "points": table})
        known = _number((trust or {}).get("spearman"))
        note += "" if known is None else f" Library: Spearman correlation {known:.2f}."
        doubt = (trust or {}).get("note")
        note += f" {doubt[:MAX_TEXT]}" if isinstance(doubt, str) else ""
    both = _both(columns)
    if both.sum() >= MIN_MEASURED:
        own = binned(columns.lift["pose_error_mm"][both], columns.lift["measured_error_mm"][both])
        curves.append({"name": "this corpus", "points": own})
    if not curves:
        return None
    return {
        "type": "versus",
        "group": "Lifting",
        "title": "Reliability",
        "note": note,
        "dots": [],
        "curves": curves,
        "axes": ["predicted, mm", "measured, mm"],
    }


def binned(predicted: Array, measured: Array) -> list[list[float]]:
    """[mean predicted, mean measured, people] of bins with equal numbers of people, by predicted error."""
    order = np.argsort(predicted, kind="stable")
    pieces = np.array_split(order, min(CURVE_BINS, len(order)))
    return [
        [round(float(predicted[p].mean()), 2), round(float(measured[p].mean()), 2), len(p)] for p in pieces
    ]


def _table(trust: Mapping[str, Any] | None) -> list[list[float]]:
    """The bins of a reliability table that are numbers, by predicted error."""
    bins = (trust or {}).get("bins")
    rows: list[list[float]] = []
    for row in bins if isinstance(bins, list) else []:
        told = row if isinstance(row, dict) else {}
        values = [_number(told.get(name)) for name in ("predicted_mm", "measured_mm", "count")]
        known = [value for value in values if value is not None and 0 <= value < 1e12]
        if len(known) == 3:
            rows.append([round(known[0], 2), round(known[1], 2), int(known[2])])
    return sorted(rows)[:200]


def coverage(columns: Columns, trust: Mapping[str, Any] | None) -> Chart | None:
    """How often the 90 % interval holds: in the library's calibration, by group, and in this corpus."""
    told = trust or {}
    found = [("library", told.get("coverage")), ("library, single joints", told.get("joint_coverage"))]
    for key, name in (("coverage_by_missing", " missing joints"), ("coverage_by_source", "")):
        table = told.get(key)
        entries = sorted(table.items(), key=_by_number) if isinstance(table, dict) else []
        found += [(f"{label}{name}", value) for label, value in entries]
    rows = [(label, value) for label, raw in found if (value := _number(raw)) is not None]
    both = _both(columns)
    if both.any():
        measured = columns.lift["measured_error_mm"][both]
        held = (columns.lift["low_mm"][both] <= measured) & (measured <= columns.lift["high_mm"][both])
        rows.append(("this corpus", float(held.mean())))
    if not rows:
        return None
    items = [
        {"label": label[:MAX_TEXT], "values": [round(min(1.0, max(0.0, value)), 4)]}
        for label, value in rows[:MAX_ROWS]
    ]
    note = "How often the interval that is to hold 9 times in 10 does hold the measured error."
    return {
        "type": "bars",
        "group": "Lifting",
        "title": "Interval",
        "note": note,
        "items": items,
        "total": 1,
        "mark": 0.9,
    }


def _by_number(entry: tuple[str, Any]) -> tuple[bool, float, str]:
    label = entry[0]
    return (not label.isdecimal(), float(label) if label.isdecimal() else 0.0, label)


def completed_bars(columns: Columns) -> list[Chart]:
    """For each skeleton the joints that annotations lacked and lifting filled in."""
    charts = []
    for name, counts in columns.completed.items():
        shape, (lifted, *each) = skeleton(name), counts.tolist()
        if not lifted or not any(each):
            continue
        items = [
            {"label": shape.joints[j].replace("_", " "), "values": [each[j]]}
            for j in drawn_joints(shape).tolist()
        ]
        charts.append(
            {
                "type": "bars",
                "group": "Lifting",
                "title": "Completed joints",
                "note": f"{name}, {lifted:,} lifted people: joints that the annotation lacks.",
                "items": items,
                "total": lifted,
            }
        )
    return charts


def _number(value: Any) -> float | None:
    """A finite number as it is, None for anything else that a manifest may hold."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not np.isfinite(value):
        return None
    return float(value)
