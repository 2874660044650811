"""Head sizes by hand, in each of the ways they can be known, and against MPII's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecorpus.core.cameras import Camera
from posecorpus.core.head_sizes import (
    LEAST_OF_TORSO,
    OF_LENGTH,
    OF_MPII_LENGTH,
    OF_PERSON,
    OF_TORSO,
    head_size_px,
    torso_px,
)
from posecorpus.core.sample import UNLABELLED, VISIBLE, Person
from posecorpus.core.skeletons import COCO_17, LSP_14, MPII_16, Skeleton
from posecorpus.pseudogt.photos.mpii import read_mpii

NAN = float("nan")


def person(joints: Skeleton, **places: tuple[float, float]) -> Person:
    """Somebody of whom some joints are labelled."""
    points = np.full((len(joints), 2), NAN, np.float32)
    for name, place in places.items():
        points[joints.index(name)] = place
    flags = np.where(np.isnan(points).any(-1), UNLABELLED, VISIBLE).astype(np.uint8)
    return Person(joints.name, points, flags, np.zeros(4, np.float32))


HEAD = {"neck": (50.0, 40.0), "head_top": (50.0, 20.0)}
TORSO = {"l_shoulder": (60.0, 45.0), "r_hip": (45.0, 81.0), "r_shoulder": (40.0, 45.0), "l_hip": (55.0, 81.0)}


def test_what_the_data_set_tells_comes_first() -> None:
    assert head_size_px(person(LSP_14, **HEAD), None, 12.5) == 12.5
    for nonsense in (NAN, 0.0, -3.0, None):
        assert head_size_px(person(LSP_14, **HEAD), None, nonsense) == pytest.approx(OF_LENGTH * 20)


def test_from_the_head_s_length_in_the_picture() -> None:
    assert head_size_px(person(LSP_14, **HEAD)) == pytest.approx(OF_LENGTH * 20)
    head = {"upper_neck": (50.0, 40.0), "head_top": (50.0, 20.0)}
    assert head_size_px(person(MPII_16, **head)) == pytest.approx(OF_MPII_LENGTH * 20)
    assert head_size_px(replace(person(MPII_16, **head), body="open")) == pytest.approx(OF_LENGTH * 20)


def test_a_foreshortened_head_is_as_large_as_the_torso_allows() -> None:
    tilted = {"neck": (50.0, 40.0), "head_top": (50.0, 39.0)}
    assert head_size_px(person(LSP_14, **tilted, **TORSO)) == pytest.approx(LEAST_OF_TORSO * 39)


def test_without_a_head_from_the_torso_and_without_that_from_the_person() -> None:
    assert head_size_px(person(LSP_14, **TORSO)) == pytest.approx(OF_TORSO * 39)
    ankles = {"l_ankle": (0.0, 0.0), "l_knee": (30.0, 40.0)}
    assert head_size_px(person(LSP_14, **ankles)) == pytest.approx(OF_PERSON * 50)
    assert np.isnan(head_size_px(person(LSP_14, l_ankle=(3.0, 3.0))))
    assert np.isnan(head_size_px(person(COCO_17)))


def test_the_torso_is_the_longer_diagonal_that_is_known() -> None:
    points = person(LSP_14, **(TORSO | {"r_hip": (60.0, 85.0)})).joints2d.astype(float)
    assert torso_px(points, LSP_14) == pytest.approx(40.0)
    points[LSP_14.index("r_hip")] = NAN
    assert torso_px(points, LSP_14) == pytest.approx(39.0)
    points[LSP_14.index("l_hip")] = NAN
    assert np.isnan(torso_px(points, LSP_14))


@given(st.floats(-80, 80), st.floats(2, 10))
def test_in_space_a_tilted_head_is_as_large_as_an_upright_one(tilt_deg: float, depth_m: float) -> None:
    camera = Camera.from_fov(60, 640, 480)
    space = np.full((14, 3), NAN, np.float32)
    tilt = np.radians(tilt_deg)
    half = 0.1 * np.array([0, -np.cos(tilt), np.sin(tilt)])
    space[LSP_14.indices("neck", "head_top")] = np.array([-half, half]) + [0.3, 0.1, depth_m]
    someone = replace(person(LSP_14, **HEAD), joints3d=space)
    expected = OF_LENGTH * 0.2 * camera.K[0, 0] / depth_m
    assert head_size_px(someone, camera) == pytest.approx(expected, rel=1e-5)
    assert head_size_px(someone, None) == pytest.approx(OF_LENGTH * 20)  # no camera: from the picture


def test_mpii_s_own_head_sizes_follow_from_its_joints(data: Path) -> None:
    read = read_mpii(data / "pose2d" / "mpii" / "valid.h5")
    ratios = []
    for photo in read.photos:
        for someone in photo.people:
            known = np.isfinite(someone.joints[MPII_16.indices("upper_neck", "head_top")]).all()
            if known:
                flags = someone.visibility.copy()
                flags[MPII_16.indices("l_hip", "r_hip")] = UNLABELLED  # the torso sets no bound
                points = someone.joints.astype(np.float32)
                points[flags == UNLABELLED] = NAN
                guess = head_size_px(Person("mpii_16", points, flags, np.zeros(4, np.float32)))
                ratios.append(guess / someone.details["head_size_px"])
    assert len(ratios) > 2900
    assert np.median(ratios) == pytest.approx(1, abs=0.002)
    assert np.percentile(ratios, [1, 99]) == pytest.approx(1, abs=0.03)
