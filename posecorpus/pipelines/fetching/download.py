"""Downloading one file over HTTP so that a cut connection costs nothing but time."""

from __future__ import annotations

import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from posecorpus.core.errors import InputError

MAX_BYTES = 256 << 20
_PIECE = 1 << 16
_WORTH_RETRYING = (408, 425, 429, 500, 502, 503, 504)
_AGENT = "posecorpus"


@dataclass(frozen=True)
class Patience:
    """How long to wait and how often to try.

    Attributes:
        timeout_s: for the connection and for every piece of data.
        attempts: tries without any new data before giving up.
        wait_s: before the second try; doubled for every further one.
        sleep: waits; replaced in tests.
    """

    timeout_s: float = 30.0
    attempts: int = 5
    wait_s: float = 1.0
    sleep: Callable[[float], None] = time.sleep


class Missing(Exception):
    """The server has no file at this address."""


class _Cut(Exception):
    """The connection ended or refused in a way that another try may mend."""


def download(url: str, part: Path, patience: Patience) -> Path:
    """Download a file, taking up where an earlier try (of this run or another) was cut.

    A ``.tag`` file beside it remembers which version of the file the part belongs to; without one, or if the server
    has another version or does not do ranges, the download starts over.

    Args:
        url: what to download.
        part: where to collect the data.

    Returns:
        ``part``, complete.

    Raises:
        Missing: there is no such file (404, 410).
        InputError: the server refuses or does not deliver.
    """
    tag = part.with_name(part.name + ".tag")
    failures = 0
    while True:
        before = _size(part)
        try:
            _continue(url, part, tag, patience.timeout_s)
        except _Cut as error:
            failures = 1 if _size(part) > before else failures + 1
            if failures >= patience.attempts:
                reason = f"{error} ({patience.attempts} tries)"
                raise InputError(url, "a complete file", reason, "run again to go on") from error
            patience.sleep(patience.wait_s * 2 ** (failures - 1))
        else:
            tag.unlink(missing_ok=True)
            return part


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _continue(url: str, part: Path, tag: Path, timeout_s: float) -> None:
    """One try."""
    have = _size(part) if tag.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": _AGENT, "Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", tag.read_text())
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            _receive(answer, url, part, tag, have)
    except urllib.error.HTTPError as error:
        with error:
            _refused(error, url, part)
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise _Cut(_line(getattr(error, "reason", error))) from error


def _refused(error: urllib.error.HTTPError, url: str, part: Path) -> None:
    if error.code in (404, 410):
        raise Missing(url)
    if error.code == 416:
        part.unlink(missing_ok=True)
        raise _Cut("a part longer than the file")
    if error.code in _WORTH_RETRYING:
        raise _Cut(f"HTTP {error.code} {error.reason}")
    raise InputError(url, "a file that may be downloaded", f"HTTP {error.code} {error.reason}")


def _receive(answer: http.client.HTTPResponse, url: str, part: Path, tag: Path, have: int) -> None:
    start, total = _range_of(answer)
    if start not in (0, have):
        raise InputError(url, f"data from byte {have} on", f"from byte {start}")
    version = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
    # A weak ETag may stand for different bytes; such a part must not be continued.
    if version and not version.startswith("W/"):
        tag.write_text(version)
    else:
        tag.unlink(missing_ok=True)
    received = start
    with part.open("r+b" if start else "wb") as file:
        file.seek(start)
        while piece := answer.read(_PIECE):
            received += len(piece)
            if received > MAX_BYTES:
                raise InputError(url, f"at most {MAX_BYTES >> 20} MiB", "more")
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    if total is not None and received != total:
        raise _Cut(f"{received} of {total} bytes")


def _range_of(answer: http.client.HTTPResponse) -> tuple[int, int | None]:
    """First byte of an answer within the file, and the file's size if the server says it."""
    length = answer.headers.get("Content-Length", "")
    size = int(length) if length.isdigit() else None
    if answer.status != 206:
        return 0, size
    span, _, total = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    first = span.partition("-")[0]
    if not first.isdigit():
        raise _Cut("a range that the server does not describe")
    return int(first), int(total) if total.isdigit() else None


def _line(error: object) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
