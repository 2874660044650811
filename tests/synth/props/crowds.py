"""People to put props among, in poses that are known."""

from __future__ import annotations

import numpy as np

from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import Posed, pose_body

BODY = load_body("open", "neutral")


def posed(
    turns: dict[str, tuple[float, float, float]],
    x: float = 0.0,
    z: float = 0.0,
    yaw: float = 0.0,
    frames: int = 1,
) -> Posed:
    """A person whose joints are turned by axis-angles, standing on the floor at (x, z), facing ``yaw`` from +z."""
    pose = np.zeros((frames, 24, 3), np.float32)
    for joint, turn in turns.items():
        pose[:, SMPL_24.index(joint)] = turn
    pose[:, 0] = (0, yaw, 0)
    at = np.tile(np.array([x, 0, z], np.float32), (frames, 1))
    first = pose_body(BODY, np.zeros((frames, 10)), pose, at)
    at[:, 1] = -first.vertices[..., 1].min()
    return pose_body(BODY, np.zeros((frames, 10)), pose, at)


ARMS_DOWN = {"l_shoulder": (0.0, 0.0, -1.1), "r_shoulder": (0.0, 0.0, 1.1)}


def standing(x: float = 0.0, z: float = 0.0, yaw: float = 0.0, frames: int = 1) -> Posed:
    """Upright, arms beside the body."""
    return posed(ARMS_DOWN, x, z, yaw, frames)


def sitting(rng: np.random.Generator) -> Posed:
    """On a seat that is not there: thighs about level, shins about upright, hands before the chest."""
    thighs, shins = rng.uniform(-1.7, -1.35, 2), rng.uniform(1.35, 1.75, 2)
    turns = {
        "l_hip": (thighs[0], 0.0, 0.1), "r_hip": (thighs[1], 0.0, -0.1),
        "l_knee": (shins[0], 0.0, 0.0), "r_knee": (shins[1], 0.0, 0.0),
        "l_shoulder": (0.0, -0.9, -0.6), "r_shoulder": (0.0, 0.9, 0.6),
    }  # fmt: skip
    return posed(turns, *rng.uniform(-0.5, 0.5, 2), rng.uniform(-np.pi, np.pi))
