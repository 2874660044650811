"""Photos: windows by closed form, every kind of picture, and files made to hurt."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posecorpus.core.errors import InputError
from posecorpus.core.image_header import is_complete, stored_size
from posecorpus.synth.appearance import photos as module
from posecorpus.synth.appearance.photos import (
    MAX_PIXELS,
    SMALLEST_ZOOM,
    PhotoCache,
    find_photos,
    load_photo,
    photo_background,
)


def encoded(picture: np.ndarray, suffix: str = ".png") -> bytes:
    return cv2.imencode(suffix, picture)[1].tobytes()


def ramp(width: int, height: int) -> np.ndarray:
    """RGB whose red is the column and whose green is the row."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0], picture[..., 1] = np.arange(width), np.arange(height)[:, None]
    return picture


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """The jpeg with an EXIF block that says how the camera was held."""
    tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    block = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[2:]


@pytest.fixture(scope="module")
def ramp_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ramp") / "ramp.png"
    path.write_bytes(encoded(ramp(240, 180)[..., ::-1]))
    return str(path)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(12, 80), st.integers(12, 80))
def test_window_has_the_right_shape_and_lies_inside(
    ramp_file: str, seed: int, width: int, height: int
) -> None:
    result = photo_background(ramp_file, width, height, np.random.default_rng(seed)).astype(float)
    assert result.shape == (height, width, 3)
    red, green = result[..., 0].mean(0), result[..., 1].mean(1)
    across = abs(red[-1] - red[0]) / (width - 1)  # photo pixels a result pixel
    down = (green[-1] - green[0]) / (height - 1)
    widest = min(240 / width, 180 / height)
    # A window is a whole number of pixels of a photo decoded at no less than the result's resolution.
    grain = 2.5 / min(width, height)
    assert SMALLEST_ZOOM * widest * (1 - grain) - 0.1 <= across <= widest * (1 + grain) + 0.1
    assert across == pytest.approx(down, rel=grain, abs=0.1)
    assert result[..., 2].max() == 0
    assert (np.diff(green) >= -1).all()  # never upside down


def test_windows_vary_and_repeat(ramp_file: str) -> None:
    seen = [photo_background(ramp_file, 32, 24, np.random.default_rng(i)) for i in range(60)]
    np.testing.assert_array_equal(seen[5], photo_background(ramp_file, 32, 24, np.random.default_rng(5)))
    assert len({s.tobytes() for s in seen}) > 55
    mirrored = [s[0, 0, 0] > s[0, -1, 0] for s in seen]
    assert 15 < sum(mirrored) < 45


def test_shrinking_does_not_alias(tmp_path: Path) -> None:
    stripes = np.zeros((480, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    path = tmp_path / "stripes.png"
    path.write_bytes(encoded(stripes))
    for seed in range(5):
        small = photo_background(str(path), 32, 24, np.random.default_rng(seed)).astype(int)
        assert np.abs(small - 127.5).max() < 20


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_photos_are_turned_upright(tmp_path: Path, orientation: int) -> None:
    upright = np.zeros((40, 64, 3), np.uint8)
    upright[:20, :32] = (255, 255, 255)  # the upper left quarter is white
    turns = {1: 0, 3: 2, 6: 1, 8: 3}[orientation]  # quarter turns that the camera was held at
    stored = np.ascontiguousarray(np.rot90(upright, turns))
    path = tmp_path / "turned.jpg"
    path.write_bytes(with_orientation(encoded(stored, ".jpg"), orientation))
    got = load_photo(str(path))
    assert got.shape == (40, 64, 3)
    assert np.abs(got.astype(int) - upright).mean() < 4


def test_every_kind_of_picture_becomes_rgb(tmp_path: Path) -> None:
    colour = np.full((20, 30, 3), (10, 120, 250), np.uint8)  # blue, green, red for cv2
    kinds = {
        "colour.png": encoded(colour),
        "colour.jpg": encoded(colour, ".jpg"),
        "alpha.png": encoded(np.dstack([colour, np.zeros((20, 30), np.uint8)])),
        "deep.png": encoded(colour.astype(np.uint16) * 257),
    }
    for name, data in kinds.items():
        (tmp_path / name).write_bytes(data)
        got = load_photo(str(tmp_path / name))
        assert got.dtype == np.uint8
        np.testing.assert_allclose(got.reshape(-1, 3), [[250, 120, 10]] * 600, atol=3)
    for name, grey in {
        "grey.png": np.full((9, 9), 77, np.uint8),
        "grey16.png": np.full((9, 9), 77 * 257, np.uint16),
    }.items():
        (tmp_path / name).write_bytes(encoded(grey))
        assert (load_photo(str(tmp_path / name)) == 77).all()


def test_cmyk_jpeg(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / "cmyk.jpg"
    image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(path)  # red ink
    red, green, blue = load_photo(str(path)).reshape(-1, 3).mean(0)
    assert red > 180
    assert max(green, blue) < 90


def test_large_photos_are_reduced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_SIDE", 50)
    big = cv2.resize(ramp(240, 180), (960, 720), interpolation=cv2.INTER_LINEAR)
    for name in ("big.jpg", "big.png"):
        path = tmp_path / name
        path.write_bytes(encoded(big[..., ::-1], path.suffix))
        got = load_photo(str(path))
        assert got.shape == (50, 67, 3)
        expected = cv2.resize(big, (67, 50), interpolation=cv2.INTER_AREA)
        assert np.abs(got.astype(int) - expected).mean() < 4


def test_only_as_much_is_decoded_as_needed(tmp_path: Path) -> None:
    big = cv2.resize(ramp(240, 180), (1920, 1440), interpolation=cv2.INTER_LINEAR)
    path = tmp_path / "big.jpg"
    path.write_bytes(encoded(big[..., ::-1], ".jpg"))
    sizes = {side: load_photo(str(path), side).shape[:2] for side in (2000, 720, 400, 180, 10)}
    assert sizes == {2000: (1440, 1920), 720: (720, 960), 400: (720, 960), 180: (180, 240), 10: (180, 240)}
    assert photo_background(str(path), 600, 500, np.random.default_rng(3)).shape == (500, 600, 3)


def test_order_is_the_same_whatever_the_file_system(tmp_path: Path) -> None:
    names = ["b/2.jpg", "a.png", "b/10.JPEG", "b/1.jpg", "c/d/x.png"]
    for name in [*names, "b/note.txt", ".hidden.png", "__MACOSX/x.png", "c/.x.jpg"]:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"x")
    found = [Path(p).relative_to(tmp_path / "in").as_posix() for p in find_photos(tmp_path / "in")]
    assert found == sorted(names)
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        for name in [*reversed(names), "note.txt", "__MACOSX/._a.png"]:
            archive.writestr(name, b"x")
    assert find_photos(tmp_path / "p.zip") == [f"{tmp_path / 'p.zip'}!{n}" for n in sorted(names)]


def test_a_folder_that_links_to_itself_ends(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert find_photos(tmp_path) == [str(tmp_path / "one.png")]


def png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )


GOOD_JPG = encoded(np.random.default_rng(0).integers(0, 255, (60, 80, 3)).astype(np.uint8), ".jpg")
GOOD_PNG = encoded(np.random.default_rng(0).integers(0, 255, (60, 80, 3)).astype(np.uint8))
HOSTILE = {
    "empty.jpg": b"",
    "text.png": b"this is no picture",
    "noise.jpg": np.random.default_rng(1).bytes(5000),
    "soi.jpg": b"\xff\xd8",
    "endless_padding.jpg": b"\xff\xd8" + b"\xff" * 4000,
    "zero_length_segment.jpg": b"\xff\xd8\xff\xe0\0\0" + b"\0" * 50,
    "half.jpg": GOOD_JPG[: len(GOOD_JPG) // 2],
    "half.png": GOOD_PNG[: len(GOOD_PNG) // 2],
    "bomb.png": png_claiming(60_000, 60_000),
    "empty.png": png_claiming(0, 10),
    "renamed_gif.png": b"GIF89a" + b"\0" * 100,
    "thumbnail_end.jpg": with_orientation(GOOD_JPG, 1)[: len(GOOD_JPG) // 2].replace(
        b"Exif", b"\xff\xd9\0\0"
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_give_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(HOSTILE[name])
    with pytest.raises(InputError) as caught:
        load_photo(str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_size_and_end_are_read_from_the_file_alone() -> None:
    assert stored_size(GOOD_JPG) == stored_size(GOOD_PNG) == (80, 60)
    assert is_complete(GOOD_JPG)
    assert is_complete(GOOD_PNG + b"trailing")
    for cut in range(0, len(GOOD_JPG) - 2, 97):
        assert not is_complete(GOOD_JPG[:cut])


def test_hostile_zips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\3\4 no zip")
    for bad in (broken, tmp_path / "missing.zip", tmp_path / "missing", tmp_path):
        with pytest.raises(InputError):
            find_photos(bad)

    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../escape.png", GOOD_PNG)  # a name only: nothing is ever written
        archive.writestr("bomb.png", b"\0" * 3_000_000)
        archive.writestr("zz_damaged.png", GOOD_PNG * 3)
    data = bytearray(path.read_bytes())
    at = data.find(b"zz_damaged.png") + len("zz_damaged.png") + 20
    data[at : at + 40] = b"\xaa" * 40
    path.write_bytes(data)
    escape, bomb, damaged = find_photos(path)
    assert load_photo(escape).shape == (60, 80, 3)
    assert not (tmp_path.parent.parent / "escape.png").exists()
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 1_000_000)
    for photo in (bomb, damaged, f"{path}!none.png"):
        with pytest.raises(InputError, match=r"evil\.zip"):
            load_photo(photo)


def test_the_cache_is_bounded_and_forgets_the_oldest(tmp_path: Path) -> None:
    paths = []
    for i in range(5):
        path = tmp_path / f"{i}.png"
        path.write_bytes(encoded(np.full((10, 10, 3), i, np.uint8)))
        paths.append(str(path))
    cache = PhotoCache(3 * 300)
    first = cache.get(paths[0])
    for path in paths[1:4]:
        assert cache.get(paths[0]) is first  # used again and again: stays
        cache.get(path)
    assert cache.held_bytes == 900
    for path in paths:
        cache.get(path)
    assert cache.get(paths[0]) is not first
    assert not first.flags.writeable
    assert PhotoCache(10).get(paths[0]).shape == (10, 10, 3)


def test_real_photos(data: Path) -> None:
    found = find_photos(data / "backgrounds" / "coco_no_person.zip")
    assert len(found) == 55
    found += find_photos(data / "backgrounds" / "skimage")
    for photo in found:
        picture = photo_background(photo, 64, 48, np.random.default_rng(0))
        assert picture.shape == (48, 64, 3)
        assert picture.std() > 2
    assert MAX_PIXELS >= 50_000_000  # larger than what cameras make today
