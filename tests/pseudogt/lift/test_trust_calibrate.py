"""Calibration on a library's own poses: nobody meets himself, sources count alike, the same seed gives the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from trust_people import random_library

from posecorpus.core.skeletons import COCO_17, LSP_14, TORSO, Skeleton
from posecorpus.pseudogt.library.store import ClipEntry, PoseLibrary
from posecorpus.pseudogt.lift import trust_calibrate
from posecorpus.pseudogt.lift.lift import Lifter
from posecorpus.pseudogt.lift.lifted import Lifted, LiftSettings
from posecorpus.pseudogt.lift.simulate import Condition, simulate
from posecorpus.pseudogt.lift.trust import UNKNOWN_MM, TrustModel
from posecorpus.pseudogt.lift.trust_calibrate import calibrate, folds_of_groups, measure, source_weights
from posecorpus.pseudogt.lift.trust_queries import MOST_MISSING, choose_poses, held_out, photographs

LIBRARY = random_library(poses=60, subjects=5, views=6)
SETTINGS = LiftSettings(k=8)


def quick(library: PoseLibrary, seed: int = 0, queries: int = 80) -> TrustModel:
    return calibrate(
        library, seed=seed, queries=queries, methods=("depth", "nn"), skeletons=(LSP_14,), settings=SETTINGS
    )


@pytest.fixture(scope="module")
def model() -> TrustModel:
    return quick(LIBRARY)


def test_the_same_seed_gives_the_same_bytes(model: TrustModel, tmp_path: Path) -> None:
    for name, other in (("a", model), ("b", quick(LIBRARY)), ("c", quick(LIBRARY, seed=1))):
        other.save(tmp_path / name)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c


def test_the_table_tells_what_was_done(model: TrustModel) -> None:
    table = model.reliability()
    assert table["method"] == "depth" and list(table["methods"]) == ["nn"] and table["held_out"] == "subjects"
    assert "80 people" in table["note"] and table["people"] == 80 and table["methods"]["nn"]["people"] == 40
    assert set(table["coverage_by_source"]) == {"source0", "source1"}
    for key, part in (
        ("most_mm", model.methods["depth"].pose),
        ("joint_most_mm", model.methods["depth"].joint),
    ):
        assert 0 <= float(part.most_mm[0]) - table[key] < 0.011 and table[key] > 0
    assert 0.75 < table["coverage"] <= 1 and 0.8 < table["joint_coverage"] <= 1


def test_nobody_is_matched_with_his_own_subject(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[NDArray[np.int32], Lifted]] = []
    plain = Lifter.lift

    def recorded(
        self: Lifter, joints2d: NDArray[np.float64], K: NDArray[np.float64], *, exclude: NDArray[np.int32]
    ) -> Lifted:
        lifted = plain(self, joints2d, K, exclude=exclude)
        seen.append((exclude, lifted))
        return lifted

    monkeypatch.setattr(Lifter, "lift", recorded)
    measure(held_out(LIBRARY), SETTINGS, (LSP_14, COCO_17), 60, 0)
    excluded = np.concatenate([exclude for exclude, _ in seen])
    views = np.concatenate([lifted.views for _, lifted in seen])
    matched = LIBRARY.subject_of_pose[views // LIBRARY.views]
    assert len(excluded) == 60 and set(excluded) == set(range(5))
    assert (matched != excluded[:, None])[views >= 0].all()


def test_the_truth_that_is_compared_with_is_the_persons_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lifter that always answers the mean pose errs by each pose's distance from it."""
    answer = np.random.default_rng(0).normal(size=(len(LSP_14), 3))
    plain = Lifter.lift

    def constant(self: Lifter, *args: NDArray[np.float64], exclude: NDArray[np.int32]) -> Lifted:
        lifted = plain(self, *args, exclude=exclude)
        return replace(lifted, joints3d=np.where(np.isnan(lifted.joints3d), np.nan, answer))

    monkeypatch.setattr(Lifter, "lift", constant)
    people = measure(held_out(LIBRARY), SETTINGS, (LSP_14,), 40, 3)
    poses = choose_poses(LIBRARY, 40, trust_calibrate.generator(3, "trust poses"))
    torso = LSP_14.indices(*TORSO)
    expected = []
    for rows, queries in photographs(LIBRARY, poses, LSP_14, 3):
        off = (answer - answer[torso].mean(0)) - (
            queries.truth3d - queries.truth3d[:, torso].mean(1, keepdims=True)
        )
        expected += zip(
            LIBRARY.subject_of_pose[poses[rows]], 1000 * np.linalg.norm(off, axis=-1), strict=True
        )
    np.testing.assert_array_equal(people.group, [group for group, _ in expected])
    np.testing.assert_allclose(people.error_mm, [error for _, error in expected])


def test_one_subject_leaves_clips_out_and_one_clip_quarters() -> None:
    clips = tuple(replace(clip, subject="same") for clip in LIBRARY.clips)
    one = held_out(replace(LIBRARY, clips=clips))
    assert one.what == "clips" and "one subject" in one.doubt
    np.testing.assert_array_equal(one.library.subject_of_pose, LIBRARY.clip)
    entry = ClipEntry("only", "only.bvh", "same", "source")
    single = replace(LIBRARY, clips=(entry,), clip=np.zeros_like(LIBRARY.clip))
    quarters = held_out(single)
    assert quarters.what == "quarters of a clip"
    np.testing.assert_array_equal(quarters.library.subject_of_pose, np.repeat(np.arange(4), 15))
    table = quick(single, queries=60).reliability()
    assert "one clip" in table["note"] and table["held_out"] == "quarters of a clip"


def test_a_single_pose_calibrates_nothing_and_says_so() -> None:
    one = replace(
        LIBRARY, poses=LIBRARY.poses[:1], azimuth_deg=LIBRARY.azimuth_deg[:1], elevation_deg=LIBRARY.elevation_deg[:1],
        clip=LIBRARY.clip[:1], frame=LIBRARY.frame[:1], mirrored=LIBRARY.mirrored[:1], clips=LIBRARY.clips[:1],
    )  # fmt: skip
    model = quick(one, queries=40)
    assert "nothing is known" in model.reliability()["note"] and not model.methods
    photo = simulate(LIBRARY.poses[:3], LSP_14, Condition(), np.random.default_rng(0))
    lifted = Lifter(one, LSP_14, SETTINGS).lift(photo.joints2d, photo.K_told)
    assert (model.predict(lifted, one, LSP_14).pose_error_mm == UNKNOWN_MM).all()


def test_refused_people_have_no_trust(model: TrustModel) -> None:
    photo = simulate(LIBRARY.poses[:3], LSP_14, Condition(), np.random.default_rng(0))
    photo.joints2d[1, 3:] = np.nan
    trust = model.predict(
        Lifter(LIBRARY, LSP_14, SETTINGS).lift(photo.joints2d, photo.K_told), LIBRARY, LSP_14
    )
    assert np.isnan(trust.pose_error_mm).tolist() == [False, True, False]
    assert np.isnan(trust.interval_mm[1]).all() and np.isfinite(trust.interval_mm[[0, 2]]).all()


@pytest.mark.parametrize("skeleton", [LSP_14, COCO_17], ids=lambda s: s.name)
def test_photos_lack_any_number_of_joints(skeleton: Skeleton) -> None:
    poses = np.arange(600) % len(LIBRARY.poses)
    rows, missing = [], []
    for own, queries in photographs(LIBRARY, poses, skeleton, 0):
        rows.append(own)
        missing.append(np.isnan(queries.joints2d).any(-1).sum(1))
    assert np.sort(np.concatenate(rows)).tolist() == list(range(600))
    share = np.bincount(np.concatenate(missing), minlength=MOST_MISSING)[:MOST_MISSING] / 600
    assert (share[: len(skeleton) - 3] > 0.02).all()


def test_sources_are_photographed_equally_often() -> None:
    lopsided = replace(LIBRARY, clip=np.where(np.arange(60) < 4, 1, 0).astype(np.int32))
    source = np.array([clip.collection for clip in LIBRARY.clips])[lopsided.clip]
    picked = choose_poses(lopsided, 101, np.random.default_rng(0))
    assert abs(int((source[picked] == "source0").sum()) - 50) <= 1 and len(picked) == 101
    weights = source_weights(source)
    assert weights[source == "source0"].sum() == pytest.approx(weights[source == "source1"].sum())
    assert weights.mean() == pytest.approx(1)


def test_folds_keep_groups_whole_and_alike_in_size() -> None:
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(40), rng.integers(1, 30, 40))
    fold = folds_of_groups(rng.permutation(group), 8)
    assert set(fold) == set(range(8))
    fold = folds_of_groups(group, 8)
    assert all(len(set(fold[group == g])) == 1 for g in range(40))
    assert np.ptp(np.bincount(fold)) <= 5
    assert set(folds_of_groups(np.zeros(5, int), 8)) == {0}


def test_subjects_count_by_the_square_root_of_their_poses() -> None:
    clips = tuple(replace(clip, collection="one") for clip in LIBRARY.clips)
    lopsided = replace(LIBRARY, clips=clips, clip=np.repeat([0, 1, 2], [36, 20, 4]).astype(np.int32))
    picked = choose_poses(lopsided, 125, np.random.default_rng(0))
    counts = np.bincount(lopsided.clip[picked])
    np.testing.assert_allclose(counts, 125 * np.sqrt([36, 20, 4]) / np.sqrt([36, 20, 4]).sum(), atol=1)
    assert np.bincount(picked[lopsided.clip[picked] == 0]).max() == 2  # everybody once, then again
