"""Coarser versions of a body, for people who are small in the picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import FULL_42, SMPL_24
from posecorpus.synth.bodies.decimate import decimate
from posecorpus.synth.bodies.model import BodyModel, face_parts, sparse_rows

BEND_M = 0.02
"""Vertices merge as late as if what moves them were this far apart: joints keep faces enough to bend."""

TIPS = ("nose", "head_top")
"""Landmarks that are vertices, and stay such: before a face that has lost its tip, the nose's joint would hover."""
TIP_M = 1.0
"""Vertices of tips merge as late as if they were this far from all others."""


def coarser(body: BodyModel, faces: int) -> BodyModel:
    """The body with about that many faces.

    Its vertices are some of the old ones, with their weights and shape directions, and its texture corners lie where
    they lay. Landmarks are the very same, so a person's joints do not depend on how finely it is drawn.
    """
    if len(body.faces) <= faces:
        return body
    weights = np.zeros((len(body.weights), len(SMPL_24)), np.float32)
    np.put_along_axis(weights, body.weight_joints.astype(np.intp), body.weights, axis=1)
    apart = np.column_stack([BEND_M * weights, TIP_M * _tips(body)])
    corners, uv_faces = decimate(body.v_template, body.faces, body.uv_faces, apart, faces)
    kept, local = _used(corners)
    kept_uv, local_uv = _used(uv_faces)
    weight_joints, shares = sparse_rows(weights[kept])
    return replace(
        body,
        v_template=body.v_template[kept],
        shapedirs=_rows(body.shapedirs, kept),
        posedirs=None if body.posedirs is None else _rows(body.posedirs, kept),
        weight_joints=weight_joints,
        weights=shares,
        faces=local,
        face_parts=face_parts(weights[kept], local),
        uv=body.uv[kept_uv],
        uv_faces=local_uv,
        finest=body.finest or body,
    )


def _tips(body: BodyModel) -> NDArray[np.float32]:
    """(V,) 1 for the vertices nearest to :data:`TIPS`, 0 for all others."""
    marks = np.zeros(len(body.v_template), np.float32)
    for tip in body.landmarks_template[FULL_42.indices(*TIPS)]:
        marks[np.linalg.norm(body.v_template - tip, axis=-1).argmin()] = 1.0
    return marks


def _used(faces: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """What faces refer to, in order, and the faces in terms of it."""
    kept, local = np.unique(faces, return_inverse=True)
    return kept, np.asarray(local, np.int32).reshape(-1, 3)


def _rows(directions: NDArray[np.float32], kept: NDArray[np.int32]) -> NDArray[np.float32]:
    """Some rows of (V, 3, N) directions, laid out as :class:`BodyModel` wants them."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(directions, -1, 0)[:, kept]), 0, -1)
