"""Arrays out of a pickle, without running what the pickle says.

SMPL's model files are Python 2 pickles of a dictionary whose values are NumPy arrays, SciPy sparse
matrices and chumpy objects. Unpickling them the usual way runs any code a file names and needs
chumpy, which modern NumPy cannot import. Here every name in the file resolves to a passive stand-in
that only stores what it is given, or the file is refused; arrays are built afterwards from the bytes
that are in the file, so memory is bounded by its size.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError

MAX_OPCODES = 1_000_000  # an SMPL file has a few hundred; lists of numbers would be many
_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
_NUMERIC = ("numpy.core.numeric", "numpy._core.numeric")


class _Refused(Exception):
    """The pickle asks for something that an SMPL file has no use for."""


class _Record:
    """Remembers the state a pickle gives to an object of some class."""

    args: tuple[object, ...] = ()
    state: object = None

    def __init__(self, *args: object) -> None:
        self.args = args

    def __setstate__(self, state: object) -> None:
        self.state = state

    def field(self, name: str) -> object:
        """A value of the state dictionary, None where there is none."""
        return self.state.get(name) if isinstance(self.state, dict) else None


class _Container(_Record):
    """A set, list or dictionary type among the bookkeeping of a chumpy object; drops what is put in it."""

    def append(self, item: object) -> None:
        """Ignored."""

    def __setitem__(self, key: object, value: object) -> None:
        pass


class _Array(_Record):
    """``numpy.ndarray``: state is (version, shape, dtype, Fortran order, bytes)."""


class _DType(_Record):
    """``numpy.dtype``: arguments are (code, align, copy), the state tells the byte order."""


class _Sparse(_Record):
    """``scipy.sparse`` matrices in compressed column or row form."""


class _CompressedColumns(_Sparse):
    pass


class _CompressedRows(_Sparse):
    pass


class _Chumpy(_Record):
    """``chumpy.Ch``, whose value is the field ``x``."""


class _ChumpySelect(_Record):
    """``chumpy.reordering.Select``: elements ``idxs`` of the array ``a``, in ``preferred_shape``."""


class _Inert:
    """A name that a pickle may mention; calling it does what ``action`` does, and nothing can be
    stored in it, so no file can alter how the next one is read."""

    __slots__ = ("_action",)

    def __init__(self, action: Callable[..., object] | None = None) -> None:
        self._action = action

    def __call__(self, *args: object) -> object:
        if self._action is None:
            raise _Refused("a call of something that is no function")
        return self._action(*args)

    def __setstate__(self, state: object) -> None:
        raise _Refused("a change to a function")


def _reconstruct_array(*_: object) -> _Array:
    return _Array()


def _array_of_buffer(buffer: object, dtype: object, shape: object, order: object) -> _Array:
    array = _Array()
    array.state = (1, shape, dtype, order == "F", buffer)
    return array


def _reconstruct_object(cls: object, *_: object) -> _Record:
    if isinstance(cls, type) and issubclass(cls, _Record):
        return cls()
    raise _Refused("an object of an unexpected class")


def _encode(text: object, encoding: object = "latin1") -> bytes:
    if isinstance(text, str) and encoding == "latin1":
        return text.encode("latin1")
    raise _Refused(f"the encoding {encoding!r}")


_KNOWN: dict[tuple[str, str], _Inert | type[_Record]] = {
    **{(module, "_reconstruct"): _Inert(_reconstruct_array) for module in _MULTIARRAY},
    **{(module, "_frombuffer"): _Inert(_array_of_buffer) for module in _NUMERIC},
    ("numpy", "ndarray"): _Inert(),
    ("numpy", "dtype"): _DType,
    **{(f"scipy.sparse.{m}", "csc_matrix"): _CompressedColumns for m in ("csc", "_csc")},
    **{(f"scipy.sparse.{m}", "csr_matrix"): _CompressedRows for m in ("csr", "_csr")},
    ("chumpy.ch", "Ch"): _Chumpy,
    ("chumpy", "Ch"): _Chumpy,
    ("chumpy.reordering", "Select"): _ChumpySelect,
    ("_codecs", "encode"): _Inert(_encode),
    **{
        (module, name): _Container
        for module in ("__builtin__", "builtins")
        for name in ("set", "frozenset", "list", "dict")
    },
    ("collections", "OrderedDict"): _Container,
    **{(module, "scalar"): _Container for module in _MULTIARRAY},
    **{(module, "_reconstructor"): _Inert(_reconstruct_object) for module in ("copy_reg", "copyreg")},
    **{(module, "object"): _Inert() for module in ("__builtin__", "builtins")},
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _KNOWN[module, name]
        except KeyError:
            if module.startswith("chumpy."):
                return _Container
            raise _Refused(f"{module}.{name}") from None

    def persistent_load(self, pid: object) -> object:
        raise _Refused("a persistent identifier")


def read_pickled_arrays(path: Path, keys: Iterable[str]) -> dict[str, NDArray[np.generic]]:
    """The numeric arrays of a pickled dictionary, for those of ``keys`` that it has.

    Raises:
        InputError: the file is truncated, is no pickle of a dictionary, or names anything besides
            NumPy arrays, SciPy sparse matrices and chumpy arrays. Nothing it names is ever called.
    """
    data = path.read_bytes()
    try:
        _scan(data)
        content = _Unpickler(io.BytesIO(data), encoding="latin1").load()
    except _Refused as refused:
        raise InputError(
            path, "a pickle of arrays only", refused, "it is not an SMPL file; nothing in it was run"
        ) from None
    except Exception as error:  # the pickle machine raises nearly anything on a broken file
        raise InputError(
            path, "an intact pickle of an SMPL body", f"{type(error).__name__} {error}"
        ) from None
    if not isinstance(content, dict):
        raise InputError(path, "a pickled dictionary", type(content).__name__)
    result = {}
    for key in keys:
        if content.get(key) is not None:
            result[key] = _array(content[key], f"{path}: {key}")
    return result


def _scan(data: bytes) -> None:
    """Refuse what could exhaust memory before anything is built: the memo table grows to the largest
    index that a file names."""
    for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
        if count > MAX_OPCODES:
            raise _Refused(f"more than {MAX_OPCODES} pickle instructions")
        if "PUT" in opcode.name and isinstance(argument, int) and argument > MAX_OPCODES:
            raise _Refused(f"memo index {argument}")


def _array(value: object, where: str, depth: int = 0) -> NDArray[np.generic]:
    """The array that a stand-in stands for."""
    if depth > 4:
        raise InputError(where, "an array", "arrays wrapped in one another without end")
    if isinstance(value, _Array):
        return _plain_array(value, where)
    if isinstance(value, _Chumpy):
        return _array(value.field("x"), where, depth + 1)
    if isinstance(value, _ChumpySelect):
        source = _array(value.field("a"), where, depth + 1).ravel()
        picked = _array(value.field("idxs"), where, depth + 1).astype(np.int64)
        shape = value.field("preferred_shape")
        if picked.size and not (picked.min() >= 0 and picked.max() < source.size):
            raise InputError(where, "indices inside the array they select from", "others")
        return source[picked].reshape(_shape(shape, picked.size, where))
    if isinstance(value, _Sparse):
        return _sparse_array(value, where, depth)
    raise InputError(where, "an array", type(value).__name__)


def _plain_array(value: _Array, where: str) -> NDArray[np.generic]:
    state = value.state
    if not isinstance(state, tuple) or len(state) != 5:
        raise InputError(where, "an array", "an array without content")
    _, shape, kind, fortran, raw = state
    dtype = _dtype(kind, where)
    if isinstance(raw, str):
        raw = raw.encode("latin1")
    if not isinstance(raw, bytes | bytearray) or len(raw) % dtype.itemsize:
        raise InputError(where, f"the bytes of a {dtype} array", type(raw).__name__)
    flat = np.frombuffer(raw, dtype)
    return flat.reshape(_shape(shape, flat.size, where), order="F" if fortran else "C")


def _shape(shape: object, size: int, where: str) -> tuple[int, ...]:
    extents = shape if isinstance(shape, tuple) else (size,) if shape is None else ()
    product = 1
    for extent in extents:
        if not isinstance(extent, int) or extent < 0:
            raise InputError(where, "a shape", shape)
        product *= extent
    if product != size:
        raise InputError(where, f"a shape for {size} numbers", shape)
    return tuple(extents)


def _dtype(kind: object, where: str) -> np.dtype[Any]:
    """A numeric type from ``numpy.dtype``'s arguments, e.g. ``('f8', 0, 1)`` and state ``(3, '<', ...)``."""
    if not isinstance(kind, _DType) or not kind.args:
        raise InputError(where, "a number type", type(kind).__name__)
    code = str(kind.args[0])
    big_endian = isinstance(kind.state, tuple) and len(kind.state) > 1 and kind.state[1] == ">"
    if code not in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
        raise InputError(where, "real numbers", f"type {code[:20]!r}")
    return np.dtype((">" if big_endian else "<") + code)


def _sparse_array(value: _Sparse, where: str, depth: int) -> NDArray[np.generic]:
    """Dense array of a compressed matrix; at most 24 rows of a body's vertices."""
    shape = value.field("_shape") or value.field("shape")
    if (
        not isinstance(shape, tuple)
        or len(shape) != 2
        or not all(isinstance(extent, int) and extent > 0 for extent in shape)
        or shape[0] * shape[1] > 10_000_000
    ):
        raise InputError(where, "a sparse matrix of 24 rows", f"shape {shape}")
    data, indices, indptr = (
        _array(value.field(name), where, depth + 1).ravel() for name in ("data", "indices", "indptr")
    )
    by_column = isinstance(value, _CompressedColumns)
    lines, extent = (shape[1], shape[0]) if by_column else (shape[0], shape[1])
    inner, bounds = indices.astype(np.intp), indptr.astype(np.intp)
    if (
        len(bounds) != lines + 1
        or bounds[0] != 0
        or (np.diff(bounds) < 0).any()
        or bounds[-1] > min(len(data), len(inner))
        or (inner.size and not (inner.min() >= 0 and inner.max() < extent))
    ):
        raise InputError(where, "an intact sparse matrix", "indices out of range")
    line = np.repeat(np.arange(lines), np.diff(bounds))
    inner, data = inner[: bounds[-1]], data[: bounds[-1]]
    row, column = (inner, line) if by_column else (line, inner)
    dense = np.bincount(row * shape[1] + column, data.astype(np.float64), shape[0] * shape[1])
    return dense.reshape(shape)
