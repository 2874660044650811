"""Reading a corpus row by row with the encoded bytes kept, so that an export never re-encodes a picture."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from posecorpus.core.codecs import image_size
from posecorpus.core.errors import InputError
from posecorpus.core.manifest import CONVENTIONS, Manifest
from posecorpus.core.sample import Person, Sample
from posecorpus.core.schema import RASTER_COLUMNS, sample_of
from posecorpus.core.shards import Corpus

MAX_NAME_BYTES = 200
"""Longest key that is used as a file name; file systems stop at 255 and endings are added."""
_NUMBER_FIELDS = ("joints2d", "joints3d", "visibility", "bbox", "pose", "betas", "translation")
_BATCH_ROWS = 16


@dataclass(frozen=True)
class Record:
    """One sample to export.

    Attributes:
        sample: its labels, with the raster fields that were asked for; ``sample.image`` is left undecoded.
        image: encoded picture as it is stored, or None.
        extension: ``jpg`` or ``png``, by what ``image`` is.
        ids: encoded PNGs of ``parts`` and ``instances`` as stored, where the sample has them.
    """

    sample: Sample
    image: bytes | None
    extension: str
    ids: dict[str, bytes]


def read_records(corpus: Corpus, fields: Sequence[str]) -> Iterator[Record]:
    """Stream a corpus in order, a few rows in memory at a time.

    Args:
        corpus: what to read.
        fields: raster fields of :class:`Sample` to decode (and thereby check), other than ``image``.

    Raises:
        InputError: a shard or a row that is damaged.
    """
    columns = ["key", "image", "width", "height", "camera", "people", "clip", "frame", "provenance"]
    columns += [RASTER_COLUMNS[field] for field in fields]
    for entry in corpus.manifest.shards:
        where = corpus.storage.where(entry.file)
        try:
            for batch in corpus.open(entry).iter_batches(_BATCH_ROWS, columns=columns):
                for row in range(batch.num_rows):
                    yield _record(batch.slice(row, 1).to_pylist()[0], where, fields)
        except (OSError, pa.ArrowException) as error:
            raise InputError(
                where, "a Parquet shard", error, "run `posecorpus verify` on the corpus"
            ) from None


def _record(row: dict[str, Any], where: str, fields: Sequence[str]) -> Record:
    sample = sample_of(row, where, fields)
    data = row["image"]
    if data is not None:
        size = image_size(data, f"{where}: {sample.key}: image")
        if size != (sample.width, sample.height):
            raise InputError(
                f"{where}: {sample.key}: image", f"{sample.width}x{sample.height}", f"{size[0]}x{size[1]}"
            )
    ids = {name: row[name] for name in ("parts", "instances") if row.get(name) is not None}
    return Record(sample, data, "png" if data is not None and data.startswith(b"\x89PNG") else "jpg", ids)


def check_keys(corpus: Corpus, dots: bool) -> None:
    """Refuse keys that cannot all become files side by side, before anything is written.

    Two keys that differ in case or Unicode form only would be one file on many machines.

    Args:
        corpus: whose keys.
        dots: whether a dot may stay in a file name; where not, :func:`file_name` replaces it.

    Raises:
        InputError: a key that is too long or whose file name is another one's.
    """
    seen: dict[str, str] = {}
    for key in corpus.columns("key")["key"].to_pylist():
        name = file_name(key, dots)
        if len(name.encode()) > MAX_NAME_BYTES:
            raise InputError(
                f"{corpus.storage}: key", f"at most {MAX_NAME_BYTES} bytes for a file name", repr(key)
            )
        folded = unicodedata.normalize("NFC", name).casefold()
        if folded in seen:
            raise InputError(
                f"{corpus.storage}: key", "file names that differ", f"{seen[folded]!r} and {key!r}"
            )
        seen[folded] = key


def file_name(key: str, dots: bool) -> str:
    """A key as a file name; its dots become underscores where they would be read as endings."""
    return key if dots else key.replace(".", "_")


def labels_json(sample: Sample) -> bytes:
    """All labels of a sample but its rasters, as JSON; a missing value is null, never NaN."""
    camera = sample.camera
    content = {
        "key": sample.key,
        "width": sample.width,
        "height": sample.height,
        "camera": None
        if camera is None
        else {"K": camera.K.tolist(), "R": camera.R.tolist(), "t": camera.t.tolist()},
        "people": [_person(person) for person in sample.people],
        "clip": sample.clip,
        "frame": sample.frame,
        "provenance": sample.provenance,
    }
    return (json.dumps(_finite(content), allow_nan=False, ensure_ascii=False) + "\n").encode()


def _person(person: Person) -> dict[str, Any]:
    values = dict(vars(person))
    for name in _NUMBER_FIELDS:
        values[name] = None if values[name] is None else _shortest(np.asarray(values[name]))
    return values


def _shortest(values: NDArray[Any]) -> Any:
    """An array as nested lists whose decimals are the fewest that give the same float32 back."""
    return (values.astype(str).astype(float) if values.dtype == np.float32 else values).tolist()


def _finite(value: Any) -> Any:
    """The same JSON value with null for numbers that JSON does not have."""
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(member) for member in value]
    return value


def dataset_json(manifest: Manifest, files: dict[str, str]) -> bytes:
    """What a reader of an exported corpus must know: files, conventions, joint names, part ids.

    Args:
        manifest: of the corpus.
        files: ending of each file of a sample, and what it holds.
    """
    about_storage = ("depth", "normals", "flow", "parts", "instances")
    content = {
        "files": files,
        "conventions": {name: text for name, text in CONVENTIONS.items() if name not in about_storage},
        "skeletons": manifest.skeletons,
        "part_taxonomy": manifest.part_taxonomy,
        "made_by": {"kind": manifest.kind, "seed": manifest.seed, "packages": manifest.packages},
        "configuration": manifest.configuration,
    }
    return (
        json.dumps(_finite(content), indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"
    ).encode()
