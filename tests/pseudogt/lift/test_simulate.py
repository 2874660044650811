"""Simulated photos: the truth projects to what is annotated, and only what should be missing is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.core.metrics import pa_mpjpe
from posecorpus.core.skeletons import COCO_17, FULL_42, H36M_17, LSP_14, MPII_16, SMPL_24, Skeleton, convert
from posecorpus.pseudogt.lift.simulate import CROPS, MASKS, Condition, Queries, simulate
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import landmarks_of

SKELETONS = (LSP_14, MPII_16, COCO_17, H36M_17, SMPL_24)


def people(count: int, seed: int = 0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    poses = rng.normal(0, 0.3, (count, 24, 3))
    places = rng.normal(0, 5, (count, 3))
    return landmarks_of(load_body("open", "neutral"), np.zeros((count, 10)), poses, places)


def queries(condition: Condition, count: int = 40, skeleton: Skeleton = LSP_14, seed: int = 0) -> Queries:
    return simulate(people(count), skeleton, condition, np.random.default_rng(seed))


def project(points: NDArray[np.float64], K: NDArray[np.float64], size: NDArray[np.int64]) -> NDArray[np.float64]:  # fmt: skip
    """By the camera of core, one photo after another."""
    return np.stack(
        [
            Camera(k, np.eye(3), np.zeros(3), *map(int, s)).project(x)[0]
            for x, k, s in zip(points, K, size, strict=True)
        ]
    )


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.sampled_from(SKELETONS), st.sampled_from(CROPS), st.sampled_from(MASKS))
def test_truth_projects_to_the_annotation(seed: int, skeleton: Skeleton, crop: str, mask: str) -> None:
    made = queries(Condition(0.0, mask, crop, None), 6, skeleton, seed)
    assert np.array_equal(made.K_true, made.K_told)
    expected = project(made.truth3d, made.K_true, made.size)
    assert np.nanmax(np.abs(made.truth2d - expected)) < 1e-9
    marked = np.isfinite(made.joints2d).all(-1)
    assert np.array_equal(made.joints2d[marked], made.truth2d[marked])
    assert np.isfinite(made.truth3d).all()  # each of these skeletons is on the body


def test_the_truth_is_the_pose_turned_and_moved() -> None:
    made = queries(Condition())
    truth = convert(people(40), FULL_42, LSP_14)
    centred = [x - x.mean(1, keepdims=True) for x in (made.truth3d, truth)]
    gram = [np.einsum("qia,qja->qij", x, x) for x in centred]
    assert np.abs(gram[0] - gram[1]).max() < 1e-9  # distances and angles are kept
    assert pa_mpjpe(made.truth3d, truth) < 1e-9  # and it is no mirror image


def test_cameras_are_where_they_are_said_to_be() -> None:
    made = queries(Condition(), 3000)
    torso = made.truth3d[:, LSP_14.indices("l_shoulder", "r_shoulder", "l_hip", "r_hip")].mean(1)
    distance = np.linalg.norm(torso, axis=-1)
    assert 3.9 < distance.min() < 4.1 and 5.9 < distance.max() < 6.1  # LSP's hips are not SMPL's
    longer = made.size.max(1)
    fov = 2 * np.degrees(np.arctan(longer / 2 / made.K_true[:, 0, 0]))
    assert 45 <= fov.min() < 45.1 and 54.9 < fov.max() <= 55
    assert np.allclose(2 * np.degrees(np.arctan(longer / 2 / made.K_told[:, 0, 0])), 50)
    assert set(map(tuple, made.size.tolist())) == {(1000, 750), (750, 1000)}
    middle = np.abs(made.K_true[:, :2, :2] @ (torso[:, :2, None] / torso[:, 2, None, None]))[..., 0]
    assert (middle[:, 0] <= 0.12 * made.size[:, 0]).all() and (middle[:, 1] <= 0.07 * made.size[:, 1]).all()


def test_people_are_seen_from_all_around_and_mostly_from_eye_level() -> None:
    upright = np.repeat(landmarks_of(load_body("open", "neutral"), np.zeros((1, 10)), np.zeros((1, 24, 3)), np.zeros((1, 3))), 4000, 0)  # fmt: skip
    made = simulate(upright, SMPL_24, Condition(), np.random.default_rng(0))
    up = made.truth3d[:, SMPL_24.index("head")] - made.truth3d[:, SMPL_24.index("pelvis")]
    up /= np.linalg.norm(up, axis=-1, keepdims=True)
    left = made.truth3d[:, SMPL_24.index("l_hip")] - made.truth3d[:, SMPL_24.index("r_hip")]
    azimuth = np.degrees(np.arctan2(left[:, 2], left[:, 0])) % 360
    counts = np.histogram(azimuth, 8, (0, 360))[0]
    assert counts.min() > 420 and counts.max() < 580  # 500 each, give or take four deviations
    assert (up[:, 1] < -0.7).all()  # nobody stands on the head: image y grows downwards
    tilt = np.degrees(np.arcsin(-up[:, 2]))
    assert 3 < np.median(tilt) < 7  # from a little above


@pytest.mark.parametrize("noise", [0.02, 0.05])
def test_noise_has_the_size_asked_for(noise: float) -> None:
    made = queries(Condition(noise), 2000)
    share = (made.joints2d - made.truth2d) / made.torso_px[:, None, None]
    assert abs(share.std() / noise - 1) < 0.02  # 56,000 draws: six deviations
    assert abs(share.mean()) < 5 * noise / np.sqrt(share.size)


@pytest.mark.parametrize(
    ("mask", "skeleton", "missing"),
    [
        ("none", LSP_14, 0),
        ("ankles", LSP_14, 2),
        ("one arm", LSP_14, 2),
        ("any four", LSP_14, 4),
        ("below hips", LSP_14, 4),
        ("one arm", SMPL_24, 3),
        ("below hips", SMPL_24, 6),
        ("any four", COCO_17, 4),
        ("ankles", COCO_17, 2),
    ],
)
def test_masks_take_the_joints_they_name(mask: str, skeleton: Skeleton, missing: int) -> None:
    made = queries(Condition(0.02, mask), 400, skeleton)
    gone = np.isnan(made.joints2d).any(-1)
    assert (gone.sum(1) == missing).all()
    assert np.array_equal(gone, np.isnan(made.joints2d).all(-1))
    names = [{joint for joint, g in zip(skeleton.joints, row, strict=True) if g} for row in gone]
    if mask == "one arm":
        assert {name[0] for row in names for name in row} == {"l", "r"}
        assert all(len({name[0] for name in row}) == 1 for row in names)
        assert set.union(*names) >= {"l_elbow", "r_wrist"}
    if mask == "ankles":
        assert all(row == {"l_ankle", "r_ankle"} for row in names)
    if mask == "below hips":
        assert all({"l_knee", "r_ankle"} <= row for row in names)
        assert not any("hip" in name for name in names[0])
    if mask == "any four":
        assert gone.mean(0).min() / gone.mean(0).max() > 0.5  # no joint is spared
        assert len({tuple(row) for row in gone.tolist()}) > 250


def test_cuts_shift_the_principal_point_and_nothing_else() -> None:
    whole, cut = queries(Condition(0.0)), queries(Condition(0.0, crop="person"))
    shift = whole.K_true[:, :2, 2] - cut.K_true[:, :2, 2]
    assert np.abs(whole.truth2d - cut.truth2d - shift[:, None]).max() < 1e-9
    assert np.array_equal(whole.truth3d, cut.truth3d)
    assert np.array_equal(whole.K_true[:, :2, :2], cut.K_true[:, :2, :2])
    assert (cut.truth2d > 0).all() and (cut.truth2d < cut.size[:, None]).all()
    assert np.array_equal(cut.K_told[:, :2, 2] * 2, cut.size)
    off = np.abs(cut.K_true[:, :2, 2] - cut.size / 2)
    assert np.median(off) > 30  # far from the middle, and nobody tells


def test_a_photo_cut_at_the_waist_lacks_what_is_below() -> None:
    made = queries(Condition(0.0, crop="waist"), 300)
    below = made.truth2d[..., 1] > made.size[:, 1:]
    assert np.array_equal(np.isnan(made.joints2d).any(-1), below)
    hips = LSP_14.indices("l_hip", "r_hip")
    assert not below[:, hips].any()
    assert below[:, LSP_14.indices("l_ankle", "r_ankle")].mean() > 0.9


def test_same_generator_same_people_under_every_condition() -> None:
    first = queries(Condition())
    again = queries(Condition())
    assert all(
        np.array_equal(getattr(first, name), getattr(again, name), equal_nan=True)
        for name in ("joints2d", "truth2d", "truth3d", "K_true", "K_told", "size", "torso_px")
    )
    for other in (Condition(0.05), Condition(mask="any four"), Condition(told_fov_deg=90)):
        assert np.array_equal(queries(other).truth3d, first.truth3d)
    noisy = queries(Condition(0.04)).joints2d - first.truth2d
    assert np.allclose(noisy, 2 * (first.joints2d - first.truth2d), atol=1e-9)
    few = simulate(people(40)[:5], LSP_14, Condition(), np.random.default_rng(0))
    assert np.allclose(few.joints2d, first.joints2d[:5], rtol=0, atol=1e-9)
    assert not np.array_equal(queries(Condition(), seed=1).truth3d, first.truth3d)


def test_told_field_of_view() -> None:
    told = queries(Condition(told_fov_deg=90.0)).K_told
    assert np.allclose(told[:, 0, 0], 500)  # half the longer side over tan 45 degrees


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"noise": -0.1}, "noise"),
        ({"noise": 2.0}, "noise"),
        ({"mask": "head"}, "mask: expected one of none"),
        ({"crop": "square"}, "crop"),
        ({"told_fov_deg": 180.0}, "told field of view"),
    ],
)
def test_conditions_that_make_no_sense(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(Condition(), **change)
