"""The distributions of a corpus as chart descriptions that the page's ``charts.js`` draws.

Each function returns None where the corpus has nothing to show, so that photos with 2D joints, or
annotations without people, give a shorter page rather than empty axes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.parts import PartTaxonomy
from posecorpus.core.skeletons import skeleton
from posecorpus.inspect.overlays import drawn_joints
from posecorpus.inspect.report import body
from posecorpus.inspect.report.columns import Columns
from posecorpus.inspect.report.histograms import constant, histogram
from posecorpus.inspect.report.lift_charts import lift_charts
from posecorpus.inspect.report.pictures import MAX_TEXT
from posecorpus.inspect.report.pose_charts import Chart, facing_rose, joint_angle_ridges, pose_embedding

Array = NDArray[np.float64]
MAX_ROWS = 24


def all_charts(
    columns: Columns,
    pictured: Mapping[int, int],
    part_pixels: Array | None,
    taxonomy: PartTaxonomy | None,
    trust: Mapping[str, Any] | None = None,
) -> list[Chart]:
    """Every chart that the corpus has numbers for, in the order of the page.

    Args:
        columns: annotations.
        pictured: index of a sample within the corpus to its place on the contact sheet.
        part_pixels: (256,) pixels of each part id among the pictured samples.
        taxonomy: names of the part ids.
        trust: the manifest's reliability table of lifted people.
    """
    charts = [
        *lift_charts(columns, pictured, trust),
        pose_embedding(columns, pictured),
        joint_angle_ridges(columns),
        facing_rose(columns),
        motion_bars(columns),
        *visibility_bars(columns),
        person_heights(columns),
        box_heat(columns),
        people_per_image(columns),
        _camera_histogram(
            columns, "Distance", "From the camera to the middle of the hips.", camera_distances(columns), "m"
        ),
        _camera_histogram(
            columns,
            "Pitch",
            "Of the optical axis; above zero the camera looks down.",
            camera_pitches(columns),
            "degrees",
        ),
        _camera_histogram(
            columns,
            "Focal length",
            "Horizontal, in pixels of the original pictures.",
            columns.K[:, 0, 0],
            "px",
        ),
        part_bars(part_pixels, taxonomy),
        body_bars(columns),
    ]
    there = [chart for chart in charts if chart is not None]
    return sorted(there, key=lambda chart: chart["group"] != "Lifting")


def camera_distances(columns: Columns) -> Array:
    """(P,) metres from the camera to the middle of a person's hips."""
    return np.asarray(np.linalg.norm(body.torso(columns.limbs3d)[0], axis=-1))


def camera_pitches(columns: Columns) -> Array:
    """(N,) degrees of the optical axis below the horizon of a Y-up world; NaN where the camera's pose is unknown."""
    degrees = np.degrees(np.arcsin(np.clip(-columns.R[:, 2, 1], -1, 1)))
    unposed = (np.eye(3) == columns.R).all((1, 2)) & (columns.t == 0).all(-1)
    return np.where(unposed, np.nan, degrees)


def _camera_histogram(columns: Columns, title: str, note: str, values: Array, unit: str) -> Chart | None:
    chart = histogram(values, unit)
    if chart is None:
        return None
    finite = values[np.isfinite(values)]
    low, middle, high = np.percentile(finite, (5, 50, 95))
    spread = "" if constant(finite) else f" Median {middle:.4g}, 90 % between {low:.4g} and {high:.4g}."
    return chart | {"group": "Camera", "title": title, "note": note + spread}


def motion_bars(columns: Columns) -> Chart | None:
    """The clips that most poses come from: of lifted people, those that matched."""
    if np.isfinite(columns.lift["pose_error_mm"]).any():
        note = "Clips of the nearest matches, by the number of people"
        return _text_bars(columns, "motion", "Lifting", "Matched clips", note)
    return _text_bars(columns, "motion", "Pose", "Motions", "Clips that the poses come from")


def body_bars(columns: Columns) -> Chart | None:
    """Body models with their genders."""
    pairs = zip(columns.text["body"], columns.text["gender"], strict=True)
    names = [", ".join(filter(None, pair)) for pair in pairs if pair[0] is not None]
    return _counted(names, "Labels", "Bodies", "Body models of the people") if names else None


def _text_bars(columns: Columns, field: str, group: str, title: str, note: str) -> Chart | None:
    names = [name for name in columns.text[field] if name is not None]
    return _counted(names, group, title, note) if names else None


def _counted(names: list[str], group: str, title: str, note: str) -> Chart:
    counted = Counter(names).most_common()
    more = f"; the {MAX_ROWS} most frequent of {len(counted)}" if len(counted) > MAX_ROWS else ""
    items = [{"label": name[:MAX_TEXT], "values": [count]} for name, count in counted[:MAX_ROWS]]
    return {"type": "bars", "group": group, "title": title, "note": f"{note}{more}.", "items": items}


def visibility_bars(columns: Columns) -> list[Chart]:
    """For each skeleton the shares of visible, hidden and unlabelled joints."""
    charts = []
    for name, counts in columns.visibility.items():
        shape = skeleton(name)
        items = [
            {"label": shape.joints[j].replace("_", " "), "values": counts[j][::-1].tolist()}
            for j in drawn_joints(shape)
        ]
        total = int(counts[0].sum())
        note = f"{name}, {total:,} people. The figure is the share that is visible."
        charts.append(
            {"type": "bars", "group": "People", "title": "Visibility of joints", "note": note, "items": items, "total": total,
             "series": ["visible", "hidden", "unlabelled"]}
        )  # fmt: skip
    return charts


def person_heights(columns: Columns) -> Chart | None:
    """Sizes of people in the picture."""
    chart = histogram(columns.box[:, 3] - columns.box[:, 1], "px")
    note = "Height of a person's box, in pixels of the original picture."
    return None if chart is None else chart | {"group": "People", "title": "Size", "note": note}


def box_heat(columns: Columns) -> Chart | None:
    """Where in the frame the middles of people's boxes lie."""
    middle = (columns.box[:, :2] + columns.box[:, 2:]) / 2 / columns.size[columns.image]
    middle = middle[np.isfinite(middle).all(-1)]
    if not len(middle):
        return None
    counts = np.histogram2d(middle[:, 1], middle[:, 0], bins=(18, 24), range=((0, 1), (0, 1)))[0]
    outside = 1 - counts.sum() / len(middle)
    note = "Middle of each person's box within the frame" + (
        f"; {outside:.1%} lie outside." if outside > 0 else "."
    )
    return {
        "type": "heat",
        "group": "People",
        "title": "Place in the picture",
        "note": note,
        "grid": counts.astype(int).tolist(),
    }


def people_per_image(columns: Columns) -> Chart | None:
    """Numbers of people in one picture; None where it is always one."""
    counts = np.bincount(np.bincount(columns.image, minlength=len(columns.rows)))
    if len(columns.rows) == 0 or counts.sum() == counts[min(1, len(counts) - 1)]:
        return None
    items = [{"label": str(n), "values": [int(count)]} for n, count in enumerate(counts[:MAX_ROWS]) if count]
    return {
        "type": "bars",
        "group": "People",
        "title": "People in a picture",
        "note": "Number of pictures with so many people.",
        "items": items,
    }


def part_bars(part_pixels: Array | None, taxonomy: PartTaxonomy | None) -> Chart | None:
    """Shares of the parts among all pixels on people."""
    if part_pixels is None or taxonomy is None or not part_pixels[1:].sum():
        return None
    order = sorted((i for i in taxonomy.legend if i), key=lambda i: -part_pixels[i])
    items = [
        {
            "label": taxonomy.legend[i].replace("_", " "),
            "values": [int(part_pixels[i])],
            "colour": taxonomy.palette[i],
        }
        for i in order
    ]
    note = f"Pixels of each part among all pixels on people, in the pictured samples ({taxonomy.name})."
    total = int(part_pixels[1:].sum())
    return {
        "type": "bars",
        "group": "Labels",
        "title": "Parts",
        "note": note,
        "items": items,
        "total": total,
    }
