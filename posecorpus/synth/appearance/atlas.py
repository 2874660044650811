"""Per-texel measurements of a body, made once, from which any number of looks is painted.

Every texel knows its region, four coordinates (where clothes and hair end, how patterns run) and
eight bytes (noise, folds, face marks). Painting then is thresholds and look-ups, no geometry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.appearance.kept import kept_with_body
from posecorpus.synth.appearance.landmarks import JOINT, BodySurface, Landmarks, dense_weights, landmarks
from posecorpus.synth.appearance.look import SLEEVELESS
from posecorpus.synth.appearance.noise import fold_relief, value_noise
from posecorpus.synth.appearance.texels import TexelMap, texel_map

TORSO, ARM, LEG, HEAD, EYE, MOUTH = range(6)
"""Regions. The neck counts as torso, hands as arms, feet as legs."""

ARM_ROOT = 0.2
"""Arm holes are cut below the armpit where the arm moves the skin by this share."""
IRIS_RADIUS_M = 0.0085
"""A third more than in life: the open bodies have large eyeballs and small eye textures."""
_ARMS = [JOINT[s + n] for s in ("l_", "r_") for n in ("shoulder", "elbow", "wrist", "hand")]
_LEGS = [JOINT[s + n] for s in ("l_", "r_") for n in ("hip", "knee", "ankle", "foot")]


@dataclass(frozen=True)
class Atlas:
    """A body as the painter sees it; rows are the covered texels of ``texels``.

    Attributes:
        texels: which texels, and how gutters are filled.
        region: (N,) uint8, one of TORSO ... MOUTH.
        coordinates: (N, 4) float32. Off the head: metres along the limb or trunk downwards-positive
            as a height (y), metres around it, limb fraction (0 shoulder or hip, 1 elbow or knee, 2
            wrist or ankle; trunk: as the arm above the armpits, else -9), metres above the neckline.
            HEAD: hair-line height in eye distances, metres around, metres above the neckline, and 1 at
            the forehead to 0 at the nape. EYE: distance from the pupil's centre in iris radii, 0, 0, 0.
        marks: (N, 8) uint8. Off the head: fine noise, folds A and B, print A and B, cavity, coarse
            noise, 0. HEAD: fine noise, hair strands, brow, lip, lid, cavity, cheek, beard.
        landmarks: of the body.
        under_arms: rows of the trunk around the height of the armpits, and their limb fractions where arm holes of
            worn clothes are cut.
    """

    texels: TexelMap
    region: NDArray[np.uint8]
    coordinates: NDArray[np.float32]
    marks: NDArray[np.uint8]
    landmarks: Landmarks
    under_arms: tuple[NDArray[np.intp], NDArray[np.float32]]

    def worn_coordinates(self) -> NDArray[np.float32]:
        """(N, 4) coordinates to paint worn clothes by."""
        rows, fractions = self.under_arms
        coordinates = self.coordinates.copy()
        coordinates[rows, 2] = fractions
        return coordinates


@dataclass(frozen=True)
class _Measures:
    """What the atlases of a body have in common, whatever their size.

    Attributes:
        landmarks: of the body.
        groups: (V, 6) how much each vertex is arm, leg, head, eye and mouth, and its cavity.
        atlases: by size.
    """

    landmarks: Landmarks
    groups: NDArray[np.float64]
    atlases: dict[int, Atlas]


def body_atlas(body: BodySurface, size: int) -> Atlas:
    """The atlas of a body; made at the first call in a process and kept as long as the body lives."""
    measures = _measure(body)
    if size not in measures.atlases:
        measures.atlases[size] = measure_atlas(body, size)
    return measures.atlases[size]


@kept_with_body
def _measure(body: BodySurface) -> _Measures:
    marks_of = landmarks(body)
    weights = dense_weights(body)
    groups = np.stack(
        [
            weights[:, _ARMS].sum(1),
            weights[:, _LEGS].sum(1),
            weights[:, JOINT["head"]],
            marks_of.eyeball > 0,
            marks_of.mouth,
            _cavity(np.asarray(body.v_template, np.float64), np.asarray(body.faces)),
        ],
        axis=1,
    )
    return _Measures(marks_of, groups, {})


def measure_atlas(body: BodySurface, size: int) -> Atlas:
    """Measure every texel of a body's texture of ``size`` x ``size`` texels; :func:`body_atlas` keeps the result."""
    measures = _measure(body)
    marks_of, groups = measures.landmarks, measures.groups
    texels = texel_map(body.uv, body.uv_faces, size)
    vertices, faces = np.asarray(body.v_template, np.float64), np.asarray(body.faces)
    points = texels.interpolate(vertices, faces).astype(np.float64)
    mixed = texels.interpolate(groups, faces)
    region = np.full(len(points), TORSO, np.uint8)
    region[mixed[:, 0] > 0.5] = ARM
    region[mixed[:, 1] > 0.5] = LEG
    region[mixed[:, 2] > 0.5] = HEAD
    region[mixed[:, 3] > 0.5] = EYE
    region[mixed[:, 4] > 0.5] = MOUTH

    coordinates = _body_coordinates(points, region, marks_of)
    marks = _cloth_marks(points, region, marks_of)
    cavity = _byte(mixed[:, 5])
    marks[:, 5] = cavity
    head = (region == HEAD) | (region == EYE) | (region == MOUTH)
    q = (points[head] - marks_of.eyes.mean(0)) / marks_of.eye_distance
    marks[head] = _face_marks(points[head], q)
    marks[head, 5] = cavity[head]
    above_neck = coordinates[head, 3].copy()
    coordinates[head, 0] = hair_height(q)
    coordinates[head, 2] = above_neck
    coordinates[head, 3] = np.clip((q[:, 2] + 1.3) / 1.6, 0, 1)
    _place_eyes(points, region, coordinates, marks_of)
    under_arms = _under_arms(points, region, mixed[:, 0], marks_of)
    return Atlas(texels, region, np.ascontiguousarray(coordinates), marks, marks_of, under_arms)


def hair_height(q: NDArray[np.floating]) -> NDArray[np.float64]:
    """Height above an average hairline; q: (N, 3) from between the eyes, in eye distances."""
    line = np.interp(q[:, 2], (-1.6, -1.0, -0.35, 0.3), (-0.95, 0.25, 1.0, 1.15))
    # Ears stand out from the head and have no hair.
    ear = np.clip((np.abs(q[:, 0]) - 1.24) / 0.08, 0, 1) * (q[:, 1] < 0.7) * (q[:, 1] > -1.3)
    return np.asarray(q[:, 1] - line - 3 * ear)


def _body_coordinates(
    points: NDArray[np.float64], region: NDArray[np.uint8], at: Landmarks
) -> NDArray[np.float32]:
    x, y, z = points.T
    ax = np.abs(x)
    shoulder, elbow, wrist = (at.joint("l_" + n) for n in ("shoulder", "elbow", "wrist"))
    hip, knee, ankle = (at.joint("l_" + n) for n in ("hip", "knee", "ankle"))
    arm = _piecewise(ax, shoulder[0], elbow[0], wrist[0])
    leg = _piecewise(-y, -hip[1], -knee[1], -ankle[1])
    neck = at.joint("neck")
    above_neck = (y - neck[1]) + 0.45 * (z - neck[2])

    is_arm, is_leg = region == ARM, region == LEG
    along = np.where(is_arm, shoulder[1] - (ax - shoulder[0]), y)
    spine_z = at.joint("spine2")[2]
    around = np.arctan2(x, z - spine_z) * 0.16
    around = np.where(is_arm, np.arctan2(y - shoulder[1], z - shoulder[2]) * 0.05, around)
    leg_x = np.interp(-y, (-hip[1], -knee[1], -ankle[1]), (hip[0], knee[0], ankle[0]))
    leg_z = np.interp(-y, (-hip[1], -knee[1], -ankle[1]), (hip[2], knee[2], ankle[2]))
    around = np.where(is_leg, np.arctan2(ax - leg_x, z - leg_z) * 0.08, around)
    armpit = shoulder[1] - 0.4 * (shoulder[1] - at.joint("spine3")[1])
    fraction = np.where(is_leg, leg, np.where(is_arm | (y > armpit), arm, -9.0))
    return np.stack([along, around, fraction, above_neck], axis=1).astype(np.float32)


def _under_arms(
    points: NDArray[np.float64], region: NDArray[np.uint8], arms: NDArray[np.floating], at: Landmarks
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    shoulder, elbow, wrist = (at.joint("l_" + n) for n in ("shoulder", "elbow", "wrist"))
    armpit = shoulder[1] - 0.4 * (shoulder[1] - at.joint("spine3")[1])
    rows = np.flatnonzero((region == TORSO) & (np.abs(points[:, 1] - armpit) < 0.1))
    arm = _piecewise(np.abs(points[rows, 0]), shoulder[0], elbow[0], wrist[0])
    # Below the armpit a hole is where the arm moves the skin, as ``clothing.garments`` cuts it.
    metre = 1 / max(float(elbow[0] - shoulder[0]), 1e-6)
    hole = np.maximum((points[rows, 1] - armpit) * metre, (arms[rows] - ARM_ROOT) * 0.15 * metre)
    return rows, np.minimum(arm, SLEEVELESS + hole).astype(np.float32)


def _piecewise(at: NDArray[np.float64], start: float, middle: float, end: float) -> NDArray[np.float64]:
    upper = (at - start) / max(middle - start, 1e-6)
    lower = 1 + (at - middle) / max(end - middle, 1e-6)
    return np.where(at < middle, upper, lower)


def _cloth_marks(points: NDArray[np.float64], region: NDArray[np.uint8], at: Landmarks) -> NDArray[np.uint8]:
    marks = np.zeros((len(points), 8), np.uint8)
    # Folds gather where limbs and trunk bend.
    bends = [at.joint(s + n) for s in ("l_", "r_") for n in ("shoulder", "elbow", "hip", "knee", "ankle")]
    bends += [at.joint("spine1")]
    x, y, z = np.ascontiguousarray(points.T)
    near = sum(np.exp(((x - b[0]) ** 2 + (y - b[1]) ** 2 + (z - b[2]) ** 2) / -(0.12**2)) for b in bends)
    strength = 0.55 + 0.75 * np.minimum(near, 1.0)
    # Relief lit from above: how the height of the cloth changes along the limb.
    step = np.where((region == ARM)[:, None], np.array([0.006, 0.003, 0]), np.array([0, 0.006, 0.001]))
    for slot, seed in ((1, 11), (2, 12)):
        marks[:, slot] = _byte(1.6 * strength * fold_relief(points, step, seed))
    marks[:, 0] = _byte(0.6 * value_noise(points * 90, 1) + 0.4 * value_noise(points * 240, 2))
    marks[:, 3] = _byte(value_noise(points * 22, 3) * 0.7 + value_noise(points * 47, 4) * 0.4)
    marks[:, 4] = _byte(value_noise(points * 22, 5) * 0.7 + value_noise(points * 47, 6) * 0.4)
    marks[:, 6] = _byte(value_noise(points * 9, 7))
    return marks


def _face_marks(points: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Marks of head texels; q is from between the eyes in eye distances (+y up, +z forward)."""
    ax, y, z = np.abs(q[:, 0]), q[:, 1], q[:, 2]
    front = (z > -0.9) & (np.abs(y) < 3)

    def blob(
        cx: float, cy: NDArray[np.float64] | float, rx: float, ry: float, power: int
    ) -> NDArray[np.float64]:
        return np.asarray(front * np.exp(-(((ax - cx) / rx) ** power + ((y - cy) / ry) ** power)))

    marks = np.zeros((len(q), 8), np.uint8)
    marks[:, 0] = _byte(0.6 * value_noise(points * 90, 1) + 0.4 * value_noise(points * 240, 2))
    marks[:, 1] = _byte(value_noise(points * (260, 30, 130), 8))
    arch = 0.36 + 0.10 * (1 - ((ax - 0.62) / 0.45) ** 2)
    mouth = (z > -0.3) * blob(0, -1.17, 0.38, 0.13, 4)
    slit = (z > -0.3) * blob(0, -1.17, 0.36, 0.03, 4)
    nostril = blob(0.13, -0.72, 0.09, 0.06, 2)
    marks[:, 2] = _unit(blob(0.5, arch, 0.28, 0.075, 4))
    marks[:, 3] = _unit(0.62 * mouth + 0.38 * slit)
    marks[:, 4] = _unit(np.maximum(blob(0.5, 0.02, 0.3, 0.13, 4), 0.6 * nostril))
    marks[:, 6] = _unit(blob(0.75, -0.6, 0.3, 0.3, 2) + 0.7 * blob(0, -0.55, 0.16, 0.2, 2))
    jaw = np.clip((-0.72 - y - 0.9 * np.clip(ax - 0.55, 0, 1) * -1.2) / 0.25, 0, 1)
    beard = front * jaw * (y > -2.4) * np.clip((z + 1.0) / 0.3, 0, 1)
    marks[:, 7] = _unit(beard * (1 - blob(0, -1.17, 0.42, 0.15, 4)) * (1 - blob(0, -0.7, 0.3, 0.18, 4)))
    return marks


def _place_eyes(
    points: NDArray[np.float64],
    region: NDArray[np.uint8],
    coordinates: NDArray[np.float32],
    at: Landmarks,
) -> None:
    """Give eye texels their distance from the pupil; a head without eyeballs gets eyes painted on."""
    left, right = at.eyes
    centre = np.where((points[:, :1] > (left[0] + right[0]) / 2), left, right)
    off = (points - centre) / IRIS_RADIUS_M
    radius = np.hypot(off[:, 0], off[:, 1])
    if not at.eyeball.any():
        half_gap = at.eye_distance / 2
        almond = (off[:, 0] * IRIS_RADIUS_M / (0.45 * half_gap)) ** 2 + (off[:, 1] / 0.95) ** 2
        region[(region == HEAD) & (almond < 1) & (points[:, 2] > centre[:, 2] - 0.06)] = EYE
    eye = region == EYE
    radius = np.where(points[:, 2] > centre[:, 2] - (0.06 if not at.eyeball.any() else 0), radius, 9.0)
    coordinates[eye] = 0
    coordinates[eye, 0] = radius[eye]


def _cavity(vertices: NDArray[np.float64], faces: NDArray[np.integer]) -> NDArray[np.float64]:
    """Concavity of the surface at each vertex, about [-1, 1], positive in hollows."""
    n = len(vertices)
    normals = np.zeros((n, 3))
    cross = np.cross(
        vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]]
    )
    around = np.zeros((n, 3))
    length, count = np.zeros(n), np.zeros(n)
    for k in range(3):
        one, other = faces[:, k], faces[:, (k + 1) % 3]
        np.add.at(normals, one, cross)
        np.add.at(around, one, vertices[other])
        np.add.at(length, one, np.linalg.norm(vertices[other] - vertices[one], axis=1))
        np.add.at(count, one, 1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    count = np.maximum(count, 1)
    bent = ((around / count[:, None] - vertices) * normals).sum(1) / (length / count + 1e-9)
    for _ in range(2):
        total = np.zeros(n)
        for k in range(3):
            np.add.at(total, faces[:, k], bent[faces[:, (k + 1) % 3]])
        bent = 0.5 * bent + 0.5 * total / count
    return np.asarray(np.clip(bent / 0.25, -1, 1))


def _byte(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """[-1, 1] to 1 ... 255 with 0 at 128."""
    return np.asarray(np.round(128 + 127 * np.clip(values, -1, 1)), np.uint8)


def _unit(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """[0, 1] to 0 ... 255."""
    return np.asarray(np.round(255 * np.clip(values, 0, 1)), np.uint8)
