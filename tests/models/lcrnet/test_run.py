"""A trained network in a folder."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from test_targets import ANCHORS

from posecorpus.core.errors import InputError
from posecorpus.models.data.frame import fit_size
from posecorpus.models.lcrnet.network import LCRNet
from posecorpus.models.lcrnet.params import preset
from posecorpus.models.lcrnet.run import fitted, open_run, save_run, save_weights
from posecorpus.models.training.checkpoint import latest


def written(folder: Path, seed: int = 0) -> LCRNet:
    anchors = ANCHORS[True]
    torch.manual_seed(seed)
    net = LCRNet(preset("tiny"), anchors.classes, len(anchors.skeleton)).eval()
    save_run(folder, preset("tiny"), anchors, {"steps": 7})
    save_weights(folder, net, 7)
    return net


def test_a_run_is_read_back_as_it_was(tmp_path: Path) -> None:
    net = written(tmp_path / "run")
    run = open_run(tmp_path / "run", "cpu")
    assert run.step == 7
    assert run.description.training == {"steps": 7}
    assert run.description.params == preset("tiny")
    np.testing.assert_array_equal(run.anchors.poses3d, ANCHORS[True].poses3d)
    for name, value in net.state_dict().items():
        assert torch.equal(value, run.net.state_dict()[name]), name
    assert not run.net.training


def test_poses_are_in_the_picture_s_own_pixels(tmp_path: Path) -> None:
    """The same picture at the frame's size and at twice the size gives poses twice as large."""
    written(tmp_path / "run")
    run = open_run(tmp_path / "run", "cpu")
    small = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    large = np.repeat(np.repeat(small, 2, axis=0), 2, axis=1)
    one, two = run.proposals(small), run.proposals(large)
    assert len(one) and len(one) == len(two)
    np.testing.assert_allclose(two.poses2d, 2 * one.poses2d, atol=1e-3)
    np.testing.assert_allclose(two.boxes, 2 * one.boxes, atol=1e-3)
    np.testing.assert_allclose(two.poses3d, one.poses3d, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "frame", "wanted"),
    [
        ((640, 480), (240, 320), (320, 240)),
        ((480, 640), (240, 320), (240, 320)),
        ((1000, 100), (240, 320), (320, 32)),
        ((30, 20), (600, 1000), (900, 600)),
        ((5000, 1), (240, 320), (320, 1)),
    ],
)
def test_the_frame(size: tuple[int, int], frame: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert fit_size(*size, *frame)[:2] == wanted
    picture, scale = fitted(np.zeros((size[1], size[0], 3), np.uint8), frame)
    assert tuple(picture.shape) == (3, wanted[1], wanted[0])
    np.testing.assert_allclose(scale, np.array(wanted) / size)


def test_what_is_not_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"run\.json"):
        open_run(tmp_path)
    folder = tmp_path / "run"
    written(folder)
    with pytest.raises(InputError, match="device"):
        open_run(folder, "cuda:77")
    text = (folder / "run.json").read_text()
    (folder / "run.json").write_text(text.replace('"backbone": "tiny"', '"backbone": "huge"'))
    with pytest.raises(InputError, match=r"params\.backbone"):
        open_run(folder)
    (folder / "run.json").write_text(re.sub(r'"hidden": \d+', '"hidden": 7', text))
    with pytest.raises(InputError, match="shape"):
        open_run(folder)
    (folder / "run.json").write_text(text)
    newest = latest(folder)
    assert newest is not None
    newest.unlink()
    with pytest.raises(InputError, match="a checkpoint"):
        open_run(folder)
