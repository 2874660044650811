"""COCO's keypoint files (JSON or JSON.gz), and any other of that layout whose joints are a known set.

COCO's keypoints are pixel indices, the middle of the first pixel at (0, 0), so half a pixel is added to
them. Its boxes are continuous and measured from the image's corner, as ours, so nothing is.
Format: "COCO data format", cocodataset.org.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import Skipped
from posecorpus.core.sample import VISIBLE
from posecorpus.core.skeletons import COCO_17, SKELETONS, Skeleton
from posecorpus.pseudogt.photos.bounded import read_json
from posecorpus.pseudogt.photos.records import (
    LARGEST_PX,
    AnnotatedPerson,
    AnnotatedPhoto,
    Annotations,
    person,
)

KEYPOINT_OFFSET_PX = 0.5
MAX_SIDE = 65_535

COCO = {
    "dataset": "COCO keypoints",
    "cite": "Lin et al., ECCV 2014",
    "annotations_licence": "CC BY 4.0, COCO Consortium",
    "licence": "not stated in the file",
}
_NO_KEYPOINTS = "annotations without keypoints"
_OTHER = "annotations of other categories"
_NOBODY = "photos without anyone annotated"


def read_coco(path: Path) -> Annotations:
    """The people of a COCO keypoint file, photo by photo.

    A photo that is listed several times counts once. Annotations without keypoints, and crowds, are
    no people; their boxes are kept in the photo's details as ``unlabelled_people``.

    Raises:
        InputError: no such file, or its joints are no known set.
    """
    data = read_json(path)
    if not isinstance(data, dict) or not all(
        isinstance(data.get(k), list) for k in ("images", "annotations")
    ):
        got = ", ".join(map(str, list(data)[:8])) if isinstance(data, dict) and data else type(data).__name__
        raise InputError(path, "an object with lists 'images' and 'annotations' (COCO)", got)
    joints, categories = _categories(path, data.get("categories", []))
    licences = {e["id"]: e for e in _objects(data.get("licenses")) if _hashable(e.get("id"))}
    result = Annotations("COCO", joints.name, COCO, [])
    images = _images(path, data["images"], result)
    people, unlabelled = _people(path, data["annotations"], set(images), joints, categories, result)
    for number, image in images.items():
        if not people[number]:
            result.left_out[_NOBODY] = result.left_out.get(_NOBODY, 0) + 1
            continue
        details = {"image_id": number} | _terms(image, licences)
        if unlabelled[number]:
            details["unlabelled_people"] = unlabelled[number]
        where = f"{path}: image {number}"
        photo = AnnotatedPhoto(image["file_name"], where, tuple(people[number]), image["size"], details)
        result.photos.append(photo)
    return result


def _people(
    path: Path,
    entries: list[Any],
    images: set[int],
    joints: Skeleton,
    categories: set[Any] | None,
    result: Annotations,
) -> tuple[dict[int, list[AnnotatedPerson]], dict[int, list[dict[str, Any]]]]:
    """By image: the people with keypoints, and the boxes of those without."""
    people: dict[int, list[AnnotatedPerson]] = {number: [] for number in images}
    unlabelled: dict[int, list[dict[str, Any]]] = {number: [] for number in images}
    left_out: Counter[str] = Counter()
    seen: set[int] = set()
    for index, given in enumerate(entries):
        where = f"{path}: annotations[{index}]"
        try:
            entry = _object(where, given)
            number = _whole(f"{where}.image_id", entry.get("image_id"))
            if number not in images:
                raise InputError(f"{where}.image_id", "the id of an image of the file", number)
            category = entry.get("category_id")
            if categories is not None and not (_hashable(category) and category in categories):
                left_out[_OTHER] += 1
                continue
            label = _whole(f"{where}.id", entry.get("id"))
            if label in seen:
                raise InputError(f"{where}.id", "an id that is not used before", label)
            seen.add(label)
            someone = _person(where, entry, label, joints)
        except InputError as error:
            result.faults.append(Skipped.by(error))
            continue
        if someone is None:
            left_out[_NO_KEYPOINTS] += 1
            unlabelled[number].append(_region(entry))
        else:
            people[number].append(someone)
    result.left_out.update(sorted(left_out.items()))
    return people, unlabelled


def _categories(path: Path, entries: Any) -> tuple[Skeleton, set[Any] | None]:
    """The joint set, and the ids of the categories that are people (None: the file does not say)."""
    entries = entries if isinstance(entries, list) else []
    people = [c for c in entries if isinstance(c, dict) and (c.get("name") == "person" or len(entries) == 1)]
    if entries and not people:
        raise InputError(f"{path}: categories", "a category 'person'", "none")
    named = [c["keypoints"] for c in people if isinstance(c.get("keypoints"), list)]
    if not named:
        return COCO_17, {c.get("id") for c in people if _hashable(c.get("id"))} or None
    names = tuple(_ours(str(name)) for name in named[0])
    for candidate in (COCO_17, *SKELETONS.values()):
        if candidate.joints == names:
            return candidate, {c.get("id") for c in people if _hashable(c.get("id"))}
    got = f"{len(names)} joints, {', '.join(names[:4])[:80]}..."
    raise InputError(f"{path}: categories.keypoints", f"one of the sets {', '.join(SKELETONS)}", got)


def _ours(name: str) -> str:
    for spelt, short in (("left_", "l_"), ("right_", "r_")):
        if name.startswith(spelt):
            return short + name[len(spelt) :]
    return name


def _images(path: Path, entries: list[Any], result: Annotations) -> dict[int, dict[str, Any]]:
    """Images by id, in the order of the file."""
    images: dict[int, dict[str, Any]] = {}
    contradicted: set[int] = set()
    for index, entry in enumerate(entries):
        where = f"{path}: images[{index}]"
        try:
            entry = _object(where, entry)
            number = _whole(f"{where}.id", entry.get("id"))
            name = entry.get("file_name")
            if not isinstance(name, str) or not name:
                raise InputError(f"{where}.file_name", "a file's name", repr(name)[:80])
            size = _size(where, entry)
        except InputError as error:
            result.faults.append(Skipped.by(error))
            continue
        image = entry | {"file_name": name, "size": size}
        before = images.setdefault(number, image)
        if (before["file_name"], before["size"]) != (name, size) and number not in contradicted:
            contradicted.add(number)
            result.faults.append(
                Skipped(
                    where=where, reason=f"expected image {number} to be as before, got another file or size"
                )
            )
    return {number: image for number, image in images.items() if number not in contradicted}


def _size(where: str, entry: Mapping[str, Any]) -> tuple[int, int] | None:
    if entry.get("width") is None and entry.get("height") is None:
        return None
    width, height = (_whole(f"{where}.{side}", entry.get(side)) for side in ("width", "height"))
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise InputError(where, f"a width and height of 1 to {MAX_SIDE}", f"{width}x{height}")
    return width, height


def _person(where: str, entry: Mapping[str, Any], label: int, joints: Skeleton) -> AnnotatedPerson | None:
    values = entry.get("keypoints")
    if values is None or entry.get("iscrowd") in (1, True):
        return None
    table = _numbers(f"{where}.keypoints", values, 3 * len(joints)).reshape(-1, 3)
    flags = table[:, 2]
    if not np.isin(flags, range(VISIBLE + 1)).all():
        raise InputError(f"{where}.keypoints", "flags of 0, 1 or 2", flags[~np.isin(flags, (0, 1, 2))][0])
    if not flags.any():
        return None
    details: dict[str, Any] = {"annotation_id": label}
    stated = entry.get("num_keypoints")
    if stated is not None and stated != int(np.count_nonzero(flags)):
        raise InputError(f"{where}.num_keypoints", f"{np.count_nonzero(flags)}, the labelled joints", stated)
    if isinstance(entry.get("area"), int | float) and 0 <= entry["area"] <= LARGEST_PX**2:
        details["area_px2"] = entry["area"]
    box = None
    if entry.get("bbox") is not None:
        x, y, width, height = _numbers(f"{where}.bbox", entry["bbox"], 4)
        box = np.array([x, y, x + width, y + height])
    return person(table[:, :2] + KEYPOINT_OFFSET_PX, flags.astype(np.uint8), where, box, details)


def _region(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Where people are that nobody labelled: for losses that must not count them as background."""
    region: dict[str, Any] = {"crowd": entry.get("iscrowd") in (1, True)}
    try:
        x, y, width, height = _numbers("bbox", entry.get("bbox"), 4).tolist()
    except InputError:
        return region
    box = [x, y, x + width, y + height]
    return region | {"bbox": box} if max(map(abs, box)) <= LARGEST_PX else region


def _terms(image: Mapping[str, Any], licences: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    """Under which licence a photo is, and where it comes from."""
    details: dict[str, Any] = {}
    number = image.get("license")
    if isinstance(number, int):
        licence = licences.get(number, {})
        details = {"licence_id": number, "licence": licence.get("name"), "licence_url": licence.get("url")}
    if isinstance(image.get("flickr_url"), str):
        details["url"] = image["flickr_url"]
    return {name: value for name, value in details.items() if isinstance(value, str | int)}


def _objects(entries: Any) -> Iterator[dict[str, Any]]:
    return (e for e in entries if isinstance(e, dict)) if isinstance(entries, list) else iter(())


def _hashable(value: Any) -> bool:
    return isinstance(value, int | str)


def _object(where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(where, "an object", type(value).__name__)
    return value


def _whole(where: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(where, "a whole number", repr(value)[:80])
    return value


def _numbers(where: str, values: Any, count: int) -> NDArray[np.float64]:
    if not isinstance(values, list) or len(values) != count:
        got = f"{len(values)}" if isinstance(values, list) else type(values).__name__
        raise InputError(where, f"{count} numbers", got)
    if any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
        raise InputError(where, f"{count} numbers", "something else among them")
    try:
        result = np.array(values, np.float64)
    except OverflowError as error:
        raise InputError(where, f"{count} numbers", error) from None
    if not np.isfinite(result).all():
        raise InputError(where, f"{count} numbers", "NaN or infinity among them")
    return result
