"""From MakeHuman's rig to SMPL's: which bones a joint takes over, and the T-pose.

MakeHuman rests with its arms half down; SMPL's rest pose is a T with straight limbs, palms down. The
people are brought there through their own rig before anything is measured on them.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.bodies.bake_source import AnnyPeople

Vectors = NDArray[np.float64]

COLLAR_LIFT_DEG = 8.0
"""How far the shoulder girdle rises with the arms, about as much as a person's does."""
LEG_SPREAD_DEG = 1.5

_SPINE = {
    "root": {"pelvis": 1.0},
    "pelvis.L": {"pelvis": 1.0},
    "pelvis.R": {"pelvis": 1.0},
    "spine05": {"pelvis": 1.0},
    "spine04": {"pelvis": 0.5, "spine1": 0.5},
    "spine03": {"spine1": 1.0},
    "spine02": {"spine2": 1.0},
    "spine01": {"spine3": 1.0},
    "neck01": {"neck": 1.0},
    "neck02": {"neck": 1.0},
    "neck03": {"neck": 1.0},
    "head": {"head": 1.0},
}
_LIMBS = (
    ("upperleg", "hip"),
    ("lowerleg", "knee"),
    ("foot", "ankle"),
    ("toe", "foot"),
    ("clavicle", "collar"),
    ("shoulder", "collar"),
    ("upperarm", "shoulder"),
    ("lowerarm", "elbow"),
    ("wrist", "wrist"),
    ("metacarpal", "wrist"),
    ("finger1-1", "wrist"),
    ("finger", "hand"),
)
_HEADS = {
    "pelvis": "root", "spine1": "spine03", "spine2": "spine02", "spine3": "spine01", "neck": "neck01",
    "head": "head",
}  # fmt: skip
_LIMB_HEADS = {
    "hip": ("upperleg01",),
    "knee": ("lowerleg01",),
    "ankle": ("foot",),
    "foot": ("toe1-1", "toe2-1", "toe3-1", "toe4-1", "toe5-1"),
    "collar": ("clavicle", "shoulder01"),
    "shoulder": ("upperarm01",),
    "elbow": ("lowerarm01",),
    "wrist": ("wrist",),
    "hand": ("finger2-1", "finger3-1", "finger4-1", "finger5-1"),
}
_SIDES = (("l_", ".L", 1.0), ("r_", ".R", -1.0))


def joint_shares(bone: str) -> dict[str, float]:
    """Which SMPL joints take over a MakeHuman bone's skin, e.g. ``lowerarm02.L`` to ``l_elbow``."""
    if bone in _SPINE:
        return _SPINE[bone]
    if bone.startswith("eye"):
        return {"head": 1.0}
    for prefix, suffix, _ in _SIDES:
        if bone.endswith(suffix):
            for start, joint in _LIMBS:
                if bone.startswith(start):
                    return {prefix + joint: 1.0}
    raise ValueError(f"no joint for the bone {bone}")


def joint_weights(people: AnnyPeople) -> NDArray[np.float64]:
    """(V, 24) skinning weights of SMPL's joints; rows sum to one."""
    merge = np.zeros((len(people.bones), len(SMPL_24)))
    for b, bone in enumerate(people.bones):
        for joint, share in joint_shares(bone).items():
            merge[b, SMPL_24.index(joint)] = share
    weights: Vectors = people.weights @ merge
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def joint_positions(people: AnnyPeople, heads: Vectors) -> Vectors:
    """(N, 24, 3) SMPL joints: the start of a bone, or the mean of several."""

    def mean(*bones: str) -> Vectors:
        found: Vectors = heads[:, [people.bones.index(bone) for bone in bones]].mean(axis=1)
        return found

    joints = {joint: mean(bone) for joint, bone in _HEADS.items()}
    for prefix, suffix, _ in _SIDES:
        for joint, bones in _LIMB_HEADS.items():
            joints[prefix + joint] = mean(*(bone + suffix for bone in bones))
    return np.stack([joints[joint] for joint in SMPL_24.joints], axis=1)


def t_pose(people: AnnyPeople) -> tuple[Vectors, Vectors]:
    """Vertices (N, V, 3) and SMPL joints (N, 24, 3) in the T-pose, pelvis at the origin."""
    rotations = _t_pose_rotations(people)
    heads = people.heads.copy()
    for b, parent in enumerate(people.parents):
        if parent >= 0:
            arm = people.heads[:, b] - people.heads[:, parent]
            heads[:, b] = heads[:, parent] + np.einsum("nij,nj->ni", rotations[:, parent], arm)
    offsets = heads - np.einsum("nbij,nbj->nbi", rotations, people.heads)
    transforms = np.concatenate([rotations, offsets[..., None]], axis=-1)
    vertices = np.empty_like(people.vertices)
    for n, transform in enumerate(transforms):
        blend = (people.weights @ transform.reshape(len(people.bones), 12)).reshape(-1, 3, 4)
        vertices[n] = np.einsum("vij,vj->vi", blend[..., :3], people.vertices[n]) + blend[..., 3]
    joints = joint_positions(people, heads)
    pelvis = joints[:, :1].copy()
    return vertices - pelvis, joints - pelvis


def _t_pose_rotations(people: AnnyPeople) -> Vectors:
    """(N, B, 3, 3) rotation of each bone, in the world, from MakeHuman's rest pose to the T."""
    count = len(people.heads)
    rotations = np.tile(np.eye(3), (count, len(people.bones), 1, 1))
    for _, suffix, sign in _SIDES:
        turns = _leg_rotations(people, suffix, sign) | _arm_rotations(people, suffix, sign)
        for b, bone in enumerate(people.bones):
            if bone.endswith(suffix):
                for start, turn in turns.items():
                    if bone.startswith(start):
                        rotations[:, b] = turn
    return rotations


def _leg_rotations(people: AnnyPeople, suffix: str, sign: float) -> dict[str, Vectors]:
    """Straight legs, slightly apart, knees bending about the X axis; feet stay as they are."""
    hip, knee, ankle = (_head(people, bone + suffix) for bone in ("upperleg01", "lowerleg01", "foot"))
    spread = math.radians(LEG_SPREAD_DEG)
    down, side = np.array([sign * math.sin(spread), -math.cos(spread), 0.0]), np.array([1.0, 0.0, 0.0])
    return {
        "upperleg": _align(knee - hip, side, down, side),
        "lowerleg": _align(ankle - knee, side, down, side),
    }


def _arm_rotations(people: AnnyPeople, suffix: str, sign: float) -> dict[str, Vectors]:
    """Arms along X, elbows bending about Y, palms down; the forearm's twist rises towards the wrist."""
    shoulder, elbow, wrist = (_head(people, bone + suffix) for bone in ("upperarm01", "lowerarm01", "wrist"))
    knuckles = [_head(people, f"finger{i}-1{suffix}") for i in (2, 3, 4, 5)]
    upper, lower = elbow - shoulder, wrist - elbow
    hinge = np.cross(upper, lower)
    along, axis = np.array([sign, 0.0, 0.0]), np.array([0.0, -sign, 0.0])
    forearm = _align(lower, hinge, along, axis)
    hand = _align(
        np.mean(knuckles, axis=0) - wrist, knuckles[0] - knuckles[3], along, np.array([0.0, 0.0, 1.0])
    )
    twist = _twist(hand @ forearm.transpose(0, 2, 1)) * sign
    lift = np.full(len(twist), sign * math.radians(COLLAR_LIFT_DEG))
    collar = _about([0.0, 0.0, 1.0], lift)
    return {
        "clavicle": collar,
        "shoulder": collar,
        "upperarm": _align(upper, hinge, along, axis),
        "lowerarm01": _about([sign, 0.0, 0.0], 0.25 * twist) @ forearm,
        "lowerarm02": _about([sign, 0.0, 0.0], 0.75 * twist) @ forearm,
        "wrist": hand,
        "metacarpal": hand,
        "finger": hand,
    }


def _head(people: AnnyPeople, bone: str) -> Vectors:
    return people.heads[:, people.bones.index(bone)]


def _frame(first: Vectors, second: Vectors) -> Vectors:
    """(N, 3, 3) orthonormal axes as columns: ``first``, ``second`` made square to it, their product."""
    a = first / np.linalg.norm(first, axis=-1, keepdims=True)
    b = second - (a * second).sum(axis=-1, keepdims=True) * a
    b = b / np.linalg.norm(b, axis=-1, keepdims=True)
    return np.stack([a, b, np.cross(a, b)], axis=-1)


def _align(first: Vectors, second: Vectors, to_first: Vectors, to_second: Vectors) -> Vectors:
    """(N, 3, 3) rotations that take one pair of directions to another."""
    second = np.broadcast_to(second, first.shape)
    return _frame(to_first, to_second) @ _frame(first, second).transpose(0, 2, 1)


def _twist(rotation: Vectors) -> Vectors:
    """(N,) angle of the part of a rotation that turns about X."""
    sine = (rotation[:, 2, 1] - rotation[:, 1, 2]) / 2
    cosine = (np.trace(rotation, axis1=1, axis2=2) - 1) / 2
    angle: Vectors = 2 * np.arctan2(sine, 1 + cosine)
    return angle


def _about(axis: list[float], angles: Vectors) -> Vectors:
    """(N, 3, 3) rotations about one axis (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    sin, cos = np.sin(angles)[:, None, None], np.cos(angles)[:, None, None]
    rotations: Vectors = np.eye(3) + sin * cross + (1 - cos) * (cross @ cross)
    return rotations
