"""Batches are the same bytes whoever makes them and wherever their stream begins."""

from __future__ import annotations

import hashlib
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from posecorpus.core.sample import Sample
from posecorpus.models.data.augment import AugmentParams
from posecorpus.models.data.loader import batches
from posecorpus.models.data.mixture import Mixture, Source

IMAGES = 6


def make(sample: Sample) -> tuple[str, np.ndarray, np.ndarray]:
    assert sample.image is not None
    return sample.key, sample.image, sample.people[0].joints2d if sample.people else np.zeros((13, 2))


def collate(items: list[tuple[str, np.ndarray, np.ndarray]]) -> dict[str, object]:
    keys, images, joints = zip(*items, strict=True)
    return {
        "keys": list(keys),
        "images": torch.tensor(np.stack(images)),
        "joints": torch.tensor(np.stack(joints)),
    }


def digests(mixture: Mixture, count: int, **where: int) -> list[str]:
    found = []
    stream = batches(
        mixture, make, collate, augment=AugmentParams(), frame=(24, 32), images=IMAGES, seed=7, **where
    )
    for batch in islice(stream, count):
        assert isinstance(batch["images"], Tensor) and isinstance(batch["joints"], Tensor)
        data = (
            repr(batch["keys"]).encode()
            + batch["images"].numpy().tobytes()
            + batch["joints"].numpy().tobytes()
        )
        found.append(hashlib.sha256(data).hexdigest())
    return found


def test_any_number_of_workers_any_start_any_rank(corpus: Path) -> None:
    mixture = Mixture([Source(str(corpus))], seed=3, buffer=2)
    all_of_them = digests(mixture, 50)
    assert len(set(all_of_them)) == 50
    again = Mixture([Source(str(corpus))], seed=3, buffer=2)
    assert digests(again, 15, workers=1) == all_of_them[:15]
    assert digests(again, 10, workers=2, first_batch=37) == all_of_them[37:47]
    for rank, workers in enumerate((0, 2, 0)):
        assert digests(again, 10, rank=rank, world=3, workers=workers) == all_of_them[rank:30:3]
        assert digests(again, 5, rank=rank, world=3, first_batch=30) == all_of_them[30 + rank : 45 : 3]


def test_another_seed_gives_other_pictures(corpus: Path) -> None:
    one, other = (Mixture([Source(str(corpus))], seed=seed) for seed in (0, 1))
    assert digests(one, 3) != digests(other, 3)
