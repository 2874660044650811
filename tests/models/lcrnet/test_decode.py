"""Decoding against loops written from the paper's equations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import LCR_13
from posecorpus.models.lcrnet.decode import (
    Detections,
    Integration,
    Proposals,
    best_of_each_place,
    box_overlaps,
    integrate,
    person_boxes,
    rescored,
    suppress,
)

J = len(LCR_13)
LOWER = np.array(LCR_13.indices("r_ankle", "l_ankle", "r_knee", "l_knee"))
TRUNK = np.array(LCR_13.indices("head", "l_shoulder", "r_shoulder", "l_hip", "r_hip"))


def crowd(seed: int, people: int, each: int, spread: float = 8.0) -> Proposals:
    """Proposals about a few people, of two 3D poses each."""
    rng = np.random.default_rng(seed)
    count = people * each
    who = np.repeat(np.arange(people), each)
    place = rng.uniform(0, 400, (people, 1, 2))
    shape = rng.normal(0, 40, (people, J, 2))
    poses2d = (place + shape)[who] + rng.normal(0, spread, (count, J, 2))
    kinds = rng.normal(0, 0.3, (people, 2, J, 3))
    poses3d = kinds[who, rng.integers(2, size=count)] + rng.normal(0, 0.03, (count, J, 3))
    boxes = person_boxes(poses2d) + rng.uniform(-15, 15, (count, 4))
    scores = rng.permutation(np.linspace(0.01, 0.9, count)) if count else np.zeros(0)
    return Proposals(boxes, poses2d, poses3d, scores, rng.random(count) < 0.4)


def loop_iou(a: np.ndarray, b: np.ndarray) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common
    return common / union if union > 0 else 0.0


def loop_scores(p: Proposals, sigma: float) -> list[float]:
    """Equation 6, a joint at a time."""
    found = []
    for n in range(len(p)):
        x0, y0, x1, y1 = p.boxes[n]
        total = 0.0
        for x, y in p.poses2d[n]:
            if x0 <= x <= x1 and y0 <= y <= y1:
                total += 1.0
            else:
                nearest = min(max(x, x0), x1), min(max(y, y0), y1)
                total += math.exp(-((x - nearest[0]) ** 2 + (y - nearest[1]) ** 2) / sigma**2)
        found.append(p.scores[n] * total / J)
    return found


def loop_groups(p: Proposals, iou: float, joints: np.ndarray) -> list[list[int]]:
    boxes = []
    for pose in p.poses2d:
        xs, ys = [pose[j][0] for j in joints], [pose[j][1] for j in joints]
        boxes.append(np.array([min(xs), min(ys), max(xs), max(ys)]))
    left, groups = sorted(range(len(p)), key=lambda n: -p.scores[n]), []
    while left:
        top = left[0]
        group = [n for n in left if n == top or loop_iou(boxes[top], boxes[n]) >= iou]
        groups.append(group)
        left = [n for n in left if n not in group]
    return groups


def loop_integration(
    p: Proposals, s: Integration, joints: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """Equations 7 and 8, a proposal at a time."""
    people = []
    for group in loop_groups(p, s.iou, joints):
        remaining = list(group)
        while remaining:
            star = remaining[0]
            mode = []
            for n in remaining:
                distance = sum(math.dist(p.poses3d[star][j], p.poses3d[n][j]) for j in range(J)) / J
                if n == star or distance < s.distance_m:
                    mode.append(n)
            remaining = [n for n in remaining if n not in mode]
            summed = sum(p.scores[n] for n in mode)
            if summed < s.least_score:
                continue
            mean2d, mean3d = np.zeros((J, 2)), np.zeros((J, 3))
            for j in range(J):
                weights = [p.scores[n] * (0.1 if p.upper[n] and j in LOWER else 1.0) for n in mode]
                for n, weight in zip(mode, weights, strict=True):
                    mean2d[j] += weight / sum(weights) * p.poses2d[n][j]
                    mean3d[j] += weight / sum(weights) * p.poses3d[n][j]
            people.append((mean2d, mean3d, summed))
    return sorted(people, key=lambda person: -person[2])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 5), st.integers(1, 12), st.booleans())
def test_integration_is_the_paper_s(seed: int, people: int, each: int, trunk: bool) -> None:
    proposals = crowd(seed, people, each)
    thresholds = Integration(iou=0.3, distance_m=0.2, least_score=0.1)
    joints = TRUNK if trunk else None
    found = integrate(proposals, thresholds, LOWER, joints)
    expected = loop_integration(proposals, thresholds, TRUNK if trunk else np.arange(J))
    assert len(found) == len(expected)
    for i, (mean2d, mean3d, score) in enumerate(expected):
        np.testing.assert_allclose(found.poses2d[i], mean2d, atol=1e-8)
        np.testing.assert_allclose(found.poses3d[i], mean3d, atol=1e-10)
        assert found.scores[i] == pytest.approx(score)
    assert found.members.sum() <= len(proposals)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1, 100))
def test_rescoring_is_equation_6(seed: int, sigma: float) -> None:
    proposals = crowd(seed, 3, 4)
    np.testing.assert_allclose(rescored(proposals, sigma), loop_scores(proposals, sigma), rtol=1e-10)


def test_a_pose_within_its_box_keeps_its_score() -> None:
    proposals = crowd(0, 2, 3)
    wide = Proposals(
        person_boxes(proposals.poses2d) + [-1, -1, 1, 1],
        proposals.poses2d, proposals.poses3d, proposals.scores, proposals.upper,
    )  # fmt: skip
    np.testing.assert_array_equal(rescored(wide), wide.scores)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
def test_suppression_keeps_the_best_of_each_place(seed: int, iou: float) -> None:
    proposals = crowd(seed, 4, 6)
    found = suppress(proposals, iou)
    best = [group[0] for group in loop_groups(proposals, iou, np.arange(J))]
    np.testing.assert_array_equal(found.poses2d, proposals.poses2d[best])
    np.testing.assert_array_equal(found.scores, proposals.scores[best])
    overlaps = box_overlaps(person_boxes(found.poses2d), person_boxes(found.poses2d))
    assert (overlaps[~np.eye(len(found), dtype=bool)] < iou).all()


@given(st.integers(0, 2**32 - 1))
def test_overlaps_are_the_loop_s(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 10, (2, 5, 2, 2))
    boxes, others = (np.concatenate([c.min(1), c.max(1)], axis=1) for c in corners)
    found = box_overlaps(boxes, others)
    for i in range(5):
        for j in range(5):
            assert found[i, j] == pytest.approx(loop_iou(boxes[i], others[j]))
    point = np.array([[3.0, 3, 3, 3]])
    assert box_overlaps(point, point)[0, 0] == 0


def test_nothing_proposed_is_nobody_found() -> None:
    for found in (suppress(crowd(0, 0, 1), 0.5), integrate(crowd(0, 0, 1), Integration(), LOWER)):
        assert isinstance(found, Detections)
        assert len(found) == 0
        assert found.poses3d.shape == (0, J, 3)


def test_arrays_that_do_not_fit_are_refused() -> None:
    good = crowd(0, 1, 3)
    with pytest.raises(InputError, match=r"poses3d: expected shape \(3, 13, 3\)"):
        Proposals(good.boxes, good.poses2d, good.poses2d, good.scores, good.upper)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.2, 0.5, 0.9]))
def test_everybody_once_is_a_loop_over_places(seed: int, iou: float) -> None:
    proposals = crowd(seed, people=3, each=6)
    found = Detections(
        proposals.poses2d, proposals.poses3d, proposals.scores, np.ones(len(proposals), np.int64)
    )
    boxes = [np.concatenate([pose.min(0), pose.max(0)]) for pose in found.poses2d]
    wanted: list[int] = []
    for i in sorted(range(len(found)), key=lambda i: -found.scores[i]):
        if all(loop_iou(boxes[i], boxes[k]) < iou for k in wanted):
            wanted.append(i)
    kept = best_of_each_place(found, iou)
    assert kept.tolist() == wanted
    np.testing.assert_array_equal(found.at(kept).poses2d, found.poses2d[wanted])
