"""Coarse bodies: parts of the fine one, closed, of the same shape, and posed as it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from trimesh import Trimesh
from trimesh.creation import icosphere
from trimesh.proximity import closest_point

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import FULL_42
from posecorpus.synth.bodies.coarse import coarser
from posecorpus.synth.bodies.decimate import decimate
from posecorpus.synth.bodies.model import GENDERS, LEVEL_FACES, BodyModel, load_body
from posecorpus.synth.bodies.skinning import pose_body

LEVELS = (1, 2)


def edges_of(faces: np.ndarray) -> np.ndarray:
    return np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)


def islands(faces: np.ndarray, count: int) -> np.ndarray:
    """Which connected piece each of ``count`` points is in."""
    rows, columns = edges_of(faces).T
    return connected_components(coo_matrix((np.ones(len(rows)), (rows, columns)), (count, count)))[1]


def rows_in(some: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Index of each row of one array in another that has it exactly."""
    known = {row.tobytes(): i for i, row in enumerate(np.ascontiguousarray(of))}
    return np.array([known[row.tobytes()] for row in np.ascontiguousarray(some)])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("gender", GENDERS)
def test_coarse_bodies_are_closed_and_have_the_faces_they_should(gender: str, level: int) -> None:
    fine, coarse = load_body("open", gender), load_body("open", gender, level)
    assert abs(len(coarse.faces) - LEVEL_FACES[level]) <= 2
    _, faces_at = np.unique(edges_of(coarse.faces), axis=0, return_counts=True)
    assert (faces_at == 2).all()
    euler = [
        len(b.v_template) - len(np.unique(edges_of(b.faces), axis=0)) + len(b.faces) for b in (fine, coarse)
    ]
    assert euler[0] == euler[1]
    volumes = [Trimesh(b.v_template, b.faces, process=False).volume for b in (fine, coarse)]
    assert volumes[1] == pytest.approx(volumes[0], rel=0.015 * level)
    np.testing.assert_array_equal(np.unique(coarse.face_parts), np.unique(fine.face_parts))
    np.testing.assert_array_equal(coarse.landmarks_template, fine.landmarks_template)


@pytest.mark.parametrize("level", LEVELS)
def test_texture_corners_stay_at_their_vertices_and_on_their_charts(level: int) -> None:
    fine, coarse = load_body("open", "female"), load_body("open", "female", level)
    vertex, corner = rows_in(coarse.v_template, fine.v_template), rows_in(coarse.uv, fine.uv)
    at_fine = set(zip(fine.faces.ravel().tolist(), fine.uv_faces.ravel().tolist(), strict=True))
    at_coarse = zip(
        vertex[coarse.faces].ravel().tolist(), corner[coarse.uv_faces].ravel().tolist(), strict=True
    )
    assert set(at_coarse) <= at_fine
    chart = islands(fine.uv_faces, len(fine.uv))[corner[coarse.uv_faces]]
    assert (chart == chart[:, :1]).all()
    # A chart has about the area it had: seams did not move across it.
    areas = [
        np.bincount(islands(b.uv_faces, len(b.uv))[b.uv_faces[:, 0]], _uv_areas(b)) for b in (fine, coarse)
    ]
    large = [np.sort(a)[::-1][:6] for a in areas]
    np.testing.assert_allclose(large[1], large[0], rtol=0.02 * level)


def _uv_areas(body: BodyModel) -> np.ndarray:
    a, b, c = (body.uv[body.uv_faces[:, k]].astype(float) for k in range(3))
    u, v = b - a, c - a
    return np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]) / 2


@pytest.mark.parametrize("level", LEVELS)
def test_posed_coarse_bodies_are_vertices_of_the_fine_ones_and_near_the_rest(level: int) -> None:
    rng = np.random.default_rng(level)
    fine, coarse = load_body("open", "male"), load_body("open", "male", level)
    betas, translations = rng.normal(size=(3, 10)), rng.normal(size=(3, 3))
    poses = rng.normal(0, 0.35, (3, 24, 3))
    of_fine, of_coarse = (pose_body(b, betas, poses, translations) for b in (fine, coarse))
    np.testing.assert_array_equal(of_coarse.landmarks, of_fine.landmarks)
    np.testing.assert_array_equal(
        of_coarse.vertices, of_fine.vertices[:, rows_in(coarse.v_template, fine.v_template)]
    )
    for near, far in zip(of_coarse.vertices, of_fine.vertices, strict=True):
        _, distance, _ = closest_point(Trimesh(near, coarse.faces, process=False), far[::7])
        assert np.sqrt(np.mean(distance**2)) < 0.0015 * level
        assert distance.max() < 0.015 * level


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(150, 1200))
def test_spheres_with_seams_stay_closed_and_round(seed: int, target: int) -> None:
    rng = np.random.default_rng(seed)
    ball = icosphere(3)
    faces = np.asarray(ball.faces, np.int32)
    left = ball.triangles_center @ rng.normal(size=3) > rng.uniform(-0.5, 0.5)
    uv_faces = np.where(left[:, None], faces + len(ball.vertices), faces).astype(np.int32)
    fewer, corners = decimate(
        ball.vertices, faces, uv_faces, rng.normal(size=(len(ball.vertices), 1)) * 0.05, target
    )
    assert len(fewer) >= min(target, len(faces)) - 2
    _, faces_at = np.unique(edges_of(fewer), axis=0, return_counts=True)
    assert (faces_at == 2).all()
    np.testing.assert_array_equal(corners % len(ball.vertices), fewer)
    chart = corners >= len(ball.vertices)
    assert (chart == chart[:, :1]).all()
    shape = Trimesh(ball.vertices, fewer, process=False)
    assert (np.einsum("fc,fc->f", shape.face_normals, shape.triangles_center) > 0).all()


def test_an_open_sheet_keeps_its_border() -> None:
    side = 12
    y, x = np.divmod(np.arange(side * side), side)
    points = np.stack([x, y, 0.1 * np.sin(x)], axis=1).astype(float)
    at = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).ravel()
    faces = np.concatenate(
        [np.stack([at, at + 1, at + side], 1), np.stack([at + 1, at + side + 1, at + side], 1)]
    )
    fewer, _ = decimate(
        points, faces.astype(np.int32), faces.astype(np.int32), np.zeros((len(points), 1)), 60
    )
    assert len(fewer) < 100

    def border(of: np.ndarray) -> set[tuple[int, ...]]:
        edges, faces_at = np.unique(edges_of(of), axis=0, return_counts=True)
        return set(map(tuple, edges[faces_at == 1].tolist()))

    assert border(fewer) == border(faces)


def test_bodies_that_are_coarse_enough_stay_as_they_are() -> None:
    body = load_body("open", "neutral", 2)
    assert coarser(body, 2800) is body


@pytest.mark.parametrize("level", [-1, 3])
def test_there_are_three_levels(level: int) -> None:
    with pytest.raises(InputError, match="0 to 2"):
        load_body("open", "neutral", level)


@pytest.mark.parametrize("gender", GENDERS)
def test_tips_stay_where_their_landmarks_are(gender: str) -> None:
    for level in LEVELS:
        body = load_body("open", gender, level)
        for tip in ("nose", "head_top"):
            j = FULL_42.index(tip)
            gap = np.linalg.norm(body.v_template - body.landmarks_template[j], axis=-1)
            nearest = int(gap.argmin())
            assert gap[nearest] < 1e-4
            moves = body.shapedirs[nearest] - body.landmarks_shapedirs[j]
            assert np.abs(moves).max() < 1e-4
