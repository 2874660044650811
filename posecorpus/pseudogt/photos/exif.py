"""What a photo says of the camera that took it: how it was turned, and its lens.

Of an Exif block ("Exif 2.32", section 4.6.4) only the orientation is read (tag 274 of the first directory), and the
focal length that would give the same view on 35 mm film (tag 41989 of the directory that tag 34665 points to).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

UPRIGHT = 1
_ORIENTATION, _CAMERA, _FOCAL = 0x0112, 0x8769, 0xA405
_SHORT, _LONG = 3, 4
_PNG = b"\x89PNG\r\n\x1a\n"
_EXIF = b"Exif\0\0"
_STANDALONE = {0x01, *range(0xD0, 0xD9)}


@dataclass(frozen=True)
class Orientation:
    """The orientation flag of a picture.

    Attributes:
        value: 1 upright, 2 to 8 as Exif numbers the turns and mirrorings; 5 to 8 exchange width and height.
        at: where its two bytes lie in the file, or -1 if it has none.
        order: their byte order, as :mod:`struct` writes it.
    """

    value: int = UPRIGHT
    at: int = -1
    order: str = ">"

    @property
    def turns_sideways(self) -> bool:
        """Whether a viewer that obeys it exchanges width and height."""
        return self.value >= 5


def orientation(data: bytes) -> Orientation:
    """The orientation of a JPEG or PNG; upright where it says nothing that makes sense."""
    for start, end in _blocks(data):
        found = _in_tiff(data, start, end)
        if found is not None:
            return found
    return Orientation()


def focal_35mm(data: bytes) -> int | None:
    """Focal length in millimetres on 35 mm film that gives a JPEG's or PNG's field of view, if it is known."""
    for start, end in _blocks(data):
        order = _order(data, start, end)
        at = None if order is None else _value(data, start, end, _first(data, start, order), _CAMERA, _LONG)
        found = None if at is None else _value(data, start, end, start + at[0], _FOCAL, _SHORT)
        if found is not None and found[0] > 0:
            return found[0]
    return None


def made_upright(data: bytes) -> bytes:
    """The same file, its pixels untouched, whose flag says that they are upright as they are stored."""
    if data.startswith(_PNG):
        return _without_exif(data)
    found = orientation(data)
    if found.value == UPRIGHT:
        return data
    return data[: found.at] + struct.pack(f"{found.order}H", UPRIGHT) + data[found.at + 2 :]


def _blocks(data: bytes) -> Iterator[tuple[int, int]]:
    """Where the TIFF structures of Exif blocks lie."""
    if data.startswith(_PNG):
        yield from ((start, end) for kind, start, end in _png_chunks(data) if kind == b"eXIf")
    elif data.startswith(b"\xff\xd8"):
        for start, end in _app1(data):
            if data[start : start + len(_EXIF)] == _EXIF:
                yield start + len(_EXIF), end


def _app1(data: bytes) -> Iterator[tuple[int, int]]:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _STANDALONE:
            at += 2
        elif marker in (0xD9, 0xDA):  # the end, or pixels
            return
        else:
            end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            if marker == 0xE1:
                yield at + 4, min(end, len(data))
            at = end


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    at = len(_PNG)
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], at + 8, min(at + 8 + size, len(data))
        at += 12 + size


def _without_exif(data: bytes) -> bytes:
    kept = [_PNG]
    at = len(_PNG)
    for kind, _, end in _png_chunks(data):
        if kind != b"eXIf":
            kept.append(data[at : end + 4])
        at = end + 4
    return b"".join(kept) + data[at:]


def _in_tiff(data: bytes, start: int, end: int) -> Orientation | None:
    order = _order(data, start, end)
    found = (
        None if order is None else _value(data, start, end, _first(data, start, order), _ORIENTATION, _SHORT)
    )
    if order is None or found is None or not 1 <= found[0] <= 8:
        return None
    return Orientation(found[0], found[1], order)


def _order(data: bytes, start: int, end: int) -> str | None:
    """Byte order of a TIFF structure, None if it is none."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[start : start + 4])
    return order if start + 8 <= end else None


def _first(data: bytes, start: int, order: str) -> int:
    """Where the first directory of a TIFF structure lies."""
    return start + int(struct.unpack_from(f"{order}I", data, start + 4)[0])


def _value(data: bytes, start: int, end: int, at: int, tag: int, kind: int) -> tuple[int, int] | None:
    """The single number of a tag in the directory at ``at``, and where its bytes lie; None if there is none."""
    order = _order(data, start, end)
    if order is None or at + 2 > end:
        return None
    count = int(struct.unpack_from(f"{order}H", data, at)[0])
    for entry in range(at + 2, min(at + 2 + 12 * count, end - 11), 12):
        if struct.unpack_from(f"{order}HHI", data, entry) == (tag, kind, 1):
            size = "H" if kind == _SHORT else "I"
            return int(struct.unpack_from(f"{order}{size}", data, entry + 8)[0]), entry + 8
    return None
