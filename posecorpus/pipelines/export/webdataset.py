"""WebDataset: tar files in which the members of a sample stand together as ``<key>.<ending>``.

Members are ``key.jpg`` (or ``.png``), ``key.parts.png``, ``key.instances.png``, ``key.depth.png``,
``key.normals.png``, ``key.flow.npz`` and ``key.json``. A key ends at its first dot there, so dots of the
corpus's keys become underscores; the JSON holds the original. The tar headers carry no times, users or
modes of this machine: the same corpus gives the same bytes.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

from posecorpus.core.shards import Corpus
from posecorpus.pipelines.export.rasters import FIELDS, FILES, sample_files
from posecorpus.pipelines.export.records import check_keys, dataset_json, file_name, read_records

MAX_TAR_BYTES = 256 << 20
"""A tar file is closed before the sample that would make it larger (a single larger sample has its own)."""
_BLOCK = 512


def write_webdataset(corpus: Corpus, out: Path, max_tar_bytes: int = MAX_TAR_BYTES) -> Iterator[None]:
    """Write ``samples-000000.tar`` and so on, and ``dataset.json``; yields after each sample."""
    check_keys(corpus, dots=False)
    endings = {_ending(name): text for name, text in FILES.items()}
    (out / "dataset.json").write_bytes(dataset_json(corpus.manifest, endings))
    tar, size, count = None, 0, 0
    try:
        for record in read_records(corpus, FIELDS):
            key = file_name(record.sample.key, dots=False)
            members = {f"{key}.{_ending(name)}": data for name, data in sample_files(record).items()}
            needed = sum(map(_tar_bytes, members.values()))
            if tar is None or size + needed > max_tar_bytes:
                if tar is not None:
                    tar.close()
                tar = tarfile.open(out / f"samples-{count:06d}.tar", "x", format=tarfile.GNU_FORMAT)  # noqa: SIM115
                size, count = 0, count + 1
            for name, data in members.items():
                header = tarfile.TarInfo(name)  # time, owner and group are zero
                header.size = len(data)
                tar.addfile(header, io.BytesIO(data))
            size += needed
            yield
    finally:
        if tar is not None:
            tar.close()


def _ending(name: str) -> str:
    """Ending of a member for a file of :mod:`posecorpus.pipelines.export.rasters`."""
    return {"image.jpg": "jpg", "image.png": "png", "labels.json": "json"}.get(name, name)


def _tar_bytes(data: bytes) -> int:
    return _BLOCK + -(-len(data) // _BLOCK) * _BLOCK
