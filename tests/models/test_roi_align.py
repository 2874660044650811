"""RoIAlign against bilinear interpolation written out."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posecorpus.models.roi_align import roi_align_max


def bilinear(plane: np.ndarray, x: float, y: float) -> float:
    """Of a map whose cell (0, 0) has its centre at (0.5, 0.5), borders carried on."""
    height, width = plane.shape
    x, y = min(max(x - 0.5, 0), width - 1), min(max(y - 0.5, 0), height - 1)
    column, row = min(int(x), width - 2), min(int(y), height - 2)
    u, v = x - column, y - row
    top = (1 - u) * plane[row, column] + u * plane[row, column + 1]
    low = (1 - u) * plane[row + 1, column] + u * plane[row + 1, column + 1]
    return (1 - v) * top + v * low


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_the_largest_of_four_samples_of_each_cell(seed: int, cells: int) -> None:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(2, 3, 6, 8))
    corners = rng.uniform(-20, 150, (5, 2, 2))
    boxes = np.concatenate([corners.min(1), corners.max(1)], axis=1)
    image = rng.integers(2, size=5)
    found = roi_align_max(
        torch.tensor(features), torch.tensor(boxes), torch.tensor(image), 1 / 16, cells
    ).numpy()
    for r, (x0, y0, x1, y1) in enumerate(boxes / 16):
        for c in range(3):
            for i in range(cells):
                for j in range(cells):
                    samples = [
                        bilinear(
                            features[image[r], c],
                            x0 + (x1 - x0) * (j + dx) / cells,
                            y0 + (y1 - y0) * (i + dy) / cells,
                        )
                        for dx in (0.25, 0.75)
                        for dy in (0.25, 0.75)
                    ]
                    assert abs(found[r, c, i, j] - max(samples)) < 1e-9


def test_gradients_reach_the_features_and_no_boxes_give_none() -> None:
    features = torch.randn(1, 2, 5, 5, dtype=torch.float64, requires_grad=True)
    boxes = torch.tensor([[3.0, 9.0, 40.0, 61.0]], dtype=torch.float64)
    image = torch.zeros(1, dtype=torch.int64)
    assert torch.autograd.gradcheck(lambda f: roi_align_max(f, boxes, image, 1 / 16, 3), (features,))
    assert roi_align_max(features, boxes[:0], image[:0], 1 / 16).shape == (0, 2, 7, 7)
