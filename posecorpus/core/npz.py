"""Named arrays of a stranger's ``.npz``: no pickles, and no more memory than the file's own numbers take."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError

_BROKEN = (
    zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError,
)  # fmt: skip


def read_npz(path: Path, names: Iterable[str], limit: int, kinds: str = "fiu") -> dict[str, NDArray[Any]]:
    """Those of the named arrays that the file holds.

    Args:
        limit: bytes of all of them together, unpacked.
        kinds: NumPy's letters of the element types allowed: floats and integers by default.

    Raises:
        InputError: missing, no ``.npz``, broken, too large, or an array of another kind.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: info for info in archive.infolist()}
            wanted = [name for name in names if f"{name}.npy" in members]
            total = sum(members[f"{name}.npy"].file_size for name in wanted)
            if total > limit:
                raise InputError(path, f"arrays of at most {limit >> 20} MiB together", f"{total >> 20} MiB")
            found = {}
            for name in wanted:
                info = members[f"{name}.npy"]
                with archive.open(info) as stream:
                    found[name] = _array(stream, info.file_size, f"{path}: {name}", kinds)
            return found
    except FileNotFoundError:
        raise InputError(path, "an .npz file", "no such file") from None
    except _BROKEN as error:
        raise InputError(path, "an intact .npz file", error) from None


def _array(stream: IO[bytes], size: int, where: str, kinds: str) -> NDArray[Any]:
    """One member of ``size`` bytes, whose header must account for exactly those."""
    try:
        version = np.lib.format.read_magic(stream)
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = read(stream)
    except (ValueError, SyntaxError, TypeError, KeyError) as error:
        raise InputError(where, "a NumPy array", error) from None
    if dtype.kind not in kinds or dtype.itemsize == 0:
        raise InputError(where, "numbers" if kinds == "fiu" else "numbers or names", f"dtype {dtype}")
    count, left = 1, size - stream.tell()
    for extent in shape:
        count *= extent
    wanted = count * dtype.itemsize
    data = stream.read(left) if count >= 0 and wanted == left else None
    if data is None or len(data) != wanted:
        raise InputError(where, f"{left} bytes of data", f"shape {shape} of {dtype}")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
