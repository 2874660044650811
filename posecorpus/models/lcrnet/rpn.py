"""The region proposal network of Faster R-CNN (Ren et al., 2015, section 3.1): where people may be."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posecorpus.models.lcrnet.suppression import suppressed
from posecorpus.models.lcrnet.targets import overlaps, some_of

_LARGEST_GROWTH = 4.135  # log(1000 / 16): a box may not grow more at once
_SMOOTH = 1.0 / 9.0


@dataclass(frozen=True)
class RPNParams:
    """What the network proposes and how it learns.

    Attributes:
        channels: of its hidden map.
        sizes_px: square roots of the areas of the boxes it starts from.
        ratios: heights over widths of these.
        before, after: the best boxes of a picture that suppression looks at, and that it leaves.
        iou: overlap from which the worse of two boxes is dropped.
        least_px: smaller boxes are dropped.
        batch: boxes of a picture that are learned from, at most half of them on people.
        positive_iou, negative_iou: overlaps with a true box above and below which one is, or is not, on a person.
    """

    channels: int = 512
    sizes_px: tuple[float, ...] = (128.0, 256.0, 512.0)
    ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    before: int = 2000
    after: int = 300
    iou: float = 0.7
    least_px: float = 8.0
    batch: int = 256
    positive_iou: float = 0.7
    negative_iou: float = 0.3


class RegionProposals(nn.Module):
    """Scores and offsets of the boxes around each cell of a map."""

    def __init__(self, channels: int, params: RPNParams) -> None:
        super().__init__()
        boxes = len(params.sizes_px) * len(params.ratios)
        self.conv = nn.Conv2d(channels, params.channels, 3, padding=1)
        self.score = nn.Conv2d(params.channels, boxes, 1)
        self.offset = nn.Conv2d(params.channels, 4 * boxes, 1)
        for layer in (self.conv, self.score, self.offset):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """(N, B) logits and (N, B, 4) offsets of maps (N, C, H, W), B = H W boxes a cell, in :func:`grid` order."""
        hidden = F.relu(self.conv(maps))
        logits = self.score(hidden).permute(0, 2, 3, 1).flatten(1)
        offsets = self.offset(hidden).permute(0, 2, 3, 1).reshape(len(maps), -1, 4)
        return logits, offsets


def grid(
    height: int, width: int, stride: int, params: RPNParams, device: torch.device | str = "cpu"
) -> Tensor:
    """(H W A, 4) boxes around the centres of cells, row by row, all sizes and ratios of a cell together."""
    sizes = torch.tensor(params.sizes_px, device=device)[:, None]
    ratios = torch.tensor(params.ratios, device=device)[None]
    half_h = (sizes * ratios.sqrt() / 2).flatten()
    half_w = (sizes / ratios.sqrt() / 2).flatten()
    shape = torch.stack([-half_w, -half_h, half_w, half_h], dim=1)
    y = (torch.arange(height, device=device) + 0.5) * stride
    x = (torch.arange(width, device=device) + 0.5) * stride
    centre = torch.stack([*torch.meshgrid(y, x, indexing="ij")][::-1], dim=-1).reshape(-1, 1, 2)
    return (centre.repeat(1, 1, 2) + shape[None]).reshape(-1, 4)


def encode(boxes: Tensor, truth: Tensor) -> Tensor:
    """(R, 4) offsets that lead from boxes to true ones: of the centre in box sizes, of the sizes in logarithms."""
    size, wanted = _sizes(boxes), _sizes(truth)
    centre = (_centres(truth) - _centres(boxes)) / size
    return torch.cat([centre, (wanted / size).log()], dim=1)


def decode(boxes: Tensor, offsets: Tensor) -> Tensor:
    """(R, 4) boxes moved by offsets; the reverse of :func:`encode`."""
    size = _sizes(boxes)
    centre = _centres(boxes) + offsets[:, :2] * size
    half = size * offsets[:, 2:].clamp(max=_LARGEST_GROWTH).exp() / 2
    return torch.cat([centre - half, centre + half], dim=1)


def _sizes(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).clamp(min=1e-3)


def _centres(boxes: Tensor) -> Tensor:
    return (boxes[:, :2] + boxes[:, 2:]) / 2


@torch.no_grad()
def propose(
    logits: Tensor, offsets: Tensor, boxes: Tensor, size: tuple[int, int], params: RPNParams
) -> Tensor:
    """The proposals of one picture, (P, 4) within it, best first.

    Args:
        logits, offsets: (B,) and (B, 4) of the picture.
        boxes: (B, 4) of :func:`grid`.
        size: its width and height.
    """
    best = torch.topk(logits, min(params.before, len(logits))).indices
    limits = boxes.new_tensor([*size, *size])
    moved = decode(boxes[best], offsets[best].float()).clamp(min=0).minimum(limits)
    wide = (moved[:, 2:] - moved[:, :2] >= params.least_px).all(dim=1)
    moved = moved[wide]
    kept = suppressed(moved, logits[best][wide].float(), params.iou, params.after)
    return moved[kept]


def rpn_loss(
    logits: Tensor,
    offsets: Tensor,
    boxes: Tensor,
    truth: Tensor,
    size: tuple[int, int],
    params: RPNParams,
    random: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Losses of one picture: binary cross-entropy of drawn boxes, smooth L1 of those on people.

    A box is on a person if it overlaps a true box well, or better than any other box does. Boxes that reach
    beyond the picture are not learned from.

    Args:
        truth: (G, 4) true boxes.
        random: of the CPU; draws the boxes.
    """
    labels, which = _labels(boxes, truth, size, params)
    positive = some_of(labels == 1, params.batch // 2, random)
    negative = some_of(labels == 0, params.batch - len(positive), random)
    drawn = torch.cat([positive, negative])
    wanted = torch.zeros(len(drawn), device=logits.device)
    wanted[: len(positive)] = 1
    score = F.binary_cross_entropy_with_logits(logits[drawn].float(), wanted, reduction="sum")
    place = offsets.new_zeros((), dtype=torch.float32)
    if len(positive):
        target = encode(boxes[positive], truth[which[positive]])
        place = F.smooth_l1_loss(offsets[positive].float(), target, reduction="sum", beta=_SMOOTH)
    count = max(len(drawn), 1)
    return score / count, place / count


def _labels(boxes: Tensor, truth: Tensor, size: tuple[int, int], params: RPNParams) -> tuple[Tensor, Tensor]:
    """(B,) 1 on a person, 0 on none, -1 not to be learned from; and (B,) the true box each overlaps most."""
    limits = boxes.new_tensor(size)
    inside = (boxes[:, :2] >= 0).all(dim=1) & (boxes[:, 2:] <= limits).all(dim=1)
    labels = torch.where(inside, 0, -1)
    which = torch.zeros(len(boxes), dtype=torch.int64, device=boxes.device)
    if not len(truth):
        return labels, which
    shares = overlaps(boxes, truth) * inside[:, None]
    best, which = shares.max(dim=1)
    labels[best >= params.negative_iou] = -1
    labels[best >= params.positive_iou] = 1
    of_truth = shares.max(dim=0).values
    labels[((shares == of_truth) & (shares > 0)).any(dim=1)] = 1
    labels[~inside] = -1
    return labels, which
