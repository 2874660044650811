"""A good lifted corpus has no violation; each fault planted in it is found by the check meant for it, and no other."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from small_corpus import clip, write_corpus

from posecorpus.core.ellipses import default_constants
from posecorpus.core.manifest import describe_taxonomy
from posecorpus.core.sample import HIDDEN, UNLABELLED, VISIBLE, Lift, Person, Sample
from posecorpus.core.skeletons import skeleton
from posecorpus.inspect.verify import verify_corpus
from posecorpus.inspect.verify.run import LIFTED_CHECKS
from posecorpus.pseudogt.ellipse_parts.draw import draw_sample

KEY = "photo-003"
Plant = Callable[[Sample], None]


@pytest.fixture(scope="module")
def good(lifted: SimpleNamespace) -> list[Sample]:
    return [lifted.make_lifted(i, measured=i % 2 == 0) for i in range(8)]


@pytest.fixture
def violations(lifted: SimpleNamespace, tmp_path: Path) -> Callable[..., dict[str, set[str]]]:
    """``violations(samples, **manifest)``: key to the names of the checks that it breaks."""

    def found(samples: list[Sample], **manifest: object) -> dict[str, set[str]]:
        result: dict[str, set[str]] = {}
        for violation in verify_corpus(lifted.write_lifted(tmp_path / "c", samples, **manifest)).violations:
            assert "\n" not in str(violation)
            result.setdefault(violation.key, set()).add(violation.check)
        return result

    return found


def test_a_good_lifted_corpus_is_clean_and_nothing_went_unchecked(
    lifted: SimpleNamespace, good: list[Sample], tmp_path: Path
) -> None:
    report = verify_corpus(lifted.write_lifted(tmp_path, good))
    assert report.violations == [] and report.notes == []
    names = [name for name, _ in LIFTED_CHECKS]
    assert {name: report.checked[name] for name in names} == dict.fromkeys(names, len(good))
    assert report.checked["sides"] == report.checked["parts"] == 0, "those of renders do not apply"


def test_renders_with_drawn_parts_are_not_held_to_rays(tmp_path: Path) -> None:
    samples, constants = clip("a", 0), default_constants("surreal_14")
    for sample in samples:
        sample.parts = draw_sample(sample.people, sample.width, sample.height, constants)[0]
    manifest = write_corpus(tmp_path, [samples])
    manifest.part_taxonomy = describe_taxonomy("surreal_14")
    manifest.write(tmp_path / "manifest.json")
    assert {v.check for v in verify_corpus(tmp_path).violations} >= {"parts", "masks"}
    manifest.configuration = {"parts": "ellipses", "ellipses": constants.as_json()}
    manifest.write(tmp_path / "manifest.json")
    report = verify_corpus(tmp_path)
    assert report.violations == [] and report.checked["parts"] == 0
    assert report.checked["ellipses"] == report.checked["instances"] == len(samples)


def lift_of(sample: Sample) -> tuple[Person, Lift]:
    person = sample.people[0]
    assert person.lift is not None and person.joints3d is not None
    return person, person.lift


def state_residual(sample: Sample) -> None:
    lift_of(sample)[1].residual_px *= 1.1


def residual_of_completed(sample: Sample) -> None:
    """As if completed joints, which are exact, counted too."""
    lift = lift_of(sample)[1]
    assert lift.completed.any()
    lift.residual_px *= float(np.sqrt(1 - lift.completed.mean()))


def scale_to_millimetres(sample: Sample) -> None:
    person, lift = lift_of(sample)
    person.joints3d *= np.float32(1000)
    lift.hypotheses *= np.float32(1000)
    lift.spread_mm *= np.float32(1000)


def completed_seen(sample: Sample) -> None:
    person, lift = lift_of(sample)
    person.visibility[lift.completed] = VISIBLE


def completed_nowhere(sample: Sample) -> None:
    person, lift = lift_of(sample)
    person.joints2d[lift.completed] = np.nan
    person.visibility[lift.completed] = UNLABELLED


def behind(sample: Sample) -> None:
    person, lift = lift_of(sample)
    j = int(np.flatnonzero(lift.completed)[0])
    person.joints3d[j, 2] *= -1


def no_3d(sample: Sample) -> None:
    sample.people[0].joints3d = None
    sample.skeleton_maps = [drawn for drawn in sample.skeleton_maps if drawn.person != 0]


def error_outside(sample: Sample) -> None:
    lift = lift_of(sample)[1]
    lift.error_mm[0] = lift.interval_mm[0, 1] * 1.01


def interval_turned(sample: Sample) -> None:
    lift = lift_of(sample)[1]
    lift.interval_mm = np.ascontiguousarray(lift.interval_mm[:, ::-1])


def error_negative(sample: Sample) -> None:
    lift_of(sample)[1].error_mm[2] = -1


def error_nan(sample: Sample) -> None:
    lift_of(sample)[1].error_mm[2] = np.nan


def pose_outside(sample: Sample) -> None:
    lift = lift_of(sample)[1]
    lift.pose_error_mm = float(lift.pose_interval_mm[1]) + 1


def pose_in_metres(sample: Sample) -> None:
    lift = lift_of(sample)[1]
    lift.pose_error_mm /= 1000
    lift.pose_interval_mm /= np.float32(1000)


def measured_negative(sample: Sample) -> None:
    lift_of(sample)[1].measured_error_mm = -4.0


def distance_nan(sample: Sample) -> None:
    lift_of(sample)[1].match_distance = float("nan")


def other_method(sample: Sample) -> None:
    lift_of(sample)[1].method = "guess"


def hypotheses_gone(sample: Sample) -> None:
    lift = lift_of(sample)[1]
    lift.hypotheses = lift.hypotheses[:0]


def hypothesis_nan(sample: Sample) -> None:
    lift_of(sample)[1].hypotheses[3, 5, 1] = np.nan


def hypotheses_mirrored(sample: Sample) -> None:
    person, lift = lift_of(sample)
    lift.hypotheses = np.ascontiguousarray(lift.hypotheses[:, skeleton(person.skeleton).mirror])


def hypotheses_behind(sample: Sample) -> None:
    lift_of(sample)[1].hypotheses[..., 2] -= 100


def spread_doubled(sample: Sample) -> None:
    lift = lift_of(sample)[1]
    lift.method = "soft"  # whose hypotheses are all its matches
    lift.spread_mm *= np.float32(3)


def spread_nan(sample: Sample) -> None:
    lift_of(sample)[1].spread_mm[1] = np.nan


def limb_torn(sample: Sample) -> None:
    person, _ = lift_of(sample)
    wrist, elbow = skeleton(person.skeleton).indices("l_wrist", "l_elbow")
    # Along the wrist's own ray, so that nothing changes in the picture.
    person.joints3d[wrist] *= 1.25 + 0 * person.joints3d[elbow]


def limb_short_in_a_copy(sample: Sample) -> None:
    person, lift = lift_of(sample)
    lift.method = "nn"
    ankle, knee = skeleton(person.skeleton).indices("r_ankle", "r_knee")
    person.joints3d[ankle] = 0.5 * (person.joints3d[ankle] + person.joints3d[knee])


def window_turned(sample: Sample) -> None:
    drawn = sample.skeleton_maps[0]
    drawn.window = drawn.window[[2, 1, 0, 3]]


def width_zero(sample: Sample) -> None:
    sample.skeleton_maps[0].stick_px = 0.0


def stick_unknown(sample: Sample) -> None:
    drawn = sample.skeleton_maps[1]
    drawn.background[drawn.background > 0] = 16


def map_cleared(sample: Sample) -> None:
    drawn = sample.skeleton_maps[1]
    drawn.background[drawn.background == drawn.background.max()] = 0


def map_moved(sample: Sample) -> None:
    sample.skeleton_maps[0].window += np.float32(2)


def map_exchanged(sample: Sample) -> None:
    drawn = sample.skeleton_maps[1]
    assert (drawn.foreground != drawn.background).any()
    drawn.foreground, drawn.background = drawn.background, drawn.foreground


def part_repainted(sample: Sample) -> None:
    y, x = np.argwhere(sample.parts > 0)[40]
    sample.parts[y, x] = 1 + sample.parts[y, x] % 14


def part_unknown(sample: Sample) -> None:
    sample.parts[sample.parts == sample.parts.max()] = 15


@pytest.mark.parametrize(
    ("plant", "checks"),
    [
        (state_residual, {"residual"}), (residual_of_completed, {"residual"}), (scale_to_millimetres, {"limbs"}),
        (completed_seen, {"completed"}), (completed_nowhere, {"completed", "ellipses"}), (behind, {"completed", "limbs", "sticks", "ellipses"}),
        (no_3d, {"completed", "ellipses"}),
        (error_outside, {"trust"}), (interval_turned, {"trust"}), (error_negative, {"trust"}), (error_nan, {"trust"}),
        (pose_outside, {"trust"}), (pose_in_metres, {"trust"}), (measured_negative, {"trust"}),
        (distance_nan, {"trust"}), (other_method, {"trust"}),
        (hypotheses_gone, {"hypotheses"}), (hypothesis_nan, {"hypotheses"}), (hypotheses_mirrored, {"hypotheses"}),
        (hypotheses_behind, {"hypotheses"}), (spread_doubled, {"hypotheses"}), (spread_nan, {"hypotheses"}),
        (limb_torn, {"limbs", "ellipses"}), (limb_short_in_a_copy, {"limbs", "residual", "sticks", "ellipses"}),
        (window_turned, {"sticks"}), (width_zero, {"sticks"}), (stick_unknown, {"sticks"}), (map_cleared, {"sticks"}),
        (part_repainted, {"ellipses"}), (part_unknown, {"ellipses", "ids"}),
        (map_moved, {"sticks"}), (map_exchanged, {"sticks"}),
    ],
)  # fmt: skip
def test_fault_is_found(good: list[Sample], violations: Callable, plant: Plant, checks: set[str]) -> None:
    samples = copy.deepcopy(good)
    plant(next(sample for sample in samples if sample.key == KEY))
    assert violations(samples) == {KEY: checks}


def test_completed_joint_without_3d_is_found(good: list[Sample], violations: Callable) -> None:
    samples = copy.deepcopy(good)
    person, lift = lift_of(samples[3])
    person.joints3d[lift.completed] = np.nan
    assert "completed" in violations(samples)[KEY]


def test_rows_that_break_the_schemas_rules_are_named(
    good: list[Sample], lifted: SimpleNamespace, tmp_path: Path
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from posecorpus.core.schema import SCHEMA, table
    from posecorpus.core.shards import Corpus, file_sha256

    folder = lifted.write_lifted(tmp_path / "c", good)
    rows = table(good).to_pylist()
    rows[2]["skeleton_maps"][0]["person"] = 9
    rows[4]["skeleton_maps"][0]["size"] = 95
    rows[5]["people"][0]["lift"]["match_distance"] = None
    rows[6]["skeleton_maps"][0]["stick_px"] = None
    rows[7]["people"][0]["lift"]["completed"].append(False)
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), folder / "shard-00000.parquet")
    manifest = Corpus(folder).manifest
    manifest.shards[0].sha256 = file_sha256(folder / "shard-00000.parquet")
    manifest.write(folder / "manifest.json")
    broken = [(v.key, v.check) for v in verify_corpus(folder).violations]
    assert sorted(broken) == [(f"photo-00{i}", "sample") for i in (2, 4, 5, 6, 7)]


def test_a_mean_of_limbs_that_point_apart_may_be_short(good: list[Sample], violations: Callable) -> None:
    samples = copy.deepcopy(good)
    person, _ = lift_of(samples[3])
    ankle, knee = skeleton(person.skeleton).indices("r_ankle", "r_knee")
    person.joints3d[ankle] = 0.5 * (person.joints3d[ankle] + person.joints3d[knee])
    assert violations(samples) == {KEY: {"residual", "sticks", "ellipses"}}, (
        "not limbs: the method is no copy of a match"
    )


@pytest.mark.parametrize(
    ("sticks", "count"),
    [
        (None, 1),
        ({"legend": {"0": "none"}}, 1),
        ({"legend": {"0": "none", "x": "arm"}, "palette": {"0": [0, 0, 0], "x": [1, 1, 1]}}, 1),
    ],
)
def test_sticks_must_be_described(
    good: list[Sample], violations: Callable, sticks: dict | None, count: int
) -> None:
    found = violations(good, sticks=sticks)
    assert found["manifest.json"] == {"legend"} and len(found) >= count


def test_exact_reprojection_is_still_asked_of_people_who_are_not_lifted(
    good: list[Sample], violations: Callable
) -> None:
    samples = copy.deepcopy(good)
    person, _ = lift_of(samples[3])
    samples[3].people[0] = replace(person, lift=None, visibility=np.full_like(person.visibility, HIDDEN))
    assert violations(samples) == {KEY: {"reprojection"}}
