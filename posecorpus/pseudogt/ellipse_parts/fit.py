"""Estimate the ellipses' constants: coordinate ascent on the mean IoU with rendered part masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.ellipse_table import POINTS, REFERENCES
from posecorpus.core.ellipses import BOUNDS, MEASURES, EllipseConstants, shape_table
from posecorpus.core.parts import taxonomy
from posecorpus.core.progress import Report, silent
from posecorpus.core.skeletons import COCO_17, FULL_42, H36M_17, LCR_13, LSP_14, SMPL_24, opposite
from posecorpus.pseudogt.ellipse_parts.score import JOINS, Drawing, Truth, mean_score, score

DRAWINGS = (
    Drawing(FULL_42),
    Drawing(LSP_14),
    Drawing(LSP_14, without=("neck",)),
    Drawing(COCO_17),
    Drawing(H36M_17),
    Drawing(LCR_13),
    Drawing(SMPL_24),
)
"""Each fits those forms that it draws and none before it did."""
SWEEPS = ((1.0, 4), (0.5, 2), (0.2, 1))
"""Of each sweep over all constants: the width of the searched brackets as a share of :data:`REACH`, and that
every so-manieth render is looked at."""
REACH = {"radius": 0.06, "length": 0.5, "centre": 0.25, "cap": 0.08, "bulge": 0.12}
STEPS = 5
"""Evaluations of a golden-section search; it narrows the bracket to 15 %."""
GOLDEN = (np.sqrt(5) - 1) / 2


def fit_proportions(truth: Truth, constants: EllipseConstants) -> EllipseConstants:
    """Put the renders' mean lengths of the reference segments, both sides alike, in units of the torso's."""
    lengths = {
        name: float(np.nanmean(np.linalg.norm(_point(truth, b) - _point(truth, a), axis=-1)))
        for name, (a, b, _) in REFERENCES.items()
    }
    both = {
        name: np.mean([length for other, length in lengths.items() if other[2:] == name[2:]])
        if name[:2] in ("l_", "r_")
        else lengths[name]
        for name in lengths
    }
    proportions = {name: round(float(both[name] / both["torso"]), 4) for name in both}
    return replace(constants, proportions=proportions)


def _point(truth: Truth, point: str) -> NDArray[np.float64]:
    """(N, P, 3) a point's place in 3D by its first alternative."""
    pair = [FULL_42.landmarks.index(landmark) for landmark in POINTS[point][0]]
    return np.asarray(truth.joints3d[:, :, pair].mean(axis=2))


def drawn_forms(taxonomy: str, drawing: Drawing) -> list[str]:
    """Keys of the forms that are drawn of people who have all joints but those left out."""
    gone = {drawing.skeleton.landmarks[i] for i in drawing.skeleton.indices(*drawing.without)}
    there = set(drawing.skeleton.landmarks) - gone

    def found(point: str) -> bool:
        return any(set(pair) <= there for pair in POINTS[point])

    keys: list[str] = []
    for shape in shape_table(taxonomy):
        usable = [f.key for f in shape.forms if found(f.start) and (f.end is None or found(f.end))]
        keys += [key for key in usable[:1] if key not in keys]
    return keys


def fit_constants(
    truth: Truth,
    start: EllipseConstants,
    *,
    measures: Sequence[str] = MEASURES,
    drawings: Sequence[Drawing] = DRAWINGS,
    workers: int = 1,
    report: Report = silent,
) -> EllipseConstants:
    """Maximise the mean IoU over parts, drawn by depth and in the fixed order, one constant after another.

    A joint's circle maximises the joint's own figure, with the parts beside it ending at the joint. In the mean it
    would grow over its neighbours' border, where merging forgives every mistake; beside parts that reach beyond
    the joint any smaller circle would do.

    Args:
        truth: renders.
        start: where to begin; its proportions are used.
        measures: which constants are free; ``("radius",)`` leaves segments as major axes.
        drawings: each fits those forms that it draws and none before it did.
        workers: threads.
        report: told how many constants have been searched.
    """
    constants, fitted = start, set[str]()
    plan: list[tuple[Drawing, str, str, float, int]] = []
    for drawing in drawings:
        keys = [key for key in drawn_forms(start.taxonomy, drawing) if key not in fitted]
        fitted |= set(keys)
        plan += [
            (drawing, key, measure, width, stride)
            for width, stride in SWEEPS
            for key in keys
            for measure in _free(start, key, measures)
        ]
    for done, (drawing, key, measure, width, stride) in enumerate(plan):
        report("fitting", done, len(plan))

        objective = partial(_objective, truth.pick(slice(None, None, stride)), drawing, key, workers)
        constants = _climb(objective, constants, key, measure, width * REACH[measure])
    report("fitting", len(plan), len(plan))
    return constants


def _objective(truth: Truth, drawing: Drawing, key: str, workers: int, constants: EllipseConstants) -> float:
    joint = _is_joint(constants.taxonomy, key)
    if joint:
        constants = _tapered(constants, key)
    both = (score(truth, constants, replace(drawing, depth=depth), workers) for depth in (True, False))
    return float(np.mean([ious[key] if joint else mean_score(ious) for ious in both]))


def _tapered(constants: EllipseConstants, joint: str) -> EllipseConstants:
    """The parts that a joint joins in the paper's form, with the segment as major axis: ending at the joint, they
    leave it to the circle to fill the limb there."""
    for part in JOINS[joint]:
        constants = constants.with_shape(part, length=1.0, centre=0.5, cap=0.0)
    return constants


def _free(constants: EllipseConstants, key: str, measures: Sequence[str]) -> list[str]:
    """A circle has a radius and a bulge only, a segment from left to right its centre in the
    middle; a joint's bulge follows from others."""
    if _is_joint(constants.taxonomy, key):
        return [m for m in measures if m == "radius"]
    forms = {form.key: form for shape in shape_table(constants.taxonomy) for form in shape.forms}
    form = forms[key]
    if form.end is None:
        return [m for m in measures if m in ("radius", "bulge")]
    across = form.end == opposite(form.start)
    return [m for m in measures if not (across and m == "centre")]


def _is_joint(taxonomy_name: str, key: str) -> bool:
    """Whether a form is drawn as a part of its own that rendered truth does not have."""
    return key in JOINS and f"l_{key}" in taxonomy(taxonomy_name).legend.values()


def _changed(constants: EllipseConstants, key: str, measure: str, value: float) -> EllipseConstants:
    """With another value; joints stand out from the parts that they join, or they would not be seen."""
    constants = constants.with_shape(key, **{measure: value})
    for joint, joins in JOINS.items():
        if _is_joint(constants.taxonomy, joint):
            bulge = constants.shapes[joint].radius + max(constants.shapes[part].bulge for part in joins)
            constants = constants.with_shape(joint, bulge=round(bulge, 4))
    return constants


def _climb(
    objective: Callable[[EllipseConstants], float],
    constants: EllipseConstants,
    key: str,
    measure: str,
    reach: float,
) -> EllipseConstants:
    """Golden-section search of one constant around its present value; the best seen is kept."""
    now = getattr(constants.shapes[key], measure)
    low, high = max(now - reach, BOUNDS[measure][0]), min(now + reach, BOUNDS[measure][1])
    seen = {now: objective(constants)}

    def at(x: float) -> float:
        x = round(float(x), 4)
        if x not in seen:
            seen[x] = objective(_changed(constants, key, measure, x))
        return seen[x]

    a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    for _ in range(STEPS - 1):
        if at(a) >= at(b):
            high, a, b = b, b - GOLDEN * (b - low), a
        else:
            low, a, b = a, b, a + GOLDEN * (high - a)
    return _changed(constants, key, measure, max(seen, key=lambda x: seen[x]))
