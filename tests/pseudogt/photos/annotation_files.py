"""Writes annotation files of every format, from the same people: joints in OUR pixels, flags 0, 1, 2.

Each writer is spelt out here by hand, so that a reader's mistake is not repeated by its test.
"""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io

People = list[tuple[str, np.ndarray, np.ndarray]]
"""(image name, joints (J, 2), flags (J,)) in the order of the file."""

MPII_CSV_NAMES = (
    "r ankle", "r knee", "r hip", "l hip", "l knee", "l ankle", "pelvis", "thorax", "upper neck", "head top",
    "r wrist", "r elbow", "r shoulder", "l shoulder", "l elbow", "l wrist",
)  # fmt: skip


def random_people(
    rng: np.random.Generator, count: int, joints: int, flags: tuple[int, ...] = (0, 1, 2)
) -> People:
    """People inside a 400x300 image, whole pixels, each with a labelled joint."""
    people = []
    for i in range(count):
        points = rng.integers(1, 299, (joints, 2)) + 0.5
        visibility = rng.choice(flags, joints)
        visibility[rng.integers(joints)] = 2
        people.append((f"{i // 2:09d}.jpg", points, visibility))
    return people


def write_lsp(path: Path, people: People) -> None:
    joints = np.zeros((3, 14, len(people)))
    for i, (_, points, flags) in enumerate(people):
        joints[0, :, i], joints[1, :, i] = points[:, 0] + 0.5, points[:, 1] + 0.5
        joints[2, :, i] = flags == 1
    scipy.io.savemat(path, {"joints": joints}, do_compression=True)


def write_lspet(path: Path, people: People) -> None:
    joints = np.zeros((14, 3, len(people)))
    for i, (_, points, flags) in enumerate(people):
        joints[:, :2, i] = np.where(flags[:, None] > 0, points + 0.5, -7.25)
        joints[:, 2, i] = flags > 0
    scipy.io.savemat(path, {"joints": joints}, do_compression=True)


def write_mpii_csv(path: Path, people: People, header: bool = True) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        if header:
            axes = [f"{name}_{axis}" for name in MPII_CSV_NAMES for axis in "XY"]
            rows.writerow(["", "NAME", *axes, "Scale", "Activity", "Category"])
        for name, points, flags in people:
            values = np.where(flags[:, None] > 0, points + 0.5, -1).ravel().tolist()
            rows.writerow(
                [0, name, *values, 1.25, "rowing, stationary", "sports"] if header else [name, *values]
            )


def write_mpii_json(path: Path, people: People) -> None:
    entries = [
        {
            "joints": np.where(flags[:, None] > 0, points + 0.5, -1.0).tolist(),
            "joints_vis": (flags == 2).astype(int).tolist(),
            "image": name,
            "scale": 2.0,
            "center": [101.0, 51.0],
        }
        for name, points, flags in people
    ]
    path.write_text(json.dumps(entries))


def write_mpii_h5(path: Path, people: People, adjusted: bool = True, codes: bool = False) -> None:
    count = len(people)
    names = [name.encode() for name, _, _ in people]
    with h5py.File(path, "w") as file:
        file["part"] = np.stack(
            [np.where(flags[:, None] > 0, points + 0.5, 0.0) for _, points, flags in people]
        )
        file["visible"] = np.stack([(flags == 2).astype(float) for _, _, flags in people])
        file["imgname"] = (
            np.array([[float(c) for c in name.ljust(16, b"\0")] for name in names])
            if codes
            else np.array(names)
        )
        scale, y = (2.0 * 1.25, 51.0 + 15 * 2.0) if adjusted else (2.0, 51.0)
        file["scale"], file["normalize"] = np.full(count, scale), np.full(count, 50.0)
        file["center"] = np.tile([101.0, y], (count, 1))
        file["index"], file["person"] = np.arange(count, dtype=float), np.zeros(count)


def write_mpii_mat(path: Path, people: People, **more: Any) -> None:
    """The nesting of MPII's release, with one photo without joints at the end."""
    names = list(dict.fromkeys(name for name, _, _ in people))
    photos = []
    for name in names:
        rects = [_rect(points, flags) for other, points, flags in people if other == name]
        photos.append({"image": {"name": name}, "annorect": _structs(rects), "vidx": 1.0})
    photos.append({"image": {"name": "empty.jpg"}, "annorect": np.zeros((0, 0)), "vidx": 2.0})
    acts = [{"act_name": "rowing, stationary", "cat_name": "sports", "act_id": 7.0} for _ in names]
    acts.append({"act_name": np.zeros((0, 0)), "cat_name": np.zeros((0, 0)), "act_id": -1.0})
    release = {
        "annolist": _structs(photos),
        "img_train": np.array([[1] * len(names) + [0]], np.uint8),
        "version": "12",
        "single_person": np.empty((len(photos), 1), object),
        "act": _structs(acts).T,
        **more,
    }
    release["single_person"][:] = [[np.zeros((0, 0))] for _ in photos]
    scipy.io.savemat(path, {"RELEASE": release}, do_compression=True)


def _rect(points: np.ndarray, flags: np.ndarray) -> dict[str, Any]:
    held = []
    for joint in np.flatnonzero(flags):
        # The release spells visibility in several ways; the head's points have none.
        spelt: Any = {8: np.zeros((0, 0)), 9: np.zeros((0, 0))}.get(joint, "1" if joint % 2 else 1.0)
        if flags[joint] == 1:
            spelt = "0" if joint % 2 else np.uint8(0)
        x, y = points[joint] + 0.5
        held.append({"x": x, "y": y, "id": float(joint), "is_visible": spelt})
    return {
        "x1": 10.0, "y1": 20.0, "x2": 40.0, "y2": 60.0, "annopoints": {"point": _structs(held)}, "scale": 2.0,
        "objpos": {"x": 101.0, "y": 51.0},
    }  # fmt: skip


def _structs(records: list[dict[str, Any]]) -> np.ndarray:
    """A 1xN struct array."""
    result = np.empty((1, len(records)), [(name, object) for name in records[0]])
    for i, record in enumerate(records):
        for name, value in record.items():
            result[name][0, i] = value
    return result


def coco_content(people: People, size: tuple[int, int] = (400, 300), **more: Any) -> dict[str, Any]:
    names = list(dict.fromkeys(name for name, _, _ in people))
    images = [
        {"id": 10 + i, "file_name": name, "width": size[0], "height": size[1], "license": 3}
        for i, name in enumerate(names)
    ]
    annotations = []
    for number, (name, points, flags) in enumerate(people):
        table = np.column_stack([np.where(flags[:, None] > 0, points - 0.5, 0), flags])
        annotations.append(
            {
                "id": 900 + number, "image_id": 10 + names.index(name), "category_id": 1, "iscrowd": 0,
                "keypoints": [int(v) if v == int(v) else v for v in table.ravel().tolist()],
                "num_keypoints": int((flags > 0).sum()), "bbox": [12.5, 20, 100, 200.25], "area": 7.5,
            }
        )  # fmt: skip
    return {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person"}],
        "licenses": [{"id": 3, "name": "Attribution", "url": "http://example.org/by"}],
        **more,
    }


def write_coco(path: Path, people: People, **more: Any) -> None:
    text = json.dumps(coco_content(people, **more)).encode()
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
