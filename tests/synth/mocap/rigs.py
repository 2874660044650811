"""Random rigs, written as BVH and ASF + AMC text, and a slow forward kinematics to hold the readers to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

ANGLES = st.floats(-720, 720, width=32)
LENGTHS = st.floats(-2, 2, width=32)
ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")


def matrix(axis: str, degrees: float) -> np.ndarray:
    """(4, 4) turn about one axis, spelled out."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    rows = {
        "X": [[1, 0, 0], [0, c, -s], [0, s, c]],
        "Y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        "Z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
    }
    result = np.eye(4)
    result[:3, :3] = rows[axis]
    return result


def shift(vector: np.ndarray) -> np.ndarray:
    """(4, 4) translation."""
    result = np.eye(4)
    result[:3, 3] = vector
    return result


def number(value: float) -> str:
    return repr(float(value))


@dataclass
class BvhRig:
    """A random BVH file: per joint a parent, an OFFSET, channels, and (T, channels) values."""

    parents: list[int]
    offsets: np.ndarray
    channels: list[list[str]]
    values: list[np.ndarray]
    ends: dict[int, np.ndarray]

    @property
    def frames(self) -> int:
        return len(self.values[0])

    def text(self, newline: str = "\n", frame_time: str = "0.0083333") -> bytes:
        lines = [
            "HIERARCHY",
            *self._joint(0, 0),
            "MOTION",
            f"Frames: {self.frames}",
            f"Frame Time: {frame_time}",
        ]
        for t in range(self.frames):
            lines.append(" ".join(number(x) for j in self._depth_first(0) for x in self.values[j][t]))
        return (newline.join(lines) + newline).encode()

    def _depth_first(self, j: int) -> list[int]:
        return [j] + [i for c, p in enumerate(self.parents) if p == j for i in self._depth_first(c)]

    def _joint(self, j: int, depth: int) -> list[str]:
        pad = "\t" * depth
        lines = [f"{pad}{'JOINT' if j else 'ROOT'} j{j}", pad + "{"]
        lines.append(f"{pad}\tOFFSET {' '.join(map(number, self.offsets[j]))}")
        lines.append(f"{pad}\tCHANNELS {len(self.channels[j])} {' '.join(self.channels[j])}")
        for child, parent in enumerate(self.parents):
            if parent == j:
                lines += self._joint(child, depth + 1)
        if j in self.ends:
            end = f"{pad}\t\tOFFSET {' '.join(map(number, self.ends[j]))}"
            lines += [pad + "\tEnd Site", pad + "\t{", end, pad + "\t}"]
        return [*lines, pad + "}"]

    def oracle(self) -> dict[str, np.ndarray]:
        """Joint name to (T, 4, 4) world transforms."""
        result: dict[str, np.ndarray] = {}
        for j, parent in enumerate(self.parents):
            world = []
            for t in range(self.frames):
                named = dict(zip(self.channels[j], self.values[j][t], strict=True))
                place = self.offsets[j].copy()
                for k, axis in enumerate("XYZ"):
                    place[k] = named.get(f"{axis}position", place[k])
                m = (np.eye(4) if parent < 0 else result[f"j{parent}"][t]) @ shift(place)
                for channel in self.channels[j]:
                    if channel.endswith("rotation"):
                        m = m @ matrix(channel[0], named[channel])
                world.append(m)
            result[f"j{j}"] = np.array(world)
        for j, end in self.ends.items():
            result[f"j{j}_end"] = result[f"j{j}"] @ shift(end)
        return result


@st.composite
def bvh_rigs(draw: st.DrawFn) -> BvhRig:
    """BVH rigs of up to 7 joints: channels in any order, constant position channels below the root."""
    count, frames = draw(st.integers(2, 7)), draw(st.integers(1, 4))
    parents = [-1] + [draw(st.integers(0, j - 1)) for j in range(1, count)]
    offsets = np.array([[0.0] * 3] + [draw(st.tuples(LENGTHS, LENGTHS, LENGTHS)) for _ in range(1, count)])
    channels, values = [], []
    for j in range(count):
        turns = [f"{axis}rotation" for axis in draw(st.sampled_from(ORDERS))]
        moves = [f"{axis}position" for axis in "XYZ"]
        moving = j == 0 or draw(st.booleans())
        channels.append(
            draw(st.sampled_from([moves + turns, turns + moves]))
            if moving
            else turns[: draw(st.integers(0, 3))]
        )
        still = {m: draw(LENGTHS) for m in moves}
        values.append(
            np.array(
                [
                    [
                        draw(LENGTHS) if j == 0 and c in moves else still[c] if c in moves else draw(ANGLES)
                        for c in channels[j]
                    ]
                    for _ in range(frames)
                ]
            ).reshape(frames, len(channels[j]))
        )
    leaves = [j for j in range(count) if j not in parents]
    ends = {j: np.array(draw(st.tuples(LENGTHS, LENGTHS, st.floats(0.1, 1)))) for j in leaves}
    return BvhRig(parents, offsets, channels, values, ends)


@dataclass
class AsfRig:
    """A random ASF + AMC pair; bone 0 is the root. Lengths are in the file's unit."""

    parents: list[int]
    vectors: np.ndarray
    axes: list[tuple[tuple[float, float, float], str]]
    dofs: list[list[str]]
    values: list[np.ndarray]
    position: np.ndarray
    length: float
    radians: bool

    @property
    def frames(self) -> int:
        return len(self.values[0])

    @property
    def unit_m(self) -> float:
        return 0.0254 / self.length

    def _angle(self, degrees: float) -> str:
        return number(math.radians(degrees) if self.radians else degrees)

    def asf(self, newline: str = "\n") -> bytes:
        angles, order = self.axes[0]
        lines = [
            "# a comment", ":version 1.10", ":name RANDOM", ":units", "  mass 1.0", f"  length {self.length!r}",
            f"  angle {'rad' if self.radians else 'deg'}", ":root", f"  order {' '.join(self.dofs[0])}", f"  axis {order}",
            f"  position {' '.join(map(number, self.position))}", f"  orientation {' '.join(map(self._angle, angles))}",
            ":bonedata",
        ]  # fmt: skip
        for b in range(1, len(self.parents)):
            size = float(np.linalg.norm(self.vectors[b]))
            direction = self.vectors[b] / size if size else np.array([1.0, 0, 0])
            angles, order = self.axes[b]
            lines += [
                "  begin",
                f"    id {b}",
                f"    name b{b}",
                f"    direction {' '.join(map(number, direction))}",
            ]
            lines += [f"    length {number(size)}", f"    axis {' '.join(map(self._angle, angles))} {order}"]
            if self.dofs[b]:
                lines += [
                    f"    dof {' '.join(self.dofs[b])}",
                    "    limits (-160.0 20.0)",
                    "           (-70.0 70.0)",
                ]
            lines.append("  end")
        lines += [":hierarchy", "  begin"]
        name = {0: "root"} | {b: f"b{b}" for b in range(1, len(self.parents))}
        for b in name:
            children = [name[c] for c, p in enumerate(self.parents) if p == b]
            if children:
                lines.append(f"    {name[b]} {' '.join(children)}")
        return (newline.join([*lines, "  end"]) + newline).encode()

    def amc(self, newline: str = "\n") -> bytes:
        lines = [
            "#!OML:ASF X:\\f\xfcr\\random.ASF",
            ":FULLY-SPECIFIED",
            ":RADIANS" if self.radians else ":DEGREES",
        ]
        for t in range(self.frames):
            lines.append(str(t + 1))
            for b, dofs in enumerate(self.dofs):
                if dofs:
                    cells = [
                        number(v) if d.lower().startswith("t") else self._angle(v)
                        for d, v in zip(dofs, self.values[b][t], strict=True)
                    ]
                    lines.append(f"{f'b{b}' if b else 'root'} {' '.join(cells)}")
        return (newline.join(lines) + newline).encode("latin-1")

    def oracle(self) -> dict[str, np.ndarray]:
        """Bone name to (T, 4, 4): placed at the bone's start, turned as the bone; ``_end`` for leaves. Metres."""
        result: dict[str, np.ndarray] = {}
        for b, parent in enumerate(self.parents):
            angles, order = self.axes[b]
            c = np.eye(4)
            for axis, angle in zip(order, angles, strict=True):
                c = matrix(axis, angle) @ c
            world = []
            for t in range(self.frames):
                named = dict(zip((d.upper() for d in self.dofs[b]), self.values[b][t], strict=True))
                if parent < 0:
                    move = np.array([named[f"T{axis}"] for axis in "XYZ"])
                    above = shift((self.position + move) * self.unit_m)
                else:
                    above = result[f"b{parent}" if parent else "root"][t] @ shift(
                        self.vectors[parent] * self.unit_m
                    )
                m = np.eye(4)
                for dof in self.dofs[b]:
                    if dof.upper().startswith("R"):
                        m = matrix(dof[1].upper(), named[dof.upper()]) @ m
                world.append(above @ c @ m @ np.linalg.inv(c))
            result[f"b{b}" if b else "root"] = np.array(world)
        for b in range(1, len(self.parents)):
            if b not in self.parents and self.vectors[b].any():
                result[f"b{b}_end"] = result[f"b{b}"] @ shift(self.vectors[b] * self.unit_m)
        return result


@st.composite
def asf_rigs(draw: st.DrawFn) -> AsfRig:
    """ASF rigs of up to 6 bones: any axis order, any subset and order of degrees of freedom, any unit."""
    count, frames = draw(st.integers(2, 6)), draw(st.integers(1, 3))
    parents = [-1] + [draw(st.integers(0, b - 1)) for b in range(1, count)]
    vectors = np.array([[0.0] * 3] + [draw(st.tuples(LENGTHS, LENGTHS, LENGTHS)) for _ in range(1, count)])
    axes = [(draw(st.tuples(ANGLES, ANGLES, ANGLES)), draw(st.sampled_from(ORDERS))) for _ in range(count)]
    dofs = [["TX", "TY", "TZ"] + [f"R{axis}" for axis in draw(st.sampled_from(ORDERS))]]
    for _ in range(1, count):
        order = draw(st.sampled_from(ORDERS))
        dofs.append([f"r{axis.lower()}" for axis in order[: draw(st.integers(0, 3))]])
    values = [
        np.array([[draw(LENGTHS if d[0] == "T" else ANGLES) for d in dof] for _ in range(frames)]).reshape(
            frames, len(dof)
        )
        for dof in dofs
    ]
    position = np.array(draw(st.tuples(LENGTHS, LENGTHS, LENGTHS)))
    return AsfRig(
        parents,
        vectors,
        axes,
        dofs,
        values,
        position,
        draw(st.sampled_from([0.45, 1.0, 0.0254])),
        draw(st.booleans()),
    )
