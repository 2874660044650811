"""From what a person does (feet here, trunk bent so, arms thus) to SMPL's 24 axis-angles.

Angles are anatomical, in radians, positive for flexion, leaning or turning left, lifting sideways and
turning inwards. Legs follow the feet by analytic two-bone inverse kinematics, so a planted foot stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.builtin.curves import smooth_below
from posecorpus.synth.measures import Measures, reference
from posecorpus.synth.rotations import about, apply, bone_frame, from_axis_angle, to_axis_angle

Array = NDArray[np.float64]
FPS = 30.0
SETTLE_RADIUS = 4
MAX_REACH = 0.994
"""Share of the leg's length that is used: a locked knee has no defined bending plane and looks stiff."""


@dataclass
class Foot:
    """One foot. It stands on its whole sole, its heel (pitch > 0) or its ball (pitch < 0).

    Attributes:
        spot: (T, 3) world point under the ankle of the unpitched foot, metres; y is the height of the ground
            plus the lift.
        yaw: (T,) heading. pitch: (T,) toes up.
        planted: (T,) bool; only planted feet hold the pelvis down.
        air: (T,) share of the free leg below in the ankle's place: 0 follows ``spot``, 1 swings free.
        hip_flex, hip_abduct, knee: (T,) of the free leg.
        lift: (T,) metres over the ground; toes bent by a raised heel straighten as it grows.
    """

    spot: Array
    yaw: Array
    pitch: Array
    planted: NDArray[np.bool_]
    air: Array
    hip_flex: Array
    hip_abduct: Array
    knee: Array
    lift: Array


@dataclass
class Arm:
    """One arm, angles (T,). ``flex`` forwards and ``abduct`` sideways from hanging, ``turn`` inwards about the
    upper arm, ``elbow`` flexion, ``pronate`` of the forearm from thumb-forward, ``wrist`` palm flexion."""

    flex: Array
    abduct: Array
    turn: Array
    elbow: Array
    pronate: Array
    wrist: Array


@dataclass
class Script:
    """What the puppet does over T frames.

    Attributes:
        pelvis: (T, 3) wished world position of the pelvis joint; lowered where a planted foot would not reach.
        yaw: (T,) heading. pelvis_tilt, spine, head: (T, 3) forward, to the left, twist to the left.
        feet, arms: left, right.
    """

    pelvis: Array
    yaw: Array
    pelvis_tilt: Array
    spine: Array
    head: Array
    feet: tuple[Foot, Foot]
    arms: tuple[Arm, Arm]
    body: Measures = field(default_factory=reference)


def standing(frames: int, stance_m: float, toe_out: float, body: Measures) -> Script:
    """Upright at the origin, facing +Z, feet ``stance_m`` apart, arms hanging."""

    def zeros() -> Array:
        return np.zeros(frames)

    def foot(side: float) -> Foot:
        spot = np.tile([side * stance_m / 2, 0.0, body.side("ankle", 1)[2]], (frames, 1))
        yaw = np.full(frames, side * toe_out)
        return Foot(spot, yaw, zeros(), np.ones(frames, bool), *(zeros() for _ in range(5)))

    def arm() -> Arm:
        return Arm(zeros(), zeros() + 0.12, zeros() + 0.1, zeros() + 0.2, zeros() + 0.2, zeros())

    pelvis = np.tile([0.0, body.standing_height, 0.0], (frames, 1))
    still = np.zeros((frames, 3))
    return Script(
        pelvis, zeros(), still, still.copy(), still.copy(), (foot(1), foot(-1)), (arm(), arm()), body
    )


def perform(script: Script) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(T, 24, 3) axis-angles and (T, 3) pelvis positions of a script."""
    pelvis_turn = _lean(script.pelvis_tilt, script.yaw)
    pelvis = _settle(script, pelvis_turn)
    turn: dict[str, Array] = {"pelvis": pelvis_turn}
    _trunk(script, turn)
    for side, sign, foot, arm in zip("lr", (1.0, -1.0), script.feet, script.arms, strict=True):
        _leg(side, sign, foot, script, pelvis, turn)
        _arm(side, sign, arm, turn)
    world = np.stack([turn[name] for name in SMPL_24.joints], axis=1)
    local = world.copy()
    for j, parent in enumerate(SMPL_24.parents):
        if parent >= 0:
            local[:, j] = world[:, parent].swapaxes(-1, -2) @ world[:, j]
    return to_axis_angle(local).astype(np.float32), pelvis.astype(np.float32)


def _lean(angles: Array, yaw: Array | float = 0.0) -> Array:
    return about(1, yaw + angles[:, 2]) @ about(0, angles[:, 0]) @ about(2, -angles[:, 1])


def _trunk(script: Script, turn: dict[str, Array]) -> None:
    chain = (
        ("spine1", "pelvis", script.spine, 0.3),
        ("spine2", "spine1", script.spine, 0.35),
        ("spine3", "spine2", script.spine, 0.35),
        ("neck", "spine3", script.head, 0.45),
        ("head", "neck", script.head, 0.55),
    )
    for name, parent, angles, share in chain:
        turn[name] = turn[parent] @ _lean(share * angles)


def _ankle(script: Script, foot: Foot, sign: float, pelvis: Array, pelvis_turn: Array) -> tuple[Array, Array]:
    """World place (T, 3) and rotation (T, 3, 3) of an ankle."""
    body = script.body
    hip = pelvis + apply(pelvis_turn, body.side("hip", sign))
    free = pelvis_turn @ about(2, sign * foot.hip_abduct) @ about(0, -foot.hip_flex)
    swung = (
        hip + apply(free, [0.0, -body.thigh, 0.0]) + apply(free @ about(0, foot.knee), [0.0, -body.shin, 0.0])
    )
    stood = ankle_over(foot, body)
    share = foot.air[:, None]
    place = (1.0 - share) * stood + share * swung
    grounded = about(1, foot.yaw) @ about(0, -foot.pitch)
    hanging = to_axis_angle(grounded.swapaxes(-1, -2) @ free @ about(0, foot.knee + 0.45))
    turn = grounded @ from_axis_angle(share * hanging)
    place[:, 1] += _sunk(foot, place, turn, sign, body)
    return place, turn


def _toe_bend(foot: Foot) -> Array:
    """(T,) toes stay flat while the heel is up, and straighten as the foot leaves the ground."""
    bend = np.clip(-foot.pitch, 0.0, 1.25) * np.exp(-((foot.lift / 0.06) ** 2)) * (1.0 - foot.air)
    return np.asarray(bend)


def _sunk(foot: Foot, place: Array, turn: Array, sign: float, body: Measures) -> Array:
    """(T,) how much a swinging foot must be lifted so that no part of it drags on y = 0."""
    joint = body.bone("ankle", "foot", sign)
    toes = turn @ about(0, -_toe_bend(foot))
    mirror = np.array([sign, 1.0, 1.0])
    heights = [apply(turn, mirror * point)[:, 1] for point in (body.heel, body.ball)]
    heights.append(apply(turn, joint)[:, 1] + apply(toes, mirror * body.toe - joint)[:, 1])
    clearance = np.clip(0.3 * foot.lift, 0.0, 0.02) - 1e-3
    below = np.maximum(clearance - (place[:, 1] + np.min(heights, axis=0)), 0.0)
    return -smooth_below(-below, 2)


def ankle_over(foot: Foot, body: Measures) -> Array:
    """(T, 3) ankle of a foot that stands on its sole, its heel, or its toes, bent at their joint."""
    pivot = np.where(foot.pitch[:, None] > 0, body.heel, body.bone("ankle", "foot", 1.0))
    heading = about(1, foot.yaw)
    raised = apply(heading @ about(0, -foot.pitch), -pivot)
    return foot.spot + [0.0, body.ankle_height, 0.0] + apply(heading, pivot) + raised


def _settle(script: Script, pelvis_turn: Array) -> Array:
    """The wished pelvis, lowered smoothly to where every planted foot can be reached."""
    body, pelvis = script.body, script.pelvis.copy()
    ceiling = pelvis[:, 1].copy()
    for sign, foot in zip((1.0, -1.0), script.feet, strict=True):
        hip = apply(pelvis_turn, body.side("hip", sign))
        gap = ankle_over(foot, body) - hip - pelvis
        reach = (MAX_REACH * (body.thigh + body.shin)) ** 2 - gap[:, 0] ** 2 - gap[:, 2] ** 2
        highest = pelvis[:, 1] + gap[:, 1] + np.sqrt(np.maximum(reach, 0.0))
        held = foot.planted & (foot.air < 1e-6)
        ceiling = np.where(held, np.minimum(ceiling, highest), ceiling)
    pelvis[:, 1] = smooth_below(ceiling, SETTLE_RADIUS)
    return pelvis


def _leg(side: str, sign: float, foot: Foot, script: Script, pelvis: Array, turn: dict[str, Array]) -> None:
    body = script.body
    ankle, ankle_turn = _ankle(script, foot, sign, pelvis, turn["pelvis"])
    hip = pelvis + apply(turn["pelvis"], body.side("hip", sign))
    across = 0.5 * (turn["pelvis"][..., 0] + about(1, foot.yaw)[..., 0])
    thigh, shin, hinge = two_bone(ankle - hip, body.thigh, body.shin, across)
    thigh_rest, shin_rest = body.bone("hip", "knee", sign), body.bone("knee", "ankle", sign)
    x = np.array([1.0, 0.0, 0.0])
    turn[f"{side}_hip"] = bone_frame(thigh, hinge) @ bone_frame(thigh_rest, x).T
    turn[f"{side}_knee"] = bone_frame(shin, hinge) @ bone_frame(shin_rest, x).T
    turn[f"{side}_ankle"] = ankle_turn
    turn[f"{side}_foot"] = ankle_turn @ about(0, -_toe_bend(foot))


def two_bone(reach: Array, upper: float, lower: float, across: Array) -> tuple[Array, Array, Array]:
    """Directions of two hinged bones (T, 3) whose end is at ``reach`` (T, 3) from their start.

    Args:
        reach: from the first joint to the wished end; shortened where it is too far.
        upper, lower: lengths.
        across: (T, 3) wished hinge axis; bending is the right-handed turn about it of the lower bone.

    Returns:
        Directions of the upper and lower bone, and the hinge axis.
    """
    length = np.linalg.norm(reach, axis=-1)
    along = reach / length[:, None]
    length = _soft_reach(np.maximum(length, abs(upper - lower) + 0.02), upper + lower)
    hinge = across - np.sum(across * along, -1, keepdims=True) * along
    hinge /= np.linalg.norm(hinge, axis=-1, keepdims=True)
    ahead = np.cross(along, hinge)
    cosine = np.clip((upper**2 + length**2 - lower**2) / (2 * upper * length), -1.0, 1.0)
    first = cosine[:, None] * along + np.sqrt(1 - cosine**2)[:, None] * ahead
    second = (length[:, None] * along - upper * first) / lower
    return first, second, hinge


def _soft_reach(length: Array, whole: float) -> Array:
    """Distances as they are within reach; beyond it they near the whole limb's length without ever getting there,
    because a limb that snaps straight snaps its knee."""
    free, room = MAX_REACH * whole, (0.9995 - MAX_REACH) * whole
    return np.where(
        length < free, length, free + room * (1.0 - np.exp(-np.maximum(length - free, 0.0) / room))
    )


def _arm(side: str, sign: float, arm: Arm, turn: dict[str, Array]) -> None:
    raised = about(0, -arm.flex) @ about(2, sign * arm.abduct)
    upper = raised @ about(1, -sign * arm.turn) @ about(2, -sign * np.pi / 2)
    # The shoulder girdle takes a third of what the arm is lifted beyond 30 degrees.
    lift = np.arccos(np.clip(raised[..., 1, 1], -1.0, 1.0))
    girdle = np.logaddexp(0.0, (lift - 0.9) * 4.0) / 4.0 * 0.28
    forward = np.sin(np.clip(arm.flex, -1.0, np.pi)) * 0.15
    turn[f"{side}_collar"] = turn["spine3"] @ about(2, sign * girdle) @ about(1, -sign * forward)
    turn[f"{side}_shoulder"] = turn["spine3"] @ upper
    bend, roll = about(1, -sign * arm.elbow), about(0, 0.5 * arm.pronate)
    turn[f"{side}_elbow"] = turn[f"{side}_shoulder"] @ bend @ roll
    turn[f"{side}_wrist"] = turn[f"{side}_elbow"] @ roll @ about(2, -sign * arm.wrist)
    turn[f"{side}_hand"] = turn[f"{side}_wrist"]
