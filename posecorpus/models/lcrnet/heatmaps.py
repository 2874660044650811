"""Where joints are, cell by cell: what a backbone that starts from nothing is also taught.

Regions alone teach it a few numbers of a few boxes of each picture; here every cell of its map answers for every joint. Not
in the paper, whose backbones start from ImageNet. Nothing of it is used to detect.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SPREAD = 0.7
"""Standard deviation of a joint's spot, in cells."""
_RARE = -3.0  # a cell has a given joint about once in twenty times


class Heatmaps(nn.Sequential):
    """Logits (N, J, H, W) of maps (N, channels, H, W)."""

    def __init__(self, channels: int, joints: int) -> None:
        last = nn.Conv2d(channels, joints, 1)
        nn.init.constant_(last.bias, _RARE)  # type: ignore[arg-type]
        super().__init__(nn.Conv2d(channels, channels, 1), nn.ReLU(inplace=True), last)


def heatmap_targets(
    poses: Sequence[Tensor], shape: Sequence[int], stride: int, device: torch.device | str = "cpu"
) -> Tensor:
    """(N, J, H, W) in [0, 1]: a spot around each joint of each person, the strongest where several meet.

    NaN all over the map of a joint that is not known of somebody: it is somewhere.

    Args:
        poses: of each picture, (G, J, 2) pixels of the picture; NaN where unknown.
        shape: J, H and W.
        stride: pixels per cell.
    """
    joints, height, width = shape
    places = [(torch.arange(cells, device=device) + 0.5) * stride for cells in (width, height)]
    found = torch.zeros(len(poses), joints, height, width, device=device)
    for slot, people in zip(found, poses, strict=True):
        if len(people):
            across, down = (
                (-((people[:, :, axis, None].to(device) - place) / (SPREAD * stride)).square() / 2).exp()
                for axis, place in enumerate(places)
            )
            slot.copy_((down[..., :, None] * across[..., None, :]).amax(dim=0))
    return found


def heatmap_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Divergence of cells' Bernoulli distributions, summed over cells, its mean over pictures and joints; 0 at best.

    Maps that are not known (NaN) count as zero.
    """
    known = torch.isfinite(targets)
    wanted = torch.where(known, targets, 0.0)
    apart = F.binary_cross_entropy_with_logits(logits.float(), wanted, reduction="none")
    least = F.binary_cross_entropy(wanted, wanted, reduction="none")
    return ((apart - least) * known).sum() / (logits.shape[0] * logits.shape[1])
