"""Photographs on their way into a corpus: measured, proved to be whole, and kept byte for byte where possible.

Annotators marked pixels, so what matters is which pixels. Tools of the time (MATLAB, browsers) ignored
the orientation that a camera notes beside a photo, and so do corpora. A photo that carries such a note
is therefore taken as it is stored, and the note is set to "upright" without touching the pixels; only if the
annotations give a width and height that fit the turned photo alone is it turned.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.codecs import MAX_PIXELS, image_size
from posecorpus.core.errors import InputError
from posecorpus.core.image_header import is_complete, stored_size
from posecorpus.pseudogt.photos.exif import UPRIGHT, made_upright, orientation

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
MAX_FILE_BYTES = 64 << 20
_TURNS = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
_PNG_COMPRESSION = [cv2.IMWRITE_PNG_COMPRESSION, 6]


@dataclass(frozen=True, eq=False)
class Picture:
    """A photo as a corpus stores it.

    Attributes:
        encoded: a JPEG or PNG of 8 bits a channel.
        width, height: pixels.
        change: what was done to the file, or "" if these are its own bytes.
    """

    encoded: bytes
    width: int
    height: int
    change: str = ""


def take_in(data: bytes, where: str, size: tuple[int, int] | None, *, upright: bool = False) -> Picture:
    """A photo's file as a corpus stores it.

    Args:
        data: the file.
        where: named in errors.
        size: width and height that the annotations give, or None.
        upright: turn a photo as its note says: nobody has annotated it, so nobody means its stored pixels.

    Raises:
        InputError: no picture, a truncated or damaged one, or one of another size than annotated.
    """
    stored = _stored_size(data, where)
    if stored[0] * stored[1] > MAX_PIXELS or min(stored) < 1:
        raise InputError(where, f"a picture of at most {MAX_PIXELS >> 20} megapixels", _by(stored))
    plain = stored_size(data) is not None
    if plain and not is_complete(data):  # decoders would fill the missing part with grey
        raise InputError(where, "a whole picture", "a truncated one")
    turn = orientation(data) if plain else None
    pixels = _decode(data, where)
    if pixels.shape[1::-1] != stored:
        raise InputError(where, f"a picture of {_by(stored)}, as its header says", _by(pixels.shape[1::-1]))
    if size is not None and size != stored:
        if turn is None or not turn.turns_sideways or size != stored[::-1]:
            raise InputError(where, f"a picture of {_by(size)}, as annotated", _by(stored))
        return _again(_turned(pixels, turn.value), data, "turned upright")
    if upright and turn is not None and turn.value != UPRIGHT:
        return _again(_turned(pixels, turn.value), data, "turned upright")
    if not plain:
        return _again(pixels, data, "converted")
    if _needs_conversion(data):
        return _again(pixels, data, "converted")
    if turn is not None and turn.value != UPRIGHT:
        return Picture(made_upright(data), *stored, "orientation flag cleared")
    return Picture(data, *stored)


def _stored_size(data: bytes, where: str) -> tuple[int, int]:
    size = _webp_size(data) or _bmp_size(data)
    if size is not None:
        return size
    if stored_size(data) is None:
        raise InputError(where, "a JPEG, PNG, WebP or BMP picture", f"{len(data)} bytes of something else")
    return image_size(data, where)


def _webp_size(data: bytes) -> tuple[int, int] | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or len(data) < 30:
        return None
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return None


def _bmp_size(data: bytes) -> tuple[int, int] | None:
    if data[:2] != b"BM" or len(data) < 26:
        return None
    width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)


def _decode(data: bytes, where: str) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 BGR, unturned."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise InputError(where, "a decodable picture", error) from None
    if pixels is None:
        raise InputError(where, "a decodable picture", "damaged data")
    return np.asarray(pixels, np.uint8)


def _needs_conversion(data: bytes) -> bool:
    """Whether other software might show other colours than ours: CMYK, 16 bits, transparency."""
    if data.startswith(b"\xff\xd8"):
        frame = _jpeg_frame(data)
        return frame is None or frame[0] != 8 or frame[1] not in (1, 3)
    depth, colour = data[24], data[25]
    return depth == 16 or colour in (4, 6) or b"tRNS" in data[: data.find(b"IDAT")]


def _jpeg_frame(data: bytes) -> tuple[int, int] | None:
    """Bits a sample and number of components."""
    at = 2
    while at + 10 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in range(0xC0, 0xD0) and marker not in (0xC4, 0xC8, 0xCC):
            return data[at + 4], data[at + 9]
        else:
            at += (
                2
                if marker == 0x01 or marker in range(0xD0, 0xD9)
                else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            )
    return None


def _turned(pixels: NDArray[np.uint8], value: int) -> NDArray[np.uint8]:
    """Pixels as a viewer that obeys Exif shows them."""
    if value in (2, 4, 5, 7):
        pixels = np.ascontiguousarray(pixels[:, ::-1])
        value = {2: 1, 4: 3, 5: 8, 7: 6}[value]
    return pixels if value == UPRIGHT else np.asarray(cv2.rotate(pixels, _TURNS[value]), np.uint8)


def _again(pixels: NDArray[np.uint8], data: bytes, change: str) -> Picture:
    """Encoded anew: losslessly what was lossless, as a very good JPEG what was a JPEG or WebP."""
    lossless = data.startswith(b"\x89PNG") or data[:2] == b"BM"
    suffix, options = (".png", _PNG_COMPRESSION) if lossless else (".jpg", [cv2.IMWRITE_JPEG_QUALITY, 97])
    done, encoded = cv2.imencode(suffix, pixels, options)
    if not done:
        raise RuntimeError(f"OpenCV could not encode a picture of {pixels.shape} as {suffix}")
    height, width = pixels.shape[:2]
    return Picture(bytes(encoded), width, height, change)


def _by(size: tuple[int, ...]) -> str:
    return "x".join(map(str, size))
