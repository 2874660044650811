"""Distributions of poses: an embedding, joint angles, and where people face."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from posecorpus.inspect.report import body
from posecorpus.inspect.report.columns import Columns
from posecorpus.inspect.report.pictures import MAX_TEXT

Chart = dict[str, Any]
MAX_DOTS = 1500
MAX_GROUPS = 8


def pose_embedding(columns: Columns, pictured: Mapping[int, int]) -> Chart | None:
    """Every person as a dot in the plane of the two principal components of the normal form."""
    three = np.isfinite(columns.limbs3d).all((1, 2)).sum() >= 3
    forms = body.normal_form(columns.limbs3d if three else columns.limbs2d)
    whole = np.flatnonzero(np.isfinite(forms).all(-1) & (np.abs(forms) < 1e3).all(-1))
    if len(whole) < 3:
        return None
    coordinates, held = body.embed(forms[whole])
    coordinates = np.clip(coordinates, *np.percentile(coordinates, (0.2, 99.8), axis=0))
    kinds, names = _groups([_kind(name) for name in columns.text["motion"][whole]])
    places = [pictured.get(int(columns.rows[columns.image[who]]), -1) for who in whole]
    # All pictured people stay; the rest are thinned evenly. Pictured ones come last, so they lie on top.
    rest = [i for i, place in enumerate(places) if place < 0]
    rest = [rest[int(i)] for i in np.linspace(0, len(rest) - 1, min(len(rest), MAX_DOTS))]
    chosen = rest + [i for i, place in enumerate(places) if place >= 0]
    points = [[*np.round(coordinates[i], 3).tolist(), kinds[i], places[i]] for i in chosen]
    what = (
        "the limbs in 3D, position, size and facing taken out"
        if three
        else "the joints in 2D, position and size taken out"
    )
    note = f"Two principal components ({held:.0%} of the variance) of {what}. Ringed dots are on the contact sheet: click one."
    return {
        "type": "scatter",
        "group": "Pose",
        "title": "Poses",
        "note": note,
        "points": points,
        "groups": names,
    }


def _kind(motion: str | None) -> str:
    """The family of a motion: what stands before the first number, colon, slash or underscore of its last part."""
    if motion is None:
        return "unknown motion"
    last = motion.replace("\\", "/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    return (last.split(".")[0].rstrip("0123456789_-") or last.split("_")[0] or motion)[:MAX_TEXT]


def _groups(names: list[str]) -> tuple[list[int], list[str]]:
    """Codes and names of the most frequent groups; the remainder is one group, ``other``."""
    common = [name for name, _ in Counter(names).most_common()]
    kept = common if len(common) <= MAX_GROUPS else common[: MAX_GROUPS - 1]
    codes = {name: i for i, name in enumerate(kept)}
    return [codes.get(name, len(kept)) for name in names], kept + ["other"] * (len(common) > len(kept))


def joint_angle_ridges(columns: Columns) -> Chart | None:
    """Outlines of the distributions of shoulder, elbow, hip and knee angles."""
    edges = np.linspace(0, 180, 46)
    rows = []
    for name, sides in body.joint_angles(columns.limbs3d).items():
        lines = []
        for side, values in sides.items():
            finite = values[np.isfinite(values)]
            if finite.size:
                counts = np.histogram(finite, edges)[0]
                lines.append(
                    {"side": side, "counts": counts.tolist(), "median": round(float(np.median(finite)), 1)}
                )
        if lines:
            rows.append({"label": name, "lines": lines})
    if not rows:
        return None
    note = "Elbow and knee: 0 is straight. Shoulder and hip: 0 is along the torso. Left blue, right orange."
    return {
        "type": "ridges",
        "group": "Pose",
        "title": "Joint angles",
        "note": note,
        "edges": edges.tolist(),
        "rows": rows,
        "unit": "degrees",
    }


def facing_rose(columns: Columns) -> Chart | None:
    """Directions in which people face, seen from above."""
    degrees = body.facing_degrees(columns.limbs3d)
    degrees = degrees[np.isfinite(degrees)]
    if not degrees.size:
        return None
    sectors = 24
    counts = np.bincount(np.floor(degrees / 360 * sectors + 0.5).astype(int) % sectors, minlength=sectors)
    labels = ["towards the camera", "right", "away", "left"]
    note = "Where the chest points, seen from above; area is the number of people."
    return {
        "type": "rose",
        "group": "Pose",
        "title": "Facing",
        "note": note,
        "counts": counts.tolist(),
        "labels": labels,
    }
