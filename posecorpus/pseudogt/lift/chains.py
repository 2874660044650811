"""Which bones may turn, and by how much, for any skeleton.

Matches that agree with each other still differ from the person by more than they differ among themselves.
What they leave open is mostly this: each bone may point a few degrees elsewhere, and carries what hangs on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import Skeleton

_UP: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "foot": ("ankle", "knee", "hip"),
        "ankle": ("knee", "hip"),
        "knee": ("hip",),
        "hand": ("wrist", "elbow", "shoulder"),
        "wrist": ("elbow", "shoulder"),
        "elbow": ("shoulder",),
    }
)
_SWING_RAD: Mapping[str, float] = MappingProxyType(
    {"foot": 0.10, "ankle": 0.10, "knee": 0.10, "hand": 0.15, "wrist": 0.15, "elbow": 0.13}
)
_NECKS = ("upper_neck", "neck_base", "jaw", "thorax")
_HEAD = ("head_top", "head_centre", "head_h36m", "skull_base", "nose", "eye", "ear")
_NECK_SWING_RAD, _HEAD_SWING_RAD, _TRUNK_SWING_RAD = 0.05, 0.07, 0.04


@dataclass(frozen=True, eq=False)
class Chains:
    """The bones of J joints as a forest that stands on the torso's middle.

    Attributes:
        parents: (J,) joint at the other end of each joint's bone, -1 for the middle of shoulders and hips.
        swing_rad: (J,) standard deviation of a bone's direction about each axis, beyond what matches show.
        carried: (J, J) bool; ``carried[i, j]``: joint j moves when the bone that ends in i turns.
    """

    parents: NDArray[np.int64]
    swing_rad: NDArray[np.float64]
    carried: NDArray[np.bool_]

    def of(self, joints: NDArray[np.integer]) -> Chains:
        """The bones of some of the joints; one whose parent is left out stands on the torso's middle."""
        places = np.full(len(self.parents) + 1, -1, np.int64)
        places[joints] = np.arange(len(joints))
        return Chains(
            places[self.parents[joints]], self.swing_rad[joints], self.carried[np.ix_(joints, joints)]
        )


def chains(skeleton: Skeleton) -> Chains:
    """The bones of a skeleton, by what its joints are rather than by the tree it is drawn with."""
    kinds = [_kind(landmark) for landmark in skeleton.landmarks]
    parents = np.array([_parent(i, kinds) for i in range(len(kinds))], np.int64)
    carried = np.eye(len(kinds), dtype=np.bool_)
    for joint in range(len(kinds)):
        above = parents[joint]
        while above >= 0:
            carried[above, joint] = True
            above = parents[above]
    return Chains(parents, np.array([_swing(kind) for _, kind in kinds]), carried)


def _kind(landmark: str) -> tuple[str, str]:
    """Side and kind: ``l_hip@lsp`` is (l, hip)."""
    base = landmark.partition("@")[0]
    return (base[0], base[2:]) if base[:2] in ("l_", "r_") else ("", base)


def _parent(joint: int, kinds: list[tuple[str, str]]) -> int:
    side, kind = kinds[joint]
    if kind in _HEAD:
        wanted = [("", neck) for neck in _NECKS]
    else:
        wanted = [(side, above) for above in _UP.get(kind, ())]
    return next((kinds.index(above) for above in wanted if above in kinds), -1)


def _swing(kind: str) -> float:
    if kind in _HEAD:
        return _HEAD_SWING_RAD
    if kind in _NECKS:
        return _NECK_SWING_RAD
    return _SWING_RAD.get(kind, _TRUNK_SWING_RAD)
