"""Acclaim skeletons (.asf) and motions (.amc), as the CMU and HDM05 databases publish them.

A bone of an ASF file becomes the joint at its START, under the bone's name: ``lfemur`` is the left hip,
``ltibia`` the knee, ``lfoot`` the ankle. A bone without children also gets an end joint, ``head_end``.
So every joint has the rotation of the segment that leaves it, as in BVH.

Lengths are ``value * 0.0254 / L`` metres, L being the file's ``length`` unit (0.45 in both databases).
With C from the bone's ``axis`` and M from its channels a bone turns by ``C M C^-1`` relative to its
parent; an Euler order XYZ means ``Rz Ry Rx``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.synth.mocap.kinematics import AXES, LocalRotation, euler_matrix, forward
from posecorpus.synth.mocap.numbers import lines_of, normalise_newlines, parse_numbers, show
from posecorpus.synth.mocap.units import INCH_M, REACH_LIMITS_M, UNITS_M, Reading, check_fps, reach
from posecorpus.synth.motion import SourceClip

DEFAULT_FPS = 120.0
MAX_BONES = 1000
MAX_ASF_BYTES = 4 << 20
_TURNS, _MOVES = ("RX", "RY", "RZ"), ("TX", "TY", "TZ")
_NAME = re.compile(rb"^[ \t]*[A-Za-z_]\S*", re.MULTILINE)


@dataclass
class Bone:
    """One entry of an ASF file; the root is the bone ``root`` of length 0.

    Attributes:
        name: as spelled in the file.
        vector: (3,) from its start to its end in the zero pose, file units.
        frame: (3, 3) the axes about which it turns.
        channels: what its AMC line holds, e.g. ``("RX", "RZ")``.
        parent: name of the parent bone; None for the root.
    """

    name: str
    vector: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    frame: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    channels: tuple[str, ...] = ()
    parent: str | None = None


@dataclass(frozen=True)
class Skeleton:
    """A parsed ASF file: bones, parents before children, root first.

    Attributes:
        where: the file.
        unit_m: metres in a unit of its lengths.
        angle_unit: radians in a unit of its own angles.
        position: (3,) of the root in the zero pose, file units.
    """

    where: str
    bones: tuple[Bone, ...]
    unit_m: float
    position: NDArray[np.float64]


@dataclass(frozen=True)
class Motion:
    """A parsed AMC file.

    Attributes:
        where: the file.
        widths: number of channels of each bone, in the file's order.
        values: (T, sum of widths) as written.
        radians: whether angles are in radians.
        first_line: line of the first frame's first bone, for messages.
    """

    where: str
    widths: dict[str, int]
    values: NDArray[np.float64]
    radians: bool
    first_line: int


def parse_asf(data: bytes, where: str) -> Skeleton:
    """Parse an ASF skeleton.

    Raises:
        InputError: it is no ASF file, or its hierarchy is no tree; names the line.
    """
    return _AsfParser(data, where).parse()


class _AsfParser:
    """Walks the lines of an ASF file, section by section."""

    def __init__(self, data: bytes, where: str) -> None:
        if len(data) > MAX_ASF_BYTES:
            raise InputError(where, f"an ASF file of at most {MAX_ASF_BYTES >> 20} MiB", f"{len(data)} bytes")
        self.where = where
        self.bones: dict[str, Bone] = {"root": Bone("root")}
        self.length, self.radians = 1.0, False
        self.position = np.zeros(3)
        self.lines: list[tuple[int, list[str]]] = []
        for number, line in enumerate(normalise_newlines(data).decode("latin-1").split("\n"), 1):
            words = line.split("#", 1)[0].replace("(", " ").replace(")", " ").split()
            if words:
                self.lines.append((number, words))

    def parse(self) -> Skeleton:
        section = ""
        bone: dict[str, tuple[int, list[str]]] = {}
        for number, words in self.lines:
            key = words[0].lower()
            if key.startswith(":"):
                section = key[1:]
                bone = {}
            elif section == "units":
                self._unit(number, words)
            elif section == "root":
                bone[key] = (number, words[1:])
                self._root(bone)
            elif section == "bonedata" and key == "begin":
                bone = {}
            elif section == "bonedata" and key == "end":
                self._bone(number, bone)
            elif section == "bonedata":
                bone[key] = (number, words[1:])
            elif section == "hierarchy" and key not in ("begin", "end"):
                self._children(number, words)
        return Skeleton(self.where, self._ordered(), INCH_M / self.length, self.position)

    def _error(self, line: int, expected: str, got: object) -> InputError:
        return InputError(f"{self.where}:{line}", expected, got)

    def _floats(self, line: int, words: list[str], count: int) -> NDArray[np.float64]:
        try:
            values = np.array([float(word) for word in words[:count]])
        except ValueError:
            values = np.full(count, np.nan)
        if len(values) != count or not np.isfinite(values).all():
            raise self._error(line, f"{count} finite numbers", repr(" ".join(words))[:60])
        return values

    def _unit(self, line: int, words: list[str]) -> None:
        if words[0].lower() == "length":
            self.length = float(self._floats(line, words[1:], 1)[0])
            if not 1e-6 < self.length < 1e6:
                raise self._error(line, "a length unit above 0", self.length)
        elif words[0].lower() == "angle":
            self.radians = words[1:] != [] and words[1].lower().startswith("rad")

    def _axes(self, angles: tuple[int, list[str]], order: str) -> NDArray[np.float64]:
        line, words = angles
        if sorted(order.upper()) != ["X", "Y", "Z"]:
            raise self._error(line, "an axis order such as XYZ", repr(order))
        values = self._floats(line, words, 3)
        return euler_matrix(order, list(np.degrees(values) if self.radians else values))

    def _root(self, entries: dict[str, tuple[int, list[str]]]) -> None:
        root = self.bones["root"]
        if "order" in entries:
            root.channels = self._channels(*entries["order"], _MOVES + _TURNS)
        if "position" in entries:
            self.position = self._floats(*entries["position"], 3)
        if "orientation" in entries:
            order = entries.get("axis", (0, ["XYZ"]))[1][:1] or ["XYZ"]
            root.frame = self._axes(entries["orientation"], order[0])

    def _channels(self, line: int, words: list[str], allowed: tuple[str, ...]) -> tuple[str, ...]:
        channels = tuple(word.upper() for word in words)
        if len(set(channels)) != len(channels) or not set(channels) <= set(allowed):
            raise self._error(line, f"channels out of {' '.join(allowed)}", repr(" ".join(words)))
        return channels

    def _bone(self, line: int, entries: dict[str, tuple[int, list[str]]]) -> None:
        for key in ("name", "direction", "length", "axis"):
            if key not in entries or not entries[key][1]:
                raise self._error(line, f"a {key} in every bone", "none")
        name = entries["name"][1][0]
        if name in self.bones:
            raise self._error(entries["name"][0], "bones of different names", f"{name!r} twice")
        if len(self.bones) > MAX_BONES:
            raise self._error(line, f"at most {MAX_BONES} bones", "more")
        direction = self._floats(*entries["direction"], 3)
        length = float(self._floats(*entries["length"], 1)[0])
        norm = float(np.linalg.norm(direction))
        if length < 0 or (norm == 0 and length > 0):
            raise self._error(
                line, "a direction and a length of at least 0", f"{direction.tolist()}, {length}"
            )
        axis = entries["axis"]
        self.bones[name] = Bone(
            name,
            direction * (length / norm if norm else 0.0),
            self._axes(axis, axis[1][3] if len(axis[1]) > 3 else "XYZ"),
            self._channels(*entries["dof"], _TURNS) if "dof" in entries else (),
        )

    def _children(self, line: int, words: list[str]) -> None:
        for name in words:
            if name not in self.bones:
                raise self._error(line, "bones that bonedata describes", repr(name))
        for name in words[1:]:
            if name == "root" or self.bones[name].parent is not None:
                raise self._error(line, "one parent for every bone", f"another for {name!r}")
            self.bones[name].parent = words[0]

    def _ordered(self) -> tuple[Bone, ...]:
        children: dict[str, list[Bone]] = {}
        for bone in self.bones.values():
            if bone.parent is not None:
                children.setdefault(bone.parent, []).append(bone)
        ordered, stack = [], [self.bones["root"]]
        while stack:
            bone = stack.pop()
            ordered.append(bone)
            stack.extend(reversed(children.get(bone.name, [])))
        if len(ordered) < 2:
            raise InputError(self.where, "an ASF skeleton with bones and a hierarchy", "none")
        if len(ordered) < len(self.bones):
            seen = {bone.name for bone in ordered}
            lost = next(name for name in self.bones if name not in seen)
            raise InputError(
                self.where, "a hierarchy without cycles that starts at root", f"{lost!r} off the tree"
            )
        return tuple(ordered)


def parse_amc(data: bytes, where: str) -> Motion:
    """Parse an AMC motion; every frame must be laid out as the first.

    Raises:
        InputError: it is cut short, or a line does not hold what it must; names the line.
    """
    text = normalise_newlines(data)
    head = re.search(rb"^[ \t]*[0-9]+[ \t]*$", text, re.MULTILINE)
    if head is None:
        raise InputError(where, "an AMC file with numbered frames", "none")
    header = text[: head.start()]
    body = text[head.start() :]
    if re.search(rb"^[ \t]*#", body, re.MULTILINE):
        body = re.sub(rb"^[ \t]*#.*$", b"", body, flags=re.MULTILINE)
    first = header.count(b"\n") + 1
    names = [name.strip() for name in _NAME.findall(body)]
    bare = _NAME.sub(b"~", body)
    lines = lines_of(bare, first)
    named = np.zeros(len(lines.words), dtype=bool)
    marks = lines_of(bare.replace(b"~", b""), first)
    # A named line has one word (the mark) more than it has numbers.
    numbers = np.zeros(len(lines.words), dtype=np.intp)
    numbers[np.searchsorted(lines.numbers, marks.numbers)] = marks.words
    named = lines.words > numbers
    starts = np.flatnonzero(~named)
    period = int(starts[1]) if len(starts) > 1 else len(lines.words)
    _check_layout(names, named, numbers, lines.numbers, period, where)
    values = parse_numbers(bare.replace(b"~", b""), marks, where)
    table = values.reshape(len(starts), -1)
    steps = np.diff(table[:, 0]) != 1
    if steps.any():
        i = int(np.flatnonzero(steps)[0])
        line = lines.numbers[(i + 1) * period]
        raise InputError(f"{where}:{line}", f"frame {table[i, 0] + 1:.0f}", f"frame {table[i + 1, 0]:g}")
    widths = {show(name): int(n) for name, n in zip(names, numbers[1:period], strict=False)}
    if len(widths) != period - 1:
        raise InputError(f"{where}:{first}", "every bone once in a frame", "a bone twice")
    return Motion(where, widths, table[:, 1:], b":RADIANS" in header.upper(), int(lines.numbers[0]) + 1)


def _check_layout(
    names: list[bytes],
    named: NDArray[np.bool_],
    numbers: NDArray[np.intp],
    line_numbers: NDArray[np.intp],
    period: int,
    where: str,
) -> None:
    """Raise unless all frames have the lines of the first frame."""
    count = len(named)
    if period < 2:
        raise InputError(f"{where}:{line_numbers[0]}", "bones after the frame's number", "none")
    pattern = np.resize(numbers[:period], count)
    wrong = numbers != pattern
    wrong |= named != np.resize(named[:period], count)
    per_frame = names[: period - 1]
    order = np.flatnonzero(named)
    if names != (per_frame * (len(names) // len(per_frame) + 1))[: len(names)]:
        k = next(k for k, name in enumerate(names) if name != per_frame[k % len(per_frame)])
        wrong[order[k]] = True
    if wrong.any():
        i = int(np.flatnonzero(wrong)[0])
        bone = show(per_frame[i % period - 1]) if i % period else "the frame's number"
        last = i == count - 1
        raise InputError(
            f"{where}:{line_numbers[i]}",
            f"{bone} with {pattern[i]} number{'s' * int(pattern[i] != 1)}",
            "the end of the file"
            if last and numbers[i] < pattern[i]
            else _describe(names, named, numbers, i),
            "cut short?" if last else "",
        )
    if count % period:
        raise InputError(
            f"{where}:{line_numbers[-1]}",
            f"{period - 1} bones in the last frame",
            f"{count % period - 1}",
            "cut short?",
        )


def _describe(names: list[bytes], named: NDArray[np.bool_], numbers: NDArray[np.intp], i: int) -> str:
    label = show(names[int(named[:i].sum())]) if named[i] else "a line of its own"
    return f"{label} with {numbers[i]}"


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
    if not REACH_LIMITS_M[0] <= size <= REACH_LIMITS_M[1]:
        raise InputError(skeleton.where, "a skeleton of a person's size", f"{size:.3g} m", "state its units")
    local: list[LocalRotation | None] = []
    for bone in skeleton.bones:
        values = channels[bone.name]
        turns = tuple((AXES[c[1]], values[c]) for c in reversed(bone.channels) if c in _TURNS)
        local.append(LocalRotation(turns, bone.frame))
    local += [None] * (len(joints) - len(local))
    root = skeleton.position + np.stack(
        [channels["root"].get(c, np.zeros(len(motion.values))) for c in _MOVES], 1
    )
    positions, rotations = forward(parents, [root * unit_m, *offsets[1:]], local)
    rest = offsets.copy()
    for j, parent in enumerate(parents):
        if parent >= 0:
            rest[j] += rest[parent]
    fps = check_fps("fps", reading.fps or DEFAULT_FPS)
    return SourceClip(
        name, motion.where, subject, fps, joints, parents, rest, positions, rotations, "asf_amc"
    )


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
            turns = channel in _TURNS and not motion.radians
            result[name][channel] = np.radians(values) if turns else values
            column += 1
    for name, bone in bones.items():
        for channel in bone.channels:
            result[name].setdefault(channel, zero)
    return result
