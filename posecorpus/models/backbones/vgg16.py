"""VGG-16 (Simonyan and Zisserman, 2015); parameters are named as torchvision names them."""

from __future__ import annotations

from torch import nn

from posecorpus.models.backbones.base import PlainBackbone

_BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
_HIDDEN = 4096


class VGG16(PlainBackbone):
    """All convolutions of VGG-16 without the last pooling, and its two fully connected layers."""

    channels = 512
    pooled = 512 * 7 * 7
    embedded = _HIDDEN

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for block in _BLOCKS:
            if layers:
                layers.append(nn.MaxPool2d(2))
            for channels in block:
                layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU(inplace=True)]
                before = channels
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(self.pooled, _HIDDEN), nn.ReLU(inplace=True), nn.Dropout(),
            nn.Linear(_HIDDEN, _HIDDEN), nn.ReLU(inplace=True), nn.Dropout(),
        )  # fmt: skip
