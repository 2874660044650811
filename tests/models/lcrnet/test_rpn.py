"""Region proposals: the grid, offsets, suppression and what is learned, against loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posecorpus.models.lcrnet.rpn import (
    RegionProposals,
    RPNParams,
    decode,
    encode,
    grid,
    propose,
    rpn_loss,
)
from posecorpus.models.lcrnet.suppression import suppressed
from posecorpus.models.lcrnet.targets import overlaps

SMALL = RPNParams(channels=8, sizes_px=(16, 32), ratios=(0.5, 2.0), before=100, after=20, batch=32)


def some_boxes(rng: np.random.Generator, count: int, side: float = 100) -> torch.Tensor:
    low = rng.uniform(0, side, (count, 2))
    return torch.tensor(
        np.concatenate([low, low + rng.uniform(5, side / 2, (count, 2))], 1), dtype=torch.float32
    )


def test_the_grid_has_every_size_and_ratio_around_every_cell() -> None:
    boxes = grid(3, 5, 16, SMALL).reshape(3, 5, 4, 4)
    for row in range(3):
        for column in range(5):
            for a, (size, ratio) in enumerate((s, r) for s in SMALL.sizes_px for r in SMALL.ratios):
                x0, y0, x1, y1 = boxes[row, column, a].tolist()
                assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx((16 * column + 8, 16 * row + 8))
                assert (x1 - x0) * (y1 - y0) == pytest.approx(size**2, rel=1e-5)
                assert (y1 - y0) / (x1 - x0) == pytest.approx(ratio, rel=1e-5)


def test_maps_and_grid_count_boxes_alike() -> None:
    net = RegionProposals(6, SMALL)
    with torch.no_grad():
        net.score.weight.zero_()
        net.score.bias.copy_(torch.arange(4.0))
        net.offset.weight.zero_()
        net.offset.bias.copy_(torch.arange(16.0))
    logits, offsets = net(torch.randn(2, 6, 3, 5))
    assert logits.shape == (2, len(grid(3, 5, 16, SMALL)))
    # Boxes of a cell lie together in both: the bias of box a is its number.
    assert torch.equal(logits[0].reshape(15, 4), torch.arange(4.0).expand(15, 4))
    assert torch.equal(offsets[1].reshape(15, 16), torch.arange(16.0).expand(15, 16))


@given(st.integers(0, 2**32 - 1))
def test_offsets_lead_to_the_truth(seed: int) -> None:
    rng = np.random.default_rng(seed)
    boxes, truth = some_boxes(rng, 9), some_boxes(rng, 9)
    torch.testing.assert_close(decode(boxes, encode(boxes, truth)), truth, rtol=1e-4, atol=1e-3)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9))
def test_suppression_against_a_loop(seed: int, iou: float) -> None:
    rng = np.random.default_rng(seed)
    boxes, scores = some_boxes(rng, 40), torch.tensor(rng.permutation(40) / 40)
    shares = overlaps(boxes, boxes)
    expected: list[int] = []
    for n in sorted(range(40), key=lambda n: -scores[n]):
        if all(shares[n, m] <= iou for m in expected):
            expected.append(n)
    assert suppressed(boxes, scores, iou).tolist() == expected
    for most in (0, 1, len(expected) // 2, 100):
        assert suppressed(boxes, scores, iou, most).tolist() == expected[:most]


def logits_of(found: torch.Tensor, logits: torch.Tensor, moved: torch.Tensor) -> torch.Tensor:
    """Of each proposal, by the box that it is."""
    inside = moved.clamp(min=0).minimum(torch.tensor([128.0, 96, 128, 96]))
    same = (found[:, None] == inside).all(dim=-1)
    assert same.any(dim=1).all()
    return logits[same.int().argmax(dim=1)]


def test_proposals_lie_within_the_picture_best_first() -> None:
    torch.manual_seed(0)
    boxes = grid(6, 8, 16, SMALL)
    logits, offsets = torch.randn(len(boxes)), torch.randn(len(boxes), 4) * 0.3
    found = propose(logits, offsets, boxes, (128, 96), SMALL)
    assert 0 < len(found) <= SMALL.after
    assert (found >= 0).all()
    assert (found[:, [0, 2]] <= 128).all()
    assert (found[:, [1, 3]] <= 96).all()
    assert (found[:, 2:] - found[:, :2] >= SMALL.least_px).all()
    ranked = logits_of(found, logits, decode(boxes, offsets))
    assert (ranked[:-1] >= ranked[1:]).all()
    shares = overlaps(found, found) - 2 * torch.eye(len(found))
    assert (shares <= SMALL.iou).all()


def test_learning_finds_the_true_boxes() -> None:
    """Logits and offsets that are learned freely propose exactly what is true."""
    boxes = grid(6, 8, 16, SMALL)
    truth = torch.tensor([[20.0, 10, 40, 50], [70, 40, 110, 60]])
    logits = torch.zeros(len(boxes), requires_grad=True)
    offsets = torch.zeros(len(boxes), 4, requires_grad=True)
    optimiser = torch.optim.Adam([logits, offsets], lr=0.05)
    random = torch.Generator().manual_seed(0)
    for _ in range(300):
        optimiser.zero_grad()
        score, place = rpn_loss(logits, offsets, boxes, truth, (128, 96), SMALL, random)
        (score + place).backward()
        optimiser.step()
    found = propose(logits, offsets, boxes, (128, 96), SMALL)
    best = found[logits_of(found, logits, decode(boxes, offsets)) > 0]
    shares = overlaps(truth, best)
    assert (shares.max(dim=1).values > 0.9).all()
    assert (shares.max(dim=0).values > 0.5).all()


def test_a_picture_without_people_teaches_that_nobody_is_there() -> None:
    boxes = grid(6, 8, 16, SMALL)
    logits = torch.zeros(len(boxes), requires_grad=True)
    offsets = torch.zeros(len(boxes), 4)
    nobody = torch.zeros(0, 4)
    score, place = rpn_loss(logits, offsets, boxes, nobody, (128, 96), SMALL, torch.Generator())
    assert float(place) == 0
    assert float(score.detach()) == pytest.approx(np.log(2))
    score.backward()
    drawn = logits.grad != 0
    assert int(drawn.sum()) == SMALL.batch
    inside = (boxes[:, 0] >= 0) & (boxes[:, 1] >= 0) & (boxes[:, 2] <= 128) & (boxes[:, 3] <= 96)
    assert inside[drawn].all()
    assert (logits.grad[drawn] > 0).all()
