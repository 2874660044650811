"""Feet and hands: where a rig's point, whatever its zero pose."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.motion import SourceClip
from posecorpus.synth.retarget.floor import lows, resting_frames
from posecorpus.synth.retarget.roles import Roles
from posecorpus.synth.rotations import unit

Array = NDArray[np.float64]
SLOPES_RAD = np.radians([8.0, 42.0])
"""Within which the toes' joint lies below the sole's plane, seen from the ankle."""
TRUSTED_COSINE = np.cos(np.radians(25.0))
MIN_STANCES = 5
MIN_FINGER_M = 0.01
_THUMB = re.compile(r"thumb|finger1", re.IGNORECASE)
_THUMB_LIMITS = np.cos(np.radians([15.0, 85.0]))


def foot_constants(
    clip: SourceClip, roles: Roles, side: str, shin: Array, rest_bone: Array
) -> tuple[Array, Array | None]:
    """C (see ``calibrate``) of the foot and, where the rig has one, of the toes.

    The foot's heading is the rig's. Its sole is what is level when the foot stands still on the floor; without
    such frames the lowest places of ankle and toes tell.

    Args:
        clip: the clip.
        roles: its joints.
        side: ``l`` or ``r``.
        shin: (T, 3, 3) the body's shin in the world, for the foot's neutral pose.
        rest_bone: (3,) from the ankle to the toes' joint in the body's rest pose, whose sole is level.
    """
    ankle, toes = roles.limbs[f"{side}_ankle"], roles.limbs.get(f"{side}_toes")
    turn = clip.rotations[:, ankle].astype(np.float64)
    mean_shin = np.einsum("tji,tjk->ik", turn, shin) / len(turn)
    if toes is None:
        return _frame(mean_shin[:, 1], mean_shin[:, 2]), None
    along = unit(clip.rest[toes] - clip.rest[ankle])
    across = mean_shin[:, 0] - (mean_shin[:, 0] @ along) * along
    level = np.cross(along, unit(across))
    if level @ mean_shin[:, 1] < 0:
        level = -level
    slope = _slope(clip, roles, ankle, toes)
    up = np.cos(slope) * level - np.sin(slope) * along
    still = resting_frames(clip, roles, side)
    if still.sum() >= MIN_STANCES:
        standing = np.median(turn[still][:, 1, :], axis=0)  # the world's up in the foot
        if unit(standing) @ unit(up) > TRUSTED_COSINE:
            up = unit(standing)
    constant = _frame(up, along) @ _frame(np.array([0.0, 1.0, 0.0]), rest_bone).T
    # A leaf joint carries no rotation of its own in most formats.
    moves = clip.parents.count(toes) > 0
    return constant, constant if moves else None


def _slope(clip: SourceClip, roles: Roles, ankle: int, toes: int) -> float:
    """How far the toes' joint lies below the sole's plane: as much as it is lower when both are at their lowest."""
    heights = lows(clip, roles)
    length = float(np.linalg.norm(clip.rest[toes] - clip.rest[ankle]))
    return float(np.clip(np.arcsin(np.clip((heights[0] - heights[1]) / length, -1.0, 1.0)), *SLOPES_RAD))


def _frame(up: Array, forward: Array) -> Array:
    """(3, 3) columns left, up and forward; ``forward`` is made perpendicular to ``up``."""
    up = unit(up)
    ahead = unit(forward - (forward @ up) * up)
    return np.stack([np.cross(up, ahead), up, ahead], axis=-1)


def hand_constant(clip: SourceClip, roles: Roles, side: str, sign: float, fore: Array) -> Array:
    """C of the hand: the body's lies along the arm with the palm down and the thumb ahead.

    Fingers and thumb of the rig give it. A rig without them gives the hand the forearm's frame in the mean
    over the clip, that is no bend and no turn at the wrist on average.
    """
    wrist = roles.limbs[f"{side}_wrist"]
    turn = clip.rotations[:, wrist].astype(np.float64)
    mean_fore = np.einsum("tji,tjk->ik", turn, fore) / len(turn)
    fingers, thumb = _fingers(clip, wrist)
    out = fingers if fingers is not None else unit(mean_fore[:, 0] * sign)
    aside = mean_fore[:, 2]
    if fingers is not None and thumb is not None:
        cosine = float(fingers @ thumb)
        if _THUMB_LIMITS[1] < cosine < _THUMB_LIMITS[0]:
            aside = thumb
    ahead = unit(aside - (aside @ out) * out)
    return np.stack([sign * out, np.cross(ahead, sign * out), ahead], axis=-1)


def _fingers(clip: SourceClip, wrist: int) -> tuple[Array | None, Array | None]:
    """Unit directions in the zero pose of the fingers and the thumb, None where the rig has none.

    A finger is the first joint of a branch below the wrist that is off it; a thumb may also hang beside the
    hand, on what carries the wrist, as it does in Acclaim skeletons.
    """
    fingers, thumbs = [], []
    thumb_tree, open_branches = {clip.parents[wrist], wrist}, {wrist}
    for j, (name, parent) in enumerate(zip(clip.joints, clip.parents, strict=True)):
        offset = clip.rest[j] - clip.rest[wrist]
        away = bool(np.linalg.norm(offset) > MIN_FINGER_M)
        if _THUMB.search(name) is not None and parent in thumb_tree:
            thumb_tree.add(j)
            if away:
                thumbs.append(unit(offset))
        elif parent in open_branches:
            if away:
                fingers.append(unit(offset))
            else:
                open_branches.add(j)
    return unit(np.mean(fingers, axis=0)) if fingers else None, thumbs[-1] if thumbs else None
