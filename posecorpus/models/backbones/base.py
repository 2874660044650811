"""What a detector asks of a backbone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise

from torch import Tensor, nn

STRIDE = 16
"""Pixels per map cell, of all backbones."""


class Backbone(nn.Module, ABC):
    """Features of pictures, and vectors of regions.

    Attributes:
        channels: of the map.
        pooled: length of the vector that a pooled region is.
        embedded: length of the vector that the first classifier and regressor see.
        mean, std: (3,) what pictures in [0, 1], RGB, are normalised by.
    """

    channels: int
    pooled: int
    embedded: int
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)

    def connected(self, features: int, *widths: int) -> nn.Sequential:
        """Fully connected layers that suit this backbone, from vectors (R, features) to (R, the last width)."""
        layers: list[nn.Module] = []
        for before, after in pairwise((features, *widths)):
            layers += [nn.Linear(before, after), nn.ReLU(inplace=True)]
        return nn.Sequential(*layers)

    @abstractmethod
    def maps(self, images: Tensor) -> Tensor:
        """(N, channels, H / 16, W / 16) of normalised pictures (N, 3, H, W)."""

    @abstractmethod
    def pool(self, regions: Tensor) -> Tensor:
        """(R, pooled) of regions (R, channels, 7, 7) as RoIAlign cuts them out."""

    @abstractmethod
    def embed(self, vectors: Tensor) -> Tensor:
        """(R, embedded) of the vectors of :meth:`pool`."""


class PlainBackbone(Backbone):
    """A row of convolutions, ``features``, and a row of fully connected layers, ``classifier``."""

    features: nn.Sequential
    classifier: nn.Sequential

    def maps(self, images: Tensor) -> Tensor:
        found: Tensor = self.features(images)
        return found

    def pool(self, regions: Tensor) -> Tensor:
        return regions.flatten(1)

    def embed(self, vectors: Tensor) -> Tensor:
        found: Tensor = self.classifier(vectors)
        return found
