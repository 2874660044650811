"""Indices on disk, and the one that a pose library keeps."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from search_oracle import assert_nearest, body_like, distances_by_formula

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import FULL_42, LSP_14
from posecorpus.pseudogt.library.store import ClipEntry, PoseLibrary
from posecorpus.pseudogt.search.files import INDEX
from posecorpus.pseudogt.search.index import ViewIndex
from posecorpus.pseudogt.search.of_library import library_index


@pytest.fixture
def saved(tmp_path: Path) -> tuple[np.ndarray, Path]:
    views = body_like(np.random.default_rng(0), 2500)
    ViewIndex.build(views, np.arange(2500, dtype=np.int32) % 3).save(tmp_path / "index", "here")
    return views, tmp_path / "index"


def test_an_opened_index_answers_as_the_one_that_was_saved(saved: tuple[np.ndarray, Path]) -> None:
    views, folder = saved
    index, poses = ViewIndex.open(folder), views[:5].astype(np.float64) + 0.01
    assert index.source == "here" and len(index) == 2500
    assert_nearest(*_found(index, poses), distances_by_formula(views, poses))
    assert not (index.search(poses, 5, exclude=np.arange(5) % 3).views % 3 == np.arange(5)[:, None] % 3).any()
    assert [path.name for path in folder.parent.iterdir()] == ["index"]


def test_saving_again_replaces(saved: tuple[np.ndarray, Path]) -> None:
    _, folder = saved
    ViewIndex.build(body_like(np.random.default_rng(1), 100)).save(folder)
    assert len(ViewIndex.open(folder)) == 100
    assert [path.name for path in folder.parent.iterdir()] == ["index"]


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match=r"thesis\.tex"):
        ViewIndex.build(body_like(np.random.default_rng(1), 100)).save(tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_there_must_be_an_index(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a search index"):
        ViewIndex.open(tmp_path / "none")


ARRAYS = (
    "views",
    "groups",
    "order",
    "members",
    "first",
    "centres",
    "radii",
    "tile_centres",
    "tile_radii",
)


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("harm", ["absent", "cut", "empty", "text", "type", "shape", "pickle"])
def test_damaged_arrays_are_told(saved: tuple[np.ndarray, Path], name: str, harm: str) -> None:
    path = saved[1] / f"{name}.npy"
    whole, array = path.read_bytes(), np.load(path)
    if harm == "absent":
        path.unlink()
    elif harm in ("cut", "empty", "text"):
        path.write_bytes({"cut": whole[:-5], "empty": b"", "text": b"hello, this is not an array"}[harm])
    else:
        spoilt = {
            "type": array.astype(np.float64),
            "shape": array[:-1],
            "pickle": np.array([{"a": 1}], object),
        }
        np.save(path, spoilt[harm], allow_pickle=True)
    with pytest.raises(InputError, match=rf"{name}\.npy"):
        ViewIndex.open(saved[1])


@pytest.mark.parametrize(
    ("name", "at", "value"),
    [("order", (3, 4), 2500), ("order", (0, 0), -2), ("first", 1, 0), ("first", 1, 60), ("first", 0, 1)],
)
def test_addresses_outside_the_arrays_are_told(
    saved: tuple[np.ndarray, Path], name: str, at: tuple[int, ...] | int, value: int
) -> None:
    path = saved[1] / f"{name}.npy"
    array = np.load(path)
    array[at] = value
    np.save(path, array)
    with pytest.raises(InputError, match=rf"{name}\.npy"):
        ViewIndex.open(saved[1])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        '{"format_version": 2}',
        '{"format_version":1,"source":"","usable":[true],"views":-1,"blocks":1,"tiles":1,"grouped":false}',
        '{"format_version":1,"source":"","usable":[true],"views":9e99,"blocks":1,"tiles":1,"grouped":false}',
        " " * (2 << 20),
    ],
)
def test_a_damaged_description_is_told(saved: tuple[np.ndarray, Path], text: str) -> None:
    (saved[1] / INDEX).write_text(text)
    with pytest.raises(InputError, match=r"index\.json"):
        ViewIndex.open(saved[1])


def _found(index: ViewIndex, poses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = index.search(poses, 5)
    return found.views, found.distances


def _library(folder: Path | None, seed: int = 0) -> PoseLibrary:
    rng = np.random.default_rng(seed)
    return PoseLibrary(
        folder=folder,
        poses=rng.normal(size=(60, len(FULL_42), 3)).astype(np.float32),
        azimuth_deg=rng.uniform(0, 360, (60, 7)).astype(np.float32),
        elevation_deg=rng.uniform(-20, 40, (60, 7)).astype(np.float32),
        clip=np.arange(60, dtype=np.int32) % 3,
        frame=np.zeros(60, np.int32),
        mirrored=np.zeros(60, np.bool_),
        clips=tuple(ClipEntry(f"c{i}", "s", "ab"[i % 2], "here") for i in range(3)),
    )


def test_the_index_of_a_library_finds_its_own_views(tmp_path: Path) -> None:
    library = _library(tmp_path)
    numbers = np.arange(0, len(library), 11)
    poses = 500 * library.joints3d(numbers, LSP_14)[..., :2] + 300
    for index in (library_index(library, LSP_14), library_index(replace(library, folder=None), LSP_14)):
        found = index.search(poses, 1)
        assert (found.views[:, 0] == numbers).all() and found.distances.max() < 1e-6
    subject = library.subject_of_pose[numbers // library.views]
    other = library_index(library, LSP_14).search(poses, 9, exclude=subject).views
    assert (library.subject_of_pose[other // library.views] != subject[:, None]).all()


def test_the_index_of_a_library_is_kept_until_its_poses_change(tmp_path: Path) -> None:
    library_index(_library(tmp_path), LSP_14)
    made = (tmp_path / "index-lsp_14" / "members.npy").stat().st_mtime_ns
    library_index(_library(tmp_path), LSP_14)
    assert (tmp_path / "index-lsp_14" / "members.npy").stat().st_mtime_ns == made
    other = _library(tmp_path, seed=1)
    poses = other.joints3d(np.arange(9), LSP_14)[..., :2]
    assert (library_index(other, LSP_14).search(poses, 1).views[:, 0] == np.arange(9)).all()
    (tmp_path / "index-lsp_14" / "order.npy").write_bytes(b"damaged")
    assert (library_index(other, LSP_14).search(poses, 1).views[:, 0] == np.arange(9)).all()


def test_an_index_that_cannot_be_kept_is_used_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("where no folder can be")
    library = _library(tmp_path / "file")
    poses = library.joints3d(np.arange(9), LSP_14)[..., :2]
    assert (library_index(library, LSP_14).search(poses, 1).views[:, 0] == np.arange(9)).all()


def test_processes_that_save_at_once_leave_one_whole_index(tmp_path: Path) -> None:
    def save(seed: int) -> None:
        for _ in range(5):
            indices[seed].save(tmp_path / "index", str(seed))

    indices = [ViewIndex.build(body_like(np.random.default_rng(seed), 200)) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save, range(4)))
    index = ViewIndex.open(tmp_path / "index")
    assert (np.asarray(index._tree.views) == indices[int(index.source)]._tree.views).all()
    assert [path.name for path in tmp_path.iterdir()] == ["index"]
