"""Balanced drawing of poses: what is compared, how densities are told, and that draws fill the thin places."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import H36M_17, LCR_13, SKELETONS, Skeleton
from posecorpus.synth.balance import density
from posecorpus.synth.balance.coverage import as_json, coverage, spread
from posecorpus.synth.balance.density import counts_around, nearest, thin
from posecorpus.synth.balance.poses import (
    COMPARED,
    GRID_MM,
    comparable,
    limb_length,
    mirrored,
    shared_joints,
    twist,
)
from posecorpus.synth.balance.starts import draw_start, even_weights, running_sum, window_means
from posecorpus.synth.balance.weights import fill, thinness_weights

LENGTH_M = 4.0


def people(rng: np.random.Generator, count: int, noise_m: float = 0.1) -> np.ndarray:
    """Upright people that face +Z with limbs anywhere near."""
    rest = {
        "ankle": (0.1, 0.1), "knee": (0.1, 0.5), "hip": (0.1, 0.95), "wrist": (0.7, 1.4),
        "elbow": (0.45, 1.4), "shoulder": (0.18, 1.45), "head": (0.0, 1.65),
    }  # fmt: skip
    points = np.zeros((len(COMPARED), 3))
    for j, name in enumerate(COMPARED):
        x, y = rest[name.removeprefix("l_").removeprefix("r_")]
        points[j, :2] = (-x if name.startswith("r_") else x), y
    return points + rng.normal(0, noise_m, (count, *points.shape))


def grid(rng: np.random.Generator, count: int, centre_mm: float = 0.0, spread_mm: float = 40.0) -> np.ndarray:
    """Comparable poses around a place."""
    return np.rint((centre_mm + rng.normal(0, spread_mm, (count, 13, 3))) / GRID_MM).astype(np.int16)


def sheet(rng: np.random.Generator, count: int, centre_mm: float = 0.0) -> np.ndarray:
    """Comparable poses that differ in two ways only, by up to 20 cm each."""
    ways = np.zeros((2, 13, 3))
    ways[0, :, 0] = ways[1, :, 1] = 1
    places = rng.uniform(0, 200, (count, 2)) @ ways.reshape(2, -1)
    return np.rint((centre_mm + places) / GRID_MM).astype(np.int16).reshape(-1, 13, 3)


@given(st.integers(0, 2**32 - 1), st.floats(0.5, 2), st.floats(-np.pi, np.pi))
def test_place_size_and_facing_do_not_matter(seed: int, size: float, yaw: float) -> None:
    rng = np.random.default_rng(seed)
    joints = people(rng, 3)
    moved = size * joints @ Rotation.from_euler("y", yaw).as_matrix().T + rng.normal(0, 3, 3)
    here, there = (comparable(points, COMPARED, LENGTH_M) for points in (joints, moved))
    assert np.abs(here.astype(int) - there).max() <= 1  # one step of the grid: rounding


@given(st.floats(-3.1, 3.1), st.floats(-1.5, 1.5), st.floats(-np.pi, np.pi))
def test_the_twist_is_that_of_the_rotation(yaw: float, tilt: float, towards: float) -> None:
    """A swing about a level axis has no twist; scipy composes the two independently."""
    swing = Rotation.from_rotvec(tilt * np.array([np.cos(towards), 0, np.sin(towards)]))
    turned = (swing * Rotation.from_euler("y", yaw)).as_matrix()
    found = twist(turned[None, :, 0], turned[None, :, 1] + 0.3 * turned[None, :, 0])
    assert np.exp(1j * found[0]) == pytest.approx(np.exp(1j * yaw), abs=1e-9)


def test_lying_is_another_pose_than_standing() -> None:
    joints = people(np.random.default_rng(0), 1, 0.0)
    lying = joints @ Rotation.from_euler("x", 90, degrees=True).as_matrix().T
    stand, lie = (comparable(points, COMPARED, LENGTH_M) for points in (joints, lying))
    assert nearest(stand, lie, 1)[0][0, 0] > 300


def test_a_pose_is_centred_and_in_units_of_the_grid() -> None:
    joints = people(np.random.default_rng(1), 5)
    poses = comparable(joints, COMPARED, LENGTH_M)
    torso = [COMPARED.index(name) for name in ("l_shoulder", "r_shoulder", "l_hip", "r_hip")]
    assert np.abs(poses[:, torso].mean(1)).max() <= 1
    lengths = limb_length(poses * GRID_MM / 1000.0, COMPARED)
    np.testing.assert_allclose(lengths, LENGTH_M, atol=10 * GRID_MM / 1000)


def test_the_length_of_limbs_is_that_of_the_bones_named() -> None:
    joints = people(np.random.default_rng(0), 1, 0.0)
    arm = 0.7 - 0.45 + np.hypot(0.45 - 0.18, 0.05)
    assert limb_length(joints, COMPARED)[0] == pytest.approx(2 * (arm + 0.4 + 0.45 + np.hypot(0.08, 0.5)))
    without = [j for j, name in enumerate(COMPARED) if "wrist" not in name]
    shorter = limb_length(joints[:, without], [COMPARED[j] for j in without])
    assert shorter[0] == pytest.approx(limb_length(joints, COMPARED)[0] - 2 * 0.25)


@given(st.integers(0, 2**32 - 1))
def test_the_mirror_image_of_a_pose_is_the_pose_of_the_mirror_image(seed: int) -> None:
    joints = people(np.random.default_rng(seed), 4)
    reflected = joints[:, LCR_13.mirror] * np.array([-1, 1, 1])
    ours = mirrored(comparable(joints, COMPARED, LENGTH_M), COMPARED)
    assert np.abs(ours.astype(int) - comparable(reflected, COMPARED, LENGTH_M)).max() <= 1


def test_joints_are_those_that_all_skeletons_have() -> None:
    assert shared_joints(SKELETONS.values()) == tuple(j for j in COMPARED if j != "head")
    assert shared_joints([LCR_13]) == COMPARED
    assert shared_joints([H36M_17, LCR_13]) == shared_joints([H36M_17])
    legs = Skeleton("legs", ("l_hip", "r_hip"), (-1, 0), ("l_hip", "r_hip"))
    with pytest.raises(InputError, match="no l_shoulder"):
        shared_joints([LCR_13, legs])


# --- density -----------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
@settings(max_examples=20)
def test_neighbours_are_those_of_brute_force_exactly(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    queries, pool = grid(rng, 50, spread_mm=300), grid(rng, 40, spread_mm=300)
    squared = ((queries[:, None].astype(int) - pool[None]) ** 2).sum((-1, -2))
    distances, rows = nearest(queries, pool, k)
    np.testing.assert_array_equal(distances, GRID_MM * np.sqrt(np.sort(squared, 1)[:, :k] / 13))
    np.testing.assert_array_equal(np.take_along_axis(squared, rows, 1), np.sort(squared, 1)[:, :k])


def test_a_row_of_poses_is_thinned_out() -> None:
    rng = np.random.default_rng(3)
    walk = np.cumsum(rng.normal(0, 2, (400, 13, 3)), 0).round().astype(np.int16)
    kept = thin(walk, 10**6, apart_mm=30.0)
    ours = np.sqrt(((walk.astype(float) - kept.poses[kept.of_row]) ** 2).sum(-1).mean(-1)) * GRID_MM
    assert ours.max() <= 30.0
    steps = np.sqrt((np.diff(kept.poses.astype(float), axis=0) ** 2).sum(-1).mean(-1)) * GRID_MM
    assert steps.min() > 30.0
    np.testing.assert_array_equal(kept.mass, np.bincount(kept.of_row))
    assert kept.mass.sum() == 400
    assert 1 <= len(thin(walk, 7).poses) <= 7


def test_counts_follow_from_the_kth_neighbour() -> None:
    pool = np.zeros((6, 13, 3), np.int16)
    pool[:, :, 0] = np.array([0, 5, 10, 20, 40, 80])[:, None]  # 0, 10, 20, 40, 80, 160 mm
    mass = np.array([1.0, 2, 3, 4, 5, 6])
    counts = counts_around(pool[:1], pool, mass, 4, scale_mm=80.0)
    assert counts[0] == pytest.approx((1 + 2 + 3 + 4) * (80 / 40) ** density.POWER)
    assert counts_around(pool[:1], pool, mass, 99, scale_mm=80.0)[0] == pytest.approx(
        21 * (80 / 160) ** density.POWER
    )
    assert counts_around(pool, pool[:0], mass[:0], 4).tolist() == [0.0] * 6


def test_a_large_pool_is_thinned_out_without_losing_mass(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    pool, queries, mass = grid(rng, 4000), grid(rng, 50), rng.integers(1, 5, 4000).astype(float)
    whole = counts_around(queries, pool, mass, 40)
    monkeypatch.setattr(density, "MAX_POOL", 400)
    thinned = counts_around(queries, pool, mass, 4)
    assert thinned.sum() == pytest.approx(whole.sum(), rel=0.15)


# --- weights -----------------------------------------------------------------------------------------

amounts = st.lists(
    st.tuples(st.floats(1, 1e4), st.floats(0, 1e4), st.integers(1, 50)), min_size=1, max_size=30
)


@given(amounts, st.integers(1, 10**6))
def test_water_fills_the_low_places_to_one_level(places: list[tuple[float, float, int]], draws: int) -> None:
    around, before, mass = (np.array(column, float) for column in zip(*places, strict=True))
    expected = fill(around, before, mass, draws)
    assert (mass * expected).sum() == pytest.approx(draws, rel=1e-6)
    wet = expected > 0
    after = before + expected * around
    assert np.ptp(after[wet]) <= 1e-6 * after[wet].max()
    assert (before[~wet] >= after[wet].max() * (1 - 1e-6)).all()


def test_draws_go_where_the_reference_is_not() -> None:
    rng = np.random.default_rng(5)
    here, there = grid(rng, 300), grid(rng, 300, centre_mm=400)
    weights = thinness_weights(np.concatenate([here, there]), grid(rng, 3000), draws=300)
    assert weights.sum() == pytest.approx(1)
    assert weights[300:].sum() > 0.99


def test_without_a_reference_places_share_alike() -> None:
    """Nine times as many candidates in one of two places of one size: each still gets about half."""
    rng = np.random.default_rng(6)
    candidates = np.concatenate([sheet(rng, 900), sheet(rng, 100, centre_mm=500)])
    weights = thinness_weights(candidates, candidates[:0], draws=100)
    assert 0.4 < weights[:900].sum() < 0.6


def test_a_pause_weighs_as_much_as_one_pose() -> None:
    rng = np.random.default_rng(7)
    apart = grid(rng, 200, spread_mm=150)
    paused = np.concatenate([apart[:100], np.repeat(apart[100:101], 500, 0), apart[101:]])
    weights = thinness_weights(paused, paused[:0], draws=100)
    assert weights[100:600].sum() < 5 / 200


def test_mirrored_draws_make_a_side_as_good_as_the_other() -> None:
    rng = np.random.default_rng(8)
    left = comparable(people(rng, 200, 0.02) + _raised(0.5), COMPARED, LENGTH_M)
    candidates = np.concatenate([left, mirrored(left, COMPARED)])
    plain = thinness_weights(candidates, np.repeat(left, 5, 0), draws=100)
    twins = thinness_weights(candidates, np.repeat(left, 5, 0), draws=100, twins_of=COMPARED)
    assert plain[200:].sum() > 0.9
    assert twins[200:].sum() == pytest.approx(0.5, abs=0.05)


def _raised(height: float) -> np.ndarray:
    lift = np.zeros((13, 3))
    lift[COMPARED.index("l_wrist"), 1] = height
    return lift


def test_weights_depend_on_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(9)
    candidates, reference = grid(rng, 500, spread_mm=100), grid(rng, 200)
    first = thinness_weights(candidates, reference, draws=50)
    monkeypatch.setattr(density, "_BATCH", 37)
    np.testing.assert_array_equal(thinness_weights(candidates, reference, draws=50), first)


def test_what_cannot_be_balanced_is_refused() -> None:
    poses = grid(np.random.default_rng(0), 5)
    for candidates, reference, draws, k in (
        (poses[:0], poses, 1, 1),
        (poses, poses[:, :12], 1, 1),
        (poses, poses, 0, 1),
        (poses, poses, 1, 0),
    ):
        with pytest.raises(InputError, match="poses to balance"):
            thinness_weights(candidates, reference, draws, k)


# --- coverage ----------------------------------------------------------------------------------------


def line(*places_mm: float) -> np.ndarray:
    poses = np.zeros((len(places_mm), 13, 3), np.int16)
    poses[:, :, 1] = np.rint(np.array(places_mm) / GRID_MM)[:, None]
    return poses


def test_coverage_in_closed_form() -> None:
    covered = coverage(line(0, 0, 10, 430), line(0, 100, 200, 300, 400))
    assert covered.poses == 4
    assert covered.within == (2 / 5, 3 / 5, 4 / 5)  # gaps of 0, 90, 190, 130 and 30 mm
    assert covered.nearest_mm == pytest.approx((0 + 90 + 190 + 130 + 30) / 5)
    assert covered.cells == pytest.approx(4 / 27**0.25)  # shares 3/4 and 1/4
    assert as_json(covered)["within"] == {"50 mm": 0.4, "100 mm": 0.6, "150 mm": 0.8}
    assert as_json(coverage(line(), line(0)))["nearest_mm"] is None


def test_probes_are_spread_evenly_however_dense_the_poses() -> None:
    rng = np.random.default_rng(2)
    poses = np.concatenate([grid(rng, 2000, spread_mm=30), grid(rng, 50, spread_mm=200)])
    probes = spread(poses, 60)
    assert len(probes) == 60
    gap = nearest(poses, probes, 1)[0].max()
    between = nearest(probes, probes, 2)[0][:, 1].min()
    assert between >= gap  # what makes farthest-first even
    assert len(spread(np.repeat(poses[:3], 9, 0), 60)) == 3


# --- starts ------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 12), min_size=1, max_size=6), st.integers(1, 5), st.integers(0, 10**6))
def test_starts_weigh_the_mean_of_their_clip(extra: list[int], frames: int, seed: int) -> None:
    lengths = np.array(extra) + 1
    weights = np.random.default_rng(seed).integers(0, 5, lengths.sum()).astype(float)
    expected, end = [], 0
    for n in lengths:
        part = weights[end : end + n]
        expected += [part[i : i + frames].mean() if i + frames < n else 0.0 for i in range(n)]
        end += n
    np.testing.assert_allclose(running_sum(weights, lengths, frames), np.cumsum(expected), atol=1e-12)
    assert window_means(weights[:frames], frames).tolist() == [0.0] * min(frames, len(weights))


def test_frames_are_drawn_as_often_as_they_weigh() -> None:
    lengths = np.array([4, 1, 3])
    weights = np.array([1, 0, 5, 9, 9, 2, 0, 9.0])
    table = running_sum(weights, lengths, 1)
    rng = np.random.default_rng(0)
    counts: dict[tuple[int, int], int] = {}
    for _ in range(4000):
        drawn = draw_start(table, lengths, rng)
        counts[drawn] = counts.get(drawn, 0) + 1
    assert set(counts) == {(0, 0), (0, 2), (2, 0)}  # the last frames cannot start a clip
    for place, weight in (((0, 0), 1), ((0, 2), 5), ((2, 0), 2)):
        assert counts[place] / 4000 == pytest.approx(weight / 8, abs=0.03)


def test_even_weights() -> None:
    lengths = np.array([2, 4])
    assert even_weights(lengths, "frame").tolist() == [1] * 6
    assert even_weights(lengths, "clip").tolist() == [0.5] * 2 + [0.25] * 4
