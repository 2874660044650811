"""`posecorpus eval`: perfect detections are worth everything, planted faults change what they should and no more."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eval_crowds import (
    ANCHORS,
    CAMERA,
    PLACES,
    Scripted,
    both,
    only,
    perfect,
    picture,
    scored,
    somebody,
    standing,
    truth_of,
    write_corpus,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from posecorpus.core.errors import InputError
from posecorpus.core.metrics import mpjpe, pa_mpjpe, rigid_mpjpe
from posecorpus.core.people_metrics import NOBODY
from posecorpus.core.sample import HIDDEN, Sample
from posecorpus.core.skeletons import (
    H36M_17,
    LCR_13,
    LSP_14,
    TORSO,
    Skeleton,
    convert,
    convert_visibility,
    correspondence,
    skeleton,
)
from posecorpus.pipelines.evaluation.eval_people import EvalPeopleRequest, eval_people
from posecorpus.pipelines.evaluation.people_examples import GAP_PX, SIDE_PX, Extremes, side_by_side
from posecorpus.pipelines.evaluation.people_figures import (
    PeopleFigures,
    figures,
    pck3d_curve,
    pckh_curve,
    people_curve,
    thinned,
)
from posecorpus.pipelines.evaluation.people_ledger import Ledger
from posecorpus.pipelines.evaluation.people_page import page
from posecorpus.pipelines.evaluation.people_results import UPPER_BOUND, results_of
from posecorpus.pipelines.evaluation.people_sweep import (
    DISTANCES_MM,
    IOUS,
    SweepCell,
    best_cell,
    sweep_lines,
)
from posecorpus.pipelines.evaluation.people_table import print_people
from posecorpus.pipelines.evaluation.people_truth import judged_names, picture_truth
from posecorpus.pipelines.evaluation.people_verdicts import Found, Verdict, judge, judge_best

seeds = st.integers(0, 2**32 - 1)
SIZE = (CAMERA.width, CAMERA.height)


def verdicts(samples: list[Sample], found: list[Found], joints: Skeleton = LCR_13) -> tuple[Verdict, Ledger]:
    """The verdict of several pictures together."""
    ledger = Ledger()
    for sample, one in zip(samples, found, strict=True):
        truth = truth_of(sample, joints)
        ledger.add(
            truth, {"it": judge(truth, one, joints, SIZE), UPPER_BOUND: judge_best(truth, one, joints)}
        )
    return ledger.verdicts()["it"], ledger


def judged(samples: list[Sample], found: list[Found], joints: Skeleton = LCR_13) -> PeopleFigures:
    verdict, ledger = verdicts(samples, found, joints)
    return figures(verdict, ledger.traits(), joints)


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
    assert (found.people, found.found, found.pckh, found.ap, found.pck3d) == (PEOPLE, 0, 0, 0, 0)
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


def spoilt(seed: int) -> tuple[list[Sample], list[Found]]:
    """Pictures and detections with every fault: noise, misses, duplicates, false alarms, people who do not count."""
    rng = np.random.default_rng(seed)
    samples, found = [], []
    for i in range(3):
        sample = picture(int(rng.integers(1000)), [PLACES[p] for p in range(rng.integers(1, 4))], f"s{i}")
        for person in sample.people:
            if rng.random() < 0.25:
                person.visibility[:] = HIDDEN
        right = perfect(sample)
        pick = rng.integers(0, len(right.scores), rng.integers(0, 6))
        noise = rng.choice([1.0, 4.0, 15.0], (len(pick), 1, 1))
        poses2d = right.poses2d[pick] + rng.normal(0, 1, (len(pick), 13, 2)) * noise
        poses3d = right.poses3d[pick] + rng.normal(0, 0.05, (len(pick), 13, 3))
        samples.append(sample)
        found.append(Found(poses2d, poses3d, rng.random(len(pick)).round(2)))
    return samples, found


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
                choice[d] = min((away[d, p].mean(), p) for p in counted if shares[d, p] == best)[1]
        winner = {}
        for p in counted:
            mine = [(-shares[d, p], -one.scores[d], away[d, p].mean(), d) for d in choice if choice[d] == p]
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


def test_head_sizes_that_the_data_set_tells_are_taken() -> None:
    sample = picture(8)
    sample.provenance["people"] = [{"head_size_px": 31.5}, {}, "?"]
    sizes = truth_of(sample).head_px
    assert sizes[0] == 31.5
    np.testing.assert_array_equal(sizes[1:], truth_of(picture(8)).head_px[1:])


# --- as a whole -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("eval") / "corpus", [picture(i) for i in range(6)])


def test_a_whole_evaluation(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    samples = [picture(i) for i in range(6)]
    script = [perfect(sample) for sample in samples]
    script[4] = only(script[4], [0])
    told: list[tuple[str, int, int]] = []
    done = eval_people(
        Scripted(ANCHORS["lcr_13"], script),
        EvalPeopleRequest(str(corpus), examples=2, about={"run": "<i>run</i>", "step": 3}),
        tmp_path / "out",
        report=lambda *a: told.append(a),
    )
    assert told[-1] == ("evaluating", 6, 6)
    results = done.results
    assert list(results.figures) == ["PPI", "NMS", "PPI, not rescored", "NMS, not rescored", UPPER_BOUND]
    for found in results.figures.values():
        assert found.pckh == round(16 / 18, 5) and found.mpjpe_abs_mm == pytest.approx(0, abs=1e-2)
    assert results.worst[0].key == "p4" and results.worst[0].found == 1
    assert len(results.worst) == 2 and results.best and all(example.pckh == 1 for example in results.best)
    stored: dict[str, Any] = json.loads(done.json.read_text())
    assert stored["figures"]["PPI"]["pckh"] == round(16 / 18, 5)
    assert stored["settings"]["decodings"]["NMS"]["integration"] is None
    assert "jpeg" not in stored["worst"][0]
    text = page(results)
    assert done.page.read_text() == text
    assert "&lt;i&gt;run" in text and "<i>run" not in text and "<script" not in text
    assert not re.search(r"https?://(?!www\.w3\.org)", text)
    print_people(results)
    printed = capsys.readouterr().out
    assert "88.9 %" in printed and "upper bound" in printed


def test_a_quick_look_is_spread_over_the_corpus(corpus: Path, tmp_path: Path) -> None:
    script = [perfect(picture(i)) for i in (0, 2, 4)]
    done = eval_people(
        Scripted(ANCHORS["lcr_13"], script), EvalPeopleRequest(str(corpus), limit=3), tmp_path / "out"
    )
    assert done.results.settings["pictures"] == 3 and done.results.settings["of"] == 6
    assert done.results.figures["PPI"].pckh == 1


def test_corpora_that_cannot_be_judged(tmp_path: Path) -> None:
    bare = write_corpus(tmp_path / "bare", [replace(picture(0), image=None)])
    detector = Scripted(ANCHORS["lcr_13"], [])
    with pytest.raises(InputError, match="annotations alone"):
        eval_people(detector, EvalPeopleRequest(str(bare)), tmp_path / "out")
    empty = write_corpus(tmp_path / "empty", [picture(0, [])])
    detector = Scripted(ANCHORS["lcr_13"], [perfect(picture(0, []))])
    with pytest.raises(InputError, match="people with joints"):
        eval_people(detector, EvalPeopleRequest(str(empty)), tmp_path / "out")
    with pytest.raises(InputError, match="--limit"):
        EvalPeopleRequest("c", limit=0)
    assert not (tmp_path / "out").exists()


def test_least_visible_joints() -> None:
    sample = picture(9)
    sample.people[0].visibility[:] = HIDDEN
    sample.people[0].visibility[skeleton("full_42").index("l_knee")] = 2
    anchors = ANCHORS["lcr_13"]
    assert picture_truth(sample, anchors, 1).counted.tolist() == [True, True, True]
    assert picture_truth(sample, anchors, 2).counted.tolist() == [False, True, True]
    assert judged_names(LCR_13)[-2:] == ("upper_neck", "head_top")


def test_the_command_evaluates_a_run(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    """From a run's folder to files, with a network that knows nothing; the same call gives the same figures."""
    import torch

    from posecorpus.models.lcrnet.network import LCRNet
    from posecorpus.models.lcrnet.params import preset
    from posecorpus.models.lcrnet.run import save_run, save_weights
    from posecorpus.pipelines import cli

    anchors = ANCHORS["lcr_13"]
    torch.manual_seed(0)
    net = LCRNet(preset("tiny"), anchors.classes, len(anchors.skeleton))
    save_run(tmp_path / "run", preset("tiny"), anchors, {})
    save_weights(tmp_path / "run", net, 0)
    stored = []
    for out in ("one", "two"):
        command = [
            "posecorpus",
            "eval",
            str(tmp_path / "run"),
            "--corpus",
            str(corpus),
            "--limit",
            "2",
            "--device",
            "cpu",
        ]
        monkeypatch.setattr("sys.argv", [*command, "--examples", "1", "--out", str(tmp_path / out)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 0
        stored.append(json.loads((tmp_path / out / "results.json").read_text()))
        assert (tmp_path / out / "eval.html").is_file()
    for one in stored:
        one["settings"].pop("pictures_per_s")
    assert stored[0] == stored[1]
    assert stored[0]["people"] == 6 and stored[0]["settings"]["run"] == "run"
    assert "MPJPE, absolute" in capsys.readouterr().out


def test_thresholds_of_integration_are_tried_on_the_same_proposals(corpus: Path, tmp_path: Path) -> None:
    """Two proposals of everybody, 100 mm apart in space: one person where the distance allows it, else two."""
    moved = np.array([joint not in TORSO for joint in LCR_13.joints])[:, None] * [0, 0, 0.1 * 13 / 9]
    script = []
    for i in range(6):
        one = perfect(picture(i))
        script.append(both(one, scored(replace(one, poses3d=one.poses3d + moved), *[0.3] * len(one.scores))))
    request = EvalPeopleRequest(str(corpus), sweep=True, examples=0)
    done = eval_people(Scripted(ANCHORS["lcr_13"], script), request, tmp_path / "out")
    cells = {(cell.iou, cell.distance_mm): cell for cell in done.results.sweep}
    assert set(cells) == {(iou, mm) for iou in IOUS for mm in DISTANCES_MM}
    for (_, distance_mm), cell in cells.items():
        # A quarter of the weight is the second's.
        assert cell.mpjpe_abs_mm == pytest.approx(25 if distance_mm > 100 else 0, abs=1e-2)
        assert cell.pckh == cell.ap == cell.people_ap == 1
    assert done.results.figures["PPI"].duplicates == done.results.figures["NMS"].duplicates == 0
    text = page(done.results)
    assert "Thresholds of integration" in text and "IoU 0.35" in text
    assert (
        sweep_lines(done.results.sweep)[0]
        == "best AP, multi-person, PCKh 0.5: 100.0 % with --ppi-iou 0.05 --ppi-mm 40"
    )


def test_the_best_thresholds_are_those_of_the_best_figure() -> None:
    cells = [SweepCell(0.1, 40, 0.5, 0.1, None, 60.0), SweepCell(0.1, 80, 0.7, 0.1, None, 70.0)]
    by_ap, by_mm = (best_cell(cells, value, more) for value, more in ((lambda c: c.ap, True), (lambda c: c.mpjpe_abs_mm, False)))  # fmt: skip
    assert by_ap is cells[1] and by_mm is cells[0]
    assert best_cell(cells, lambda cell: cell.people_ap, True) is cells[0]
    assert best_cell(cells, lambda cell: cell.pckh, True) is None


# --- curves, bins and pictures ----------------------------------------------------------------------------------


@given(seeds)
@settings(max_examples=12)
def test_curves_rise_and_pass_through_the_figures(seed: int) -> None:
    samples, found = spoilt(seed)
    verdict, ledger = verdicts(samples, found)
    traits, got = ledger.traits(), judged(samples, found)
    assume(got.people > 0)
    heads, space = pckh_curve(verdict), pck3d_curve(verdict.abs_mm, traits.labelled3d)
    for curve in (heads, space):
        assert (np.diff([share for _, share in curve]) >= 0).all()
    assert (dict(heads)[0.5], dict(heads)[1.0], dict(space)[150.0]) == (got.pckh, got.pckh_1, got.pck3d)
    finding = people_curve(verdict)
    assert (np.diff(finding.recall) >= 0).all() and (np.diff(finding.scores) < 0).all()
    if len(finding.scores):
        assert finding.recall[-1] == got.found / got.people
        assert finding.precision[-1] == pytest.approx(got.found / (got.found + got.duplicates + got.false))
    drawn = thinned(finding, 3)
    assert len(drawn) == min(3, len(finding.scores))


@given(seeds)
@settings(max_examples=12)
def test_bins_hold_everybody_once(seed: int) -> None:
    samples, found = spoilt(seed)
    assume(any(truth_of(sample).counted.any() for sample in samples))
    _, ledger = verdicts(samples, found)
    results = results_of(ledger, LCR_13, {"corpus": "c"}, Extremes(LCR_13, 0))
    whole = results.figures["it"]
    assert len(results.bins) == 5
    for bins in results.bins.values():
        assert sum(one.people for one in bins) == whole.people
        assert sum(one.people * one.found for one in bins) == pytest.approx(whole.found, abs=1e-3)
        joints = sum(
            13 * one.people * (one.pckh or 0) for one in bins
        )  # all joints of all are in the picture
        assert joints / (13 * whole.people) == pytest.approx(whole.pckh, abs=1e-4)


def test_people_come_into_the_bins_of_their_traits() -> None:
    alone, two = picture(20, PLACES[:1]), picture(21, PLACES[:2])
    joints = skeleton("full_42")
    hidden = correspondence(joints, LCR_13)[:6]
    alone.people[0].visibility[hidden] = HIDDEN
    _, ledger = verdicts([alone, two], [perfect(alone), only(perfect(two), [1])])
    results = results_of(ledger, LCR_13, {"corpus": "c"}, Extremes(LCR_13, 0))
    covered = {one.label: one for one in results.bins["joints in the picture that are hidden"]}
    assert (covered["25 to 50 %"].people, covered["none"].people) == (1, 2)
    assert (covered["25 to 50 %"].found, covered["none"].found) == (1, 0.5)
    company = {one.label: one for one in results.bins["people in the picture"]}
    assert (company["1"].pckh, company["2 or 3"].pckh) == (1, 0.5)
    assert {one.label for one in results.bins["head size"]} <= {"8 to 16 px", "16 to 32 px"}


@given(seeds, st.integers(0, 4))
@settings(max_examples=12)
def test_the_pictures_shown_are_the_extreme_ones(seed: int, count: int) -> None:
    samples, found = (first + second for first, second in zip(spoilt(seed), spoilt(seed ^ 3), strict=True))
    samples = [replace(sample, key=f"k{i}") for i, sample in enumerate(samples)]
    extremes, badness, alarms = Extremes(LCR_13, count), {}, {}
    for sample, one in zip(samples, found, strict=True):
        verdict = judge(truth_of(sample), one, LCR_13, SIZE)
        extremes.show(sample, one, verdict)
        known = verdict.heads[~np.isnan(verdict.heads)]
        if len(known):
            badness[sample.key] = float(np.minimum(known, 3).mean())
        if (strays := verdict.scores[verdict.outcome == NOBODY]).size:
            alarms[sample.key] = float(strays.max())
    worst = sorted(badness.values(), reverse=True)[:count]
    assert [example.badness for example in extremes.worst()] == pytest.approx(worst, abs=1e-4)
    shown = {example.key for example in extremes.worst()}
    best = [e.badness for e in extremes.best()]
    assert best == sorted(best) and not shown & {e.key for e in extremes.best()}
    rest = sorted(value for key, value in badness.items() if key not in shown)
    assert best == pytest.approx(rest[: len(best)], abs=1e-4)
    assert [e.alarm for e in extremes.alarms()] == pytest.approx(sorted(alarms.values(), reverse=True)[:count], abs=1e-4)  # fmt: skip


def test_a_picture_is_cut_to_its_people_and_drawn_twice() -> None:
    sample = picture(30, [(1.2, 0.0, 4.0)])
    found = perfect(sample)
    drawn = side_by_side(sample, found, np.zeros(1, np.int32), LCR_13)
    height, width = drawn.shape[0], (drawn.shape[1] - GAP_PX) // 2
    assert max(height, width) == SIDE_PX and height > width  # an upright person, not the wide picture
    left, right = drawn[:, :width], drawn[:, width + GAP_PX :]
    np.testing.assert_array_equal(left, right)  # the truth of 42 joints is drawn as the 13 that were found
    nothing = side_by_side(sample, only(found, []), np.zeros(0, np.int32), LCR_13)
    assert (nothing[:, :width] == left).all() and (nothing[:, width + GAP_PX :] != left).any()
