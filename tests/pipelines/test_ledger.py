"""The book of finished shards: resuming, pieces put together, strangers and damage refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import MANIFEST, Manifest, ShardEntry, read_manifest
from posecorpus.core.shards import shard_name
from posecorpus.pipelines.ledger import check_folder, close_ledger, open_ledger, record, recorder


def planned(shards: int = 4, **changes: object) -> Manifest:
    values = {
        "kind": "synth",
        "seed": 1,
        "configuration": {"a": 1},
        "planned_samples": shards,
        "planned_shards": shards,
    }
    return Manifest.model_validate(values | changes)


def make(out: Path, index: int) -> ShardEntry:
    data = f"shard {index}".encode()
    (out / shard_name(index)).write_bytes(data)
    return ShardEntry(file=shard_name(index), samples=1, sha256=hashlib.sha256(data).hexdigest())


def test_a_run_goes_on_where_it_was(tmp_path: Path) -> None:
    assert open_ledger(tmp_path, planned(), None) == {}
    done = {i: make(tmp_path, i) for i in (2, 0)}
    record(tmp_path, planned(), done, None)
    make(tmp_path, 1)  # written, but the run was killed before its book was
    (tmp_path / ".shard-00003.parquet.77.tmp").write_bytes(b"half")
    assert open_ledger(tmp_path, planned(), None) == done
    assert not list(tmp_path.glob(".*.tmp"))
    assert [e.file for e in read_manifest(tmp_path / MANIFEST).shards] == [shard_name(0), shard_name(2)]


def test_a_damaged_shard_is_made_again(tmp_path: Path) -> None:
    open_ledger(tmp_path, planned(), None)
    record(tmp_path, planned(), {0: make(tmp_path, 0), 1: make(tmp_path, 1)}, None)
    (tmp_path / shard_name(1)).write_bytes(b"bit rot")
    assert list(open_ledger(tmp_path, planned(), None)) == [0]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_pieces_become_the_whole(tmp_path: Path, order: tuple[int, int]) -> None:
    for i in order:
        finished = open_ledger(tmp_path, planned(), (i, 2))
        for index in range(i - 1, 4, 2):
            finished[index] = make(tmp_path, index)
            record(tmp_path, planned(), finished, (i, 2))
        path = close_ledger(tmp_path, planned(), finished, (i, 2))
        if i == order[0]:
            assert path.name == f"manifest-{i}-of-2.json"
    assert path.name == MANIFEST
    assert sorted(p.name for p in tmp_path.glob("*.json")) == [MANIFEST]
    assert read_manifest(path).complete
    assert [e.file for e in read_manifest(path).shards] == [shard_name(i) for i in range(4)]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seed": 2}, "seed"),
        ({"configuration": {"a": 2}}, "configuration.a"),
        ({"configuration": {"a": 1, "b": 0}}, "configuration.b"),
        ({"inputs": {"walk.bvh": "0" * 64}}, "inputs.walk.bvh"),
        ({"kind": "import"}, "kind"),
    ],
)
def test_another_corpus_is_not_continued(tmp_path: Path, changes: dict[str, object], named: str) -> None:
    open_ledger(tmp_path, planned(), None)
    before = (tmp_path / MANIFEST).read_bytes()
    with pytest.raises(InputError, match=named):
        open_ledger(tmp_path, planned(**changes), None)
    assert (tmp_path / MANIFEST).read_bytes() == before


def test_folders_with_other_things_are_left_alone(tmp_path: Path) -> None:
    check_folder(tmp_path / "new")
    check_folder(tmp_path)
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match=r"thesis\.tex"):
        check_folder(tmp_path)
    with pytest.raises(InputError, match="a file"):
        check_folder(tmp_path / "thesis.tex")
    open_ledger(tmp_path, planned(), None)
    check_folder(tmp_path)  # a corpus may have a report beside its shards


def test_shards_are_booked_also_when_the_run_is_interrupted(tmp_path: Path) -> None:
    finished = open_ledger(tmp_path, planned(), None)

    def interrupted() -> None:
        with recorder(tmp_path, planned(), finished, None) as take:
            take(2, make(tmp_path, 2))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [e.file for e in read_manifest(tmp_path / MANIFEST).shards] == [shard_name(2)]


def test_long_runs_are_booked_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr("posecorpus.pipelines.ledger.time.monotonic", lambda: float(next(clock)))
    finished = open_ledger(tmp_path, planned(), None)
    booked = []
    with recorder(tmp_path, planned(), finished, None) as take:
        for i in range(4):
            take(i, make(tmp_path, i))
            booked.append(len(read_manifest(tmp_path / MANIFEST).shards))
    assert 0 < max(booked[:-1]) < 4
    assert read_manifest(tmp_path / MANIFEST).complete
