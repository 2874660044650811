"""The kernels that ask boxes what is in them or behind them, against plain numpy."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.ground import Ground
from posecorpus.synth.props.solidity import (
    any_inside,
    bounds,
    carried,
    hidden,
    may_stand,
    moved,
    some_of,
)
from posecorpus.synth.rotations import about, from_axis_angle

NOBODY = np.empty(0, np.uint8)
Arrays = NDArray[np.float64]


def _boxes(rng: np.random.Generator, count: int) -> Arrays:
    low = rng.uniform(-1, 0.5, (count, 3))
    return np.stack([low, low + rng.uniform(0.05, 0.8, (count, 3))], 1)


@given(st.integers(0, 10**6), st.floats(-0.02, 0.1))
def test_inside_agrees_with_brute_force(seed: int, margin: float) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform(-2, 2, (3, 20, 3)).astype(np.float32)
    solids = _boxes(rng, 3)
    turns = from_axis_angle(rng.normal(size=(3, 3)))
    to_prop = np.concatenate([turns, rng.normal(size=(3, 3, 1))], -1)
    spared = (rng.random(20) < 0.3).astype(np.uint8)
    local = np.einsum("nij,nvj->nvi", turns, points.astype(float)) + to_prop[:, None, :, 3]
    low, high = solids[:, 0] - margin, solids[:, 1] + margin
    inside = ((local[:, :, None] >= low) & (local[:, :, None] <= high)).all(-1).any(-1)
    assert any_inside(points, to_prop, solids, margin, NOBODY) == inside.any()
    assert any_inside(points, to_prop, solids, margin, spared) == inside[:, spared == 0].any()


@settings(max_examples=25)
@given(st.integers(0, 10**6))
def test_hidden_agrees_with_points_along_the_line_of_sight(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, eye = rng.uniform(-3, 3, (10, 3)), np.array([0.0, 1.5, 5.0])
    solids = _boxes(rng, 3)
    places = np.c_[rng.uniform(-1, 1, (4, 2)), rng.uniform(-3, 3, 4)]
    found = hidden(points, eye, places, solids)
    steps = np.linspace(0, 1, 1501)[:, None, None]
    way = eye + steps * (points - eye)
    for place, got in zip(places, found, strict=True):
        local = (way - (place[0], 0, place[1])) @ about(1, place[2])

        def met(grown: float, local: Arrays = local) -> NDArray[np.bool_]:
            low, high = solids[:, 0] - grown, solids[:, 1] + grown
            return np.array(
                ((local[..., None, :] >= low) & (local[..., None, :] <= high)).all(-1).any((0, 2))
            )

        assert (met(0.0) <= got).all() and (got <= met(0.005)).all()


@given(st.integers(0, 10**6))
def test_carried_boxes_go_with_their_joint(seed: int) -> None:
    rng = np.random.default_rng(seed)
    solids = _boxes(rng, 3)
    turn, place = from_axis_angle(rng.normal(size=3)), rng.normal(size=3)
    joints = np.concatenate([from_axis_angle(rng.normal(size=(4, 3))), rng.normal(size=(4, 3, 1))], -1)
    to_prop = np.empty((4, 3, 4))
    low, high = carried(joints, turn, place, solids, to_prop)
    ends = np.array(
        [[s[i, 0], s[j, 1], s[k, 2]] for s in solids for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    )
    world = np.einsum("nij,mj->nmi", joints[:, :, :3], ends @ turn.T + place) + joints[:, None, :, 3]
    assert np.allclose(world.min((0, 1)), low) and np.allclose(world.max((0, 1)), high)
    back = np.einsum("nij,nmj->nmi", to_prop[:, :, :3], world) + to_prop[:, None, :, 3]
    assert np.allclose(back, ends)


def test_bounds_and_moved() -> None:
    rng = np.random.default_rng(0)
    vertices = rng.normal(size=(5, 40, 3)).astype(np.float32)
    found = bounds(vertices)
    assert np.array_equal(found[:, 0], vertices.min(1)) and np.array_equal(found[:, 1], vertices.max(1))
    turn, by = from_axis_angle(rng.normal(size=3)), rng.normal(size=3)
    assert np.allclose(moved(vertices[0], turn, by), vertices[0] @ turn.T + by, atol=1e-6)


def test_one_vertex_is_taken_from_each_cube() -> None:
    vertices = np.random.default_rng(1).uniform(0, 1, (500, 3)).astype(np.float32)
    exact = vertices.astype(float)
    cubes = ((exact - exact.min(0)) / 0.3).astype(int)
    _, first = np.unique(cubes, axis=0, return_index=True)
    for count in (len(first), 7, 2 * len(first)):
        out = np.empty((count, 3))
        some_of(vertices, 0.3, out)
        steps = np.arange(count) * (len(first) - 1) // (count - 1)
        assert np.array_equal(out, exact[np.sort(first)[steps]])


def test_footing_is_on_the_ground_or_below_the_picture_and_leaves_most_of_it() -> None:
    camera = Camera.look_at((0.3, 1.4, 2.0), (0.0, 0.9, -3.0), 300, 320, 240)
    ground = Ground(np.array([[-2.0, -6.0], [2.0, -6.0], [1.5, 0.5], [-1.5, 0.5]]))
    P, picture = camera.K @ np.column_stack([camera.R, camera.t]), np.array([320.0, 240.0])
    rng, counts, large = np.random.default_rng(3), np.zeros(2, int), 0
    for tall in np.linspace(0.1, 3.0, 40):
        feet = rng.uniform((-3, -7), (3, 2), (30, 1, 2)) + rng.uniform(-0.5, 0.5, (30, 4, 2))
        got = may_stand(feet, tall, ground.corners, P, picture, camera.centre, 0.6, 0.25)
        corners = np.stack([np.insert(feet, 1, y, axis=-1) for y in (0.0, tall)])
        pixels, depth = camera.project(corners)
        below = (depth[0] > 0.3).all(-1) & (pixels[0, ..., 1] > 240).all(-1)
        before = (depth > 0.1).all((0, 2))
        far = (np.hypot(feet[..., 0] - 0.3, feet[..., 1] - 2.0) > 0.6).all(-1)
        stands = before & far & (ground.contains(feet).all(-1) | below)
        seen = np.clip(pixels[:, stands], 0, picture)
        filled = np.ptp(seen, axis=(0, 2)).prod(-1) / picture.prod()
        large += (filled >= 0.25).sum()
        np.testing.assert_array_equal(got[stands], filled < 0.25)
        assert not got[~stands].any()
        counts += np.bincount(got, minlength=2)
    assert (counts > 100).all() and large > 20
