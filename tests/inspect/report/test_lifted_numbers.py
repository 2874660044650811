"""What the report says of lifted people: choice of samples, columns, charts and records against plain loops."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posecorpus.core.cameras import Camera
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import TORSO, skeleton
from posecorpus.core.sticks import PALETTE_TABLE
from posecorpus.inspect.report import page, write_report
from posecorpus.inspect.report.charts import all_charts, camera_pitches
from posecorpus.inspect.report.choice import choose, sample_errors
from posecorpus.inspect.report.columns import Columns, read_columns
from posecorpus.inspect.report.lift_charts import binned, residual_torso
from posecorpus.inspect.report.lift_records import (
    MAX_HYPOTHESES,
    hypotheses_record,
    lift_record,
    map_records,
    stacks,
)
from posecorpus.inspect.report.space import bytes_of, space_record

COUNT = 26


@pytest.fixture(scope="module")
def corpus(lifted: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lifted photos, two thirds with a measured error, and two with nobody lifted."""
    samples = [lifted.make_lifted(i, measured=i % 3 != 1, drawn=i < 6) for i in range(COUNT)]
    for sample in samples[-2:]:
        sample.people = [lifted.refused(person) for person in sample.people if person.lift]
    return lifted.write_lifted(tmp_path_factory.mktemp("lifted") / "c", samples)


@pytest.fixture(scope="module")
def columns(corpus: Path) -> Columns:
    return read_columns(Corpus(corpus), 1000)


def test_lift_columns_are_what_the_samples_say(corpus: Path, columns: Columns) -> None:
    samples = list(Corpus(corpus))
    people = [(sample, person) for sample in samples for person in sample.people]
    for p, (sample, person) in enumerate(people):
        lift, at = person.lift, {name: values[p] for name, values in columns.lift.items()}
        if lift is None:
            assert all(np.isnan(value) for value in at.values())
            continue
        measured = np.nan if lift.measured_error_mm is None else lift.measured_error_mm
        low, high = lift.pose_interval_mm
        expected = [lift.match_distance, lift.residual_px, lift.pose_error_mm, measured, low, high]
        assert list(at) == [
            "match_distance", "residual_px", "pose_error_mm", "measured_error_mm", "low_mm", "high_mm"
        ]  # fmt: skip
        np.testing.assert_array_equal(list(at.values()), expected)
        shoulders, hips = (
            person.joints3d[skeleton(person.skeleton).indices(*pair)].mean(0)
            for pair in (TORSO[:2], TORSO[2:])
        )
        length_px = np.linalg.norm(shoulders - hips) * sample.camera.K[1, 1] / ((shoulders + hips)[2] / 2)
        assert residual_torso(columns)[p] == pytest.approx(lift.residual_px / length_px, rel=1e-5)
        record = lift_record(person, sample.camera)
        assert record["residualTorso"] == pytest.approx(lift.residual_px / length_px, abs=1e-4)
        assert record["completed"] == np.flatnonzero(lift.completed).tolist()
    for name, counts in columns.completed.items():
        own = [q.lift.completed for _, q in people if q.skeleton == name and q.lift is not None]
        assert counts.tolist() == [len(own), *np.sum(own, axis=0)]
    assert columns.maps.tolist() == [sample.skeleton_maps is not None for sample in samples]


def test_a_picture_is_as_trusted_as_its_least_trusted_person(corpus: Path, columns: Columns) -> None:
    errors = sample_errors(columns)
    for sample, error in zip(Corpus(corpus), errors, strict=True):
        own = [person.lift.pose_error_mm for person in sample.people if person.lift is not None]
        assert (np.isnan(error) and not own) or error == pytest.approx(max(own), rel=1e-6)


@pytest.mark.parametrize("wanted", [3, 9, 12, 16, 100])
def test_pictured_are_the_best_the_middle_and_the_worst(columns: Columns, wanted: int) -> None:
    groups = choose(columns, COUNT, wanted, 0)
    picked = [row for group in groups for row in group.rows]
    assert len(picked) == len(set(picked)) == min(wanted, COUNT)
    errors = sample_errors(columns)
    order = [int(i) for i in np.argsort(errors) if np.isfinite(errors[i])]
    best, middle, worst = (group.rows for group in groups[:3])
    assert best == order[: len(best)] and worst == order[-len(worst) :]
    assert "".join(map(chr, middle)) in "".join(map(chr, order)), "neighbours in the order"
    sizes = [len(best), len(middle), len(worst)]
    assert sizes == sorted(sizes, reverse=True) and max(sizes) - min(sizes) <= 1
    if wanted < 16:
        before, after = order.index(middle[0]), len(order) - 1 - order.index(middle[-1])
        assert abs(before - after) <= 1, "around the median"
    if len(groups) == 4:
        assert groups[3].title == "Not lifted" and np.isnan(errors[groups[3].rows]).all()
    assert (len(groups) == 4) == (wanted >= 8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(1, 500)), max_size=40), st.integers(0, 50))
def test_choice_never_repeats_nor_overruns(errors: list[float | None], wanted: int) -> None:
    values = np.array([np.nan if error is None else error for error in errors])
    columns = Columns(
        rows=np.arange(len(values)), size=np.ones((len(values), 2)), K=np.zeros((len(values), 3, 3)),
        R=np.zeros((len(values), 3, 3)), t=np.zeros((len(values), 3)), clips=0, image=np.arange(len(values)),
        box=np.zeros((len(values), 4)), limbs2d=np.zeros((len(values), 12, 2)), limbs3d=np.zeros((len(values), 12, 3)),
        text={}, visibility={}, lift={"pose_error_mm": values}, completed={}, maps=np.zeros(len(values), bool),
    )  # fmt: skip
    picked = [row for group in choose(columns, len(values), wanted, 0) for row in group.rows]
    assert len(picked) == len(set(picked)) == min(wanted, len(values))


def test_charts_hold_every_lifted_person(corpus: Path, columns: Columns, lifted: SimpleNamespace) -> None:
    charts: dict[str, dict] = {}
    for chart in all_charts(columns, {0: 0}, None, None, lifted.RELIABILITY):
        charts.setdefault(chart["title"], chart)
    people = [person for sample in Corpus(corpus) for person in sample.people if person.lift is not None]
    for title in ("Predicted error", "Match distance", "Residual"):
        assert sum(charts[title]["counts"]) == len(people)
    assert sum(item["values"][0] for item in charts["Matched clips"]["items"]) == len(people)
    known = [person.lift for person in people if person.lift.measured_error_mm is not None]
    dots = charts["Predicted and measured"]["dots"]
    assert sorted(dot[:2] for dot in dots) == sorted(
        [round(lift.pose_error_mm, 1), round(lift.measured_error_mm, 1)] for lift in known
    )
    held = [lift.pose_interval_mm[0] <= lift.measured_error_mm <= lift.pose_interval_mm[1] for lift in known]
    interval = {item["label"]: item["values"][0] for item in charts["Interval"]["items"]}
    assert interval == {
        "library": 0.902, "library, single joints": 0.897, "0 missing joints": 0.91, "1 missing joints": 0.9, "4 missing joints": 0.88,
        "cmu": 0.9, "hdm05": 0.89, "this corpus": pytest.approx(np.mean(held), abs=1e-4),
    }  # fmt: skip
    library, own = charts["Reliability"]["curves"]
    assert library["points"] == [
        [r["predicted_mm"], round(r["measured_mm"], 2), 400] for r in lifted.RELIABILITY["bins"]
    ]
    assert sum(point[2] for point in own["points"]) == len(known)
    order = [chart["group"] for chart in all_charts(columns, {}, None, None)]
    assert order == sorted(order, key=lambda group: group != "Lifting"), "lifting comes first"


def test_bins_hold_equal_numbers_and_their_means() -> None:
    rng = np.random.default_rng(0)
    predicted, measured = rng.uniform(0, 100, 43), rng.uniform(0, 100, 43)
    points = binned(predicted, measured)
    assert [count for _, _, count in points] == [5, 5, 5, 4, 4, 4, 4, 4, 4, 4]
    first = np.argsort(predicted)[:5]
    assert points[0][:2] == [round(predicted[first].mean(), 2), round(measured[first].mean(), 2)]


@pytest.mark.parametrize(
    "trust",
    [
        None, {}, {"bins": 3}, {"bins": [7, {"predicted_mm": "x"}, {"predicted_mm": 1}, None]},
        {"bins": [{"predicted_mm": float("inf"), "measured_mm": 3, "count": 2}], "coverage": "all", "spearman": []},
        {"coverage_by_missing": [1], "coverage_by_source": {"<b>": None, "c": float("nan")}, "coverage": True},
    ],
)  # fmt: skip
def test_a_table_in_another_form_leaves_its_charts_out(columns: Columns, trust: dict | None) -> None:
    charts = {chart["title"]: chart for chart in all_charts(columns, {}, None, None, trust)}
    assert [curve["name"] for curve in charts["Reliability"]["curves"]] == ["this corpus"]
    assert [item["label"] for item in charts["Interval"]["items"]] == ["this corpus"]


def test_a_corpus_without_lifting_has_no_chart_about_it(spheres: SimpleNamespace, tmp_path: Path) -> None:
    corpus = Corpus(spheres.write_corpus(tmp_path / "c", [spheres.make_sample(i) for i in range(3)]))
    charts = all_charts(read_columns(corpus, 100), {}, None, None, {"coverage": 0.9})
    assert charts and all(chart["group"] != "Lifting" for chart in charts)


def decode(record: dict, joints: int) -> np.ndarray:
    steps = np.frombuffer(base64.b64decode(record["poses"]), "<i2").reshape(record["count"], joints, 3)
    return np.where(steps[..., :1] == -32768, np.nan, steps * record["unit"] + record["origin"])


def test_hypotheses_come_back_to_a_tenth_of_a_millimetre() -> None:
    poses = np.random.default_rng(0).normal(0, 0.6, (50, 14, 3)).astype(np.float32) + np.float32(
        [0.3, 0.2, 4]
    )
    poses[2, 3] = np.nan
    record = hypotheses_record(poses, lambda points: points * (1, -1, -1), 10**6)
    assert record["count"] == MAX_HYPOTHESES
    expected = poses[:MAX_HYPOTHESES] * (1, -1, -1)
    np.testing.assert_allclose(decode(record, 14), expected, atol=1e-4)
    few = hypotheses_record(poses, np.asarray, 14 * 8 * 3 + 5)
    assert few["count"] == 3 and len(few["poses"]) <= 14 * 8 * 3 + 5
    assert hypotheses_record(poses, np.asarray, 10) is None
    assert hypotheses_record(np.full((4, 14, 3), np.nan, np.float32), np.asarray, 10**6) is None


def test_3d_of_a_photo_is_upright_though_its_camera_has_no_place(lifted: SimpleNamespace) -> None:
    sample = lifted.make_lifted(1, people=1)
    assert (np.eye(3) == sample.camera.R).all()
    record = space_record(sample, 10**6)
    person, entry = sample.people[0], record["people"][0]
    assert not record["placed"] and record["camera"]["centre"] == [0, 0, 0]
    np.testing.assert_allclose(entry["points"], person.joints3d * (1, -1, -1), atol=1e-4)
    poses = decode(entry["hypotheses"], len(person.joints3d))
    torso = skeleton(person.skeleton).indices(*TORSO)
    moved = person.lift.hypotheses - person.lift.hypotheses[:, torso].mean(1, keepdims=True)
    np.testing.assert_allclose(poses, (moved + person.joints3d[torso].mean(0)) * (1, -1, -1), atol=2e-4)
    assert bytes_of(record) == len(entry["hypotheses"]["poses"])
    sample.camera = Camera(sample.camera.K, np.diag([1.0, -1, -1]), np.zeros(3), sample.width, sample.height)
    again = space_record(sample, 10**6)
    assert again["placed"] and again["people"] == record["people"]


def test_pitch_of_an_unplaced_camera_is_unknown(columns: Columns) -> None:
    assert np.isnan(camera_pitches(columns)).all()


def test_maps_are_pictured_in_the_palette_with_their_windows(lifted: SimpleNamespace) -> None:
    sample = lifted.make_lifted(4)
    records = map_records(sample, PALETTE_TABLE, 10**6)
    assert len(records) == len(sample.skeleton_maps)
    kinds = stacks([sample.skeleton_maps])
    assert kinds == [(3.0, 0), (3.0, 1), (7.0, 0), (7.0, 1)]
    for record, drawn in zip(records, sample.skeleton_maps, strict=True):
        assert record["person"] == drawn.person and tuple(record["kind"]) in kinds
        np.testing.assert_allclose(record["window"], drawn.window, atol=0.05)
        for side, ids in (("front", drawn.foreground), ("back", drawn.background)):
            raw = np.frombuffer(base64.b64decode(record[side].split(",")[1]), np.uint8)
            shown = cv2.imdecode(raw, cv2.IMREAD_UNCHANGED)
            assert ((shown[..., 3] > 0) == (ids > 0)).all()
            assert (shown[..., 2::-1][ids > 0] == PALETTE_TABLE[ids[ids > 0]]).all()
    few = map_records(sample, PALETTE_TABLE, 3000)
    assert 0 < len(few) < len(records) and sum(len(r["front"]) + len(r["back"]) for r in few) <= 3000


def data_of(file: Path) -> dict:
    found = re.search(
        r'<script type="application/json" id="data">(.*?)</script>', file.read_text(), re.DOTALL
    )
    return json.loads(found[1], parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_report_is_reproducible_and_stays_within_its_bytes(
    lifted: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = [lifted.make_lifted(i, hypotheses=60) for i in range(2)]
    for sample in crowd:
        sample.people = sample.people[:1] * 70
        sample.skeleton_maps = sample.skeleton_maps[:1] * 60
    corpus = lifted.write_lifted(tmp_path / "c", crowd)
    report = write_report(corpus, tmp_path / "a.html")
    assert report.read_bytes() == write_report(corpus, tmp_path / "b.html").read_bytes()
    fixed = len(page.render(data_of(report) | {"samples": [], "spaces": []}))
    monkeypatch.setattr(page, "PICTURE_BYTES", 200_000)
    small = write_report(corpus, tmp_path / "small.html")
    annotations = 2 * 64 * 4000  # what is written of each of the people who are listed
    assert small.stat().st_size - fixed < 200_000 + annotations
    data = data_of(small)
    assert all(len(space["people"]) == 64 for space in data["spaces"])
    used = sum(bytes_of(space) for space in data["spaces"])
    used += sum(len(m["front"]) + len(m["back"]) for sample in data["samples"] for m in sample["maps"])
    used += sum(len(sample["image"]) + sum(map(len, sample["layers"].values())) for sample in data["samples"])
    assert used <= 200_000


def test_numbers_that_are_none_are_shown_as_none(lifted: SimpleNamespace, tmp_path: Path) -> None:
    sample = lifted.make_lifted(0, people=1)
    lift = sample.people[0].lift
    lift.residual_px = lift.pose_error_mm = float("nan")
    lift.match_distance = lift.method = sample.skeleton_maps[1].stick_px = None  # columns may hold null
    lift.error_mm[:] = np.inf
    lift.hypotheses[:] = np.nan
    sample.people[0].joints3d[:] = np.nan
    sample.skeleton_maps[0].window[:] = np.inf
    data = data_of(write_report(lifted.write_lifted(tmp_path / "c", [sample]), tmp_path / "r.html"))
    record = data["samples"][0]["people"][0]["lift"]
    assert record["error"] is None and record["residualTorso"] is None and set(record["errors"]) == {None}
