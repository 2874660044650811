"""Biovision hierarchies (.bvh) as text: a tree of joints with channels, then a line of numbers a frame."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.synth.mocap.numbers import (
    MAX_VALUE,
    is_number,
    lines_of,
    normalise_newlines,
    parse_numbers,
    show,
)

MAX_JOINTS = 1000
MAX_HEADER_BYTES = 4 << 20
POSITIONS, ROTATIONS = ("XPOSITION", "YPOSITION", "ZPOSITION"), ("XROTATION", "YROTATION", "ZROTATION")


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
        self.counts: dict[str, int] = {}

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
        self.nodes.append(Node(self._unique(title), parent, key == "END"))
        stack.append(len(self.nodes) - 1)

    def _unique(self, name: str) -> str:
        """Joints are looked up by name: a second of the same name becomes ``name~2``."""
        self.counts[name] = self.counts.get(name, 0) + 1
        return name if self.counts[name] == 1 else f"{name}~{self.counts[name]}"

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
        if not abs(value) <= MAX_VALUE:
            raise self._error(line, "a finite number", repr(word[:40]))
        return value

    def _channels(self, line: int) -> tuple[str, ...]:
        count = self._number()
        if count not in range(7):
            raise self._error(line, "0 to 6 channels", f"{count:g}")
        channels = tuple(self._next("a channel")[1].upper() for _ in range(int(count)))
        known = set(POSITIONS + ROTATIONS)
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
    value = words[len(key) :] if words.upper().startswith(key) else b""
    if not is_number(value.strip()):
        raise InputError(where, f"{key.decode().capitalize()} and a number", repr(show(row)))
    return float(value)
