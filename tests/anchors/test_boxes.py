"""Boxes and their units."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from posecorpus.anchors.boxes import MARGIN, from_box_units, in_box_units, joint_boxes, upper_body
from posecorpus.core.skeletons import SKELETONS


@given(st.integers(0, 2**32 - 1))
def test_units_and_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    joints = rng.normal(0, 10 ** rng.uniform(-1, 3), (4, 13, 2))
    boxes = joint_boxes(joints)
    units = in_box_units(joints, boxes)
    # The outermost joints are the margin's share away from the box, which is 1 + 2 margins of them wide.
    inset = MARGIN / (1 + 2 * MARGIN)
    np.testing.assert_allclose(units.min(1), inset, atol=1e-9)
    np.testing.assert_allclose(units.max(1), 1 - inset, atol=1e-9)
    np.testing.assert_allclose(from_box_units(units, boxes), joints, rtol=1e-9, atol=1e-6)


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 50), st.floats(-500, 500))
def test_units_know_neither_scale_nor_place(seed: int, scale: float, shift: float) -> None:
    joints = np.random.default_rng(seed).normal(size=(13, 2))
    moved = joints * scale + shift
    one, other = (in_box_units(points, joint_boxes(points)) for points in (joints, moved))
    np.testing.assert_allclose(one, other, atol=1e-8)


def test_joints_that_are_not_known_do_not_count() -> None:
    joints = np.array([[[1.0, 2.0], [np.nan, np.nan], [3.0, 8.0]], [[np.nan] * 2] * 3])
    np.testing.assert_allclose(joint_boxes(joints)[0], [0.8, 1.4, 3.2, 8.6])
    assert np.isnan(joint_boxes(joints)[1]).all()


def test_a_pose_in_one_point_has_finite_units() -> None:
    joints = np.full((5, 2), 7.0)
    assert np.isfinite(in_box_units(joints, joint_boxes(joints))).all()


def test_hips_are_of_the_upper_body_and_all_below_them_is_not() -> None:
    for skeleton in SKELETONS.values():
        upper = {skeleton.joints[i] for i in upper_body(skeleton)}
        below = {j for j in skeleton.joints if j[2:] in ("knee", "ankle", "foot")}
        assert upper == set(skeleton.joints) - below and len(below) >= 4
        assert {"l_hip", "r_hip", "l_wrist"} <= upper
        for child, parent in enumerate(skeleton.parents):
            if parent >= 0 and skeleton.joints[parent] in below:
                assert skeleton.joints[child] in below, "what hangs on a knee is below it"
