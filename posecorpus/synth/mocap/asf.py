"""Acclaim skeletons (.asf): bones with lengths, directions and the axes about which they turn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.synth.mocap.kinematics import euler_matrix
from posecorpus.synth.mocap.numbers import MAX_VALUE, normalise_newlines
from posecorpus.synth.mocap.units import INCH_M

MAX_BONES = 1000
MAX_ASF_BYTES = 4 << 20
TURNS, MOVES = ("RX", "RY", "RZ"), ("TX", "TY", "TZ")


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
        position: (3,) of the root in the zero pose, file units.
    """

    where: str
    bones: tuple[Bone, ...]
    unit_m: float
    position: NDArray[np.float64]


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
        if len(values) != count or not (np.abs(values) <= MAX_VALUE).all():
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
            root.channels = self._channels(*entries["order"], MOVES + TURNS)
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
            self._channels(*entries["dof"], TURNS) if "dof" in entries else (),
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
