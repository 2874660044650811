"""Where a corpus lies: a folder of this machine, or one behind any URL that fsspec knows (s3://, gs://, ...).

A corpus is a flat folder of files, each of which is put whole or not at all, so that is all a storage can
do. File systems without an atomic "put" get the file under a hidden name first and rename it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import write_atomically

PUTS_WHOLE = frozenset(("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oci", "oss", "memory"))
"""Protocols whose uploads appear whole or not at all."""
_URL = re.compile(r"^([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_URL_AS_PATH = re.compile(r"^[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Storage(Protocol):
    """A flat folder of files. Values are small, hashable and picklable; every process may hold one.

    All methods raise :class:`InputError` if the place cannot be reached, read or written.
    """

    @property
    def name(self) -> str:
        """The folder's own name."""
        ...

    @property
    def one_process(self) -> bool:
        """Whether only the process that wrote a file can see it."""
        ...

    def where(self, name: str) -> str:
        """A file's path or URL."""
        ...

    def names(self) -> list[str]:
        """Names of all files and folders in it, in order; none if there is no such folder."""
        ...

    def open(self, name: str) -> BinaryIO:
        """A file, to read anywhere in it."""
        ...

    def put(self, name: str, data: bytes | memoryview) -> None:
        """Write a file whole: a reader sees the old contents or the new, even after a crash."""
        ...

    def create(self, name: str, data: bytes) -> bool:
        """Write a file if there is none of that name; whether that was so."""
        ...

    def append(self, name: str, data: bytes) -> bool:
        """Add to a file, and whether that can be done here; what a crash leaves of ``data`` is open."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        ...

    def __str__(self) -> str: ...


def storage_at(place: Path | str | Storage) -> Storage:
    """The storage at a path or URL.

    Raises:
        InputError: a URL of an unknown kind, one whose package is not installed, or one made a path.
    """
    if isinstance(place, Path):
        if _URL_AS_PATH.match(str(place)):  # as a command's path, which has lost a slash
            fix = "copy the corpus to this machine first; `synth` writes to URLs; `verify`, `inspect`, `export` read them"
            raise InputError(place, "a local folder", "a URL", fix)
        return LocalStorage(place)
    if not isinstance(place, str):
        return place
    match = _URL.match(place)
    if match is None:
        return LocalStorage(Path(place))
    protocol, rest = match[1].lower(), place[match.end() :]
    if protocol in ("file", "local"):
        return LocalStorage(Path(rest))
    storage = UrlStorage(f"{protocol}://{rest.rstrip('/')}")
    storage.files()  # such a URL can be reached
    return storage


def read_limited(storage: Storage, name: str, limit: int) -> bytes:
    """The bytes of a file; raises :class:`InputError` if there are more than ``limit``."""
    with storage.open(name) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise InputError(storage.where(name), f"at most {limit} bytes", "more")
    return data


def stored_size(storage: Storage, name: str) -> int:
    """How many bytes a file has."""
    with storage.open(name) as file:
        return file.seek(0, os.SEEK_END)


def stored_sha256(storage: Storage, name: str) -> str:
    """Digest of a file, read in pieces."""
    digest = hashlib.sha256()
    with storage.open(name) as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


@dataclass(frozen=True)
class LocalStorage:
    """A folder of this machine, or mounted on it."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    @property
    def one_process(self) -> bool:
        return False

    def where(self, name: str) -> str:
        return str(self.folder / name)

    def names(self) -> list[str]:
        try:
            return sorted(os.listdir(self.folder))
        except FileNotFoundError:
            return []
        except NotADirectoryError:
            raise InputError(self.folder, "a folder for the corpus", "a file") from None
        except OSError as error:
            raise InputError(self.folder, "a readable folder", error.strerror) from None

    def open(self, name: str) -> BinaryIO:
        try:
            return (self.folder / name).open("rb")
        except OSError as error:
            raise InputError(self.folder / name, "a readable file", error.strerror) from None

    def put(self, name: str, data: bytes | memoryview) -> None:
        with self._writing(name, len(data)):
            write_atomically(self.folder / name, data)

    def create(self, name: str, data: bytes) -> bool:
        try:
            with self._writing(name, len(data)), (self.folder / name).open("xb") as file:
                file.write(data)
        except FileExistsError:
            return False
        return True

    def append(self, name: str, data: bytes) -> bool:
        with self._writing(name, len(data)), (self.folder / name).open("ab", buffering=0) as file:
            file.write(data)
        return True

    def remove(self, name: str) -> None:
        with self._writing(name, 0):
            (self.folder / name).unlink(missing_ok=True)

    @contextmanager
    def _writing(self, name: str, size: int) -> Iterator[None]:
        path, again = self.folder / name, "then run the same command again: it goes on where it was"
        try:
            yield
        except FileExistsError:
            raise
        except OSError as error:
            if error.errno in _FULL:
                fix = f"make room, {again}"
                raise InputError(path, f"room for {size} bytes", error.strerror, fix) from None
            if not self.folder.is_dir():
                fix = "it was removed or unmounted while files were written to it"
                raise InputError(self.folder, "the output folder", "none", fix) from None
            raise InputError(path, "a writable file", error.strerror, f"mend that, {again}") from None

    def __str__(self) -> str:
        return str(self.folder)


@dataclass(frozen=True)
class UrlStorage:
    """A folder behind a URL; credentials and endpoints are what the URL's package finds in the environment.

    Attributes:
        url: its protocol in lower case, without a slash at the end.
    """

    url: str

    @property
    def protocol(self) -> str:
        return self.url.partition(":")[0]

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]

    @property
    def one_process(self) -> bool:
        return self.protocol == "memory"

    def files(self) -> tuple[Any, str]:
        """fsspec's file system and the folder's path in it."""
        import fsspec

        try:
            system, path = fsspec.url_to_fs(self.url)
        except ImportError as error:
            fix = "pip install 'posecorpus[s3]'" if self.protocol in ("s3", "s3a") else "install that package"
            raise InputError(self.url, f"the package for {self.protocol}://", error, fix) from None
        except ValueError as error:
            raise InputError(self.url, "a path or a URL that fsspec knows", error) from None
        return system, path

    def where(self, name: str) -> str:
        return f"{self.url}/{name}"

    def names(self) -> list[str]:
        with self._reaching() as (system, folder):
            system.invalidate_cache()
            try:
                found = system.ls(folder, detail=True)
            except FileNotFoundError:
                return []
        paths = [entry["name"].rstrip("/") for entry in found]
        return sorted(path.rpartition("/")[2] for path in paths if path != folder)

    def open(self, name: str) -> BinaryIO:
        with self._reaching(name) as (system, folder):
            return cast(BinaryIO, system.open(f"{folder}/{name}", "rb"))

    def put(self, name: str, data: bytes | memoryview) -> None:
        with self._reaching(name) as (system, folder):
            if self.protocol in PUTS_WHOLE:
                system.pipe_file(f"{folder}/{name}", bytes(data))
                return
            aside = f"{folder}/.{name}.{os.getpid()}.tmp"
            system.makedirs(folder, exist_ok=True)
            system.pipe_file(aside, bytes(data))
            system.mv(aside, f"{folder}/{name}")

    def create(self, name: str, data: bytes) -> bool:
        with self._reaching(name) as (system, folder):
            if self.protocol not in PUTS_WHOLE:
                system.makedirs(folder, exist_ok=True)
            try:
                system.pipe_file(f"{folder}/{name}", data, mode="create")
            except FileExistsError:
                return False
        return True

    def append(self, name: str, data: bytes) -> bool:
        return False

    def remove(self, name: str) -> None:
        with self._reaching(name) as (system, folder):
            try:
                system.rm_file(f"{folder}/{name}")
            except FileNotFoundError:
                return

    @contextmanager
    def _reaching(self, name: str | None = None) -> Iterator[tuple[Any, str]]:
        system, folder = self.files()
        try:
            yield system, folder
        except InputError:
            raise
        except Exception as error:  # each package has its own: of the network, of credentials, of the service
            where = self.url if name is None else self.where(name)
            problem = f"{type(error).__name__} {error}"
            raise InputError(where, "a place that can be read and written", problem) from None

    def __str__(self) -> str:
        return self.url
