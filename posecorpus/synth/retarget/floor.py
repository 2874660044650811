"""Where a clip's floor is, when its feet stand on it, and how the body is put on y = 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.measures import Measures
from posecorpus.synth.motion import SourceClip
from posecorpus.synth.retarget.roles import Roles
from posecorpus.synth.rotations import apply

Array = NDArray[np.float64]
LOW_PERCENTILE = 3.0
CONTACT_M = 0.025
"""A foot whose joint is this near to the lowest place it takes on the floor stands on it."""
SLOW_M_S = 0.25
SETTLE_S = 0.06


def foot_joints(clip: SourceClip, roles: Roles, side: str) -> list[int]:
    """Ankle, toes and what is below the toes."""
    joints = [roles.limbs[f"{side}_ankle"]]
    if f"{side}_toes" in roles.limbs:
        joints.append(roles.limbs[f"{side}_toes"])
        joints += [j for j, parent in enumerate(clip.parents) if parent == joints[-1]][:1]
    return joints


def lows(clip: SourceClip, roles: Roles) -> list[float]:
    """Heights, metres, that the ankles, the toes and their tips have when a foot stands on the floor."""
    both = [foot_joints(clip, roles, side) for side in "lr"]
    count = min(len(joints) for joints in both)
    return [
        float(min(np.percentile(clip.positions[:, joints[k], 1], LOW_PERCENTILE) for joints in both))
        for k in range(count)
    ]


def clearances(clip: SourceClip, roles: Roles, side: str) -> Array:
    """(T, K) heights of a foot's joints over those they have when it stands."""
    heights = lows(clip, roles)
    joints = foot_joints(clip, roles, side)[: len(heights)]
    return clip.positions[:, joints, 1].astype(np.float64) - heights


def _speed(clip: SourceClip, joint: int) -> Array:
    if len(clip.positions) < 2:
        return np.zeros(len(clip.positions))
    velocity = np.gradient(clip.positions[:, joint].astype(np.float64), axis=0) * clip.fps
    return np.asarray(np.linalg.norm(velocity, axis=-1))


def resting_frames(clip: SourceClip, roles: Roles, side: str) -> NDArray[np.bool_]:
    """(T,) frames in which the whole foot is on the floor and still."""
    low = clearances(clip, roles, side) < CONTACT_M
    slow = [_speed(clip, j) < SLOW_M_S for j in foot_joints(clip, roles, side)[: low.shape[1]]]
    return np.asarray(low.all(axis=1) & np.all(slow, axis=0))


def settle(clip: SourceClip, roles: Roles, measures: Measures, world: Array, pelvis: Array) -> Array:
    """(T, 3) pelvis, moved up or down so that feet on the clip's floor are on y = 0.

    The correction is measured where a foot touches, carried over the frames between, and smoothed.

    Args:
        clip, roles: the source.
        measures: of the body.
        world: (T, 24, 3, 3) rotations of the body's segments.
        pelvis: (T, 3) its pelvis at any height.
    """
    lowest = np.stack([_lowest(measures, world, pelvis, sign) for sign in (1.0, -1.0)], axis=1)
    over = np.stack([clearances(clip, roles, side).min(axis=1) for side in "lr"], axis=1)
    touching = over < CONTACT_M
    frames = np.flatnonzero(touching.any(axis=1))
    # Both feet down: their mean; the clip's own remaining clearance is kept.
    weight = touching / np.maximum(touching.sum(axis=1, keepdims=True), 1)
    wanted = np.sum(weight * (np.maximum(over, 0.0) - lowest), axis=1)
    rise = np.interp(np.arange(len(pelvis)), frames, wanted[frames])
    rise = gaussian_filter1d(rise, max(SETTLE_S * clip.fps, 1e-3), mode="nearest")
    result = pelvis.copy()
    result[:, 1] += rise
    return result


def _lowest(measures: Measures, world: Array, pelvis: Array, sign: float) -> Array:
    """(T,) height of the lowest of heel, ball and toe of a foot."""
    side = "l_" if sign > 0 else "r_"
    place = pelvis
    for start, end in (("pelvis", "hip"), ("hip", "knee"), ("knee", "ankle")):
        name = start if start == "pelvis" else side + start
        offset = measures.side(end, sign) if start == "pelvis" else measures.bone(start, end, sign)
        place = place + apply(world[:, SMPL_24.index(name)], offset)
    mirror = np.array([sign, 1.0, 1.0])
    ankle, foot = world[:, SMPL_24.index(side + "ankle")], world[:, SMPL_24.index(side + "foot")]
    joint = measures.bone("ankle", "foot", sign)
    heel, ball = (apply(ankle, mirror * point)[:, 1] for point in (measures.heel, measures.ball))
    toe = apply(ankle, joint)[:, 1] + apply(foot, mirror * measures.toe - joint)[:, 1]
    return np.asarray(place[:, 1] + np.minimum(np.minimum(heel, ball), toe))
