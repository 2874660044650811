"""Refining and cutting keep the surface whole and follow the line exactly."""

from __future__ import annotations

import numpy as np
import pytest

from posecorpus.synth.clothing.cloth_mesh import ClothMesh, refine
from posecorpus.synth.clothing.cut import NEAREST, Seam, Sheet, Uncut, cut, most_faces


def grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    """A flat square of metres with unevenly spaced vertices."""
    at = np.linspace(0, 1, side) ** 1.5
    x, y = np.meshgrid(at, at)
    points = np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], axis=1)
    i = np.arange(side * side).reshape(side, side)
    a, b, c, d = (q.ravel() for q in (i[:-1, :-1], i[:-1, 1:], i[1:, 1:], i[1:, :-1]))
    return points, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)


def area(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(F,) signed areas in the plane."""
    one, two = (points[faces[:, k]] - points[faces[:, 0]] for k in (1, 2))
    return 0.5 * (one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0])


def border(faces: np.ndarray) -> set[tuple[int, int]]:
    """Directed edges without a partner."""
    directed = {(int(f[k]), int(f[(k + 1) % 3])) for f in faces for k in range(3)}
    assert len(directed) == 3 * len(faces)
    return {edge for edge in directed if edge[::-1] not in directed}


@pytest.mark.parametrize("longest", [0.03, 0.1, 0.2, 9.0])
def test_refined_faces_tile_the_surface(longest: float) -> None:
    points, faces = grid(9)
    mesh = refine(points, faces, longest)
    finer = np.concatenate([points, points[mesh.middles].mean(axis=1)])
    assert (area(finer, mesh.faces) > 0).all()
    for f in range(len(faces)):
        pieces = mesh.body_faces == f
        np.testing.assert_allclose(area(finer, mesh.faces[pieces]).sum(), area(points, faces[f : f + 1])[0])
    rim = np.unique(list(border(mesh.faces)))
    assert (np.isclose(finer[rim][:, :2], 0) | np.isclose(finer[rim][:, :2], 1)).any(axis=1).all()
    where = np.einsum("fck,fkd->fcd", mesh.corners, points[faces[mesh.body_faces]])
    np.testing.assert_allclose(where, finer[mesh.faces], atol=1e-7)
    long = np.linalg.norm(points[mesh.middles[:, 0]] - points[mesh.middles[:, 1]], axis=1)
    assert (long > longest).all()


def cut_out(mesh: ClothMesh, uv: np.ndarray, field: np.ndarray) -> tuple[Seam, Sheet]:
    uncut = Uncut(mesh.faces, mesh.edges, mesh.n_edges, uv, np.arange(len(mesh.faces)).astype(np.uint8))
    sheet = Sheet.of(most_faces(uncut))
    seam, count = cut(uncut, field, (0, 1, 0, 1), sheet, 0, 0)
    return seam, sheet.first(count)


def test_a_cut_is_where_the_field_is_zero_and_its_area_is_exact() -> None:
    points, faces = grid(11)
    mesh = refine(points, faces, 0.08)
    finer = np.concatenate([points, points[mesh.middles].mean(axis=1)])
    uv = np.ascontiguousarray(finer[mesh.faces][..., :2], np.float32)
    field = (0.61 - 0.4 * finer[:, 0] - finer[:, 1]).astype(np.float32)  # below a straight line
    for _ in range(2):  # the second time with used buffers
        seam, sheet = cut_out(mesh, uv, field)
    whole = finer[seam.whole]
    a, b = whole[seam.ends[:, 0]], whole[seam.ends[:, 1]]
    vertices = np.concatenate([whole, a + seam.shares[:, None] * (b - a)])
    assert len(vertices) == len(seam)
    areas = area(vertices, sheet.faces)
    assert (areas > -1e-9).all()
    np.testing.assert_allclose(areas.sum(), 0.61 - 0.2, rtol=2e-3)
    unmoved = (seam.shares > NEAREST * 1.01) & (seam.shares < 1 - NEAREST * 1.01)
    off = 0.61 - 0.4 * vertices[:, 0] - vertices[:, 1]
    np.testing.assert_allclose(off[len(whole) :][unmoved], 0, atol=1e-6)
    assert unmoved.mean() > 0.7
    np.testing.assert_allclose(sheet.uv.reshape(-1, 3, 2), vertices[sheet.faces][..., :2], atol=2e-6)
    rim = np.unique(list(border(sheet.faces)))
    x, y = vertices[rim, 0], vertices[rim, 1]
    assert (np.isclose(x, 0) | np.isclose(y, 0) | np.isclose(x, 1) | (np.abs(off[rim]) < 4e-3)).all()


def test_nothing_and_everything_can_be_cut() -> None:
    points, faces = grid(4)
    mesh = refine(points, faces, 9.0)
    uv = np.zeros((len(mesh.faces), 3, 2), np.float32)
    seam, sheet = cut_out(mesh, uv, np.ones(len(points), np.float32))
    np.testing.assert_array_equal(seam.whole[sheet.faces], mesh.faces)
    np.testing.assert_array_equal(sheet.face_parts, np.arange(len(mesh.faces)))
    seam, sheet = cut_out(mesh, uv, -np.ones(len(points), np.float32))
    assert len(sheet.faces) == len(seam) == 0
