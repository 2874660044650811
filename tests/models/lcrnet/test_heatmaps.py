"""Joint heatmaps against a loop, what they cost at best, and that they teach the backbone and nothing else."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posecorpus.models.lcrnet.heatmaps import SPREAD, Heatmaps, heatmap_loss, heatmap_targets
from posecorpus.models.lcrnet.network import LCRNet
from posecorpus.models.lcrnet.params import preset


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(0, 3))
def test_spots_against_a_loop(seed: int, people: int) -> None:
    rng = np.random.default_rng(seed)
    poses = rng.uniform(-30, 90, (people, 4, 2)).astype(np.float32)
    poses[rng.random((people, 4)) < 0.3] = np.nan
    found = heatmap_targets([torch.from_numpy(poses), torch.zeros(0, 4, 2)], (4, 3, 5), 16)
    assert found.shape == (2, 4, 3, 5)
    assert not found[1].any()
    for j in range(4):
        for row in range(3):
            for column in range(5):
                squares = [
                    (x - 16 * column - 8) ** 2 + (y - 16 * row - 8) ** 2 for x, y in poses[:, j].tolist()
                ]
                wanted = max(
                    (math.exp(-square / (2 * (16 * SPREAD) ** 2)) for square in squares), default=0.0
                )
                if any(map(math.isnan, squares)):
                    wanted = math.nan
                assert found[0, j, row, column].item() == pytest.approx(wanted, abs=1e-6, nan_ok=True)


def test_the_loss_is_nothing_for_the_truth_alone() -> None:
    targets = heatmap_targets([torch.tensor([[[20.0, 30], [50, 10]]])], (2, 4, 6), 16)
    truth = torch.logit(targets.clamp(1e-12, 1 - 1e-7))
    assert heatmap_loss(truth, targets).item() == pytest.approx(0, abs=1e-4)
    assert heatmap_loss(truth.flip(1), targets).item() > 1
    # One cell that is even odds where nothing is costs log 2, over two joints.
    unsure = truth.clone()
    unsure[0, 0, 3, 5] = 0.0
    assert heatmap_loss(unsure, targets).item() == pytest.approx(math.log(2) / 2, abs=1e-3)


def test_a_joint_that_is_somewhere_teaches_nothing() -> None:
    """One of two people lacks an annotated joint: its map is not taught, the others are."""
    poses = torch.tensor([[[20.0, 30], [50, 10]], [[30.0, 20], [torch.nan, torch.nan]]])
    logits = torch.zeros(1, 2, 4, 6, requires_grad=True)
    heatmap_loss(logits, heatmap_targets([poses], (2, 4, 6), 16)).backward()
    assert (logits.grad[0, 0] != 0).all()
    assert (logits.grad[0, 1] == 0).all()


def test_they_teach_the_backbone_and_themselves() -> None:
    torch.manual_seed(0)
    net = LCRNet(preset("tiny"), 4, 2)
    targets = heatmap_targets([torch.tensor([[[20.0, 30], [50, 10]]])], (2, 4, 6), 16)
    heatmap_loss(net.heatmaps(net.maps(torch.rand(1, 3, 64, 96))), targets).backward()
    taught = {
        name.rsplit(".", 2)[0] for name, p in net.named_parameters() if p.grad is not None and p.grad.any()
    }
    assert taught == {"backbone.features", "heatmaps"}
    assert all(p.grad is not None and p.grad.any() for p in net.backbone.features.parameters())


def test_free_maps_learn_the_spots() -> None:
    targets = heatmap_targets([torch.tensor([[[20.0, 30], [50, 10]]])], (2, 4, 6), 16)
    torch.manual_seed(0)
    maps, net = torch.randn(1, 8, 4, 6, requires_grad=True), Heatmaps(8, 2)
    optimiser = torch.optim.Adam([maps, *net.parameters()], lr=0.05)
    for _ in range(200):
        optimiser.zero_grad()
        loss = heatmap_loss(net(maps), targets)
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.05
    assert (net(maps).sigmoid() - targets).abs().max().item() < 0.1


def test_only_networks_that_ask_for_them_have_them() -> None:
    tiny = preset("tiny")
    assert LCRNet(tiny, 4, 13).heatmaps is not None
    plain = LCRNet(replace(tiny, heatmap_weight=0.0), 4, 13)
    assert plain.heatmaps is None
    assert not [name for name in plain.state_dict() if "heatmap" in name]
    assert preset("vgg16").heatmap_weight == preset("resnet50").heatmap_weight == 0
