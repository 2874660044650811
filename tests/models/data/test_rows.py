"""Rows are what the corpus's own reader gives, at any place, within the memory that is allowed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from posecorpus.core.cameras import Camera
from posecorpus.core.codecs import encode
from posecorpus.core.errors import InputError
from posecorpus.core.sample import UNLABELLED, VISIBLE, Person, Sample
from posecorpus.core.schema import PERSON
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import SKELETONS
from posecorpus.models.data.mixture import Row
from posecorpus.models.data.people import PeopleColumns
from posecorpus.models.data.rows import OPEN_FILES, Rows


def anything(number: int) -> Sample:
    """A sample with any of the labels, or none."""
    random = np.random.default_rng(number)

    def person(skeleton: str, joints: int) -> Person:
        visibility = random.integers(0, 3, joints).astype(np.uint8)
        points = random.normal(0, 9, (joints, 2)).astype(np.float32)
        points[visibility == UNLABELLED] = np.nan
        return Person(
            skeleton=skeleton,
            joints2d=points,
            visibility=visibility,
            bbox=random.normal(0, 9, 4).astype(np.float32),
            joints3d=random.normal(0, 1, (joints, 3)).astype(np.float32) if random.random() < 0.5 else None,
            body="open" if random.random() < 0.5 else None,
            gender="female" if random.random() < 0.5 else None,
            pose=random.normal(0, 1, (24, 3)).astype(np.float32),
            motion="walk" if random.random() < 0.5 else None,
            motion_frame=int(random.integers(9)) if random.random() < 0.5 else None,
            score=0.5 if random.random() < 0.5 else None,
        )

    kinds = [list(SKELETONS.values())[i] for i in random.integers(0, len(SKELETONS), random.integers(0, 5))]
    width, height = random.integers(4, 20, 2).tolist()
    return Sample(
        key=f"s{number}",
        width=width,
        height=height,
        people=[person(kind.name, len(kind)) for kind in kinds],
        image=random.integers(0, 256, (height, width, 3), np.uint8) if random.random() < 0.8 else None,
        camera=Camera.from_fov(50, width, height) if random.random() < 0.5 else None,
        parts=random.integers(0, 25, (height, width), np.uint8) if random.random() < 0.5 else None,
        depth_mm=random.integers(0, 9000, (height, width), np.uint16),
        clip="c" if random.random() < 0.5 else None,
        frame=number if random.random() < 0.5 else None,
        provenance={"number": number},
    )


def test_rows_are_the_corpus_reader_s(write_corpus) -> None:
    corpus = Corpus(
        write_corpus("c", [[anything(i) for i in range(70)], [anything(i) for i in range(70, 130)]])
    )
    rows = Rows([corpus], ("image", "parts"))
    expected = list(corpus.samples(("parts",)))
    for i in np.random.default_rng(0).permutation(130).tolist():
        found = rows.sample(Row(0, int(i >= 70), i % 70 if i < 70 else i - 70))
        image = found.encoded.get("image")
        assert image == (None if (whole := anything(i)).image is None else encode("image", whole.image))
        wanted = expected[i]
        assert (found.key, found.width, found.height, found.clip, found.frame) == (
            wanted.key, wanted.width, wanted.height, wanted.clip, wanted.frame,
        )  # fmt: skip
        assert found.image is found.depth_mm is found.instances is None and found.provenance == {}
        np.testing.assert_equal(found.parts, wanted.parts)
        np.testing.assert_equal(
            vars(found.camera) if found.camera else None, vars(wanted.camera) if wanted.camera else None
        )
        assert len(found.people) == len(wanted.people)
        for person, like in zip(found.people, wanted.people, strict=True):
            np.testing.assert_equal(
                vars(person), vars(replace(like, pose=None, betas=None, translation=None, lift=None))
            )


def test_memory_stays_within_the_budget(write_corpus) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    shards = [[Sample(f"s{100 * s + i}", 80, 60, [], image=noise) for i in range(100)] for s in range(5)]
    corpus = Corpus(write_corpus("c", shards))
    budget = 3 * 50 * len(encode("image", noise))
    rows = Rows([corpus], budget_bytes=budget)
    for shard, row in np.random.default_rng(1).integers(0, (5, 100), (60, 2)).tolist():
        assert rows.sample(Row(0, shard, row)).key == f"s{100 * shard + row}"
        held = pa.total_allocated_bytes()
        assert rows._bytes == sum(group.bytes for group in rows._groups.values()) <= budget
        assert held <= 1.5 * budget + (4 << 20)
    assert len(rows._groups) == 2


def test_one_group_is_kept_whatever_it_takes(corpus: Path) -> None:
    rows = Rows([Corpus(corpus)], budget_bytes=0)
    assert [rows.sample(Row(0, 0, i)).key for i in (0, 1, 51, 0)] == ["s0", "s1", "s51", "s0"]
    assert len(rows._groups) == 1


def test_files_are_closed_again(write_corpus) -> None:
    count = OPEN_FILES + 5
    corpus = Corpus(write_corpus("c", [[Sample(f"s{i}", 4, 4, [])] for i in range(count)]))
    rows = Rows([corpus], budget_bytes=0)
    files = []
    for i in range(count):
        rows.sample(Row(0, i, 0))
        files.append(rows._files[0, i].parquet)
    assert [file.closed for file in files] == [True] * 5 + [False] * OPEN_FILES
    assert rows.sample(Row(0, 0, 0)).key == "s0"


def test_bytes_that_rot(spoilt: Path) -> None:
    """Any damaged stretch of a shard gives a sample or one line about that file, never anything else."""
    shard = spoilt / "shard-00000.parquet"
    whole, told = shard.read_bytes(), []
    for start in range(0, len(whole), len(whole) // 60):
        damaged = bytearray(whole)
        damaged[start : start + 40] = bytes(255 - b for b in damaged[start : start + 40])
        shard.write_bytes(damaged)
        rows = Rows([Corpus(spoilt)])
        try:
            for row in range(0, 120, 7):
                rows.sample(Row(0, 0, row))
        except InputError as error:
            told.append(str(error))
    assert len(told) > 10
    assert all(line.startswith(str(shard)) and "\n" not in line for line in told)


def test_sizes_that_are_none(spoilt: Path) -> None:
    shard = spoilt / "shard-00000.parquet"
    table = pq.read_table(shard)
    for width in (0, -5):
        wrong = table.set_column(2, table.schema.field(2), pa.array([width] * 120, pa.int32()))
        pq.write_table(wrong, shard, compression="NONE", use_dictionary=False)
        with pytest.raises(InputError, match=f"s3: expected an image of at least 1x1, got {width}x12"):
            Rows([Corpus(spoilt)]).sample(Row(0, 0, 3))


def test_text_that_is_none(spoilt: Path) -> None:
    shard = spoilt / "shard-00000.parquet"
    data = shard.read_bytes()
    assert data.count(b"lcr_13") > 100
    shard.write_bytes(data.replace(b"lcr_13", b"\xff\xfe\xff\xfe13"))
    with pytest.raises(InputError, match=f"{shard}: expected readable rows"):
        Rows([Corpus(spoilt)]).sample(Row(0, 0, 3))


def test_rows_that_break_the_rules_are_named(spoilt: Path) -> None:
    shard = spoilt / "shard-00000.parquet"
    shard.write_bytes(shard.read_bytes().replace(b"lcr_13", b"lcr_99"))
    with pytest.raises(InputError, match=f"^{shard}: .*skeleton.*lcr_99"):
        Rows([Corpus(spoilt)]).sample(Row(0, 0, 3))


def column(people: list[list[dict[str, object] | None] | None]) -> pa.ListArray:
    return pa.array(people, pa.list_(PERSON))


PLAIN = {"skeleton": "lcr_13", "joints2d": [[1.0, 2.0]] * 13, "visibility": [VISIBLE] * 13, "bbox": [0.0] * 4}


def test_lists_that_are_null_are_people_that_are_not_there() -> None:
    found = PeopleColumns(column([None, [PLAIN], [], [PLAIN, PLAIN | {"bbox": None}]]).slice(1), "f")
    assert [len(found.of_row(i)) for i in range(3)] == [1, 0, 2]
    assert found.of_row(2)[1].bbox is None and found.of_row(2)[0].bbox.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("person", "named"),
    [
        (None, "people: expected people without nulls"),
        (PLAIN | {"joints2d": [None, [1.0, 2.0]]}, "joints2d: expected points without nulls"),
        (PLAIN | {"joints2d": [[None, 2.0]]}, "joints2d: expected numbers without nulls"),
        (PLAIN | {"visibility": [None]}, "visibility: expected numbers without nulls"),
        (PLAIN | {"bbox": [None] * 4}, "bbox: expected numbers without nulls"),
    ],
)
def test_nulls_inside_lists_are_told_of(person: dict[str, object] | None, named: str) -> None:
    with pytest.raises(InputError, match=f"^shard: {named}, got . nulls"):
        PeopleColumns(column([[PLAIN, person]]), "shard")
