"""Anchors as the page's script takes them: arrays packed in base64, names cut to a bearable length."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.anchors.bank import Anchors
from posecorpus.anchors.boxes import joint_boxes, upper_body
from posecorpus.inspect.anchor_page.order import pose_map, similarity_order
from posecorpus.inspect.anchor_page.words import descriptions, facing

MAX_SHOWN = 2000
"""Anchors on a page; of more, those with the most members."""
MAX_NAME = 160
_LARGEST, _MOST = 1e4, 1e12
_FLATTEST = 0.2

Shown = NDArray[np.intp]


def bounded(anchors: Anchors) -> Anchors:
    """The same anchors; numbers that no person could have, which are hostile, are brought within bounds."""
    arrays = ("poses3d", "poses2d", "near", "far", "spread_m", "farthest_m")
    kept = {name: np.clip(getattr(anchors, name), -_LARGEST, _LARGEST) for name in arrays}
    return replace(anchors, counts=np.clip(anchors.counts, 0, _MOST).astype(np.int64), **kept)


def shown_anchors(anchors: Anchors) -> Shown:
    """(S,) indices of the anchors on the page, ascending."""
    if len(anchors) <= MAX_SHOWN:
        return np.arange(len(anchors))
    return np.sort(np.argsort(-anchors.counts, kind="stable")[:MAX_SHOWN])


def anchor_records(anchors: Anchors, shown: Shown) -> dict[str, Any]:
    """What the page knows of the shown anchors, one entry for each in every list and array.

    Arrays are little-endian float32 in base64: ``poses3d``, ``near``, ``far`` (S, J, 3) metres in the camera frame;
    ``full2d`` and, with classes of upper bodies, ``upper2d`` (S, J, 2) in box units. ``ratios`` are widths over heights of
    the boxes around the anchors' own joints, seen orthographically; ``facing`` is in degrees, null where the chest
    points up or down or is unknown; ``order`` and ``map`` are those of :mod:`posecorpus.inspect.anchor_page.order`.
    """
    poses = anchors.poses3d[shown]
    seen = np.asarray(poses[..., :2], np.float64)
    upper = anchors.poses2d[len(anchors) :][shown] if anchors.upper_body else None
    return {
        "number": shown.tolist(),
        "poses3d": packed(poses),
        "near": packed(anchors.near[shown]),
        "far": packed(anchors.far[shown]),
        "full2d": packed(anchors.poses2d[: len(anchors)][shown]),
        "upper2d": None if upper is None else packed(upper),
        "ratios": _ratios(seen),
        "upperRatios": _ratios(seen[:, upper_body(anchors.skeleton)]),
        "counts": anchors.counts[shown].tolist(),
        "spreadMm": _millimetres(anchors.spread_m[shown]),
        "farthestMm": _millimetres(anchors.farthest_m[shown]),
        "nearNames": [_cut(anchors.near_names[k]) for k in shown],
        "farNames": [_cut(anchors.far_names[k]) for k in shown],
        "facing": [round(float(d), 1) if np.isfinite(d) else None for d in facing(poses, anchors.skeleton)],
        "words": descriptions(poses, anchors.skeleton),
        "order": similarity_order(poses),
        "map": np.round(pose_map(poses, anchors.counts[shown]), 4).tolist(),
    }


def packed(values: NDArray[Any]) -> str:
    """Base64 of little-endian float32."""
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()


def _ratios(points: NDArray[np.float64]) -> list[float]:
    x0, y0, x1, y1 = joint_boxes(points).T
    ratio = (x1 - x0) / np.maximum(y1 - y0, 1e-9)
    return [round(float(value), 4) for value in np.clip(ratio, _FLATTEST, 1 / _FLATTEST)]


def _millimetres(metres: NDArray[Any]) -> list[float]:
    return [round(1e3 * float(value), 2) for value in metres]


def _cut(name: str) -> str:
    return name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"
