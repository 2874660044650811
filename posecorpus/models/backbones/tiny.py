"""A backbone that a CPU trains in minutes."""

from __future__ import annotations

from torch import nn

from posecorpus.models.backbones.base import PlainBackbone

_WIDTHS = (24, 48, 64, 96)
_GROUPS = 8
_HIDDEN = 256


class Tiny(PlainBackbone):
    """Four strided stages of two convolutions with group normalisation, and two fully connected layers."""

    channels = _WIDTHS[-1]
    pooled = _WIDTHS[-1] * 7 * 7
    embedded = _HIDDEN

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for width in _WIDTHS:
            for stride in (2, 1):
                layers += [
                    nn.Conv2d(before, width, 3, stride=stride, padding=1, bias=False),
                    nn.GroupNorm(_GROUPS, width),
                    nn.ReLU(inplace=True),
                ]
                before = width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(self.pooled, _HIDDEN),
            nn.ReLU(inplace=True),
            nn.Linear(_HIDDEN, _HIDDEN),
            nn.ReLU(inplace=True),
        )
