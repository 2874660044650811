"""Annotation files of strangers, read with bounded memory and without running anything that is in them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from posecorpus.core.errors import InputError

MAX_BYTES = 512 << 20
"""Largest annotation file, unpacked. COCO's largest person file has 240 MB."""
MAX_FIELD = 4096
_GZIP = b"\x1f\x8b"


def read_bytes(path: Path, limit: int = MAX_BYTES) -> bytes:
    """A whole file, gunzipped if it is a gzip.

    Raises:
        InputError: unreadable, a damaged gzip, or more than ``limit`` bytes before or after unpacking.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
        if data.startswith(_GZIP):
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
                data = packed.read(limit + 1)
    except FileNotFoundError:
        raise InputError(path, "a file of annotations", "no such file") from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(path, "a readable file", error) from None
    if len(data) > limit:
        raise InputError(path, f"at most {limit >> 20} MB", "more")
    return data


def read_json(path: Path) -> Any:
    """A JSON or JSON.gz file.

    Raises:
        InputError: not JSON, naming line and column.
    """
    try:
        return json.loads(read_bytes(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}", "JSON", f"{error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError) as error:  # wrong encoding, endless digits, endless nesting
        raise InputError(path, "JSON", error) from None


def read_csv(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of each row of a UTF-8 CSV file that is not empty.

    Raises:
        InputError: not text, or a cell without end.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            path, "UTF-8 text", f"byte {error.object[error.start]:#x} at {error.start}"
        ) from None
    if "\0" in text:
        raise InputError(path, "text", "a NUL character")
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(f"{path}:{rows.line_num}", "comma-separated cells", error) from None
        if row and max(map(len, row)) > MAX_FIELD:
            raise InputError(f"{path}:{rows.line_num}", f"cells of at most {MAX_FIELD} characters", "more")
        if row:
            yield rows.line_num, row
