"""What dressing measures of a body once: where cloth may lie, how it lies, and where folds gather."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

from posecorpus.synth.appearance.atlas import hair_height
from posecorpus.synth.appearance.kept import kept_with_body
from posecorpus.synth.appearance.landmarks import (
    JOINT,
    Landmarks,
    dense_weights,
    landmarks,
    same_vertices,
)
from posecorpus.synth.appearance.noise import value_noise
from posecorpus.synth.bodies.bake_weights import cotangent_laplacian
from posecorpus.synth.bodies.model import BodyModel
from posecorpus.synth.clothing.binding import ANCHORS, Hold
from posecorpus.synth.clothing.cloth_mesh import edge_pairs, grain_of, refine
from posecorpus.synth.clothing.cut import Uncut
from posecorpus.synth.clothing.hands import Hands, hands
from posecorpus.synth.clothing.loft import Loft, heaviest
from posecorpus.synth.clothing.long_hair import long_hair
from posecorpus.synth.clothing.shoes import edge_field, shoes
from posecorpus.synth.clothing.skirt import SkirtPattern, pattern

LONGEST_EDGE_M = 0.018
COARSE_EDGE = 1.5
"""Longer edges yet, on coarser bodies: few faces of theirs are small."""
BRIDGE_M = 0.022
"""Cloth spans hollows about this wide: the skin's shape is diffused this far under it."""
MOST_BETAS = 16
"""Cloth knows the shape by so many directions; what further ones change, it follows as the skin does."""
LONGEST_SHIRT_M = 0.3
"""So far below the hips tunics reach, at most."""
HIGHEST_COLLAR_M = 0.075
SIDE, UP, ARM, ABOVE_NECK, AROUND, FOLD_A, FOLD_B, DEPTH, HAIR_AT, FOREHEAD, STRANDS, FLAT = range(12)
"""Columns of :attr:`Mannequin.fields`."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Mannequin:
    """A body as the tailor sees it. Vertices are the dressable ones of the body, then middles of edges.

    Attributes:
        at: the body's landmarks.
        grain: how coarse it is, see ``cloth_mesh.grain_of``.
        mesh: of trunk, neck, head and limbs without hands, toes and face; uv is the body's.
        upper, lower, head: the faces of it that a shirt, trousers, and hair or a scarf can be cut from.
        middles: (M, 2) int32, the vertices that each of the last M lies between.
        own: (W,) int32, the body's vertices that the mesh has.
        faces: (G, 3) int32 of those, before refinement; pairs: (E, 2) their edges; shares: (W,) float32, one more
            than the neighbours of each.
        skin, skin_directions: (W, 3) float32 and (B, W, 3), their rest positions and change per beta.
        smooth, smooth_directions: the same with hollows bridged.
        fields: (N, 12) float32, see the column names: distance from the middle plane, height, share of the
            arm, metres above the neckline, angle around the trunk in metres, two fold heights in [0, 1], z,
            metres above an average hairline, 1 at the forehead to 0 at the nape, tufts in [-1, 1],
            1 where hair lies flat around the ears, else 0.
        heights: (N,) float32, their column UP once more, in one piece.
        hold: (N, ...), what binds them to the body.
        body_uv: (T, 2), the body's own texture coordinates.
        shoes: of the largest kind, for looks to cut.
        shod: (V', ) int32 vertices of the body that shoes may hide.
        shod_edge: (V',) float32, metres below the edge of shoes that end at the height 0, see ``shoes.edge_field``.
        skirt, long_hair: the longest, likewise.
        hands: its fingers.
    """

    at: Landmarks
    grain: float
    mesh: Uncut
    upper: Uncut
    lower: Uncut
    head: Uncut
    middles: NDArray[np.int32]
    own: NDArray[np.int32]
    faces: NDArray[np.int32]
    pairs: NDArray[np.int32]
    shares: Floats
    skin: Floats
    skin_directions: Floats
    smooth: Floats
    smooth_directions: Floats
    fields: Floats
    heights: Floats
    hold: Hold
    body_uv: Floats
    shoes: Loft
    shod: NDArray[np.int32]
    shod_edge: Floats
    skirt: SkirtPattern
    long_hair: Loft
    hands: Hands


@kept_with_body
def mannequin(body: BodyModel) -> Mannequin:
    """The measurements of a body; taken at the first call in a process and kept as long as the body lives."""
    at = landmarks(body)
    dense = dense_weights(body)
    template = np.asarray(body.v_template, np.float64)
    picked = np.flatnonzero(_dressable(template, dense, at)[body.faces].all(axis=1))
    own, flat = np.unique(body.faces[picked], return_inverse=True)
    faces = flat.reshape(-1, 3).astype(np.int32)
    pairs = edge_pairs(faces).astype(np.int32)
    longest = LONGEST_EDGE_M if body.finest is None else COARSE_EDGE * LONGEST_EDGE_M * grain_of(body)
    mesh = refine(template[own], faces, longest)
    body_faces = picked[mesh.body_faces]
    uv = np.einsum("fck,fkd->fcd", mesh.corners, body.uv[body.uv_faces[body_faces]])

    points = _with_middles(template[own], mesh.middles)
    mixed = _with_middles(dense[own], mesh.middles)
    feet = dense[:, [JOINT[s + n] for s in ("l_", "r_") for n in ("knee", "ankle", "foot")]].sum(axis=1)
    shod = np.flatnonzero(feet > 0.5)
    directions = np.ascontiguousarray(np.moveaxis(body.shapedirs, -1, 0)[:MOST_BETAS, own])
    if body.finest is None:
        smooth = _bridged(template[own], directions, faces, at)
    else:
        whole = mannequin(body.finest)
        same = np.searchsorted(whole.own, same_vertices(body)[own])
        smooth = np.concatenate([whole.smooth[same][None], whole.smooth_directions[:, same]])
    cloth = Uncut(mesh.faces, mesh.edges, mesh.n_edges, uv.astype(np.float32), body.face_parts[body_faces])
    fields = _fields(points, mixed, at)
    low, high = fields[mesh.faces].min(axis=1), fields[mesh.faces].max(axis=1)
    waist, hip = float(at.joint("spine1")[1]), float(at.joint("l_hip")[1])
    return Mannequin(
        at=at,
        grain=grain_of(body),
        mesh=cloth,
        upper=cloth.where((high[:, UP] > hip - LONGEST_SHIRT_M) & (low[:, ABOVE_NECK] < HIGHEST_COLLAR_M)),
        lower=cloth.where((low[:, UP] < waist + 0.05) & (low[:, ARM] < 0.5)),
        head=cloth.where((high[:, ABOVE_NECK] > -0.15) & (low[:, ARM] < 0.5)),
        middles=mesh.middles,
        own=own.astype(np.int32),
        faces=faces,
        pairs=pairs,
        shares=(1 + np.bincount(pairs.ravel(), minlength=len(own))).astype(np.float32),
        skin=template[own].astype(np.float32),
        skin_directions=directions,
        smooth=np.ascontiguousarray(smooth[0], np.float32),
        smooth_directions=np.ascontiguousarray(smooth[1:], np.float32),
        fields=fields,
        heights=np.ascontiguousarray(fields[:, UP]),
        hold=_hold(own, mesh.middles, mixed),
        body_uv=body.uv,
        shoes=shoes(body, dense, at),
        shod=shod.astype(np.int32),
        shod_edge=edge_field(template[shod], at),
        skirt=pattern(body, at),
        long_hair=long_hair(body, dense, at),
        hands=hands(template, dense, body.joints_template),
    )


def _hold(own: NDArray[np.integer], middles: NDArray[np.int32], dense: NDArray[np.float64]) -> Hold:
    anchors = np.zeros((len(own) + len(middles), ANCHORS), np.int32)
    shares = np.zeros((len(own) + len(middles), ANCHORS), np.float32)
    anchors[: len(own), 0], shares[: len(own), 0] = own, 1
    anchors[len(own) :, :2], shares[len(own) :, :2] = own[middles], 0.5
    return Hold(anchors, shares, *heaviest(dense))


def _bridged(
    skin: NDArray[np.float64], directions: Floats, faces: NDArray[np.int32], at: Landmarks
) -> NDArray[np.float64]:
    """(1 + B, W, 3) the skin (W, 3), and its change per beta (B, W, 3), with hollows bridged."""
    columns = np.concatenate([skin[None], directions]).transpose(1, 0, 2)
    smooth = diffuse(columns.reshape(len(skin), -1), skin, faces, BRIDGE_M).reshape(columns.shape)
    # Collars lie on the neck.
    above = skin[:, 1] - at.joint("neck")[1] + 0.45 * (skin[:, 2] - at.joint("neck")[2])
    bridged = np.clip((-0.02 - above) / 0.1, 0, 1) + np.clip((above - 0.05) / 0.05, 0, 1)
    return np.asarray((columns + bridged[:, None, None] * (smooth - columns)).transpose(1, 0, 2))


def diffuse(
    values: NDArray[np.float64], vertices: NDArray[np.float64], faces: NDArray[np.int32], reach: float
) -> NDArray[np.float64]:
    """Values (V, C) averaged over about ``reach`` metres of the surface."""
    stiffness, mass = cotangent_laplacian(vertices, faces)
    floor = 1e-9 * scipy.sparse.identity(len(vertices))
    step = splu((mass + floor + reach**2 / 2 * stiffness).tocsc())
    for _ in range(2):
        values = step.solve((mass + floor) @ values)
    return np.asarray(values)


def _dressable(points: NDArray[np.float64], dense: NDArray[np.float64], at: Landmarks) -> NDArray[np.bool_]:
    """(V,) neither hand nor toes nor face."""
    wrist = at.joint("l_wrist")
    hand = np.abs(points[:, 0]) > wrist[0] + 0.03
    toes = dense[:, [JOINT["l_foot"], JOINT["r_foot"]]].sum(axis=1) > 0.5
    q = (points - at.eyes.mean(axis=0)) / at.eye_distance
    inner = (np.abs(q[:, 0]) < 0.85) & (q[:, 1] > -1.1) & (q[:, 1] < 0.5) & (q[:, 2] > -0.9)
    head = dense[:, JOINT["head"]] > 0.5
    return np.asarray(~(hand | toes | (head & inner) | (at.eyeball > 0) | at.mouth))


def _with_middles(values: NDArray[np.float64], middles: NDArray[np.int32]) -> NDArray[np.float64]:
    return np.concatenate([values, values[middles].mean(axis=1)])


def _fields(points: NDArray[np.float64], dense: NDArray[np.float64], at: Landmarks) -> Floats:
    x, y, z = points.T
    neck, spine_z = at.joint("neck"), at.joint("spine2")[2]
    out = np.empty((len(points), 12), np.float32)
    arms = [JOINT[s + n] for s in ("l_", "r_") for n in ("shoulder", "elbow", "wrist", "hand")]
    out[:, SIDE], out[:, UP], out[:, DEPTH] = np.abs(x), y, z
    out[:, ARM] = dense[:, arms].sum(axis=1)
    out[:, ABOVE_NECK] = (y - neck[1]) + 0.45 * (z - neck[2])
    out[:, AROUND] = np.arctan2(x, z - spine_z) * 0.16
    for slot, seed in ((FOLD_A, 11), (FOLD_B, 12)):
        out[:, slot] = _folds(points, out[:, ARM], at, seed)
    q = (points - at.eyes.mean(axis=0)) / at.eye_distance
    head = dense[:, [JOINT["head"], JOINT["neck"]]].sum(axis=1) > 0.5
    ear = (np.abs(q[:, 0]) > 1.22) & (q[:, 1] < 0.7) & (q[:, 1] > -1.4) & (q[:, 2] > -2.6)
    out[:, HAIR_AT] = at.eye_distance * np.where(head & ~ear, hair_height(q), -9)
    out[:, FOREHEAD] = np.clip((q[:, 2] + 1.3) / 1.6, 0, 1)
    near_ear = np.clip((np.abs(q[:, 0]) - 0.9) / 0.3, 0, 1) * np.clip((1.1 - q[:, 1]) / 0.5, 0, 1)
    out[:, FLAT] = near_ear * np.clip((q[:, 2] + 3.0) / 0.5, 0, 1)
    out[:, STRANDS] = value_noise(points * (90, 45, 70), 8)
    return out


def _folds(points: NDArray[np.float64], arm: Floats, at: Landmarks, seed: int) -> NDArray[np.float64]:
    """Heights in [0, 1]: creases across the limb at bends, longer and softer ones elsewhere."""
    bends = [at.joint(s + n) for s in ("l_", "r_") for n in ("shoulder", "elbow", "hip", "knee", "ankle")]
    bends += [at.joint("spine1"), at.joint("l_wrist"), at.joint("r_wrist")]
    near = np.minimum(sum(np.exp(-((points - b) ** 2).sum(axis=1) / 0.11**2) for b in bends), 1.0)
    bent = points + 0.03 * np.stack([value_noise(points * 8, seed + 20 + k) for k in range(3)], axis=1)
    along_x, along_y = (value_noise(bent * scale, seed) for scale in ((26, 11, 11), (11, 26, 11)))
    across = arm * along_x + (1 - arm) * along_y
    long = value_noise(bent * (9, 9, 9), seed + 40)
    height = 0.5 + 0.5 * np.clip(1.3 * (near * across + (1 - 0.6 * near) * 0.7 * long), -1, 1)
    return np.asarray((0.35 + 0.65 * near) * height)
