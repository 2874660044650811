"""Batches are the same bytes whoever makes them and wherever their stream begins."""

from __future__ import annotations

import hashlib
import os
import pickle
import signal
import sys
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from posecorpus.core.codecs import encode
from posecorpus.core.errors import InputError
from posecorpus.core.sample import Sample
from posecorpus.models.data import loader
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


def people(sample: Sample) -> tuple[str, bool, bool]:
    return sample.key, sample.people[0].joints3d is None, sample.camera is None


def test_a_corpus_smaller_than_a_batch_and_one_without_space(write_corpus, numbered) -> None:
    tiny = write_corpus("tiny", [[numbered(0), numbered(1)]])
    photos = write_corpus("photos", [[numbered(i, space=False) for i in range(2, 6)]], taxonomy=None)
    mixture = Mixture([Source(str(tiny)), Source(str(photos), 2.0)], seed=0)
    stream = batches(mixture, people, sorted, augment=AugmentParams.none(), frame=(24, 32), images=12, seed=0)
    expected = [(f"s{i}", i >= 2, i >= 2) for i in range(6) for _ in range(2)]
    assert list(islice(stream, 3)) == [expected] * 3


def refused(place: Path, workers: int) -> str:
    """The one line that a stream over a corpus ends with."""
    stream = batches(
        Mixture([Source(str(place))], seed=0), make, collate, augment=AugmentParams(), frame=(24, 32), images=2,
        seed=0, workers=workers,
    )  # fmt: skip
    with pytest.raises(InputError) as error:
        list(stream)
    assert type(error.value) is InputError
    return str(error.value)


def test_faults_come_home_from_workers_as_one_line(write_corpus, numbered) -> None:
    damaged = numbered(0)
    damaged.image, damaged.encoded = None, {"image": encode("image", np.zeros((12, 16, 3), np.uint8))[:200]}
    cut = write_corpus("cut", [[damaged]])
    line = f"{cut}/shard-00000.parquet: s0: image: expected a decodable image of shape (12, 16, 3), got damaged or other data"
    assert refused(cut, 0) == line
    assert refused(cut, 2) == line
    blind = numbered(1)
    blind.image = None
    assert refused(write_corpus("blind", [[blind]]), 0).endswith(
        "blind/shard-00000.parquet: s1: expected a picture, got annotations only; leave the corpus out"
    )


def test_a_shard_that_is_gone_or_cut_off(spoilt: Path) -> None:
    shard = spoilt / "shard-00001.parquet"
    whole = shard.read_bytes()
    mixture = Mixture([Source(str(spoilt))], seed=0)
    for spoil in (lambda: shard.write_bytes(whole[: len(whole) // 2]), shard.unlink):
        spoil()
        stream = batches(mixture, make, collate, augment=AugmentParams(), frame=(24, 32), images=8, seed=0)
        with pytest.raises(InputError, match=f"^{shard}: "):
            list(islice(stream, 40))


def die(sample: Sample) -> int:
    os._exit(9)


def test_a_worker_that_is_killed_is_told_of_in_one_line(corpus: Path) -> None:
    mixture = Mixture([Source(str(corpus))], seed=0)
    stream = batches(mixture, die, list, augment=AugmentParams(), frame=(24, 32), images=1, seed=0, workers=1)
    with pytest.raises(InputError, match=r"worker.*memory"):
        next(stream)


def bug(sample: Sample) -> int:
    raise ZeroDivisionError("ours")


@pytest.mark.parametrize("workers", [0, 1])
def test_what_is_a_mistake_of_ours_keeps_its_traceback(corpus: Path, workers: int) -> None:
    mixture = Mixture([Source(str(corpus))], seed=0)
    stream = batches(
        mixture, bug, list, augment=AugmentParams(), frame=(24, 32), images=1, seed=0, workers=workers
    )
    with pytest.raises(ZeroDivisionError, match="ours"):
        next(stream)


def hook(sample: Sample) -> str:
    return sys.excepthook.__name__


def test_a_reader_that_leaves_is_no_fault_of_a_worker(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mixture = Mixture([Source(str(corpus))], seed=0)
    stream = batches(
        mixture, hook, list, augment=AugmentParams(), frame=(24, 32), images=1, seed=0, workers=1
    )
    assert next(stream) == [loader._report_fault.__name__]
    for error in (ConnectionResetError("gone"), EOFError(), BrokenPipeError()):
        loader._report_fault(type(error), error, None)
    assert capsys.readouterr().err == ""
    loader._report_fault(KeyError, KeyError("ours"), None)
    assert "KeyError: 'ours'" in capsys.readouterr().err


def process(sample: Sample) -> tuple[int, int, int]:
    return os.getpid(), torch.get_num_threads(), cv2.getNumThreads()


def test_workers_outlive_ctrl_c_use_one_thread_and_end_with_the_stream(corpus: Path) -> None:
    mixture = Mixture([Source(str(corpus))], seed=0)
    stream = batches(
        mixture, process, list, augment=AugmentParams(), frame=(24, 32), images=1, seed=0, workers=2
    )
    found = [next(stream)[0] for _ in range(4)]
    pids = {pid for pid, _, _ in found}
    assert len(pids) == 2 and os.getpid() not in pids
    assert {(a, b) for _, a, b in found} == {(1, 1)}
    for pid in pids:
        os.kill(pid, signal.SIGINT)
    assert {next(stream)[0][0] for _ in range(20)} == pids
    stream.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.parametrize("wrong", [{"images": 0}, {"first_batch": -1}, {"rank": 2, "world": 2}, {"rank": -1}])
def test_numbers_that_make_no_sense(corpus: Path, wrong: dict[str, int]) -> None:
    mixture = Mixture([Source(str(corpus))], seed=0)
    where = {"images": 1, "seed": 0} | wrong
    with pytest.raises(ValueError, match="expected images"):
        next(batches(mixture, make, collate, augment=AugmentParams(), frame=(24, 32), **where))


def test_a_corpus_behind_a_url(corpus: Path, s3_bucket: str) -> None:
    """Also as a worker gets it: workers of these tests have not heard of the bucket's server."""
    import s3fs

    system = s3fs.S3FileSystem()
    for file in corpus.iterdir():
        system.pipe_file(f"{s3_bucket}/c/{file.name}", file.read_bytes())
    here, there = (Mixture([Source(place)], seed=3, buffer=2) for place in (str(corpus), f"{s3_bucket}/c"))
    expected = digests(here, 4)
    assert digests(there, 4) == expected
    assert digests(pickle.loads(pickle.dumps(there)), 4) == expected
