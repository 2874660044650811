"""Meshes against exact whole-number arithmetic, against all pairs of faces, and moved about."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
import trimesh
from exact import triangles_touch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import pose_body
from posecorpus.synth.crowd import intersect
from posecorpus.synth.crowd.meshes import STAY, Placement, Solid, surfaces_near, too_near
from posecorpus.synth.crowd.solids import one_of_each
from posecorpus.synth.crowd.tree import fit_tree, sort_faces

GRID = 2.0**-14
"""Metres of a step of whole-number coordinates: products of them are exact in int64 and nearly so in float64."""
TRIANGLE = np.array([[0, 1, 2]], np.int32)


def body_vertices(**turns: tuple[float, float, float]) -> NDArray[np.float32]:
    """The open body with some joints turned, on the grid."""
    body = load_body("open", "neutral")
    pose = np.zeros((1, 24, 3))
    for joint, turn in turns.items():
        pose[0, SMPL_24.index(joint)] = turn
    vertices = pose_body(body, np.zeros((1, 10)), pose, np.zeros((1, 3))).vertices[0]
    return (np.rint(vertices / GRID) * GRID).astype(np.float32)


@lru_cache(maxsize=1)
def figures() -> dict[str, NDArray[np.float32]]:
    return {
        "tee": body_vertices(),
        "reaching": body_vertices(l_shoulder=(0, -1.3, 0), r_shoulder=(0, 1.3, 0)),
        "hugging": body_vertices(
            l_shoulder=(0, -1.2, 0.2), r_shoulder=(0, 1.2, -0.2), l_elbow=(0, -0.9, 0), r_elbow=(0, 0.9, 0)
        ),
        "walking": body_vertices(
            l_shoulder=(0, 0, -1.2), r_shoulder=(0, 0, 1.2), l_hip=(-0.5, 0, 0), r_hip=(0.4, 0, 0)
        ),
    }


def touching(a: NDArray[np.floating], a_faces: NDArray[np.integer], b: NDArray[np.floating],
             b_faces: NDArray[np.integer]) -> bool:  # fmt: skip
    """Whether any face of one touches any of the other: all pairs whose boxes meet, in whole numbers."""
    t, u = (np.rint(v / GRID).astype(np.int64)[f] for v, f in ((a, a_faces), (b, b_faces)))
    t = t[((t.max(1) >= u.min((0, 1))) & (t.min(1) <= u.max((0, 1)))).all(1)]
    u = u[((u.max(1) >= t.min((0, 1))) & (u.min(1) <= t.max((0, 1)))).all(1)] if len(t) else u[:0]
    for start in range(0, len(t), 64):
        some = t[start : start + 64]
        meet = np.ones((len(some), len(u)), bool)
        for axis in range(3):
            low, high = some[..., axis].min(1)[:, None], some[..., axis].max(1)[:, None]
            meet &= (low <= u[..., axis].max(1)) & (high >= u[..., axis].min(1))
        i, j = np.nonzero(meet)
        if triangles_touch(some[i], u[j]).any():
            return True
    return False


def solid(vertices: NDArray[np.floating], faces: NDArray[np.int32]) -> Solid:
    points = np.asarray(vertices, np.float64)
    return Solid(fit_tree(points, sort_faces(points, faces)), one_of_each(faces, len(points)))


@pytest.mark.parametrize("size", [2, 4, 9, 60])
def test_pairs_of_triangles_agree_with_whole_number_arithmetic(size: int) -> None:
    """Small grids make most pairs touch at corners, along edges or within one plane."""
    rng = np.random.default_rng(size)
    t, u = rng.integers(0, size, (2, 1500, 3, 3))
    u = u + rng.integers(0, size, (1500, 1, 3)) // 2
    proper = [(np.cross(x[:, 1] - x[:, 0], x[:, 2] - x[:, 0]) != 0).any(1) for x in (t, u)]
    t, u = t[proper[0] & proper[1]], u[proper[0] & proper[1]]
    expected = triangles_touch(t, u)
    assert 0.05 < expected.mean() < 0.95
    scaled = [x.astype(float) * GRID for x in (t, u)]
    trees = [[fit_tree(corners, TRIANGLE) for corners in x] for x in scaled]
    got = [surfaces_near(a, b, STAY, 0.0) for a, b in zip(*trees, strict=True)]
    np.testing.assert_array_equal(got, expected)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_random_meshes_agree_with_all_pairs_of_their_faces(seed: int) -> None:
    rng = np.random.default_rng(seed)
    meshes = []
    for _ in range(2):
        ball = trimesh.creation.icosphere(subdivisions=int(rng.integers(1, 3)))
        shape = ball.vertices * rng.uniform(0.2, 1, 3) * rng.uniform(0.9, 1.1, (len(ball.vertices), 1))
        moved = Rotation.random(random_state=int(rng.integers(1 << 30))).apply(shape)
        meshes.append((np.rint((moved + rng.normal(0, 0.6, 3)) / GRID) * GRID, ball.faces))
    (a, a_faces), (b, b_faces) = meshes
    surfaces = touching(a, a_faces, b, b_faces)
    inside = trimesh.Trimesh(a, a_faces).contains(b[:1])[0] or trimesh.Trimesh(b, b_faces).contains(a[:1])[0]
    assert intersect(a, a_faces, b, b_faces) == (surfaces or bool(inside))
    assert intersect(b, b_faces, a, a_faces) == (surfaces or bool(inside))
    trees = [fit_tree(v, sort_faces(v, f.astype(np.int32))) for v, f in meshes]
    assert surfaces_near(trees[0], trees[1], STAY, 0.0) == surfaces


@pytest.mark.parametrize(
    ("one", "other", "turned"),
    [
        ("tee", "tee", False),  # fingertips
        ("reaching", "reaching", True),  # hands
        ("hugging", "hugging", True),
        ("walking", "reaching", False),
    ],
)  # fmt: skip
def test_bodies_touch_exactly_as_near_as_all_pairs_of_their_faces_say(
    one: str, other: str, turned: bool
) -> None:
    """Bisection down to the grid between overlapping and apart; at every step both agree."""
    faces = load_body("open", "neutral").faces
    a, b = figures()[one], figures()[other] * (np.array([-1, 1, -1], np.float32) if turned else 1)
    way = np.array([0, 0, 1.0]) if turned else np.array([1.0, 0, 0])
    near, far = 0, int(2.5 / GRID)
    for step in range(20):
        middle = (near + far) // 2
        moved = b + (middle * GRID * way).astype(np.float32)
        hit = intersect(a, faces, moved, faces)
        assert hit == intersect(moved, faces, a, faces)
        if step > 6:  # before, thousands of faces overlap or none
            assert hit == touching(a, faces, moved, faces)
        near, far = (middle, far) if hit else (near, middle)
    assert 0.2 < far * GRID < 2.4


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_a_rigid_motion_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    faces = load_body("open", "neutral").faces
    names = sorted(figures())
    a, b = (figures()[names[int(rng.integers(4))]].astype(float) for _ in range(2))
    b = Rotation.from_euler("y", rng.uniform(-np.pi, np.pi)).apply(b) + [rng.uniform(0.1, 1.2), 0, 0.1]
    turn, move = Rotation.random(random_state=int(rng.integers(1 << 30))), rng.normal(0, 3, 3)
    expected = intersect(a, faces, b, faces)
    assert intersect(turn.apply(a) + move, faces, turn.apply(b) + move, faces) == expected


@pytest.mark.parametrize("subdivisions", [1, 3])
def test_one_inside_the_other_counts_and_beside_it_does_not(subdivisions: int) -> None:
    small = trimesh.creation.icosphere(subdivisions=subdivisions, radius=0.1)
    large = trimesh.creation.box((2, 2, 2))
    for centre, inside in (((0, 0, 0), True), ((0.5, -0.8, 0.3), True), ((1.2, 0.9, 0.9), False)):
        v = small.vertices + centre
        assert intersect(v, small.faces, large.vertices, large.faces) is inside
        assert intersect(large.vertices, large.faces, v, small.faces) is inside
    # In the hollow of a shell there is no body; a second piece may be what lies inside.
    shell = np.concatenate([large.vertices, large.vertices * 0.9])
    walls = np.concatenate([large.faces, large.faces[:, ::-1] + 8])
    assert not intersect(small.vertices, small.faces, shell, walls)
    pair = (
        np.concatenate([small.vertices + 9, small.vertices]),
        np.concatenate([small.faces, small.faces + len(small.vertices)]),
    )
    assert intersect(*pair, large.vertices, large.faces)


@pytest.mark.parametrize("clearance", [0.005, 0.03, 0.1])
def test_clearance_is_the_distance_between_surfaces(clearance: float) -> None:
    """The distance of two random bodies by trimesh's closest points, both ways, and by the clearance."""
    rng = np.random.default_rng(int(clearance * 1000))
    for _ in range(4):
        a, b = (trimesh.creation.icosphere(1).copy() for _ in range(2))
        for mesh in (a, b):
            mesh.vertices *= rng.uniform(0.3, 1, 3)
        yaw, gap = rng.uniform(-3, 3), rng.uniform(0.5 * clearance, 1.5 * clearance)
        solids = [solid(m.vertices, m.faces.astype(np.int32)) for m in (a, b)]
        direction = rng.normal(size=3) * [1, 0, 1]
        direction /= np.linalg.norm(direction)
        near, far = 0.0, 4.0
        for _ in range(40):  # where the surfaces are this far apart, by the kernel
            middle = (near + far) / 2
            move = Placement(middle * direction[0], middle * direction[2], yaw)
            near, far = (middle, far) if too_near(*solids, move, gap) else (near, middle)
        moved = Placement(far * direction[0], far * direction[2], yaw).apply(b.vertices)
        assert _distance(a.vertices, a.faces, moved, b.faces) == pytest.approx(gap, abs=2e-6)


def _distance(a: NDArray[np.float64], a_faces: NDArray[np.integer], b: NDArray[np.float64],
              b_faces: NDArray[np.integer]) -> float:  # fmt: skip
    """Least distance of two convex solids: alternating projections onto the nearest pair of faces' samples."""
    best = np.inf
    steps = np.array([(i, j) for i in range(4) for j in range(4 - i)]) / 3
    weights = np.column_stack([1 - steps.sum(1), steps])
    p, q = (np.einsum("wk,fkc->fwc", weights, v[f]).reshape(-1, 3) for v, f in ((a, a_faces), (b, b_faces)))
    square = ((p[:, None] - q[None]) ** 2).sum(-1)
    for flat in np.argsort(square, axis=None)[:24:4]:
        i, j = np.unravel_index(flat, square.shape)
        t, u = a[a_faces[i // len(weights)]], b[b_faces[j // len(weights)]]

        def apart(w: NDArray[np.float64], t: NDArray[np.float64] = t, u: NDArray[np.float64] = u) -> float:
            return float(((t[0] + w[:2] @ (t[1:] - t[0]) - u[0] - w[2:] @ (u[1:] - u[0])) ** 2).sum())

        found = minimize(
            apart, np.r_[weights[i % len(weights), 1:], weights[j % len(weights), 1:]], method="SLSQP",
            bounds=[(0, 1)] * 4, options={"ftol": 1e-16, "maxiter": 200},
            constraints=[{"type": "ineq", "fun": lambda w: 1 - w[0] - w[1]},
                         {"type": "ineq", "fun": lambda w: 1 - w[2] - w[3]}],
        )  # fmt: skip
        best = min(best, found.fun)
    return float(np.sqrt(best))


def test_refused_inputs() -> None:
    ball = trimesh.creation.icosphere(1)
    v, f = ball.vertices, ball.faces
    broken = v.copy()
    broken[3, 1] = np.nan
    for arguments, word in (
        ((v[:, :2], f, v, f), "a_vertices"),
        ((v, f, v, f[:, :2]), "b_faces"),
        ((broken, f, v, f), "a_vertices"),
        ((v, f, v, f + 1), "b_faces"),
        ((v, f - 1, v, f), "a_faces"),
    ):
        with pytest.raises(InputError, match=word):
            intersect(*arguments)
