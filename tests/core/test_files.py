"""Files in folders and zips: the same names from both, never more bytes than allowed."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from posecorpus.core.errors import InputError
from posecorpus.core.files import list_files, read_file, read_limited

FILES = {"a.jpg": b"one", "sub/B.JPG": b"two", "sub/deep/c.png": b"three"}
NOISE = {".hidden.jpg": b"", "notes.txt": b"", "__MACOSX/sub/a.jpg": b"", "sub/.git.png": b""}
SUFFIXES = (".jpg", ".png")


@pytest.fixture(params=["folder", "photos.zip", "PHOTOS.ZIP"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / request.param
    if path.suffix:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in (FILES | NOISE).items():
                archive.writestr(name, data)
        return path
    for name, data in (FILES | NOISE).items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def test_the_same_from_folders_and_zips(where: Path) -> None:
    assert list_files(where, SUFFIXES) == sorted(FILES)
    for name, data in FILES.items():
        assert read_file(where, name, 10) == data
    assert list_files(where, (".png",)) == ["sub/deep/c.png"]


def test_no_more_is_read_than_allowed(where: Path) -> None:
    assert read_file(where, "sub/deep/c.png", 5) == b"three"
    with pytest.raises(InputError, match=r"c\.png: expected a file of at most 0 MB, got more"):
        read_file(where, "sub/deep/c.png", 4)


def test_bombs_in_zips_are_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", bytes(50 << 20))
    assert path.stat().st_size < 1 << 17
    with pytest.raises(InputError, match="at most 1 MB, got more"):
        read_file(path, "a.jpg", 1 << 20)


def test_what_cannot_be_read(where: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a readable file"):
        read_file(where, "none.jpg", 10)
    with pytest.raises(InputError, match=r"a folder or a \.zip, got nothing"):
        list_files(tmp_path / "nowhere", SUFFIXES)
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(InputError, match="a readable zip"):
        list_files(tmp_path / "broken.zip", SUFFIXES)
    with pytest.raises(InputError, match="a readable photo"):
        read_limited(f"{tmp_path}/broken.zip!a.jpg", 10, "photo")


def test_links_do_not_lead_in_circles(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert list_files(tmp_path, SUFFIXES) == ["a.jpg"]
