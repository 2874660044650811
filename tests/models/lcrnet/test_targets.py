"""Classes and pose targets of boxes against the paper's rules written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from posecorpus.anchors.bank import Anchors, make_anchors
from posecorpus.anchors.boxes import from_box_units, joint_boxes, upper_body
from posecorpus.anchors.poses import pose_set
from posecorpus.core.metrics import centre_on_torso
from posecorpus.core.sample import HIDDEN, UNLABELLED, VISIBLE, Person
from posecorpus.core.skeletons import LCR_13
from posecorpus.models.lcrnet.targets import (
    AnchorTensors,
    TruthTensors,
    draw_targets,
    jittered,
    match,
    overlaps,
    pose_targets,
)
from posecorpus.models.lcrnet.truth import picture_truth

J = len(LCR_13)
ANKLES = LCR_13.indices("l_ankle", "r_ankle", "l_knee", "r_knee")
K = 6


def anchors_of(seed: int, upper: bool) -> Anchors:
    rng = np.random.default_rng(seed)
    joints = rng.normal(0, 0.4, (200, J, 3))
    return make_anchors(pose_set(LCR_13, "made", joints, joints[..., :2]), K, upper_body=upper)


ANCHORS = {upper: anchors_of(0, upper) for upper in (False, True)}


def person(rng: np.random.Generator, *, legs: int = VISIBLE, joints3d: bool = True) -> Person:
    space = rng.normal(0, 0.4, (J, 3)) + [rng.uniform(-1, 1), 0, 5]
    points = 500 * space[:, :2] / space[:, 2:] + 200
    visibility = np.full(J, VISIBLE, np.uint8)
    visibility[ANKLES] = legs
    points[visibility == UNLABELLED] = np.nan
    return Person(
        "lcr_13",
        points.astype(np.float32),
        visibility,
        joint_boxes(points).astype(np.float32),
        joints3d=space.astype(np.float32) if joints3d else None,
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from([VISIBLE, HIDDEN, UNLABELLED]))
def test_true_boxes_of_whole_and_upper_bodies(seed: int, upper: bool, legs: int) -> None:
    anchors, who = ANCHORS[upper], person(np.random.default_rng(seed), legs=legs)
    truth = picture_truth([who], anchors)
    centred = centre_on_torso(who.joints3d, LCR_13)
    near = int(np.linalg.norm(anchors.poses3d - centred, axis=-1).mean(-1).argmin())
    whole, trunk = joint_boxes(who.joints2d), joint_boxes(who.joints2d[upper_body(LCR_13)])
    expected = [(whole, 1 + near)] if legs == VISIBLE or not upper else []
    expected += [(trunk, 1 + K + near)] if upper else []
    assert truth.classes.tolist() == [label for _, label in expected]
    np.testing.assert_allclose(truth.boxes, np.array([box for box, _ in expected]), rtol=1e-5)
    for pose2d, pose3d in zip(truth.poses2d, truth.poses3d, strict=True):
        np.testing.assert_array_equal(pose2d, who.joints2d)
        np.testing.assert_allclose(pose3d, centred, atol=1e-6)


def test_people_without_3d_are_neither_taught_nor_background() -> None:
    truth = picture_truth([person(np.random.default_rng(0), joints3d=False)], ANCHORS[True])
    tensors = TruthTensors.of(truth)
    _, classes = match(tensors.boxes, tensors)
    assert classes.tolist() == [-1, -1]
    drawn = draw_targets(tensors.boxes, tensors, AnchorTensors.of(ANCHORS[True]), 8, torch.Generator())
    assert len(drawn.boxes) == 0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_boxes_get_the_class_of_what_they_overlap_by_half(seed: int, upper: bool) -> None:
    rng = np.random.default_rng(seed)
    truth = picture_truth([person(rng), person(rng)], ANCHORS[upper])
    boxes = np.concatenate(
        [truth.boxes[rng.integers(len(truth), size=20)] + rng.normal(0, 25, (20, 4)), truth.boxes]
    )
    which, classes = match(torch.tensor(boxes, dtype=torch.float32), TruthTensors.of(truth))
    for n, (x0, y0, x1, y1) in enumerate(boxes):
        shares = []
        for a0, b0, a1, b1 in truth.boxes:
            common = max(min(x1, a1) - max(x0, a0), 0) * max(min(y1, b1) - max(y0, b0), 0)
            area = max(x1 - x0, 0) * max(y1 - y0, 0)
            shares.append(common / (area + (a1 - a0) * (b1 - b0) - common))
        best = int(np.argmax(shares))
        if abs(shares[best] - 0.5) < 1e-4:
            continue
        assert classes[n] == (truth.classes[best] if shares[best] > 0.5 else 0)
        if shares[best] > 0.5:
            assert which[n] == best


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_anchor_plus_target_is_the_pose(seed: int, upper: bool) -> None:
    rng = np.random.default_rng(seed)
    anchors = ANCHORS[upper]
    truth = picture_truth([person(rng), person(rng)], anchors)
    boxes = truth.boxes + rng.normal(0, 5, truth.boxes.shape).astype(np.float32)
    tensors = TruthTensors.of(truth)
    which = torch.arange(len(truth))
    found = pose_targets(
        torch.tensor(boxes), tensors.classes, which, tensors, AnchorTensors.of(anchors)
    ).numpy()
    labels = truth.classes - 1
    units = anchors.poses2d[labels] + found[:, : 2 * J].reshape(-1, J, 2)
    np.testing.assert_allclose(from_box_units(units, boxes), truth.poses2d, atol=1e-2)
    space = anchors.poses3d[labels % K] + found[:, 2 * J :].reshape(-1, J, 3)
    np.testing.assert_allclose(space, truth.poses3d, atol=1e-5)


def test_a_quarter_of_the_boxes_are_on_people() -> None:
    rng = np.random.default_rng(0)
    anchors = ANCHORS[True]
    truth = TruthTensors.of(picture_truth([person(rng), person(rng)], anchors))
    near = truth.boxes.repeat(30, 1) + torch.randn(30 * len(truth.boxes), 4)
    far = torch.rand(300, 2) * 50 - 500
    proposals = torch.cat([near, torch.cat([far, far + 40], dim=1)])
    random = torch.Generator().manual_seed(1)
    found = draw_targets(proposals, truth, AnchorTensors.of(anchors), 128, random)
    assert len(found.boxes) == 128
    assert int((found.classes > 0).sum()) == 32
    assert torch.isfinite(found.poses[found.classes > 0]).all()
    assert torch.isnan(found.poses[found.classes == 0]).all()
    again = draw_targets(proposals, truth, AnchorTensors.of(anchors), 128, torch.Generator().manual_seed(1))
    assert torch.equal(found.boxes, again.boxes)
    alone = draw_targets(far.new_zeros(0, 4), truth, AnchorTensors.of(anchors), 128, random)
    assert len(alone.boxes) == len(truth.boxes)  # the true boxes themselves


def test_an_empty_picture_is_all_background() -> None:
    truth = TruthTensors.of(picture_truth([], ANCHORS[False]))
    boxes = torch.tensor([[0.0, 0, 10, 10], [5, 5, 20, 20]])
    found = draw_targets(boxes, truth, AnchorTensors.of(ANCHORS[False]), 8, torch.Generator())
    assert found.classes.tolist() == [0, 0]
    assert found.poses.shape == (2, 5 * J)


@pytest.mark.parametrize("known", [0, 2])
def test_people_of_too_few_joints_have_no_box(known: int) -> None:
    who = person(np.random.default_rng(0))
    who.visibility[known:] = UNLABELLED
    who.joints2d[known:] = np.nan
    assert len(picture_truth([who], ANCHORS[True])) == 0


def test_jittered_boxes_are_on_the_same_people() -> None:
    truth = TruthTensors.of(picture_truth([person(np.random.default_rng(3))], ANCHORS[True]))
    found = jittered(truth.boxes, 200, torch.Generator().manual_seed(0))
    assert len(found) == 200 * len(truth.boxes)
    shares = overlaps(found, truth.boxes)
    own = torch.arange(len(found)) % len(truth.boxes)
    assert (shares[torch.arange(len(found)), own] > 0.45).all()
    assert len(found.unique(dim=0)) == len(found)
    assert torch.allclose(found[:: len(truth.boxes)].mean(0), truth.boxes[0], atol=5)
    assert jittered(truth.boxes, 0, torch.Generator()).shape == (0, 4)
    assert jittered(truth.boxes[:0], 8, torch.Generator()).shape == (0, 4)
