"""`posecorpus eval` as a whole, and what it shows: curves, bins, thresholds, pictures."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eval_crowds import (
    ANCHORS,
    PLACES,
    SIZE,
    Scripted,
    both,
    judged,
    only,
    perfect,
    picture,
    scored,
    spoilt,
    truth_of,
    verdicts,
    write_corpus,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from posecorpus.core.errors import InputError
from posecorpus.core.people_metrics import FAR_HEADS, NOBODY
from posecorpus.core.sample import HIDDEN
from posecorpus.core.skeletons import (
    LCR_13,
    TORSO,
    correspondence,
    skeleton,
)
from posecorpus.models.lcrnet.detect import DetectSettings
from posecorpus.pipelines.evaluation.eval_people import EvalPeopleRequest, eval_people
from posecorpus.pipelines.evaluation.people_examples import GAP_PX, SIDE_PX, Extremes, side_by_side
from posecorpus.pipelines.evaluation.people_figures import (
    joints_curve,
    pck3d_curve,
    pckh_curve,
    people_curve,
    thinned,
)
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
from posecorpus.pipelines.evaluation.people_verdicts import NOT_JUDGED, RIGHT, Found, judge

seeds = st.integers(0, 2**32 - 1)


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
    assert list(results.figures) == [
        "PPI", "NMS", "PPI, once", "PPI, not rescored", "NMS, not rescored", UPPER_BOUND,
    ]  # fmt: skip
    assert results.figures[UPPER_BOUND].ap is None and results.figures[UPPER_BOUND].people_ap is None
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
    drawn = re.findall(r'class="chip"><i class="(c\d)', text)
    assert len(drawn) == len(set(drawn)) == len(results.curves)
    assert all(f".line.{colour}{{" in text and f"--{colour}:" in text for colour in drawn)
    print_people(results)
    printed = capsys.readouterr().out
    assert "88.9 %" in printed and "upper bound" in printed


def test_integration_once_gives_nobody_a_second_pose(corpus: Path, tmp_path: Path) -> None:
    """Everybody is also proposed, a little less surely, in another 3D pose at the same place of the picture."""
    script = []
    for found in (perfect(picture(i)) for i in range(6)):
        turned = Found(found.poses2d, found.poses3d * [-1.0, 1.0, -1.0], found.scores * 0.9)
        script.append(
            Found(
                *(
                    np.concatenate([getattr(one, f) for one in (found, turned)])
                    for f in ("poses2d", "poses3d", "scores")
                )
            )
        )
    figures = eval_people(
        Scripted(ANCHORS["lcr_13"], script), EvalPeopleRequest(str(corpus)), tmp_path / "out"
    ).results.figures
    assert figures["PPI"].duplicates == figures["PPI"].people > 0
    assert figures["PPI, once"].duplicates == 0
    assert figures["PPI, once"].found == figures["PPI, once"].people
    assert figures["PPI, once"].ap > figures["PPI"].ap - 1e-9


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


def untrained(folder: Path) -> Path:
    """A run of a network that knows nothing."""
    import torch

    from posecorpus.models.lcrnet.network import LCRNet
    from posecorpus.models.lcrnet.params import preset
    from posecorpus.models.lcrnet.run import save_run, save_weights

    anchors = ANCHORS["lcr_13"]
    torch.manual_seed(0)
    net = LCRNet(preset("tiny"), anchors.classes, len(anchors.skeleton))
    save_run(folder, preset("tiny"), anchors, {})
    save_weights(folder, net, 0)
    return folder


def test_the_command_evaluates_a_run(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    """From a run's folder to files, with a network that knows nothing; the same call gives the same figures."""
    from posecorpus.pipelines import cli

    run = ["posecorpus", "eval", str(untrained(tmp_path / "run")), "--corpus", str(corpus), "--device", "cpu"]
    stored = []
    for out in ("one", "two"):
        more = ["--limit", "2", "--examples", "1", "--ppi-mm", "77", "--out", str(tmp_path / out)]
        monkeypatch.setattr("sys.argv", [*run, *more])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 0
        stored.append(json.loads((tmp_path / out / "results.json").read_text()))
        assert (tmp_path / out / "eval.html").is_file()
    for one in stored:
        one["settings"].pop("pictures_per_s")
    assert stored[0] == stored[1]
    assert stored[0]["people"] == 6 and stored[0]["settings"]["run"] == "run"
    used = stored[0]["settings"]["decodings"]
    assert used["PPI"]["integration"]["distance_m"] == 0.077
    assert used["PPI"]["integration"]["iou"] == DetectSettings().integration.iou  # type: ignore[union-attr]
    assert used["NMS"]["suppression_iou"] == DetectSettings().suppression_iou
    assert "MPJPE, absolute" in capsys.readouterr().out


@pytest.mark.parametrize("missing", ["run", "corpus"])
def test_the_command_says_what_is_missing(missing: str, corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "nothing" if missing == "run" else untrained(tmp_path / "run")
    where = corpus if missing == "run" else tmp_path / "nothing"
    command = [sys.executable, "-m", "posecorpus.pipelines.cli", "eval", str(run), "--corpus", str(where)]
    command += ["--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 2, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("posecorpus: ") and "nothing" in last and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


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
    of_joints = joints_curve(verdict)
    marks = verdict.marks[:, 0, :13]  # the stand-ins for the head are judged of nobody here
    assert of_joints.positives == 13 * got.people
    if len(of_joints.scores):
        assert of_joints.recall[-1] == (marks == RIGHT).sum() / of_joints.positives
        assert of_joints.precision[-1] == pytest.approx((marks == RIGHT).sum() / (marks != NOT_JUDGED).sum())
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
            badness[sample.key] = float(np.minimum(known, FAR_HEADS).mean())
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
