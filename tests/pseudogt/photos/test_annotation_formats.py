"""What is written in any format is what is read, in our pixels; real files against independent readings."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
from annotation_files import (
    People,
    coco_content,
    random_people,
    write_coco,
    write_lsp,
    write_lspet,
    write_mpii_csv,
    write_mpii_h5,
    write_mpii_json,
    write_mpii_mat,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from posecorpus.core.skeletons import COCO_17, LSP_14, MPII_16
from posecorpus.pseudogt.photos.read import PhotoFormat, read_annotations
from posecorpus.pseudogt.photos.records import AnnotatedPerson, Annotations

PER_TEST = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def people_of(annotations: Annotations) -> list[tuple[str, AnnotatedPerson]]:
    return [(photo.name, person) for photo in annotations.photos for person in photo.people]


def assert_same(got: Annotations, wanted: People, flags: Callable[[np.ndarray], np.ndarray]) -> None:
    """The people, photo by photo, each joint where it was put; ``flags`` says what the format can hold."""
    assert got.faults == []
    found = people_of(got)
    assert [name for name, _ in found] == [name for name, _, _ in wanted]
    for (_, person), (_, points, visibility) in zip(found, wanted, strict=True):
        expected = flags(visibility)
        np.testing.assert_array_equal(person.visibility, expected)
        assert person.visibility.dtype == np.uint8
        np.testing.assert_array_equal(person.joints, np.where(expected[:, None] > 0, points, np.nan))


def renamed(people: People, form: str) -> People:
    return [(form.format(i + 1), points, flags) for i, (_, points, flags) in enumerate(people)]


def shown(flags: np.ndarray) -> np.ndarray:
    """Labelled means visible where a format does not tell."""
    return np.where(flags > 0, 2, 0)


FORMATS: list[tuple[str, PhotoFormat, int, Callable[..., None], Callable[[np.ndarray], np.ndarray], tuple[int, ...]]] = [
    ("a.mat", "lsp", 14, write_lsp, lambda flags: flags, (1, 2)),
    ("a.mat", "lspet", 14, write_lspet, shown, (0, 2)),
    ("a.csv", "mpii", 16, write_mpii_csv, shown, (0, 1, 2)),
    ("a.csv", "mpii", 16, lambda path, people: write_mpii_csv(path, people, header=False), shown, (0, 1, 2)),
    ("a.json", "mpii", 16, write_mpii_json, lambda flags: flags, (0, 1, 2)),
    ("a.h5", "mpii", 16, write_mpii_h5, lambda flags: flags, (0, 1, 2)),
    ("a.h5", "mpii", 16, lambda path, people: write_mpii_h5(path, people, adjusted=False, codes=True), lambda f: f, (0, 1, 2)),
    ("a.json", "coco", 17, write_coco, lambda flags: flags, (0, 1, 2)),
    ("a.json.gz", "coco", 17, write_coco, lambda flags: flags, (0, 1, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "form", "joints", "write", "flags", "known"), FORMATS)
@PER_TEST
@given(seed=st.integers(0, 2**32), count=st.integers(1, 7))
def test_written_is_read(
    tmp_path: Path, name: str, form: PhotoFormat, joints: int, write: Any, flags: Any, known: Any, seed: int, count: int
) -> None:  # fmt: skip
    people = random_people(np.random.default_rng(seed), count, joints, known)
    if form in ("lsp", "lspet"):
        people = renamed(people, "im{:04d}.jpg" if form == "lsp" else "im{:05d}.jpg")
    write(tmp_path / name, people)
    got = read_annotations(form, tmp_path / name)
    assert got.skeleton == {14: LSP_14, 16: MPII_16, 17: COCO_17}[joints].name
    assert_same(got, people, flags)


@PER_TEST
@given(seed=st.integers(0, 2**32), count=st.integers(1, 5))
def test_the_release_of_mpii_is_read(tmp_path: Path, seed: int, count: int) -> None:
    people = random_people(np.random.default_rng(seed), count, 16)
    for _, _, flags in people:
        flags[8:10] = np.where(flags[8:10] > 0, 2, 0)  # the release has no visibility for the head
        flags[0] = 2
    write_mpii_mat(tmp_path / "release.mat", people)
    got = read_annotations("mpii", tmp_path / "release.mat")
    assert_same(got, people, lambda flags: flags)
    assert got.left_out == {"photos without anyone annotated": 1}
    photo, person = got.photos[0], got.photos[0].people[0]
    assert photo.details == {
        "mpii_image": 1, "split": "train", "activity": "rowing, stationary", "category": "sports",
    }  # fmt: skip
    assert person.details == {
        "mpii_person": 1, "scale": 2.0, "head_size_px": 30.0, "center_px": [100.5, 50.5],
    }  # fmt: skip


@pytest.mark.parametrize("adjusted", [True, False])
def test_the_crops_adjustment_of_hourglass_files_is_undone(tmp_path: Path, adjusted: bool) -> None:
    write_mpii_h5(tmp_path / "a.h5", random_people(np.random.default_rng(0), 3, 16), adjusted)
    details = read_annotations("mpii", tmp_path / "a.h5").photos[0].people[0].details
    assert details["center_px"] == [100.5, 50.5]
    assert details["scale"] == 2
    assert details["head_size_px"] == 50


def test_coco_keeps_boxes_licences_and_unlabelled_people(tmp_path: Path) -> None:
    people = random_people(np.random.default_rng(1), 4, 17)
    content = coco_content(people)
    empty = {
        "keypoints": [0] * 51,
        "num_keypoints": 0,
        "image_id": 10,
        "category_id": 1,
        "bbox": [1, 2, 3, 4],
    }
    content["annotations"] += [empty | {"id": 1, "iscrowd": 0}, empty | {"id": 2, "iscrowd": 1}]
    content["images"] += [
        content["images"][0],
        {"id": 77, "file_name": "nobody.jpg", "width": 5, "height": 5},
    ]
    (tmp_path / "a.json").write_text(json.dumps(content))
    got = read_annotations("coco", tmp_path / "a.json")
    assert_same(got, people, lambda flags: flags)
    assert got.left_out == {"annotations without keypoints": 2, "photos without anyone annotated": 1}
    photo = got.photos[0]
    assert photo.size == (400, 300)
    assert photo.details == {
        "image_id": 10,
        "licence_id": 3,
        "licence": "Attribution",
        "licence_url": "http://example.org/by",
        "unlabelled_people": [
            {"crowd": False, "bbox": [1.0, 2.0, 4.0, 6.0]},
            {"crowd": True, "bbox": [1.0, 2.0, 4.0, 6.0]},
        ],
    }
    np.testing.assert_array_equal(photo.people[0].box, [12.5, 20, 112.5, 220.25])
    assert photo.people[0].details == {"annotation_id": 900, "area_px2": 7.5}


def test_coco_files_of_other_joint_sets_are_read_by_name(tmp_path: Path) -> None:
    people = random_people(np.random.default_rng(2), 3, 14)
    names = [j.replace("l_", "left_").replace("r_", "right_") for j in LSP_14.joints]
    categories = [
        {"id": 5, "name": "dog", "keypoints": ["nose"]},
        {"id": 1, "name": "person", "keypoints": names},
    ]
    write_coco(tmp_path / "a.json", people, categories=categories)
    got = read_annotations("coco", tmp_path / "a.json")
    assert got.skeleton == "lsp_14"
    assert_same(got, people, lambda flags: flags)
    content = coco_content(people, categories=categories)
    content["annotations"][0]["category_id"] = 5
    (tmp_path / "b.json").write_text(json.dumps(content))
    got = read_annotations("coco", tmp_path / "b.json")
    assert got.left_out["annotations of other categories"] == 1
    assert_same(got, people[1:], lambda flags: flags)


def test_lsp_as_scipy_reads_it(data: Path) -> None:
    raw = scipy.io.loadmat(data / "pose2d" / "lsp" / "joints.mat")["joints"]
    got = read_annotations("lsp", data / "pose2d" / "lsp" / "joints.mat")
    points = np.array([person.joints for _, person in people_of(got)])
    np.testing.assert_array_equal(points, raw[:2].T - 0.5)
    flags = np.array([person.visibility for _, person in people_of(got)])
    np.testing.assert_array_equal(flags == 1, raw[2].T == 1)
    assert (flags == 1).mean() == pytest.approx(0.073)
    assert (got.photos[0].name, got.photos[1999].name) == ("im0001.jpg", "im2000.jpg")
    assert [got.photos[i].details["split"] for i in (0, 999, 1000, 1999)] == [
        "train",
        "train",
        "test",
        "test",
    ]


def test_lspet_as_scipy_reads_it(data: Path) -> None:
    raw = scipy.io.loadmat(data / "pose2d" / "lspet" / "joints.mat")["joints"].transpose(2, 0, 1)
    got = read_annotations("lspet", data / "pose2d" / "lspet" / "joints.mat")
    points = np.array([person.joints for _, person in people_of(got)])
    labelled = raw[..., 2] == 1
    np.testing.assert_array_equal(points[labelled], raw[labelled][:, :2] - 0.5)
    assert np.isnan(points[~labelled]).all()
    assert len(points) == 10_000
    assert got.photos[6].name == "im00007.jpg"


def test_mpii_table_as_csv_reads_it(data: Path) -> None:
    with (data / "pose2d" / "mpii" / "mpii_dataset.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    got = read_annotations("mpii", data / "pose2d" / "mpii" / "mpii_dataset.csv")
    assert len(got.photos) == len(rows) == 17_372
    for photo, row in list(zip(got.photos, rows, strict=True))[::97]:
        (person,) = photo.people
        assert photo.name == row["NAME"]
        assert person.details["activity"] == row["Activity"]
        assert person.details["scale"] == float(row["Scale"])
        wrist = person.joints[MPII_16.index("l_wrist")]
        if float(row["l wrist_X"]) == -1:
            assert np.isnan(wrist).all()
        else:
            assert wrist.tolist() == [float(row["l wrist_X"]) - 0.5, float(row["l wrist_Y"]) - 0.5]


@pytest.mark.parametrize(("name", "people", "photos"), [("test", 1991, 1833), ("train", 17_928, 11_210)])
def test_mpii_table_without_header(data: Path, name: str, people: int, photos: int) -> None:
    path = data / "pose2d" / "mpii" / f"mobilepose_{name}_joints.csv"
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    got = read_annotations("mpii", path)
    found = sorted(people_of(got), key=lambda pair: pair[1].details["index"])
    assert (len(found), len(got.photos)) == (people, photos)
    assert [name for name, _ in found] == [row[0] for row in rows]
    values = np.array([[float(v) for v in row[1:]] for row in rows]).reshape(-1, 16, 2)
    np.testing.assert_array_equal(np.array([person.joints for _, person in found]), values - 0.5)


def test_mpii_hdf5_agrees_with_the_json_of_the_same_people(data: Path) -> None:
    folder = data / "pose2d" / "mpii"
    held = read_annotations("mpii", folder / "valid.h5")
    assert sum(len(photo.people) for photo in held.photos) == 2958
    with h5py.File(folder / "valid.h5") as file:
        part, visible = file["part"][()], file["visible"][()]
    in_order = sorted((p for _, p in people_of(held)), key=lambda person: person.details["index"])
    points, flags = np.array([p.joints for p in in_order]), np.array([p.visibility for p in in_order])
    np.testing.assert_array_equal(flags == 0, (part == 0).all(-1))
    np.testing.assert_array_equal(flags == 2, visible == 1)
    np.testing.assert_array_equal(points[flags > 0], part[flags > 0] - 0.5)
    by_name = {photo.name: photo for photo in held.photos}
    for photo in read_annotations("mpii", folder / "mmpose_test_mpii.json").photos:
        (theirs,) = photo.people
        ours = min(
            by_name[photo.name].people, key=lambda p: abs(p.details["scale"] - theirs.details["scale"])
        )
        np.testing.assert_array_equal(
            ours.joints + 0.5, np.floor(theirs.joints + 0.5)
        )  # it holds whole pixels
        assert ours.details["scale"] == pytest.approx(theirs.details["scale"], abs=1e-6)
        assert ours.details["center_px"] == pytest.approx(theirs.details["center_px"], abs=1e-3)
        assert ours.details["head_size_px"] == pytest.approx(theirs.details["head_size_px"], rel=1e-6)


@pytest.mark.parametrize(
    ("name", "people", "photos", "without"),
    [
        ("person_keypoints_train2017_mini.json", 86, 28, 86),
        ("person_keypoints_val2017_mini.json", 68, 32, 50),
        ("person_keypoints_val2017_subset_538.json.gz", 1354, 481, 859),
        ("mmpose_test_coco.json", 12, 4, 2),
    ],
)
def test_coco_as_json_reads_it(data: Path, name: str, people: int, photos: int, without: int) -> None:
    path = data / "pose2d" / "coco" / name
    raw = json.loads(gzip.decompress(path.read_bytes()) if name.endswith("gz") else path.read_bytes())
    wanted = {a["id"]: a for a in raw["annotations"] if a["num_keypoints"]}
    images = {image["id"]: image for image in raw["images"]}
    got = read_annotations("coco", path)
    assert (len(got.photos), got.left_out["annotations without keypoints"]) == (photos, without)
    assert got.faults == []
    seen = set()
    for photo in got.photos:
        image = images[photo.details["image_id"]]
        assert (photo.name, *photo.size) == (image["file_name"], image["width"], image["height"])  # type: ignore[misc]
        assert photo.details["licence_id"] == image["license"]
        for person in photo.people:
            number = person.details["annotation_id"]
            seen.add(number)
            assert wanted[number]["image_id"] == image["id"]
            table = np.array(wanted[number]["keypoints"]).reshape(17, 3)
            np.testing.assert_array_equal(person.visibility, table[:, 2])
            labelled = table[:, 2] > 0
            np.testing.assert_array_equal(person.joints[labelled], table[labelled, :2] + 0.5)
            x, y, w, h = wanted[number]["bbox"]
            np.testing.assert_array_equal(person.box, [x, y, x + w, y + h])
    assert seen == set(wanted)
    assert len(seen) == people
