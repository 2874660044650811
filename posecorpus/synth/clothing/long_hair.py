"""Long hair: a sheet that falls from the sides and the back of the head onto the back."""

from __future__ import annotations

import numpy as np

from posecorpus.synth.appearance.landmarks import JOINT, Landmarks, dense_weights
from posecorpus.synth.appearance.look import Look
from posecorpus.synth.appearance.noise import value_noise
from posecorpus.synth.bodies.model import BodyModel, face_parts
from posecorpus.synth.clothing.binding import Hold
from posecorpus.synth.clothing.cloth_mesh import edge_ids, grain_of
from posecorpus.synth.clothing.cut import Uncut
from posecorpus.synth.clothing.loft import (
    Floats,
    Loft,
    Vectors,
    attach,
    heaviest,
    hull_radii,
    ring_faces,
    section,
    thinned,
)

STRANDS, LEVELS = 41, 30
ON_BACK_M = 0.022
"""Hair that lies on the back is this far from the skin: there is a shirt between."""
AT_HEAD_M = 0.008
SIDE_DEG = 108.0
"""From the back of the head to the cheeks: how far around hair hangs at the ears."""
SIDES_M = 0.19
"""How far it hangs down at the sides."""
BACK_HALF_M = 0.10
"""Half its width on the back."""


def long_hair(body: BodyModel, dense: Vectors, at: Landmarks) -> Loft:
    """The longest hair of a body, for looks to cut."""
    skin = np.asarray(body.v_template, np.float64)
    kept = thinned(LEVELS, STRANDS, grain_of(body), closed=False)
    sheet = _sheet(body.finest or body, at).reshape(-1, 3)
    fields = _fields(sheet)[:, kept.ravel()]
    flat, heights = sheet[kept.ravel()], sheet[kept.ravel(), 1]
    chin = float(at.eyes[:, 1].mean()) - 1.6 * at.eye_distance
    shoulder = float(at.joint("l_shoulder")[1])
    fallen = np.clip((chin - heights) / (chin - shoulder + 0.02), 0, 1)
    head = np.flatnonzero(dense[:, [JOINT["head"]]].sum(axis=1) > 0.6)
    trunk = dense[:, [JOINT[n] for n in ("neck", "spine1", "spine2", "spine3", "l_collar", "r_collar")]]
    back = np.flatnonzero((trunk.sum(axis=1) > 0.6) & (skin[:, 2] < at.joint("neck")[2] - 0.02))
    anchors, shares = [], []
    for which, share in ((head, 1 - fallen), (back, fallen)):
        found, part, *_ = attach(flat, skin, dense, which)
        part = part[:, :2] / part[:, :2].sum(axis=1, keepdims=True)
        anchors.append(found[:, :2])
        shares.append(part * share[:, None])
    order = np.argsort(-np.concatenate(shares, axis=1), axis=1, kind="stable")
    held = np.take_along_axis(np.concatenate(anchors, axis=1), order, axis=1)
    portions = np.take_along_axis(np.concatenate(shares, axis=1), order, axis=1)
    mixed = np.einsum("nk,nkj->nj", portions, dense[held])
    joints, weights = heaviest(mixed)
    faces = ring_faces(kept.shape[0], kept.shape[1], closed=False)
    ids, n_edges = edge_ids(faces)
    uv = np.stack(np.meshgrid(np.linspace(0, 1, STRANDS), np.linspace(1, 0, LEVELS)), axis=-1).reshape(-1, 2)
    uv = uv[kept.ravel()]
    mesh = Uncut(
        faces, ids, n_edges, uv[faces].astype(np.float32), face_parts(mixed.astype(np.float32), faces)
    )
    offsets = flat - np.einsum("nk,nkc->nc", portions, skin[held])
    hold = Hold(held, portions.astype(np.float32), joints, weights)
    return Loft(fields, mesh, hold, offsets.astype(np.float32))


def cut_field(loft: Loft, look: Look) -> Floats:
    """(N,) what of the sheet a look's hair is; its ends are ragged."""
    y, shoulders, one, other = loft.fields
    ragged = np.float32(0.15 * look.fit.hair_ends)
    tufts = ragged * np.float32(look.mix_cos) * one + ragged * np.float32(look.mix_sin) * other
    return np.asarray(y - np.maximum(np.float32(look.face.long_hair_bottom), shoulders) - tufts)


def _fields(sheet: Vectors) -> Floats:
    """(4, N) of the sheet (N, 3): height, where it ends at the sides, above the shoulders, and two kinds of tufts."""
    x, y, z = sheet.T
    strand = np.abs(np.tile(np.linspace(-1, 1, STRANDS), LEVELS))
    shoulders = np.interp(strand, (0.45, 0.6, 1.0), (-9, 0.0, 0.05)) + y[0] - SIDES_M
    across = np.stack([(x + 0.5 * z) * 70, 0 * x, 0 * x], axis=1)
    return np.stack([y, shoulders, value_noise(across, 31), value_noise(across, 32)]).astype(np.float32)


def _sheet(body: BodyModel, at: Landmarks) -> Vectors:
    """(LEVELS, STRANDS, 3) points of the sheet, from the ears down."""
    skin, dense = np.asarray(body.v_template, np.float64), dense_weights(body)
    eyes, unit = at.eyes.mean(axis=0), at.eye_distance
    arms = dense[:, [JOINT[s + n] for s in ("l_", "r_") for n in ("shoulder", "elbow", "wrist", "hand")]]
    trunk = (arms.sum(axis=1) < 0.4)[body.faces].all(axis=1)
    edges = np.concatenate([body.faces[trunk][:, [0, 1]], body.faces[trunk][:, [1, 2]]])
    top, chin = eyes[1] + 1.0 * unit, eyes[1] - 1.6 * unit
    shoulder, low = float(at.joint("l_shoulder")[1]), float(at.joint("neck")[1]) - 0.32
    heights = np.linspace(top, low, LEVELS)
    points = np.empty((LEVELS, STRANDS, 3))
    up, reach, middle = np.array([0.0, 1.0, 0.0]), np.zeros(STRANDS), np.zeros(2)
    share = np.linspace(-1, 1, STRANDS)
    back = 1 - np.clip((np.abs(share) - 0.5) / 0.3, 0, 1)  # these strands come to lie on the back
    angle = np.radians(SIDE_DEG) * share
    level = np.stack([np.sin(angle), -np.cos(angle)], axis=1)
    for k, height in enumerate(heights):
        fallen = np.clip((eyes[1] - height) / (eyes[1] - shoulder), 0, 1)
        found = section(skin, edges, up * height, up)[:, [0, 2]]
        if height > chin:
            middle = np.array([0.0, eyes[2] - 1.5 * unit])
            reach = np.maximum(hull_radii(found, middle, level) + AT_HEAD_M, 0.97 * reach)
        across = middle + (reach * (1 - 0.15 * fallen))[:, None] * level
        across[:, 0] += (share * BACK_HALF_M / 0.65 - across[:, 0]) * fallen**2 * back
        behind = np.array([_back(found, x) for x in across[:, 0]]) - ON_BACK_M
        if height < eyes[1]:
            across[:, 1] += back * (np.minimum(across[:, 1], behind) - across[:, 1])
        points[k] = np.stack([across[:, 0], np.full(STRANDS, height), across[:, 1]], axis=1)
    # Nothing holds hair between the head and the back: it hangs straight over the hollow of the neck.
    for _ in range(400):
        straight = 0.5 * (points[:-2, :, 2] + points[2:, :, 2])
        points[1:-1, :, 2] += back * np.minimum(straight - points[1:-1, :, 2], 0)
    for _ in range(4):
        points[1:-1] = 0.5 * points[1:-1] + 0.25 * (points[:-2] + points[2:])
    return points


def _back(found: Vectors, x: float) -> float:
    """How far back the skin of a section (K, 2) comes near x."""
    near = np.abs(found[:, 0] - x) < 0.03
    return float(found[near, 1].min()) if near.any() else 0.0
