"""Histograms as chart descriptions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.inspect.report.pose_charts import Chart

BINS = 28


def histogram(values: NDArray[np.float64], unit: str) -> Chart | None:
    """Edges and counts between the extremes of the finite values; one number where all are equal."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    if constant(finite):
        return {"type": "constant", "unit": unit, "value": float(f"{np.median(finite):.6g}")}
    counts, edges = np.histogram(finite, BINS)
    return {
        "type": "histogram",
        "unit": unit,
        "edges": [float(f"{edge:.6g}") for edge in edges],
        "counts": counts.tolist(),
    }


def constant(values: NDArray[np.float64]) -> bool:
    """Whether finite values are all the same."""
    return bool(np.ptp(values) <= 1e-6 * max(1.0, float(np.abs(values).max())))
