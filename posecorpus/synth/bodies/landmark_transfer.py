"""Landmarks of a body with another mesh, carried over from an open body by shape.

Rigs disagree about where joints lie by centimetres (SMPL's hip joints are 7 cm from the middle, the
open bodies' 11 cm), so landmarks are carried from skin to skin. Both bodies stand in a T-pose, Y up,
facing +Z. The open body takes on the proportions of the other one (its betas, by iterated closest
points), then its head is fitted with a scale and an offset per axis, and every vertex of the open
regressor is replaced by the nearest point of the other surface.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import FULL_42, SMPL_24
from posecorpus.synth.bodies.regressor import LANDMARKS, LandmarkRegressor

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

Points = NDArray[np.float64]

_ROUNDS = 15
_STRIDE = 3  # every third vertex of the open body is paired
_RIDGE = 1e-3  # keeps betas near zero where the surface does not tell
_NORMAL_METRES = 0.1  # a difference of one in normals counts as so far apart
_CANDIDATE_FACES = 24
_HEAD = ("head",)
_BODY = ("head", "neck", "l_collar", "r_collar", "spine3", "spine2", "spine1", "pelvis", "l_hip", "r_hip")
_EXTREMES = {"nose": (2, 0.02), "head_top": (1, 0.01)}
"""Landmarks that are the skin's farthest point along an axis, looked for within so many metres."""


@dataclass(frozen=True)
class Surface:
    """A body in its rest pose.

    Attributes:
        vertices: (V, 3) metres.
        faces: (F, 3).
        weights: (V, 24) skinning weights.
        shapedirs: (V, 3, B) metres per unit of beta.
    """

    vertices: Points
    faces: NDArray[np.int32]
    weights: NDArray[np.float32]
    shapedirs: NDArray[np.float32]

    def region(self, joints: tuple[str, ...]) -> NDArray[np.intp]:
        """Vertices that one of the joints moves most."""
        return np.flatnonzero(np.isin(self.weights.argmax(axis=1), SMPL_24.indices(*joints)))


class _Target:
    """The surface that vertices are paired with, by place and normal."""

    def __init__(self, surface: Surface) -> None:
        self.vertices = surface.vertices
        self.features = _features(surface.vertices, _normals(surface.vertices, surface.faces))
        self.tree = _tree(self.features)

    def pairs(
        self, moved: Points, normals: Points, region: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Matching vertices of a region and of the target, the worst fifth left out.

        Closest points are paired in both directions: in one direction only, the region would shrink.
        """
        mine = _features(moved[region], normals[region])
        low, high = moved[region].min(axis=0), moved[region].max(axis=0)
        inside = np.flatnonzero(((self.vertices > low) & (self.vertices < high)).all(axis=1))
        ahead, nearest = self.tree.query(mine)
        back, nearest_back = _tree(mine).query(self.features[inside])
        gaps = np.concatenate([ahead, back])
        trusted = gaps <= np.quantile(gaps, 0.8)
        return (
            np.concatenate([region, region[nearest_back]])[trusted],
            np.concatenate([nearest, inside])[trusted],
        )


def transfer_landmarks(source: Surface, regressor: LandmarkRegressor, target: Surface) -> LandmarkRegressor:
    """Regressor on the vertices of ``target`` that marks the same points of the body."""
    matcher = _Target(target)
    body = _take_on_proportions(source, target, matcher)
    head = _fit_head(body, source, matcher)
    parents = [FULL_42.joints[FULL_42.parents[len(SMPL_24) + i]] for i in range(len(LANDMARKS))]
    on_head = np.array([parent in ("head", "neck") for parent in parents])[regressor.rows]
    moved = np.where(on_head[:, None], head[regressor.vertices], body[regressor.vertices])
    corners, shares = _nearest_surface(target, moved)
    rows, columns = np.repeat(regressor.rows, 3), corners.ravel()
    values = (shares * regressor.values[:, None]).ravel()
    for name, (axis, reach) in _EXTREMES.items():
        row = LANDMARKS.index(name)
        at = moved[regressor.rows == row].mean(axis=0)
        near = np.flatnonzero(np.linalg.norm(target.vertices - at, axis=1) < reach)
        if len(near):
            farthest = near[target.vertices[near, axis].argmax()]
            others = rows != row
            rows, columns = np.append(rows[others], row), np.append(columns[others], farthest)
            values = np.append(values[others], 1.0)
    return LandmarkRegressor.from_entries(rows.astype(np.int32), columns.astype(np.int32), values)


def _take_on_proportions(source: Surface, target: Surface, matcher: _Target) -> Points:
    """Vertices (V, 3) of the source with the betas, scale and offset that bring it closest."""
    region = source.region(_BODY)
    normals = _normals(source.vertices, source.faces)
    start = np.ptp(target.vertices[:, 1]) / np.ptp(source.vertices[:, 1])
    shift = _middle(target.vertices[target.region(_BODY)]) - _middle(source.vertices[region]) * start
    moved = source.vertices * start + shift
    betas = source.shapedirs.shape[2]
    for _ in range(_ROUNDS):
        mine, theirs = matcher.pairs(moved, normals, region[::_STRIDE])
        columns = (
            source.shapedirs[mine],
            source.vertices[mine][..., None],
            np.broadcast_to(np.eye(3), (len(mine), 3, 3)),
        )
        design: Points = np.concatenate(columns, axis=-1).reshape(-1, betas + 4).astype(np.float64)
        damping = np.diag(np.append(np.full(betas, _RIDGE * len(mine)), np.zeros(4)))
        wanted = matcher.vertices[theirs].ravel()
        solution = np.linalg.solve(design.T @ design + damping, design.T @ wanted)
        moved = source.vertices * solution[betas] + source.shapedirs @ solution[:betas] + solution[-3:]
    return moved


def _fit_head(moved: Points, source: Surface, matcher: _Target) -> Points:
    """Vertices (V, 3) scaled and shifted along each axis so that the head lies on the target's."""
    region = source.region(_HEAD)
    normals = _normals(moved, source.faces)
    for _ in range(_ROUNDS):
        mine, theirs = matcher.pairs(moved, normals, region[::_STRIDE])
        here, there = moved[mine], matcher.vertices[theirs]
        centre = here.mean(axis=0)
        scale = ((here - centre) * there).sum(axis=0) / ((here - centre) ** 2).sum(axis=0)
        moved = (moved - centre) * scale + there.mean(axis=0)
    return moved


def _tree(points: Points) -> cKDTree:
    from scipy.spatial import cKDTree  # slow to import, and bodies with their own landmarks do without

    return cKDTree(points)


def _features(vertices: Points, normals: Points) -> Points:
    return np.concatenate([vertices, normals * _NORMAL_METRES], axis=1)


def _normals(vertices: Points, faces: NDArray[np.int32]) -> Points:
    corners = vertices[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.zeros_like(vertices)
    np.add.at(total, faces, across[:, None])
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12))


def _middle(points: Points) -> Points:
    return np.asarray((points.min(axis=0) + points.max(axis=0)) / 2)


def _nearest_surface(target: Surface, points: Points) -> tuple[NDArray[np.int32], Points]:
    """Vertices (E, 3) and shares (E, 3) of the surface points nearest to points (E, 3)."""
    triangles = target.vertices[target.faces]
    count = min(_CANDIDATE_FACES, len(triangles))
    _, found = _tree(triangles.mean(axis=1)).query(points, k=count)
    candidates = found.reshape(len(points), count)
    shares = nearest_on_triangles(triangles[candidates], points[:, None])
    reached = np.einsum("eck,eckx->ecx", shares, triangles[candidates])
    best = np.linalg.norm(reached - points[:, None], axis=-1).argmin(axis=1)
    row = np.arange(len(points))
    return target.faces[candidates[row, best]], shares[row, best]


def nearest_on_triangles(triangles: Points, points: Points) -> Points:
    """Barycentric shares (..., 3) of the point of each triangle (..., 3, 3) nearest to a point (..., 3).

    It is the foot of the perpendicular where that is inside, else the best of the feet on the edges.
    """
    a, b, c = (triangles[..., k, :] for k in range(3))
    options = [_foot_on_plane(a, b, c, points)]
    for k, (start, end) in enumerate(((a, b), (b, c), (c, a))):
        along = end - start
        t = ((points - start) * along).sum(axis=-1) / np.maximum((along**2).sum(axis=-1), 1e-30)
        t = np.clip(t, 0, 1)
        edge = np.zeros((*t.shape, 3))
        edge[..., k], edge[..., (k + 1) % 3] = 1 - t, t
        options.append(edge)
    shares = np.stack(options)
    gaps = np.linalg.norm(np.einsum("o...k,...kx->o...x", shares, triangles) - points, axis=-1)
    gaps[0] = np.where((shares[0] >= 0).all(axis=-1), gaps[0], np.inf)
    return np.asarray(np.take_along_axis(shares, gaps.argmin(axis=0)[None, ..., None], axis=0)[0])


def _foot_on_plane(a: Points, b: Points, c: Points, points: Points) -> Points:
    """Barycentric coordinates (..., 3) of the perpendicular's foot; negative for a flat triangle."""
    u, v, w = b - a, c - a, points - a
    uu, vv, uv = (u * u).sum(axis=-1), (v * v).sum(axis=-1), (u * v).sum(axis=-1)
    wu, wv = (w * u).sum(axis=-1), (w * v).sum(axis=-1)
    area = uu * vv - uv * uv
    flat = area <= 1e-12 * uu * vv
    area = np.where(flat, 1, area)
    second, third = (vv * wu - uv * wv) / area, (uu * wv - uv * wu) / area
    return np.where(flat[..., None], -1, np.stack([1 - second - third, second, third], axis=-1))
