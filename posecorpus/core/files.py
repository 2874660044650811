"""Files in a folder or a zip of a stranger: found in a fixed order, read with bounded memory, never written."""

from __future__ import annotations

import lzma
import os
import re
import zipfile
import zlib
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path, PurePosixPath

from posecorpus.core.errors import InputError

MEMBER = "!"
"""Between a zip's path and the name of a file in it, as in ``photos.zip!beach/one.jpg``."""
MAX_FILES = 5_000_000
_INSIDE_ZIP = re.compile(rf"(?<=\.zip){MEMBER}", re.IGNORECASE)

_UNREADABLE = (
    OSError, EOFError, KeyError, NotImplementedError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip
"""What :mod:`zipfile` raises on files that are missing, damaged, encrypted or oddly compressed."""


def is_zip(where: Path) -> bool:
    """Whether a path is taken for a zip."""
    return where.suffix.lower() == ".zip"


def list_files(where: Path, suffixes: Collection[str]) -> list[str]:
    """Names, relative to a folder (with its subfolders) or zip, of the files with one of the suffixes.

    Hidden files and folders are passed over, links to folders are not followed.

    Args:
        suffixes: in lower case, with the dot.

    Returns:
        names with ``/``, in a fixed order, that :func:`read_file` takes.

    Raises:
        InputError: no folder and no readable zip, or too many files.
    """
    if where.is_dir():
        return _walk(where, suffixes)
    if is_zip(where):
        return _members(where, suffixes)
    raise InputError(where, "a folder or a .zip", "nothing of the kind")


def read_file(where: Path, name: str, limit: int) -> bytes:
    """The bytes of one file of :func:`list_files`.

    Raises:
        InputError: unreadable, or more than ``limit`` bytes.
    """
    label = f"{where}{MEMBER}{name}" if is_zip(where) else str(where / name)
    return read_limited(label, limit)


def read_limited(label: str, limit: int, what: str = "file") -> bytes:
    """The bytes of a file, or of ``<zip>!<member>``.

    Raises:
        InputError: unreadable, or more than ``limit`` bytes.
    """
    archive, *member = _INSIDE_ZIP.split(label, maxsplit=1)
    try:
        # The size that a zip's directory claims may be a lie: never read more than is allowed.
        with _archive(archive, os.getpid()).open(member[0]) if member else open(label, "rb") as stream:
            data = stream.read(limit + 1)
    except _UNREADABLE as error:
        raise InputError(label, f"a readable {what}", error) from None
    if len(data) > limit:
        raise InputError(label, f"a {what} of at most {limit >> 20} MB", "more")
    return data


def _walk(folder: Path, suffixes: Collection[str]) -> list[str]:
    found: list[Path] = []
    for root, folders, files in os.walk(folder):  # links to folders are not followed: no cycles
        folders[:] = sorted(f for f in folders if not f.startswith((".", "__MACOSX")))
        found += [Path(root) / f for f in sorted(files) if _wanted(f, suffixes)]
        if len(found) > MAX_FILES:
            raise InputError(folder, f"at most {MAX_FILES} files", "more")
    return [path.relative_to(folder).as_posix() for path in sorted(found)]


def _members(path: Path, suffixes: Collection[str]) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {i.filename for i in archive.infolist() if not i.is_dir()}
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise InputError(path, "a readable zip", error) from None
    return sorted(name for name in names if _wanted(name, suffixes))


def _wanted(name: str, suffixes: Collection[str]) -> bool:
    path = PurePosixPath(name)
    hidden = path.name.startswith(".") or "__MACOSX" in path.parts
    return path.suffix.lower() in suffixes and not hidden


@lru_cache(maxsize=2)
def _archive(path: str, process: int) -> zipfile.ZipFile:
    """An open zip. Its directory is parsed once; no file position is shared with a forked process."""
    del process
    return zipfile.ZipFile(path)
