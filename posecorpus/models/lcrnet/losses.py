"""What LCR-Net minimises (equations 1 to 5)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from posecorpus.models.lcrnet.network import Estimate
from posecorpus.models.lcrnet.targets import Targets


def classification_loss(estimate: Estimate, targets: Targets) -> Tensor:
    """Mean over R boxes of the negative logarithm of the true class's probability (equation 3)."""
    return F.cross_entropy(estimate.logits.float(), targets.classes)


def regression_loss(estimate: Estimate, targets: Targets, beta: float = 1.0) -> Tensor:
    """Smooth L1 of the offsets of the true class, summed over joints, its mean over R boxes (equations 4 and 5).

    Boxes on the background count as zero, and so do joints that are not known. It is quadratic up to ``beta``.
    """
    own = estimate.poses.float()[torch.arange(len(targets.classes)), targets.classes]
    known = torch.isfinite(targets.poses) & (targets.classes > 0)[:, None]
    apart = F.smooth_l1_loss(own, torch.where(known, targets.poses, 0.0), reduction="none", beta=beta)
    return (apart * known).sum() / max(len(targets.classes), 1)


def estimate_losses(
    estimates: Sequence[Estimate], targets: Targets, beta: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Both losses, summed over the estimates: every one learns (section 3.4)."""
    classified = torch.stack([classification_loss(estimate, targets) for estimate in estimates]).sum()
    regressed = torch.stack([regression_loss(estimate, targets, beta) for estimate in estimates]).sum()
    return classified, regressed
