"""Files in folders and zips, read with care: every one may be hostile.

Nothing is ever unpacked to disk. A member of a zip is read in pieces and dropped at the first byte that
exceeds a limit, whatever its header claims.
"""

from __future__ import annotations

import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from posecorpus.core.errors import InputError

MAX_FILE_BYTES = 64 << 20
MAX_RATIO = 200
RATIO_FLOOR_BYTES = 16 << 20
"""A small member may compress as well as it likes: a person who stands still does."""
MAX_DEPTH = 32
MAX_MEMBERS = 200_000
_PIECE = 1 << 20
_ENCRYPTED = 0x1
_READ_ERRORS = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, KeyError, RuntimeError, ValueError,
    NotImplementedError,
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    """One file: on disk, or a member of a zip.

    Attributes:
        path: of the file, or of the zip.
        member: name within the zip; empty for a file on disk.
        inside: path relative to what the user named, with ``/``; the file's own name if that was it.
    """

    path: Path
    member: str
    inside: str

    @property
    def where(self) -> str:
        """How messages call it: ``file`` or ``file.zip!member``."""
        return f"{self.path}!{self.member}" if self.member else str(self.path)

    @property
    def name(self) -> PurePosixPath:
        """The path within its container."""
        return PurePosixPath(self.inside)


@dataclass(frozen=True)
class Problem:
    """Something that cannot be used, as one line: where and why."""

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"

    @staticmethod
    def of(error: InputError) -> Problem:
        """The problem that an error reports."""
        where = " ".join(error.where.split())
        return Problem(where, str(error).removeprefix(f"{where}: "))


def is_zip(path: Path) -> bool:
    """Whether a path is to be opened as a zip."""
    return path.suffix.lower() == ".zip"


def list_items(path: Path, suffixes: Sequence[str]) -> tuple[list[Item], list[Problem]]:
    """Everything with one of the suffixes in a folder or a zip, or the file itself, sorted by name.

    Args:
        path: a folder, a zip or any other file.
        suffixes: in lower case, e.g. ``.bvh``.
    """
    if path.is_dir():
        found, problems = _list_folder(path, suffixes)
    elif path.is_file() and is_zip(path):
        found, problems = _list_zip(path, suffixes)
    elif path.is_file():
        return [Item(path, "", path.name)], []
    else:
        return [], [Problem(str(path), "expected a file, a folder or a zip, got nothing that can be read")]
    return sorted(found, key=lambda item: item.inside), problems


def _list_folder(path: Path, suffixes: Sequence[str]) -> tuple[list[Item], list[Problem]]:
    found: list[Item] = []
    problems: list[Problem] = []

    def refused(error: OSError) -> None:
        problems.append(
            Problem(str(error.filename), f"expected a folder that can be read, got {error.strerror}")
        )

    for folder, folders, files in os.walk(path, onerror=refused):
        here = Path(folder)
        depth = len(here.relative_to(path).parts)
        if depth >= MAX_DEPTH and folders:
            problems.append(Problem(folder, f"expected at most {MAX_DEPTH} folders in each other, got more"))
            folders.clear()
        folders.sort()
        for name in sorted(files):
            file = here / name
            if not file.is_file():
                continue
            if is_zip(file):
                more, bad = _list_zip(file, suffixes, file.relative_to(path).with_suffix("").as_posix())
                found += more
                problems += bad
            elif file.suffix.lower() in suffixes:
                found.append(Item(file, "", file.relative_to(path).as_posix()))
    return found, problems


def _list_zip(path: Path, suffixes: Sequence[str], prefix: str = "") -> tuple[list[Item], list[Problem]]:
    found: list[Item] = []
    problems: list[Problem] = []
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        return [], [Problem(str(path), f"expected a zip that opens, got {_line(error)}")]
    if len(members) > MAX_MEMBERS:
        return [], [Problem(str(path), f"expected at most {MAX_MEMBERS} members, got {len(members)}")]
    seen: set[str] = set()
    for info in members:
        suffix = PurePosixPath(info.filename).suffix.lower()
        if info.is_dir() or (suffix not in suffixes and suffix != ".zip"):
            continue
        where = f"{path}!{info.filename}"
        reason = _refuse(info, seen)
        seen.add(info.filename)
        if reason:
            problems.append(Problem(" ".join(where.split()), reason))
        else:
            inside = f"{prefix}/{info.filename}" if prefix else info.filename
            found.append(Item(path, info.filename, inside))
    return found, problems


def _refuse(info: zipfile.ZipInfo, seen: set[str]) -> str:
    """Why a member must not be read, or nothing."""
    name = info.filename
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\\" in name:
        return "expected a path inside the zip, got one that leads out of it"
    if len(parts) > MAX_DEPTH:
        return f"expected at most {MAX_DEPTH} folders in each other, got {len(parts) - 1}"
    if name in seen:
        return "expected every member once, got its name again"
    if name.lower().endswith(".zip"):
        return "expected motion files, got a zip inside the zip; unpack it"
    if info.flag_bits & _ENCRYPTED:
        return "expected a member without a password, got an encrypted one"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "expected a file, got a symbolic link"
    return member_problem(info)


def member_problem(info: zipfile.ZipInfo) -> str:
    """Why a member of a zip (or an .npz) is too big to be read, or nothing."""
    if info.file_size > MAX_FILE_BYTES:
        return f"expected at most {MAX_FILE_BYTES >> 20} MiB, got {info.file_size >> 20} MiB unpacked"
    if info.file_size > max(RATIO_FLOOR_BYTES, MAX_RATIO * info.compress_size):
        return f"expected at most {MAX_RATIO} times its packed size, got {info.file_size} bytes out of {info.compress_size}"
    return ""


class Reader:
    """Reads items; keeps the zip it read last open. Use it in a ``with`` statement."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._zip: zipfile.ZipFile | None = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._zip is not None:
            self._zip.close()
        self._path = self._zip = None

    def read(self, item: Item) -> bytes:
        """The bytes of a file.

        Raises:
            InputError: it cannot be read, is damaged or exceeds :data:`MAX_FILE_BYTES`.
        """
        try:
            if not item.member:
                with item.path.open("rb") as stream:
                    return _read_all(stream, item.where)
            archive = self._open(item.path)
            info = archive.getinfo(item.member)
            reason = _refuse(info, set())
            if reason:
                raise InputError(item.where, "a member that may be read", reason)
            with archive.open(info) as stream:
                return _read_all(stream, item.where)
        except _READ_ERRORS as error:
            raise InputError(item.where, "a file that can be read", _line(error)) from error

    def _open(self, path: Path) -> zipfile.ZipFile:
        if self._zip is None or self._path != path:
            self.__exit__()
            self._zip, self._path = zipfile.ZipFile(path), path
        return self._zip


def _read_all(stream: IO[bytes], where: str) -> bytes:
    pieces, size = [], 0
    while piece := stream.read(_PIECE):
        size += len(piece)
        if size > MAX_FILE_BYTES:
            raise InputError(where, f"at most {MAX_FILE_BYTES >> 20} MiB", "more")
        pieces.append(piece)
    return b"".join(pieces)


def _line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
