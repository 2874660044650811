"""Which class and which pose each box is to be taught (LCR-Net++ sections 3.1 and 3.5)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from posecorpus.anchors.bank import Anchors
from posecorpus.models.lcrnet.truth import BACKGROUND, Truth

FOREGROUND_IOU = 0.5
POSITIVE_SHARE = 0.25
JITTER_SHIFT, JITTER_GROWTH = 0.12, 0.18
_UNSURE = -1


@dataclass(frozen=True, eq=False)
class TruthTensors:
    """A picture's :class:`Truth` on a device; the same attributes."""

    boxes: Tensor
    classes: Tensor
    poses2d: Tensor
    poses3d: Tensor

    @staticmethod
    def of(truth: Truth, device: torch.device | str = "cpu") -> TruthTensors:
        """Copy a picture's truth to a device."""
        arrays = (truth.boxes, truth.classes, truth.poses2d, truth.poses3d)
        return TruthTensors(*(torch.tensor(array, device=device) for array in arrays))


@dataclass(frozen=True, eq=False)
class AnchorTensors:
    """The anchors on a device: (C, J, 2) in box units, and (C, J, 3) metres, for each class but the background."""

    poses2d: Tensor
    poses3d: Tensor

    @staticmethod
    def of(anchors: Anchors, device: torch.device | str = "cpu") -> AnchorTensors:
        """Copy anchors to a device; classes of upper bodies share the 3D poses."""
        repeats = anchors.classes // len(anchors)
        poses3d = torch.tensor(anchors.poses3d, device=device).repeat(repeats, 1, 1)
        return AnchorTensors(torch.tensor(anchors.poses2d, device=device), poses3d)


@dataclass(frozen=True, eq=False)
class Targets:
    """What R boxes are taught.

    Attributes:
        boxes: (R, 4).
        classes: (R,) int64, 0 for the background.
        poses: (R, 5 J) float32 offsets from the anchor of the class: x, y of each joint in box units, then X, Y, Z
            in metres; NaN where unknown, and for the background.
    """

    boxes: Tensor
    classes: Tensor
    poses: Tensor


def overlaps(boxes: Tensor, others: Tensor) -> Tensor:
    """(R, G) intersection over union of boxes (R, 4) and (G, 4)."""
    # Side by side rather than in pairs: a product over a last axis of two is slow.
    x0, y0, x1, y1 = boxes[:, :, None].unbind(1)
    u0, v0, u1, v1 = others.unbind(1)
    wide = (torch.minimum(x1, u1) - torch.maximum(x0, u0)).clamp(min=0)
    high = (torch.minimum(y1, v1) - torch.maximum(y0, v0)).clamp(min=0)
    common = wide * high
    areas, other_areas = (
        (x1 - x0).clamp(min=0) * (y1 - y0).clamp(min=0),
        (u1 - u0).clamp(min=0) * (v1 - v0).clamp(min=0),
    )
    union = areas + other_areas - common
    return common / union.clamp(min=1e-9)


def match(boxes: Tensor, truth: TruthTensors) -> tuple[Tensor, Tensor]:
    """Of R boxes: the true box each overlaps most, (R,), and its class, (R,).

    The class is the background's where no true box overlaps by half, and -1, for not to be taught, where the one
    that does has no class.
    """
    if not len(truth.boxes):
        nothing = torch.zeros(len(boxes), dtype=torch.int64, device=boxes.device)
        return nothing, nothing
    best, which = overlaps(boxes, truth.boxes).max(dim=1)
    labels = truth.classes[which]
    labels = torch.where(labels == BACKGROUND, _UNSURE, labels)
    return which, torch.where(best >= FOREGROUND_IOU, labels, BACKGROUND)


def draw_targets(
    proposals: Tensor,
    truth: TruthTensors,
    anchors: AnchorTensors,
    count: int,
    random: torch.Generator,
    share: float = POSITIVE_SHARE,
) -> Targets:
    """Draw boxes to learn from: a share of them on people, if there are so many, the rest on the background.

    The true boxes are proposals too, so that there is something to learn before proposals are any good.

    Args:
        proposals: (P, 4).
        count: how many boxes, at most.
        random: of the CPU; same state, same draw on every device.
        share: at most, on people.
    """
    boxes = torch.cat([proposals, truth.boxes.to(proposals.dtype)])
    which, classes = match(boxes, truth)
    people = some_of(classes > BACKGROUND, round(count * share), random)
    ground = some_of(classes == BACKGROUND, count - len(people), random)
    drawn = torch.cat([people, ground])
    poses = pose_targets(boxes[people], classes[people], which[people], truth, anchors)
    unknown = poses.new_full((len(ground), poses.shape[1]), torch.nan)
    return Targets(boxes[drawn], classes[drawn], torch.cat([poses, unknown]))


def jittered(boxes: Tensor, repeats: int, random: torch.Generator) -> Tensor:
    """(R repeats, 4) boxes around boxes (R, 4): moved by at most an eighth of their size and resized by a fifth.

    As proposals, they are on people before a network that starts from nothing proposes any such box.
    """
    near = boxes.repeat(repeats, 1)
    drawn = (torch.rand(len(near), 4, generator=random) * 2 - 1).to(near)
    size = near[:, 2:] - near[:, :2]
    centre = (near[:, :2] + near[:, 2:]) / 2 + JITTER_SHIFT * drawn[:, :2] * size
    half = size / 2 * (JITTER_GROWTH * drawn[:, 2:]).exp()
    return torch.cat([centre - half, centre + half], dim=1)


def pose_targets(
    boxes: Tensor, classes: Tensor, which: Tensor, truth: TruthTensors, anchors: AnchorTensors
) -> Tensor:
    """(R, 5 J) offsets of true poses from the anchors of their classes (1 and up); see :class:`Targets`."""
    low = boxes[:, None, :2]
    units = (truth.poses2d[which] - low) / (boxes[:, None, 2:] - low).clamp(min=1e-6)
    flat = units - anchors.poses2d[classes - 1]
    deep = truth.poses3d[which] - anchors.poses3d[classes - 1]
    return torch.cat([flat.flatten(1), deep.flatten(1)], dim=1).to(torch.float32)


def some_of(wanted: Tensor, count: int, random: torch.Generator) -> Tensor:
    """Indices of at most ``count`` of the true ones of a mask, each as likely as any.

    Args:
        random: of the CPU; same state, same draw on every device.
    """
    indices = torch.nonzero(wanted)[:, 0]
    order = torch.randperm(len(indices), generator=random)[:count]
    return indices[order.to(indices.device)]
