"""ResNet-50 (He et al., 2016) cut after its fourth block; parameters are named as torchvision names them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from posecorpus.models.backbones.base import Backbone

_EXPANSION = 4


class FrozenBatchNorm(nn.Module):
    """Batch normalisation with the statistics it was trained with: detectors see too few pictures at a time."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise maps (N, C, H, W)."""
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        return x * scale[:, None, None] + shift[:, None, None]


class Bottleneck(nn.Module):
    """Three convolutions beside a shortcut; the middle one takes the stride."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        after = width * _EXPANSION
        self.conv1 = nn.Conv2d(before, width, 1, bias=False)
        self.bn1 = FrozenBatchNorm(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = FrozenBatchNorm(width)
        self.conv3 = nn.Conv2d(width, after, 1, bias=False)
        self.bn3 = FrozenBatchNorm(after)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, after, 1, stride=stride, bias=False), FrozenBatchNorm(after)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(N, 4 width, H / stride, W / stride) of maps (N, before, H, W)."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        shortcut = x if self.downsample is None else self.downsample(x)
        found: Tensor = self.relu(out + shortcut)
        return found


def _stage(before: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    after = width * _EXPANSION
    rest = [Bottleneck(after, width, 1) for _ in range(blocks - 1)]
    return nn.Sequential(Bottleneck(before, width, stride), *rest)


class ResNet50(Backbone):
    """Maps come from ``layer3``; ``layer4`` looks at each region, whose mean is its vector."""

    channels = 1024
    pooled = 2048
    embedded = 2048

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = FrozenBatchNorm(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _stage(64, 64, 3, 1)
        self.layer2 = _stage(256, 128, 4, 2)
        self.layer3 = _stage(512, 256, 6, 2)
        self.layer4 = _stage(1024, 512, 3, 2)

    def maps(self, images: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        found: Tensor = self.layer3(self.layer2(self.layer1(x)))
        return found

    def pool(self, regions: Tensor) -> Tensor:
        found: Tensor = self.layer4(regions).mean((2, 3))
        return found

    def embed(self, vectors: Tensor) -> Tensor:
        return vectors
