"""What training LCR-Net means: from pictures with people to losses (LCR-Net++ sections 3.1 to 3.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from posecorpus.anchors.bank import Anchors
from posecorpus.core.sample import Sample
from posecorpus.models.backbones.base import STRIDE
from posecorpus.models.lcrnet.heatmaps import heatmap_loss, heatmap_targets
from posecorpus.models.lcrnet.losses import estimate_losses
from posecorpus.models.lcrnet.network import LCRNet
from posecorpus.models.lcrnet.rpn import grid, propose, rpn_loss
from posecorpus.models.lcrnet.targets import AnchorTensors, Targets, TruthTensors, draw_targets, jittered
from posecorpus.models.lcrnet.truth import Truth, picture_truth


@dataclass(frozen=True, eq=False)
class Example:
    """A picture to learn from.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        truth: of its people.
    """

    image: NDArray[np.uint8]
    truth: Truth


@dataclass(frozen=True)
class MakeExample:
    """Makes an :class:`Example` of a sample, in the loader's processes."""

    anchors: Anchors

    def __call__(self, sample: Sample) -> Example:
        if sample.image is None:
            raise ValueError(f"{sample.key} has no picture")
        return Example(sample.image, picture_truth(sample.people, self.anchors))


@dataclass(frozen=True, eq=False)
class Batch:
    """N pictures, padded at the right and at the bottom to one size.

    Attributes:
        images: (N, 3, H, W) uint8 RGB.
        sizes: width and height of each without the padding.
        truths: of each.
    """

    images: Tensor
    sizes: tuple[tuple[int, int], ...]
    truths: tuple[Truth, ...]

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Batch:
        """The same batch with its pictures on a device."""
        return replace(self, images=self.images.to(device, non_blocking=non_blocking))


def collate(examples: Sequence[Example]) -> Batch:
    """Put pictures into a batch."""
    sizes = tuple((example.image.shape[1], example.image.shape[0]) for example in examples)
    width, height = (-(-max(side) // STRIDE) * STRIDE for side in zip(*sizes, strict=True))
    images = np.zeros((len(examples), height, width, 3), np.uint8)
    for slot, example in zip(images, examples, strict=True):
        slot[: example.image.shape[0], : example.image.shape[1]] = example.image
    return Batch(
        torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), sizes, tuple(e.truth for e in examples)
    )


class LCRNetTask:
    """The losses of batches.

    Attributes:
        network: what learns.
    """

    def __init__(self, network: LCRNet, anchors: Anchors) -> None:
        self.network = network
        self._anchors = anchors

    def losses(self, batch: Batch, random: torch.Generator) -> dict[str, Tensor]:
        """Losses by name, each a mean over what it is about; their sum is minimised.

        Args:
            random: of the CPU; draws the boxes that are learned from.
        """
        net, device = self.network, self.network.mean.device
        maps = net.maps(batch.images.float() / 255)
        logits, offsets = net.rpn(maps)
        cells = grid(maps.shape[-2], maps.shape[-1], STRIDE, net.params.rpn, device)
        proposed, drawn = [], []
        for n, (truth, size) in enumerate(zip(batch.truths, batch.sizes, strict=True)):
            people = TruthTensors.of(truth, device)
            proposed.append(
                rpn_loss(logits[n], offsets[n], cells, people.boxes, size, net.params.rpn, random)
            )
            boxes = propose(logits[n], offsets[n], cells, size, net.params.rpn)
            boxes = torch.cat([boxes, jittered(people.boxes, net.params.jittered, random)])
            drawn.append(
                draw_targets(
                    boxes, people, self._classes, net.params.boxes, random, net.params.positive_share
                )
            )
        image = torch.cat([torch.full((len(d.boxes),), n, device=device) for n, d in enumerate(drawn)])
        targets = Targets(
            *(torch.cat([getattr(d, name) for d in drawn]) for name in ("boxes", "classes", "poses"))
        )
        estimates = net.estimates(maps, targets.boxes, image)
        classified, regressed = estimate_losses(estimates, targets, net.params.pose_beta)
        score, place = (torch.stack(values).mean() for values in zip(*proposed, strict=True))
        losses = {
            "rpn_score": score,
            "rpn_place": place,
            "class": classified,
            "pose": net.params.pose_weight * regressed,
        }
        if net.heatmaps is not None:
            spots = net.heatmaps(maps)
            poses = [torch.from_numpy(truth.poses2d) for truth in batch.truths]
            wanted = heatmap_targets(poses, spots.shape[1:], STRIDE, device)
            losses["heatmap"] = net.params.heatmap_weight * heatmap_loss(spots, wanted)
        return losses

    @cached_property
    def _classes(self) -> AnchorTensors:
        """On the device where the network learns, which it stays on from the first batch on."""
        return AnchorTensors.of(self._anchors, self.network.mean.device)
