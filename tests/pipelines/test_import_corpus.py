"""Importing a corpus as if it had been annotated: labels that annotators would not have given are gone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.core.manifest import Manifest, describe_skeletons, read_manifest
from posecorpus.core.sample import Person, Sample
from posecorpus.core.shards import Corpus, write_shard
from posecorpus.core.skeletons import FULL_42, LSP_14, convert
from posecorpus.pipelines.importing.photos import ImportRequest, import_photos


@pytest.fixture(scope="module")
def renders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus as rendering makes them: two shards, 3D, parts and a camera."""
    folder = tmp_path_factory.mktemp("renders") / "truth"
    folder.mkdir()
    rng = np.random.default_rng(0)
    camera = Camera.from_fov(40, 64, 48)

    def sample(i: int) -> Sample:
        people = []
        for _ in range(i % 3):
            joints3d = rng.normal(size=(42, 3)).astype(np.float32)
            joints2d = rng.uniform(-10, 70, (42, 2)).astype(np.float32)
            flags = rng.integers(1, 3, 42).astype(np.uint8)
            box = np.array([1, 2, 3, 4], np.float32)
            people.append(Person("full_42", joints2d, flags, box, joints3d, body="open", score=0.5))
        image = rng.integers(0, 255, (48, 64, 3)).astype(np.uint8)
        parts = np.zeros((48, 64), np.uint8)
        return Sample(
            f"{i:06d}-0000",
            64,
            48,
            people,
            image,
            camera,
            parts,
            clip=f"{i:06d}",
            frame=0,
            provenance={"seed": 3},
        )

    shards = [write_shard(folder, k, [sample(4 * k + i) for i in range(4)]) for k in range(2)]
    Manifest(
        kind="synth", seed=3, configuration={}, planned_samples=8, planned_shards=2, shards=shards,
        skeletons=describe_skeletons("full_42"),
    ).write(folder / "manifest.json")  # fmt: skip
    return folder


def test_renders_become_annotated_photos(renders: Path, tmp_path: Path) -> None:
    notes: list[str] = []
    import_photos(ImportRequest("corpus", renders, skeleton="lsp_14"), tmp_path / "out", note=notes.append)
    truth, made = Corpus(renders), Corpus(tmp_path / "out")
    assert made.manifest.complete
    assert set(made.manifest.skeletons) == {"lsp_14"}
    assert truth.columns("image", "key", "clip", "frame").equals(
        made.columns("image", "key", "clip", "frame")
    )
    for column in ("camera", "parts", "instances", "depth", "normals", "flow"):
        assert made.columns(column)[column].null_count == 8
    flags = []
    for before, after in zip(truth.samples(()), made.samples(()), strict=True):
        assert after.provenance == {"format": "corpus", "source": "truth", "origin": {"seed": 3}}
        for old, new in zip(before.people, after.people, strict=True):
            assert (new.skeleton, new.joints3d, new.body, new.score) == ("lsp_14", None, None, None)
            np.testing.assert_array_equal(new.joints2d, convert(old.joints2d, FULL_42, LSP_14))
            inside = ((new.joints2d >= -1) & (new.joints2d <= (65, 49))).all(-1)
            np.testing.assert_array_equal(new.visibility > 0, True)
            assert (new.visibility[~inside] == 1).all()
            np.testing.assert_array_equal(new.bbox, old.bbox)
            flags.append(new.visibility)
    hidden = np.mean(np.array(flags) == 1)
    assert notes == [f"8 samples, {len(flags)} people, 0.0% of the joints unlabelled, {hidden:.1%} hidden"]


def test_renders_as_annotators_would_see_them(renders: Path, tmp_path: Path) -> None:
    request = ImportRequest("corpus", renders, hidden="drop", outside="drop")
    import_photos(request, tmp_path / "out")
    dropped = 0
    for before, after in zip(Corpus(renders), Corpus(tmp_path / "out"), strict=True):
        assert len(before.people) == len(after.people)  # nobody goes: the truth is found by position
        for old, new in zip(before.people, after.people, strict=True):
            assert new.skeleton == "full_42"
            inside = ((old.joints2d >= -1) & (old.joints2d <= (65, 49))).all(-1)
            np.testing.assert_array_equal(new.visibility, np.where(inside & (old.visibility == 2), 2, 0))
            dropped += int((~inside).sum())
    assert dropped > 50
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    import_photos(request, tmp_path / "out")  # nothing is left to do
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == first


def test_corpora_that_cannot_be_imported(renders: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none: a corpus holds its own"):
        import_photos(ImportRequest("corpus", renders, renders), tmp_path / "out")
    with pytest.raises(InputError, match="another folder"):
        import_photos(ImportRequest("corpus", renders), renders)
    with pytest.raises(InputError, match="a corpus's manifest, got no such file"):
        import_photos(ImportRequest("corpus", tmp_path), tmp_path / "out")
    with pytest.raises(InputError, match="at least 1"):
        import_photos(ImportRequest("coco", renders, samples_per_shard=0), tmp_path / "out")
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    manifest = read_manifest(renders / "manifest.json")
    manifest.model_copy(update={"shards": manifest.shards[:1]}).write(unfinished / "manifest.json")
    with pytest.raises(InputError, match="a finished corpus, got 1 of 2 shards"):
        import_photos(ImportRequest("corpus", unfinished), tmp_path / "out")
