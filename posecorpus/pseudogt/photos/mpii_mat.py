"""MPII's official release: the MATLAB structure ``RELEASE``.

Its ``README`` describes the fields. What it does not say: ``annorect`` lacks fields, or is empty, where
a photo has no joints (all testing photos); ``is_visible`` may be a number, text or empty (the points of the
head); a person without points has an empty ``annopoints``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import Skipped
from posecorpus.core.sample import HIDDEN, UNLABELLED, VISIBLE
from posecorpus.core.skeletons import MPII_16
from posecorpus.pseudogt.photos.matfile import Node, read_mat
from posecorpus.pseudogt.photos.mpii_people import HEAD_FACTOR, Gathered, centre
from posecorpus.pseudogt.photos.records import Annotations

_NOBODY = "photos without anyone annotated"


def read_mpii_mat(path: Path) -> Annotations:
    """The people of the release who have joints, photo by photo.

    Raises:
        InputError: not that structure.
    """
    variables = read_mat(path)
    if "RELEASE" not in variables:
        raise InputError(path, "a structure RELEASE", ", ".join(sorted(variables)) or "nothing")
    release = variables["RELEASE"].record()
    if "annolist" not in release:
        raise InputError(f"{path}: RELEASE", "a field annolist", ", ".join(release))
    photos = release["annolist"].size
    train = _per_photo(release.get("img_train"), photos)
    activities = _activities(release.get("act"), photos)
    gathered = Gathered()
    for index, record in enumerate(release["annolist"].records()):
        where = f"{path}: annolist({index + 1})"
        photo: dict[str, Any] = {"mpii_image": index + 1, **activities(index)}
        if train is not None:
            photo["split"] = "train" if train[index] else "test"
        try:
            name = record["image"].record()["name"].text()
            people = list(_people(record["annorect"], where))
        except KeyError as error:
            gathered.faults.append(Skipped.by(InputError(where, f"a field {error}", "none")))
            continue
        except InputError as error:
            gathered.faults.append(Skipped.by(error))
            continue
        for place, points, flags, details in people:
            gathered.add(name, place, points, flags, details, photo)
        if not people:
            gathered.left_out[_NOBODY] += 1
    return gathered.annotations("MPII release")


def _people(
    rects: Node, where: str
) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.uint8], dict[str, Any]]]:
    for number, rect in enumerate(rects.records(), 1):
        place = f"{where}.annorect({number})"
        annopoints = rect.get("annopoints")
        if annopoints is None or annopoints.size == 0:
            continue
        held = next(annopoints.records())
        if "point" not in held or held["point"].size == 0:
            continue
        points, flags = _points(held["point"], place)
        yield place, points, flags, {"mpii_person": number} | _measures(rect)


def _points(node: Node, where: str) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    points = np.full((len(MPII_16), 2), np.nan)
    flags = np.full(len(MPII_16), UNLABELLED, np.uint8)
    for point in node.records():
        try:
            joint = point["id"].number()
            x, y = point["x"].number(), point["y"].number()
        except KeyError as error:
            raise InputError(f"{where}.point", f"a field {error}", "none") from None
        if not 0 <= joint < len(MPII_16) or joint != int(joint):
            raise InputError(f"{where}.point.id", f"0 to {len(MPII_16) - 1}", joint)
        if flags[int(joint)] != UNLABELLED:
            raise InputError(f"{where}.point.id", "each joint once", f"{joint:g} twice")
        points[int(joint)] = x, y
        flags[int(joint)] = HIDDEN if _is_hidden(point.get("is_visible"), where) else VISIBLE
    return points, flags


def _is_hidden(node: Node | None, where: str) -> bool:
    if node is None or node.size == 0:
        return False
    value = node.text() if node.is_text else f"{node.number():g}"
    if value not in ("0", "1"):
        raise InputError(f"{where}.point.is_visible", "0 or 1", repr(value[:20]))
    return value == "0"


def _measures(rect: dict[str, Node]) -> dict[str, Any]:
    details: dict[str, Any] = {}
    scale = _number(rect.get("scale"))
    if scale is not None:
        details["scale"] = scale
    corners = [_number(rect.get(name)) for name in ("x1", "y1", "x2", "y2")]
    x1, y1, x2, y2 = (math.nan if corner is None else corner for corner in corners)
    diagonal = math.hypot(x2 - x1, y2 - y1)
    if math.isfinite(diagonal):
        details["head_size_px"] = HEAD_FACTOR * diagonal
    place = rect.get("objpos")
    if place is not None and place.is_struct and place.size == 1:
        held = place.record()
        x, y = _number(held.get("x")), _number(held.get("y"))
        if x is not None and y is not None:
            details["center_px"] = centre(x, y)
    return details


def _number(node: Node | None) -> float | None:
    if node is None or node.size != 1 or node.is_text or node.is_struct or node.is_cell:
        return None
    value = node.number()
    return value if math.isfinite(value) else None


def _per_photo(node: Node | None, count: int) -> NDArray[np.generic] | None:
    if node is None:
        return None
    if node.size != count:
        raise InputError(node.where, f"{count} values, one a photo", node.size)
    return node.array().reshape(-1)


class _activities:
    """Activity and category of each photo; read once, in order."""

    def __init__(self, node: Node | None, count: int) -> None:
        if node is not None and node.size != count:
            raise InputError(node.where, f"{count} records, one a photo", node.size)
        self._records = iter(()) if node is None else node.records()
        self._held: list[dict[str, str]] = []

    def __call__(self, index: int) -> dict[str, str]:
        while len(self._held) <= index:
            record = next(self._records, None)
            if record is None:
                return {}
            found = {}
            for name, ours in (("act_name", "activity"), ("cat_name", "category")):
                node = record.get(name)
                if node is not None and (text := node.text()):
                    found[ours] = text
            self._held.append(found)
        return self._held[index]
