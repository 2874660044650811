"""Exports to folders and WebDataset, read back against the corpus they came from; and what all exports refuse."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import MANIFEST
from posecorpus.core.sample import Sample
from posecorpus.core.shards import Corpus
from posecorpus.pipelines.export import FORMATS, export_corpus
from posecorpus.pipelines.export.webdataset import write_webdataset


@pytest.fixture(scope="module")
def exported(assorted: Path) -> dict[str, Path]:
    return {format: export_corpus(assorted, assorted.parent / format, format) for format in FORMATS}


def stored(assorted: Path) -> dict[str, dict]:
    """Rows of the shards, read without this package's reader."""
    rows = [row for shard in sorted(assorted.glob("*.parquet")) for row in pq.read_table(shard).to_pylist()]
    return {row["key"]: row for row in rows}


def read_pixels(files: dict[str, bytes]) -> dict[str, np.ndarray]:
    """Rasters from file contents by ending, with OpenCV and numpy only."""
    result = {}
    for ending, data in files.items():
        if ending == "flow.npz":
            result["flow"] = np.load(io.BytesIO(data), allow_pickle=False)["flow"]
        elif ending.endswith("png") and ending != "png":
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
            name = ending.removesuffix(".png")
            result["depth_mm" if name == "depth" else name] = image[..., ::-1] if name == "normals" else image
    return result


def check_sample(
    sample: Sample, row: dict, image: bytes | None, files: dict[str, bytes], labels: dict
) -> None:
    assert image == row["image"], "the picture's bytes are the corpus's"
    pixels = read_pixels(files)
    for field in ("parts", "instances", "depth_mm", "normals", "flow"):
        own = getattr(sample, field)
        assert (own is None) == (field not in pixels)
        if own is not None:
            assert pixels[field].dtype == own.dtype and np.array_equal(pixels[field], own)
    assert labels["key"] == sample.key and len(labels["people"]) == len(sample.people)
    for written, person in zip(labels["people"], sample.people, strict=True):
        np.testing.assert_array_equal(np.array(written["joints2d"], np.float32), person.joints2d)
        np.testing.assert_array_equal(np.array(written["visibility"]), person.visibility)
        if person.joints3d is not None:
            np.testing.assert_array_equal(np.array(written["joints3d"], np.float32), person.joints3d)
    if sample.camera is not None:
        assert labels["camera"]["R"] == sample.camera.R.tolist()


def strict_json(data: bytes) -> dict:
    """JSON as other languages read it: no NaN."""
    return json.loads(data, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_folder_round_trip(assorted: Path, exported: dict[str, Path]) -> None:
    rows = stored(assorted)
    folders = {folder.name: folder for folder in (exported["folder"] / "samples").iterdir()}
    assert folders.keys() == rows.keys()
    for sample in Corpus(assorted):
        files = {path.name: path.read_bytes() for path in folders[sample.key].iterdir()}
        labels = strict_json(files.pop("labels.json"))
        check_sample(sample, rows[sample.key], files.pop("image.jpg", None), files, labels)
    described = strict_json((exported["folder"] / "dataset.json").read_bytes())
    assert described["part_taxonomy"]["legend"]["16"] == "head"
    assert described["skeletons"]["full_42"]["joints"][0] == "pelvis"


def test_webdataset_round_trip(assorted: Path, exported: dict[str, Path]) -> None:
    rows, groups = stored(assorted), {}
    for path in sorted(exported["webdataset"].glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                key, _, ending = member.name.partition(".")  # how WebDataset splits a name
                groups.setdefault(key, {})[ending] = tar.extractfile(member).read()
    assert len(groups) == len(rows)
    for sample, files in zip(Corpus(assorted), groups.values(), strict=True):
        labels = strict_json(files.pop("json"))
        check_sample(sample, rows[sample.key], files.pop("jpg", None), files, labels)
    assert "no_picture" in groups, "a dot would end the key"


def test_tar_headers_say_nothing_of_this_machine(exported: dict[str, Path]) -> None:
    for path in exported["webdataset"].glob("*.tar"):
        with tarfile.open(path) as tar:
            for member in tar:
                assert (member.mtime, member.uid, member.gid, member.uname, member.gname, member.mode) == (
                    0,
                    0,
                    0,
                    "",
                    "",
                    0o644,
                )


def test_tar_files_are_bounded_and_hold_whole_samples(assorted: Path, tmp_path: Path) -> None:
    limit = 150_000
    assert sum(1 for _ in write_webdataset(Corpus(assorted), tmp_path, max_tar_bytes=limit)) == 12
    tars = sorted(tmp_path.glob("*.tar"))
    assert len(tars) > 2
    where = Counter()
    for path in tars:
        with tarfile.open(path) as tar:
            assert max(member.offset_data + member.size for member in tar) <= limit
            where.update({member.name.partition(".")[0] for member in tar})
    assert set(where.values()) == {1}, "no sample is split between two files"


@pytest.mark.parametrize("format", FORMATS)
def test_same_corpus_same_bytes(
    format: str, assorted: Path, exported: dict[str, Path], tmp_path: Path
) -> None:
    def digest(folder: Path) -> dict[str, str]:
        files = [path for path in folder.rglob("*") if path.is_file()]
        return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

    assert digest(export_corpus(assorted, tmp_path / "again", format)) == digest(exported[format])


# --- refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_a_folder_with_something_in_it_is_refused_and_left_alone(
    format: str, assorted: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="new or empty folder"):
        export_corpus(assorted, tmp_path / "out", format)
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "thesis.tex"]


def test_an_empty_folder_will_do(assorted: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert (export_corpus(assorted, tmp_path / "out", "coco") / "annotations.json").exists()


@pytest.mark.parametrize("format", FORMATS)
def test_damage_leaves_nothing_behind(format: str, spheres: SimpleNamespace, tmp_path: Path) -> None:
    corpus = spheres.write_corpus(tmp_path / "c", [spheres.make_photo(i) for i in range(4)], shard_size=2)
    shard = corpus / "shard-00001.parquet"
    data = bytearray(shard.read_bytes())
    at = data.index(b"\xff\xd8\xff")  # the first picture of the second shard
    data[at : at + 64] = bytes(64)
    shard.write_bytes(data)
    with pytest.raises(InputError, match=r"shard-00001\.parquet: photo-2"):
        export_corpus(corpus, tmp_path / "out", format)
    assert [p.name for p in tmp_path.iterdir()] == ["c"]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("key", ["../../escaped", "/tmp/escaped", "a/b", "..", ".", "a\\b", "a\0b"])
def test_a_key_cannot_lead_out_of_the_folder(
    format: str, key: str, spheres: SimpleNamespace, tmp_path: Path
) -> None:
    corpus = forged(spheres, tmp_path / "deep" / "c", {"photo-0": key})
    with pytest.raises(InputError):
        export_corpus(corpus, tmp_path / "deep" / "out", format)
    assert not list(tmp_path.rglob("*escaped*")) and not (tmp_path / "deep" / "out").exists()


def forged(spheres: SimpleNamespace, folder: Path, keys: dict[str, str]) -> Path:
    """A corpus of photos with keys that the writer itself would refuse."""
    spheres.write_corpus(folder, [spheres.make_photo(i) for i in range(2)])
    shard = folder / "shard-00000.parquet"
    table = pq.read_table(shard)
    names = [keys.get(key, key) for key in table["key"].to_pylist()]
    pq.write_table(table.set_column(0, table.schema.field("key"), [names]), shard)
    return folder


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("twin", ["photo-0", "PHOTO-0"])
def test_two_samples_never_share_a_file(
    format: str, twin: str, spheres: SimpleNamespace, tmp_path: Path
) -> None:
    corpus = forged(spheres, tmp_path / "c", {"photo-1": twin})
    with pytest.raises(InputError, match="file names that differ"):
        export_corpus(corpus, tmp_path / "out", format)


def test_keys_that_differ_by_a_dot_only_are_refused_where_dots_cannot_stay(
    spheres: SimpleNamespace, tmp_path: Path
) -> None:
    corpus = forged(spheres, tmp_path / "c", {"photo-0": "a.b", "photo-1": "a_b"})
    with pytest.raises(InputError, match="file names that differ"):
        export_corpus(corpus, tmp_path / "tars", "webdataset")
    assert (export_corpus(corpus, tmp_path / "plain", "folder") / "samples" / "a.b").is_dir()


def test_a_key_too_long_for_a_file_name_is_refused(spheres: SimpleNamespace, tmp_path: Path) -> None:
    corpus = forged(spheres, tmp_path / "c", {"photo-0": "x" * 300})
    with pytest.raises(InputError, match="at most 200 bytes"):
        export_corpus(corpus, tmp_path / "out", "folder")


def test_options_and_unfinished_corpora_are_refused(
    assorted: Path, spheres: SimpleNamespace, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="coco, folder, webdataset"):
        export_corpus(assorted, tmp_path / "out", "yolo")
    with pytest.raises(InputError, match="lsp_14"):
        export_corpus(assorted, tmp_path / "out", "coco", skeleton="lsp")
    part = spheres.write_corpus(tmp_path / "part", [spheres.make_photo(i) for i in range(2)])
    manifest = json.loads((part / MANIFEST).read_text()) | {"planned_shards": 2}
    (part / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="finished corpus, got 1 of 2 shards"):
        export_corpus(part, tmp_path / "out", "folder")


def test_progress_is_reported(assorted: Path, tmp_path: Path) -> None:
    steps = []
    export_corpus(assorted, tmp_path / "out", "coco", report=lambda *step: steps.append(step))
    assert steps == [("export", i, 12) for i in range(1, 13)]


@pytest.mark.parametrize("format", FORMATS)
def test_an_interrupted_export_leaves_nothing(format: str, assorted: Path, tmp_path: Path) -> None:
    def interrupt(stage: str, done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_corpus(assorted, tmp_path / "out", format, report=interrupt)
    assert not list(tmp_path.iterdir())
