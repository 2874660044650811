"""Checkpoints: written whole or not at all, and read as files of a stranger."""

from __future__ import annotations

import os
import pickle
import resource
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
import toy_task as toy
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from posecorpus.core.errors import InputError
from posecorpus.models.training.checkpoint import (
    Checkpoint,
    fill_optimiser,
    latest,
    load,
    load_network,
    optimiser_state,
    path_of,
    save,
)
from posecorpus.models.training.loop import train
from posecorpus.models.training.schedule import make_optimiser


def example(step: int = 7) -> Checkpoint:
    """Of a small network that has learned a little."""
    torch.manual_seed(step)
    network = nn.Linear(3, 2)
    optimiser = make_optimiser(network, toy.params(9))
    network(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    return Checkpoint(
        step,
        toy.params(9).plain(),
        network.state_dict(),
        optimiser_state(network, optimiser),
        {"scale": 2.0},
        {"steps": 1, "sums": {"a": 0.1}},
    )


def equal(one: object, other: object) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


def content(checkpoint: Checkpoint) -> dict[str, Any]:
    return {name: getattr(checkpoint, name) for name in checkpoint.__annotations__}


def test_what_is_saved_is_loaded_bit_for_bit(tmp_path: Path) -> None:
    saved = example()
    path = save(tmp_path, saved)
    assert path == path_of(tmp_path, 7) == tmp_path / "checkpoints" / "step-0000007.pt"
    assert equal(
        content(load(path)) | {"network": dict(load(path).network)},
        content(saved) | {"network": dict(saved.network)},
    )
    network = nn.Linear(3, 2)
    assert load_network(path, network) == 7
    assert equal(dict(network.state_dict()), dict(saved.network))


def test_the_last_two_are_kept_and_what_was_begun_is_removed(tmp_path: Path) -> None:
    assert latest(tmp_path) is None
    for step in (9_999_999, 10_000_000, 5, 100):
        save(tmp_path, example(step))
    (tmp_path / "checkpoints" / "step-0000101.part").write_bytes(b"begun")
    (tmp_path / "checkpoints" / "mine.pt").write_bytes(b"not ours")
    save(tmp_path, example(101))
    assert toy.checkpoints(tmp_path) == [
        "mine.pt", "step-0000100.pt", "step-0000101.pt", "step-10000000.pt", "step-9999999.pt",
    ]  # fmt: skip
    assert latest(tmp_path) == path_of(tmp_path, 10_000_000)


# ---- full disks


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 100, 600, 1500, 2500])
def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path, size: int) -> None:
    """Full at the first byte, amid the tensors, or at the end of the file."""
    first = save(tmp_path, example(1))
    before = first.read_bytes()
    assert len(before) > 2500
    with (
        no_file_above(size),
        pytest.raises(InputError, match=r"step-0000002\.pt: .*can be written.*make room") as told,
    ):
        save(tmp_path, example(2))
    assert "\n" not in str(told.value)
    assert toy.checkpoints(tmp_path) == [first.name]
    assert first.read_bytes() == before
    save(tmp_path, example(2))
    assert latest(tmp_path) == path_of(tmp_path, 2)


def test_no_room_is_called_by_its_name(tmp_path: Path) -> None:
    save(tmp_path, example(1))
    (tmp_path / "checkpoints" / "step-0000002.part").symlink_to("/dev/full")
    with pytest.raises(InputError, match="No space left on device"):
        save(tmp_path, example(2))
    assert toy.checkpoints(tmp_path) == ["step-0000001.pt"]


def test_training_on_a_full_disk_is_one_line_and_goes_on_later(tmp_path: Path) -> None:
    toy.run(tmp_path / "whole", 8)

    def fills(number: int) -> toy.Batch:
        if number == 4:
            (tmp_path / "parts" / "checkpoints" / "step-0000006.part").symlink_to("/dev/full")
        return toy.batch(number)

    with pytest.raises(InputError, match="No space left"):
        train(
            toy.Toy(0.2, 0.1),
            lambda step: toy.batches_from(step, fills),
            toy.params(8, checkpoint_every=3),
            tmp_path / "parts",
        )
    assert latest(tmp_path / "parts") == path_of(tmp_path / "parts", 3)
    toy.run(tmp_path / "parts", 8)
    assert toy.curve(tmp_path / "parts") == toy.curve(tmp_path / "whole")


# ---- damage


def test_any_byte_that_is_changed_or_missing_is_noticed_or_changes_nothing(tmp_path: Path) -> None:
    path = save(tmp_path, example(1))
    whole, saved = path.read_bytes(), load(path)
    saved_network = {name: value.clone() for name, value in saved.network.items()}
    other = tmp_path / "other.pt"

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(
        place=st.integers(0, len(whole) - 1),
        flip=st.integers(1, 255),
        end=st.sampled_from([None, None, None, 0]),
    )
    def check(place: int, flip: int, end: int | None) -> None:
        changed = bytearray(whole) if end is None else bytearray(whole[:place])
        if end is None:
            changed[place] ^= flip
        other.write_bytes(changed)
        told = None
        try:
            found = load(other)
        except InputError as error:
            told = str(error)
        if told is None:
            assert equal(dict(found.network), saved_network) and found.step == 1
        else:
            assert str(other) in told and "\n" not in told

    check()


def test_a_damaged_newest_checkpoint_says_how_to_go_on(tmp_path: Path) -> None:
    toy.run(tmp_path, 5, checkpoint_every=3)
    path = latest(tmp_path)
    assert path is not None
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"step-0000005\.pt: .*; remove it to go on from step 3$"):
        toy.run(tmp_path, 6)
    path.unlink()
    toy.run(tmp_path, 6)
    assert [step for step, _, _ in toy.curve(tmp_path)] == [1, 2, 3, 4, 5, 6]


# ---- strangers' files


class Trap:
    """Would make a folder while a file is unpickled without care."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.target),)


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    torch.save({"format": 1} | content(example()) | {"tally": Trap(sprung)}, tmp_path / "zip.pt")
    torch.save({"format": 1, "step": Trap(sprung)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    (tmp_path / "pickle.pt").write_bytes(pickle.dumps(Trap(sprung)))
    for name in ("zip.pt", "old.pt", "pickle.pt"):
        with pytest.raises(InputError, match=name):
            load(tmp_path / name)
    assert not sprung.exists()
    with pytest.raises(InputError, match="No such file"):
        load(tmp_path / "none.pt")
    with pytest.raises(InputError, match="directory"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"format": 2}, "format 1"),
        ({"step": -1}, "its step"),
        ({"step": "7"}, "its step"),
        ({"params": [1]}, "its params"),
        ({"network": {"weight": 3.0}}, "its network"),
        ({"network": None}, "its network"),
        ({"optimiser": {"weight": torch.zeros(2)}}, "its optimiser"),
        ({"optimiser": {"weight": {"step": 1}}}, "its optimiser"),
        ({"scaler": {"scale": "big"}}, "its scaler"),
        ({"tally": {"steps": 1}}, "its tally"),
        ({"tally": {"steps": 1, "sums": {"a": None}}}, "its tally"),
        ({"tally": 3}, "its tally"),
    ],
)
def test_other_contents_are_named(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    torch.save({"format": 1} | content(example()) | changes, tmp_path / "a.pt")
    with pytest.raises(InputError, match=told):
        load(tmp_path / "a.pt")


def test_a_file_that_would_unpack_to_more_than_it_is_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, example())
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(tmp_path / "bomb.pt", "w") as bomb:
        for info in archive.infolist():
            bomb.writestr(info.filename, bytes(1 << 20), zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match="compressed"):
        load(tmp_path / "bomb.pt")


@pytest.mark.parametrize(
    ("weight", "told"),
    [
        (torch.zeros(3, 2), r"shape \(2, 3\), got \(3, 2\)"),
        (torch.zeros(1).expand(1 << 40, 3), "shape"),
        (torch.zeros(2, 3, dtype=torch.float64), "float32"),
        (torch.zeros(2, 3).to_sparse(), "plain numbers|a checkpoint"),
        (torch.zeros(2, 3, device="meta"), "plain numbers"),
        (None, "a parameter weight"),
    ],
)
def test_parameters_of_another_network_are_named(tmp_path: Path, weight: Tensor | None, told: str) -> None:
    state = {"bias": torch.zeros(2)} | ({} if weight is None else {"weight": weight})
    network = nn.Linear(3, 2)
    before = network.weight.clone()
    with pytest.raises(InputError, match=told):
        load_network(save(tmp_path, Checkpoint(1, {}, state)), network)
    assert torch.equal(network.weight, before)
    more = Checkpoint(2, {}, network.state_dict() | {"other": torch.zeros(1)})
    with pytest.raises(InputError, match="of this network only, got other"):
        load_network(save(tmp_path, more), network)


@pytest.mark.parametrize(
    ("memory", "told"),
    [
        ({"other": {"momentum_buffer": torch.zeros(2)}}, "got other; were other layers frozen"),
        ({"weight": {"exp_avg": torch.zeros(2, 3)}}, "memory of SGD, got exp_avg"),
        ({"weight": {"momentum_buffer": torch.zeros(2)}}, r"shape \(2, 3\)"),
        ({"weight": {}}, "memory of SGD, got none"),
    ],
)
def test_memory_of_another_optimiser_is_named(memory: dict[str, Any], told: str) -> None:
    network = nn.Linear(3, 2)
    with pytest.raises(InputError, match=told):
        fill_optimiser(network, make_optimiser(network, toy.params(3)), memory, Path("x.pt"))


def test_a_checkpoint_of_a_network_alone_is_not_trained_on(tmp_path: Path) -> None:
    save(tmp_path, Checkpoint(3, {}, toy.Toy().network.state_dict()))
    with pytest.raises(InputError, match="to train on from, got one of a network only"):
        toy.run(tmp_path, 6)
