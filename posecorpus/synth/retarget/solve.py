"""From a clip on its own rig to axis-angles of the body's 24 joints.

World rotations of the body's segments are found one by one and turned into local ones at the end. Limb
segments point exactly where the rig's do; their twist is the rig's own, so it jumps only where the rig's does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.bodies.model import BodyModel
from posecorpus.synth.measures import Measures, measure
from posecorpus.synth.motion import BodyMotion, SourceClip
from posecorpus.synth.retarget.calibrate import aimed, hinge_axes, relaxed_hinge, segment, trunk_frames
from posecorpus.synth.retarget.extremities import foot_constants, hand_constant
from posecorpus.synth.retarget.floor import clearances, settle
from posecorpus.synth.retarget.roles import Roles, find_roles
from posecorpus.synth.rotations import (
    about,
    apply,
    between,
    from_axis_angle,
    shortest,
    to_axis_angle,
    twist_angle,
    unit,
)

Array = NDArray[np.float64]
_SPINE = ("spine1", "spine2", "spine3")
FOREARM_SHARE = 0.5
"""Share of the hand's turn about the forearm that the forearm itself takes, as radius and ulna do."""
PRONATION_LIMIT_RAD = np.radians(120.0)
"""No hand turns farther about its forearm from palm down; captured wrists sometimes do."""
ROLL_SMOOTHING_S = 0.1
TOE_LIMIT_RAD = np.radians(65.0)
TOE_REACH_M = 0.05
KNEE_HINGE = np.array([1.0, 0.0, 0.0])


def elbow_hinge(sign: float) -> Array:
    """(3,) axis of the left (+1) or right (-1) elbow in the rest pose: it brings the hand forwards."""
    return np.array([0.0, -sign, 0.0])


def retarget(clip: SourceClip, body: BodyModel) -> BodyMotion:
    """The clip on a body's 24 joints.

    Upper and lower arms, thighs and shins point as in the clip; elbows and knees bend about the body's own
    hinges; trunk, head, collars, hands and feet turn as the rig's do, freed of the rig's zero pose. The pelvis
    moves by the ratio of leg lengths, and feet that touch the clip's floor touch y = 0.

    Args:
        clip: any rig with the usual joint names.
        body: whose rest pose is the reference; normally ``load_body("open", "neutral")``.

    Raises:
        InputError: joints are missing, the rig has bones without length, or values are not finite.
    """
    roles = find_roles(clip)
    _check(clip, roles)
    measures = measure(body)
    source = _Source(clip, roles)
    turn: dict[str, Array] = {}
    _trunk(source, measures, turn)
    for side, sign in (("l", 1.0), ("r", -1.0)):
        _leg(source, measures, side, sign, turn)
        _arm(source, measures, side, sign, turn)
    world = np.stack([turn[name] for name in SMPL_24.joints], axis=1)
    local = world.copy()
    for j, parent in enumerate(SMPL_24.parents):
        if parent >= 0:
            local[:, j] = world[:, parent].swapaxes(-1, -2) @ world[:, j]
    pelvis = settle(clip, roles, measures, world, _hips(source, measures, turn["pelvis"]))
    return BodyMotion(
        clip.name, clip.source, clip.subject, clip.fps,
        to_axis_angle(local).astype(np.float32), pelvis.astype(np.float32),
    )  # fmt: skip


class _Source:
    """Float64 access to a clip by role."""

    def __init__(self, clip: SourceClip, roles: Roles) -> None:
        self.clip, self.roles = clip, roles
        self.frames = trunk_frames(clip, roles)

    def place(self, role: str) -> Array:
        """(T, 3) world position."""
        return self.clip.positions[:, self.roles.limbs[role]].astype(np.float64)

    def trunk(self, joint: int) -> Array:
        """(T, 3, 3) orientation of the body's pelvis, spine, neck or head at a joint of the trunk."""
        return self.turn(joint) @ self.frames[joint]

    def turn(self, joint: int) -> Array:
        """(T, 3, 3) zero pose to world."""
        return self.clip.rotations[:, joint].astype(np.float64)

    def bone(self, start: str, end: str) -> Array:
        """(T, 3) unit direction in the world."""
        return unit(self.place(end) - self.place(start))

    def rest_bone(self, start: str, end: str) -> Array:
        """(3,) in the zero pose, along the segment that leaves ``start``."""
        limbs = self.roles.limbs
        joint = limbs[end]
        while self.clip.parents[joint] != limbs[start]:
            joint = self.clip.parents[joint]
        bone = self.clip.rest[joint] - self.clip.rest[limbs[start]]
        if np.linalg.norm(bone) < 1e-4:  # a joint of no length between: take the whole bone
            bone = self.clip.rest[limbs[end]] - self.clip.rest[limbs[start]]
        return np.asarray(bone)


def _check(clip: SourceClip, roles: Roles) -> None:
    if not (np.isfinite(clip.positions).all() and np.isfinite(clip.rotations).all()):
        raise InputError(clip.source, "finite positions and rotations", "NaN or infinity")
    for side in "lr":
        for start, end in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist")):
            a, b = roles.limbs[f"{side}_{start}"], roles.limbs[f"{side}_{end}"]
            if np.linalg.norm(clip.rest[b] - clip.rest[a]) < 1e-3:
                raise InputError(
                    clip.source,
                    f"a bone from {clip.joints[a]} to {clip.joints[b]}",
                    "two joints in one place",
                )


def _trunk(source: _Source, measures: Measures, turn: dict[str, Array]) -> None:
    """Pelvis, spine, neck and head. The spine is sampled by height, so that rigs of any number of joints bend alike."""
    clip, roles = source.clip, source.roles
    turn["pelvis"] = source.trunk(roles.trunk[0])
    turn["spine3"] = source.trunk(roles.trunk[-1])
    up = source.frames[roles.trunk[0]][:, 1]
    top = roles.neck[0] if roles.neck else roles.head
    marks = [*roles.trunk, top if top != roles.trunk[-1] else roles.trunk[-1]]
    height = np.array([(clip.rest[j] - clip.rest[roles.trunk[0]]) @ up for j in marks])
    middle = (height[:-1] + height[1:]) / 2 / max(height[-1], 1e-6)
    chain = [source.trunk(j) for j in roles.trunk]
    body = [0.0] + [measures.joints[SMPL_24.index(n), 1] - measures.joints[0, 1] for n in (*_SPINE, "neck")]
    for i, name in enumerate(_SPINE[:2], 1):
        at = (body[i] + body[i + 1]) / 2 / body[-1]
        above = int(np.clip(np.searchsorted(middle, at), 1, len(chain) - 1)) if len(chain) > 1 else 0
        below = max(above - 1, 0)
        gap = middle[above] - middle[below]
        share = np.clip((at - middle[below]) / gap, 0.0, 1.0) if gap > 1e-9 else 0.0
        turn[name] = between(chain[below], chain[above], np.full(len(chain[0]), share))
    turn["head"] = source.trunk(roles.head)
    if roles.neck:
        first, last = (source.trunk(j) for j in (roles.neck[0], roles.neck[-1]))
    else:
        first, last = turn["spine3"], turn["head"]
    turn["neck"] = between(first, last, np.full(len(first), 0.5))


def _limb(
    source: _Source, names: tuple[str, str, str], rest: tuple[Array, Array], hinge: Array, carrier: Array
) -> tuple[Array, Array]:
    """World rotations (T, 3, 3) of the upper and the lower segment of an arm or leg."""
    start, middle, end = names
    upper, lower = source.bone(start, middle), source.bone(middle, end)
    turns = (source.turn(source.roles.limbs[start]), source.turn(source.roles.limbs[middle]))
    relaxed = relaxed_hinge(carrier, upper, rest[0], hinge)
    axes = hinge_axes(upper, lower, turns, relaxed)
    bones = (source.rest_bone(start, middle), source.rest_bone(middle, end))
    constants = [segment(rest[i], hinge, bones[i], axes[i]) for i in range(2)]
    return (
        aimed(turns[0], constants[0], rest[0], upper),
        aimed(turns[1], constants[1], rest[1], lower),
    )


def _leg(source: _Source, measures: Measures, side: str, sign: float, turn: dict[str, Array]) -> None:
    rest = (measures.bone("hip", "knee", sign), measures.bone("knee", "ankle", sign))
    names = (f"{side}_hip", f"{side}_knee", f"{side}_ankle")
    thigh, shin = _limb(source, names, rest, KNEE_HINGE, turn["pelvis"])
    turn[f"{side}_hip"], turn[f"{side}_knee"] = thigh, shin
    foot, toes = foot_constants(source.clip, source.roles, side, shin, measures.bone("ankle", "foot", sign))
    turn[f"{side}_ankle"] = source.turn(source.roles.limbs[f"{side}_ankle"]) @ foot
    if toes is not None:
        turn[f"{side}_foot"] = source.turn(source.roles.limbs[f"{side}_toes"]) @ toes
    else:
        turn[f"{side}_foot"] = turn[f"{side}_ankle"] @ about(
            0, -_toe_bend(source, side, turn[f"{side}_ankle"])
        )


def _toe_bend(source: _Source, side: str, foot: Array) -> Array:
    """(T,) how far toes that the rig cannot bend must bend to lie on the floor under a raised heel."""
    down = np.arcsin(np.clip(-foot[:, 1, 2], 0.0, 1.0))
    over = np.maximum(clearances(source.clip, source.roles, side)[:, -1], 0.0)
    return np.asarray(np.minimum(down, TOE_LIMIT_RAD) * np.exp(-((over / TOE_REACH_M) ** 2)))


def _arm(source: _Source, measures: Measures, side: str, sign: float, turn: dict[str, Array]) -> None:
    roles = source.roles
    turn[f"{side}_collar"] = turn["spine3"]
    if f"{side}_collar" in roles.limbs:
        turn[f"{side}_collar"] = turn["spine3"] @ _collar(source, side, sign, turn["spine3"])
    rest = (measures.bone("shoulder", "elbow", sign), measures.bone("elbow", "wrist", sign))
    names = (f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")
    hinge = elbow_hinge(sign)
    upper, fore = _limb(source, names, rest, hinge, turn[f"{side}_collar"])
    hand = source.turn(roles.limbs[f"{side}_wrist"]) @ hand_constant(source.clip, roles, side, sign, fore)
    along = unit(rest[1])
    roll = _unwrapped(twist_angle(fore.swapaxes(-1, -2) @ hand, along))
    kept = _within(roll, PRONATION_LIMIT_RAD)
    # A hand folded back on the forearm has no defined roll; the forearm must not follow its flips.
    followed = gaussian_filter1d(kept, ROLL_SMOOTHING_S * source.clip.fps, mode="nearest")
    fore, hand = fore @ _about(along, FOREARM_SHARE * followed), hand @ _about(along, kept - roll)
    turn[f"{side}_shoulder"], turn[f"{side}_elbow"] = upper, fore
    turn[f"{side}_wrist"] = turn[f"{side}_hand"] = hand


def _unwrapped(angles: Array) -> Array:
    """Angles (T,) without jumps of a whole turn, their median within half a turn of zero."""
    result = np.unwrap(angles)
    return np.asarray(result - 2 * np.pi * np.round(np.median(result) / (2 * np.pi)))


def _within(angles: Array, limit: float) -> Array:
    """Angles as they are up to three quarters of ``limit``, pressed smoothly below it beyond."""
    free = 0.75 * limit
    over = np.maximum(np.abs(angles) - free, 0.0)
    pressed = (limit - free) * np.tanh(over / (limit - free))
    return np.asarray(np.sign(angles) * (np.minimum(np.abs(angles), free) + pressed))


def _about(axis: Array, angle: Array) -> Array:
    """(T, 3, 3) rotations about a unit axis (3,)."""
    return from_axis_angle(angle[:, None] * axis)


def _collar(source: _Source, side: str, sign: float, chest: Array) -> Array:
    """(T, 3, 3) swing of a collar in the chest: how far the shoulder is off its place in the zero pose.

    Where the zero pose is no human pose the shoulder's place at rest is straight to the side.
    """
    limbs, clip = source.roles.limbs, source.clip
    start, end = limbs[f"{side}_collar"], limbs[f"{side}_shoulder"]
    if np.linalg.norm(clip.rest[end] - clip.rest[start]) < 1e-3:
        return about(0, np.zeros(len(chest)))
    neutral = unit(source.frames[source.roles.trunk[-1]].T @ (clip.rest[end] - clip.rest[start]))
    if neutral[0] * sign < 0.5:
        neutral = np.array([sign, 0.0, 0.0])
    now = np.einsum("tji,tj->ti", chest, source.bone(f"{side}_collar", f"{side}_shoulder"))
    return shortest(np.broadcast_to(neutral, now.shape), now)


def _hips(source: _Source, measures: Measures, pelvis_turn: Array) -> Array:
    """(T, 3) pelvis joint that puts the body's hips where the clip's are, by the ratio of leg lengths."""
    source_leg = np.mean(
        [
            np.median(np.linalg.norm(source.place(f"{s}_{a}") - source.place(f"{s}_{b}"), axis=-1))
            for s in "lr"
            for a, b in (("hip", "knee"), ("knee", "ankle"))
        ]
    )
    scale = (measures.thigh + measures.shin) / (2.0 * float(source_leg))
    between_hips = (measures.side("hip", 1.0) + measures.side("hip", -1.0)) / 2
    centre = scale * (source.place("l_hip") + source.place("r_hip")) / 2
    return centre - apply(pelvis_turn, between_hips)


__all__ = ["elbow_hinge", "retarget"]
