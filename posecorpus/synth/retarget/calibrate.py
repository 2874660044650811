"""What turns a rig's segment rotations into the body's.

A rig's rotations count from a zero pose that may be a T-pose, an A-pose or no human pose at all. For each
segment a constant rotation C is found so that ``R @ C`` turns the body's own rest pose into the world, R being
the rig's rotation. A limb's C maps the bone's direction and its hinge axis: the direction is the rig's, and
the hinge is the axis about which that elbow or knee is seen to bend over the whole clip.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.synth.motion import SourceClip
from posecorpus.synth.retarget.roles import Roles
from posecorpus.synth.rotations import apply, bone_frame, shortest, unit

Array = NDArray[np.float64]
STRAIGHT = 0.05
"""Weight of the hinge of a relaxed limb against the mean sine of the bending that was seen."""
_SNAP_COSINE = np.cos(np.radians(25.0))


def trunk_frame(clip: SourceClip, roles: Roles) -> Array:
    """(3, 3) columns: the left, up and forward of the zero pose's trunk, snapped to the axes if near them.

    Raises:
        InputError: hips or trunk have no extent.
    """
    top = roles.head if roles.head != roles.trunk[-1] else roles.trunk[-1]
    up = clip.rest[top] - clip.rest[roles.trunk[0]]
    left = clip.rest[roles.limbs["l_hip"]] - clip.rest[roles.limbs["r_hip"]]
    cross = np.linalg.norm(np.cross(up, left))
    if not cross > 1e-3 * max(np.linalg.norm(up), 1e-9) or not np.linalg.norm(left) > 1e-3:
        raise InputError(clip.source, "hips apart and a trunk above them", "a zero pose without")
    x = unit(left - np.dot(left, unit(up)) * unit(up))
    frame = np.stack([x, unit(up), np.cross(x, unit(up))], axis=-1)
    snapped = np.round(frame)
    near = np.abs(snapped).sum(0) == 1
    if near.all() and (np.sum(frame * snapped, axis=0) > _SNAP_COSINE).all():
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
    result = []
    for bone, turn in zip((upper, lower), turns, strict=True):
        seen = _mean_local(turn, bend)
        resting = relaxed - np.sum(relaxed * bone, -1, keepdims=True) * bone
        result.append(unit(seen + STRAIGHT * unit(_mean_local(turn, resting))))
    return result[0], result[1]


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
