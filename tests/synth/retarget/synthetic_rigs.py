"""Clips on synthetic rigs whose right answer is known: made by the body's own forward kinematics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.motion import SourceClip
from posecorpus.synth.rotations import forward_kinematics, from_axis_angle

Array = NDArray[np.float64]

DIALECTS: dict[str, dict[str, str]] = {
    "smpl": {joint: joint for joint in SMPL_24.joints},
    "mixamo": {
        "pelvis": "mixamorig:Hips", "spine1": "mixamorig:Spine", "spine2": "mixamorig:Spine1",
        "spine3": "mixamorig:Spine2", "neck": "mixamorig:Neck", "head": "mixamorig:Head",
        **{
            f"{s}_{role}": f"mixamorig:{side}{name}"
            for s, side in (("l", "Left"), ("r", "Right"))
            for role, name in {
                "hip": "UpLeg", "knee": "Leg", "ankle": "Foot", "foot": "ToeBase", "collar": "Shoulder",
                "shoulder": "Arm", "elbow": "ForeArm", "wrist": "Hand", "hand": "HandMiddle1",
            }.items()
        },
    },
    "acclaim": {
        "pelvis": "root", "spine1": "lowerback", "spine2": "upperback", "spine3": "thorax", "neck": "lowerneck",
        "head": "head",
        **{
            f"{s}_{role}": f"{s}{name}"
            for s in "lr"
            for role, name in {
                "hip": "femur", "knee": "tibia", "ankle": "foot", "foot": "toes", "collar": "clavicle",
                "shoulder": "humerus", "elbow": "radius", "wrist": "hand", "hand": "fingers",
            }.items()
        },
    },
    "suffixed": {
        "pelvis": "Hips", "spine1": "Spine", "spine2": "Spine2", "spine3": "Chest", "neck": "Neck", "head": "Head",
        **{
            f"{s}_{role}": f"{name}_{s.upper()}"
            for s in "lr"
            for role, name in {
                "hip": "UpperLeg", "knee": "LowerLeg", "ankle": "Foot", "foot": "Toes", "collar": "Shoulder",
                "shoulder": "UpperArm", "elbow": "LowerArm", "wrist": "Hand", "hand": "Fingers",
            }.items()
        },
    },
}  # fmt: skip


def a_pose() -> Array:
    """(24, 3) axis-angles of a zero pose with the arms 50 degrees down, the legs apart and the elbows soft."""
    pose = np.zeros((24, 3))
    for side, sign in (("l", 1.0), ("r", -1.0)):
        pose[SMPL_24.index(f"{side}_shoulder")] = [0.0, 0.0, -sign * np.radians(50)]
        pose[SMPL_24.index(f"{side}_elbow")] = [0.0, -sign * np.radians(15), 0.0]
        pose[SMPL_24.index(f"{side}_hip")] = [0.0, 0.0, sign * np.radians(12)]
    return pose


def clip_of(
    poses: Array,
    translations: Array,
    dialect: str = "smpl",
    zero_pose: Array | None = None,
    fps: float = 30.0,
) -> SourceClip:
    """The body's motion as a capture on a rig of that naming and zero pose (None: the T-pose)."""
    body = load_body("open", "neutral")
    joints, parents = body.joints_template, body.parents
    turns, places = forward_kinematics(from_axis_angle(poses), joints, parents, translations)
    rest = joints
    if zero_pose is not None:
        zero, rest_places = forward_kinematics(
            from_axis_angle(zero_pose[None]), joints, parents, joints[None, 0]
        )
        turns, rest = turns @ zero[0].swapaxes(-1, -2), rest_places[0]
    names = tuple(DIALECTS[dialect][joint] for joint in SMPL_24.joints)
    return SourceClip(
        "clip", "synthetic", "nobody", fps, names, parents, rest, places.astype(np.float32),
        turns.astype(np.float32), dialect,
    )  # fmt: skip


def standing(frames: int) -> Array:
    """(T, 3) pelvis of a body that stands on y = 0."""
    body = load_body("open", "neutral")
    height = body.joints_template[0, 1] - body.v_template[:, 1].min()
    return np.tile([0.0, height, 0.0], (frames, 1))


def hinged(frames: int, rng: np.random.Generator) -> Array:
    """(T, 24, 3) smooth limb poses: knees and elbows flex about their hinges, hips and shoulders turn anyhow."""
    t = np.linspace(0.0, 2 * np.pi, frames)

    def wave(low: float, high: float) -> Array:
        return low + (high - low) * (0.5 + 0.5 * np.sin(t * rng.integers(1, 4) + rng.uniform(0, 6)))

    poses = np.zeros((frames, 24, 3))
    for side, sign in (("l", 1.0), ("r", -1.0)):
        poses[:, SMPL_24.index(f"{side}_knee"), 0] = wave(0.1, rng.uniform(0.5, 2.2))
        poses[:, SMPL_24.index(f"{side}_elbow"), 1] = -sign * wave(0.1, rng.uniform(0.5, 2.2))
        for joint, size in (("hip", 0.7), ("shoulder", 1.1)):
            for axis in range(3):
                poses[:, SMPL_24.index(f"{side}_{joint}"), axis] = wave(*rng.uniform(-size, size, 2))
    return poses
