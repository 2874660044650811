"""What turns a rig's segment rotations into the body's.

A rig's rotations count from a zero pose that may be a T-pose, an A-pose or no human pose at all. For each
segment a constant rotation C is found so that ``R @ C`` turns the body's own rest pose into the world, R being
the rig's rotation. A limb's C maps the bone's direction and its hinge axis: the direction is the rig's, and
the hinge is the axis about which that elbow or knee is seen to bend over the whole clip.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.synth.motion import SourceClip
from posecorpus.synth.retarget.roles import Roles
from posecorpus.synth.rotations import about, apply, bone_frame, shortest, unit

Array = NDArray[np.float64]
STRAIGHT = 0.002
"""Weight of the hinge of a relaxed limb against the mean squared sine of the bending that was seen."""
CURVED, FLAT = 2e-4, 0.02
"""Variances of a bone's direction: least across the arc, and most out of its plane relative to that."""
_AGREE_COSINE = np.cos(np.radians(20.0))
_SNAP_COSINE = np.cos(np.radians(25.0))
_SAME_COSINE = np.cos(np.radians(40.0))
_NARROW_M = 0.02


def trunk_frames(clip: SourceClip, roles: Roles) -> dict[int, Array]:
    """C of the joints of trunk, neck and head, (3, 3) each.

    Hips and shoulders tell what is left, and the way to the head what is up. Where both agree, the zero pose
    is a human's and one frame holds for all. Where they do not, each joint's frame only names axes: those
    without a left and right of their own take the multiple of a quarter turn that keeps them, on average over
    the clip, nearest to the joint below.

    Raises:
        InputError: hips or trunk have no extent.
    """
    pelvis, chest = roles.trunk[0], roles.trunk[-1]
    top = roles.neck[-1] if roles.neck else roles.head
    limbs = roles.limbs
    lower = _frame(clip, clip.rest[top] - clip.rest[pelvis], limbs["l_hip"], limbs["r_hip"])
    arms = (
        ("l_collar", "r_collar") if {"l_collar", "r_collar"} <= set(limbs) else ("l_shoulder", "r_shoulder")
    )
    if np.linalg.norm(clip.rest[limbs[arms[0]]] - clip.rest[limbs[arms[1]]]) < _NARROW_M:
        arms = ("l_shoulder", "r_shoulder")
    upper = _frame(clip, clip.rest[top] - clip.rest[pelvis], limbs[arms[0]], limbs[arms[1]])
    chain = [*roles.trunk, *roles.neck, roles.head]
    if np.trace(lower.T @ upper) > 1 + 2 * _SAME_COSINE:
        return dict.fromkeys(chain, lower)
    frames = {pelvis: lower, chest: upper}
    for below, joint in pairwise(chain):
        if joint not in frames:
            frames[joint] = _quarter_turn(clip, below, joint, frames[below])
    return frames


def _quarter_turn(clip: SourceClip, below: int, joint: int, frame: Array) -> Array:
    """(3, 3) C of a joint: the frame below turned about the trunk by the quarter turns that fit the clip best."""
    turn = clip.rotations[:, joint].astype(np.float64)
    mean = np.einsum("tji,tjk->ik", turn, clip.rotations[:, below].astype(np.float64) @ frame)
    options = [frame @ about(1, quarter * np.pi / 2) for quarter in range(4)]
    return max(options, key=lambda option: float(np.sum(option * mean)))


def _frame(clip: SourceClip, up: Array, left: int, right: int) -> Array:
    """(3, 3) columns: left, up and forward in the zero pose, snapped to the axes if near them."""
    across = clip.rest[left] - clip.rest[right]
    cross = float(np.linalg.norm(np.cross(up, across)))
    if not cross > 1e-4:
        raise InputError(
            clip.source,
            f"{clip.joints[left]} and {clip.joints[right]} apart and a trunk above",
            "a zero pose without",
        )
    y = unit(up)
    x = unit(across - np.dot(across, y) * y)
    frame = np.stack([x, y, np.cross(x, y)], axis=-1)
    snapped = np.round(frame)
    near = bool((np.abs(snapped).sum(axis=0) == 1).all()) and np.linalg.det(snapped) > 0.5
    if near and bool((np.sum(frame * snapped, axis=0) > _SNAP_COSINE).all()):
        return np.asarray(snapped)
    return frame


def hinge_axes(upper: Array, lower: Array, turns: tuple[Array, Array], relaxed: Array) -> tuple[Array, Array]:
    """Hinge axis of a joint in the local frames of the two segments that meet there.

    Args:
        upper, lower: (T, 3) world directions of the bones.
        turns: (T, 3, 3) rotations of their segments, zero pose to world.
        relaxed: (T, 3) world hinge axis of a limb without twist, which stands in for a limb that never bends.

    Returns:
        Two (3,) unit vectors; bending is the right-handed turn about them of the lower bone.
    """
    bend = np.cross(upper, lower)
    bend = bend * np.linalg.norm(bend, axis=-1, keepdims=True)  # the more it bends the surer its axis
    result = []
    for bone, other, turn in zip((upper, lower), (lower, upper), turns, strict=True):
        resting = relaxed - np.sum(relaxed * bone, -1, keepdims=True) * bone
        seen = unit(_mean_local(turn, bend) + STRAIGHT * unit(_mean_local(turn, resting)))
        result.append(_normal(np.einsum("tji,tj->ti", turn, other), seen))
    return result[0], result[1]


def _normal(directions: Array, near: Array) -> Array:
    """Axis of the circle on which unit vectors (T, 3) lie, if they span enough of one; else ``near``.

    A hinge is not quite square to its bones, so that their cross product swings as it folds; the plane in
    which the other bone turns does not.
    """
    values, vectors = np.linalg.eigh(np.cov(directions.T, bias=True))
    axis = vectors[:, 0] * np.copysign(1.0, vectors[:, 0] @ near)
    flat = values[1] > CURVED and values[0] < FLAT * values[1]
    return np.asarray(axis if flat and axis @ near > _AGREE_COSINE else near)


def _mean_local(turn: Array, vectors: Array) -> Array:
    return np.asarray(np.einsum("tji,tj->i", turn, vectors) / len(turn))


def relaxed_hinge(trunk: Array, direction: Array, rest: Array, hinge: Array) -> Array:
    """(T, 3) hinge axis of a limb that swung from its rest pose to ``direction`` (T, 3) without twisting.

    Args:
        trunk: (T, 3, 3) orientation of what carries the limb.
        direction: of the upper bone in the world.
        rest, hinge: (3,) of the body's rest pose.
    """
    inside = np.einsum("tji,tj->ti", trunk, direction)
    swing = shortest(np.broadcast_to(unit(rest), inside.shape), inside)
    return apply(trunk @ swing, hinge)


def segment(rest_bone: Array, rest_hinge: Array, local_bone: Array, local_hinge: Array) -> Array:
    """(3, 3) C of a limb segment, from the body's rest bone and hinge and the rig's."""
    return np.asarray(bone_frame(local_bone, local_hinge) @ bone_frame(rest_bone, rest_hinge).T)


def aimed(turn: Array, constant: Array, rest_bone: Array, direction: Array) -> Array:
    """(T, 3, 3) ``turn @ constant``, swung the shortest way so that the rest bone points along ``direction``."""
    rotation = turn @ constant
    return shortest(apply(rotation, unit(rest_bone)), direction) @ rotation
