"""RoI pooling as Fast R-CNN has it, what RoIAlign replaced: borders are rounded to the map's cells twice."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def roi_pool_max(features: Tensor, boxes: Tensor, image: Tensor, scale: float, cells: int = 7) -> Tensor:
    """Features of boxes, (R, C, cells, cells): the largest of the map's cells that each cell of a box touches.

    Boxes are cut at the map's border and hold one map cell at least (Girshick 2015, section 2.1).

    Args:
        features: (N, C, H, W) of N images.
        boxes: (R, 4) x0, y0, x1, y1 in pixels of the image, a first pixel reaching from 0 to 1.
        image: (R,) int64, which image each box is in.
        scale: map cells per pixel, 1/16.
        cells: a side of the result.
    """
    size = torch.tensor(features.shape[-2:][::-1], device=boxes.device)
    edges = (boxes * scale).round().to(torch.int64)
    low = edges[:, :2].clamp(min=0).minimum(size - 1)
    high = edges[:, 2:].minimum(size).maximum(low + 1)
    windows = torch.cat([low, high], dim=1).tolist()
    pooled = [
        F.adaptive_max_pool2d(features[n, :, y0:y1, x0:x1], cells)
        for n, (x0, y0, x1, y1) in zip(image.tolist(), windows, strict=True)
    ]
    return torch.stack(pooled) if pooled else features.new_zeros(0, features.shape[1], cells, cells)
