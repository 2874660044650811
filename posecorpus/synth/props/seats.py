"""Something to sit on for those who sit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.appearance.draws import Draws
from posecorpus.synth.bodies.skinning import Posed
from posecorpus.synth.props.catalogue import design_of
from posecorpus.synth.props.company import Company
from posecorpus.synth.props.floor import SEEDS
from posecorpus.synth.props.seating import ARM_SHARE, BACK_SHARE, SEAT_SHARE
from posecorpus.synth.scene import Prop

F64 = NDArray[np.float64]

PELVIS_M = (0.3, 0.65)
"""Height of a sitter's pelvis over the floor."""
STEEPEST_THIGH = np.radians(35)
STRAIGHTEST_KNEE = np.radians(130)
"""Angle between thigh and shin of a sitter, at most; 180 degrees is a straight leg."""
MAX_TURN, MAX_SLIDE_M = np.radians(20), 0.12
"""A sitter who turns or moves more during the clip gets no seat."""
SINK_M = 0.008
"""How deep a seat gives."""
LOWEST_M, LEAST_FRONT_M = 0.2, 0.04
"""A lower seat, or one that ends nearer to the hips, would be none."""
CLEAR_M = 0.05
"""Room between a seat and other people."""
_WEIGHTS = {"chair": 0.4, "sofa": 0.2, "stool": 0.15, "bench": 0.1, "crate": 0.1, "pouffe": 0.05}
"""How often each kind is tried first; the order is drawn without replacement, by weight (Efraimidis and Spirakis 2006)."""
_BUTTOCKS_M = (-0.2, 0.1)
"""Behind and before the hips: there the seat must carry."""


@dataclass(frozen=True)
class _Sitter:
    """A sitting person in the frame of a seat: origin on the floor under the hips, z where the thighs point.

    Attributes:
        x, z, yaw: of that frame in the world.
        height: of the seat.
        half_width: of buttocks and thighs.
        back: the hindmost z of back and buttocks, negative.
        front: as far forward as a seat of that height may reach without touching the legs.
    """

    x: float
    z: float
    yaw: float
    height: float
    half_width: float
    back: float
    front: float


def sits(posed: Posed) -> bool:
    """Whether a person sits at all frames, over the floor y = 0, at a height that a seat could have.

    That is: pelvis :data:`PELVIS_M` high, both thighs within :data:`STEEPEST_THIGH` of the horizontal, knees bent,
    ankles lower than the hips.
    """
    height = posed.landmarks[:, SMPL_24.index("pelvis"), 1]
    if height.min() < PELVIS_M[0] or height.max() > PELVIS_M[1]:
        return False
    good = np.ones(len(height), bool)
    for side in "lr":
        hip, knee, ankle = (
            posed.landmarks[:, SMPL_24.index(f"{side}_{name}")].astype(float)
            for name in ("hip", "knee", "ankle")
        )
        thigh, shin = knee - hip, ankle - knee
        length = np.linalg.norm(thigh, axis=1)
        good &= np.abs(thigh[:, 1]) <= np.sin(STEEPEST_THIGH) * length
        cosine = -(thigh * shin).sum(1) / np.maximum(length * np.linalg.norm(shin, axis=1), 1e-9)
        good &= (cosine >= np.cos(STRAIGHTEST_KNEE)) & (ankle[:, 1] < hip[:, 1] - 0.12)
    return bool(good.all())


def seat(company: Company, person: int, seed: int) -> Prop | None:
    """Something to sit on, exactly under a person who sits; None if the person does not or nothing fits."""
    posed = company.people[person]
    if not sits(posed):
        return None
    sitter = _measure(posed, company.body(person))
    if sitter is None:
        return None
    draws = Draws(np.random.default_rng(seed))
    for kind in sorted(_WEIGHTS, key=lambda kind: draws.random() ** (1 / _WEIGHTS[kind]), reverse=True):
        prop = _fitted(kind, sitter, draws)
        solids = design_of(prop.kind, prop.seed).solids_at(prop.size)
        x, _, z = prop.position
        if company.room_for(x, z, sitter.yaw, solids, CLEAR_M, sitter=person):
            company.stand(x, z, sitter.yaw, solids)
            return prop
    return None


def _measure(posed: Posed, vertices: NDArray[np.float32]) -> _Sitter | None:
    """Where a seat may be; None if the person moves about on it, or crouches."""
    hips, knees = (
        np.stack([posed.landmarks[:, SMPL_24.index(f"{side}_{name}")] for side in "lr"], 1)
        .mean(1)
        .astype(float)
        for name in ("hip", "knee")
    )
    ahead = (knees - hips)[:, [0, 2]]
    angles = np.arctan2(ahead[:, 0], ahead[:, 1])
    middle = len(angles) // 2
    turn = np.abs((angles - angles[middle] + np.pi) % (2 * np.pi) - np.pi).max()
    slide = np.linalg.norm(hips - hips[middle], axis=1).max()
    if turn > MAX_TURN or slide > MAX_SLIDE_M:
        return None
    x, _, z = hips[middle]
    yaw = float(angles[middle])
    east, north, up = vertices[..., 0] - np.float32(x), vertices[..., 2] - np.float32(z), vertices[..., 1]
    cosine, sine = np.float32(np.cos(yaw)), np.float32(np.sin(yaw))
    side, depth = cosine * east - sine * north, sine * east + cosine * north
    hip_width = float(
        np.ptp(posed.landmarks[middle, [SMPL_24.index("l_hip"), SMPL_24.index("r_hip")]], axis=0).max()
    )
    half_width = hip_width / 2 + 0.1
    hip_y = float(hips[:, 1].min())
    between = np.abs(side) < half_width
    under = between & (depth > _BUTTOCKS_M[0]) & (depth < _BUTTOCKS_M[1]) & (up > hip_y - 0.25)
    height = float(up[under].min(initial=hip_y)) + SINK_M
    # The seat ends before whatever hangs lower than it: thighs that slope down, calves, feet, ...
    lower = (np.abs(side) < half_width + 0.15) & (up < height - SINK_M - 0.002) & (depth > 0)
    front = float(min(depth[lower].min(initial=9.0) - 0.01, np.linalg.norm(ahead, axis=1).min()))
    # ... and a back is behind the trunk, arms aside.
    trunk = between & (up > height) & (up < height + 0.45)
    if height < LOWEST_M or front < LEAST_FRONT_M:
        return None
    return _Sitter(float(x), float(z), yaw, height, half_width, float(depth[trunk].min(initial=-0.1)), front)


def _fitted(kind: str, sitter: _Sitter, draws: Draws) -> Prop:
    """A seat of that kind that just fits the sitter."""
    front = max(sitter.front - draws.uniform(0.0, 0.06), 0.04)
    wide = 2 * sitter.half_width
    if kind in BACK_SHARE:
        behind = -sitter.back + draws.uniform(0.01, 0.05)
        depth = (front + behind) / (1 - BACK_SHARE[kind])
    else:
        behind = min(-sitter.back + 0.02, draws.uniform(0.16, 0.3))
        depth = front + behind
    if kind == "sofa":
        wide = (wide + draws.uniform(0.1, 0.9)) / (1 - 2 * ARM_SHARE["sofa"])
    elif kind == "bench":
        wide = draws.uniform(1.0, 1.8)
    elif kind in ("crate", "pouffe"):
        wide *= draws.uniform(1.0, 1.4)
    size = (wide, sitter.height / SEAT_SHARE[kind], depth)
    centre = front - depth / 2
    x, z = sitter.x + centre * np.sin(sitter.yaw), sitter.z + centre * np.cos(sitter.yaw)
    return Prop(kind, draws.below(SEEDS), size, (float(x), 0.0, float(z)), (0.0, sitter.yaw, 0.0))
