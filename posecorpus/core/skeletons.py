"""Joint sets, by name.

A joint has a *name* within its skeleton and a *landmark*: what point of the body it is. Two joint
sets that share a landmark can be converted into one another. A landmark such as ``l_hip@lsp`` is the
variant of ``l_hip`` that LSP's annotators mark; it converts exactly to its own kind and, failing
that, to any other variant of the same base. SMPL's ``head`` (the base of the skull) and Human3.6M's
``head`` (near the crown) are different landmarks, so they never stand in for each other.

Sides are the person's own left and right. Index arithmetic outside this file is a mistake: ask a
:class:`Skeleton` by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError


@dataclass(frozen=True)
class Skeleton:
    """An ordered set of joints with its kinematic tree.

    Attributes:
        name: how corpora refer to it, e.g. ``coco_17``.
        joints: joint names in the order of the arrays.
        parents: index of each joint's parent, -1 for a root. A joint set that was never a tree (COCO)
            is given the tree its bones are drawn with.
        landmarks: what point of the body each joint is; see the module's text.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    landmarks: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Position of a joint; raises :class:`InputError` for a name the skeleton lacks."""
        try:
            return self.joints.index(joint)
        except ValueError:
            raise InputError(
                f"skeleton {self.name}", f"one of {', '.join(self.joints)}", repr(joint)
            ) from None

    def indices(self, *joints: str) -> list[int]:
        """Positions of several joints, in the order asked."""
        return [self.index(joint) for joint in joints]

    @cached_property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """(parent, child) index pairs."""
        return tuple((parent, child) for child, parent in enumerate(self.parents) if parent >= 0)

    @cached_property
    def mirror(self) -> NDArray[np.intp]:
        """Permutation that exchanges left and right: ``joints[mirror]`` after a horizontal flip."""
        return np.array([self.joints.index(opposite(joint)) for joint in self.joints], dtype=np.intp)


def opposite(joint: str) -> str:
    """The joint's counterpart on the other side; a joint of the middle is its own."""
    if joint.startswith("l_"):
        return "r_" + joint[2:]
    if joint.startswith("r_"):
        return "l_" + joint[2:]
    return joint


def _skeleton(name: str, tree: str, **landmarks: str) -> Skeleton:
    """Build a skeleton from ``"joint<parent"`` words; ``landmarks`` names the joints that need it.

    A landmark given for ``hip`` holds for ``l_hip`` and ``r_hip``, side kept.
    """
    words = [word.partition("<") for word in tree.split()]
    joints = tuple(joint for joint, _, _ in words)
    parents = tuple(joints.index(parent) if parent else -1 for _, _, parent in words)

    def landmark(joint: str) -> str:
        side, _, rest = joint.partition("_")
        if side in ("l", "r") and rest in landmarks:
            return f"{side}_{landmarks[rest]}"
        return landmarks.get(joint, joint)

    return Skeleton(name, joints, parents, tuple(landmark(joint) for joint in joints))


SMPL_24 = _skeleton(
    "smpl_24",
    "pelvis l_hip<pelvis r_hip<pelvis spine1<pelvis l_knee<l_hip r_knee<r_hip spine2<spine1 l_ankle<l_knee "
    "r_ankle<r_knee spine3<spine2 l_foot<l_ankle r_foot<r_ankle neck<spine3 l_collar<spine3 r_collar<spine3 "
    "head<neck l_shoulder<l_collar r_shoulder<r_collar l_elbow<l_shoulder r_elbow<r_shoulder l_wrist<l_elbow "
    "r_wrist<r_elbow l_hand<l_wrist r_hand<r_wrist",
    neck="neck_base",
    head="skull_base",
)

FULL_42 = _skeleton(
    "full_42",
    " ".join(
        f"{j}<{SMPL_24.joints[p]}" if p >= 0 else j
        for j, p in zip(SMPL_24.joints, SMPL_24.parents, strict=True)
    )
    + " nose<head l_eye<head r_eye<head l_ear<head r_ear<head upper_neck<neck head_top<head head_centre<head "
    "thorax<spine3 jaw_h36m<head head_h36m<head spine_h36m<spine2 pelvis_lsp<pelvis l_hip_lsp<pelvis r_hip_lsp<pelvis "
    "l_hip_h36m<pelvis r_hip_h36m<pelvis pelvis_h36m<pelvis",
    neck="neck_base",
    head="skull_base",
    jaw_h36m="jaw",
    pelvis_lsp="pelvis@lsp",
    hip_lsp="hip@lsp",
    hip_h36m="hip@h36m",
    pelvis_h36m="pelvis@h36m",
)
"""SMPL's 24 joints and every landmark of the other sets: what rendered people are labelled with, so
that any other skeleton of this file is a selection by name (:func:`convert`)."""

LSP_14 = _skeleton(
    "lsp_14",
    "r_ankle<r_knee r_knee<r_hip r_hip<neck l_hip<neck l_knee<l_hip l_ankle<l_knee r_wrist<r_elbow r_elbow<r_shoulder "
    "r_shoulder<neck l_shoulder<neck l_elbow<l_shoulder l_wrist<l_elbow neck head_top<neck",
    neck="upper_neck",
    hip="hip@lsp",
)

MPII_16 = _skeleton(
    "mpii_16",
    "r_ankle<r_knee r_knee<r_hip r_hip<pelvis l_hip<pelvis l_knee<l_hip l_ankle<l_knee pelvis thorax<pelvis "
    "upper_neck<thorax head_top<upper_neck r_wrist<r_elbow r_elbow<r_shoulder r_shoulder<thorax l_shoulder<thorax "
    "l_elbow<l_shoulder l_wrist<l_elbow",
    hip="hip@lsp",
    pelvis="pelvis@lsp",
)

LCR_13 = _skeleton(
    "lcr_13",
    "r_ankle<r_knee l_ankle<l_knee r_knee<r_hip l_knee<l_hip r_hip l_hip<r_hip r_wrist<r_elbow l_wrist<l_elbow "
    "r_elbow<r_shoulder l_elbow<l_shoulder r_shoulder<r_hip l_shoulder<l_hip head<r_shoulder",
    head="head_centre",
)

H36M_17 = _skeleton(
    "h36m_17",
    "pelvis r_hip<pelvis r_knee<r_hip r_ankle<r_knee l_hip<pelvis l_knee<l_hip l_ankle<l_knee spine<pelvis "
    "thorax<spine neck<thorax head<neck l_shoulder<thorax l_elbow<l_shoulder l_wrist<l_elbow r_shoulder<thorax "
    "r_elbow<r_shoulder r_wrist<r_elbow",
    hip="hip@h36m",
    pelvis="pelvis@h36m",
    spine="spine_h36m",
    neck="jaw",
    head="head_h36m",
)

COCO_17 = _skeleton(
    "coco_17",
    "nose l_eye<nose r_eye<nose l_ear<l_eye r_ear<r_eye l_shoulder<l_ear r_shoulder<r_ear l_elbow<l_shoulder "
    "r_elbow<r_shoulder l_wrist<l_elbow r_wrist<r_elbow l_hip<l_shoulder r_hip<r_shoulder l_knee<l_hip r_knee<r_hip "
    "l_ankle<l_knee r_ankle<r_knee",
    hip="hip@lsp",
)

SKELETONS: dict[str, Skeleton] = {
    s.name: s for s in (SMPL_24, FULL_42, LSP_14, MPII_16, LCR_13, H36M_17, COCO_17)
}
TORSO = ("l_shoulder", "r_shoulder", "l_hip", "r_hip")


def skeleton(name: str) -> Skeleton:
    """The skeleton of that name; raises :class:`InputError` listing those there are."""
    if name not in SKELETONS:
        raise InputError("skeleton", f"one of {', '.join(SKELETONS)}", repr(name))
    return SKELETONS[name]


def correspondence(source: Skeleton, target: Skeleton) -> NDArray[np.intp]:
    """For each joint of ``target`` the index of the same landmark in ``source``, -1 where there is none.

    The exact landmark wins; otherwise the first variant of the same base (the part before ``@``).
    """
    bases = [landmark.partition("@")[0] for landmark in source.landmarks]
    result = np.full(len(target), -1, dtype=np.intp)
    for i, landmark in enumerate(target.landmarks):
        base = landmark.partition("@")[0]
        if landmark in source.landmarks:
            result[i] = source.landmarks.index(landmark)
        elif base in bases:
            result[i] = bases.index(base)
    return result


def convert(values: NDArray[np.floating], source: Skeleton, target: Skeleton) -> NDArray[np.floating]:
    """Re-order joint values (..., J, D) from one skeleton to another; unmapped joints become NaN."""
    if values.ndim < 2 or values.shape[-2] != len(source):
        raise InputError(
            "convert", f"joints of shape (..., {len(source)}, D) for {source.name}", values.shape
        )
    picked = correspondence(source, target)
    result = values[..., picked, :].copy()
    result[..., picked < 0, :] = np.nan
    return result


def convert_visibility(
    visibility: NDArray[np.uint8], source: Skeleton, target: Skeleton
) -> NDArray[np.uint8]:
    """As :func:`convert` for visibility flags (..., J); unmapped joints become 0 (unlabelled)."""
    picked = correspondence(source, target)
    return np.where(picked >= 0, visibility[..., picked], np.uint8(0)).astype(np.uint8)
