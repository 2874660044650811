"""Small corpora whose every picture can be told from its pixels."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from posecorpus.core.cameras import Camera
from posecorpus.core.manifest import MANIFEST, Manifest, describe_taxonomy
from posecorpus.core.sample import VISIBLE, Person, Sample
from posecorpus.core.shards import write_shard
from posecorpus.core.skeletons import LCR_13, skeleton

WriteCorpus = Callable[..., Path]


def picture(number: int, width: int = 16, height: int = 12, *, space: bool = True) -> Sample:
    """A picture whose colours and joints say which it is, of one person, with labels in space or without."""
    random = np.random.default_rng(number)
    camera = Camera.from_fov(60, width, height)
    joints3d = random.uniform((-0.5, -0.5, 3), (0.5, 0.5, 5), (len(LCR_13), 3)).astype(np.float32)
    person = Person(
        skeleton=LCR_13.name,
        joints2d=camera.project_camera(joints3d)[0].astype(np.float32),
        joints3d=joints3d if space else None,
        visibility=np.full(len(LCR_13), VISIBLE, np.uint8),
        bbox=np.array([0, 0, width, height], np.float32),
    )
    colour = np.array([number % 16 * 16 + 8, number // 16 % 16 * 16 + 8, 128], np.uint8)
    return Sample(
        key=f"s{number}",
        width=width,
        height=height,
        people=[person],
        image=np.broadcast_to(colour, (height, width, 3)).copy(),
        camera=camera if space else None,
        parts=np.zeros((height, width), np.uint8),
    )


@pytest.fixture
def numbered() -> Callable[..., Sample]:
    """Makes the picture of a number."""
    return picture


def write(folder: Path, shards: Sequence[Sequence[Sample]], taxonomy: str | None = "smpl_24") -> Path:
    """Write samples, so many in each shard, as a corpus."""
    folder.mkdir()
    entries = [write_shard(folder, i, samples) for i, samples in enumerate(shards)]
    names = {person.skeleton for shard in shards for sample in shard for person in sample.people}
    Manifest(
        kind="synth",
        seed=0,
        configuration={},
        skeletons={n: {"joints": skeleton(n).joints} for n in sorted(names)},
        part_taxonomy=None if taxonomy is None else describe_taxonomy(taxonomy),
        planned_samples=sum(entry.samples for entry in entries),
        planned_shards=len(entries),
        shards=entries,
    ).write(folder / MANIFEST)
    return folder


@pytest.fixture
def write_corpus(tmp_path: Path) -> WriteCorpus:
    """Writes samples, so many in each shard, as a corpus of that name."""

    def named(name: str, shards: Sequence[Sequence[Sample]], taxonomy: str | None = "smpl_24") -> Path:
        return write(tmp_path / name, shards, taxonomy)

    return named


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """230 pictures in shards of 120 and 110, to be read only."""
    shards = [[picture(i) for i in range(120)], [picture(i) for i in range(120, 230)]]
    return write(tmp_path_factory.mktemp("pictures") / "corpus", shards)


@pytest.fixture
def spoilt(corpus: Path, tmp_path: Path) -> Path:
    """A copy of that corpus, to be damaged."""
    return Path(shutil.copytree(corpus, tmp_path / "spoilt"))
