"""Which pictures are looked at, how they are turned, through which lens, and what cannot be looked at."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from predictions import MODEL, Image, found_in, jpeg, request

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import Manifest
from posecorpus.core.sample import Sample
from posecorpus.core.shards import Corpus, write_shard
from posecorpus.models.lcrnet.decode import Detections
from posecorpus.pipelines.inputs import UnusableInputs
from posecorpus.pipelines.prediction.inputs import find_inputs
from posecorpus.pipelines.prediction.people import Standing
from posecorpus.pipelines.prediction.predict import predict


def with_orientation(data: bytes, value: int) -> bytes:
    tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, value, 0, 0)
    block = b"Exif\0\0" + tiff
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


@pytest.mark.parametrize("value", range(1, 9))
def test_photos_are_looked_at_as_a_viewer_shows_them(tmp_path: Path, value: int) -> None:
    (tmp_path / "a.jpg").write_bytes(with_orientation(jpeg(0), value))
    seen = cv2.cvtColor(cv2.imread(str(tmp_path / "a.jpg")), cv2.COLOR_BGR2RGB)  # OpenCV obeys the flag
    looked: list[Image] = []

    def look(image: Image) -> Detections:
        looked.append(image)
        return found_in(image)

    predict(replace(MODEL, detect=look), request(tmp_path / "a.jpg"), tmp_path / "out")
    assert looked[0].shape == seen.shape
    assert np.abs(looked[0].astype(int) - seen).mean() < 3  # encoded again
    assert looked[0].shape[:2] == ((64, 96) if value < 5 else (96, 64))
    (sample,) = Corpus(tmp_path / "out")
    assert np.array_equal(sample.image, looked[0])  # type: ignore[arg-type]


def with_lens(data: bytes, focal_35mm: int) -> bytes:
    first = struct.pack(">HHHIIHHHIHH", 1, 0x8769, 4, 1, 26, 0, 0, 0, 0, 0, 0)[:18]
    second = struct.pack(">HHHIHHI", 1, 0xA405, 3, 1, focal_35mm, 0, 0)
    block = b"Exif\0\0MM\0*" + struct.pack(">I", 8) + first + second
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


@pytest.mark.parametrize("fov", [None, 35.0])
def test_the_lens_that_a_photo_names_is_its_camera(tmp_path: Path, fov: float | None) -> None:
    """A picture of film's own shape and a 36 mm lens: the focal length is the picture's width."""
    (tmp_path / "a.jpg").write_bytes(with_lens(jpeg(0), 36))
    predict(MODEL, request(tmp_path / "a.jpg", standing=Standing(fov, 0.2)), tmp_path / "out")
    (sample,) = Corpus(tmp_path / "out")
    assert sample.camera is not None
    np.testing.assert_allclose(sample.camera.K, [[96, 0, 48], [0, 96, 32], [0, 0, 1]], rtol=1e-9)
    assert sample.provenance["focal_35mm"] == 36 and sample.provenance["placement"] == "perspective"


def test_ways_to_name_pictures(photos: Path, tmp_path: Path, renders: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("a/z.png", bytes(cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1]))
    (photos / "notes.txt").write_text("no picture")
    named = [
        str(photos / "more"),
        str(photos / "*.jpg"),
        str(photos / "1.jpg"),
        str(tmp_path / "all.zip"),
        str(renders),
    ]
    found = find_inputs(named)
    assert [photo.name for photo in found.photos] == ["3.jpg", "4.jpg", "0.jpg", "1.jpg", "2.jpg", "a/z.png"]
    assert [corpus.path for corpus in found.corpora] == [renders]
    found = find_inputs([str(photos / "**" / "*.jpg"), str(tmp_path / "pho*")])
    assert len(found.photos) == 5


def test_samples_of_one_key_get_different_ones(renders: Path, photos: Path, tmp_path: Path) -> None:
    """Samples of corpora keep theirs."""
    first = next(iter(Corpus(renders))).key
    (photos / f"{first}.jpg").write_bytes(jpeg(9))
    predict(MODEL, request(photos, renders), tmp_path / "out")
    keys = [sample.key for sample in Corpus(tmp_path / "out")]
    assert len(set(keys)) == len(keys) and {first, f"{first}-2"} < set(keys)


def _empty(tmp_path: Path) -> list[str]:
    (tmp_path / "empty").mkdir()
    return [str(tmp_path / "empty")]


def _pixelless(tmp_path: Path) -> list[str]:
    corpus = tmp_path / "labels"
    corpus.mkdir()
    entry = write_shard(corpus, 0, [Sample("a", 8, 8, []), Sample("b", 8, 8, [])])
    Manifest(
        kind="import", seed=0, configuration={}, planned_samples=2, planned_shards=1, shards=[entry]
    ).write(corpus / "manifest.json")
    return [str(corpus)]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda folder: [str(folder / "none.jpg")], "nothing there"),
        (lambda folder: [str(folder / "*.gif")], "nothing there"),
        (_empty, "expected pictures"),
        (_pixelless, "2 samples without"),
    ],
)
def test_what_cannot_be_looked_at(make: Callable[[Path], list[str]], told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told):
        predict(MODEL, request(*make(tmp_path)), tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_bad_photos_stop_the_run_or_are_listed(photos: Path, tmp_path: Path) -> None:
    (photos / "cut.jpg").write_bytes(jpeg(0)[:500])
    huge = struct.pack(">II", 1 << 20, 1 << 20)
    (photos / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + huge + b"\x08\x02\0\0\0\0\0\0\0IEND")
    (photos / "text.jpg").write_text("hello")
    with pytest.raises(UnusableInputs) as stopped:
        predict(MODEL, request(photos), tmp_path / "out")
    assert len(stopped.value.lines) == 3
    assert not list((tmp_path / "out").glob("*.parquet"))
    predict(MODEL, request(photos, skip_bad=True), tmp_path / "out")
    made = Corpus(tmp_path / "out")
    assert len(made) == 5
    assert [Path(skipped.where).name for skipped in made.manifest.skipped] == [
        "cut.jpg",
        "huge.png",
        "text.jpg",
    ]


def test_it_does_not_write_over_what_it_reads(renders: Path) -> None:
    with pytest.raises(InputError, match="another folder than the corpus that is looked at"):
        predict(MODEL, request(renders), renders)
