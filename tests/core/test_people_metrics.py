"""Matching and AP against loops written from the description of the protocol, and what must not change them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_curve

from posecorpus.core.errors import InputError
from posecorpus.core.people_metrics import (
    ASIDE,
    DUPLICATE,
    FAR_HEADS,
    NEAR_HEADS,
    NOBODY,
    average_precision,
    found_shares,
    joint_distances,
    mean_distances,
    nearest_matches,
    precision_recall,
    protocol_matches,
)

NAN = float("nan")
seeds = st.integers(0, 2**32 - 1)


def crowd(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Detections (D, J, 2) scattered about people (P, J, 2), scores, sizes, who counts."""
    rng = np.random.default_rng(seed)
    people, detections, joints = rng.integers(0, 5), rng.integers(0, 9), 6
    truth = rng.normal(0, 40, (people, joints, 2))
    sizes = rng.uniform(5, 20, people)
    if people:
        about = truth[rng.integers(0, people, detections)]
    else:
        about = np.zeros((detections, joints, 2))
    predicted = about + rng.normal(0, 1, about.shape) * rng.choice([1, 6, 30], (detections, 1, 1))
    truth[rng.random(truth.shape[:2]) < 0.15] = NAN
    return predicted, truth, rng.random(detections), sizes, rng.random(people) < 0.8


# --- oracles: plain loops ---------------------------------------------------------------------------------


def slow_distances(predicted: np.ndarray, truth: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    out = np.zeros((len(predicted), len(truth), predicted.shape[1]))
    for d in range(len(predicted)):
        for p in range(len(truth)):
            for j in range(predicted.shape[1]):
                x, y = predicted[d, j] - truth[p, j]
                out[d, p, j] = NAN if math.isnan(truth[p, j, 0]) else math.hypot(x, y) / sizes[p]
    return out


def slow_protocol(away: np.ndarray, scores: np.ndarray, counted: np.ndarray, limit: float) -> list[int]:
    """Every detection goes for the person it has most joints of; every person keeps the best of his."""

    def share(d: int, p: int) -> float:
        known = [x for x in away[d, p] if not math.isnan(x)]
        return sum(x <= limit for x in known) / len(known) if known else 0.0

    def mean(d: int, p: int) -> float:
        known = [min(x, FAR_HEADS) for x in away[d, p] if not math.isnan(x)]
        return sum(known) / len(known) if known else math.inf

    detections, people = range(away.shape[0]), range(away.shape[1])
    wish: dict[int, int] = {}
    for d in detections:
        ranked = sorted((-share(d, p), mean(d, p), p) for p in people if counted[p])
        if ranked and ranked[0][0] < 0:
            wish[d] = ranked[0][2]
    result = [NOBODY] * len(detections)
    for p in people:
        suitors = sorted((-share(d, p), -scores[d], mean(d, p), d) for d in wish if wish[d] == p)
        if suitors:
            result[suitors[0][3]] = p
    for d in detections:
        others = max((share(d, p) for p in people if not counted[p]), default=0.0)
        mine = share(d, wish[d]) if d in wish else 0.0
        if result[d] == NOBODY and others > mine:
            result[d] = ASIDE
    return result


def slow_nearest(away: np.ndarray, scores: np.ndarray, counted: np.ndarray) -> list[int]:
    def mean(d: int, p: int) -> float:
        known = [min(x, FAR_HEADS) for x in away[d, p] if not math.isnan(x)]
        return sum(known) / len(known) if known else math.inf

    people = range(away.shape[1])
    result, taken = [NOBODY] * len(scores), set()
    for d in sorted(range(len(scores)), key=lambda d: -scores[d]):
        ours = min(((mean(d, p), p) for p in people if counted[p]), default=(math.inf, -1))
        other = min((mean(d, p) for p in people if not counted[p]), default=math.inf)
        near = ours[0] <= NEAR_HEADS
        if near and ours[1] not in taken:
            result[d] = ours[1]
            taken.add(ours[1])
        elif other <= NEAR_HEADS and other < ours[0]:
            result[d] = ASIDE
        elif near:
            result[d] = DUPLICATE
    return result


def slow_ap(scores: list[float], hits: list[bool], positives: int) -> float:
    """Area under the best precision at each recall or a higher one, threshold by threshold."""
    points = []
    for limit in sorted(set(scores), reverse=True):
        kept = [hit for score, hit in zip(scores, hits, strict=True) if score >= limit]
        points.append((sum(kept) / positives, sum(kept) / len(kept)))
    area, before = 0.0, 0.0
    for i, (recall, _) in enumerate(points):
        area += (recall - before) * max(precision for _, precision in points[i:])
        before = recall
    return area


# --- against the oracles ----------------------------------------------------------------------------------


@given(seeds, st.sampled_from([0.5, 1.0]))
@settings(max_examples=150)
def test_matching_is_what_the_loops_say(seed: int, limit: float) -> None:
    predicted, truth, scores, sizes, counted = crowd(seed)
    away = joint_distances(predicted, truth, sizes)
    np.testing.assert_allclose(away, slow_distances(predicted, truth, sizes))
    assert protocol_matches(away, scores, counted, limit).tolist() == slow_protocol(
        away, scores, counted, limit
    )
    assert nearest_matches(away, scores, counted).tolist() == slow_nearest(away, scores, counted)


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=25), st.integers(0, 5))
@settings(max_examples=150)
def test_average_precision_is_what_the_loop_says(found: list[tuple[int, bool]], missed: int) -> None:
    scores, hits = [float(s) for s, _ in found], [hit for _, hit in found]
    positives = sum(hits) + missed
    curve = precision_recall(np.array(scores), np.array(hits, bool), positives)
    if not positives:
        assert math.isnan(average_precision(curve))
        return
    assert average_precision(curve) == pytest.approx(slow_ap(scores, hits, positives), abs=1e-12)


@given(seeds)
@settings(max_examples=30)
def test_the_curve_is_that_of_scikit_learn_where_nothing_was_missed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, hits = rng.integers(0, 8, 30).astype(float), rng.random(30) < 0.4
    hits[0] = True
    curve = precision_recall(scores, hits, int(hits.sum()))
    precision, recall, thresholds = precision_recall_curve(hits, scores)
    np.testing.assert_allclose(curve.scores[::-1], thresholds)
    np.testing.assert_allclose(curve.precision[::-1], precision[:-1])
    np.testing.assert_allclose(curve.recall[::-1], recall[:-1])


# --- what must not change anything --------------------------------------------------------------------------


@given(seeds)
@settings(max_examples=60)
def test_the_order_of_people_and_detections_does_not_matter(seed: int) -> None:
    predicted, truth, scores, sizes, counted = crowd(seed)
    rng = np.random.default_rng(seed ^ 1)
    d, p = rng.permutation(len(predicted)), rng.permutation(len(truth))
    renamed = np.append(
        np.argsort(p), [ASIDE, DUPLICATE, NOBODY]
    )  # old person to new; the last three by -3..-1
    one = joint_distances(predicted, truth, sizes)
    two = joint_distances(predicted[d], truth[p], sizes[p])
    for match in (protocol_matches, nearest_matches):
        before, after = match(one, scores, counted), match(two, scores[d], counted[p])
        np.testing.assert_array_equal(renamed[before][d], after)


@given(seeds)
@settings(max_examples=60)
def test_only_the_order_of_scores_matters(seed: int) -> None:
    predicted, truth, scores, sizes, counted = crowd(seed)
    away = joint_distances(predicted, truth, sizes)
    other = np.log(scores) * 7 - 3
    for match in (protocol_matches, nearest_matches):
        np.testing.assert_array_equal(match(away, scores, counted), match(away, other, counted))
    hits = protocol_matches(away, scores, counted) >= 0
    areas = [average_precision(precision_recall(s, hits, 5)) for s in (scores, other)]
    assert areas[0] == areas[1]


@given(seeds, st.floats(0.1, 50))
@settings(max_examples=30)
def test_the_scale_of_the_picture_does_not_matter(seed: int, scale: float) -> None:
    predicted, truth, _, sizes, _ = crowd(seed)
    one = joint_distances(predicted, truth, sizes)
    np.testing.assert_allclose(one, joint_distances(predicted * scale, truth * scale, sizes * scale))


# --- by hand ------------------------------------------------------------------------------------------------


def people(*places: float, joints: int = 4) -> np.ndarray:
    """People with all joints in a column at x, one head size of 10 px apart."""
    column = np.stack([np.zeros(joints), 10.0 * np.arange(joints)], -1)
    return np.stack([column + [x, 0] for x in places]) if places else np.zeros((0, joints, 2))


def matched(predicted: np.ndarray, truth: np.ndarray, scores: list[float], counted: list[bool] | None = None):  # type: ignore[no-untyped-def]
    away = joint_distances(predicted, truth, np.full(len(truth), 10.0))
    who = np.ones(len(truth), bool) if counted is None else np.array(counted)
    s = np.array(scores, float)
    return protocol_matches(away, s, who).tolist(), nearest_matches(away, s, who).tolist()


def test_perfect_detections_are_matched_and_worth_one() -> None:
    protocol, nearest = matched(people(0, 100, 200), people(200, 0, 100), [0.1, 0.9, 0.5])
    assert protocol == nearest == [1, 2, 0]
    assert average_precision(precision_recall(np.array([0.1, 0.9, 0.5]), np.ones(3, bool), 3)) == 1


def test_a_duplicate_is_false_to_the_protocol_and_told_apart_by_the_nearest() -> None:
    protocol, nearest = matched(people(0, 1, 300), people(0), [0.5, 0.9, 0.8])
    assert protocol == [NOBODY, 0, NOBODY]  # all joints of both are close enough: the better score
    assert nearest == [DUPLICATE, 0, NOBODY]


def test_the_protocol_prefers_more_joints_to_a_better_score() -> None:
    worse = people(0)
    worse[0, 3] += 50
    protocol, nearest = matched(np.concatenate([worse, people(1)]), people(0), [0.9, 0.1])
    assert protocol == [NOBODY, 0]
    assert nearest == [0, DUPLICATE]


def test_who_does_not_count_is_neither_missed_nor_false() -> None:
    protocol, nearest = matched(people(0, 100), people(0, 100), [0.9, 0.8], [True, False])
    assert protocol == nearest == [0, ASIDE]
    # A second detection of the one who counts is still a duplicate.
    protocol, nearest = matched(people(0, 1), people(0, 100), [0.9, 0.8], [True, False])
    assert protocol == [0, NOBODY]
    assert nearest == [0, DUPLICATE]


def test_nobody_there_and_nothing_found() -> None:
    assert matched(people(0, 10), people(), [0.5, 0.4]) == ([NOBODY, NOBODY], [NOBODY, NOBODY])
    assert matched(people(), people(0, 10), []) == ([], [])
    assert average_precision(precision_recall(np.zeros(0), np.zeros(0, bool), 2)) == 0
    assert math.isnan(average_precision(precision_recall(np.zeros(0), np.zeros(0, bool), 0)))


def test_a_person_without_joints_is_never_chosen() -> None:
    away = joint_distances(people(0), np.full((1, 4, 2), NAN), np.array([10.0]))
    assert found_shares(away, 0.5).tolist() == [[0]]
    assert mean_distances(away).tolist() == [[math.inf]]
    assert protocol_matches(away, np.ones(1), np.ones(1, bool)).tolist() == [NOBODY]
    assert nearest_matches(away, np.ones(1), np.ones(1, bool)).tolist() == [NOBODY]


def test_a_joint_that_only_the_detection_lacks_is_infinitely_far() -> None:
    lacking = people(0)
    lacking[0, 1] = NAN
    away = joint_distances(lacking, people(0), np.array([10.0]))
    assert away[0, 0].tolist() == [0, math.inf, 0, 0]
    assert found_shares(away, 0.5).tolist() == [[0.75]]


def test_wrong_shapes_and_sizes() -> None:
    with pytest.raises(InputError, match="joints and sizes"):
        joint_distances(people(0), people(0, joints=5), np.ones(1))
    with pytest.raises(InputError, match="above 0"):
        joint_distances(people(0), people(0), np.array([NAN]))
