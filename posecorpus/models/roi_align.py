"""RoIAlign as LCR-Net++ has it: the largest of four bilinear samples in each cell (section 3.5)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

SAMPLES = 2
"""A side of the grid of samples in a cell."""


def roi_align_max(features: Tensor, boxes: Tensor, image: Tensor, scale: float, cells: int = 7) -> Tensor:
    """Features of boxes, (R, C, cells, cells).

    Cells are not rounded to the map's; samples beyond its border take the border's value.

    Args:
        features: (N, C, H, W) of N images.
        boxes: (R, 4) x0, y0, x1, y1 in pixels of the image, a first pixel reaching from 0 to 1.
        image: (R,) int64, which image each box is in.
        scale: map cells per pixel, 1/16.
        cells: a side of the result.
    """
    height, width = features.shape[-2:]
    steps = (torch.arange(cells * SAMPLES, device=boxes.device, dtype=boxes.dtype) + 0.5) / (cells * SAMPLES)
    x = (boxes[:, 0:1] + (boxes[:, 2:3] - boxes[:, 0:1]) * steps) * (2 * scale / width) - 1
    y = (boxes[:, 1:2] + (boxes[:, 3:4] - boxes[:, 1:2]) * steps) * (2 * scale / height) - 1
    result = features.new_empty(len(boxes), features.shape[1], cells, cells)
    for n in range(len(features)):
        mine = torch.nonzero(image == n)[:, 0]
        if not len(mine):
            continue
        # All boxes of an image in one call: they are laid out below each other in one tall grid.
        across = x[mine][:, None, :].expand(-1, cells * SAMPLES, -1)
        down = y[mine][:, :, None].expand(-1, -1, cells * SAMPLES)
        grid = torch.stack([across, down], -1).reshape(1, -1, cells * SAMPLES, 2).to(features.dtype)
        sampled = F.grid_sample(features[n : n + 1], grid, padding_mode="border", align_corners=False)[0]
        tall = sampled.reshape(features.shape[1], len(mine), cells * SAMPLES, cells * SAMPLES)
        result[mine] = F.max_pool2d(tall, SAMPLES).transpose(0, 1)
    return result
