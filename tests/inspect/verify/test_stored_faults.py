"""Faults of what is stored, which no Sample could carry: rows, shard files and the manifest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_corpus import KEY, edit_manifest, manifest_of, violations, write_corpus

from posecorpus.core.codecs import decode, encode
from posecorpus.core.manifest import ShardEntry
from posecorpus.core.sample import Sample
from posecorpus.core.schema import SCHEMA, table
from posecorpus.core.shards import file_sha256

# --- faults of a row, which no Sample could carry ------------------------------------------------------


def mirrored_camera(row: dict[str, Any]) -> None:
    row["camera"]["R"] = [-v if i < 3 else v for i, v in enumerate(row["camera"]["R"])]


def camera_number(field: str, index: int, value: float) -> Callable[[dict[str, Any]], None]:
    def plant(row: dict[str, Any]) -> None:
        row["camera"][field][index] = value

    return plant


def column(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def plant(row: dict[str, Any]) -> None:
        row[name] = value

    return plant


def truncated(name: str) -> Callable[[dict[str, Any]], None]:
    def plant(row: dict[str, Any]) -> None:
        row[name] = row[name][: len(row[name]) // 2]

    return plant


def person_field(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def plant(row: dict[str, Any]) -> None:
        row["people"][0][name] = value

    return plant


def third_instance(row: dict[str, Any]) -> None:
    instances = decode("instances", row["instances"], row["width"], row["height"], "")
    y, x = np.argwhere(instances > 0)[50]
    instances[y, x] = 3
    row["instances"] = encode("instances", instances)


ROW_FAULTS: list[tuple[Callable[[dict[str, Any]], None], dict[str, set[str]]]] = [
    (mirrored_camera, {KEY: {"camera"}}),
    (camera_number("R", 0, 1.5), {KEY: {"camera"}}),
    (camera_number("K", 0, 0.0), {KEY: {"camera"}}),
    (camera_number("K", 4, -240.0), {KEY: {"camera"}}),
    (camera_number("K", 0, 1e9), {KEY: {"camera"}}),
    (camera_number("K", 8, 2.0), {KEY: {"camera"}}),
    (camera_number("t", 1, float("nan")), {KEY: {"camera"}}),
    (truncated("image"), {KEY: {"sample"}}),
    (truncated("depth"), {KEY: {"sample"}}),
    (truncated("parts"), {KEY: {"sample"}}),
    (column("image", b"not an image"), {KEY: {"sample"}}),
    (column("width", 201), {KEY: {"sample"}}),
    (column("provenance", "{"), {KEY: {"sample"}}),
    (third_instance, {KEY: {"ids"}}),
    (person_field("skeleton", "smpl"), {KEY: {"sample"}}),
    (person_field("skeleton", None), {KEY: {"sample"}}),
    (person_field("joints2d", None), {KEY: {"sample"}}),
    (person_field("joints3d", [[0.0, 0.0, 1.0]]), {KEY: {"sample"}}),
    (person_field("visibility", [None] * 42), {KEY: {"sample"}}),
    (person_field("bbox", [0.0, None, 1.0, 1.0]), {KEY: {"bbox"}}),
    (column("key", "a-0"), {"a-0": {"keys"}}),
    (column("key", "../a"), {"../a": {"sample"}}),
    (column("frame", 0), {"a": {"keys"}}),
    (column("skipped", None), {}),
]


@pytest.mark.parametrize(("plant", "expected"), ROW_FAULTS)
def test_fault_of_a_row(
    plant: Callable[[dict[str, Any]], None],
    expected: dict[str, set[str]],
    good: list[list[Sample]],
    tmp_path: Path,
) -> None:
    rows = [table(samples).to_pylist() for samples in good]
    plant(rows[0][1])
    write_rows(tmp_path, [pa.Table.from_pylist(shard, schema=SCHEMA) for shard in rows])
    assert violations(tmp_path) == expected


def write_rows(folder: Path, tables: list[pa.Table]) -> None:
    manifest = manifest_of(len(tables), sum(map(len, tables)))
    for i, shard in enumerate(tables):
        path = folder / f"shard-{i:05d}.parquet"
        pq.write_table(shard, path)
        manifest.shards.append(ShardEntry(file=path.name, samples=len(shard), sha256=file_sha256(path)))
    manifest.write(folder / "manifest.json")


# --- faults of files -----------------------------------------------------------------------------------


def flip_bit(folder: Path) -> None:
    path = folder / "shard-00000.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut_shard(folder: Path) -> None:
    path = folder / "shard-00000.parquet"
    path.write_bytes(path.read_bytes()[:-100])


def lose_shard(folder: Path) -> None:
    (folder / "shard-00000.parquet").unlink()


def add_shard(folder: Path) -> None:
    (folder / "shard-00007.parquet").write_bytes((folder / "shard-00000.parquet").read_bytes())


def rewrite_shard(change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    """Change a shard's table and let the manifest vouch for the new bytes."""

    def plant(folder: Path) -> None:
        path = folder / "shard-00000.parquet"
        pq.write_table(change(pq.read_table(path)), path)
        edit_manifest(lambda m: m["shards"][0].update(sha256=file_sha256(path)))(folder)

    return plant


def not_parquet(folder: Path) -> None:
    path = folder / "shard-00000.parquet"
    path.write_bytes(b"PAR1 and no more PAR1")
    edit_manifest(lambda m: m["shards"][0].update(sha256=file_sha256(path)))(folder)


SHARD, MANIFEST = "shard-00000.parquet", "manifest.json"
FILE_FAULTS: list[tuple[Callable[[Path], None], dict[str, set[str]]]] = [
    (flip_bit, {SHARD: {"hash"}}),
    (cut_shard, {SHARD: {"hash"}}),
    (lose_shard, {SHARD: {"hash"}}),
    (not_parquet, {SHARD: {"columns"}}),
    (rewrite_shard(lambda t: t.drop_columns(["flow"])), {SHARD: {"columns"}}),
    (rewrite_shard(lambda t: t.append_column("mine", pa.array([0] * len(t)))), {SHARD: {"columns"}}),
    (rewrite_shard(lambda t: t.set_column(2, "width", t["width"].cast("int64"))), {SHARD: {"columns"}}),
    (rewrite_shard(lambda t: t.slice(0, 2)), {SHARD: {"count"}}),
    (add_shard, {MANIFEST: {"complete"}}),
    (edit_manifest(lambda m: m["shards"].pop(0)), {MANIFEST: {"complete"}}),
    (edit_manifest(lambda m: m.update(planned_samples=8)), {MANIFEST: {"complete"}}),
    (edit_manifest(lambda m: m["conventions"].update(depth="ray distance")), {MANIFEST: {"conventions"}}),
    (edit_manifest(lambda m: m["conventions"].pop("flow")), {MANIFEST: {"conventions"}}),
    (edit_manifest(lambda m: m["part_taxonomy"]["legend"].pop("7")), {MANIFEST: {"legend"}}),
    (edit_manifest(lambda m: m["part_taxonomy"]["legend"].update({"7": "leg"})), {MANIFEST: {"legend"}}),
    (edit_manifest(lambda m: m["part_taxonomy"]["palette"].pop("7")), {MANIFEST: {"legend"}}),
    (edit_manifest(lambda m: m["part_taxonomy"]["palette"].update({"7": [0, 0, 0]})), {MANIFEST: {"legend"}}),
    (edit_manifest(lambda m: m["part_taxonomy"].pop("palette")), {MANIFEST: {"legend"}}),
    (edit_manifest(lambda m: m.update(part_taxonomy=None)), {MANIFEST: {"legend"}}),
    (edit_manifest(lambda m: m["skeletons"].pop("coco_17")), {MANIFEST: {"legend"}}),
    (edit_manifest(lambda m: m["skeletons"]["full_42"]["joints"].reverse()), {MANIFEST: {"skeletons"}}),
    (edit_manifest(lambda m: m["skeletons"].update(mine={})), {MANIFEST: {"skeletons"}}),
]  # fmt: skip


@pytest.mark.parametrize(("plant", "expected"), FILE_FAULTS)
def test_fault_of_a_file(
    plant: Callable[[Path], None],
    expected: dict[str, set[str]],
    good: list[list[Sample]],
    tmp_path: Path,
) -> None:
    write_corpus(tmp_path, good)
    plant(tmp_path)
    found = violations(tmp_path)
    assert found == expected
