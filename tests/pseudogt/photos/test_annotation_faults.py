"""Every planted fault is caught with one line that names the place, and costs no other person."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
from annotation_files import (
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

from posecorpus.core.errors import InputError
from posecorpus.pseudogt.photos import bounded
from posecorpus.pseudogt.photos.read import PhotoFormat, read_annotations

PEOPLE = random_people(np.random.default_rng(3), 6, 17)
MPII = [(name, points[:16], np.where(np.arange(16) == 0, 2, flags[:16])) for name, points, flags in PEOPLE]
LSP = [(name, points[:14], np.full(14, 2)) for name, points, _ in PEOPLE]


def faulty(form: PhotoFormat, path: Path, people: int) -> str:
    """The one fault of a file in which the other people are read."""
    got = read_annotations(form, path)
    (fault,) = got.faults
    assert sum(len(photo.people) for photo in got.photos) == people
    assert fault.where.startswith(str(path))
    return f"{fault.where}: {fault.reason}"


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "people", "message"),
    [
        (lambda c: c["annotations"][2].update(keypoints=[0] * 50), 5, "annotations[2].keypoints: expected 51 numbers, got 50"),
        (lambda c: c["annotations"][2].update(keypoints="many"), 5, "annotations[2].keypoints: expected 51 numbers, got str"),
        (lambda c: c["annotations"][2]["keypoints"].__setitem__(0, "1"), 5, "expected 51 numbers, got something else among them"),
        (lambda c: c["annotations"][2]["keypoints"].__setitem__(0, float("nan")), 5, "got NaN or infinity among them"),
        (lambda c: c["annotations"][2]["keypoints"].__setitem__(0, 10**400), 5, "annotations[2].keypoints: expected 51 numbers"),
        (lambda c: c["annotations"][2]["keypoints"].__setitem__(2, 3), 5, "keypoints: expected flags of 0, 1 or 2, got 3"),
        (lambda c: c["annotations"][2].update(keypoints=[10**6, 5, 2] * 17, num_keypoints=17), 5, "coordinates within 100000 px"),
        (lambda c: c["annotations"][2].update(num_keypoints=18), 5, "annotations[2].num_keypoints: expected"),
        (lambda c: c["annotations"][2].update(bbox=[0, 0, -5, 5]), 5, "box: expected a width and height of at least 0"),
        (lambda c: c["annotations"][2].update(bbox=[0, 0, 5]), 5, "annotations[2].bbox: expected 4 numbers, got 3"),
        (lambda c: c["annotations"][2].update(image_id=5), 5, "image_id: expected the id of an image of the file, got 5"),
        (lambda c: c["annotations"][2].update(image_id=None), 5, "image_id: expected a whole number, got None"),
        (lambda c: c["annotations"][2].update(id=900), 5, "id: expected an id that is not used before, got 900"),
        (lambda c: c["annotations"].__setitem__(2, 7), 5, "annotations[2]: expected an object, got int"),
        (lambda c: c["images"].append(c["images"][0] | {"width": 401}), 4, "image 10 to be as before, got another file or size"),
        (lambda c: c["images"].append({"id": 3}), 6, "images[3].file_name: expected a file's name, got None"),
        (lambda c: c["images"].append(c["images"][0] | {"id": 4, "height": 0}), 6, "a width and height of 1 to 65535, got 400x0"),
        (lambda c: c["images"][0].update(file_name="../../etc/passwd.jpg"), 4, "a file name inside the folder of photos"),
        (lambda c: c["images"][0].update(file_name="/etc/passwd.jpg"), 4, "a file name inside the folder of photos"),
        (lambda c: c["images"][0].update(file_name="a\\..\\b.jpg"), 4, "a file name inside the folder of photos"),
        (lambda c: c["images"][0].update(file_name="C:b.jpg"), 4, "a file name inside the folder of photos"),
        (lambda c: c["images"][0].update(file_name="a\nb.jpg"), 4, "printable characters"),
        (lambda c: c["images"][0].update(file_name="a" * 2000), 4, "a file name of at most 1024"),
    ],
)  # fmt: skip
def test_faults_of_a_coco_file(tmp_path: Path, change: Change, people: int, message: str) -> None:
    content = coco_content(PEOPLE)
    change(content)
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))
    if "image 10 to be" in message:  # the people of a contradicted image have none
        got = read_annotations("coco", path)
        assert message in got.faults[0].reason
        assert ["id of an image" in fault.reason for fault in got.faults[1:]] == [True, True]
        assert sum(len(photo.people) for photo in got.photos) == people
    else:
        assert message in faulty("coco", path, people)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x.jpg,1,2", ":3: expected an image name and 32 numbers, got 3 cells"),
        ("x.jpg" + ",1" * 31 + ",one", ":3: expected numbers, got 'one'"),
        ("x.jpg" + ",1" * 31 + ",nan", ":3: expected numbers, got 'nan'"),
        ("x.jpg" + ",1" * 31 + ",1e9", ":3: expected coordinates within 100000 px, got 999999999.5"),
        ("../x.jpg" + ",1" * 32, "a file name inside the folder of photos, got '../x.jpg'"),
    ],
)
def test_faults_of_a_table(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "a.csv"
    write_mpii_csv(path, MPII, header=False)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], line, *lines[2:]]))
    assert message in faulty("mpii", path, 6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e.update(joints=[[1, 2]] * 15), "[1].joints: expected numbers of shape 16x2"),
        (lambda e: e.update(joints=[[1, 2]] * 15 + [[1]]), "[1].joints: expected numbers of shape 16x2"),
        (lambda e: e.update(joints_vis=[2] * 16), "[1].joints_vis: expected 0 or 1, got 2"),
        (
            lambda e: e.update(joints=[[-1, -1]] * 16, joints_vis=[1] * 16),
            "a place for each joint with joints_vis 1",
        ),
        (lambda e: e.update(image=5), "[1]: expected an object with joints, joints_vis and image"),
        (lambda e: e.update(scale=1e308), "[1]: scale: expected a positive number, got 1e+308"),
        (lambda e: e.update(scale=0), "[1]: scale: expected a positive number, got 0.0"),
        (lambda e: e.update(scale="tall"), "[1].scale: expected numbers of shape 1"),
        (lambda e: e.update(center=[1]), "[1].center: expected numbers of shape 2"),
    ],
)
def test_faults_of_a_list(tmp_path: Path, change: Change, message: str) -> None:
    path = tmp_path / "a.json"
    write_mpii_json(path, MPII)
    content = json.loads(path.read_text())
    change(content[1])
    path.write_text(json.dumps(content))
    assert message in faulty("mpii", path, 5)


def test_absurd_measures_are_not_passed_on(tmp_path: Path) -> None:
    content = coco_content(PEOPLE)
    content["annotations"][0]["area"] = 10**400
    region = {"image_id": 10, "category_id": 1, "iscrowd": 1, "bbox": [1e308, 0, 1e308, 1]}
    content["annotations"].append(region | {"id": 1})
    (tmp_path / "a.json").write_text(json.dumps(content))
    photo = read_annotations("coco", tmp_path / "a.json").photos[0]
    assert photo.people[0].details == {"annotation_id": 900}
    assert photo.details["unlabelled_people"] == [{"crowd": True}]
    write_mpii_h5(tmp_path / "a.h5", MPII)
    with edit(tmp_path / "a.h5") as file:
        file["index"][0], file["center"][0] = 1e300, np.nan
    assert set(read_annotations("mpii", tmp_path / "a.h5").photos[0].people[0].details) == {
        "index", "scale", "head_size_px",
    }  # fmt: skip


def test_faults_of_the_release(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    write_mpii_mat(path, MPII)
    raw = scipy.io.loadmat(path)

    def points(photo: int, person: int) -> Any:
        return raw["RELEASE"][0, 0]["annolist"][0, photo]["annorect"][0, person]["annopoints"][0, 0]["point"]

    points(0, 0)["id"][0, 1] = points(0, 0)["id"][0, 0]
    points(1, 0)["id"][0, 1] = np.array([[16.0]])
    points(2, 0)["is_visible"][0, 1] = "maybe"
    scipy.io.savemat(path, {"RELEASE": raw["RELEASE"]})
    got = read_annotations("mpii", path)
    assert got.photos == []
    assert [fault.reason for fault in got.faults] == [
        "expected each joint once, got 0 twice",
        "expected 0 to 15, got 16.0",
        "expected 0 or 1, got 'maybe'",
    ]
    assert "annolist(2).annorect(1).point.id" in got.faults[1].where


def test_coordinates_that_are_no_numbers(tmp_path: Path) -> None:
    for form, write in (("lsp", write_lsp), ("lspet", write_lspet)):
        people = [(name, points.copy(), flags) for name, points, flags in LSP]
        people[3][1][5, 0] = np.nan
        write(tmp_path / "a.mat", people)
        message = faulty(form, tmp_path / "a.mat", 5)  # type: ignore[arg-type]
        assert "joints(:,:,4): expected coordinates within 100000 px, got nan" in message


def test_people_without_a_joint_are_counted(tmp_path: Path) -> None:
    nobody = [("x.jpg", np.ones((14, 2)), np.zeros(14, int))]
    write_lspet(tmp_path / "a.mat", LSP + nobody)
    assert read_annotations("lspet", tmp_path / "a.mat").left_out == {"people without a labelled joint": 1}
    write_mpii_csv(tmp_path / "a.csv", MPII + [("x.jpg", np.ones((16, 2)), np.zeros(16, int))])
    assert read_annotations("mpii", tmp_path / "a.csv").left_out == {"people without a labelled joint": 1}
    write_lspet(tmp_path / "a.mat", nobody)
    with pytest.raises(InputError, match=r"people with labelled joints, got none"):
        read_annotations("lspet", tmp_path / "a.mat")


def put(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("form", "name", "content", "message"),
    [
        ("coco", "a.json", "{", r"a.json:1: expected JSON, got .* at column 2"),
        ("coco", "a.json", "[" * 100_000, "a.json: expected JSON, got"),
        ("coco", "a.json", b"\xff\xfe\x00", "expected JSON"),
        ("coco", "a.json", "[]", "'images' and 'annotations'"),
        ("coco", "a.json", "7", "'images' and 'annotations'"),
        ("coco", "a.json", '{"images": {}, "annotations": []}', "'images' and 'annotations'"),
        ("coco", "a.json.gz", gzip.compress(b"{}", mtime=0)[:-9], "a readable file"),
        ("coco", "a.json", '{"images": [], "annotations": [], "categories": [{"name": "cat"}, {"name": "dog"}]}', "a category 'person', got none"),
        ("coco", "a.json", '{"images": [], "annotations": [], "categories": [{"id": 1, "name": "person", "keypoints": ["nose", "tail"]}]}', "got 2 joints, nose, tail"),
        ("mpii", "a.csv", "", "MPII annotations as .mat, .h5, .json or .csv"),
        ("mpii", "a.csv", "hello world", "MPII annotations as .mat"),
        ("mpii", "a.csv", "name,joints\nx,1\n", "a header with NAME, .* got 2 cells beginning with 'name'"),
        ("mpii", "a.csv", ",NAME,r ankle_X\n", "each column once, 'r ankle_X' and so on, got .'r ankle_Y'"),
        ("mpii", "a.csv", b"a,\xff,\n", "UTF-8 text, got byte 0xff at 2"),
        ("mpii", "a.csv", "a," + "9" * 5000, "cells of at most 4096 characters"),
        ("mpii", "a.csv", 'a,"b\n', "comma-separated cells"),
        ("mpii", "a.json", "[]", "a list of objects"),
        ("mpii", "a.json", '{"root": []}', "a list of objects"),
        ("mpii", "a.json", '[{"img_paths": 1}]', "objects with joints, joints_vis and image, got img_paths"),
        ("mpii", "a.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 600, "a readable HDF5 file"),
        ("lsp", "a.mat", "text", "a MATLAB 5 file, got something else"),
    ],
)  # fmt: skip
def test_files_of_something_else(
    tmp_path: Path, form: PhotoFormat, name: str, content: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_annotations(form, put(tmp_path / name, content))
    assert "\n" not in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)


def test_the_wrong_leeds_file_is_told_apart(tmp_path: Path) -> None:
    write_lsp(tmp_path / "lsp.mat", LSP)
    write_lspet(tmp_path / "lspet.mat", LSP)
    with pytest.raises(InputError, match=r"14x3xN .LSP-extended., got 3x14x6; LSP\? use --format lsp"):
        read_annotations("lspet", tmp_path / "lsp.mat")
    with pytest.raises(InputError, match=r"3x14xN .LSP., got 14x3x6; LSP-extended\? use --format lspet"):
        read_annotations("lsp", tmp_path / "lspet.mat")
    scipy.io.savemat(tmp_path / "x.mat", {"joints": np.full((3, 14, 2), 0.5)})
    with pytest.raises(InputError, match=r"flags of 0 or 1, got 0\.5"):
        read_annotations("lsp", tmp_path / "x.mat")
    scipy.io.savemat(tmp_path / "x.mat", {"poses": 1})
    with pytest.raises(InputError, match="a variable 'joints', got poses"):
        read_annotations("lsp", tmp_path / "x.mat")
    with pytest.raises(InputError, match="a structure RELEASE, got poses"):
        read_annotations("mpii", tmp_path / "x.mat")


def test_no_file_at_all(tmp_path: Path) -> None:
    for form in ("lsp", "lspet", "mpii", "coco"):
        with pytest.raises(InputError, match="a file of annotations"):
            read_annotations(form, tmp_path / "none")  # type: ignore[arg-type]
        with pytest.raises(InputError, match="a file of annotations, got a folder"):
            read_annotations(form, tmp_path)  # type: ignore[arg-type]


@pytest.mark.parametrize("packed", [True, False])
def test_files_are_read_no_further_than_allowed(tmp_path: Path, packed: bool) -> None:
    path = put(tmp_path / "a.json", gzip.compress(bytes(1 << 22)) if packed else bytes(1 << 22))
    with pytest.raises(InputError, match="at most 1 MB, got more"):
        bounded.read_bytes(path, 1 << 20)


def edit(path: Path) -> h5py.File:
    return h5py.File(path, "r+")


def test_hdf5_files_that_point_elsewhere_are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret.h5"
    write_mpii_h5(secret, MPII)
    raw = put(tmp_path / "raw.bin", bytes(8 * 6 * 32))

    def fresh(without: str) -> Path:
        path = tmp_path / f"{without}.h5"
        write_mpii_h5(path, MPII)
        with edit(path) as file:
            del file[without]
        return path

    path = fresh("part")
    with edit(path) as file:
        file["part"] = h5py.ExternalLink(str(secret), "/part")
    with pytest.raises(
        InputError, match="part: expected a dataset of this file, got a link to another place"
    ):
        read_annotations("mpii", path)
    path = fresh("part")
    with edit(path) as file:
        file.create_dataset("part", (6, 16, 2), "f8", external=[(os.fspath(raw), 0, 8 * 6 * 32)])
    with pytest.raises(InputError, match="part: expected a dataset of this file, got a group or a pointer"):
        read_annotations("mpii", path)
    path = fresh("part")
    with edit(path) as file:
        layout = h5py.VirtualLayout((6, 16, 2), "f8")
        layout[...] = h5py.VirtualSource(os.fspath(secret), "part", (6, 16, 2))
        file.create_virtual_dataset("part", layout)
    with pytest.raises(InputError, match="part: expected a dataset of this file, got a group or a pointer"):
        read_annotations("mpii", path)
    path = fresh("visible")
    with edit(path) as file:  # takes no space in the file, and 5 TB in memory
        file.create_dataset("visible", (10**6, 640, 1000), "f8", chunks=(1, 640, 1000), compression="gzip")
    with pytest.raises(InputError, match="visible: expected at most 1000000 people"):
        read_annotations("mpii", path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("part", np.zeros((6, 15, 2)), "part: expected Nx16x2, got 6x15x2"),
        ("visible", np.full((6, 16), 2.0), "visible: expected 0 or 1, got 2.0"),
        ("visible", np.zeros((6, 15)), "visible: expected 6x16, got 6x15"),
        ("normalize", np.full(6, 49.0), "normalize: expected normalize = 25 scale"),
        ("imgname", np.arange(6.0), "imgname: expected 6 names, got float64 of shape"),
        ("imgname", np.full((6, 16), 999.0), "imgname: expected character codes below 256"),
        ("imgname", None, "imgname: expected a dataset of that name, got only"),
        ("scale", np.array([b"x"] * 6), "scale: expected numbers"),
    ],
)
def test_hdf5_files_of_other_contents(
    tmp_path: Path, name: str, value: np.ndarray | None, message: str
) -> None:
    path = tmp_path / "a.h5"
    write_mpii_h5(path, MPII)
    with edit(path) as file:
        del file[name]
        if value is not None:
            file[name] = value
    with pytest.raises(InputError, match=message):
        read_annotations("mpii", path)


WRITERS: list[tuple[PhotoFormat, str, Callable[..., None], Any]] = [
    ("coco", "a.json", write_coco, PEOPLE[:2]),
    ("mpii", "a.json", write_mpii_json, MPII[:2]),
    ("mpii", "a.csv", write_mpii_csv, MPII[:2]),
    ("mpii", "a.mat", write_mpii_mat, MPII[:2]),
    ("lspet", "a.mat", write_lspet, LSP[:2]),
]


@pytest.mark.parametrize(("form", "name", "write", "people"), WRITERS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 1 << 20), junk=st.binary(min_size=1, max_size=4), cut=st.booleans())
def test_damaged_files_give_input_errors_or_faults(
    tmp_path: Path, form: PhotoFormat, name: str, write: Any, people: Any, at: int, junk: bytes, cut: bool
) -> None:
    path = tmp_path / name
    write(path, people)
    whole = path.read_bytes()
    at %= len(whole)
    path.write_bytes(whole[:at] if cut else whole[:at] + junk + whole[at + len(junk) :])
    with contextlib.suppress(InputError):  # anything else is a mistake of the reader
        found = read_annotations(form, path)
        for photo in found.photos:
            for person in photo.people:
                assert np.isfinite(person.joints).all(-1).tolist() == (person.visibility > 0).tolist()
