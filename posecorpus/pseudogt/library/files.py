"""Writing a pose library to its folder and opening it, memory-mapped; :mod:`store` shows the layout."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import Skipped, sync_folder, write_atomically
from posecorpus.core.skeletons import FULL_42
from posecorpus.pseudogt.library.store import ClipEntry, PoseLibrary

LIBRARY = "library.json"
FORMAT_VERSION: Final = 1
MAX_INFO_BYTES = 256 << 20
_FIX = "make the library again with `posecorpus library`"
_TYPES: dict[str, str] = {
    "poses": "<f4",
    "azimuth_deg": "<f4",
    "elevation_deg": "<f4",
    "clip": "<i4",
    "frame": "<i4",
    "mirrored": "|b1",
}


class StoredClip(BaseModel):
    """A clip as ``library.json`` lists it."""

    model_config = ConfigDict(extra="forbid")
    name: str
    source: str
    subject: str
    collection: str

    @staticmethod
    def of(entry: ClipEntry) -> StoredClip:
        """The same as ``library.json`` has it."""
        return StoredClip(
            name=entry.name, source=entry.source, subject=entry.subject, collection=entry.collection
        )

    @property
    def entry(self) -> ClipEntry:
        """The same as libraries have it."""
        return ClipEntry(self.name, self.source, self.subject, self.collection)


class LibraryInfo(BaseModel):
    """The contents of ``library.json``.

    Attributes:
        format_version: of the folder's layout.
        poses, views: how many poses, and views of each.
        clips: where poses come from, in the order in which ``clip.npy`` counts them.
        arrays: sha256 of each array's file.
        request: everything that decides the library's contents: settings, seed, versions.
        inputs: sha256 of the motion files.
        skipped: motion files that were left out, and why.
        gains: what each source adds (:mod:`posecorpus.pseudogt.library.gains`), if measured.
    """

    model_config = ConfigDict(extra="forbid")
    format_version: Literal[1] = FORMAT_VERSION
    poses: int = Field(ge=1)
    views: int = Field(ge=1)
    clips: list[StoredClip] = Field(min_length=1)
    arrays: dict[str, str]
    request: dict[str, Any] = {}
    inputs: dict[str, str] = {}
    skipped: list[Skipped] = []
    gains: dict[str, Any] | None = None

    @property
    def digest(self) -> str:
        """sha256 that tells libraries with different poses or views apart."""
        parts = json.dumps([self.arrays, [clip.model_dump() for clip in self.clips]], sort_keys=True)
        return hashlib.sha256(parts.encode()).hexdigest()

    def write(self, folder: Path) -> None:
        """Write ``library.json`` atomically."""
        text = json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False)
        write_atomically(folder / LIBRARY, (text + "\n").encode())


def save_library(library: PoseLibrary, folder: Path) -> LibraryInfo:
    """Write a library; ``library.json`` comes last, so a folder that has it is whole.

    Raises:
        InputError: the folder holds something that is not a library.
    """
    if folder.is_dir() and not (folder / LIBRARY).exists() and any(folder.iterdir()):
        stranger = sorted(p.name for p in folder.iterdir())[0]
        raise InputError(folder, "an empty folder or a library", f"{stranger!r} in it", "name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LIBRARY).unlink(missing_ok=True)
    info = write_arrays(library, folder)
    info.write(folder)
    return info


def write_arrays(library: PoseLibrary, folder: Path) -> LibraryInfo:
    """Write the arrays durably, and give what ``library.json`` is to say about them."""
    digests = {}
    for name, dtype in _TYPES.items():
        path = folder / f"{name}.npy"
        with path.open("wb") as file:
            np.save(file, np.ascontiguousarray(getattr(library, name), dtype), allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        with path.open("rb") as file:
            digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    sync_folder(folder)
    clips = [StoredClip.of(entry) for entry in library.clips]
    return LibraryInfo(poses=len(library.poses), views=library.views, clips=clips, arrays=digests)


def read_info(folder: Path) -> LibraryInfo:
    """Read and validate ``library.json``.

    Raises:
        InputError: no library there, an unfinished one, or a damaged file.
    """
    path = folder / LIBRARY
    try:
        if path.stat().st_size > MAX_INFO_BYTES:
            raise InputError(path, f"at most {MAX_INFO_BYTES} bytes", path.stat().st_size)
        raw = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        fix = "name a folder that `posecorpus library` has finished"
        raise InputError(path, "a pose library", "no such file", fix) from None
    except (ValueError, RecursionError) as error:
        raise InputError(path, "JSON", error, _FIX) from None
    if isinstance(raw, dict) and raw.get("format_version") != FORMAT_VERSION:
        raise InputError(f"{path}: format_version", str(FORMAT_VERSION), raw.get("format_version"), _FIX)
    try:
        return LibraryInfo.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = f"{path}: {'.'.join(map(str, first['loc']))}"
        raise InputError(where, first["msg"], str(first["input"])[:80], _FIX) from None


def open_library(folder: Path | str) -> PoseLibrary:
    """Open a library that :func:`save_library` or ``posecorpus library`` wrote; arrays are memory-mapped.

    Raises:
        InputError: no library there, or files that are missing, damaged or do not fit together.
    """
    folder = Path(folder)
    return map_library(folder, read_info(folder))


def map_library(folder: Path, info: LibraryInfo) -> PoseLibrary:
    """The library whose arrays lie in a folder and whose ``library.json`` is, or will be, ``info``."""
    flat = (info.poses,)
    shapes: dict[str, tuple[int, ...]] = {
        "poses": (info.poses, len(FULL_42), 3),
        "azimuth_deg": (info.poses, info.views),
        "elevation_deg": (info.poses, info.views),
        "clip": flat,
        "frame": flat,
        "mirrored": flat,
    }
    arrays = {name: _mapped(folder / f"{name}.npy", shapes[name], dtype) for name, dtype in _TYPES.items()}
    clip = arrays["clip"]
    if clip.min() < 0 or clip.max() >= len(info.clips):
        got = f"{clip.min()} to {clip.max()}"
        raise InputError(folder / "clip.npy", f"numbers from 0 to {len(info.clips) - 1}", got, _FIX)
    clips = tuple(clip.entry for clip in info.clips)
    return PoseLibrary(folder=folder, clips=clips, **arrays)


def _mapped(path: Path, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except FileNotFoundError:
        raise InputError(path, "a file of the library", "no such file", _FIX) from None
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise InputError(path, "a NumPy array", str(error)[:200], _FIX) from None
    if array.shape != shape or array.dtype != np.dtype(dtype):
        raise InputError(path, f"{dtype} of shape {shape}", f"{array.dtype.str} of shape {array.shape}", _FIX)
    return array
