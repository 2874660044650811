"""Biovision hierarchies (.bvh): any rig, any channel order, positions on any joint.

Channels turn a joint in the order in which they are written: ``Zrotation Xrotation Yrotation`` is
``Rz Rx Ry``. Position channels of a joint below the root replace its OFFSET. Those of the root either
replace it or add to it, depending on who wrote the file; whichever leaves the feet nearer to y = 0 is taken.
An End Site becomes a joint ``<parent>_end`` unless it has no length.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.synth.mocap.kinematics import AXES, LocalRotation, forward
from posecorpus.synth.mocap.numbers import lines_of, normalise_newlines, parse_numbers, show
from posecorpus.synth.mocap.units import UNITS_M, Reading, detect_units, fps_of_frame_time, reach
from posecorpus.synth.motion import SourceClip

MAX_JOINTS = 1000
MAX_HEADER_BYTES = 4 << 20
STRETCH_M = 1e-3
"""How far a joint's own position channels may wander before its bone no longer counts as rigid."""
STRETCH_LIMIT_M = 0.1
"""A bone that changes its length by more is an error."""
JUMP_M = 0.1
"""No joint moves this far about the root from one frame to the next of a clip's first second."""
FILTERED_FRAMES = 8
_POSITIONS, _ROTATIONS = ("XPOSITION", "YPOSITION", "ZPOSITION"), ("XROTATION", "YROTATION", "ZROTATION")


@dataclass
class Node:
    """One joint of a hierarchy: name, parent's index, (3,) offset, channels in upper case."""

    name: str
    parent: int
    end: bool = False
    offset: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bvh:
    """A parsed file: nodes (parents first), seconds a frame, (T, C) channel values as written."""

    where: str
    nodes: tuple[Node, ...]
    frame_time: float
    frame_time_line: int
    values: NDArray[np.float64]

    def column(self, node: int, channel: str) -> NDArray[np.float64] | None:
        """(T,) values of one channel of a node, or None if it has none of that name."""
        if channel not in self.nodes[node].channels:
            return None
        start = sum(len(n.channels) for n in self.nodes[:node])
        return self.values[:, start + self.nodes[node].channels.index(channel)]


def parse_bvh(data: bytes, where: str) -> Bvh:
    """Parse a BVH file.

    Raises:
        InputError: the hierarchy is no tree, or a frame is cut short or holds no numbers; names the line.
    """
    text = normalise_newlines(data)
    cut = text.find(b"MOTION")
    if not text.lstrip(b"\xef\xbb\xbf \t\n").startswith(b"HIERARCHY"):
        raise InputError(f"{where}:1", "a BVH file that starts with HIERARCHY", repr(show(text[:20])))
    if not 0 <= cut <= MAX_HEADER_BYTES:
        raise InputError(where, "a MOTION section after the hierarchy", "none")
    nodes = _HierarchyParser(text[:cut], where).parse()
    return _parse_motion(text[cut:], text.count(b"\n", 0, cut) + 1, nodes, where)


class _HierarchyParser:
    """Reads the nested braces with a stack of its own, so depth costs no recursion."""

    def __init__(self, text: bytes, where: str) -> None:
        self.where = where
        self.words = [
            (number, word)
            for number, line in enumerate(text.decode("latin-1").split("\n"), 1)
            for word in line.replace("{", " { ").replace("}", " } ").split()
        ]
        self.at = 1  # after HIERARCHY
        self.nodes: list[Node] = []

    def parse(self) -> tuple[Node, ...]:
        stack: list[int] = []
        while self.at < len(self.words):
            line, word = self._next("a joint")
            key = word.upper()
            if key in ("ROOT", "JOINT", "END"):
                if (key == "ROOT") != (not self.nodes) or (key != "ROOT" and not stack):
                    raise self._error(line, "one ROOT that holds everything", f"{word} outside or inside it")
                self._open(line, key, stack)
            elif key == "}" and stack:
                stack.pop()
            elif key == "OFFSET" and stack:
                self.nodes[stack[-1]].offset = np.array([self._number() for _ in range(3)])
            elif key == "CHANNELS" and stack and not self.nodes[stack[-1]].end:
                self.nodes[stack[-1]].channels = self._channels(line)
            else:
                raise self._error(line, "ROOT, JOINT, End Site, OFFSET, CHANNELS or }", repr(word[:40]))
        if stack or not self.nodes:
            raise InputError(self.where, "a hierarchy whose braces close", f"{len(stack)} left open")
        return tuple(self.nodes)

    def _open(self, line: int, key: str, stack: list[int]) -> None:
        name: list[str] = []
        while (word := self._next("{")[1]) != "{":
            name.append(word)
        if len(self.nodes) >= MAX_JOINTS:
            raise self._error(line, f"at most {MAX_JOINTS} joints", "more")
        parent = stack[-1] if stack else -1
        title = f"{self.nodes[parent].name}_end" if key == "END" else "_".join(name)
        if not title:
            raise self._error(line, "a name for every joint", "none")
        self.nodes.append(Node(title, parent, key == "END"))
        stack.append(len(self.nodes) - 1)

    def _next(self, expected: str) -> tuple[int, str]:
        if self.at >= len(self.words):
            raise InputError(self.where, expected, "the end of the hierarchy", "cut short?")
        self.at += 1
        return self.words[self.at - 1]

    def _number(self) -> float:
        line, word = self._next("a number")
        try:
            value = float(word)
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            raise self._error(line, "a finite number", repr(word[:40]))
        return value

    def _channels(self, line: int) -> tuple[str, ...]:
        count = self._number()
        if count not in range(7):
            raise self._error(line, "0 to 6 channels", f"{count:g}")
        channels = tuple(self._next("a channel")[1].upper() for _ in range(int(count)))
        known = set(_POSITIONS + _ROTATIONS)
        if not set(channels) <= known or len(set(channels)) < len(channels):
            raise self._error(line, "each of X, Y, Z position and rotation at most once", " ".join(channels))
        return channels

    def _error(self, line: int, expected: str, got: object) -> InputError:
        return InputError(f"{self.where}:{line}", expected, got)


def _parse_motion(text: bytes, line: int, nodes: tuple[Node, ...], where: str) -> Bvh:
    head = text.split(b"\n", 16)[:16]
    rows = [i for i, row in enumerate(head) if row.strip()][:3]
    if len(rows) < 3:
        raise InputError(where, "Frames, Frame Time and the frames after MOTION", "the end", "cut short?")
    frames = _header_value(head[rows[1]], b"FRAMES:", f"{where}:{line + rows[1]}")
    seconds = _header_value(head[rows[2]], b"FRAME TIME:", f"{where}:{line + rows[2]}")
    body = text.split(b"\n", rows[2] + 1)[rows[2] + 1] if text.count(b"\n") > rows[2] else b""
    lines = lines_of(body, line + rows[2] + 1)
    width = sum(len(node.channels) for node in nodes)
    wrong = np.flatnonzero(lines.words != width)
    if len(wrong):
        i = int(wrong[0])
        last = i == len(lines.words) - 1
        raise InputError(
            f"{where}:{lines.numbers[i]}", f"{width} numbers, one for each channel", int(lines.words[i]),
            "cut short?" if last and lines.words[i] < width else "",
        )  # fmt: skip
    if len(lines.words) != frames or not frames:
        raise InputError(
            f"{where}:{line + rows[1]}", f"as many frames as the file says, {frames:g}", len(lines.words),
            "cut short?" if len(lines.words) < frames else "",
        )  # fmt: skip
    values = parse_numbers(body, lines, where).reshape(len(lines.words), width)
    return Bvh(where, nodes, seconds, line + rows[2], values)


def _header_value(row: bytes, key: bytes, where: str) -> float:
    words = row.strip()
    if words.upper().startswith(key):
        try:
            return float(words[len(key) :])
        except ValueError:
            pass
    raise InputError(where, f"{key.decode().capitalize()} and a number", repr(show(row)))


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
    offsets = [_offset(bvh, j) for j in range(len(bvh.nodes))]
    keep = _worth_keeping(bvh)
    parents = _reindex([node.parent for node in bvh.nodes], keep)
    offsets = [offsets[j] for j in keep]
    still = np.array([np.median(offset, axis=0) if offset.ndim > 1 else offset for offset in offsets])
    size = reach(parents, np.linalg.norm(still, axis=1))
    unit_m = UNITS_M[reading.units or detect_units(bvh.where, size)]
    offsets = [offset * unit_m for offset in offsets]
    local = [_local(bvh, j) for j in keep]
    top = _top(bvh.where, [bvh.nodes[j].name for j in keep], parents, offsets)
    held = [o if j <= top else np.median(o, 0) if o.ndim > 1 else o for j, o in enumerate(offsets)]
    positions, rotations = forward(parents, held, local)
    _place_root(bvh, positions, unit_m)
    still = np.array([np.median(o, 0) if o.ndim > 1 else o for o in held])
    still[top] = bvh.nodes[keep[top]].offset * unit_m
    rest = still[top:].copy()
    parents = [max(parent - top, -1) for parent in parents[top:]]
    for j, parent in enumerate(parents):
        if parent >= 0:
            rest[j] += rest[parent]
    names = tuple(bvh.nodes[j].name for j in keep[top:])
    start = lead_in(positions)
    return SourceClip(
        name, bvh.where, subject, fps, names, tuple(parents), rest, positions[start:, top:],
        rotations[start:, top:], dialect(names),
    )  # fmt: skip


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
    jump = max(JUMP_M, 4 * float(np.median(steps[FILTERED_FRAMES:])))
    if steps[0] < jump:
        return 0
    return 1 if steps[1] < jump else FILTERED_FRAMES


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


def _worth_keeping(bvh: Bvh) -> list[int]:
    return [j for j, node in enumerate(bvh.nodes) if not node.end or node.offset.any()]


def _reindex(parents: list[int], keep: list[int]) -> list[int]:
    index = {old: new for new, old in enumerate(keep)}
    return [index.get(parents[j], -1) for j in keep]


def _offset(bvh: Bvh, j: int) -> NDArray[np.float64]:
    """(3,) or (T, 3) local position of a node in file units; always (T, 3) for the root."""
    columns = [bvh.column(j, channel) for channel in _POSITIONS]
    if j == 0 or any(column is not None for column in columns):
        still = np.zeros(3) if j == 0 else bvh.nodes[j].offset
        full = [np.full(len(bvh.values), x) if c is None else c for c, x in zip(columns, still, strict=True)]
        return np.stack(full, 1)
    return bvh.nodes[j].offset


def _local(bvh: Bvh, j: int) -> LocalRotation:
    turns = []
    for channel in bvh.nodes[j].channels:
        angle = bvh.column(j, channel)
        if channel in _ROTATIONS and angle is not None:
            turns.append((AXES[channel[0]], np.radians(angle)))
    return LocalRotation(tuple(turns))


def _top(where: str, names: list[str], parents: list[int], offsets: list[NDArray[np.float64]]) -> int:
    """The joint that carries the body: the last that wanders in an unbranched chain from the root."""
    top, only_child = 0, True
    for j in range(1, len(parents)):
        only_child = only_child and parents[j] == j - 1 and parents.count(j - 1) == 1
        if offsets[j].ndim == 1:
            continue
        stretch = float(np.ptp(offsets[j], axis=0).max())
        if only_child and stretch > STRETCH_M:
            top = j
        elif stretch > STRETCH_LIMIT_M:
            raise InputError(
                where, f"bones of constant length, {names[j]} among them", f"{stretch:.2f} m of change"
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
