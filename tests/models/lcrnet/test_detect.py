"""From estimates to people, against loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_targets import ANCHORS, K, person

from posecorpus.anchors.boxes import from_box_units
from posecorpus.core.skeletons import LCR_13
from posecorpus.models.lcrnet.detect import (
    LEAST_SHARE,
    DetectSettings,
    people_of,
    pose_proposals,
    proposals_of,
)
from posecorpus.models.lcrnet.network import Estimate, LCRNet
from posecorpus.models.lcrnet.params import preset
from posecorpus.models.lcrnet.targets import AnchorTensors, TruthTensors, match, pose_targets
from posecorpus.models.lcrnet.truth import picture_truth

J = len(LCR_13)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_every_likely_class_of_every_box_is_a_pose(seed: int, upper: bool) -> None:
    random = torch.Generator().manual_seed(seed)
    anchors = ANCHORS[upper]
    count = anchors.classes
    corners = torch.rand(4, 2, 2, generator=random) * 200
    boxes = torch.cat([corners.amin(1), corners.amax(1) + 5], dim=1)
    logits = 3 * torch.randn(4, count + 1, generator=random)
    poses = torch.randn(4, count + 1, 5 * J, generator=random) * 0.1
    found = proposals_of(boxes, Estimate(logits, poses), AnchorTensors.of(anchors), K)
    n = 0
    for r in range(4):
        likely = np.exp(logits[r].double().numpy())
        likely /= likely.sum()
        for c in range(count):
            if likely[c + 1] < LEAST_SHARE / count:
                continue
            offsets = poses[r, c + 1].double().numpy()
            units = anchors.poses2d[c] + offsets[: 2 * J].reshape(J, 2)
            np.testing.assert_allclose(found.poses2d[n], from_box_units(units, boxes[r].numpy()), atol=1e-3)
            space = anchors.poses3d[c % K] + offsets[2 * J :].reshape(J, 3)
            np.testing.assert_allclose(found.poses3d[n], space, atol=1e-5)
            assert found.scores[n] == pytest.approx(likely[c + 1], rel=1e-4)
            assert found.upper[n] == (c >= K)
            n += 1
    assert len(found) == n


@pytest.mark.parametrize("integrated", [True, False])
def test_perfect_estimates_give_the_people(integrated: bool) -> None:
    """What the targets teach, decoded, is the truth: both speak of the same offsets."""
    rng = np.random.default_rng(3)
    anchors = ANCHORS[True]
    people = [person(rng), person(rng)]
    for i, who in enumerate(people):
        who.joints2d += np.float32([300 * i, 0])
    truth = TruthTensors.of(picture_truth(people, anchors))
    boxes = truth.boxes.repeat(10, 1) + torch.randn(10 * len(truth.boxes), 4) * 4
    which, classes = match(boxes, truth)
    tensors = AnchorTensors.of(anchors)
    logits = torch.full((len(boxes), anchors.classes + 1), -20.0)
    logits[torch.arange(len(boxes)), classes] = 0
    poses = torch.zeros(len(boxes), anchors.classes + 1, 5 * J)
    on = classes > 0
    poses[torch.nonzero(on)[:, 0], classes[on]] = pose_targets(
        boxes[on], classes[on], which[on], truth, tensors
    )
    settings_ = DetectSettings() if integrated else DetectSettings(integration=None)
    found = people_of(proposals_of(boxes, Estimate(logits, poses), tensors, K), LCR_13, settings_)
    assert len(found) == 2
    for who in people:
        misses = np.abs(found.poses2d - who.joints2d).max((1, 2))
        assert misses.min() < 0.05
        centred = picture_truth([who], anchors).poses3d[0]
        np.testing.assert_allclose(found.poses3d[misses.argmin()], centred, atol=1e-4)


def test_an_untrained_network_proposes_within_reason() -> None:
    torch.manual_seed(0)
    anchors = ANCHORS[False]
    net = LCRNet(preset("tiny"), anchors.classes, J).eval()
    found = pose_proposals(net, torch.rand(3, 96, 128), AnchorTensors.of(anchors), K)
    assert 0 < len(found) <= net.params.rpn.after * anchors.classes
    assert np.isfinite(found.poses2d).all()
    assert not found.upper.any()
    assert len(people_of(found, LCR_13, DetectSettings())) > 0
