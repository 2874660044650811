"""The true 3D of lifted people, where a corpus of renders knows it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.metrics import torso_aligned_mpjpe
from posecorpus.core.sample import Person
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import Skeleton, convert, skeleton


def measured_error_mm(
    truth: Path, key: str, person: int, joints: Skeleton, joints3d: NDArray[np.float64]
) -> float | None:
    """Mean error, mm, relative to the torso, of a lifted person; None where the truth lacks the 3D.

    Args:
        truth: folder of a corpus with the same keys and the same order of people.
        joints: skeleton of ``joints3d``, (J, 3) metres.

    Raises:
        InputError: the truth has no such sample or person.
    """
    shard = _shard_of_key(truth).get(key)
    people = [] if shard is None else _people(truth, shard)[key]
    if person >= len(people):
        fix = "give the corpus that the annotations were imported from"
        raise InputError(f"{truth}: {key}", f"the truth of person {person}", "none", fix)
    true = people[person]
    if true.joints3d is None:
        return None
    wanted = convert(true.joints3d, skeleton(true.skeleton), joints)
    return 1000 * torso_aligned_mpjpe(joints3d, wanted, joints)


@lru_cache(maxsize=1)
def _shard_of_key(folder: Path) -> dict[str, int]:
    corpus = Corpus(folder)
    entries = enumerate(corpus.manifest.shards)
    return {key: number for number, entry in entries for key in corpus.shard_keys(entry)}


@lru_cache(maxsize=2)
def _people(folder: Path, shard: int) -> dict[str, list[Person]]:
    corpus = Corpus(folder)
    return {s.key: s.people for s in corpus.shard_samples(corpus.manifest.shards[shard], ())}
