"""Candidates against the projection they were solved from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import view

from posecorpus.synth.crowd.arrangements import ARRANGEMENTS
from posecorpus.synth.crowd.meshes import Placement
from posecorpus.synth.crowd.stance import (
    MIDDLE_M,
    NEAR_M,
    NOWHERE,
    STANDS,
    UPRIGHT,
    Eye,
    Stance,
    beside,
    cut,
    overlapping,
)
from posecorpus.synth.ground import Ground


def at_height(places: np.ndarray, y: float | np.ndarray) -> np.ndarray:
    return np.column_stack([places[:, 0], np.broadcast_to(y, len(places)), places[:, 1]])


@given(st.integers(0, 10_000))
@settings(max_examples=60)
def test_places_in_columns_and_on_rows_project_there(seed: int) -> None:
    rng = np.random.default_rng(seed)
    camera, _ = view(rng)
    eye = Eye(camera)
    u, distance, y = rng.uniform(-40, 360, 20), rng.uniform(0.7, 9, 20), rng.uniform(0, 2)
    places = eye.in_column(u, distance, y)
    pixels, depth = camera.project(at_height(places, y))
    np.testing.assert_allclose(pixels[:, 0], u, atol=1e-6)
    np.testing.assert_allclose(eye.distance(places), distance, rtol=1e-9)
    assert (depth > 0).all()

    heights, ahead = rng.uniform(0, 2, 20), (places - eye.foot) / distance[:, None]
    for row in (0.0, 240.0):
        cuts = eye.cut_at(row, heights, ahead)
        real = np.isfinite(cuts[:, 0])
        np.testing.assert_allclose(camera.project(at_height(cuts, heights)[real])[0][:, 1], row, atol=1e-6)
        # Where there is none, the border's ray goes the other way: up from above the point, or down from below.
        away = eye.foot + 5 * ahead[~real]
        rows = camera.project(at_height(away, heights[~real]))[0][:, 1]
        assert ((rows < row) if row else (rows > row)).all() or not len(rows)


def test_ground_goes_on_out_of_sight_but_not_in_sight() -> None:
    rng = np.random.default_rng(4)
    camera, ground = view(rng)
    eye = Eye(camera)
    places = rng.uniform((-9, -12), (9, 1), (4000, 2))
    got = eye.stands(ground, places)
    on = ground.contains(places)
    pixels, depth = camera.project(at_height(places, 0.0))
    seen = (depth > 0) & (pixels >= 0).all(1) & (pixels <= (320, 240)).all(1)
    np.testing.assert_array_equal(got[on | seen], on[on | seen])
    # Beside the picture, level with the ground: yes; behind the camera: no.
    beside_it = ~on & ~seen & (places[:, 1] < -3) & (places[:, 1] > -8) & (np.abs(places[:, 0]) < 7)
    assert beside_it.sum() > 50 and got[beside_it].all()
    assert not got[depth <= 0].any()
    island = Ground(np.array([(-0.2, -5.0), (0.2, -5.0), (0.2, -4.6), (-0.2, -4.6)]))
    np.testing.assert_array_equal(eye.stands(island, places), island.contains(places))


@pytest.mark.parametrize("border", ["left", "right", "top", "bottom"])
def test_a_rod_as_tall_and_wide_as_a_person_is_cut_by_its_border(border: str) -> None:
    rng = np.random.default_rng(5)
    found = 0
    for _ in range(20):
        camera, _ = view(rng)
        rows = cut(rng, 16, Eye(camera), border, 1.7, (2.5, 8.0))
        rows = rows[np.isfinite(rows).all(1)]
        rows = rows[Eye(camera).distance(rows[:, :2]) >= NEAR_M]
        if border in ("left", "right"):
            u = camera.project(at_height(rows, MIDDLE_M))[0][:, 0]
            edge = 0 if border == "left" else 320
            reach = 0.3 * camera.K[0, 0] / np.hypot(*(rows[:, :2] - camera.centre[[0, 2]]).T)
            assert (np.abs(u - edge) <= reach + 1e-6).all()
        else:
            foot, head = (camera.project(at_height(rows, y))[0][:, 1] for y in (0.0, 1.7))
            edge = 0 if border == "top" else 240
            assert ((head < edge) & (edge < foot)).all()
        found += len(rows)
    assert found >= 20


def test_overlapping_candidates_are_before_or_beyond_within_the_distances() -> None:
    rng = np.random.default_rng(6)
    camera, _ = view(rng)
    eye = Eye(camera)
    for near in (2.6, 5.0, 7.9):
        other = eye.in_column(np.array([150.0]), np.array([near]), MIDDLE_M)[0]
        rows = overlapping(rng, 400, eye, (float(other[0]), float(other[1])), (2.5, 8.0))
        distance = eye.distance(rows[:, :2])
        assert distance.min() >= 2.5 - 1e-9 and distance.max() <= 8 + 1e-9
        assert (np.abs(distance - near) >= 0.4 - 1e-9).all()


@pytest.mark.parametrize("group", ARRANGEMENTS, ids=lambda group: group.name)
def test_groups_are_as_wide_as_their_spacing_says(group) -> None:
    rng = np.random.default_rng(7)
    first = group.slots[0]
    for member, slot in enumerate(group.slots[1:], 1):
        rows = beside(rng, 500, group, member, (1.0, -4.0), 0.6)
        unit = np.hypot(slot.x - first.x, slot.z - first.z)
        spacing = np.hypot(*(rows[:, :2] - (1.0, -4.0)).T) / unit
        low, high = group.spacing_m
        assert low - 1e-9 <= spacing.min() < low + 0.1 and high - 0.1 < spacing.max() <= high + 1e-9
        # Members look where the slot says, relative to the leader.
        turn = np.exp(1j * (rows[:, 2] - 0.6)).mean()
        wanted = np.exp(1j * np.radians(slot.turn_deg - first.turn_deg))
        assert abs(np.angle(turn / wanted)) < 0.1


def test_verdicts_are_those_of_the_parts() -> None:
    """Distance, middle, base, and both ends of a rod, each asked for by itself."""
    counts = np.zeros(3, int)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        camera, ground = view(rng)
        eye = Eye(camera)
        base = rng.uniform(-0.4, 0.4, (int(rng.integers(0, 9)), 2))
        stance = Stance((0.2, -0.1), base, 1.7, 0.6)
        rows = rng.uniform((-5, -10, -3), (5, 0, 3), (200, 3))
        rows[:3] = np.nan
        places, verdicts = eye.judge(ground, rows, (2.0, 7.0), stance)
        for row, (x, z, yaw), verdict in zip(rows, places, verdicts, strict=True):
            if np.isnan(row).any():
                assert verdict == NOWHERE
                continue
            at = Placement(x, z, yaw)
            assert yaw == row[2] - 0.6
            middle = at.apply([0.2, 0.0, -0.1])
            np.testing.assert_allclose(middle[[0, 2]], row[:2], atol=1e-12)
            points = np.concatenate([row[None, :2], at.apply(at_height(base, 0.0))[:, [0, 2]]])
            stands = eye.stands(ground, points).all() and 2 <= eye.distance(row[None, :2])[0] <= 7
            pixels, depth = camera.project(at_height(np.repeat(row[None, :2], 2, 0), np.array([0, 1.7])))
            whole = (depth > 0).all() and ((pixels > 0) & (pixels < (320, 240))).all()
            assert verdict == (UPRIGHT if stands and whole else STANDS if stands else NOWHERE)
            counts[verdict] += 1
    assert (counts > 50).all()
