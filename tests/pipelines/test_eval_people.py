"""`posecorpus eval`: perfect detections are worth everything, planted faults change what they should and no more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from eval_crowds import (
    ANCHORS,
    CAMERA,
    PLACES,
    SIZE,
    both,
    judged,
    only,
    perfect,
    picture,
    scored,
    somebody,
    spoilt,
    standing,
    truth_of,
    verdicts,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from posecorpus.core.metrics import mpjpe, pa_mpjpe, rigid_mpjpe
from posecorpus.core.people_metrics import FAR_HEADS, NOBODY
from posecorpus.core.sample import HIDDEN, Lift, Sample
from posecorpus.core.skeletons import (
    H36M_17,
    LCR_13,
    LSP_14,
    Skeleton,
    convert,
    convert_visibility,
    skeleton,
)
from posecorpus.pipelines.evaluation.people_figures import (
    figures,
)
from posecorpus.pipelines.evaluation.people_results import UPPER_BOUND
from posecorpus.pipelines.evaluation.people_truth import judged_names, picture_truth
from posecorpus.pipelines.evaluation.people_verdicts import Found, judge

seeds = st.integers(0, 2**32 - 1)


SAMPLES = [picture(seed) for seed in range(4)]
PEOPLE = 4 * len(PLACES)


# --- nothing wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("joints", [LCR_13, H36M_17], ids=lambda joints: joints.name)
def test_perfect_detections_are_worth_everything(joints: Skeleton) -> None:
    found = judged(SAMPLES, [perfect(sample, joints) for sample in SAMPLES], joints)
    assert (found.people, found.found, found.duplicates, found.false) == (PEOPLE, PEOPLE, 0, 0)
    for share in (
        found.ap, found.ap_1, found.pckh, found.pckh_1, found.pck_torso, found.pck3d, found.pck3d_found, found.people_ap,
        found.best_f1, found.auc3d,
    ):  # fmt: skip
        assert share == pytest.approx(1.0, abs=1e-5)
    assert found.mpjpe_abs_mm == pytest.approx(0, abs=1e-3)
    assert found.mpjpe_rigid_mm == pytest.approx(0, abs=1e-3) and found.pa_mpjpe_mm == pytest.approx(
        0, abs=1e-3
    )
    assert found.kinds == {"perfect": 1.0, "imprecise": 0.0, "partly wrong": 0.0, "misdetected": 0.0}
    assert (found.mpjpe_common_abs_mm is None) == (joints is LCR_13)
    in_picture = {joint.joint for joint in found.joints if joint.ap is not None}
    assert in_picture == set(joints.joints) - {"pelvis", "thorax"}
    assert {joint.joint for joint in found.joints if joint.abs_mm is not None} == set(joints.joints)


def test_no_detections_at_all() -> None:
    found = judged(SAMPLES, [only(perfect(sample), []) for sample in SAMPLES])
    assert (found.people, found.found, found.pckh, found.ap, found.people_ap, found.pck3d) == (
        PEOPLE,
        0,
        0,
        0,
        0,
        0,
    )
    assert found.mpjpe_abs_mm is None and found.pckh_found is None and found.best_f1 is None
    assert found.kinds is not None and found.kinds["misdetected"] == 1


# --- one thing wrong ----------------------------------------------------------------------------------------


def test_a_missed_person_costs_recall_and_nothing_else() -> None:
    found = [perfect(sample) for sample in SAMPLES]
    found[1] = only(found[1], [0, 2])
    got = judged(SAMPLES, found)
    share = round((PEOPLE - 1) / PEOPLE, 5)
    assert (got.found, got.false, got.pckh, got.ap, got.pck3d, got.people_ap) == (PEOPLE - 1, 0, share, share, share, share)  # fmt: skip
    assert (got.pckh_found, got.pck3d_found, got.precision, got.recall) == (1, 1, 1, share)
    assert got.mpjpe_abs_mm == pytest.approx(0, abs=1e-3)


def test_worse_duplicates_and_false_alarms_cost_precision_below_the_right_ones_only() -> None:
    found = [perfect(sample) for sample in SAMPLES]
    twice = scored(only(found[0], [1]), 0.1)
    moved = np.zeros((1, 1, 2)) + [0, 30]
    elsewhere = scored(replace(only(found[0], [0]), poses2d=found[0].poses2d[:1] * 0.2 + moved), 0.05)
    got = judged(SAMPLES, [both(both(found[0], twice), elsewhere), *found[1:]])
    assert (got.duplicates, got.false, got.ap, got.people_ap, got.best_f1) == (1, 1, 1, 1, 1)
    assert got.score == pytest.approx(0.9)
    # The better of two is about him. The other comes in with eleven more of its score: a precision of 12 / 13.
    got = judged(SAMPLES, [both(found[0], scored(twice, 0.99)), *found[1:]])
    expected = round((1 + (PEOPLE - 1) * PEOPLE / (PEOPLE + 1)) / PEOPLE, 5)
    assert got.duplicates == 1 and got.people_ap == got.ap == expected
    # Before all others, a false alarm costs a thirteenth: precisions of 1 / 2, 2 / 3, ... are raised to the best.
    got = judged(SAMPLES, [both(found[0], scored(elsewhere, 0.99)), *found[1:]])
    assert got.false == 1 and got.people_ap == got.ap == round(PEOPLE / (PEOPLE + 1), 5)


def test_exchanged_sides_cost_the_joints_of_the_sides() -> None:
    found = [perfect(sample) for sample in SAMPLES]
    mirror = LCR_13.mirror
    poses2d, poses3d = found[2].poses2d.copy(), found[2].poses3d.copy()
    poses2d[0], poses3d[0] = poses2d[0][mirror], poses3d[0][mirror]
    found[2] = Found(poses2d, poses3d, found[2].scores)
    verdict, ledger = verdicts(SAMPLES, found)
    got = figures(verdict, ledger.traits(), LCR_13)
    truth = truth_of(SAMPLES[2])
    assert got.found == PEOPLE
    apart = 1000 * np.linalg.norm(truth.joints3d[0] - truth.joints3d[0][mirror], axis=-1)
    assert got.mpjpe_abs_mm == pytest.approx(apart.sum() / (13 * PEOPLE), abs=1e-3)
    away = np.linalg.norm(poses2d[0] - truth.joints2d[0, :13], axis=-1) / truth.head_px[0]
    assert got.pckh == round(1 - (away > 0.5).sum() / (13 * PEOPLE), 5)
    head = next(joint for joint in got.joints if joint.joint == "head")
    assert (head.pckh, head.ap, head.pck3d) == (1, 1, 1)
    assert got.mpjpe_rigid_mm is not None and 0 < got.mpjpe_rigid_mm < got.mpjpe_abs_mm


def test_errors_in_space_are_those_of_the_metrics() -> None:
    rng = np.random.default_rng(0)
    found = [perfect(sample) for sample in SAMPLES]
    found = [replace(f, poses3d=f.poses3d + rng.normal(0, 0.1, f.poses3d.shape)) for f in found]
    got = judged(SAMPLES, found)
    poses = np.concatenate([f.poses3d for f in found])
    poses -= poses[:, LCR_13.indices("l_shoulder", "r_shoulder", "l_hip", "r_hip")].mean(1, keepdims=True)
    truth = np.concatenate([truth_of(sample).joints3d for sample in SAMPLES])
    assert got.mpjpe_abs_mm == pytest.approx(1000 * mpjpe(poses, truth), abs=1e-2)
    assert got.mpjpe_rigid_mm == pytest.approx(1000 * rigid_mpjpe(poses, truth), abs=1e-2)
    assert got.pa_mpjpe_mm == pytest.approx(1000 * pa_mpjpe(poses, truth), abs=1e-2)
    within = np.linalg.norm(poses - truth, axis=-1) <= 0.15
    assert got.pck3d == pytest.approx(within.mean(), abs=1e-4)


# --- against loops --------------------------------------------------------------------------------------------


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """Nested figures as one level."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = {}
    for key, inner in items:
        nested = isinstance(inner, dict | list | tuple)
        found |= flat(inner, f"{name}{key}.") if nested else {f"{name}{key}": inner}
    return found


def slow_joint_ap(samples: list[Sample], found: list[Found], joint: int, limit: float) -> float:
    """Multi-person AP of one joint, in loops over pictures, people and detections."""
    entries: list[tuple[float, bool]] = []
    positives = 0
    for sample, one in zip(samples, found, strict=True):
        truth = truth_of(sample)
        away = np.full((len(one.scores), len(truth), 13), np.inf)
        for d in range(len(one.scores)):
            for p in range(len(truth)):
                apart = one.poses2d[d] - truth.joints2d[p, :13]
                away[d, p] = np.hypot(apart[:, 0], apart[:, 1]) / truth.head_px[p]
        shares = (away <= limit).mean(-1)
        counted = [p for p in range(len(truth)) if truth.counted[p]]
        positives += len(counted)
        choice = {}
        for d in range(len(one.scores)):
            best = max((shares[d, p] for p in counted), default=0)
            if best > 0:
                choice[d] = min(
                    (np.minimum(away[d, p], FAR_HEADS).mean(), p) for p in counted if shares[d, p] == best
                )[1]
        winner = {}
        for p in counted:
            mine = [
                (-shares[d, p], -one.scores[d], np.minimum(away[d, p], FAR_HEADS).mean(), d)
                for d in choice
                if choice[d] == p
            ]
            if mine:
                winner[min(mine)[3]] = p
        for d in range(len(one.scores)):
            x, y = one.poses2d[d, joint]
            others = max((shares[d, p] for p in range(len(truth)) if not truth.counted[p]), default=0)
            if d in winner:
                entries.append((one.scores[d], bool(away[d, winner[d], joint] <= limit)))
            elif (
                others <= (shares[d, choice[d]] if d in choice else 0)
                and 0 <= x <= SIZE[0]
                and 0 <= y <= SIZE[1]
            ):
                entries.append((one.scores[d], False))
    area = before = 0.0
    for score in sorted({s for s, _ in entries}, reverse=True):
        recall = sum(hit for s, hit in entries if s >= score) / max(positives, 1)
        best = max(
            sum(hit for s, hit in entries if s >= other) / sum(s >= other for s, _ in entries)
            for other in {s for s, _ in entries if s <= score}
        )
        area, before = area + (recall - before) * best, recall
    return area if positives else float("nan")


@given(seeds)
@settings(max_examples=12)
def test_joint_ap_is_what_the_loops_say(seed: int) -> None:
    samples, found = spoilt(seed)
    got = judged(samples, found)
    for joint in got.joints:
        j = LCR_13.index(joint.joint)
        for limit, ap in ((0.5, joint.ap), (1.0, joint.ap_1)):
            expected = slow_joint_ap(samples, found, j, limit)
            assert (np.isnan(expected) and ap is None) or ap == pytest.approx(expected, abs=1e-5)


@given(seeds)
@settings(max_examples=12)
def test_order_of_people_detections_and_pictures_does_not_matter(seed: int) -> None:
    samples, found = spoilt(seed)
    # Duplicates of equal scores are ordered by distance: nothing is left to chance.
    rng = np.random.default_rng(seed ^ 7)
    shuffled = [
        (replace(s, people=[s.people[i] for i in rng.permutation(len(s.people))]), only(f, rng.permutation(len(f.scores))))
        for s, f in zip(samples, found, strict=True)
    ]  # fmt: skip
    order = rng.permutation(len(samples))
    again = judged([shuffled[i][0] for i in order], [shuffled[i][1] for i in order])
    one, other = (flat(figures_.as_dict()) for figures_ in (judged(samples, found), again))
    assert other == pytest.approx(one, abs=2e-3)


@given(seeds)
@settings(max_examples=12)
def test_only_the_order_of_scores_matters(seed: int) -> None:
    samples, found = spoilt(seed)
    one = judged(samples, found).as_dict()
    other = judged(samples, [replace(f, scores=np.exp(3 * f.scores) - 5) for f in found]).as_dict()
    for value in (one, other):
        value.pop("score"), value.pop("score_mean")
    assert one == other


@given(seeds)
@settings(max_examples=12)
def test_the_upper_bound_is_no_worse_than_any_choice(seed: int) -> None:
    samples, found = spoilt(seed)
    verdict, ledger = verdicts(samples, found)
    bound = ledger.verdicts()[UPPER_BOUND]
    has = ~np.isnan(verdict.score)
    assert (~np.isnan(bound.score))[has].all()
    for name in ("heads", "abs_mm", "rigid_mm"):
        ours, best = (getattr(v, name)[has].astype(float) for v in (verdict, bound))
        if name == "heads":  # the nearest in the picture: no joint is farther than so far
            ours, best = np.minimum(ours, FAR_HEADS), np.minimum(best, FAR_HEADS)
        assert (np.nanmean(best, 1) <= np.nanmean(ours, 1) + 1e-3).all() if has.any() else True
    assert (bound.similar_mm[has] <= verdict.similar_mm[has] + 1e-3).all()


# --- who and what is judged -----------------------------------------------------------------------------------


def test_joints_outside_of_the_frame_are_judged_in_space_alone() -> None:
    rng = np.random.default_rng(0)
    near = somebody(standing(rng, (0.0, 0.7, 1.6)))  # the legs are below the picture
    sample = Sample("s", *SIZE, [near], image=np.zeros((SIZE[1], SIZE[0], 3), np.uint8), camera=CAMERA)
    truth = truth_of(sample)
    points = convert(near.joints2d, skeleton("full_42"), LCR_13)
    inside = ((points >= 0) & (points <= SIZE)).all(-1)
    assert 4 <= inside.sum() < 13
    np.testing.assert_array_equal(np.isfinite(truth.joints2d[0, :13]).all(-1), inside)
    assert np.isfinite(truth.joints3d).all() and truth.outside[0] == pytest.approx(1 - inside.mean())
    wrong = perfect(sample)
    wrong.poses2d[0, ~inside] += 500
    wrong.poses3d[0, LCR_13.index("l_ankle")] += [0, 0, 0.26]
    got = judged([sample], [wrong])
    assert (got.pckh, got.ap) == (1, 1)
    assert got.mpjpe_abs_mm == pytest.approx(260 / 13, abs=1e-2)
    assert got.pck3d == round(12 / 13, 5)


def test_people_nobody_can_see_are_neither_missed_nor_false() -> None:
    sample = picture(5)
    sample.people[1].visibility[:] = HIDDEN
    outside = somebody(standing(np.random.default_rng(1), (5.0, 0.0, 3.0)))
    sample = replace(sample, people=[*sample.people, outside])
    truth = truth_of(sample)
    assert truth.counted.tolist() == [True, False, True] and truth.left_out == 1
    seen = only(perfect(sample), [0, 2])
    with_hidden = only(perfect(sample), [0, 1, 2])
    for found in (seen, with_hidden):
        got = judged([sample], [found])
        assert (got.people, got.found, got.false, got.duplicates, got.pckh, got.ap, got.people_ap) == (2, 2, 0, 0, 1, 1, 1)  # fmt: skip
    # Somebody who is not there at all is false.
    ghost = replace(seen, poses2d=seen.poses2d * 0.3 + 5)
    assert judge(truth, ghost, LCR_13, SIZE).outcome.tolist() == [NOBODY, NOBODY]


def test_hidden_joints_are_told_apart() -> None:
    sample = picture(6, PLACES[:1])
    hidden = [skeleton("full_42").index(j) for j in ("l_wrist", "l_elbow")]
    sample.people[0].visibility[hidden] = HIDDEN
    found = perfect(sample)
    found.poses2d[0, LCR_13.index("l_wrist")] += 100
    got = judged([sample], [found])
    assert (got.pckh_visible, got.pckh_hidden) == (1, 0.5)
    assert truth_of(sample).covered[0] == pytest.approx(2 / 13)


def test_photos_without_space_and_without_a_head() -> None:
    """LSP's joints: the detector's head is judged by neck and crown that are extrapolated from it."""
    sample = picture(7)
    people = [
        replace(
            p, skeleton="lsp_14", joints2d=convert(p.joints2d, skeleton("full_42"), LSP_14).astype(np.float32),
            visibility=convert_visibility(p.visibility, skeleton("full_42"), LSP_14), joints3d=None, body=None,
        )
        for p in sample.people
    ]  # fmt: skip
    got = judged([replace(sample, people=people, camera=None)], [perfect(sample)])
    judged_in_picture = [joint.joint for joint in got.joints]
    assert judged_in_picture == [j for j in LCR_13.joints if j != "head"] + ["upper_neck", "head_top"]
    assert len(judged_in_picture) == 14 and got.pckh_1 == 1 and got.pck_torso == 1
    assert got.mpjpe_abs_mm is None and got.pck3d is None and got.auc3d is None


def test_what_lifting_completed_is_no_annotation() -> None:
    sample = picture(14, PLACES[:1])
    joints, zeros = skeleton("full_42"), np.zeros(42, np.float32)
    completed = np.zeros(42, bool)
    completed[joints.index("l_wrist")] = True
    lift = Lift("depth", completed, 0.1, 1.0, zeros, zeros, np.zeros((42, 2), np.float32), 10.0, np.zeros(2, np.float32), np.zeros((0, 42, 3), np.float32))  # fmt: skip
    lifted = replace(sample, people=[replace(sample.people[0], lift=lift)])
    truth = truth_of(lifted)
    wrist = LCR_13.index("l_wrist")
    assert truth.lifted and not truth_of(sample).lifted
    assert np.flatnonzero(np.isnan(truth.joints2d[0, :13]).any(-1)).tolist() == [wrist]
    assert np.isfinite(truth.joints3d[0, wrist]).all()


def test_head_sizes_that_the_data_set_tells_are_taken() -> None:
    sample = picture(8)
    sample.provenance["people"] = [{"head_size_px": 31.5}, {}, "?"]
    sizes = truth_of(sample).head_px
    assert sizes[0] == 31.5
    np.testing.assert_array_equal(sizes[1:], truth_of(picture(8)).head_px[1:])


def test_least_visible_joints() -> None:
    sample = picture(9)
    sample.people[0].visibility[:] = HIDDEN
    sample.people[0].visibility[skeleton("full_42").index("l_knee")] = 2
    anchors = ANCHORS["lcr_13"]
    assert picture_truth(sample, anchors, 1).counted.tolist() == [True, True, True]
    assert picture_truth(sample, anchors, 2).counted.tolist() == [False, True, True]
    assert judged_names(LCR_13)[-2:] == ("upper_neck", "head_top")


# --- what has slipped through before -----------------------------------------------------------------------------


def test_spread_arms_with_their_sides_exchanged_are_still_about_the_person() -> None:
    sample = picture(11, PLACES[1:2])
    space = sample.people[0].joints3d
    assert space is not None
    names = skeleton("full_42").joints
    for joint, reach in (("elbow", 0.45), ("wrist", 0.75), ("hand", 0.8)):
        for side, sign in (("l", 1), ("r", -1)):
            space[names.index(f"{side}_{joint}")] = (sign * reach, -0.42, 4.5)
    sample = replace(sample, people=[somebody(space)])
    right = perfect(sample)
    away = (
        np.linalg.norm(right.poses2d[0] - right.poses2d[0, LCR_13.mirror], axis=-1) / truth_of(sample).head_px
    )
    assert away.mean() > 2 and away.max() > 5
    got = judged([sample], [replace(right, poses2d=right.poses2d[:, LCR_13.mirror])])
    assert (got.found, got.false) == (1, 0)


def test_of_a_false_alarm_joints_outside_of_the_frame_claim_nothing() -> None:
    sample = picture(12, PLACES[:1])
    right = perfect(sample)
    ghost = scored(replace(right, poses2d=right.poses2d + [400, 0]), 0.99)
    got = judged([sample], [both(right, ghost)])
    assert (got.false, got.people_ap, got.ap, got.ap_1) == (1, 0.5, 1, 1)
    half_in = scored(
        replace(right, poses2d=right.poses2d + [0, -110]), 0.99
    )  # the legs are where the head was
    inside = (half_in.poses2d[0] >= 0).all(-1)
    assert 0 < inside.sum() < 13
    got = judged([sample], [both(right, half_in)])
    assert {joint.joint for joint in got.joints if joint.ap == 0.5} == {LCR_13.joints[j] for j in np.flatnonzero(inside)}  # fmt: skip
    assert {joint.ap for joint in got.joints} == {0.5, 1.0}


@pytest.mark.parametrize(
    ("wrong", "heads", "kind"),
    [(0, 0.0, "perfect"), (1, 0.8, "imprecise"), (6, 1.5, "partly wrong"), (7, 1.5, "misdetected"), (13, 9.0, "misdetected")],
)  # fmt: skip
def test_kinds_of_poses(wrong: int, heads: float, kind: str) -> None:
    sample = picture(13, PLACES[:1])
    found = perfect(sample)
    found.poses2d[0, :wrong, 0] += heads * truth_of(sample).head_px[0]
    got = judged([sample], [found])
    assert got.kinds is not None and got.kinds[kind] == 1
