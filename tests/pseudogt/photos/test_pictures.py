"""Photographs taken in: own bytes where they can be, the right pixels where they can't, faults otherwise."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posecorpus.core.codecs import decode
from posecorpus.core.errors import InputError
from posecorpus.core.files import list_files, read_file
from posecorpus.pseudogt.photos.exif import Orientation, focal_35mm, made_upright, orientation
from posecorpus.pseudogt.photos.pictures import MAX_FILE_BYTES, SUFFIXES, take_in

HEIGHT, WIDTH = 24, 40


def scene() -> np.ndarray:
    """RGB: each corner has its own colour, in blocks that JPEG keeps."""
    picture = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    for rows, columns, colour in (
        (slice(0, 8), slice(0, 8), (250, 10, 10)),
        (slice(0, 8), slice(-8, None), (10, 250, 10)),
        (slice(-8, None), slice(0, 8), (10, 10, 250)),
    ):
        picture[rows, columns] = colour
    return picture


def encoded(picture: np.ndarray, suffix: str, *options: int) -> bytes:
    shown = picture[..., ::-1] if picture.ndim == 3 and picture.shape[2] == 3 else picture
    return bytes(cv2.imencode(suffix, np.ascontiguousarray(shown), list(options))[1])


def jpeg(picture: np.ndarray) -> bytes:
    return encoded(picture, ".jpg", cv2.IMWRITE_JPEG_QUALITY, 98)


def exif(value: int, order: str = ">", before: int = 2) -> bytes:
    """A TIFF structure with some other tags before the orientation."""
    head = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(f"{order}I", 8)
    tags = [struct.pack(f"{order}HHIHH", 0x0100 + i, 3, 1, 7, 0) for i in range(before)]
    tags.append(struct.pack(f"{order}HHIHH", 0x0112, 3, 1, value, 0))
    return head + struct.pack(f"{order}H", len(tags)) + b"".join(tags) + bytes(4)


def with_exif(data: bytes, tiff: bytes) -> bytes:
    if data.startswith(b"\xff\xd8"):
        block = b"Exif\0\0" + tiff
        return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]
    chunk = b"eXIf" + tiff
    whole = struct.pack(">I", len(tiff)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return data[:33] + whole + data[33:]


def stored_as(shown: np.ndarray, value: int) -> np.ndarray:
    """The pixels to store so that a viewer that obeys the flag shows ``shown``: Exif's own definition of
    where the stored 0th row and 0th column are, taken literally."""
    return {
        1: shown,
        2: shown[:, ::-1],  # 0th row top, 0th column right
        3: shown[::-1, ::-1],  # bottom, right
        4: shown[::-1],  # bottom, left
        5: shown.transpose(1, 0, 2),  # 0th row is the left side, 0th column the top
        6: shown.transpose(1, 0, 2)[::-1],  # right side, top: row 0 is the right side
        7: shown.transpose(1, 0, 2)[::-1, ::-1],  # right side, bottom
        8: shown.transpose(1, 0, 2)[:, ::-1],  # left side, bottom
    }[value]


def pixels_of(picture_bytes: bytes, width: int, height: int) -> np.ndarray:
    return decode("image", picture_bytes, width, height, "test").astype(int)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("grey", [False, True])
def test_plain_files_keep_their_bytes(suffix: str, grey: bool) -> None:
    data = encoded(scene()[..., 0] if grey else scene(), suffix)
    picture = take_in(data, "x", (WIDTH, HEIGHT))
    assert picture.encoded == data
    assert (picture.width, picture.height, picture.change) == (WIDTH, HEIGHT, "")
    assert take_in(data, "x", None).encoded == data


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_flag_is_cleared_and_the_stored_pixels_stay(suffix: str, value: int, order: str) -> None:
    plain = jpeg(scene()) if suffix == ".jpg" else encoded(scene(), suffix)
    data = with_exif(plain, exif(value, order))
    assert orientation(data).value == value
    picture = take_in(data, "x", (WIDTH, HEIGHT) if value % 2 else None)
    assert (picture.width, picture.height) == (WIDTH, HEIGHT)
    assert orientation(picture.encoded).value == 1
    assert picture.change == ("" if value == 1 else "orientation flag cleared")
    np.testing.assert_array_equal(pixels_of(picture.encoded, WIDTH, HEIGHT), pixels_of(plain, WIDTH, HEIGHT))
    # software that obeys the flag now shows the very same
    obeying = cv2.imdecode(np.frombuffer(picture.encoded, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(obeying[..., ::-1], pixels_of(plain, WIDTH, HEIGHT))


@pytest.mark.parametrize("value", [5, 6, 7, 8])
def test_annotations_of_the_turned_photo_get_the_turned_photo(value: int) -> None:
    data = with_exif(jpeg(stored_as(scene(), value)), exif(value))
    picture = take_in(data, "x", (WIDTH, HEIGHT))
    assert (picture.width, picture.height, picture.change) == (WIDTH, HEIGHT, "turned upright")
    assert orientation(picture.encoded).value == 1
    got = pixels_of(picture.encoded, WIDTH, HEIGHT)
    for rows, columns in ((4, 4), (4, -4), (-4, 4), (-4, -4)):
        assert np.abs(got[rows, columns] - scene()[rows, columns].astype(int)).max() < 12
    with pytest.raises(InputError, match="a picture of 40x25, as annotated, got 24x40"):
        take_in(data, "x", (WIDTH, HEIGHT + 1))


def test_colours_that_others_might_show_differently_are_converted() -> None:
    alpha = np.dstack([scene()[..., ::-1], np.full((HEIGHT, WIDTH), 90, np.uint8)])
    for data in (
        encoded(alpha, ".png"),
        encoded(scene().astype(np.uint16) * 257, ".png"),
        encoded(scene(), ".bmp"),
    ):
        picture = take_in(data, "x", (WIDTH, HEIGHT))
        assert picture.change == "converted"
        assert picture.encoded.startswith(b"\x89PNG")
        np.testing.assert_array_equal(pixels_of(picture.encoded, WIDTH, HEIGHT), scene())
    for quality in (101, 90):  # lossless VP8L and lossy VP8
        data = encoded(scene(), ".webp", cv2.IMWRITE_WEBP_QUALITY, quality)
        picture = take_in(data, "x", (WIDTH, HEIGHT))
        assert picture.change == "converted"
        assert np.abs(pixels_of(picture.encoded, WIDTH, HEIGHT) - scene().astype(int)).mean() < 6


def cmyk_jpeg() -> bytes:
    """A JPEG for printers."""
    sink = io.BytesIO()
    PIL.Image.fromarray(scene()).convert("CMYK").save(sink, "JPEG", quality=98)
    return sink.getvalue()


def test_four_colour_prints_become_rgb() -> None:
    picture = take_in(cmyk_jpeg(), "x", None)
    assert picture.change == "converted"
    assert picture.encoded[:2] == b"\xff\xd8"
    got = pixels_of(picture.encoded, WIDTH, HEIGHT)
    assert np.abs(got - scene().astype(int)).mean() < 40  # no colour management, but no negative either


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "a JPEG, PNG, WebP or BMP picture, got 0 bytes"),
        (b"GIF89a" + bytes(50), "a JPEG, PNG, WebP or BMP picture, got 56 bytes"),
        (jpeg(scene())[:-40], "a whole picture, got a truncated one"),
        (encoded(scene(), ".png")[:-20], "a whole picture, got a truncated one"),
        (encoded(scene(), ".png")[:60] + bytes(30) + encoded(scene(), ".png")[90:], "decodable picture"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 1 << 20, 1 << 20) + bytes(50), "at most"),
        (b"RIFF" + bytes(4) + b"WEBPVP8X" + bytes(8) + b"\xff" * 6 + bytes(20), "at most 128 megapixels"),
        (b"BM" + bytes(16) + struct.pack("<ii", 1 << 30, 1 << 30) + bytes(40), "at most 128 megapixels"),
        (b"BM" + bytes(16) + struct.pack("<ii", 0, 5) + bytes(40), "at most 128 megapixels, got 0x5"),
    ],
)
def test_what_is_no_whole_picture_is_a_fault(data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        take_in(data, "photos.zip!x.jpg", None)
    assert caught.value.where == "photos.zip!x.jpg"


def test_another_size_than_annotated_is_a_fault() -> None:
    for size in ((WIDTH + 1, HEIGHT), (HEIGHT, WIDTH)):
        with pytest.raises(InputError, match=f"a picture of {size[0]}x{size[1]}, as annotated, got 40x24"):
            take_in(jpeg(scene()), "x", size)


def lens(focal: int, order: str = ">", kind: int = 3, pointed: int = 38) -> bytes:
    """A TIFF structure with an orientation, and a focal length in the directory that another tag points to."""
    head = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(f"{order}I", 8)
    first = struct.pack(f"{order}HHHIHHHHII", 2, 0x0112, 3, 1, 1, 0, 0x8769, 4, 1, pointed)
    second = struct.pack(f"{order}HHHIHHHHIHH", 2, 0xA404, 3, 1, 5, 0, 0xA405, kind, 1, focal, 0)
    return head + first + bytes(4) + second + bytes(4)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_the_lens_is_read(order: str, suffix: str) -> None:
    data = with_exif(encoded(scene(), suffix), lens(28, order))
    assert focal_35mm(data) == 28
    assert orientation(data).value == 1
    assert focal_35mm(encoded(scene(), suffix)) is None


@pytest.mark.parametrize(
    "tiff",
    [exif(3), lens(0), lens(28, kind=4), lens(28, pointed=39), lens(28, pointed=1 << 31), lens(28)[:60]],
)
def test_no_lens_is_made_up(tiff: bytes) -> None:
    assert focal_35mm(with_exif(jpeg(scene()), tiff)) is None


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=60),
    st.sampled_from([b"\xff\xd8\xff\xe1\0\x30Exif\0\0MM\0*", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b""]),
)
def test_damaged_exif_says_nothing(junk: bytes, start: bytes) -> None:
    found = orientation(start + junk)
    assert 1 <= found.value <= 8
    assert (focal_35mm(start + junk) or 1) > 0
    upright = made_upright(start + junk)
    assert (
        orientation(upright) in (Orientation(), orientation(start + junk)) or orientation(upright).value == 1
    )
    assert orientation(upright).value == 1


def test_real_photos_keep_their_bytes(data: Path) -> None:
    for name in ("coco/mmpose_images.zip", "mpii/mmpose_images.zip"):
        where = data / "pose2d" / name
        for file in list_files(where, SUFFIXES):
            raw = read_file(where, file, MAX_FILE_BYTES)
            assert take_in(raw, file, None).encoded == raw
