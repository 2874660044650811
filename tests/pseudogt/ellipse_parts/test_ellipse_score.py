"""IoU and fitting where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from random_people import random_people

from posecorpus.core.ellipses import naive_constants, plan_shapes
from posecorpus.core.parts import H36M_25_PARTS, SMPL_24_PARTS, SURREAL_14_PARTS, merge_table
from posecorpus.core.sample import Person, Sample
from posecorpus.core.skeletons import FULL_42, LSP_14
from posecorpus.pseudogt.ellipse_parts.draw import draw_batch
from posecorpus.pseudogt.ellipse_parts.fit import DRAWINGS, drawn_forms, fit_constants, fit_proportions
from posecorpus.pseudogt.ellipse_parts.score import (
    SIDE,
    UNKNOWN,
    Drawing,
    Truth,
    confusion,
    mean_score,
    part_ious,
    read_truth,
    score,
)


def truth_of(constants, images=24):
    """People whose true parts are ellipses of known constants, as ids of ``smpl_24``."""
    joints2d, joints3d = random_people(np.random.default_rng(0), FULL_42, images, 1)
    windows = np.tile([0.0, -4, 52, 48], (images, 1))
    drawn, _ = draw_batch(joints2d, joints3d, plan_shapes(constants, FULL_42), SIDE, SIDE, windows)
    merge = merge_table(SMPL_24_PARTS, SURREAL_14_PARTS)
    back = np.zeros(256, np.uint8)
    for i in range(24, 0, -1):
        back[merge[i]] = i
    return Truth(joints2d, joints3d, windows, back[drawn])


def test_perfect_masks_score_one():
    constants = naive_constants("surreal_14")
    truth = truth_of(constants)
    assert set(score(truth, constants, Drawing()).values()) == {1.0}
    worse = score(truth, constants.with_shape("thigh", radius=0.1), Drawing())
    assert worse["upper_leg"] < 0.8 < worse["head"] == 1.0
    assert mean_score(score(truth, constants, Drawing(LSP_14))) < 1.0


def test_fitting_finds_the_constants_that_drew_the_truth():
    known = naive_constants("surreal_14")
    truth = truth_of(known)
    start = (
        known.with_shape("thigh", radius=0.21).with_shape("head", radius=0.14).with_shape("calf", radius=0.15)
    )
    found = fit_constants(truth, start, measures=["radius"], drawings=[Drawing()])
    before, after = (mean_score(score(truth, c, Drawing())) for c in (start, found))
    assert before < 0.92 and after > 0.98
    for key in ("thigh", "head", "calf", "arm", "forearm"):
        assert found.shapes[key].radius == pytest.approx(known.shapes[key].radius, rel=0.06)
        assert found.shapes[key].length == known.shapes[key].length


def test_proportions_are_the_renders_own():
    truth = truth_of(naive_constants("surreal_14"))
    doubled = truth.joints3d * 2.0
    fitted = fit_proportions(truth, naive_constants("surreal_14")).proportions
    again = fit_proportions(
        Truth(truth.joints2d, doubled, truth.windows, truth.parts), naive_constants("surreal_14")
    )
    assert fitted == again.proportions
    assert fitted["torso"] == 1.0
    i = FULL_42.index
    lengths = [
        np.nanmean(np.linalg.norm(truth.joints3d[:, 0, i(f"{s}_knee")] - truth.joints3d[:, 0, i(f"{s}_ankle")], axis=-1))
        for s in "lr"
    ]  # fmt: skip
    torso = truth.joints3d[:, 0, [i("l_shoulder"), i("r_shoulder")]].mean(1) - truth.joints3d[
        :, 0, [i("l_hip_lsp"), i("r_hip_lsp")]
    ].mean(1)
    expected = np.mean(lengths) / np.nanmean(np.linalg.norm(torso, axis=-1))
    assert fitted["l_shin"] == fitted["r_shin"] == pytest.approx(expected, abs=1e-4)


def test_a_joint_counts_for_either_part_it_joins():
    ids = {name: i for i, name in H36M_25_PARTS.legend.items()}
    table = np.zeros((256, 256), np.int64)
    table[ids["l_thigh"], ids["l_thigh"]] = 60
    table[ids["l_thigh"], ids["l_knee"]] = 10
    table[ids["l_calf"], ids["l_calf"]] = 50
    table[ids["l_calf"], ids["l_knee"]] = 5
    table[0, ids["l_knee"]] = 15
    table[ids["l_calf"], 0] = 20
    table[ids["r_thigh"], ids["l_knee"]] = 30
    ious = part_ious(table, H36M_25_PARTS)
    # Thigh: 60 + 10 right; drawn besides on background and on the other thigh; 30 of the other thigh missed.
    assert ious["thigh"] == pytest.approx(70 / (70 + 15 + 30 + 30))
    assert ious["calf"] == pytest.approx(55 / (55 + 20))
    # The left limb as a whole: true 145, drawn 170, both 125; the right one: true 30, drawn 0.
    assert ious["knee"] == pytest.approx(125 / ((145 + 170 - 125) + 30))
    # The hips are drawn nowhere, so their row is thigh and crotch without them.
    assert ious["hip"] == pytest.approx(60 / (60 + 10 + 30))
    assert np.isnan(ious["head"])
    assert mean_score(ious) == pytest.approx(np.mean([v for v in ious.values() if not np.isnan(v)]))


def test_a_lattice_has_the_pixels_of_the_image_and_none_beyond():
    rng = np.random.default_rng(2)
    joints2d, joints3d = random_people(rng, FULL_42, 1, 1)
    for size, box in (
        ((60, 80), (slice(5, 50), slice(0, 30))),
        ((300, 500), (slice(10, 290), slice(100, 480))),
    ):
        parts = np.zeros(size, np.uint8)
        parts[box] = rng.integers(1, 25, parts[box].shape)
        person = Person(
            "full_42",
            joints2d[0, 0].astype(np.float32),
            np.full(42, 2, np.uint8),
            np.zeros(4, np.float32),
            joints3d=joints3d[0, 0].astype(np.float32),
        )
        sample = Sample("a", size[1], size[0], [person], parts=parts)
        empty = Sample("b", size[1], size[0], [], parts=parts)
        truth = read_truth([sample, empty])
        assert len(truth) == 1
        x0, y0, x1, y1 = truth.windows[0]
        step = (x1 - x0) / SIDE
        assert step == (y1 - y0) / SIDE == round(step)
        for row, column in rng.integers(0, SIDE, (200, 2)):
            x, y = x0 + (column + 0.5) * step, y0 + (row + 0.5) * step
            assert x % 1 == y % 1 == 0.5  # the centre of a pixel
            inside = 0 <= x < size[1] and 0 <= y < size[0]
            assert truth.parts[0, row, column] == (parts[int(y), int(x)] if inside else UNKNOWN)
        seen = (truth.parts[0] > 0) & (truth.parts[0] != UNKNOWN)
        assert seen.sum() * step**2 == pytest.approx((parts > 0).sum(), rel=0.1)


def test_workers_and_unknown_pixels_do_not_change_the_count():
    truth = truth_of(naive_constants("surreal_14"), images=40)
    one, two = (confusion(truth, naive_constants("surreal_14"), Drawing(depth=False), w) for w in (1, 2))
    np.testing.assert_array_equal(one, two)
    assert one.sum() == truth.parts.size
    truth.parts[:, :10] = UNKNOWN
    assert confusion(truth, naive_constants("surreal_14"), Drawing()).sum() == truth.parts[:, 10:].size


def test_every_form_is_fitted_from_some_drawing():
    for taxonomy in ("h36m_25", "surreal_14"):
        drawn = {key for drawing in DRAWINGS for key in drawn_forms(taxonomy, drawing)}
        assert drawn == set(naive_constants(taxonomy).shapes)
