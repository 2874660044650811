"""MATLAB 5 files, read without trust.

A :class:`Node` is a view of the file's bytes: nothing is allocated because a header says so, only what
is asked for is decoded, and objects, function handles and other things that are no data are refused.
Format: "MAT-File Format", MathWorks, version 5.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.pseudogt.photos.bounded import read_bytes

MAX_INFLATED = 1 << 30
_HEADER = 128
_HDF5 = b"\x89HDF\r\n\x1a\n"
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _CHAR = 1, 2, 4
_CLASS_TYPES = {
    6: "f8",
    7: "f4",
    8: "i1",
    9: "u1",
    10: "i2",
    11: "u2",
    12: "i4",
    13: "u4",
    14: "i8",
    15: "u8",
}
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_TEXT = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_COMPLEX = 0x0800


@dataclass(frozen=True)
class _Element:
    """One tagged run of bytes: ``data[start:start + size]``."""

    kind: int
    start: int
    size: int
    next: int


class _Bytes:
    """The inflated contents of one variable."""

    def __init__(self, data: bytes, order: str, where: str) -> None:
        self.data, self.order, self.where = data, order, where

    def element(self, at: int, end: int) -> _Element:
        if at + 8 > end:
            raise self.damaged("a whole element")
        word, size = struct.unpack_from(f"{self.order}II", self.data, at)
        if word >> 16:  # a small element: size and type share the first word, the data is the second
            kind, size, start = word & 0xFFFF, word >> 16, at + 4
            after = at + 8
            if size > 4:
                raise self.damaged("a small element of at most 4 bytes")
        else:
            kind, start = word, at + 8
            after = start + size + (-size % 8)
        if start + size > end:
            raise self.damaged("an element inside its parent")
        return _Element(kind, start, size, min(after, end))

    def numbers(self, element: _Element) -> NDArray[np.generic]:
        dtype = _STORED.get(element.kind)
        if dtype is None or element.size % int(dtype[1]):
            raise self.damaged("numbers")
        count = element.size // int(dtype[1])
        return np.frombuffer(self.data, f"{self.order}{dtype}", count, element.start)

    def damaged(self, expected: str) -> InputError:
        return InputError(self.where, f"{expected} of a MATLAB 5 file", "damaged data")


@dataclass(frozen=True)
class Node:
    """A matrix, text, cell array or struct array inside a MATLAB file.

    Attributes:
        where: file and variable, for messages.
        kind: MATLAB's class number.
        dims: its dimensions.
        name: of a variable; empty inside of one.
    """

    _bytes: _Bytes
    where: str
    kind: int
    dims: tuple[int, ...]
    name: str
    _at: int
    _end: int
    _complex: bool = False

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.dims)

    @property
    def is_struct(self) -> bool:
        """Whether it is a struct array."""
        return self.kind == _STRUCT

    @property
    def is_cell(self) -> bool:
        """Whether it is a cell array."""
        return self.kind == _CELL

    @property
    def is_text(self) -> bool:
        """Whether it holds characters."""
        return self.kind == _CHAR

    def array(self) -> NDArray[np.generic]:
        """The numbers, in the shape ``dims``; raises :class:`InputError` if it is something else."""
        if self.kind not in _CLASS_TYPES or self._complex:
            raise InputError(self.where, "an array of real numbers", self._described())
        if self.size == 0:
            return np.zeros(self.dims)
        stored = self._bytes.numbers(self._bytes.element(self._at, self._end))
        if len(stored) != self.size:
            raise self._bytes.damaged(f"{self.size} numbers")
        return stored.astype(_CLASS_TYPES[self.kind]).reshape(self.dims, order="F")

    def number(self) -> float:
        """The one number it holds; raises :class:`InputError` if it holds none or several."""
        if self.size != 1:
            raise InputError(self.where, "one number", self._described())
        return float(self.array().reshape(-1)[0].item())

    def text(self) -> str:
        """One line of text; empty arrays are empty text."""
        if self.size == 0:
            return ""
        if not self.is_text or self.size != max(self.dims):
            raise InputError(self.where, "a line of text", self._described())
        element = self._bytes.element(self._at, self._end)
        encoding = _TEXT.get(element.kind)
        if encoding is None:
            raise self._bytes.damaged("text")
        if encoding in ("utf-16", "utf-32"):
            encoding += "-le" if self._bytes.order == "<" else "-be"
        raw = self._bytes.data[element.start : element.start + element.size]
        return raw.decode(encoding, errors="replace")

    def items(self) -> Iterator[Node]:
        """The elements of a cell array, column by column."""
        if not self.is_cell:
            raise InputError(self.where, "a cell array", self._described())
        at = self._at
        for index in range(self.size):
            node, at = _matrix(self._bytes, at, self._end, f"{self.where}{{{index + 1}}}")
            yield node

    def records(self) -> Iterator[dict[str, Node]]:
        """The elements of a struct array, column by column, each by field name; none if it is empty."""
        if self.size == 0:
            return
        if not self.is_struct:
            raise InputError(self.where, "a struct", self._described())
        lengths = self._bytes.element(self._at, self._end)
        names = self._bytes.element(lengths.next, self._end)
        length = int(self._bytes.numbers(lengths).reshape(-1)[:1].sum())
        if length < 1 or names.size % length:
            raise self._bytes.damaged("field names")
        raw = self._bytes.data[names.start : names.start + names.size]
        fields = [
            raw[i : i + length].partition(b"\0")[0].decode("latin-1") for i in range(0, len(raw), length)
        ]
        if not fields:
            raise self._bytes.damaged("fields")
        at = names.next
        for index in range(self.size):
            record = {}
            place = f"({index + 1})" if self.size > 1 else ""
            for field in fields:
                record[field], at = _matrix(self._bytes, at, self._end, f"{self.where}{place}.{field}")
            yield record

    def record(self) -> dict[str, Node]:
        """The one element of a 1x1 struct."""
        if not self.is_struct or self.size != 1:
            raise InputError(self.where, "a 1x1 struct", self._described())
        return next(self.records())

    def _described(self) -> str:
        what = {_CELL: "cell array", _STRUCT: "struct", _CHAR: "text"}.get(self.kind, "array")
        what = what if self.kind in (_CELL, _STRUCT, _CHAR, *_CLASS_TYPES) else f"MATLAB class {self.kind}"
        return f"a {'x'.join(map(str, self.dims))} {'complex ' if self._complex else ''}{what}"


def read_mat(path: Path) -> dict[str, Node]:
    """The variables of a MATLAB 5 file (``save -v7`` and before), by name.

    Raises:
        InputError: no such file, another version, or damaged.
    """
    data = read_bytes(path)
    if data.startswith(_HDF5) or b"MATLAB 7.3" in data[:_HEADER]:
        raise InputError(path, "a MATLAB 5 file", "version 7.3", "save it in MATLAB with '-v7'")
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None or not data.startswith(b"MATLAB 5.0"):
        raise InputError(path, "a MATLAB 5 file", "something else")
    variables: dict[str, Node] = {}
    at, inflated = _HEADER, 0
    outer = _Bytes(data, order, str(path))
    while at < len(data):
        element = outer.element(at, len(data))
        at = element.next
        block = outer
        start = element.start - 8
        if element.kind == _COMPRESSED:
            at = element.start + element.size  # compressed elements are not padded
            raw = _inflate(data[element.start : at], MAX_INFLATED - inflated, path)
            inflated += len(raw)
            block, start = _Bytes(raw, order, str(path)), 0
        elif element.kind != _MATRIX:
            raise outer.damaged("variables")
        end = len(block.data) if block is not outer else element.start + element.size
        node, _ = _matrix(block, start, end, "")
        variables[node.name] = Node(**(vars(node) | {"where": f"{path}: {node.name}"}))
    return variables


def _inflate(packed: bytes, limit: int, path: Path) -> bytes:
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(packed, limit)
    except zlib.error as error:
        raise InputError(path, "intact compressed data", error) from None
    if not stream.eof:
        got = "more" if stream.unconsumed_tail else "truncated data"
        raise InputError(path, f"whole variables, of at most {MAX_INFLATED >> 20} MB unpacked", got)
    return data


def _matrix(source: _Bytes, at: int, end: int, where: str) -> tuple[Node, int]:
    """The matrix element at a place, undecoded, and where the next one begins."""
    where = where or source.where
    outer = source.element(at, end)
    if outer.kind != _MATRIX:
        raise source.damaged("a matrix")
    stop = outer.start + outer.size
    if outer.size == 0:  # how an empty field is stored
        return Node(source, where, 6, (0, 0), "", stop, stop), outer.next
    flags = source.element(outer.start, stop)
    dims = source.element(flags.next, stop)
    name = source.element(dims.next, stop)
    if flags.size != 8 or dims.kind != 5 or dims.size < 8 or dims.size > 256:
        raise source.damaged("a matrix's header")
    word = int(source.numbers(flags).reshape(-1)[0].item())
    sizes = tuple(int(n) for n in source.numbers(dims).tolist())
    if min(sizes) < 0:
        raise source.damaged("dimensions")
    title = source.data[name.start : name.start + name.size].decode("latin-1")
    node = Node(source, where, word & 0xFF, sizes, title, name.next, stop, bool(word & _COMPLEX))
    return node, outer.next
