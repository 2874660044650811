"""Filtering keeps exactly what is trusted, and passes photographs on untouched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import MANIFEST, Manifest, describe_skeletons
from posecorpus.core.sample import Lift, Person, Sample
from posecorpus.core.shards import Corpus, write_shard
from posecorpus.pipelines.lifting.filter_lifted import filter_lifted

JOINTS = 14


def person(error_mm: float | None) -> Person:
    """Somebody lifted with that predicted error, two joints completed; or not lifted."""
    completed = np.arange(JOINTS) < (2 if error_mm is not None else 0)
    lift = None if error_mm is None else Lift(
        "depth", completed, 0.1, 1.0, np.ones(JOINTS, np.float32), np.ones(JOINTS, np.float32),
        np.ones((JOINTS, 2), np.float32), error_mm, np.array([1, 500], np.float32), np.ones((3, JOINTS, 3), np.float32),
    )  # fmt: skip
    return Person(
        skeleton="lsp_14",
        joints2d=np.arange(2 * JOINTS, dtype=np.float32).reshape(JOINTS, 2),
        visibility=np.where(completed, 1, 2).astype(np.uint8),
        bbox=np.array([0, 0, 9, 9], np.float32),
        joints3d=None if lift is None else np.ones((JOINTS, 3), np.float32),
        motion=None if lift is None else "walk",
        lift=lift,
    )


def corpus(folder: Path, errors: list[list[float | None]], **configuration: object) -> Path:
    """A lifted corpus of two samples a shard, with those predicted errors of each sample's people."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    samples = [
        Sample(
            f"{i:03d}", 24, 16, [person(e) for e in people], image=rng.integers(0, 255, (16, 24, 3), np.uint8)
        )
        for i, people in enumerate(errors)
    ]
    entries = [write_shard(folder, i // 2, samples[i : i + 2]) for i in range(0, len(samples), 2)]
    Manifest(
        kind="lift", seed=0, configuration=dict(configuration), skeletons=describe_skeletons("lsp_14"),
        planned_samples=len(samples), planned_shards=len(entries), shards=entries,
    ).write(folder / MANIFEST)  # fmt: skip
    return folder


ERRORS: list[list[float | None]] = [[50, 120], [90], [None, 80], [200, None], [None], [10]]


@pytest.mark.parametrize("workers", [1, 2])
def test_only_trusted_people_keep_their_3d(tmp_path: Path, workers: int) -> None:
    source = corpus(tmp_path / "lifted", ERRORS)
    kept = filter_lifted(source, tmp_path / "out", 80, workers=workers)
    result = Corpus(tmp_path / "out")
    assert [sample.key for sample in result] == ["000", "002", "005"]
    assert result.manifest.complete and result.manifest.planned_samples == len(result) == kept.kept_samples
    assert (kept.people, kept.kept_people, kept.samples) == (6, 3, 6)
    for sample in result:
        for after, error in zip(sample.people, ERRORS[int(sample.key)], strict=True):
            trusted = error is not None and error <= 80
            before = person(error)
            assert (
                (after.lift is not None)
                == (after.joints3d is not None)
                == (after.motion is not None)
                == trusted
            )
            annotated = before.visibility == 2  # the completed joints go with the 3D they came from
            known = np.isfinite(after.joints2d).all(-1)
            np.testing.assert_array_equal(known, annotated | trusted)
            np.testing.assert_array_equal(after.visibility > 0, known)
            np.testing.assert_array_equal(after.joints2d[known], before.joints2d[known])


def test_photographs_pass_byte_for_byte(tmp_path: Path) -> None:
    source = corpus(tmp_path / "lifted", ERRORS)
    filter_lifted(source, tmp_path / "out", 80)
    before, after = (
        {
            row["key"]: row["image"]
            for path in Corpus(folder).shards
            for row in pq.read_table(path).to_pylist()
        }
        for folder in (source, tmp_path / "out")
    )
    assert after == {key: before[key] for key in after}


def test_what_cannot_be_filtered_is_refused(tmp_path: Path) -> None:
    source = corpus(tmp_path / "lifted", ERRORS)
    with pytest.raises(InputError, match="an error some of"):
        filter_lifted(source, tmp_path / "out", 5)
    with pytest.raises(InputError, match="another folder"):
        filter_lifted(source, source, 80)
    with pytest.raises(InputError, match="above 0"):
        filter_lifted(source, tmp_path / "out", float("nan"))
    with pytest.raises(InputError, match="lifted people, got none"):
        filter_lifted(corpus(tmp_path / "plain", [[None]]), tmp_path / "out", 80)
    with pytest.raises(InputError, match="filter first, then label"):
        filter_lifted(corpus(tmp_path / "drawn", ERRORS, ellipses={}), tmp_path / "out", 80)
    assert not (tmp_path / "out").exists()
