"""The book of finished shards: resuming, pieces put together, strangers and damage refused."""

from __future__ import annotations

import hashlib
import io
import itertools
import os
from pathlib import Path

import pytest

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import MANIFEST, Manifest, ShardEntry, read_manifest
from posecorpus.core.shards import shard_name
from posecorpus.core.storage import LocalStorage
from posecorpus.pipelines.ledger import Ledger, check_folder, claimed


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


def book(out: Path, piece: tuple[int, int] | None = None, **options: object) -> Ledger:
    return Ledger(LocalStorage(out), planned(), piece, **options)  # type: ignore[arg-type]


def booked(path: Path) -> list[str]:
    return [entry.file for entry in read_manifest(path).shards]


def test_a_run_goes_on_where_it_was(tmp_path: Path) -> None:
    first = book(tmp_path)
    assert first.finished == {}
    with first.taking() as take:
        for i in (2, 0):
            take(i, make(tmp_path, i))
    make(tmp_path, 1)  # written, but the run was killed before it heard of it
    (tmp_path / ".shard-00003.parquet.77.tmp").write_bytes(b"half")
    second = book(tmp_path)
    assert second.finished == first.finished
    assert second.missing == [1, 3]
    assert sorted(p.name for p in tmp_path.glob(".*")) == []
    assert booked(tmp_path / MANIFEST) == [shard_name(0), shard_name(2)]


@pytest.mark.parametrize("torn", [b"", b'{"file": "shard-00003.par'])
def test_a_killed_run_has_noted_every_finished_shard(tmp_path: Path, torn: bytes) -> None:
    killed = book(tmp_path)
    taking = killed.taking()
    take = taking.__enter__()
    for i in (1, 3):
        take(i, make(tmp_path, i))
    assert booked(tmp_path / MANIFEST) == []  # its book was to be written seconds later
    with (tmp_path / ".manifest.journal").open("ab") as file:
        file.write(torn)
    assert book(tmp_path).missing == [0, 2]
    assert booked(tmp_path / MANIFEST) == [shard_name(1), shard_name(3)]
    assert not (tmp_path / ".manifest.journal").exists()


def test_damaged_and_missing_shards_are_named_and_made_again(tmp_path: Path) -> None:
    with book(tmp_path).taking() as take:
        for i in range(3):
            take(i, make(tmp_path, i))
    (tmp_path / shard_name(1)).write_bytes(b"bit rot")
    (tmp_path / shard_name(2)).unlink()
    notes: list[str] = []
    assert book(tmp_path, note=notes.append).missing == [1, 2, 3]
    assert [Path(note.split()[0]).name for note in notes] == [shard_name(1), shard_name(2)]
    assert "does not have the bytes that were written: it is made again" in notes[0]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_pieces_become_the_whole(tmp_path: Path, order: tuple[int, int]) -> None:
    for i in order:
        mine = book(tmp_path, (i, 2))
        assert mine.missing == list(range(i - 1, 4, 2))
        with mine.taking() as take:
            for index in mine.missing:
                take(index, make(tmp_path, index))
        name = mine.close()
        assert name == (f"manifest-{i}-of-2.json" if i == order[0] else MANIFEST)
    assert sorted(p.name for p in tmp_path.iterdir() if "shard" not in p.name) == [MANIFEST]
    assert read_manifest(tmp_path / MANIFEST).complete
    assert booked(tmp_path / MANIFEST) == [shard_name(i) for i in range(4)]


def test_a_piece_leaves_alone_what_its_neighbours_write(tmp_path: Path) -> None:
    book(tmp_path, (1, 2))
    for i in range(2):
        (tmp_path / f".{shard_name(i)}.77.tmp").write_bytes(b"half")
    book(tmp_path, (2, 2))
    assert [p.name for p in tmp_path.glob(".*.tmp")] == [f".{shard_name(0)}.77.tmp"]


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
    book(tmp_path)
    before = (tmp_path / MANIFEST).read_bytes()
    with pytest.raises(InputError, match=named):
        Ledger(LocalStorage(tmp_path), planned(**changes))
    assert (tmp_path / MANIFEST).read_bytes() == before


def test_folders_with_other_things_are_left_alone(tmp_path: Path) -> None:
    check_folder(tmp_path / "new")
    check_folder(tmp_path)
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match=r"thesis\.tex"):
        check_folder(tmp_path)
    with pytest.raises(InputError, match="a file"):
        check_folder(tmp_path / "thesis.tex")
    book(tmp_path)
    check_folder(tmp_path)  # a corpus may have a report beside its shards


def test_shards_are_booked_also_when_the_run_is_interrupted(tmp_path: Path) -> None:
    def interrupted() -> None:
        with book(tmp_path).taking() as take:
            take(2, make(tmp_path, 2))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert booked(tmp_path / MANIFEST) == [shard_name(2)]


def test_neither_dates_nor_clocks_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that jumps, back and far ahead, while shards are made and between runs."""
    jumps = itertools.cycle([0.0, 4e9, -4e9])
    monkeypatch.setattr("time.time", lambda: next(jumps))
    monkeypatch.setattr("time.time_ns", lambda: int(next(jumps) * 1e9))
    with claimed(tmp_path), book(tmp_path).taking() as take:
        for i in range(3):
            take(i, make(tmp_path, i))
    for i, date in enumerate((0, 4_000_000_000, 86_400)):
        os.utime(tmp_path / shard_name(i), (date, date))
    os.utime(tmp_path / MANIFEST, (1, 1))
    assert book(tmp_path).missing == [3]


def test_booking_is_linear_in_the_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times the shards may write about four times the bytes, though each book lists all of them."""
    written = {}
    for shards in (500, 2000):
        clock = Clock()
        monkeypatch.setattr("posecorpus.pipelines.ledger.time.monotonic", clock)
        storage = CountingStorage(clock)
        ledger = Ledger(storage, planned(shards))
        with ledger.taking() as take:
            for i in range(shards):
                clock.now += 0.5  # a shard each half second
                take(i, ShardEntry(file=shard_name(i), samples=1, sha256="0" * 64))
        assert Manifest.model_validate_json(storage.files[MANIFEST]).complete
        assert clock.writing < 0.05 * clock.now
        written[shards] = storage.written
    assert written[2000] < 6 * written[500]


class Clock:
    def __init__(self) -> None:
        self.now = self.writing = 0.0

    def __call__(self) -> float:
        return self.now


class CountingStorage:
    """A slow memory: a megabyte takes a second."""

    one_process, name = True, "counting"

    def __init__(self, clock: Clock) -> None:
        self.files: dict[str, bytes] = {}
        self.written, self.clock = 0, clock

    def where(self, name: str) -> str:
        return name

    def names(self) -> list[str]:
        return sorted(self.files)

    def open(self, name: str) -> io.BytesIO:
        return io.BytesIO(self.files[name])

    def put(self, name: str, data: bytes) -> None:
        self.files[name] = data
        self.written += len(data)
        self.clock.now += len(data) / 1e6
        self.clock.writing += len(data) / 1e6

    def create(self, name: str, data: bytes) -> bool:
        raise NotImplementedError

    def append(self, name: str, data: bytes) -> bool:
        return False

    def remove(self, name: str) -> None:
        self.files.pop(name, None)
