"""Biovision hierarchies (.bvh): any rig, any channel order, positions on any joint.

Channels turn a joint in the order in which they are written: ``Zrotation Xrotation Yrotation`` is
``Rz Rx Ry``. Position channels of a joint below the root replace its OFFSET. Those of the root either
replace it or add to it, depending on who wrote the file; whichever leaves the feet nearer to y = 0 is taken.
An End Site becomes a joint ``<parent>_end`` unless it has no length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.synth.mocap.bvh_text import POSITIONS, ROTATIONS, Bvh
from posecorpus.synth.mocap.kinematics import AXES, LocalRotation, forward, rest_positions
from posecorpus.synth.mocap.units import UNITS_M, Reading, detect_units, fps_of_frame_time, reach
from posecorpus.synth.motion import SourceClip

STRETCH_M = 1e-3
"""How far a joint's own position channels may wander before its bone no longer counts as rigid."""
STRETCH_LIMIT_M = 0.1
"""A bone that changes its length by more is an error."""
JUMP_M = 0.1
"""No joint moves this far about the root from one frame to the next of a clip's first second."""
FILTERED_FRAMES = 8

DIALECTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("cmu_max", ("LHipJoint", "LeftHip", "LeftKnee")),
    ("cmu_motionbuilder", ("LHipJoint", "LeftUpLeg", "LeftLeg")),
    ("daz_fingers", ("hip", "abdomen", "lbuttock", "lknee")),
    ("daz", ("hip", "lThigh", "lShin")),
    ("iclone", ("CC_Base_Hip", "CC_Base_L_Thigh")),
    ("acclaim", ("lfemur", "ltibia")),
    ("bandai_namco", ("Hips", "UpperLeg_L", "LowerLeg_L")),
    ("motionbuilder", ("Hips", "LeftUpLeg", "LeftLeg")),
)
"""Which joints tell a naming convention; the first that matches."""


def dialect(joints: tuple[str, ...]) -> str:
    """The naming convention of a hierarchy, ``bvh`` if it is none of :data:`DIALECTS`."""
    present = set(joints)
    return next((name for name, needed in DIALECTS if present.issuperset(needed)), "bvh")


def read_bvh(bvh: Bvh, name: str, subject: str, reading: Reading) -> SourceClip:
    """A parsed file as a clip in metres.

    A root that only carries a moving joint (``joint_Root``) is left out, and position channels of other
    joints are held at their median, so that every bone of the clip is rigid.

    Args:
        bvh: as parsed.
        name, subject: of the clip.
        reading: units and frame rate where they are stated; otherwise the units are told by the
            skeleton's size and the rate by the file.

    Raises:
        InputError: the units cannot be told, the frame time is absurd or a bone changes its length.
    """
    fps = reading.fps or fps_of_frame_time(f"{bvh.where}:{bvh.frame_time_line}", bvh.frame_time)
    rig = _rig(bvh)
    size = reach(rig.parents, np.linalg.norm(_still(rig.offsets), axis=1))
    unit_m = UNITS_M[reading.units or detect_units(bvh.where, size)]
    offsets = [offset * unit_m for offset in rig.offsets]
    top = _top(bvh.where, rig, offsets)
    still = _still(offsets)
    held = [offset if j <= top else still[j] for j, offset in enumerate(offsets)]
    positions, rotations = forward(rig.parents, held, rig.local)
    _place_root(bvh, positions, unit_m)
    still[top] = rig.written[top] * unit_m
    parents = tuple(max(parent - top, -1) for parent in rig.parents[top:])
    start = lead_in(positions[:, top:])
    return SourceClip(
        name, bvh.where, subject, fps, rig.names[top:], parents, rest_positions(parents, still[top:]),
        positions[start:, top:], rotations[start:, top:], dialect(rig.names),
    )  # fmt: skip


@dataclass(frozen=True)
class _Rig:
    """The joints worth keeping: all but End Sites without a length.

    Attributes:
        names, parents: of each joint.
        written: (J, 3) OFFSETs as written.
        offsets: each (3,) or, with position channels and for the root, (T, 3); file units.
        local: how each turns.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    written: NDArray[np.float64]
    offsets: list[NDArray[np.float64]]
    local: list[LocalRotation]


def _rig(bvh: Bvh) -> _Rig:
    keep = [j for j, node in enumerate(bvh.nodes) if not node.end or node.offset.any()]
    index = {old: new for new, old in enumerate(keep)}
    return _Rig(
        tuple(bvh.nodes[j].name for j in keep),
        tuple(index.get(bvh.nodes[j].parent, -1) for j in keep),
        np.array([bvh.nodes[j].offset for j in keep]),
        [_offset(bvh, j) for j in keep],
        [_local(bvh, j) for j in keep],
    )


def _offset(bvh: Bvh, j: int) -> NDArray[np.float64]:
    columns = [bvh.column(j, channel) for channel in POSITIONS]
    written = bvh.nodes[j].offset
    if j > 0 and all(column is None for column in columns):
        return written
    still = written if j else np.zeros(3)
    full = [np.full(len(bvh.values), x) if c is None else c for c, x in zip(columns, still, strict=True)]
    return np.stack(full, axis=1)


def _local(bvh: Bvh, j: int) -> LocalRotation:
    turns = []
    for channel in bvh.nodes[j].channels:
        angle = bvh.column(j, channel)
        if channel in ROTATIONS and angle is not None:
            turns.append((AXES[channel[0]], np.radians(angle)))
    return LocalRotation(tuple(turns))


def _still(offsets: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.array([np.median(offset, axis=0) if offset.ndim > 1 else offset for offset in offsets])


def _top(where: str, rig: _Rig, offsets: list[NDArray[np.float64]]) -> int:
    """The joint that carries the body: the last that wanders in an unbranched chain from the root."""
    top, chain = 0, True
    for j in range(1, len(offsets)):
        chain = chain and rig.parents[j] == j - 1 and rig.parents.count(j - 1) == 1
        stretch = float(np.ptp(offsets[j], axis=0).max()) if offsets[j].ndim > 1 else 0.0
        if chain and stretch > STRETCH_M:
            top = j
        elif stretch > STRETCH_LIMIT_M:
            raise InputError(
                where, f"{rig.names[j]} at a constant distance from its parent", f"{stretch:.2f} m of change"
            )
    return top


def _place_root(bvh: Bvh, positions: NDArray[np.float32], unit_m: float) -> None:
    """Add the root's OFFSET to the clip if that brings the feet nearer to the floor."""
    offset = (bvh.nodes[0].offset * unit_m).astype(np.float32)
    if not offset.any():
        return
    floor = float(np.median(positions[..., 1].min(axis=1)))
    if bvh.column(0, "YPOSITION") is None or abs(floor + float(offset[1])) < abs(floor):
        positions += offset


def lead_in(positions: NDArray[np.float32]) -> int:
    """How many frames at the start are no motion but a T-pose put in front of it.

    Converters add one so that programs can see the rig. It is told by its looks (as wide as it is tall,
    and flat) and by the jump that follows. Some filter the result, which smears the jump over
    :data:`FILTERED_FRAMES`.

    Args:
        positions: (T, J, 3) joints, metres, Y up.
    """
    if len(positions) < 2 * FILTERED_FRAMES:
        return 0
    first = positions[0]
    ground = first[:, [0, 2]] - first[:, [0, 2]].mean(axis=0)
    _, axes = np.linalg.eigh(ground.T @ ground)
    depth, width = np.ptp(ground @ axes, axis=0) / max(float(np.ptp(first[:, 1])), 1e-6)
    if width < 0.8 or depth > 0.35:
        return 0
    about_root = positions[: 4 * FILTERED_FRAMES] - positions[: 4 * FILTERED_FRAMES, :1]
    steps = np.linalg.norm(np.diff(about_root, axis=0), axis=-1).max(axis=1)
    usual = float(np.median(steps[FILTERED_FRAMES:]))
    if steps[0] < max(JUMP_M, 4 * usual):
        return 0
    return 1 if steps[1] < max(JUMP_M, 2 * usual) else FILTERED_FRAMES
