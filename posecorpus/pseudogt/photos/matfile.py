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
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.pseudogt.photos.bounded import read_bytes

MAX_INFLATED = 1 << 30
_HEADER_BYTES = 128
_HDF5 = b"\x89HDF\r\n\x1a\n"
_INT32, _UINT32, _MATRIX, _COMPRESSED = 5, 6, 14, 15
_CELL, _STRUCT, _CHAR, _DOUBLE = 1, 2, 4, 6
_COMPLEX = 0x0800
_CLASSES = {
    _DOUBLE: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8",
}  # fmt: skip
"""What a matrix holds, by its class."""
_STORED = {
    1: ("b", 1), 2: ("B", 1), 3: ("h", 2), 4: ("H", 2), _INT32: ("i", 4), _UINT32: ("I", 4), 7: ("f", 4),
    9: ("d", 8), 12: ("q", 8), 13: ("Q", 8),
}  # fmt: skip
"""How an element stores numbers, by its type: code of :mod:`struct` and numpy, and bytes."""
_TEXT = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}

_Element = tuple[int, int, int, int]
"""One tagged run of bytes: its type, where it starts, its size, and where the next one is."""


class _Bytes:
    """The inflated contents of one variable."""

    def __init__(self, data: bytes, order: str, where: str) -> None:
        self.data, self.order, self.where = data, order, where
        self._two_words = struct.Struct(f"{order}II").unpack_from

    def element(self, at: int, end: int) -> _Element:
        """The element at a place, which must lie before ``end``."""
        if at + 8 > end:
            raise self.damaged("a whole element")
        word, size = self._two_words(self.data, at)
        if word >> 16:  # a small element: size and type share the first word, the data is the second
            kind, size, start, after = word & 0xFFFF, word >> 16, at + 4, at + 8
            if size > 4:
                raise self.damaged("a small element of at most 4 bytes")
        else:
            kind, start = word, at + 8
            after = start + size + (-size % 8)
        if start + size > end:
            raise self.damaged("an element inside its parent")
        return kind, start, size, min(after, end)

    def matrix(self, at: int, end: int, where: str, name: str) -> tuple[Node, int]:
        """The matrix at a place, undecoded, and where the next element is."""
        kind, start, size, after = self.element(at, end)
        if kind != _MATRIX:
            raise self.damaged("a matrix")
        return Node(self, start, start + size, where, name), after

    def numbers(self, element: _Element) -> NDArray[np.generic]:
        """The numbers of an element, as they are stored."""
        code, count = self._numeric(element)
        return np.frombuffer(self.data, f"{self.order}{code}", count, element[1])

    def few(self, element: _Element) -> tuple[float, ...]:
        """As :meth:`numbers`; quicker for a handful."""
        code, count = self._numeric(element)
        return struct.unpack_from(f"{self.order}{count}{code}", self.data, element[1])

    def _numeric(self, element: _Element) -> tuple[str, int]:
        code, width = _STORED.get(element[0], ("", 1))
        if not code or element[2] % width:
            raise self.damaged("numbers")
        return code, element[2] // width

    def damaged(self, expected: str) -> InputError:
        """The error of a file that breaks its format's rules."""
        return InputError(self.where, f"{expected} of a MATLAB 5 file", "damaged data")


class _Header(NamedTuple):
    kind: int
    dims: tuple[int, ...]
    is_complex: bool
    name: str
    body: int


class Node:
    """A matrix, text, cell array or struct array inside a MATLAB file; decoded when asked.

    Attributes:
        where: file, variable and place in it, for messages.
    """

    def __init__(self, source: _Bytes, start: int, end: int, parent: str, name: str) -> None:
        self._bytes, self._start, self._end = source, start, end
        self._parent, self._name = parent, name

    @property
    def where(self) -> str:
        """File and place, for messages."""
        return f"{self._parent}{self._name}"

    @cached_property
    def _header(self) -> _Header:
        source, end = self._bytes, self._end
        if self._start == end:  # how an empty field is stored
            return _Header(_DOUBLE, (0, 0), False, "", end)
        flags = source.element(self._start, end)
        dims = source.element(flags[3], end)
        name = source.element(dims[3], end)
        if flags[0] != _UINT32 or flags[2] != 8 or dims[0] != _INT32 or not 8 <= dims[2] <= 256:
            raise source.damaged("a matrix's header")
        word, sizes = int(source.few(flags)[0]), tuple(int(n) for n in source.few(dims))
        if min(sizes) < 0:
            raise source.damaged("dimensions")
        title = source.data[name[1] : name[1] + name[2]].decode("latin-1")
        return _Header(word & 0xFF, sizes, bool(word & _COMPLEX), title, name[3])

    @property
    def variable(self) -> str:
        """Its own name; empty for what lies inside a variable."""
        return self._header.name

    @property
    def dims(self) -> tuple[int, ...]:
        """MATLAB's dimensions."""
        return self._header.dims

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self._header.dims)

    @property
    def is_struct(self) -> bool:
        """Whether it is a struct array."""
        return self._header.kind == _STRUCT

    @property
    def is_cell(self) -> bool:
        """Whether it is a cell array."""
        return self._header.kind == _CELL

    @property
    def is_text(self) -> bool:
        """Whether it holds characters."""
        return self._header.kind == _CHAR

    def array(self) -> NDArray[np.generic]:
        """The numbers, in the shape ``dims``; raises :class:`InputError` if it is something else."""
        dtype = self._number_type()
        if self.size == 0:
            return np.zeros(self.dims)
        stored = self._bytes.numbers(self._bytes.element(self._header.body, self._end))
        if len(stored) != self.size:
            raise self._bytes.damaged(f"{self.size} numbers")
        return stored.astype(dtype).reshape(self.dims, order="F")

    def number(self) -> float:
        """The one number it holds; raises :class:`InputError` if it holds none or several."""
        self._number_type()
        if self.size != 1:
            raise InputError(self.where, "one number", self._described())
        values = self._bytes.few(self._bytes.element(self._header.body, self._end))
        if len(values) != 1:
            raise self._bytes.damaged("1 number")
        return float(values[0])

    def _number_type(self) -> str:
        dtype = _CLASSES.get(self._header.kind)
        if dtype is None or self._header.is_complex:
            raise InputError(self.where, "an array of real numbers", self._described())
        return dtype

    def text(self) -> str:
        """One line of text; empty arrays are empty text."""
        if self.size == 0:
            return ""
        if not self.is_text or self.size != max(self.dims):
            raise InputError(self.where, "a line of text", self._described())
        kind, start, size, _ = self._bytes.element(self._header.body, self._end)
        encoding = _TEXT.get(kind)
        if encoding is None:
            raise self._bytes.damaged("text")
        if encoding in ("utf-16", "utf-32"):
            encoding += "-le" if self._bytes.order == "<" else "-be"
        return self._bytes.data[start : start + size].decode(encoding, errors="replace")

    def items(self) -> Iterator[Node]:
        """The elements of a cell array, column by column."""
        if not self.is_cell:
            raise InputError(self.where, "a cell array", self._described())
        at, where = self._header.body, self.where
        for index in range(self.size):
            node, at = self._bytes.matrix(at, self._end, where, f"{{{index + 1}}}")
            yield node

    def records(self) -> Iterator[dict[str, Node]]:
        """The elements of a struct array, column by column, each by field name; none if it is empty."""
        if self.size == 0:
            return
        if not self.is_struct:
            raise InputError(self.where, "a struct", self._described())
        fields, at = self._fields()
        for index in range(self.size):
            record = {}
            where = f"{self.where}({index + 1})" if self.size > 1 else self.where
            for field in fields:
                record[field], at = self._bytes.matrix(at, self._end, where, f".{field}")
            yield record

    def record(self) -> dict[str, Node]:
        """The one element of a 1x1 struct."""
        if not self.is_struct or self.size != 1:
            raise InputError(self.where, "a 1x1 struct", self._described())
        return next(self.records())

    def _fields(self) -> tuple[list[str], int]:
        """Names of a struct's fields, and where its first value is."""
        source = self._bytes
        lengths = source.element(self._header.body, self._end)
        _, start, size, at = source.element(lengths[3], self._end)
        length = int(sum(source.few(lengths)[:1])) if lengths[2] <= 8 else 0
        if length < 1 or size < length or size % length:
            raise source.damaged("field names")
        raw = source.data[start : start + size]
        names = [raw[i : i + length].partition(b"\0")[0] for i in range(0, size, length)]
        return [name.decode("latin-1") for name in names], at

    def called(self, name: str) -> Node:
        """The same, with that name in messages."""
        return Node(self._bytes, self._start, self._end, self._parent, name)

    def _described(self) -> str:
        kind = self._header.kind
        what = {_CELL: "cell array", _STRUCT: "struct", _CHAR: "text"}.get(kind, "array")
        what = what if kind in (_CELL, _STRUCT, _CHAR, *_CLASSES) else f"MATLAB class {kind}"
        return f"a {'x'.join(map(str, self.dims))} {'complex ' if self._header.is_complex else ''}{what}"


def read_mat(path: Path) -> dict[str, Node]:
    """The variables of a MATLAB 5 file (``save -v7`` and before), by name.

    Raises:
        InputError: no such file, another version, or damaged.
    """
    data = read_bytes(path)
    if data.startswith(_HDF5) or b"MATLAB 7.3" in data[:_HEADER_BYTES]:
        raise InputError(path, "a MATLAB 5 file", "version 7.3", "save it in MATLAB with '-v7'")
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None or not data.startswith(b"MATLAB 5.0"):
        raise InputError(path, "a MATLAB 5 file", "something else")
    variables: dict[str, Node] = {}
    at, inflated = _HEADER_BYTES, 0
    outer = _Bytes(data, order, str(path))
    while at < len(data):
        kind, start, size, _ = outer.element(at, len(data))
        if kind == _COMPRESSED:
            raw = _inflate(data[start : start + size], MAX_INFLATED - inflated, path)
            inflated += len(raw)
            node, _ = _Bytes(raw, order, str(path)).matrix(0, len(raw), f"{path}: ", "")
            at = start + size  # compressed elements are not padded
        elif kind == _MATRIX:
            node, at = outer.matrix(at, len(data), f"{path}: ", "")
        else:
            raise outer.damaged("variables")
        variables[node.variable] = node.called(node.variable)
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
