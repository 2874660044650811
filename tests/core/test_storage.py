"""Every place keeps the same promises: a folder, a URL whose uploads are whole, one whose are not, S3."""

from __future__ import annotations

import errno
import os
import pickle
import uuid
from pathlib import Path

import pytest

from posecorpus.core import storage as module
from posecorpus.core.errors import InputError
from posecorpus.core.storage import LocalStorage, Storage, UrlStorage, read_limited, storage_at, stored_sha256

PLACES = ("folder", "file", "memory", "renaming", "s3")


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Storage:
    if request.param == "folder":
        return storage_at(tmp_path)
    if request.param == "file":
        return storage_at(f"file://{tmp_path}")
    if request.param == "s3":
        return storage_at(request.getfixturevalue("s3_bucket") + "/some/corpus")
    if request.param == "renaming":  # as on a server of files, where a file grows while it is uploaded
        monkeypatch.setattr(module, "PUTS_WHOLE", frozenset())
    return storage_at(f"memory://{uuid.uuid4().hex}")


def test_files_are_put_read_and_removed(place: Storage) -> None:
    assert place.names() == []
    place.remove("nothing")
    place.put("b.bin", b"0123456789" * 200_000)
    place.put(".a", b"old")
    place.put(".a", b"new")
    assert place.names() == [".a", "b.bin"]
    assert read_limited(place, ".a", 3) == b"new"
    with place.open("b.bin") as file:
        file.seek(1_234_567)
        assert file.read(4) == b"7890"
    place.remove("b.bin")
    assert place.names() == [".a"]
    assert place.where("x") == f"{place}/x"


def test_hostile_sizes_and_missing_files(place: Storage) -> None:
    place.put("big", bytes(1001))
    with pytest.raises(InputError, match="at most 1000 bytes"):
        read_limited(place, "big", 1000)
    with pytest.raises(InputError, match="gone"), place.open("gone") as file:
        file.read()


def test_digests_are_of_the_bytes(place: Storage) -> None:
    place.put("abc", b"abc")
    assert stored_sha256(place, "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_only_the_first_creates(place: Storage) -> None:
    assert place.create("lock", b"mine")
    assert not place.create("lock", b"yours")
    assert read_limited(place, "lock", 9) == b"mine"


def test_appending_where_it_can_be_done(place: Storage) -> None:
    done = [place.append("journal", line) for line in (b"1\n", b"2\n")]
    assert done in ([True, True], [False, False])
    assert ("journal" in place.names()) == done[0]
    if done[0]:
        assert read_limited(place, "journal", 9) == b"1\n2\n"


def test_places_travel_to_workers(place: Storage) -> None:
    there: Storage = pickle.loads(pickle.dumps(place))
    there.put("x", b"1")
    assert place.names() == ["x"]


def test_what_text_names_which_place(tmp_path: Path) -> None:
    assert storage_at(str(tmp_path)) == storage_at(tmp_path) == storage_at(f"file://{tmp_path}")
    for path in ("a:b/c", "x://a", "s3", ":/"):
        assert storage_at(path) == LocalStorage(Path(path))
    with pytest.raises(InputError, match="s3:/bucket/x: expected a local folder, got a URL; copy the corpus"):
        storage_at(Path("s3://bucket/x"))
    assert storage_at("MEMORY://x/") == UrlStorage("memory://x")
    with pytest.raises(InputError, match="nowhere://x: expected a path or a URL that fsspec knows"):
        storage_at("nowhere://x")


def test_packages_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    def missing(url: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec, "url_to_fs", missing)
    with pytest.raises(InputError, match=r"s3://b/x: .*posecorpus\[s3\]"):
        storage_at("s3://b/x")


def test_a_bucket_that_is_not_there(s3_bucket: str) -> None:
    with pytest.raises(
        InputError, match="s3://no-such-bucket/x/f: expected a place that can be read and written"
    ):
        storage_at("s3://no-such-bucket/x").put("f", b"")


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    place = storage_at(tmp_path)
    place.put("x", b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, failing, full)
    with pytest.raises(InputError, match=r"x: expected room for 3 bytes, got No space left .*; make room"):
        place.put("x", b"new")
    monkeypatch.undo()
    assert place.names() == ["x"]
    assert read_limited(place, "x", 9) == b"old"


def test_a_folder_that_is_gone_is_not_made_again(tmp_path: Path) -> None:
    place = storage_at(tmp_path / "corpus")
    for write in (place.put, place.append, place.create):
        with pytest.raises(InputError, match=r"corpus: expected the output folder, got none; it was removed"):
            write("x", b"1")
    assert not (tmp_path / "corpus").exists()
