"""Size and wholeness of a jpg or png, before anything is decoded."""

from __future__ import annotations

import struct

_PNG = b"\x89PNG\r\n\x1a\n"
_NO_LENGTH = {0x01, *range(0xD0, 0xD9)}
_FRAME = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def stored_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels as stored, or None if it is no jpg or png with an intact header."""
    if data.startswith(_PNG):
        if len(data) < 24 or data[12:16] != b"IHDR":
            return None
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    if data.startswith(b"\xff\xd8"):
        return _jpeg_size(data)
    return None


def is_complete(data: bytes) -> bool:
    """Whether a jpg or png with an intact header also has its end."""
    if data.startswith(_PNG):
        return data.rfind(b"IEND") > 0
    # In a scan 0xFF is always escaped, so an end marker after the first scan's start is no accident.
    start = data.find(b"\xff\xda")
    return start > 0 and data.rfind(b"\xff\xd9") > start


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _FRAME:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        elif marker in _NO_LENGTH:
            at += 2
        else:
            length = struct.unpack(">H", data[at + 2 : at + 4])[0]
            if length < 2:
                return None
            at += 2 + length
    return None
