"""LCR-Net: localisation, classification, regression (LCR-Net++ sections 3.1 to 3.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from posecorpus.models.backbones.base import STRIDE, Backbone
from posecorpus.models.backbones.resnet50 import ResNet50
from posecorpus.models.backbones.tiny import Tiny
from posecorpus.models.backbones.vgg16 import VGG16
from posecorpus.models.lcrnet.heatmaps import Heatmaps
from posecorpus.models.lcrnet.params import LCRNetParams
from posecorpus.models.lcrnet.rpn import RegionProposals
from posecorpus.models.roi_align import roi_align_max
from posecorpus.models.roi_pool import roi_pool_max

_BACKBONES: dict[str, type[Backbone]] = {"tiny": Tiny, "vgg16": VGG16, "resnet50": ResNet50}


@dataclass(frozen=True, eq=False)
class Estimate:
    """What is thought of R regions.

    Attributes:
        logits: (R, C + 1), the background first.
        poses: (R, C + 1, 5 J) offsets from the anchors, see ``targets.Targets``.
    """

    logits: Tensor
    poses: Tensor


class Branches(nn.Module):
    """Classification and class-specific regression from one vector."""

    def __init__(self, features: int, classes: int, joints: int) -> None:
        super().__init__()
        self.classify = nn.Linear(features, classes + 1)
        self.regress = nn.Linear(features, 5 * joints * (classes + 1))
        nn.init.normal_(self.classify.weight, std=0.01)
        nn.init.normal_(self.regress.weight, std=0.001)
        for layer in (self.classify, self.regress):
            nn.init.zeros_(layer.bias)

    def forward(self, vectors: Tensor) -> Estimate:
        """The estimate from vectors (R, features)."""
        logits = self.classify(vectors)
        return Estimate(logits, self.regress(vectors).unflatten(1, (logits.shape[1], -1)))


class SecondLook(nn.Module):
    """Refines an estimate: its outputs, as one vector, are seen beside the region (Fig. 4).

    The vector is made by the backbone's own kind of layer. Where that normalises, it must here too: beside features of
    variance one, a vector of offsets and logits as they come was a 66th of what the next layer heard, and stayed so.
    """

    def __init__(self, backbone: Backbone, classes: int, joints: int, params: LCRNetParams) -> None:
        super().__init__()
        self.tell = backbone.connected((classes + 1) * (1 + 5 * joints), params.estimate)
        self.embed = backbone.connected(backbone.pooled + params.estimate, params.hidden, params.hidden)
        self.branches = Branches(params.hidden, classes, joints)

    def forward(self, vectors: Tensor, first: Estimate) -> Estimate:
        """The second estimate from regions' vectors (R, pooled) and the first one."""
        told = self.tell(torch.cat([first.logits, first.poses.flatten(1)], dim=1))
        found: Estimate = self.branches(self.embed(torch.cat([vectors, told], dim=1)))
        return found


class LCRNet(nn.Module):
    """The whole network; what is proposed and learned is ``rpn``'s and ``targets``' business.

    Args:
        classes: C, of full and upper bodies together.
        joints: J.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, params: LCRNetParams, classes: int, joints: int) -> None:
        super().__init__()
        self.params = params
        self.backbone = _BACKBONES[params.backbone]()
        self.rpn = RegionProposals(self.backbone.channels, params.rpn)
        self.first = Branches(self.backbone.embedded, classes, joints)
        self.heatmaps = Heatmaps(self.backbone.channels, joints) if params.heatmap_weight else None
        self.second = SecondLook(self.backbone, classes, joints, params) if params.estimate else None
        self.register_buffer("mean", torch.tensor(self.backbone.mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(self.backbone.std)[:, None, None], persistent=False)

    def maps(self, images: Tensor) -> Tensor:
        """(N, channels, H / 16, W / 16) of pictures (N, 3, H, W), RGB in [0, 1]."""
        return self.backbone.maps((images - self.mean) / self.std)

    def estimates(self, maps: Tensor, boxes: Tensor, image: Tensor) -> list[Estimate]:
        """What is thought of boxes (R, 4), pixels, of the pictures ``image`` (R,): one estimate, or two."""
        pooled = roi_align_max if self.params.pooling == "align" else roi_pool_max
        vectors = self.backbone.pool(pooled(maps, boxes, image, 1 / STRIDE))
        first = self.first(self.backbone.embed(vectors))
        return [first] if self.second is None else [first, self.second(vectors, first)]

    def concluded(self, estimates: Sequence[Estimate]) -> Estimate:
        """What counts of one or two estimates: the last, or the mean of log-probabilities and offsets."""
        if self.params.conclusion == "last" or len(estimates) == 1:
            return estimates[-1]
        logits = torch.stack([estimate.logits.float().log_softmax(dim=1) for estimate in estimates])
        return Estimate(logits.mean(dim=0), torch.stack([e.poses.float() for e in estimates]).mean(dim=0))
