"""What anchors are made from: many oriented poses, in 3D about the torso and in 2D in the units of their box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.anchors.boxes import in_box_units, joint_boxes, upper_body
from posecorpus.core.errors import InputError
from posecorpus.core.metrics import centre_on_torso
from posecorpus.core.skeletons import Skeleton

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class PoseSet:
    """N poses with all their joints.

    Attributes:
        skeleton: the joint set.
        joints3d: (N, J, 3) float32 metres in the camera frame, torso-centred.
        joints2d: (N, J, 2) float32 in units of the box around all joints.
        upper2d: (N, J, 2) float32 in units of the box around the upper body; legs reach beyond it.
        sources: names of the corpora or clips they come from.
        source: (N,) int32, index into ``sources``.
        member: (N,) int64, which pose of its source.
        left_out: how many poses lacked a joint.
    """

    skeleton: Skeleton
    joints3d: NDArray[np.float32]
    joints2d: NDArray[np.float32]
    upper2d: NDArray[np.float32]
    sources: tuple[str, ...]
    source: NDArray[np.int32]
    member: NDArray[np.int64]
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.joints3d)

    def name(self, index: int) -> str:
        """Where a pose comes from: ``source#member``."""
        return f"{self.sources[self.source[index]]}#{self.member[index]}"


def pose_set(skeleton: Skeleton, name: str, joints3d: Floats, joints2d: Floats) -> PoseSet:
    """Poses of one source; those that lack a joint are left out and counted.

    Args:
        name: of the source.
        joints3d: (N, J, 3) metres in the camera frame, wherever its origin.
        joints2d: (N, J, 2) in the same picture, pixels or any other unit.

    Raises:
        InputError: arrays of other shapes.
    """
    wanted = ((len(joints3d), len(skeleton), 3), (len(joints3d), len(skeleton), 2))
    if (np.shape(joints3d), np.shape(joints2d)) != wanted:
        got = f"{np.shape(joints3d)} and {np.shape(joints2d)}"
        raise InputError(name, f"poses of shape {wanted[0]} and {wanted[1]}", got)
    whole = np.isfinite(joints3d).all((1, 2)) & np.isfinite(joints2d).all((1, 2))
    pixels = np.asarray(joints2d[whole], np.float64)
    upper = joint_boxes(pixels[:, upper_body(skeleton)])
    return PoseSet(
        skeleton=skeleton,
        joints3d=centre_on_torso(joints3d[whole], skeleton).astype(np.float32),
        joints2d=in_box_units(pixels, joint_boxes(pixels)).astype(np.float32),
        upper2d=in_box_units(pixels, upper).astype(np.float32),
        sources=(name,),
        source=np.zeros(int(whole.sum()), np.int32),
        member=np.flatnonzero(whole).astype(np.int64),
        left_out=int((~whole).sum()),
    )


def joined(sets: Sequence[PoseSet]) -> PoseSet:
    """Several sets of the same skeleton as one, in their order.

    Raises:
        InputError: none, or of several skeletons.
    """
    names = sorted({poses.skeleton.name for poses in sets})
    if len(names) != 1:
        raise InputError("poses for anchors", "sets of one skeleton", ", ".join(names) or "none")
    before = np.cumsum([0] + [len(poses.sources) for poses in sets])
    return PoseSet(
        skeleton=sets[0].skeleton,
        joints3d=np.concatenate([poses.joints3d for poses in sets]),
        joints2d=np.concatenate([poses.joints2d for poses in sets]),
        upper2d=np.concatenate([poses.upper2d for poses in sets]),
        sources=tuple(name for poses in sets for name in poses.sources),
        source=np.concatenate(
            [poses.source + start for poses, start in zip(sets, before, strict=False)]
        ).astype(np.int32),
        member=np.concatenate([poses.member for poses in sets]),
        left_out=sum(poses.left_out for poses in sets),
    )
