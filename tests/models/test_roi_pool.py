"""RoI pooling against its definition written out."""

from __future__ import annotations

import math

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posecorpus.models.roi_pool import roi_pool_max


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 7))
def test_the_largest_cell_of_each_bin(seed: int, cells: int) -> None:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(2, 3, 6, 8))
    corners = rng.uniform(-40, 150, (6, 2, 2))
    boxes = np.concatenate([corners.min(1), corners.max(1)], axis=1)
    image = rng.integers(2, size=6)
    found = roi_pool_max(torch.tensor(features), torch.tensor(boxes), torch.tensor(image), 1 / 16, cells)
    for r, box in enumerate(boxes):
        x0, y0, x1, y1 = (round(value / 16) for value in box)
        x0, y0 = min(max(x0, 0), 7), min(max(y0, 0), 5)
        x1, y1 = max(min(x1, 8), x0 + 1), max(min(y1, 6), y0 + 1)
        for i in range(cells):
            rows = range(y0 + i * (y1 - y0) // cells, y0 + math.ceil((i + 1) * (y1 - y0) / cells))
            for j in range(cells):
                columns = range(x0 + j * (x1 - x0) // cells, x0 + math.ceil((j + 1) * (x1 - x0) / cells))
                window = features[image[r]][:, list(rows)][:, :, list(columns)]
                np.testing.assert_array_equal(found[r, :, i, j], window.max((1, 2)))


def test_gradients_reach_the_features_and_no_boxes_give_none() -> None:
    features = torch.randn(1, 2, 5, 5, dtype=torch.float64, requires_grad=True)
    boxes = torch.tensor([[3.0, 9.0, 40.0, 61.0]], dtype=torch.float64)
    image = torch.zeros(1, dtype=torch.int64)
    assert torch.autograd.gradcheck(lambda f: roi_pool_max(f, boxes, image, 1 / 16, 3), (features,))
    assert roi_pool_max(features, boxes[:0], image[:0], 1 / 16).shape == (0, 2, 7, 7)
