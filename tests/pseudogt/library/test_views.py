"""Views cover every direction of the range, for each pose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from library_people import CLIPS, random_people
from numpy.typing import NDArray

from posecorpus.core.skeletons import FULL_42, LSP_14
from posecorpus.pseudogt.library.build import build_library
from posecorpus.pseudogt.library.store import view_rotations
from posecorpus.pseudogt.library.views import spread_views


def directions(azimuth: NDArray[np.floating], elevation: NDArray[np.floating]) -> NDArray[np.float64]:
    """Unit vectors towards the cameras."""
    return -view_rotations(azimuth, elevation)[..., 2, :]


def farthest_deg(azimuth: NDArray[np.floating], elevation: NDArray[np.floating], low: float, high: float) -> float:  # fmt: skip
    """The largest angle from a direction of the range to its nearest view, on a grid of directions."""
    a, e = np.meshgrid(np.arange(0, 360, 2.0), np.linspace(low, high, 31))
    cosines = directions(a.ravel(), e.ravel()) @ directions(azimuth, elevation).T
    return float(np.degrees(np.arccos(np.clip(cosines.max(1).min(), -1, 1))))


def ideal_deg(views: int, low: float, high: float) -> float:
    """The same if each view had a hexagon of the sphere's area between the elevations to itself."""
    area = 2 * np.pi * (np.sin(np.radians(high)) - np.sin(np.radians(low))) / views
    return float(np.degrees(np.sqrt(2 * area / (3 * np.sqrt(3)))))


@settings(max_examples=30)
@given(
    st.integers(0, 2**40),
    st.integers(40, 400),
    st.sampled_from([(-20.0, 40.0), (-60.0, 60.0), (0.0, 10.0)]),
)
def test_no_direction_is_far_from_a_view(seed: int, views: int, span: tuple[float, float]) -> None:
    azimuth, elevation = spread_views(2, views, span, seed)
    # Views drawn at random leave gaps of about three times the ideal. A flat band is a circle: there the gaps
    # in azimuth count.
    limit = 2.3 * ideal_deg(views, *span) + (3.0 if span[1] - span[0] < 20 else 0.0)
    for pose in range(2):
        assert farthest_deg(azimuth[pose], elevation[pose], *span) < limit


def test_ranges_hold_and_poses_together_take_all_directions_evenly() -> None:
    azimuth, elevation = spread_views(4000, 120, (-20.0, 40.0), 1)
    assert azimuth.dtype == elevation.dtype == np.float32
    assert (azimuth >= 0).all() and (azimuth < 360).all()
    assert (elevation >= -20).all() and (elevation <= 40).all()
    counts = np.histogram2d(azimuth.ravel(), elevation.ravel(), bins=(36, 12))[0]
    assert abs(counts / counts.mean() - 1).max() < 0.1


def test_a_pose_has_its_own_views_whatever_block_it_is_in() -> None:
    whole = spread_views(20, 30, (0, 30), 5)
    part = spread_views(4, 30, (0, 30), 5, first=8)
    assert np.array_equal(whole[0][8:12], part[0]) and np.array_equal(whole[1][8:12], part[1])
    assert len(np.unique(whole[0])) == whole[0].size
    assert not np.array_equal(spread_views(20, 30, (0, 30), 6)[0], whole[0])


def test_extreme_requests() -> None:
    assert spread_views(0, 5, (0, 0), 0)[0].shape == (0, 5)
    azimuth, elevation = spread_views(3, 1, (10.0, 10.0), 0)
    assert azimuth.shape == (3, 1) and (elevation == 10).all()


@pytest.mark.parametrize(("azimuth", "elevation"), [(0.0, 0.0), (90.0, 0.0), (37.0, 25.0), (200.0, -20.0)])
def test_views_show_what_a_camera_there_shows(azimuth: float, elevation: float) -> None:
    """Against the pinhole camera of core, far away so that its rays are parallel."""
    from dataclasses import replace

    from posecorpus.core.cameras import Camera

    people = random_people(3, np.random.default_rng(0))
    library = build_library(people, np.zeros(3, int), np.arange(3), CLIPS, views=1)
    library = replace(
        library,
        azimuth_deg=np.full((len(library.poses), 1), azimuth, np.float32),
        elevation_deg=np.full((len(library.poses), 1), elevation, np.float32),
    )
    joints = library.joints3d(np.arange(len(library)), LSP_14)
    a, e = np.radians([azimuth, elevation])
    eye = 1e5 * np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
    camera = Camera.look_at(eye, (0, 0, 0), 1e5, 1000, 1000)
    picked = FULL_42.indices("r_ankle", "l_wrist", "head_top")
    pixels, depth = camera.project(library.poses[:, picked].astype(float))
    here = joints[:, LSP_14.indices("r_ankle", "l_wrist", "head_top")]
    assert np.abs(pixels - 500 - here[..., :2]).max() < 1e-3
    assert np.abs(depth - 1e5 - here[..., 2]).max() < 1e-3
    assert np.isfinite(joints).all()
