"""What a user knows about photos: a file beside them that overrides what the screen finds.

A CSV with a head line, or a JSON list of objects, with these columns, of which all but ``photo`` may be missing or empty::

    photo       name within the folder or zip
    reject      yes or true: never use it (1 likewise); no, false, 0: leave it to the rest
    horizon     row of the horizon in the middle column, pixels of the upright photo; the photo is then used unjudged
    roll_deg    by which the horizon falls to the right
    focal_px    focal length, pixels
    height_m    height of the camera above the ground
    far_row     row up to which the ground is visible
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from posecorpus.core.errors import InputError
from posecorpus.core.files import MEMBER, read_limited

MAX_BYTES = 64 << 20
MAX_ROWS = 1_000_000

_BOUNDS = {
    "horizon": (-1e5, 1e5),
    "roll_deg": (-45.0, 45.0),
    "focal_px": (1.0, 1e6),
    "height_m": (0.1, 100.0),
    "far_row": (0.0, 1e5),
}
_YES, _NO = {"1", "yes", "true"}, {"", "0", "no", "false"}


@dataclass(frozen=True)
class Stated:
    """One photo's line; None where it says nothing. The columns at the head of this module tell what each is."""

    reject: bool = False
    horizon: float | None = None
    roll_deg: float | None = None
    focal_px: float | None = None
    height_m: float | None = None
    far_row: float | None = None


def read_sidecar(path: str | Path, photos: Sequence[str]) -> dict[str, Stated]:
    """What a sidecar file says, by photo.

    Args:
        path: a ``.csv`` or ``.json`` file.
        photos: as ``appearance.photos.find_photos`` gives them; lines name them by their last parts, as many as make
            the name unique.

    Raises:
        InputError: an unreadable file, an unknown column or photo, or a value out of bounds; with the line.
    """
    found: dict[str, Stated] = {}
    known = _by_name(photos)
    for where, row in _rows(path):
        unknown = set(row) - {"photo", "reject", *_BOUNDS}
        if unknown:
            raise InputError(
                where, f"columns among photo, reject, {', '.join(_BOUNDS)}", repr(min(map(str, unknown)))
            )
        name = str(row.get("photo", "")).strip()
        matches = known.get(name, [])
        if len(matches) != 1:
            raise InputError(where, "the name of one photo", f"{name!r}, which fits {len(matches)}")
        if matches[0] in found:
            raise InputError(where, "one line a photo", f"a second for {name!r}")
        found[matches[0]] = Stated(_flag(where, row.get("reject")), **_values(where, row))
    return found


def _by_name(photos: Iterable[str]) -> dict[str, list[str]]:
    """Photos by every tail of their path."""
    known: dict[str, list[str]] = {}
    for photo in photos:
        parts = photo.replace(MEMBER, "/").replace("\\", "/").split("/")
        for start in range(len(parts)):
            known.setdefault("/".join(parts[start:]), []).append(photo)
    return known


def _rows(path: str | Path) -> Iterable[tuple[str, Mapping[Any, Any]]]:
    """Lines with where they are."""
    try:
        text = read_limited(str(path), MAX_BYTES, "sidecar file").decode("utf-8-sig")
        if str(path).lower().endswith(".json"):
            rows = json.loads(text)
        else:
            rows = list(csv.DictReader(io.StringIO(text), restkey="more columns than the head line"))
    except (ValueError, RecursionError, csv.Error) as error:
        raise InputError(path, "a CSV or JSON file", error) from None
    if not isinstance(rows, list) or len(rows) > MAX_ROWS or not all(isinstance(r, dict) for r in rows):
        raise InputError(path, f"a list of at most {MAX_ROWS} objects", type(rows).__name__)
    return [(f"{path}: entry {i}", row) for i, row in enumerate(rows, 1)]


def _flag(where: str, value: Any) -> bool:
    word = "" if value is None else str(value).strip().lower()
    if word not in _YES | _NO:
        raise InputError(f"{where}: reject", "yes or no", repr(value))
    return word in _YES


def _values(where: str, row: Mapping[Any, Any]) -> dict[str, float]:
    values: dict[str, float] = {}
    for column, (low, high) in _BOUNDS.items():
        given = row.get(column)
        if given is None or str(given).strip() == "":
            continue
        try:
            value = float(given)
        except (TypeError, ValueError):
            value = math.nan
        if not low <= value <= high:
            raise InputError(f"{where}: {column}", f"a number from {low:g} to {high:g}", repr(given))
        values[column] = value
    return values
