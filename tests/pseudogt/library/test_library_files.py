"""Libraries survive the disk, and damaged ones are refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from library_people import CLIPS, random_people

from posecorpus.core.errors import InputError
from posecorpus.pseudogt.library.build import build_library
from posecorpus.pseudogt.library.files import open_library, read_info, save_library
from posecorpus.pseudogt.library.store import PoseLibrary

ARRAYS = ("poses", "azimuth_deg", "elevation_deg", "clip", "frame", "mirrored")


def small_library(seed: int = 0, poses: int = 30) -> PoseLibrary:
    people = random_people(poses, np.random.default_rng(seed))
    rows = np.arange(poses)
    return build_library(people, rows % 3, rows // 3, CLIPS, views=7, mirror=True, seed=seed)


def test_round_trip_is_exact_and_memory_mapped(tmp_path: Path) -> None:
    library = small_library()
    info = save_library(library, tmp_path / "lib")
    opened = open_library(tmp_path / "lib")
    for name in ARRAYS:
        before, after = getattr(library, name), getattr(opened, name)
        assert isinstance(after, np.memmap)
        assert before.dtype == after.dtype and np.array_equal(before, after)
    assert opened.clips == CLIPS
    assert (opened.folder, opened.views, len(opened)) == (tmp_path / "lib", 7, 7 * len(library.poses))
    assert read_info(tmp_path / "lib") == info


def test_same_request_same_bytes_and_another_seed_another_digest(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a", "b", "c")]
    digests = [save_library(small_library(s), f).digest for s, f in zip((0, 0, 1), folders, strict=True)]
    assert digests[0] == digests[1] != digests[2]
    for path in folders[0].iterdir():
        assert path.read_bytes() == (folders[1] / path.name).read_bytes()


@pytest.mark.parametrize("name", ARRAYS)
def test_damaged_arrays_are_refused(tmp_path: Path, name: str) -> None:
    save_library(small_library(), tmp_path)
    path = tmp_path / f"{name}.npy"
    whole = path.read_bytes()
    damages = {
        "cut": whole[:-40],
        "header only": whole[:20],
        "empty": b"",
        "zip": b"PK\x03\x04" + bytes(40),
        "text": b"hello",
    }
    for data in damages.values():
        path.write_bytes(data)
        with pytest.raises(InputError, match=rf"{name}\.npy: expected a NumPy array"):
            open_library(tmp_path)
    np.save(path, np.zeros(3, "f8"))
    with pytest.raises(InputError, match=rf"{name}\.npy: expected .* of shape"):
        open_library(tmp_path)
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=rf"{name}\.npy"):
        open_library(tmp_path)
    path.unlink()
    with pytest.raises(InputError, match="no such file"):
        open_library(tmp_path)


def test_clip_numbers_outside_the_list_are_refused(tmp_path: Path) -> None:
    save_library(small_library(), tmp_path)
    for wrong in (-1, 3):
        clip = np.load(tmp_path / "clip.npy")
        clip[4] = wrong
        np.save(tmp_path / "clip.npy", clip)
        with pytest.raises(InputError, match=r"clip\.npy: expected numbers from 0 to 2"):
            open_library(tmp_path)


def test_damaged_or_foreign_descriptions_are_refused(tmp_path: Path) -> None:
    save_library(small_library(), tmp_path)
    path = tmp_path / "library.json"
    good = json.loads(path.read_text())
    cases: list[tuple[str, str]] = [
        ("{", "expected JSON"),
        ("[" * 100_000, "expected JSON"),
        ("[]", "library.json"),
        (json.dumps(good | {"format_version": 2}), "format_version: expected 1, got 2"),
        (json.dumps(good | {"poses": 0}), "poses"),
        (json.dumps(good | {"extra": 1}), "extra"),
        (json.dumps(good | {"clips": []}), "clips"),
        (json.dumps(good | {"views": 8}), "of shape"),
    ]
    for text, message in cases:
        path.write_text(text)
        with pytest.raises(InputError, match=message) as caught:
            open_library(tmp_path)
        assert "\n" not in str(caught.value)
    path.unlink()
    with pytest.raises(InputError, match="a pose library"):
        open_library(tmp_path)
    with pytest.raises(InputError, match="a pose library"):
        open_library(path / "nowhere")


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"thesis\.txt"):
        save_library(small_library(), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_arguments_that_do_not_fit() -> None:
    people, rows = random_people(4, np.random.default_rng(0)), np.arange(4)
    cases = [
        ((people[:, :24], rows, rows, CLIPS), "landmarks"),
        ((people[:0], rows[:0], rows[:0], CLIPS), "at least one pose"),
        ((people, rows[:3], rows, CLIPS), "clip"),
        ((people, rows - 1, rows, CLIPS), "clip"),
        ((people, rows, rows * 0.5, CLIPS), "frame"),
        ((people, rows, rows, CLIPS), "numbers below 3"),
        ((people * np.nan, rows * 0, rows, CLIPS), "finite"),
    ]
    for arguments, message in cases:
        with pytest.raises(InputError, match=message):
            build_library(*arguments)
    with pytest.raises(InputError, match="--views"):
        build_library(people, rows * 0, rows, CLIPS, views=2**30)
