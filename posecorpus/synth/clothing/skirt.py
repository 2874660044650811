"""Skirts: one surface around both legs.

At rest it is the hull of the body's level sections, widened towards the hem. Its weights are those of the
nearest skin, from the left leg to the right one in a gradual change, smoothed. See ``hang`` for what a pose does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from posecorpus.synth.appearance.landmarks import JOINT, Landmarks, dense_weights
from posecorpus.synth.appearance.look import Look
from posecorpus.synth.bodies.model import BodyModel, face_parts
from posecorpus.synth.clothing.cloth_mesh import edge_ids, grain_of
from posecorpus.synth.clothing.cut import Seam, Uncut
from posecorpus.synth.clothing.hang import BINS, Skirt
from posecorpus.synth.clothing.loft import (
    Floats,
    Vectors,
    along,
    heaviest,
    hull_radii,
    ring_faces,
    section,
    thinned,
)

AROUND, LEVELS = 64, 44
EASE_M = 0.006
WAIST_M = 0.04
"""So near to the waist a shirt may touch the skirt."""
TRUNK_M = 0.12
"""From so far below the waist upwards a skirt stays out of what the shirt fills so far around the waist."""
HELD_M = 0.10
"""Over this way below the waist legs come to push the cloth."""
OVER_SHIRT_M = 0.005
SECTORS = 12
"""Around a leg; of each the farthest vertex counts."""
_SEGMENTS = tuple(
    (JOINT[side + a], JOINT[side + b])
    for side in ("l_", "r_")
    for a, b in (("hip", "knee"), ("knee", "ankle"))
)
_ENDS = np.array(_SEGMENTS, np.int32)


@dataclass(frozen=True, eq=False)
class SkirtPattern:
    """The longest skirt of a body, measured once.

    Attributes:
        points: (N, 3) float32 at rest, row by row from the waist down. directions: (B, N, 3) per unit of beta.
        outwards: (N, 3) level unit vectors. flare: (N,) 0 at the hips to 1 at the ankles. angle: (N,) radians.
        joints, weights: (N, JOINTS).
        mesh: v of uv is the height y.
        neighbours: (N, 4) above, below, before and after each point; N where there is none.
        legs, leg_directions: (L, 3) and (B, L, 3) of the skin of the legs, limb: (L,) which thigh or shin it is
            around, bins: (L,) and where along it.
    """

    points: Floats
    directions: Floats
    outwards: Floats
    flare: Floats
    angle: Floats
    joints: NDArray[np.uint8]
    weights: Floats
    mesh: Uncut
    neighbours: NDArray[np.int32]
    legs: Floats
    leg_directions: Floats
    limb: NDArray[np.int32]
    bins: NDArray[np.int32]


def pattern(body: BodyModel, at: Landmarks) -> SkirtPattern:
    """Measure a body for skirts."""
    kept = thinned(LEVELS, AROUND, grain_of(body))
    body = body.finest or body  # coarser versions have some of its vertices
    skin, dense = np.asarray(body.v_template, np.float64), dense_weights(body)
    arms = dense[
        :, [JOINT[s + n] for s in ("l_", "r_") for n in ("collar", "shoulder", "elbow", "wrist", "hand")]
    ]
    near = np.flatnonzero(arms.sum(axis=1) < 0.3)
    waist = float(at.joint("spine1")[1]) + 0.02
    hip, ankle = float(at.joint("l_hip")[1]), float(at.joint("l_ankle")[1])
    heights = np.linspace(waist, ankle, LEVELS)
    angle = 2 * np.pi * np.arange(AROUND) / AROUND
    # From the middle of the back; seen from above, counter-clockwise is from -Z to +X.
    outwards = np.stack([np.sin(angle), np.zeros(AROUND), -np.cos(angle)], axis=1)
    points = _hulls(skin, body.faces, near, heights, outwards, hip)
    flat = points.reshape(-1, 3)

    weights, directions = _from_skin(flat, skin, dense, np.moveaxis(body.shapedirs, -1, 0), near)
    grid = weights.reshape(LEVELS, AROUND, -1), directions.reshape(LEVELS, AROUND, -1)
    weights, directions = (_smoothed(values).reshape(len(flat), -1)[kept.ravel()] for values in grid)
    flat, angle = flat[kept.ravel()], angle[kept % AROUND].ravel()
    joints, heavy = heaviest(weights)
    faces = ring_faces(*kept.shape)
    ids, n_edges = edge_ids(faces)
    uv = np.stack([angle / (2 * np.pi), flat[:, 1]], axis=1)[faces]
    uv[..., 0] += (np.ptp(uv[..., 0], axis=1, keepdims=True) > 0.5) & (uv[..., 0] < 0.5)
    own, limb, bins = _legs(skin, dense, at)
    return SkirtPattern(
        points=flat.astype(np.float32),
        directions=np.ascontiguousarray(directions.reshape(len(flat), -1, 3).transpose(1, 0, 2), np.float32),
        outwards=outwards[kept % AROUND].reshape(-1, 3).astype(np.float32),
        flare=np.clip((hip + 0.04 - flat[:, 1]) / (hip - ankle), 0, 1).astype(np.float32),
        angle=angle.astype(np.float32),
        joints=joints,
        weights=heavy,
        mesh=Uncut(faces, ids, n_edges, uv.astype(np.float32), face_parts(weights.astype(np.float32), faces)),
        neighbours=_neighbours(*kept.shape),
        legs=skin[own].astype(np.float32),
        leg_directions=np.ascontiguousarray(np.moveaxis(body.shapedirs, -1, 0)[:, own]),
        limb=limb.astype(np.int32),
        bins=bins.astype(np.int32),
    )


def outline(made: SkirtPattern, look: Look) -> Floats:
    """(N,) metres to the edges of a look's skirt, positive where it is."""
    height = made.points[:, 1]
    return np.asarray(np.minimum(height - look.fit.skirt_bottom, look.outfit.waist - height), np.float32)


def sew(
    body: BodyModel, made: SkirtPattern, seam: Seam, betas: NDArray[np.floating], look: Look, shirt: Floats
) -> Skirt:
    """A skirt of a look's width on a body of shape ``betas``, of the vertices ``seam``.

    Args:
        shirt: (S, 3) points at rest that it lies over at the waist.
    """
    use, waist = seam.whole, float(look.outfit.waist)
    over, (x, z) = around(shirt, waist - 0.75 * WAIST_M, waist + 0.25 * WAIST_M)
    trunk, _ = around(shirt, waist - TRUNK_M, waist + TRUNK_M, (x, z))
    rest = along(made.points, made.directions, betas)[use]
    swing, turn = float(look.fit.skirt_flare), 6 * look.mix_cos
    _widen(rest, made.outwards, made.flare, made.angle, use, swing, turn, waist, over, (x, z))
    joints = body.joints_template + body.joints_shapedirs[..., : len(betas)] @ betas
    axes = joints[_ENDS].astype(np.float32)
    legs = along(made.legs, made.leg_directions, betas)
    number = np.full(len(made.points) + 1, -1, np.int32)
    number[use] = np.arange(len(use))
    return Skirt(
        rest=rest,
        joints=made.joints[use],
        weights=made.weights[use],
        neighbours=number[made.neighbours[use]],
        free=np.clip((waist - WAIST_M / 2 - made.points[use, 1]) / HELD_M, 0, 1),
        ends=seam.ends,
        end_shares=seam.shares,
        axes=axes,
        owners=_ENDS[:, 0],
        radii=_radii(legs, axes, made.limb, made.bins),
        middle=np.array([x, waist - TRUNK_M, z], np.float32),
        trunk=trunk + np.float32(2 * OVER_SHIRT_M),
    )


def around(
    points: Floats, low: float, high: float, middle: tuple[float, float] | None = None
) -> tuple[Floats, tuple[float, float]]:
    """How far points between two heights reach around an upright axis.

    Args:
        points: (N, 3). low, high: y.
        middle: x and z of the axis; None for the middle of these points.

    Returns:
        (AROUND,) metres by direction, from the back over the left, directions without points between those with; and
        the axis. All zero if there are no points.
    """
    near = points[(points[:, 1] > low) & (points[:, 1] < high)]
    if not len(near):
        return np.zeros(AROUND, np.float32), middle or (0.0, 0.0)
    if middle is None:
        x, _, z = (near.min(axis=0) + near.max(axis=0)) / 2
        middle = float(x), float(z)
    reach = np.zeros(AROUND, np.float32)
    _reach(near, middle, reach)
    found = np.flatnonzero(reach)
    return np.interp(np.arange(AROUND), found, reach[found], period=AROUND).astype(np.float32), middle


@njit(cache=True, nogil=True, error_model="numpy")
def _reach(points: Floats, middle: tuple[float, float], reach: Floats) -> None:
    """The farthest point by direction, and in the directions beside its own."""
    for v in range(len(points)):
        x, z = points[v, 0] - middle[0], points[v, 2] - middle[1]
        away = np.sqrt(x * x + z * z)
        column = round(np.arctan2(x, -z) * AROUND / (2 * np.pi))
        for beside in range(-2, 3):
            at = (column + beside) % AROUND
            reach[at] = max(reach[at], away * (1 - 0.005 * abs(beside)))


@njit(cache=True, nogil=True, error_model="numpy")
def _widen(
    rest: Floats, outwards: Floats, flare: Floats, angle: Floats, use: NDArray[np.int32],
    swing: float, turn: float, waist: float, over: Floats, middle: tuple[float, float],
) -> None:  # fmt: skip
    """Move points outwards: by the skirt's width and pleats, and at the waist over the shirt, below it ever less."""
    for i in range(len(use)):
        v = use[i]
        more = swing * flare[v]
        pleats = 0.5 + 0.5 * np.cos(9 * angle[v] + turn)
        out = EASE_M + more + (0.004 + 0.35 * more) * pleats * min(4 * flare[v], 1.0)
        x, z = rest[i, 0] + out * outwards[v, 0], rest[i, 2] + out * outwards[v, 2]
        fade = min(max((rest[i, 1] - (waist - 4 * WAIST_M)) / (3.5 * WAIST_M), 0.0), 1.0)
        if fade > 0:
            wanted = over[round(angle[v] * AROUND / (2 * np.pi)) % AROUND] + OVER_SHIRT_M
            short = fade * max(wanted - np.sqrt((x - middle[0]) ** 2 + (z - middle[1]) ** 2), 0.0)
            x, z = x + short * outwards[v, 0], z + short * outwards[v, 2]
        rest[i, 0], rest[i, 2] = x, z


def _hulls(
    skin: Vectors,
    faces: NDArray[np.int32],
    near: NDArray[np.intp],
    heights: Vectors,
    outwards: Vectors,
    hip: float,
) -> Vectors:
    """(LEVELS, AROUND, 3) hulls of the sections, hanging straight down from where the body is widest."""
    own = np.isin(faces, near).all(axis=1)
    edges = np.concatenate([faces[own][:, [0, 1]], faces[own][:, [1, 2]]])
    points = np.empty((len(heights), len(outwards), 3))
    level = outwards[:, [0, 2]]
    widest = np.zeros(len(outwards))
    for k, height in enumerate(heights):
        found = section(skin, edges, np.array([0, height, 0]), np.array([0.0, 1.0, 0.0]))[:, [0, 2]]
        if k == 0:
            middle = (found.min(axis=0) + found.max(axis=0)) / 2
        reach = hull_radii(found, middle, level)
        if height < hip + 0.06:
            reach = np.maximum(reach, 0.99 * widest)
        widest = reach
        points[k, :, [0, 2]] = (middle + reach[:, None] * level).T
        points[k, :, 1] = height
    return points


def _from_skin(
    points: Vectors, skin: Vectors, dense: Vectors, shapedirs: NDArray[np.float32], near: NDArray[np.intp]
) -> tuple[Vectors, Vectors]:
    """Weights (N, 24) and shape directions (N, B * 3) of the nearest skin, of both legs between them."""
    moves = shapedirs.transpose(1, 0, 2).reshape(len(skin), -1)
    values = np.concatenate([dense, moves], axis=1)
    mixed = []
    for side in (1, -1):
        half = near[side * skin[near, 0] > -0.002]
        away, which = cKDTree(skin[half]).query(points, k=8)
        shares = 1 / (away + 0.01) ** 2
        shares /= shares.sum(axis=1, keepdims=True)
        mixed.append(np.einsum("nk,nkc->nc", shares, values[half][which]))
    left = np.clip(0.5 + points[:, :1] / 0.2, 0, 1)
    both = left * mixed[0] + (1 - left) * mixed[1]
    return both[:, : dense.shape[1]], both[:, dense.shape[1] :]


def _smoothed(values: Vectors) -> Vectors:
    """Values (LEVELS, AROUND, C) averaged with their neighbours a few times."""
    for _ in range(6):
        padded = np.concatenate([values[:1], values, values[-1:]])
        around = np.roll(values, 1, axis=1) + np.roll(values, -1, axis=1)
        values = 0.5 * values + 0.125 * (padded[:-2] + padded[2:] + around)
    return values


def _legs(
    skin: Vectors, dense: Vectors, at: Landmarks
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Vertices of the legs that are farthest out, and around which segment and where along it each is."""
    which, limb, bins = [], [], []
    for s, (a, b) in enumerate(_SEGMENTS):
        own = np.flatnonzero(dense[:, a] > 0.5)
        axis = at.joints[b] - at.joints[a]
        off = skin[own] - at.joints[a]
        along = off @ axis / (axis @ axis)
        off -= along[:, None] * axis
        sector = (np.arctan2(off[:, 0], off[:, 2]) * SECTORS / (2 * np.pi)).astype(int) % SECTORS
        place = np.clip((along * BINS).astype(int), 0, BINS - 1)
        order = np.argsort(-np.linalg.norm(off, axis=1), kind="stable")
        far = order[np.unique((place * SECTORS + sector)[order], return_index=True)[1]]
        which.append(own[far])
        limb.append(np.full(len(far), s))
        bins.append(place[far])
    return np.concatenate(which), np.concatenate(limb), np.concatenate(bins)


def _neighbours(levels: int, around: int) -> NDArray[np.int32]:
    """(N, 4) above, below, before and after each point of the grid; N where there is none."""
    grid = np.arange(levels * around).reshape(levels, around)
    none = np.full((1, around), levels * around)
    found = [
        np.concatenate([none, grid[:-1]]),
        np.concatenate([grid[1:], none]),
        np.roll(grid, 1, axis=1),
        np.roll(grid, -1, axis=1),
    ]
    return np.stack([f.ravel() for f in found], axis=1).astype(np.int32)


@njit(cache=True, nogil=True)
def _radii(skin: Floats, axes: Floats, limb: NDArray[np.int32], bins: NDArray[np.int32]) -> Floats:
    """(S, BINS) how far the skin is from the axes, at most."""
    out = np.full((len(axes), BINS), np.float32(0.02))
    for v in range(len(skin)):
        a = axes[limb[v], 0]
        along = axes[limb[v], 1] - a
        off = skin[v] - a
        off = off - along * ((off * along).sum() / (along * along).sum())
        out[limb[v], bins[v]] = max(out[limb[v], bins[v]], np.sqrt((off * off).sum()))
    return out
