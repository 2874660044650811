"""Acclaim skeletons (.asf) and motions (.amc), as the CMU and HDM05 databases publish them.

A bone of an ASF file becomes the joint at its START, under the bone's name: ``lfemur`` is the left hip,
``ltibia`` the knee, ``lfoot`` the ankle. A bone without children also gets an end joint, ``head_end``.
So every joint has the rotation of the segment that leaves it, as in BVH.

Lengths are ``value * 0.0254 / L`` metres, L being the file's ``length`` unit (0.45 in both databases).
With C from the bone's ``axis`` and M from its channels a bone turns by ``C M C^-1`` relative to its
parent; an Euler order XYZ means ``Rz Ry Rx``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.synth.mocap.amc import Motion
from posecorpus.synth.mocap.asf import MOVES, TURNS, Skeleton
from posecorpus.synth.mocap.kinematics import AXES, LocalRotation, forward, rest_positions
from posecorpus.synth.mocap.units import REACH_LIMITS_M, UNITS_M, Reading, check_fps, reach
from posecorpus.synth.motion import SourceClip

DEFAULT_FPS = 120.0


def read_amc(skeleton: Skeleton, motion: Motion, name: str, subject: str, reading: Reading) -> SourceClip:
    """Put a motion on its skeleton.

    Args:
        skeleton, motion: as parsed.
        name, subject: of the clip.
        reading: ``fps`` is 120 unless stated; ``units`` are the ASF file's unless stated.

    Raises:
        InputError: the two do not belong together, or the skeleton is not of a person's size.
    """
    unit_m = UNITS_M[reading.units] if reading.units else skeleton.unit_m
    channels = _channel_values(skeleton, motion)
    joints, parents, offsets = _joints(skeleton, unit_m)
    size = reach(parents, np.linalg.norm(offsets, axis=1))
    if reading.units is None and not REACH_LIMITS_M[0] <= size <= REACH_LIMITS_M[1]:
        raise InputError(skeleton.where, "a skeleton of a person's size", f"{size:.3g} m", "state its units")
    local: list[LocalRotation | None] = []
    for bone in skeleton.bones:
        values = channels[bone.name]
        turns = tuple((AXES[c[1]], values[c]) for c in reversed(bone.channels) if c in TURNS)
        local.append(LocalRotation(turns, bone.frame))
    local += [None] * (len(joints) - len(local))
    root = skeleton.position + np.stack(
        [channels["root"].get(c, np.zeros(len(motion.values))) for c in MOVES], 1
    )
    positions, rotations = forward(parents, [root * unit_m, *offsets[1:]], local)
    fps = check_fps("fps", reading.fps or DEFAULT_FPS)
    return SourceClip(
        name, motion.where, subject, fps, joints, parents, rest_positions(parents, offsets), positions, rotations,
        "asf_amc",
    )  # fmt: skip


def _joints(
    skeleton: Skeleton, unit_m: float
) -> tuple[tuple[str, ...], tuple[int, ...], NDArray[np.float64]]:
    index = {bone.name: j for j, bone in enumerate(skeleton.bones)}
    names = [bone.name for bone in skeleton.bones]
    parents = [index[bone.parent] if bone.parent is not None else -1 for bone in skeleton.bones]
    offsets = [skeleton.bones[p].vector if p >= 0 else skeleton.position for p in parents]
    inner = set(parents)
    for j, bone in enumerate(skeleton.bones):
        if j not in inner and bone.vector.any():
            names.append(f"{bone.name}_end")
            parents.append(j)
            offsets.append(bone.vector)
    return tuple(names), tuple(parents), np.array(offsets) * unit_m


def _channel_values(skeleton: Skeleton, motion: Motion) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Angles (radians) and root translation (file units) by bone and channel; bones without are zero."""
    bones = {bone.name: bone for bone in skeleton.bones}
    result: dict[str, dict[str, NDArray[np.float64]]] = {name: {} for name in bones}
    zero = np.zeros(len(motion.values))
    column = 0
    for row, (name, width) in enumerate(motion.widths.items()):
        line = f"{motion.where}:{motion.first_line + row}"
        if name not in bones:
            raise InputError(line, f"a bone of {skeleton.where}", repr(name), "is this its skeleton?")
        if width != len(bones[name].channels):
            raise InputError(
                line, f"{len(bones[name].channels)} channels for {name} as in {skeleton.where}", width
            )
        for channel in bones[name].channels:
            values = motion.values[:, column]
            turns = channel in TURNS and not motion.radians
            result[name][channel] = np.radians(values) if turns else values
            column += 1
    for name, bone in bones.items():
        for channel in bone.channels:
            result[name].setdefault(channel, zero)
    return result
