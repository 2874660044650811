"""A backbone that a CPU trains in minutes."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from posecorpus.models.backbones.base import PlainBackbone

_WIDTHS = (32, 64, 96)
_GROUPS = 8
_SQUEEZED = 32
_HIDDEN = 256


class Tiny(PlainBackbone):
    """Three strided stages of two convolutions on squares of four pixels; regions are squeezed to fewer channels.

    Fully connected layers normalise over the regions of a batch: what all regions share would else drown what tells
    them apart. Eight pictures were learned by heart in half the steps of layer normalisation. Training needs two regions.
    """

    channels = _WIDTHS[-1]
    pooled = _SQUEEZED * 7 * 7
    embedded = _HIDDEN

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.PixelUnshuffle(2)]
        before = 12
        for width in _WIDTHS:
            for stride in (2, 1):
                layers += _convolution(before, width, 3, stride)
                before = width
        self.features = nn.Sequential(*layers)
        self.squeeze = nn.Sequential(*_convolution(before, _SQUEEZED, 1, 1))
        self.classifier = self.connected(self.pooled, _HIDDEN, _HIDDEN)

    def maps(self, images: Tensor) -> Tensor:
        odd = (0, images.shape[-1] % 2, 0, images.shape[-2] % 2)
        return super().maps(functional.pad(images, odd))

    def pool(self, regions: Tensor) -> Tensor:
        return super().pool(self.squeeze(regions))

    def connected(self, features: int, *widths: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        for before, after in pairwise((features, *widths)):
            layers += [nn.Linear(before, after, bias=False), nn.BatchNorm1d(after), nn.ReLU(inplace=True)]
        return nn.Sequential(*layers)


def _convolution(before: int, after: int, side: int, stride: int) -> list[nn.Module]:
    """With normalisation within each picture, or each region, and ReLU."""
    layer = nn.Conv2d(before, after, side, stride=stride, padding=side // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return [layer, nn.GroupNorm(_GROUPS, after), nn.ReLU(inplace=True)]
