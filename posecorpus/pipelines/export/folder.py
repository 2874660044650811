"""Plain files: ``OUT/samples/<key>/image.jpg`` and so on, with ``OUT/dataset.json`` to say what they mean."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from posecorpus.core.shards import Corpus
from posecorpus.pipelines.export.rasters import FIELDS, FILES, sample_files
from posecorpus.pipelines.export.records import check_keys, dataset_json, file_name, read_records


def write_folder(corpus: Corpus, out: Path) -> Iterator[None]:
    """Write one folder for each sample; yields after each."""
    check_keys(corpus, dots=True)
    (out / "dataset.json").write_bytes(dataset_json(corpus.manifest, FILES))
    for record in read_records(corpus, FIELDS):
        folder = out / "samples" / file_name(record.sample.key, dots=True)
        folder.mkdir(parents=True)
        for name, data in sample_files(record).items():
            (folder / name).write_bytes(data)
        yield
