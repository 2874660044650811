"""Acclaim motions (.amc): for every frame its number, then a line for each bone that moves."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.synth.mocap.numbers import Lines, lines_of, normalise_newlines, parse_numbers, show

_FIRST_FRAME = re.compile(rb"^[ \t]*[0-9]+[ \t]*$", re.MULTILINE)
_COMMENT = re.compile(rb"^[ \t]*#.*$", re.MULTILINE)
_NAME = re.compile(rb"^[ \t]*[A-Za-z_]\S*", re.MULTILINE)


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


@dataclass(frozen=True)
class _Layout:
    """What each of the L non-blank lines of a motion holds.

    Attributes:
        line: (L,) its number in the file.
        numbers: (L,) how many numbers it has.
        named: (L,) whether a bone's name precedes them.
        names: the names, in order.
        period: lines of the first frame.
    """

    line: NDArray[np.intp]
    numbers: NDArray[np.intp]
    named: NDArray[np.bool_]
    names: list[bytes]
    period: int


def parse_amc(data: bytes, where: str) -> Motion:
    """Parse an AMC motion; every frame must be laid out as the first.

    Raises:
        InputError: it is cut short, or a line does not hold what it must; names the line.
    """
    text = normalise_newlines(data)
    start = _FIRST_FRAME.search(text)
    if start is None:
        raise InputError(where, "an AMC file with numbered frames", "none")
    header, body = text[: start.start()], text[start.start() :]
    if b"#" in body:
        body = _COMMENT.sub(b"", body)
    bare = _NAME.sub(b"", body)
    first = header.count(b"\n") + 1
    lines = lines_of(bare, first)
    layout = _layout(body, lines, first)
    _check(layout, where)
    table = parse_numbers(bare, lines, where).reshape(-1, int(layout.numbers[: layout.period].sum()))
    _check_frame_numbers(table[:, 0], layout, where)
    bones = [show(name) for name in layout.names[: layout.period - 1]]
    widths = dict(zip(bones, map(int, layout.numbers[1 : layout.period]), strict=True))
    if len(widths) < len(bones):
        raise InputError(f"{where}:{layout.line[0]}", "every bone once in a frame", "one twice")
    return Motion(where, widths, table[:, 1:], b":RADIANS" in header.upper(), int(layout.line[1]))


def _layout(body: bytes, bare: Lines, first: int) -> _Layout:
    full = lines_of(body, first)
    numbers = np.zeros(len(full.words), dtype=np.intp)
    numbers[np.searchsorted(full.numbers, bare.numbers)] = bare.words
    named = full.words > numbers
    frames = np.flatnonzero(~named)
    period = int(frames[1]) if len(frames) > 1 else len(named)
    return _Layout(full.numbers, numbers, named, [n.strip() for n in _NAME.findall(body)], period)


def _check(layout: _Layout, where: str) -> None:
    """Raise unless all frames have the lines of the first."""
    count, period = len(layout.line), layout.period
    if period < 2:
        raise InputError(f"{where}:{layout.line[0]}", "bones after the frame's number", "none")
    numbers = np.resize(layout.numbers[:period], count)
    wrong = (layout.numbers != numbers) | (layout.named != np.resize(layout.named[:period], count))
    names = layout.names[: period - 1]
    repeated = names * (len(layout.names) // len(names) + 1)
    if layout.names != repeated[: len(layout.names)]:
        k = next(k for k, name in enumerate(layout.names) if name != repeated[k])
        wrong[np.flatnonzero(layout.named)[k]] = True
    if wrong.any():
        i = int(np.flatnonzero(wrong)[0])
        wanted = show(names[i % period - 1]) if i % period else "a frame's number alone"
        cut = i == count - 1 and layout.numbers[i] < numbers[i]
        raise InputError(
            f"{where}:{layout.line[i]}", f"{wanted} with {_plural(int(numbers[i]))}",
            _describe(layout, i), "cut short?" if cut else "",
        )  # fmt: skip
    if count % period:
        raise InputError(
            f"{where}:{layout.line[-1]}",
            f"{period - 1} bones in the last frame",
            count % period - 1,
            "cut short?",
        )


def _describe(layout: _Layout, i: int) -> str:
    numbers = _plural(int(layout.numbers[i]))
    return f"{show(layout.names[int(layout.named[:i].sum())])} with {numbers}" if layout.named[i] else numbers


def _plural(count: int) -> str:
    return f"{count} number{'' if count == 1 else 's'}"


def _check_frame_numbers(numbers: NDArray[np.float64], layout: _Layout, where: str) -> None:
    gaps = np.flatnonzero(np.diff(numbers) != 1)
    if len(gaps):
        i = int(gaps[0])
        line = layout.line[(i + 1) * layout.period]
        raise InputError(f"{where}:{line}", f"frame {numbers[i] + 1:.0f}", f"frame {numbers[i + 1]:g}")
