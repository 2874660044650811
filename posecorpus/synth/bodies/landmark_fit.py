"""Where the landmarks of ``full_42`` lie in the open bodies, as regressors (part of the bake).

What each data set means by its points, and what is made of it here:

* COCO's nose, eyes and ears: tip, middle of the visible eyeball, middle of the auricle.
* LSP and MPII mark hips on photographs, at the trochanters and a little above the joint; their
  ``head_top`` is the crown, their upper neck the nape at the height of the chin, MPII's thorax the
  base of the neck between the collar bones.
* Human3.6M's skeleton comes from its capture rig: hips 133 mm to either side of the pelvis and higher
  than the anatomical ones, spine 233 mm above the pelvis, thorax 257 mm above that, then "Neck/Nose"
  121 mm on (behind the mouth) and "Head" 115 mm above it (inside the skull, under the crown), all
  on a body of about 1.76 m; carried over by stature.
* LCR-Net's head is the middle of the head.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from posecorpus.core.skeletons import SMPL_24, opposite
from posecorpus.synth.bodies.regressor import LANDMARKS, LandmarkRegressor

Row = dict[int, float]
"""Weights by vertex."""


def fit_landmarks(
    vertices: NDArray[np.float64],
    faces: NDArray[np.int32],
    weights: NDArray[np.float32],
    joints: NDArray[np.float64],
) -> LandmarkRegressor:
    """Regressors of all landmarks on an open body.

    Args:
        vertices: (V, 3) template, T-pose, Y up, facing +Z, metres.
        faces: (F, 3).
        weights: (V, 24) skinning weights.
        joints: (24, 3) of the template.
    """
    head = weights[:, SMPL_24.index("head")] > 0.9
    rows = _surface_rows(vertices, faces, head)
    inner = _inner_points(vertices, head, joints)
    for name, point in inner.items():
        rows[name] = _row_through(point, vertices, faces)
    for kind in ("lsp", "h36m"):
        sides = (rows[f"l_hip_{kind}"], rows[f"r_hip_{kind}"])
        rows[f"pelvis_{kind}"] = _sum((row, 0.5) for row in sides)
    entries = [(i, vertex, value) for i, name in enumerate(LANDMARKS) for vertex, value in rows[name].items()]
    row, vertex, value = (np.array(column) for column in zip(*entries, strict=True))
    return LandmarkRegressor.from_entries(row.astype(np.int32), vertex.astype(np.int32), value)


def _surface_rows(
    vertices: NDArray[np.float64], faces: NDArray[np.int32], head: NDArray[np.bool_]
) -> dict[str, Row]:
    """Landmarks that are vertices or the mean of a patch of skin."""
    middle = np.flatnonzero(head & (np.abs(vertices[:, 0]) < 0.004))
    rows = {
        "nose": _mean(middle[[vertices[middle, 2].argmax()]]),
        "head_top": _mean(middle[[vertices[middle, 1].argmax()]]),
    }
    for side, sign in (("l", 1.0), ("r", -1.0)):
        tip = np.flatnonzero(head)[(sign * vertices[head, 0]).argmax()]
        near = np.linalg.norm(vertices - vertices[tip], axis=1) < 0.05
        ear = np.flatnonzero(near & (sign * (vertices[:, 0] - vertices[tip, 0]) > -0.025))
        rows[f"{side}_ear"] = _mean(ear[::6])
        ball = _eyeball(vertices, faces, sign)
        rows[f"{side}_eye"] = _mean(ball[vertices[ball, 2] > vertices[ball, 2].max() - 0.004])
    return rows


def _eyeball(vertices: NDArray[np.float64], faces: NDArray[np.int32], sign: float) -> NDArray[np.intp]:
    """Vertices of the smallest closed piece of the mesh on one side: the eyeball."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]]).T
    graph = coo_matrix((np.ones(edges.shape[1]), tuple(edges)), (len(vertices), len(vertices)))
    _, piece = connected_components(graph, directed=False)
    sizes = np.bincount(piece)
    balls = [np.flatnonzero(piece == p) for p in np.flatnonzero(sizes == sizes.min())]
    return max(balls, key=lambda ball: sign * vertices[ball, 0].mean())


def _inner_points(
    vertices: NDArray[np.float64], head: NDArray[np.bool_], joints: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Landmarks inside the body, metres in the template."""
    stature = np.ptp(vertices[:, 1])
    j = {name: joints[i] for i, name in enumerate(SMPL_24.joints)}
    low, high = vertices[head].min(axis=0), vertices[head].max(axis=0)

    def in_head(height: float, depth: float) -> NDArray[np.float64]:
        """A point of the middle plane, from chin and occiput (0) to crown and nose (1)."""
        return np.array([0.0, low[1] + height * (high[1] - low[1]), low[2] + depth * (high[2] - low[2])])

    points = {
        "upper_neck": 0.4 * j["neck"] + 0.6 * j["head"],
        "head_centre": in_head(0.55, 0.47),
        "jaw_h36m": in_head(0.18, 0.62),
        "head_h36m": in_head(0.67, 0.44),
        "thorax": (j["l_collar"] + j["r_collar"] + j["neck"]) / 3,
        "spine_h36m": j["spine2"] + np.array([0.0, 0.01 * stature, 0.0]),
    }
    for kind, widen, raise_by in (("lsp", 1.0, 0.010), ("h36m", 1.14, 0.024)):
        for side in ("l", "r"):
            hip = j[f"{side}_hip"]
            points[f"{side}_hip_{kind}"] = hip * [widen, 1, 1] + [0, raise_by * stature, 0]
    for name in points:
        if opposite(name) == name:
            points[name][0] = 0.0
    return points


def _row_through(point: NDArray[np.float64], vertices: NDArray[np.float64], faces: NDArray[np.int32]) -> Row:
    """A point inside the body as a blend of the skin straight in front of it and straight behind it."""
    corners = vertices[faces]
    a, b, c = corners[:, 0, :2], corners[:, 1, :2], corners[:, 2, :2]
    area = _cross(b - a, c - a)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.stack([_cross(b - point[:2], c - point[:2]), _cross(c - point[:2], a - point[:2])], 1)
        shares = shares / area[:, None]
    shares = np.concatenate([shares, 1 - shares.sum(axis=1, keepdims=True)], axis=1)
    hit = np.flatnonzero((np.abs(area) > 1e-12) & (shares.min(axis=1) >= -1e-9))
    depth = (shares[hit] * corners[hit, :, 2]).sum(axis=1)
    front, back = int(depth.argmax()), int(depth.argmin())
    forward = (point[2] - depth[back]) / (depth[front] - depth[back])
    return _sum(
        (dict(zip(faces[hit[i]].tolist(), shares[hit[i]].tolist(), strict=True)), share)
        for i, share in ((front, forward), (back, 1 - forward))
    )


def _cross(u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
    return u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]


def _mean(chosen: NDArray[np.intp]) -> Row:
    return {int(vertex): 1 / len(chosen) for vertex in chosen}


def _sum(rows: Iterable[tuple[Row, float]]) -> Row:
    total: Row = {}
    for row, share in rows:
        for vertex, value in row.items():
            total[vertex] = total.get(vertex, 0.0) + share * value
    return total
