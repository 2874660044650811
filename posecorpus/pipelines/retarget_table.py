"""How faithfully clips come out of retargeting, as one table.

Everything is measured on the result, by forward kinematics of its own, against the joint positions and rotations
of the source: nothing is taken from the retargeting but which joint plays which part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.bodies.model import BodyModel, load_body
from posecorpus.synth.mocap.sources import read_clip, scan
from posecorpus.synth.motion import BodyMotion, SourceClip
from posecorpus.synth.retarget import retarget
from posecorpus.synth.retarget.roles import Roles, find_roles

Array = NDArray[np.float64]
RATE = 30.0
BONES = {
    "upper arm": ("shoulder", "elbow"),
    "forearm": ("elbow", "wrist"),
    "thigh": ("hip", "knee"),
    "shin": ("knee", "ankle"),
}
HINGES = {"elbow": ("shoulder", "elbow", "wrist"), "knee": ("hip", "knee", "ankle")}
BENT_DEG = 15.0
FOLDED_DEG = 140.0
"""Of a limb folded farther the bones are all but opposite, and a slight sideways tilt decides the sign."""
JUMP_DEG = 40.0
TURNED_COSINE = -0.5
"""Deep squats and flips turn a knee's axis out by more than a right angle, a wrong rig by two."""
NEAR_FLOOR_M = 0.02
FLOOR_LIMIT_M = 0.05


@dataclass
class Quality:
    """What was measured on one or more clips; sums of several clips are made with :meth:`add`.

    Attributes:
        clips, frames: how many, frames at 30 a second.
        bones: angle in degrees of each kind of bone, every frame of both sides.
        bent, bent_wrong: hinge frames bent by more than 15 degrees, and those bent the wrong way.
        jumps: turns of more than 40 degrees about a limb bone from frame to frame that the source lacks.
        floor: height in metres of the sole in frames in which the source's foot is on its floor.
        turned: frames, of either leg, whose knee points to the back of the pelvis.
    """

    clips: int = 0
    frames: int = 0
    bones: dict[str, list[Array]] = field(default_factory=lambda: {bone: [] for bone in BONES})
    bent: int = 0
    bent_wrong: int = 0
    jumps: int = 0
    floor: list[Array] = field(default_factory=list)
    turned: int = 0

    def add(self, other: Quality) -> None:
        """Take another measurement in."""
        for name in ("clips", "frames", "bent", "bent_wrong", "jumps", "turned"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for bone, angles in other.bones.items():
            self.bones[bone] += angles
        self.floor += other.floor

    def angles(self, bone: str) -> Array:
        """All angles of a kind of bone, degrees."""
        return np.concatenate(self.bones[bone]) if self.bones[bone] else np.zeros(0)

    def heights(self) -> Array:
        """All floor errors, metres."""
        return np.concatenate(self.floor) if self.floor else np.zeros(0)


def measure_clip(clip: SourceClip, motion: BodyMotion, body: BodyModel) -> Quality:
    """Compare a clip with the motion that came out of it, frame by frame at 30 a second."""
    step = max(1, round(clip.fps / RATE))
    roles = find_roles(clip)
    places = clip.positions[::step].astype(np.float64)
    source_turns = clip.rotations[::step].astype(np.float64)
    turns, joints, local = _pose(motion, body, step)
    result = Quality(clips=1, frames=len(places))
    for side in ("l", "r"):
        for bone, (start, end) in BONES.items():
            a, b = f"{side}_{start}", f"{side}_{end}"
            there = _unit(places[:, roles.limbs[b]] - places[:, roles.limbs[a]])
            here = _unit(joints[:, SMPL_24.index(b)] - joints[:, SMPL_24.index(a)])
            result.bones[bone].append(_angle(there, here))
            result.jumps += _jumps(source_turns, turns, roles, there, here, a, b)
        for hinge in HINGES:
            bent, wrong = _bending(body, local, hinge, side)
            result.bent, result.bent_wrong = result.bent + bent, result.bent_wrong + wrong
        result.turned += _turned(turns, side)
        result.floor.append(_floor_error(clip, roles, places, turns, joints, body, side))
    return result


def _pose(motion: BodyMotion, body: BodyModel, step: int) -> tuple[Array, Array, Array]:
    """World rotations, joint positions and local rotations of every ``step``-th frame."""
    poses = motion.poses[::step].astype(np.float64)
    local = Rotation.from_rotvec(poses.reshape(-1, 3)).as_matrix().reshape(*poses.shape, 3)
    rest = body.joints_template
    turns, joints = np.empty_like(local), np.empty_like(poses)
    for j, parent in enumerate(body.parents):
        if parent < 0:
            turns[:, j], joints[:, j] = local[:, j], motion.translations[::step]
        else:
            turns[:, j] = turns[:, parent] @ local[:, j]
            joints[:, j] = joints[:, parent] + turns[:, parent] @ (rest[j] - rest[parent])
    return turns, joints, local


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def _angle(a: Array, b: Array) -> Array:
    """Degrees between unit vectors, exact for small angles too."""
    return np.asarray(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1))))


def _turning(turns: Array, along: Array) -> Array:
    """(T - 1,) degrees by which a segment turns about its bone ``along`` (T, 3) from frame to frame."""
    across = np.cross(along[:-1], _helper(along[:-1]))
    across = _unit(across)
    moved = np.einsum("tij,tkj,tk->ti", turns[1:], turns[:-1], across)
    # Carry the mark over by the swing alone and compare.
    swing_axis, cosine = np.cross(along[:-1], along[1:]), np.sum(along[:-1] * along[1:], -1, keepdims=True)
    carried = (
        across
        + np.cross(swing_axis, across)
        + np.cross(swing_axis, np.cross(swing_axis, across)) / np.maximum(1 + cosine, 1e-6)
    )
    return np.asarray(
        np.degrees(np.arctan2(np.sum(np.cross(carried, moved) * along[1:], -1), np.sum(carried * moved, -1)))
    )


def _helper(vectors: Array) -> Array:
    """A unit axis far from each vector."""
    return np.asarray(np.eye(3)[np.argmin(np.abs(vectors), axis=-1)])


def _jumps(source: Array, turns: Array, roles: Roles, there: Array, here: Array, start: str, end: str) -> int:
    if len(turns) < 2:
        return 0
    body = np.abs(_turning(turns[:, SMPL_24.index(start)], here))
    # The forearm may follow the rig's wrist, which some rigs turn instead of the elbow.
    carriers = {roles.limbs[start], roles.limbs[end]} if start.endswith("elbow") else {roles.limbs[start]}
    rig = np.max([np.abs(_turning(source[:, j], there)) for j in carriers], axis=0)
    return int(((body > JUMP_DEG) & (body > rig + 10.0)).sum())


def _bending(body: BodyModel, local: Array, hinge: str, side: str) -> tuple[int, int]:
    """Frames in which a hinge is bent, and in which it is bent the wrong way, in the body's own frame."""
    start, middle, end = (SMPL_24.index(f"{side}_{name}") for name in HINGES[hinge])
    rest = body.joints_template
    upper, lower = _unit(rest[middle] - rest[start]), _unit(rest[end] - rest[middle])
    now = local[:, middle] @ lower
    angle = _angle(np.broadcast_to(upper, now.shape), now)
    bent = angle > BENT_DEG
    axis = np.array([1.0, 0.0, 0.0])
    if hinge == "elbow":
        axis = np.array([0.0, -1.0 if side == "l" else 1.0, 0.0])
    wrong = (np.cross(np.broadcast_to(upper, now.shape), now) @ axis < 0) & (angle < FOLDED_DEG)
    return int(bent.sum()), int((bent & wrong).sum())


def _turned(turns: Array, side: str) -> int:
    """Frames in which a knee's axis points against the pelvis's: a rig whose left is taken for its right."""
    pelvis, shin = turns[:, 0, :, 0], turns[:, SMPL_24.index(f"{side}_knee"), :, 0]
    return int((np.sum(pelvis * shin, axis=-1) < TURNED_COSINE).sum())


def _floor_error(
    clip: SourceClip, roles: Roles, places: Array, turns: Array, joints: Array, body: BodyModel, side: str
) -> Array:
    """Height of the lowest vertex of a foot in frames in which one of the source foot's joints is as low as on its floor."""
    near = np.zeros(len(places), dtype=bool)
    for role in ("ankle", "toes"):
        if f"{side}_{role}" in roles.limbs:
            both = [roles.limbs[f"{s}_{role}"] for s in "lr" if f"{s}_{role}" in roles.limbs]
            floor = min(np.percentile(clip.positions[:, j, 1], 2.0) for j in both)
            height = places[:, roles.limbs[f"{side}_{role}"], 1] - floor
            near |= np.abs(height) < NEAR_FLOOR_M
    lowest = np.full(len(places), np.inf)
    for name in ("ankle", "foot"):
        j = SMPL_24.index(f"{side}_{name}")
        mine = (body.weight_joints[:, 0] == j) & (body.v_template[:, 1] < body.v_template[:, 1].min() + 0.03)
        vertices = body.v_template[mine].astype(np.float64) - body.joints_template[j]
        height = joints[:, j, 1, None] + turns[:, j, 1] @ vertices.T
        lowest = np.minimum(lowest, height.min(axis=1))
    return lowest[near]


@dataclass(frozen=True)
class Table:
    """Quality by group (in the order of their first clip), ``all`` last, and what could not be used."""

    groups: dict[str, Quality]
    problems: tuple[str, ...]

    def __str__(self) -> str:
        head = ["source", "clips", "frames", *(f"{bone} mean/p99" for bone in BONES)]
        head += ["bent wrong", "twist jumps", "turned", "floor p95/max cm", "> 5 cm"]
        rows = [head] + [self._row(name, quality) for name, quality in self.groups.items()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
        lines = [
            "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
        lines.insert(1, "  ".join("-" * w for w in widths))
        return "\n".join(lines + [f"not used: {problem}" for problem in self.problems])

    @staticmethod
    def _row(name: str, quality: Quality) -> list[str]:
        cells = [name, str(quality.clips), str(quality.frames)]
        for bone in BONES:
            angles = quality.angles(bone)
            cells.append(f"{angles.mean():.2f}/{np.percentile(angles, 99):.2f}" if len(angles) else "-")
        heights = np.abs(quality.heights())
        floor, far = "-", "-"
        if len(heights):
            floor = f"{100 * np.percentile(heights, 95):.1f}/{100 * heights.max():.1f}"
            far = f"{100 * np.mean(heights > FLOOR_LIMIT_M):.2f} %"
        wrong = f"{quality.bent_wrong}/{quality.bent}"
        return [*cells, wrong, str(quality.jumps), str(quality.turned), floor, far]


def retarget_table(paths: Sequence[Path], progress: Callable[[int, int], None] | None = None) -> Table:
    """Retarget every clip to the reference body and measure it.

    Args:
        paths: files, folders and zips of motion capture.
        progress: told (done, total) after every clip.

    Returns:
        One row for each archive or folder and dialect, and one for all.

    Raises:
        InputError: there is no clip to measure.
    """
    body = load_body("open", "neutral")
    refs, broken = scan(paths)
    problems = [str(problem) for problem in broken]
    groups: dict[str, Quality] = {}
    total = Quality()
    for done, ref in enumerate(refs, 1):
        clip = read_clip(ref)
        if isinstance(clip, SourceClip):
            try:
                quality = measure_clip(clip, retarget(clip, body), body)
            except InputError as error:
                problems.append(str(error))
                continue
            groups.setdefault(f"{ref.item.path.stem} {clip.dialect}", Quality()).add(quality)
            total.add(quality)
        if progress is not None:
            progress(done, len(refs))
    if not total.clips:
        raise InputError(", ".join(map(str, paths)), "captured clips to retarget", "none")
    return Table({**groups, "all": total}, tuple(problems))
