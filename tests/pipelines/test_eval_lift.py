"""`posecorpus eval-lift`: nobody is matched with himself, and the figures are those of the errors."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import LSP_14, Skeleton
from posecorpus.pipelines.evaluation import eval_lift
from posecorpus.pipelines.evaluation.charts import Series, chart, ticks
from posecorpus.pipelines.evaluation.eval_lift import EvalRequest, Evaluation
from posecorpus.pipelines.evaluation.page import page
from posecorpus.pipelines.evaluation.queries import EvalCondition, EvalPeople, conditions, draw_people
from posecorpus.pipelines.evaluation.results import METHODS, Trial, figures, quantiles, trust_figures
from posecorpus.pipelines.evaluation.table import print_results, trust_lines
from posecorpus.pipelines.lifting import build_library
from posecorpus.pseudogt.library.files import open_library, read_info
from posecorpus.pseudogt.lift.evaluate import PersonErrors
from posecorpus.pseudogt.lift.lifted import Lifted, LiftSettings, Trust
from posecorpus.pseudogt.lift.simulate import MASKS, Condition
from posecorpus.pseudogt.lift.trust_calibrate import calibrate
from posecorpus.synth.builtin import builtin_clip

SUBJECTS = sorted({builtin_clip(i, 0).subject for i in range(6)})
REQUEST = EvalRequest((), (SUBJECTS[0], SUBJECTS[1]), queries=12, k=4)


class Oracle:
    """Stands in for the lifter: it knows the truth, and moves one joint of it by 70 mm."""

    truth: ClassVar[list[NDArray[np.float64]]] = []

    def __init__(self, library: object, skeleton: Skeleton, settings: LiftSettings) -> None:
        self.k = settings.k

    def lift(self, joints2d: NDArray[np.float64], K: NDArray[np.float64]) -> Lifted:
        truth = self.truth[-1].copy()
        truth[:, LSP_14.index("l_wrist"), 2] += 0.07
        count, joints = truth.shape[:2]
        given: dict[str, NDArray[Any]] = {
            "joints3d": truth + 1.0,
            "joints2d": joints2d,
            "completed": np.zeros((count, joints), bool),
            "hypotheses": np.repeat(truth[:, None], self.k, 1),
            "refused": np.full(count, None, object),
        }
        return Lifted(**{f.name: given.get(f.name, np.zeros(count)) for f in fields(Lifted)})


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """An evaluation with a small library and a lifter that is wrong by a known amount."""
    real = EvalPeople.photographs

    def remembered(self: EvalPeople, condition: EvalCondition, skeleton: Skeleton, seed: int) -> object:
        made = real(self, condition, skeleton, seed)
        Oracle.truth.append(made.truth3d)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build_library, "BUILTIN_CLIPS", 6)
        patch.setattr(build_library, "calibrate", lambda library, **_: _NoTrust())
        patch.setattr(eval_lift, "Lifter", Oracle)
        patch.setattr(EvalPeople, "photographs", remembered)
        return eval_lift.eval_lift(REQUEST, tmp_path_factory.mktemp("eval"))


class _NoTrust:
    def save(self, path: Path) -> None:
        """Leaves no file, as if nothing could be calibrated."""


def test_the_library_does_not_know_the_people(done: Evaluation) -> None:
    library = done.json.parent / "library"
    assert not {clip.subject for clip in open_library(library).clips} & set(REQUEST.hold_out)
    assert {clip.subject for clip in read_info(library).clips} == set(SUBJECTS) - set(REQUEST.hold_out)
    assert read_info(library).request["leave_out"] == sorted(REQUEST.hold_out)


def test_a_known_error_comes_out_in_every_row(done: Evaluation) -> None:
    assert [row for row, _ in done.results.rows] == list(conditions(0.0))
    for _, found in done.results.rows:
        for method in METHODS:
            # 70 mm at one of 14 joints; the shift by a metre vanishes with the torso's middle
            assert found[method].mpjpe_mm == pytest.approx(5.0, abs=0.01)
            assert found[method].best_of_k_mm == pytest.approx(5.0, abs=0.01)
            assert (found[method].people, found[method].refused) == (12, 0)
            assert found[method].spearman is None and found[method].completion is None
    for base in done.results.baselines.values():
        assert 0 < base.nearest_mm < base.mean_mm < base.random_mm < 1000


def test_files_hold_the_figures(done: Evaluation) -> None:
    written = json.loads(done.json.read_text())
    assert written["settings"]["hold_out"] == sorted(REQUEST.hold_out)
    assert len(written["conditions"]) == len(conditions(0.0))
    assert written["conditions"][0]["methods"]["nn"]["mpjpe_mm"] == pytest.approx(5.0, abs=0.01)
    text = done.page.read_text()
    assert text == page(done.results)
    assert "<script" not in text and "http" not in text.replace("http-equiv", "")
    assert text.count("<svg") == len(MASKS) + 2
    assert not (done.json.parent / ".people.npz").exists()


def test_the_table_has_every_row(done: Evaluation, capsys: pytest.CaptureFixture[str]) -> None:
    print_results(done.results)
    printed = capsys.readouterr().out
    for row in conditions(0.0):
        assert row.label.split(",")[0] in printed
    assert printed.count("depth") == len(conditions(0.0))
    assert "nearest view of the library" in " ".join(printed.split())
    trust = {
        "spearman": 0.7, "joint_spearman": None, "coverage": 0.9, "joint_coverage": 0.88,
        "coverage_by_source": {"b": 0.91, "a": 0.89}, "joint_coverage_by_source": {"a": 0.9, "b": None},
        "coverage_by_missing": {"10": 0.9, "2": 0.87}, "joint_coverage_by_missing": {},
    }  # fmt: skip
    lines = trust_lines(replace(done.results, trust={"grid": trust}))
    assert "Spearman 0.70 of poses, - of joints; the 90 % interval holds 90% of poses, 88%" in lines[0]
    assert lines[1].endswith("a 89%/90%, b 91%/-") and lines[2].endswith("2 87%/-, 10 90%/-")


@pytest.mark.slow
def test_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_library, "BUILTIN_CLIPS", 6)
    few = partial(calibrate, queries=40, skeletons=(LSP_14,))
    monkeypatch.setattr(build_library, "calibrate", few)
    found = eval_lift.eval_lift(replace(REQUEST, queries=6), tmp_path)
    for _, methods in found.results.rows:
        for method in METHODS:
            figures_ = methods[method]
            assert figures_.people == 6 and 0 < (figures_.mpjpe_mm or 0) < 1000
            assert (figures_.best_of_k_mm or 0) > 0
    assert (found.json.parent / "library" / "trust.npz").exists()


def test_rows_show_the_same_people(tmp_path: Path) -> None:
    clips = [builtin_clip(i, 0) for i in range(3)]
    people = draw_people(clips, 20, (0.0, 1.0), 4)
    assert np.bincount(people.clip).tolist() in ([7, 7, 6], [7, 6, 7], [6, 7, 7])
    assert (people.frame < [len(clips[c].poses) for c in people.clip]).all()
    plain = people.photographs(EvalCondition("a", Condition(0.0)), LSP_14, 4)
    noisy = people.photographs(EvalCondition("b", Condition(0.05, "any four")), LSP_14, 4)
    shaped = people.photographs(EvalCondition("c", Condition(0.0), 1.0), LSP_14, 4)
    assert np.array_equal(plain.truth3d, noisy.truth3d)
    off = np.linalg.norm(plain.truth3d - shaped.truth3d, axis=-1)
    assert 0.002 < off.mean() < 0.15  # the same poses on other bodies
    people.save(tmp_path / "people.npz")
    again = EvalPeople.open(tmp_path / "people.npz")
    assert again.names == people.names and again.sources == ("builtin",)
    assert all(np.array_equal(again.landmarks[std], people.landmarks[std]) for std in (0.0, 1.0))
    assert np.array_equal(again.source, people.source)


def _trial(pose_mm: NDArray[np.float64], joint_mm: NDArray[np.float64], trust: Trust | None) -> Trial:
    nothing = np.full_like(pose_mm, np.nan)
    errors = PersonErrors(
        joint_mm, pose_mm, nothing, nothing, nothing, np.full_like(joint_mm, np.nan),
        np.full((len(pose_mm), 8), 1.02), ~np.isfinite(pose_mm),
    )  # fmt: skip
    return Trial(conditions(0.0)[0], "depth", errors, trust, np.zeros(len(pose_mm), np.int64))


def test_trust_is_counted_as_it_came_true() -> None:
    joint = np.random.default_rng(0).uniform(10, 100, (200, 14))
    joint[7] = np.nan
    pose = joint.mean(1)
    # Intervals that hold all but the 20 worst poses and none of the wrists; predictions in the right order.
    worst = np.argsort(np.where(np.isfinite(pose), -pose, 0))[:20]
    pose_interval = np.stack([pose - 1, pose + 1], 1)
    pose_interval[worst] += 5
    joint_interval = np.stack([joint - 1, joint + 1], -1)
    joint_interval[:, LSP_14.index("l_wrist")] += 50
    trust = Trust(joint, joint_interval, pose**3, pose_interval)
    found = figures(_trial(pose, joint, trust))
    assert (found.people, found.refused) == (199, 1)
    assert found.spearman == 1.0
    assert found.pose_coverage == pytest.approx(179 / 199, abs=1e-4)
    assert found.joint_coverage == pytest.approx(13 / 14, abs=1e-4)
    assert found.limb_error == pytest.approx(0.02) and found.limb_bias == pytest.approx(0.02)
    assert found.mpjpe_mm == pytest.approx(np.nanmean(pose), abs=0.01)
    source = np.arange(200) % 2
    table = trust_figures([_trial(pose, joint, trust)] * 2, source, ("one", "two"))
    assert table["people"] == 398 and set(table["coverage_by_source"]) == {"one", "two"}
    assert figures(_trial(pose, joint, None)).pose_coverage is None


def test_quantiles_make_a_curve() -> None:
    assert quantiles(np.array([np.nan])) == []
    curve = quantiles(np.append(np.arange(101.0), np.nan))
    assert curve == [float(i) for i in range(101)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hold_out": ()}, "--hold-out"),
        ({"report_on": ("nobody",)}, "--report: expected subjects of --hold-out, got nobody"),
        ({"queries": 0}, "--queries"),
        ({"shapes": -1.0}, "--shapes"),
        ({"skeleton": "none"}, "skeleton"),
    ],
)
def test_requests_that_make_no_sense(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(REQUEST, **change)


def test_unknown_subjects_and_libraries_that_know_them(
    done: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_library, "BUILTIN_CLIPS", 6)
    with pytest.raises(InputError, match=f"--hold-out: expected subjects of the motions: {SUBJECTS[0]}.* got 'nobody'"):  # fmt: skip
        eval_lift.eval_lift(replace(REQUEST, hold_out=("nobody",)), tmp_path / "out")
    known = replace(REQUEST, hold_out=(SUBJECTS[3],), library=done.json.parent / "library")
    with pytest.raises(InputError, match=f"--library.* poses of {SUBJECTS[3]}"):
        eval_lift.eval_lift(known, tmp_path / "out")
    with pytest.raises(InputError, match="subjects that are not left out"):
        eval_lift.eval_lift(replace(REQUEST, hold_out=tuple(SUBJECTS)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_charts_place_points_where_they_belong() -> None:
    series = Series("a & b", "c0", [(0.0, 0.0), (10.0, 5.0), (20.0, 99.0)], dots=True)
    drawn = chart([series], (0, 10), (0, 10), ("x", "y"))
    dots = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', drawn)
    (x0, y0), (x1, y1) = [(float(a), float(b)) for a, b in dots]  # the third is outside
    assert (x0, y0) == (38, 166) and x1 == 334 and y1 == pytest.approx((166 + 8) / 2, abs=0.1)
    assert "a &amp; b" in drawn


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 130, [0, 50, 100]),
        (0.5, 1, [0.5, 0.6, 0.7, 0.8, 0.9, 1]),
        (3, 3, [3]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)
