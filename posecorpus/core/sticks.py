"""The 15 sticks of a skeleton map: between which points, with which ids and colours.

DeepSkeleton (section 3.1) draws a stick along every bone of a skeleton of 16 points whose root is the
thorax; these are the joints of ``mpii_16``. Other joint sets give the same points: their own joint where
they have that landmark, otherwise a fixed combination of joints, taken in 3D.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import MPII_16, Skeleton, correspondence, opposite

POINTS = MPII_16.joints
"""The 16 ends of sticks, by name."""
ROOT = "thorax"
"""Every stick starts at its end nearer to this point."""


@dataclass(frozen=True)
class Stick:
    """One bone: its name, the points it runs between, and the colour of its pixels (RGB)."""

    name: str
    start: str
    end: str
    colour: tuple[int, int, int]


STICKS = (
    Stick("r_hip", "pelvis", "r_hip", (178, 0, 178)),
    Stick("r_thigh", "r_hip", "r_knee", (0, 0, 205)),
    Stick("r_shin", "r_knee", "r_ankle", (255, 174, 201)),
    Stick("l_hip", "pelvis", "l_hip", (36, 95, 33)),
    Stick("l_thigh", "l_hip", "l_knee", (255, 0, 0)),
    Stick("l_shin", "l_knee", "l_ankle", (255, 201, 14)),
    Stick("torso", "thorax", "pelvis", (78, 255, 78)),
    Stick("neck", "thorax", "upper_neck", (34, 253, 242)),
    Stick("head", "upper_neck", "head_top", (255, 255, 0)),
    Stick("r_shoulder", "thorax", "r_shoulder", (147, 153, 134)),
    Stick("r_upper_arm", "r_shoulder", "r_elbow", (77, 2, 19)),
    Stick("r_forearm", "r_elbow", "r_wrist", (128, 128, 0)),
    Stick("l_shoulder", "thorax", "l_shoulder", (245, 245, 245)),
    Stick("l_upper_arm", "l_shoulder", "l_elbow", (128, 128, 255)),
    Stick("l_forearm", "l_elbow", "l_wrist", (64, 223, 123)),
)
"""``STICKS[i]`` has the id ``i + 1``; 0 is none. The colours are the paper's author's."""

STICK_ENDS: NDArray[np.int64] = np.array(
    [(POINTS.index(s.start), POINTS.index(s.end)) for s in STICKS], dtype=np.int64
)
"""(15, 2) indices into :data:`POINTS`."""

SHARED_POINTS: NDArray[np.int64] = np.array(
    [
        [next(iter(set(a) & set(b)), -1) if a != b else -1 for b in STICK_ENDS.tolist()]
        for a in STICK_ENDS.tolist()
    ],
    dtype=np.int64,
)
"""(15, 15) the point that two different sticks have in common, or -1."""

NEAR_M = 0.05
"""Bones are cut at this depth before they are projected."""
POINT_PX = 1e-6
"""A bone whose ends project this near to each other is seen as a point: its nearer end."""
FAR_PX = 1e9
"""A bone with an end that projects farther than this from the map's corner is left out: no number is that exact."""
COMMON_END = 1.0
"""Radius around a shared joint, in stick widths, within which its sticks are no crossing.

These four are compiled into kernels of another file: delete ``__pycache__`` after changing one."""

PALETTE_TABLE: NDArray[np.uint8] = np.full((256, 3), (255, 0, 255), dtype=np.uint8)
"""(256, 3) look-up table from id to RGB; ids that there are not are magenta, none is black."""
PALETTE_TABLE[: len(STICKS) + 1] = [(0, 0, 0), *(s.colour for s in STICKS)]


def _mirror_table() -> NDArray[np.uint8]:
    names = [stick.name for stick in STICKS]
    table = np.arange(256, dtype=np.uint8)
    table[1 : len(STICKS) + 1] = [1 + names.index(opposite(name)) for name in names]
    return table


MIRROR_TABLE = _mirror_table()
"""(256,) look-up table that exchanges left and right ids, for maps that were flipped."""

for _table in (STICK_ENDS, SHARED_POINTS, PALETTE_TABLE, MIRROR_TABLE):
    _table.flags.writeable = False


def describe_sticks() -> dict[str, Any]:
    """Legend and palette for a manifest. Keys of JSON objects are strings."""
    return {
        "root": ROOT,
        "legend": {"0": "none"} | {str(i): stick.name for i, stick in enumerate(STICKS, 1)},
        "palette": {"0": [0, 0, 0]} | {str(i): list(stick.colour) for i, stick in enumerate(STICKS, 1)},
        "ends": {str(i): [stick.start, stick.end] for i, stick in enumerate(STICKS, 1)},
    }


_Mix = dict[str, float]
_MIXES: dict[str, tuple[_Mix, ...]] = {
    "pelvis": ({"l_hip": 0.5, "r_hip": 0.5},),
    "thorax": (
        {"l_shoulder": 0.37, "r_shoulder": 0.37, "upper_neck": 0.26},
        {"l_shoulder": 0.27, "r_shoulder": 0.27, "neck_base": 0.46},
        {"l_shoulder": 0.5, "r_shoulder": 0.5},
    ),
    "upper_neck": (
        {"skull_base": 0.6, "neck_base": 0.4},
        {"head_h36m": 0.46, "thorax": 0.54},
        {"l_ear": 0.34, "r_ear": 0.34, "l_shoulder": 0.16, "r_shoulder": 0.16},
        {"head_centre": 0.6, "l_shoulder": 0.2, "r_shoulder": 0.2},
    ),
    "head_top": (
        {"skull_base": 2.37, "neck_base": -1.37},
        {"head_h36m": 1.34, "thorax": -0.34},
        {"l_ear": 0.81, "r_ear": 0.81, "l_shoulder": -0.31, "r_shoulder": -0.31},
        {"head_centre": 1.43, "l_shoulder": -0.215, "r_shoulder": -0.215},
    ),
}
"""What stands in for a point whose own joint a skeleton lacks: weights of landmarks, the first that it has
all of. Fitted by least squares to open bodies in 48,000 frames of motion; on unseen subjects the mean error is
0 mm for the pelvis, 8 to 36 mm for the thorax, 0 to 15 mm for the neck and 12 to 38 mm for the top of the head."""

MOST_SOURCES = 4


@lru_cache(maxsize=32)
def stick_sources(skeleton: Skeleton) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Which joints each of the 16 points is made of.

    Returns:
        (16, 4) joint indices and (16, 4) weights; unused places repeat the first joint with weight 0.

    Raises:
        InputError: the skeleton has nothing to make a point of.
    """
    indices = np.zeros((len(POINTS), MOST_SOURCES), dtype=np.intp)
    weights = np.zeros((len(POINTS), MOST_SOURCES))
    own = correspondence(skeleton, MPII_16)
    for p, point in enumerate(POINTS):
        mix = {int(own[p]): 1.0} if own[p] >= 0 else _mix(skeleton, point)
        indices[p] = next(iter(mix))
        indices[p, : len(mix)], weights[p, : len(mix)] = list(mix), list(mix.values())
    indices.flags.writeable = weights.flags.writeable = False
    return indices, weights


def _mix(skeleton: Skeleton, point: str) -> dict[int, float]:
    bases = [landmark.partition("@")[0] for landmark in skeleton.landmarks]
    for mix in _MIXES.get(point, ()):
        if all(landmark in bases for landmark in mix):
            return {bases.index(landmark): weight for landmark, weight in mix.items()}
    raise InputError(f"sticks: skeleton {skeleton.name}", f"joints that tell the {point}", "none")


def stick_points(joints: NDArray[np.floating[Any]], skeleton: Skeleton) -> NDArray[np.float64]:
    """The 16 points of people.

    Args:
        joints: (..., J, D) of ``skeleton``, in 3D wherever the points are to be projected.

    Returns:
        (..., 16, D) in the order of :data:`POINTS`; NaN where a joint that a point is made of is missing.
    """
    if joints.ndim < 2 or joints.shape[-2] != len(skeleton):
        raise InputError("sticks", f"joints of shape (..., {len(skeleton)}, D)", joints.shape)
    indices, weights = stick_sources(skeleton)
    values = np.where(np.isfinite(joints), joints, np.nan).astype(np.float64)
    result = weights[:, :1] * values[..., indices[:, 0], :]
    for k in range(1, MOST_SOURCES):
        result += weights[:, k : k + 1] * values[..., indices[:, k], :]
    return np.asarray(result)
