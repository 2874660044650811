"""MPII as CSV (with or without a header) and as JSON."""

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
from posecorpus.pseudogt.photos.bounded import read_csv, read_json
from posecorpus.pseudogt.photos.mpii_people import Gathered, centre
from posecorpus.pseudogt.photos.records import Annotations

_MISSING = -1.0
_COLUMNS = tuple(f"{joint.replace('_', ' ')}_{axis}" for joint in MPII_16.joints for axis in "XY")
"""``r_ankle`` is ``r ankle_X`` and ``r ankle_Y`` there."""


def read_mpii_csv(path: Path) -> Annotations:
    """MPII as a table; which joints are hidden is not in it, so a labelled joint counts as visible.

    Raises:
        InputError: not one of the two tables.
    """
    rows = read_csv(path)
    first = next(rows, None)
    if first is None:
        raise InputError(path, "rows of annotations", "an empty file")
    line, cells = first
    if "NAME" in cells:
        return _with_header(path, cells, rows)
    if len(cells) != 1 + len(_COLUMNS) or not _is_number(cells[1]):
        expected = "a header with NAME, r ankle_X, ... or rows of an image name and 32 numbers"
        raise InputError(f"{path}:{line}", expected, f"{len(cells)} cells beginning with {cells[0][:40]!r}")
    gathered = Gathered()
    for line, cells in _chain(first, rows):
        where = f"{path}:{line}"
        try:
            if len(cells) != 1 + len(_COLUMNS):
                raise InputError(where, "an image name and 32 numbers", f"{len(cells)} cells")
            points = _numbers(where, cells[1:]).reshape(-1, 2)
        except InputError as error:
            gathered.faults.append(Skipped.by(error))
            continue
        gathered.add(cells[0], where, points, _labelled(points), {"index": line - 1})
    return gathered.annotations("MPII CSV without header")


def _with_header(path: Path, header: list[str], rows: Iterator[tuple[int, list[str]]]) -> Annotations:
    lacking = [name for name in _COLUMNS if name not in header]
    if lacking or len(set(header)) != len(header):
        raise InputError(
            f"{path}:1", f"each column once, {_COLUMNS[0]!r} and so on", f"{lacking[:1] or 'doubles'}"
        )
    at = {name: header.index(name) for name in header}
    gathered = Gathered()
    for line, cells in rows:
        where = f"{path}:{line}"
        try:
            if len(cells) != len(header):
                raise InputError(where, f"{len(header)} cells", len(cells))
            points = _numbers(where, [cells[at[name]] for name in _COLUMNS]).reshape(-1, 2)
            details: dict[str, Any] = {"index": line - 2}
            if "Scale" in at:
                details["scale"] = float(_numbers(where, [cells[at["Scale"]]])[0])
        except InputError as error:
            gathered.faults.append(Skipped.by(error))
            continue
        details |= {name.lower(): cells[at[name]] for name in ("Activity", "Category") if name in at}
        gathered.add(cells[at["NAME"]], where, points, _labelled(points), details)
    return gathered.annotations("MPII CSV with header")


def read_mpii_json(path: Path) -> Annotations:
    """MPII as the list of objects that top-down estimators share; ``joints_vis`` 0 is unlabelled.

    Raises:
        InputError: not that list.
    """
    entries = read_json(path)
    if not isinstance(entries, list) or not entries or not isinstance(entries[0], dict):
        raise InputError(path, "a list of objects with joints, joints_vis and image", type(entries).__name__)
    if "joints" not in entries[0]:
        raise InputError(path, "objects with joints, joints_vis and image", ", ".join(list(entries[0])[:8]))
    gathered = Gathered()
    for index, entry in enumerate(entries):
        where = f"{path}: [{index}]"
        try:
            name, points, flags, details = _entry(where, entry)
        except InputError as error:
            gathered.faults.append(Skipped.by(error))
            continue
        gathered.add(name, where, points, flags, {"index": index} | details)
    return gathered.annotations("MPII JSON")


def _entry(where: str, entry: Any) -> tuple[str, NDArray[np.float64], NDArray[np.uint8], dict[str, Any]]:
    if not isinstance(entry, dict) or not isinstance(entry.get("image"), str):
        raise InputError(where, "an object with joints, joints_vis and image", type(entry).__name__)
    points = _array(f"{where}.joints", entry.get("joints"), (len(MPII_16), 2))
    given = _array(f"{where}.joints_vis", entry.get("joints_vis"), (len(MPII_16),))
    if not np.isin(given, (0, 1)).all():
        raise InputError(f"{where}.joints_vis", "0 or 1", given[~np.isin(given, (0, 1))][0])
    placed = _labelled(points) != UNLABELLED
    if bool(((given == 1) & ~placed).any()):
        raise InputError(f"{where}.joints", "a place for each joint with joints_vis 1", "-1, -1")
    flags = np.where(given == 1, VISIBLE, np.where(placed, HIDDEN, UNLABELLED)).astype(np.uint8)
    details: dict[str, Any] = {}
    if entry.get("scale") is not None:
        details["scale"] = float(_array(f"{where}.scale", [entry["scale"]], (1,))[0])
    if entry.get("center") is not None:
        details["center_px"] = centre(*_array(f"{where}.center", entry["center"], (2,)).tolist())
    return entry["image"], points, flags, details


def _labelled(points: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Flags of joints of which nothing is known but that they are missing where both coordinates are -1.

    A head's top may well have one coordinate of -1: heads are cut off by the picture's edge.
    """
    return np.where((points == _MISSING).all(-1), UNLABELLED, VISIBLE).astype(np.uint8)


def _chain(
    first: tuple[int, list[str]], rows: Iterator[tuple[int, list[str]]]
) -> Iterator[tuple[int, list[str]]]:
    yield first
    yield from rows


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _numbers(where: str, cells: list[str]) -> NDArray[np.float64]:
    try:
        values = np.array([float(cell) for cell in cells])
    except ValueError:
        values = np.array([np.nan])
    if not np.isfinite(values).all():
        bad = next(cell for cell in cells if not _is_number(cell))
        raise InputError(where, "numbers", repr(bad[:40]))
    return values


def _array(where: str, value: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    expected = f"numbers of shape {'x'.join(map(str, shape))}"
    try:
        result = np.array(value, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InputError(where, expected, "something else") from None
    if result.shape != shape or not np.isfinite(result).all():
        raise InputError(where, expected, "another shape, NaN or infinity")
    return result
