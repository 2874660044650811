"""Bodies to paint in tests."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.bodies.model import BodyModel, load_body
from posecorpus.synth.bodies.planar_uv import planar_uv


@dataclass(frozen=True, eq=False)
class Wearer:
    """The least that painting needs of a body."""

    v_template: NDArray[np.floating]
    faces: NDArray[np.integer]
    weight_joints: NDArray[np.integer]
    weights: NDArray[np.floating]
    uv: NDArray[np.floating]
    uv_faces: NDArray[np.integer]
    gender: str = "neutral"
    finest: Wearer | None = None


def foreign_body(scale: float = 1.08) -> BodyModel:
    """Another topology and another size: no eyes, every vertex renumbered, planar texture coordinates."""
    body = load_body("open", "neutral")
    used = _largest_piece(body.faces, len(body.v_template))
    order = np.random.default_rng(5).permutation(np.flatnonzero(used))
    new = np.full(len(used), -1)
    new[order] = np.arange(len(order))
    faces = new[body.faces[used[body.faces].all(axis=1)]][::-1].astype(np.int32)
    vertices = (body.v_template[order] * scale).astype(np.float32)
    uv, uv_faces = planar_uv(vertices, faces)
    return replace(
        body,
        v_template=vertices,
        faces=faces,
        weight_joints=body.weight_joints[order],
        weights=body.weights[order],
        uv=uv,
        uv_faces=uv_faces,
    )


def _largest_piece(faces: NDArray[np.integer], count: int) -> NDArray[np.bool_]:
    """By spreading the smallest label along edges until nothing changes."""
    label = np.arange(count)
    while True:
        low = label[faces].min(axis=1)
        new = label.copy()
        for k in range(3):
            np.minimum.at(new, faces[:, k], low)
        if (new == label).all():
            return label == np.bincount(label).argmax()
        label = new
