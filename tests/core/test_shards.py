"""Samples survive the disk exactly, and damaged or hostile shards give one-line errors."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from posecorpus.core.cameras import Camera
from posecorpus.core.codecs import decode, encode, image_size
from posecorpus.core.errors import InputError
from posecorpus.core.manifest import MANIFEST, Manifest, describe_skeletons, describe_taxonomy
from posecorpus.core.sample import RASTERS, Lift, Person, Sample, SkeletonMap
from posecorpus.core.schema import SCHEMA, table
from posecorpus.core.shards import Corpus, file_sha256, shard_name, write_shard


def make_sample(i: int, rng: np.random.Generator) -> Sample:
    height, width = 24 + i, 32
    joints2d = rng.uniform(0, 24, (14, 2)).astype(np.float32)
    joints2d[3] = np.nan
    visibility = rng.integers(1, 3, 14).astype(np.uint8)
    visibility[3] = 0
    person = Person(
        skeleton="lsp_14",
        joints2d=joints2d,
        joints3d=rng.normal(size=(14, 3)).astype(np.float32),
        visibility=visibility,
        bbox=np.array([1, 2, 20, 21], np.float32),
        body="open",
        gender="female",
        pose=rng.normal(size=(24, 3)).astype(np.float32),
        betas=rng.normal(size=10).astype(np.float32),
        translation=rng.normal(size=3).astype(np.float32),
        motion="walk",
        motion_frame=7,
    )
    return Sample(
        key=f"s-{i:06d}",
        width=width,
        height=height,
        camera=Camera.from_fov(50, width, height),
        people=[person],
        image=cv2.GaussianBlur(rng.integers(0, 255, (height, width, 3), np.uint8), (0, 0), 4),
        parts=rng.integers(0, 25, (height, width)).astype(np.uint8),
        instances=rng.integers(0, 2, (height, width)).astype(np.uint8),
        depth_mm=rng.integers(0, 60000, (height, width)).astype(np.uint16),
        normals=rng.integers(0, 255, (height, width, 3), np.uint8),
        flow=rng.normal(size=(height, width, 2)).astype(np.float16),
        clip="walk-3",
        frame=i,
        provenance={"source": "ü", "n": [1, 2]},
    )


@pytest.fixture
def samples() -> list[Sample]:
    rng = np.random.default_rng(0)
    bare = Sample(key="bare", width=640, height=480, people=[])
    return [make_sample(i, rng) for i in range(120)] + [bare]


@pytest.fixture
def corpus(tmp_path: Path, samples: list[Sample]) -> Corpus:
    shards = [write_shard(tmp_path, 0, samples[:70]), write_shard(tmp_path, 1, samples[70:])]
    manifest = Manifest(
        kind="test",
        seed=0,
        configuration={},
        planned_samples=len(samples),
        planned_shards=2,
        shards=shards,
        skeletons=describe_skeletons("lsp_14"),
        part_taxonomy=describe_taxonomy("smpl_24"),
    )
    manifest.write(tmp_path / MANIFEST)
    return Corpus(tmp_path)


def assert_same(a: Sample, b: Sample) -> None:
    for name in vars(a):
        x, y = getattr(a, name), getattr(b, name)
        if name == "image" and x is not None:
            assert np.abs(x.astype(int) - y).max() <= 12  # smooth pictures, through JPEG
        elif name == "camera" and x is not None:
            assert all(
                np.array_equal(getattr(x, k), getattr(y, k)) for k in ("K", "R", "t", "width", "height")
            )
        elif name == "people":
            for p, q in zip(x, y, strict=True):
                for key in vars(p):
                    np.testing.assert_array_equal(getattr(p, key), getattr(q, key), err_msg=key)
        else:
            np.testing.assert_array_equal(x, y, err_msg=name)
            assert type(x) is type(y)


def test_samples_survive_the_disk(corpus: Corpus, samples: list[Sample]) -> None:
    assert corpus.manifest.complete
    assert len(corpus) == len(samples)
    for a, b in zip(samples, corpus, strict=True):
        assert_same(a, b)
    for i in (0, 49, 50, 69, 70, 120):
        assert_same(samples[i], corpus[i])
    with pytest.raises(IndexError):
        corpus[121]


@pytest.mark.parametrize("name", [name for name in RASTERS if name != "image"])
def test_pictures_with_large_surfaces_survive_the_disk(name: str) -> None:
    """Larger than any window of the codecs: runs, repeated rows, noise and nothing."""
    dtype, channels = RASTERS[name]
    rng, shape = np.random.default_rng(0), (300, 500, channels)
    bits = rng.integers(0, 256, (*shape[:2], channels * np.dtype(dtype).itemsize), np.uint8)
    bits[100:200] = bits[100, 100]
    bits[200:250, 50:450] = bits[0, 50:450]
    bits[250:] = 0
    raster = bits.view(dtype)[..., 0] if channels == 1 else bits.view(dtype)
    stored = encode(name, raster)
    assert decode(name, stored, 500, 300, "here").tobytes() == raster.tobytes()
    assert len(stored) < 0.6 * raster.nbytes


def test_image_bytes_are_the_jpeg_of_the_pixels(corpus: Corpus, samples: list[Sample]) -> None:
    row = corpus.columns("image", "key").to_pylist()[5]
    assert row["image"] == encode("image", samples[5].image)


def test_people_are_stored_as_arrow_itself_would(samples: list[Sample]) -> None:
    """The columns built from arrays are those of the same people as plain Python values, whatever is missing."""
    (whole,) = samples[0].people
    blind = replace(whole, joints3d=None, pose=None, translation=None, betas=None, body=None)
    shapeless = replace(whole, betas=np.zeros(0, np.float32), score=0.25, lift=lifted(3))
    crowds = [[whole, blind], [], [shapeless], [blind]]
    stored = table(
        replace(samples[i], people=crowd, instances=None) for i, crowd in enumerate(crowds)
    ).column("people")

    def plain(value: object) -> object:
        if isinstance(value, np.ndarray):
            return value.tolist()
        return {k: plain(v) for k, v in vars(value).items()} if isinstance(value, Person | Lift) else value

    rows = [[plain(person) for person in crowd] for crowd in crowds]
    expected = pa.array(rows, SCHEMA.field("people").type)
    assert stored.type == expected.type
    sinks = [pa.BufferOutputStream(), pa.BufferOutputStream()]  # NaN is not equal to itself, bytes are
    for sink, column in zip(sinks, (stored.combine_chunks(), expected), strict=True):
        pq.write_table(pa.table({"people": column}), sink)
    assert sinks[0].getvalue().equals(sinks[1].getvalue())


def test_only_asked_rasters_are_decoded(corpus: Corpus) -> None:
    sample = next(corpus.samples(["parts"]))
    assert sample.parts is not None
    assert all(getattr(sample, name) is None for name in RASTERS if name != "parts")


def test_same_samples_give_the_same_bytes(tmp_path: Path, samples: list[Sample]) -> None:
    digests = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        entry = write_shard(tmp_path / name, 3, samples)
        assert entry.sha256 == file_sha256(tmp_path / name / shard_name(3))
        digests.add(entry.sha256)
        assert [p.name for p in (tmp_path / name).iterdir()] == [shard_name(3)]
    assert len(digests) == 1


def test_readable_without_our_code(corpus: Corpus, samples: list[Sample]) -> None:
    row = pq.read_table(corpus.shards[0]).to_pylist()[2]
    depth = np.frombuffer(zstandard.decompress(row["depth"]), "<u2").reshape(row["height"], row["width"])
    np.testing.assert_array_equal(depth, samples[2].depth_mm)
    parts = cv2.imdecode(np.frombuffer(row["parts"], np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(parts, samples[2].parts)
    np.testing.assert_array_equal(np.reshape(row["camera"]["R"], (3, 3)), np.eye(3))


@pytest.mark.parametrize(
    ("plant", "message"),
    [
        (lambda p: (p / MANIFEST).unlink(), "no such file"),
        (lambda p: (p / MANIFEST).write_text("{"), "expected JSON"),
        (lambda p: (p / MANIFEST).write_text("[" * 100_000), "expected JSON"),
        (lambda p: (p / MANIFEST).write_text('{"schema_version": 99}'), "schema_version"),
        (lambda p: (p / shard_name(1)).unlink(), "Parquet shard"),
        (lambda p: (p / shard_name(1)).write_bytes(b"PAR1" * 9), "Parquet shard"),
        (lambda p: (p / shard_name(1)).write_bytes((p / shard_name(0)).read_bytes()), "51 rows"),
    ],
)
def test_damage_is_one_line(corpus: Corpus, plant: object, message: str) -> None:
    plant(corpus.path)  # type: ignore[operator]
    with pytest.raises(InputError, match=message) as caught:
        list(Corpus(corpus.path))
    assert "\n" not in str(caught.value)


def test_manifest_cannot_name_files_elsewhere(corpus: Corpus) -> None:
    raw = json.loads((corpus.path / MANIFEST).read_text())
    raw["shards"][0]["file"] = "../../etc/passwd"
    (corpus.path / MANIFEST).write_text(json.dumps(raw))
    with pytest.raises(InputError, match=r"shards\.0\.file"):
        Corpus(corpus.path)


def test_bombs_are_refused_before_memory_is_taken() -> None:
    png = encode("parts", np.zeros((4, 4), np.uint8))
    bomb = png[:16] + struct.pack(">II", 100_000, 100_000) + png[24:]
    with pytest.raises(InputError, match="at most"):
        decode("parts", bomb, 100_000, 100_000, "bomb")
    with pytest.raises(InputError, match="image of 8x8"):
        decode("parts", png, 8, 8, "size")
    claimed = zstandard.ZstdCompressor().compress(bytes(1 << 20))
    with pytest.raises(InputError, match="bytes for depth_mm"):
        decode("depth_mm", claimed, 2, 2, "frame")
    with pytest.raises(InputError):
        decode("flow", b"not zstd", 2, 2, "frame")
    with pytest.raises(InputError, match="PNG or JPEG"):
        image_size(b"GIF89a", "x")


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (640, 480)])
def test_header_size_agrees_with_the_decoder(size: tuple[int, int]) -> None:
    for extension in (".png", ".jpg"):
        data = cv2.imencode(extension, np.zeros((size[1], size[0], 3), np.uint8))[1].tobytes()
        assert image_size(data, "x") == size
    with pytest.raises(InputError):
        image_size(data[:3], "x")


def test_bad_samples_are_not_written(tmp_path: Path, samples: list[Sample]) -> None:
    bad = replace(samples[0], parts=samples[0].parts[:-1])  # type: ignore[index]
    with pytest.raises(InputError, match="parts"):
        write_shard(tmp_path, 0, [bad])
    assert list(tmp_path.iterdir()) == []


def test_rows_are_grouped_for_streaming(corpus: Corpus) -> None:
    metadata = pq.ParquetFile(io.BytesIO(corpus.shards[0].read_bytes())).metadata
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [50, 20]


def lifted(seed: int, joints: int = 14) -> Lift:
    rng = np.random.default_rng(seed)
    return Lift(
        method="depth",
        completed=rng.random(joints) < 0.3,
        match_distance=0.25,
        residual_px=1.5,
        spread_mm=rng.random(joints).astype(np.float32),
        error_mm=rng.random(joints).astype(np.float32),
        interval_mm=rng.random((joints, 2)).astype(np.float32),
        pose_error_mm=80.0,
        pose_interval_mm=np.array([40, 150], np.float32),
        hypotheses=rng.random((5 * (seed % 2), joints, 3)).astype(np.float32),
        measured_error_mm=None if seed % 2 else 71.5,
    )


@pytest.mark.parametrize("seed", [0, 1])
def test_a_lifted_person_and_skeleton_maps_survive_the_disk(tmp_path: Path, seed: int) -> None:
    person = Person(
        skeleton="lsp_14",
        joints2d=np.ones((14, 2), np.float32),
        visibility=np.full(14, 2, np.uint8),
        bbox=np.array([0, 0, 1, 1], np.float32),
        lift=lifted(seed),
    )
    ids = np.random.default_rng(seed).integers(0, 16, (2, 56, 56)).astype(np.uint8)
    drawn = SkeletonMap(0, 3.0, np.array([-1, 0, 20, 21], np.float32), ids[0], ids[1])
    maps = [drawn] if seed else []
    entry = write_shard(tmp_path, 0, [Sample("a", 20, 20, [person], skeleton_maps=maps)])
    Manifest(
        kind="test", seed=0, configuration={}, planned_samples=1, planned_shards=1, shards=[entry]
    ).write(tmp_path / MANIFEST)
    read = Corpus(tmp_path)[0]
    assert read.people[0].lift is not None and read.skeleton_maps is not None
    for name, value in vars(lifted(seed)).items():
        np.testing.assert_array_equal(getattr(read.people[0].lift, name), value)
    assert len(read.skeleton_maps) == len(maps)
    for name, value in vars(drawn).items() if maps else ():
        np.testing.assert_array_equal(getattr(read.skeleton_maps[0], name), value)


def test_a_raster_passes_from_corpus_to_corpus_byte_for_byte(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
    entry = write_shard(first, 0, [Sample("a", 30, 20, [], image=image)])
    Manifest(
        kind="test", seed=0, configuration={}, planned_samples=1, planned_shards=1, shards=[entry]
    ).write(first / MANIFEST)
    again = write_shard(second, 0, Corpus(first).shard_samples(entry, (), keep_encoded=True))
    assert again.sha256 == entry.sha256
