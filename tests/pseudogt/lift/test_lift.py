"""The lifter: the published formula, what it refuses, and what must not matter."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lift_people import errors_mm, library_of, people, photos

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import LSP_14, TORSO
from posecorpus.pseudogt.lift.lift import Lifter
from posecorpus.pseudogt.lift.lifted import Lifted, LiftSettings, Method
from posecorpus.pseudogt.lift.perspective import to_pixels, to_rays

LIBRARY = library_of(people(150, 1))
METHODS: tuple[Method, ...] = ("nn", "soft", "depth")
LIFTERS = {method: Lifter(LIBRARY, LSP_14, LiftSettings(method, k=12)) for method in METHODS}


def _same(a: Lifted, b: Lifted, rows_a, rows_b) -> None:
    for field in fields(Lifted):
        np.testing.assert_array_equal(getattr(a, field.name)[rows_a], getattr(b, field.name)[rows_b])


def test_nn_is_equation_9() -> None:
    pixels, K, _ = photos(people(12, 2), 3, noise=0.02)
    pixels[np.random.default_rng(4).random((12, 14)) < 0.25] = np.nan
    lifted = LIFTERS["nn"].lift(pixels, K)
    views = LIBRARY.joints3d(np.arange(len(LIBRARY)), LSP_14)
    for q in range(12):
        on = np.isfinite(pixels[q, :, 0])
        p = pixels[q, on] - pixels[q, on].mean(0)
        m = views[:, on, :2] - views[:, on, :2].mean(1, keepdims=True)
        unit = m / np.linalg.norm(m, axis=(1, 2), keepdims=True)
        distances = np.linalg.norm(unit - p / np.linalg.norm(p), axis=(1, 2))
        nearest = int(distances.argmin())
        assert lifted.views[q, 0] == nearest
        assert lifted.distances[q, 0] == pytest.approx(distances[nearest], abs=1e-6)
        # Its 3D pose as seen from its view, moved but not turned.
        moved = lifted.joints3d[q] - views[nearest]
        np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), atol=1e-9)
        # Its 2D, scaled and moved onto the annotation, where joints are missing.
        design = np.zeros((2 * on.sum(), 3))
        design[:, 0] = views[nearest, on, :2].ravel()
        design[0::2, 1] = design[1::2, 2] = 1
        scale, x, y = np.linalg.lstsq(design, pixels[q, on].ravel(), rcond=None)[0]
        expected = scale * views[nearest, :, :2] + [x, y]
        np.testing.assert_allclose(lifted.joints2d[q, ~on], expected[~on], rtol=1e-6)


def test_soft_is_between_its_matches() -> None:
    pixels, K, _ = photos(people(5, 5), 6)
    lifted = LIFTERS["soft"].lift(pixels, K)
    torso = LSP_14.indices(*TORSO)
    matches = lifted.hypotheses - lifted.hypotheses[:, :, torso].mean(2, keepdims=True)
    mean = np.einsum("qk,qkja->qja", lifted.weights, matches)
    assert errors_mm(lifted.joints3d, mean).max() < 1e-2
    assert (np.diff(lifted.weights, axis=1) <= 1e-12).all()


def test_poses_of_the_library_come_back() -> None:
    pixels, K, truth = photos(LIBRARY.poses[::15].astype(float), 7)
    errors = errors_mm(Lifter(LIBRARY, LSP_14, LiftSettings(noise=0.0)).lift(pixels, K).joints3d, truth)
    assert np.median(errors) < 10
    assert errors.mean() < 20


@pytest.mark.parametrize("missing", [(), ("l_wrist", "l_elbow", "r_ankle", "head_top")])
def test_depth_beats_the_published_method(missing: tuple[str, ...]) -> None:
    pixels, K, truth = photos(people(100, 8), 9, noise=0.02)
    pixels[:, LSP_14.indices(*missing)] = np.nan
    error = {m: errors_mm(LIFTERS[m].lift(pixels, K).joints3d, truth).mean() for m in METHODS}
    assert error["depth"] < 0.6 * error["nn"]
    assert error["depth"] < 0.8 * error["soft"]


def test_bones_keep_their_lengths() -> None:
    pixels, K, truth = photos(people(60, 10), 11, noise=0.02)
    lifted = LIFTERS["depth"].lift(pixels, K)
    for a, b in (("l_knee", "l_ankle"), ("r_elbow", "r_wrist"), ("l_hip", "r_hip")):
        i, j = LSP_14.indices(a, b)
        lengths = [np.linalg.norm(x[:, i] - x[:, j], axis=-1) for x in (lifted.joints3d, truth)]
        assert np.abs(lengths[0] / lengths[1] - 1).mean() < 0.02


@given(
    st.sampled_from(METHODS),
    st.lists(st.booleans(), min_size=14, max_size=14).filter(lambda on: sum(on) >= 4),
    st.integers(0, 9),
)
@settings(max_examples=60)
def test_any_mask_gives_a_whole_person(method: Method, on: list[bool], person: int) -> None:
    pixels, K, _ = photos(people(10, 12), 13, noise=0.02)
    pixels, K = pixels[[person]], K[[person]]
    pixels[:, ~np.array(on)] = np.nan
    lifted = LIFTERS[method].lift(pixels, K)
    assert lifted.refused[0] is None
    np.testing.assert_array_equal(lifted.completed[0], ~np.array(on))
    np.testing.assert_array_equal(lifted.joints2d[0, on], pixels[0, on])
    assert np.isfinite(lifted.joints2d).all()
    assert (lifted.joints3d[..., 2] > 0).all()
    assert np.isfinite(lifted.hypotheses).all()
    assert np.isfinite(lifted.spread_mm).all()
    assert lifted.weights.sum() == pytest.approx(1)
    assert (lifted.weights >= 0).all()
    residual = to_pixels(lifted.joints3d, K)[0, on] - pixels[0, on]
    assert lifted.residual_px[0] == pytest.approx(np.sqrt((residual**2).sum(1).mean()))
    assert (np.diff(lifted.distances) >= 0).all()


def test_a_mirrored_person_gives_the_mirror_image() -> None:
    pixels, K, _ = photos(people(20, 14), 15, noise=0.02)
    pixels[::3, LSP_14.indices("l_wrist", "r_knee")] = np.nan
    lifted = LIFTERS["depth"].lift(pixels, K)
    flipped = LIFTERS["depth"].lift((pixels * [-1, 1] + [1000, 0])[:, LSP_14.mirror], K)
    np.testing.assert_allclose(
        flipped.joints3d[:, LSP_14.mirror] * [-1, 1, 1], lifted.joints3d, rtol=1e-6, atol=1e-6
    )
    np.testing.assert_array_equal(flipped.views[:, 0], lifted.views[:, 0])
    np.testing.assert_array_equal(flipped.mirrored[:, 0], ~lifted.mirrored[:, 0])


def test_scale_and_place_of_the_picture_do_not_matter() -> None:
    pixels, K, _ = photos(people(10, 16), 17, noise=0.02)
    change = np.array([[2.5, 0, 40], [0, 2.5, -70], [0, 0, 1.0]])
    for lifter in LIFTERS.values():
        a, b = lifter.lift(pixels, K), lifter.lift(pixels * 2.5 + [40, -70], change @ K)
        np.testing.assert_allclose(a.joints3d, b.joints3d, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(2.5 * a.residual_px, b.residual_px, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("quarter_turns", [1, 2])
def test_people_on_their_side_or_head_are_lifted_and_look_poorly_matched(
    method: Method, quarter_turns: int
) -> None:
    pixels, K, _ = photos(people(20, 18), 19)
    x, y = np.moveaxis(pixels - 500, -1, 0)
    turned = np.stack([-y, x] if quarter_turns == 1 else [-x, -y], -1) + 500
    upright, lying = LIFTERS[method].lift(pixels, K), LIFTERS[method].lift(turned, K)
    assert all(reason is None for reason in lying.refused)
    assert (lying.joints3d[..., 2] > 0).all()
    assert np.median(lying.distances[:, 0]) > 2 * np.median(upright.distances[:, 0])


def test_people_cropped_at_the_hips_get_legs() -> None:
    pixels, K, _ = photos(people(40, 20), 21, noise=0.02)
    legs = LSP_14.indices("l_knee", "r_knee", "l_ankle", "r_ankle")
    pixels[:, legs] = np.nan
    lifted = LIFTERS["depth"].lift(pixels, K)
    assert lifted.completed[:, legs].all()
    assert lifted.completed.sum() == 4 * 40
    ankles = lifted.joints3d[:, LSP_14.indices("l_ankle", "r_ankle"), 1].mean(1)
    assert (ankles > lifted.joints3d[:, LSP_14.indices("l_hip", "r_hip"), 1].mean(1)).mean() > 0.9
    assert lifted.deviation_mm[:, legs].mean() > 2 * np.delete(lifted.deviation_mm, legs, 1).mean()


@pytest.mark.parametrize("method", METHODS)
def test_who_cannot_be_lifted_is_told_why_and_disturbs_nobody(method: Method) -> None:
    pixels, K, _ = photos(people(6, 22), 23, noise=0.02)
    pixels[1] = np.nan
    pixels[2, 3:] = np.nan
    pixels[3] = 77.0
    pixels[4, 0, 1] = np.inf
    lifted = LIFTERS[method].lift(pixels, K)
    assert lifted.refused[1] == "0 usable joints, at least 4 are needed"
    assert lifted.refused[2] == "3 usable joints, at least 4 are needed"
    assert lifted.refused[3] == "all joints lie on one point"
    assert lifted.refused[4] == "a joint is not finite"
    for row in (1, 2, 3, 4):
        assert np.isnan(lifted.joints3d[row]).all()
        assert (lifted.views[row] == -1).all()
        np.testing.assert_array_equal(lifted.joints2d[row], pixels[row])
    _same(lifted, LIFTERS[method].lift(pixels[[0, 5]], K[[0, 5]]), [0, 5], [0, 1])


def test_nobody_is_lifted_from_nothing() -> None:
    lifted = LIFTERS["depth"].lift(np.empty((0, 14, 2)), np.empty((0, 3, 3)))
    assert lifted.joints3d.shape == (0, 14, 3)


@pytest.mark.parametrize("method", METHODS)
def test_threads_and_company_do_not_matter(method: Method) -> None:
    pixels, K, _ = photos(people(150, 24), 25, noise=0.02)
    together = Lifter(LIBRARY, LSP_14, LiftSettings(method, k=12), threads=3).lift(pixels, K)
    alone = LIFTERS[method].lift(pixels[140:], K[140:])
    _same(together, alone, slice(140, None), slice(None))


def test_subjects_can_be_left_out() -> None:
    pixels, K, _ = photos(LIBRARY.poses[:9].astype(float), 26)
    excluded = np.array([0, 1, 2] * 3, np.int32)
    for method in METHODS:
        lifted = LIFTERS[method].lift(pixels, K, exclude=excluded)
        matched = LIBRARY.subject_of_pose[lifted.views // LIBRARY.views]
        assert (matched != excluded[:, None]).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_library_of_fewer_views_than_asked_for(method: Method) -> None:
    small = library_of(people(2, 27), views=3, subjects=1)
    pixels, K, _ = photos(people(4, 28), 29)
    lifted = Lifter(small, LSP_14, LiftSettings(method, k=50)).lift(pixels, K)
    none = lifted.views < 0
    assert none.any()
    assert (lifted.weights[none] == 0).all()
    assert np.isinf(lifted.distances[none]).all()
    assert np.isfinite(lifted.joints3d).all()
    assert np.isfinite(lifted.hypotheses).all()
    assert np.isfinite(lifted.spread_mm).all()


def test_wrong_shapes_and_cameras_are_refused() -> None:
    pixels, K, _ = photos(people(2, 30), 31)
    with pytest.raises(InputError, match="joints2d"):
        LIFTERS["nn"].lift(pixels[:, :13], K)
    with pytest.raises(InputError, match="K: expected"):
        LIFTERS["nn"].lift(pixels, K[:1])
    K[1, 0, 0] = -5
    with pytest.raises(InputError, match="person 1"):
        LIFTERS["nn"].lift(pixels, K)
    with pytest.raises(InputError, match="k: expected at least 1"):
        Lifter(LIBRARY, LSP_14, LiftSettings(k=0))


def test_annotated_joints_are_kept_as_they_are_and_near_their_rays() -> None:
    pixels, K, truth = photos(people(30, 32), 33)
    lifted = LIFTERS["depth"].lift(pixels, K)
    rays = to_rays(pixels, K)
    off = lifted.joints3d[..., :2] - rays * lifted.joints3d[..., 2:]
    assert 1000 * np.linalg.norm(off, axis=-1).mean() < 20  # twice the noise that is assumed
    assert np.median(np.abs(lifted.joints3d[..., 2].mean(1) / truth[..., 2].mean(1) - 1)) < 0.05
