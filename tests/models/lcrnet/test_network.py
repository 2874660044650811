"""The network's shapes, sizes and losses, and that all of it learns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from posecorpus.core.errors import InputError
from posecorpus.models.lcrnet.losses import classification_loss, estimate_losses, regression_loss
from posecorpus.models.lcrnet.network import Estimate, LCRNet
from posecorpus.models.lcrnet.params import PRESETS, preset
from posecorpus.models.lcrnet.rpn import grid
from posecorpus.models.lcrnet.targets import Targets

CLASSES, JOINTS = 6, 13


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("iterative", [True, False])
def test_every_part_fits_the_next(name: str, iterative: bool) -> None:
    params = preset(name) if iterative else replace(preset(name), estimate=0)
    with torch.device("meta"):
        net = LCRNet(params, CLASSES, JOINTS)
        maps = net.maps(torch.zeros(2, 3, 96, 128))
        logits, offsets = net.rpn(maps)
        boxes = torch.rand(9, 4)
        # RoIAlign sorts boxes by picture, which needs their numbers; pooled regions have the size it gives.
        vectors = net.backbone.pool(torch.zeros(9, net.backbone.channels, 7, 7))
        found = [net.first(net.backbone.embed(vectors))]
        if net.second is not None:
            found.append(net.second(vectors, found[0]))
    assert logits.shape == (2, len(grid(*maps.shape[2:], 16, params.rpn)))
    assert offsets.shape == (*logits.shape, 4)
    assert len(found) == 1 + iterative
    for estimate in found:
        assert estimate.logits.shape == (len(boxes), CLASSES + 1)
        assert estimate.poses.shape == (len(boxes), CLASSES + 1, 5 * JOINTS)


def test_the_second_estimate_hears_the_first() -> None:
    """Telling each region another's first estimate matters beside showing it another region."""
    torch.manual_seed(0)
    net = LCRNet(preset("tiny"), CLASSES, JOINTS)
    assert net.second is not None
    vectors = net.backbone.pool(torch.randn(64, net.backbone.channels, 7, 7))
    first = net.first(net.backbone.embed(vectors))
    other = torch.randperm(64)
    seen = net.second(vectors, first).logits
    told = net.second(vectors, Estimate(first.logits[other], first.poses[other])).logits
    shown = net.second(vectors[other], first).logits
    assert (told - seen).square().mean() > 0.02 * (shown - seen).square().mean()


def test_two_estimates_are_concluded_from() -> None:
    torch.manual_seed(0)
    first, last = (
        Estimate(3 * torch.randn(9, CLASSES + 1), torch.randn(9, CLASSES + 1, 5 * JOINTS)) for _ in range(2)
    )
    with torch.device("meta"):
        paper, tiny = LCRNet(preset("resnet50"), CLASSES, JOINTS), LCRNet(preset("tiny"), CLASSES, JOINTS)
    assert paper.concluded([first, last]) is last
    assert tiny.concluded([first]) is first
    mean = tiny.concluded([first, last])
    chances = [np.exp(e.logits.double().numpy()) for e in (first, last)]
    product = np.sqrt(np.prod([c / c.sum(1, keepdims=True) for c in chances], axis=0))
    np.testing.assert_allclose(mean.logits.softmax(1), product / product.sum(1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(mean.poses, (first.poses + last.poses) / 2, atol=1e-6)


def targets_of(rng: np.random.Generator, count: int) -> Targets:
    classes = torch.tensor(rng.integers(0, CLASSES + 1, count))
    poses = torch.tensor(rng.normal(0, 1, (count, 5 * JOINTS)), dtype=torch.float32)
    poses[torch.tensor(rng.random((count, 5 * JOINTS)) < 0.2)] = torch.nan
    poses[classes == 0] = torch.nan
    return Targets(torch.zeros(count, 4), classes, poses)


@pytest.mark.parametrize("beta", [1.0, 0.1])
def test_losses_are_the_equations(beta: float) -> None:
    rng = np.random.default_rng(0)
    targets = targets_of(rng, 12)
    estimate = Estimate(torch.randn(12, CLASSES + 1), torch.randn(12, CLASSES + 1, 5 * JOINTS))
    logs, smooth = 0.0, 0.0
    for r in range(12):
        label = int(targets.classes[r])
        exponents = np.exp(estimate.logits[r].numpy().astype(float))
        logs -= np.log(exponents[label] / exponents.sum())
        if label >= 1:
            for value, wanted in zip(
                estimate.poses[r, label].tolist(), targets.poses[r].tolist(), strict=True
            ):
                x = abs(value - wanted)
                smooth += 0.0 if np.isnan(wanted) else (0.5 * x * x / beta if x < beta else x - 0.5 * beta)
    assert float(classification_loss(estimate, targets)) == pytest.approx(logs / 12, rel=1e-5)
    assert float(regression_loss(estimate, targets, beta)) == pytest.approx(smooth / 12, rel=1e-5)
    both = estimate_losses([estimate, estimate], targets, beta)
    assert float(both[0]) == pytest.approx(2 * logs / 12, rel=1e-5)
    assert float(both[1]) == pytest.approx(2 * smooth / 12, rel=1e-5)


def test_what_is_not_known_teaches_nothing() -> None:
    targets = targets_of(np.random.default_rng(1), 8)
    poses = torch.randn(8, CLASSES + 1, 5 * JOINTS, requires_grad=True)
    regression_loss(Estimate(torch.zeros(8, CLASSES + 1), poses), targets).backward()
    assert torch.isfinite(poses.grad).all()
    taught = torch.zeros_like(poses, dtype=torch.bool)
    for r in range(8):
        taught[r, targets.classes[r]] = torch.isfinite(targets.poses[r])
    assert torch.equal(poses.grad != 0, taught)


def test_regions_are_learned_by_heart() -> None:
    """A few boxes of random pictures: classes and poses of both estimates are fitted, all parts get gradients."""
    torch.manual_seed(0)
    net = LCRNet(preset("tiny"), CLASSES, JOINTS)
    images, image = torch.rand(2, 3, 96, 96), torch.tensor([0, 0, 0, 1, 1, 1])
    corners = torch.tensor([[0.0, 0, 50, 60], [30, 20, 90, 90], [50, 0, 96, 50]]).repeat(2, 1)
    targets = Targets(corners, torch.tensor([1, 2, 0, 3, 4, 0]), torch.randn(6, 5 * JOINTS) * 0.3)
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3)
    for step in range(80):
        optimiser.zero_grad()
        classified, regressed = estimate_losses(net.estimates(net.maps(images), corners, image), targets)
        (classified + regressed).backward()
        if step == 0:
            without = {n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()}
            assert {name.split(".")[0] for name in without} <= {"rpn", "heatmaps"}
        optimiser.step()
    assert float(classified.detach()) < 0.05
    assert float(regressed.detach()) < 0.2
    with torch.no_grad():
        for estimate in net.estimates(net.maps(images), corners, image):
            assert torch.equal(estimate.logits.argmax(1), targets.classes)


def test_presets_have_names() -> None:
    with pytest.raises(InputError, match="tiny, vgg16, resnet50"):
        preset("vgg19")


@pytest.mark.parametrize("frame", [(0, 320), (31, 320), (240, 239)])
def test_frames_are_large_enough_and_in_order(frame: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="frame"):
        replace(preset("tiny"), frame=frame)
