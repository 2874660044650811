"""Greedy suppression of boxes that lie on better ones."""

from __future__ import annotations

import numpy as np
import torch
from numba import njit
from torch import Tensor


def suppressed(boxes: Tensor, scores: Tensor, iou: float, most: int | None = None) -> Tensor:
    """Indices of the boxes that no better one, itself kept, overlaps by more than ``iou``; best first.

    It runs on the CPU wherever boxes (N, 4) are, as each choice hangs on the ones before; a matrix of all overlaps
    was most of the time of proposing.

    Args:
        most: so many are enough.
    """
    order = torch.argsort(scores, descending=True, stable=True)
    sorted_boxes = boxes[order].detach().cpu().to(torch.float32).numpy()
    kept = _kept(np.ascontiguousarray(sorted_boxes), np.float32(iou), len(order) if most is None else most)
    return order[torch.as_tensor(kept, device=order.device)]


@njit(cache=True, nogil=True)
def _kept(boxes, iou, most):  # type: ignore[no-untyped-def]
    """Ranks kept of boxes (N, 4) that come best first."""
    kept = np.empty(min(most, len(boxes)), np.int64)
    count = 0
    for i in range(len(boxes)):
        if count == len(kept):
            break
        x0, y0, x1, y1 = boxes[i]
        area = max(x1 - x0, np.float32(0)) * max(y1 - y0, np.float32(0))
        alone = True
        for other in kept[:count]:
            u0, v0, u1, v1 = boxes[other]
            wide = max(min(x1, u1) - max(x0, u0), np.float32(0))
            high = max(min(y1, v1) - max(y0, v0), np.float32(0))
            common = wide * high
            # The order of these sums is that of targets.overlaps: whoever judges by it finds no overlap left.
            union = max(u1 - u0, np.float32(0)) * max(v1 - v0, np.float32(0)) + area - common
            if common / max(union, np.float32(1e-9)) > iou:
                alone = False
                break
        if alone:
            kept[count] = i
            count += 1
    return kept[:count]
