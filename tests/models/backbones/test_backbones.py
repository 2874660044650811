"""Backbones: names and sizes of torchvision's, maps of stride 16, and files of parameters."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from posecorpus.core.errors import InputError
from posecorpus.models.backbones.base import STRIDE, Backbone
from posecorpus.models.backbones.resnet50 import FrozenBatchNorm, ResNet50
from posecorpus.models.backbones.tiny import Tiny
from posecorpus.models.backbones.vgg16 import VGG16
from posecorpus.models.backbones.weights import load_weights


def on_meta(kind: type[Backbone]) -> Backbone:
    """Without memory for its parameters."""
    with torch.device("meta"):
        return kind()


def test_vgg16_is_the_published_one() -> None:
    net = on_meta(VGG16)
    convolutions = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
    names = [f"features.{i}.{kind}" for i in convolutions for kind in ("weight", "bias")]
    names += [f"classifier.{i}.{kind}" for i in (0, 3) for kind in ("weight", "bias")]
    assert list(net.state_dict()) == names
    # 138,357,544 of the whole network, less the last layer: 4096 x 1000 weights and 1000 biases.
    assert sum(p.numel() for p in net.parameters()) == 138_357_544 - 4_097_000


def test_resnet50_is_the_published_one() -> None:
    net = on_meta(ResNet50)
    state = net.state_dict()
    # 25,557,032 of the whole network, less 2048 x 1000 weights and 1000 biases; statistics are not counted there.
    counted = sum(value.numel() for name, value in state.items() if "running" not in name)
    assert counted == 25_557_032 - 2_049_000
    assert state["layer3.5.bn2.running_var"].shape == (256,)
    assert state["layer2.0.downsample.0.weight"].shape == (512, 256, 1, 1)
    assert state["layer4.2.conv3.weight"].shape == (2048, 512, 1, 1)
    assert len(state) == 53 * 5  # as many convolutions, each with four numbers of its normalisation


@pytest.mark.parametrize("kind", [VGG16, ResNet50, Tiny])
def test_maps_regions_and_vectors_have_the_sizes_they_say(kind: type[Backbone]) -> None:
    net = on_meta(kind)
    maps = net.maps(torch.zeros(2, 3, 96, 64, device="meta"))
    assert maps.shape == (2, net.channels, 96 // STRIDE, 64 // STRIDE)
    vectors = net.pool(torch.zeros(5, net.channels, 7, 7, device="meta"))
    assert vectors.shape == (5, net.pooled)
    assert net.embed(vectors).shape == (5, net.embedded)


@pytest.mark.parametrize("kind", [VGG16, ResNet50, Tiny])
@pytest.mark.parametrize(("height", "width"), [(213, 320), (240, 333), (97, 101)])
def test_pictures_of_odd_sides_have_maps_too(kind: type[Backbone], height: int, width: int) -> None:
    maps = on_meta(kind).maps(torch.zeros(1, 3, height, width, device="meta"))
    for cells, pixels in zip(maps.shape[2:], (height, width), strict=True):
        assert pixels // STRIDE <= cells <= -(-pixels // STRIDE)


def test_frozen_normalisation_is_batch_normalisation_at_rest() -> None:
    torch.manual_seed(0)
    usual = nn.BatchNorm2d(6)
    for value in (usual.weight.data, usual.bias.data, usual.running_mean):
        value.normal_()
    usual.running_var.uniform_(0.3, 2)
    frozen = FrozenBatchNorm(6)
    frozen.load_state_dict({k: v for k, v in usual.state_dict().items() if "num" not in k})
    x = torch.randn(2, 6, 5, 4)
    torch.testing.assert_close(frozen(x), usual.eval()(x))
    assert not list(frozen.parameters())


def saved(tmp_path: Path, **changes: torch.Tensor | None) -> Path:
    """The parameters of a ``Tiny`` drawn with seed 1, with ImageNet's classifier as torchvision's have it."""
    torch.manual_seed(1)
    state = dict(Tiny().state_dict()) | {"fc.weight": torch.zeros(1000, 8), "fc.bias": torch.zeros(1000)}
    state["features.2.num_batches_tracked"] = torch.tensor(3)
    state = {name: value for name, value in (state | changes).items() if value is not None}
    torch.save(state, tmp_path / "tiny.pth")
    return tmp_path / "tiny.pth"


def test_files_fill_a_backbone(tmp_path: Path) -> None:
    torch.manual_seed(2)
    net = Tiny()
    load_weights(net, saved(tmp_path))
    torch.manual_seed(1)
    for (name, value), expected in zip(net.state_dict().items(), Tiny().state_dict().values(), strict=True):
        assert torch.equal(value, expected), name


class Evil:
    """What a hostile file may hold."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("executed"),)  # type: ignore[return-value]


def test_other_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    net = Tiny()
    before = {name: value.clone() for name, value in net.state_dict().items()}

    def refused(match: str, source: Path) -> None:
        with pytest.raises(InputError, match=match):
            load_weights(net, source)

    refused("No such file", tmp_path / "none.pth")
    refused("a parameter features.1.weight", saved(tmp_path, **{"features.1.weight": None}))
    refused(r"features.1.weight: expected shape", saved(tmp_path, **{"features.1.weight": torch.zeros(3)}))
    refused("layer1.0", saved(tmp_path, **{"layer1.0.conv1.weight": torch.zeros(3)}))
    torch.save([1, 2], tmp_path / "list.pth")
    refused("dictionary of tensors", tmp_path / "list.pth")
    (tmp_path / "text.pth").write_text("not a file of torch")
    refused("saved by torch", tmp_path / "text.pth")
    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"features.1.weight": Evil()}, protocol=2))
    refused("saved by torch", tmp_path / "evil.pth")
    assert not (tmp_path / "executed").exists()
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
