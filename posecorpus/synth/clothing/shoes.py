"""Shoes: rings around the foot from the calf over the heel to the toes, hulls that no toe shows through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from posecorpus.synth.appearance.landmarks import JOINT, Landmarks, dense_weights
from posecorpus.synth.appearance.look import Look
from posecorpus.synth.appearance.strip import SOLE_V
from posecorpus.synth.bodies.model import BodyModel, face_parts
from posecorpus.synth.clothing.binding import Hold
from posecorpus.synth.clothing.cloth_mesh import edge_ids, grain_of
from posecorpus.synth.clothing.cut import Uncut
from posecorpus.synth.clothing.loft import (
    Floats,
    Loft,
    Vectors,
    attach,
    hull_radii,
    ring_faces,
    section,
    thinned,
)

AROUND = 28
TOP_M = 0.40
"""The highest boot."""
ANKLE_M = 0.10
"""Above this the shaft has level rings; below it rings swing around the instep."""
EASE_M = 0.004
TOE_M = 0.012
"""The shoe is this much longer than the foot."""
WELT_M = 0.004
"""So far soles stand out."""
BALL = 0.9
"""The last section that is measured, as a share of the way from instep to toes."""
UPWARD = np.array([0.0, 1.0, 0.0])
SOLE_M = 0.022
TILT = 0.35
"""A shoe's edge rises towards the instep, so many metres a metre."""


def edge_field(points: Vectors, at: Landmarks) -> Floats:
    """(N,) metres that the edge of a shoe at points lies below them if it is at the height 0 at the heel."""
    ankle = float(at.joint("l_ankle")[2])
    return np.asarray(TILT * (points[:, 2] - ankle + 0.02) - points[:, 1], np.float32)


def shoes(body: BodyModel, dense: Vectors, at: Landmarks) -> Loft:
    """Both shoes of a body, with shafts up to ``TOP_M`` above the soles."""
    skin = np.asarray(body.v_template, np.float64)
    lofts = [_shoe(body.finest or body, at, side) for side in ("l_", "r_")]
    kept = thinned(len(lofts[0][0]) // AROUND, AROUND, grain_of(body))
    lofts = [(points[kept.ravel()], uv[kept.ravel()]) for points, uv in lofts]
    points, uv = (np.concatenate(arrays) for arrays in zip(*lofts, strict=True))
    faces = np.concatenate([ring_faces(*kept.shape), ring_faces(*kept.shape) + kept.size])
    bound = [
        attach(one, skin, dense, _leg(dense, skin, at, side))
        for (one, _), side in zip(lofts, ("l_", "r_"), strict=True)
    ]
    anchors, shares, joints, weights, offsets = (
        np.concatenate(arrays) for arrays in zip(*bound, strict=True)
    )
    spread = np.zeros((len(points), dense.shape[1]), np.float32)
    np.put_along_axis(spread, joints.astype(np.intp), weights, axis=1)
    ids, n_edges = edge_ids(faces)
    mesh = Uncut(faces, ids, n_edges, uv[faces].astype(np.float32), face_parts(spread, faces))
    return Loft(edge_field(points, at)[None], mesh, Hold(anchors, shares, joints, weights), offsets)


def cut_field(loft: Loft, look: Look) -> Floats:
    """(N,) metres below the edge of a look's shoes."""
    return np.asarray(loft.fields[0] + np.float32(look.outfit.shoe_top))


def _leg(dense: Vectors, skin: Vectors, at: Landmarks, side: str) -> np.ndarray:
    """Vertices of one lower leg and foot."""
    own = dense[:, [JOINT[side + n] for n in ("knee", "ankle", "foot")]].sum(axis=1) > 0.5
    return np.flatnonzero(own & (skin[:, 1] < at.sole + TOP_M + 0.05))


@dataclass(frozen=True)
class _Foot:
    """A foot's own axes: metres ahead from the heel, to the left, and up; the pivot lies on the instep."""

    edges: np.ndarray
    heel: Vectors
    ahead: Vectors
    left: Vectors
    pivot: Vectors
    length: float


def _foot(skin: Vectors, body: BodyModel, dense: Vectors, at: Landmarks, side: str) -> _Foot:
    picked = np.zeros(len(skin), bool)
    picked[_leg(dense, skin, at, side)] = True
    triangles = body.faces[picked[body.faces].all(axis=1)]
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    foot = skin[picked & (skin[:, 1] < at.sole + 0.05)]
    low, tip = foot[:, 2].min(), foot[:, 2].max()
    heel = foot[foot[:, 2] < low + 0.05].mean(axis=0)
    ahead = (foot[foot[:, 2] > tip - 0.06].mean(axis=0) - heel) * (1, 0, 1)
    ahead /= np.linalg.norm(ahead)
    shin = section(skin, edges, UPWARD * (at.sole + ANKLE_M), UPWARD)
    centre = shin.mean(axis=0)
    pivot = centre + (((shin - centre) @ ahead).max() + EASE_M) * ahead
    return _Foot(edges, heel, ahead, np.cross(UPWARD, ahead), pivot, float(((foot - pivot) @ ahead).max()))


def _shoe(body: BodyModel, at: Landmarks, side: str) -> tuple[Vectors, Vectors]:
    """Points (N, 3) and texture coordinates (N, 2) of one shoe, ring by ring of ``AROUND`` each."""
    skin, dense = np.asarray(body.v_template, np.float64), dense_weights(body)
    foot = _foot(skin, body, dense, at, side)
    ahead, left, pivot = foot.ahead, foot.left, foot.pivot
    # Where a section is, which way its bottom points, and whether it ends at the pivot.
    planes = [
        (pivot + (h - ANKLE_M) * UPWARD, -ahead, False) for h in np.linspace(TOP_M, ANKLE_M + 0.025, 12)
    ]
    for angle in np.linspace(0, np.pi / 2, 7):
        planes.append((pivot, -np.cos(angle) * ahead - np.sin(angle) * UPWARD, True))
    planes += [
        (pivot + s * foot.length * ahead, -UPWARD, False) for s in (0.15, 0.3, 0.45, 0.6, 0.72, 0.82, BALL)
    ]
    turns = 2 * np.pi * (np.arange(AROUND) + 0.5) / AROUND
    directions = np.stack([np.cos(turns), np.sin(turns)], axis=1)  # outwards of the ring's bottom, then left
    rings = []
    for origin, out, half in planes:
        found = section(skin, foot.edges, origin, np.cross(left, out))
        if half:
            found = found[(found - origin) @ out > -1e-6]
        flat = np.stack([(found - origin) @ out, (found - origin) @ left], axis=1)
        middle = (flat.min(axis=0) + flat.max(axis=0)) / 2
        ring = middle + (hull_radii(flat, middle, directions) + EASE_M)[:, None] * directions
        rings.append(origin + ring[:, :1] * out + ring[:, 1:] * left)
    _raise_toe_box(rings, at.sole)
    for ring, (_, out, _) in zip(rings, planes, strict=True):
        if out[1] < -0.9:
            ring[directions[:, 0] > 0.75, 1] = at.sole - 0.003
    rings += _toe_cap(rings[-1], at.sole, ((1 - BALL) * foot.length + TOE_M) * ahead)
    points = np.stack(rings)
    sole = points[..., 1] < at.sole + SOLE_M
    sideways = (points - points.mean(axis=1, keepdims=True)) @ left
    points += (WELT_M * sole * np.sign(sideways))[..., None] * left
    uv = _texture(points, at.sole, (points - foot.heel) @ ahead)
    return points.reshape(-1, 3), uv.reshape(-1, 2)


def _raise_toe_box(rings: list[Vectors], sole: float) -> None:
    """Shoes are nearly as high over the toes as over the ball of the foot."""
    wanted = 0.8 * (rings[-4][:, 1].max() - sole)
    for ring in rings[-3:]:
        ring[:, 1] = sole + (ring[:, 1] - sole) * max(wanted / max(ring[:, 1].max() - sole, 1e-3), 1.0)


def _toe_cap(last: Vectors, sole: float, way: Vectors) -> list[Vectors]:
    """Rings that close the shoe: a superellipse from the last section onwards."""
    middle = last.mean(axis=0)
    middle[1] = sole + 0.25 * (last[:, 1].max() - sole)
    caps = []
    for share in (0.4, 0.7, 0.87, 0.96, 0.999):
        scale = (1 - share**2.5) ** (1 / 2.5)
        caps.append(middle + scale * (last - middle) + share * way)
    return caps


def _texture(points: Vectors, sole: float, along: Vectors) -> Vectors:
    """(R, K, 2) coordinates in the tile of points (R, K, 3): from heel to toe, and by height."""
    high = points[..., 1] - sole
    top = high.max(axis=1, keepdims=True)
    upper = SOLE_V + (1 - SOLE_V) * (high - SOLE_M) / np.maximum(top - SOLE_M, 0.02)
    upper = np.minimum(upper, np.where(top > ANKLE_M + 0.02, 0.7, 1.0))  # no laces on the shaft of a boot
    v = np.where(high < SOLE_M, SOLE_V * 0.9 * high / SOLE_M, upper)
    return np.stack([(along - along.min()) / np.ptp(along), np.clip(v, 0, 1)], axis=-1)
