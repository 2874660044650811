"""Numbers out of text, a whole file at a time, with the line of whatever is wrong.

Motion files are megabytes of numbers in lines of known lengths. The text is handed to numpy's own
parser in one call, and the shape of the lines is checked on the bytes; only a broken file is walked
line by line, to say where it broke.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError

MAX_VALUE = 1e7
"""No angle or position of a motion is larger, in whatever unit."""
_SPACE = np.zeros(256, dtype=bool)
_SPACE[[9, 10, 11, 12, 13, 32]] = True
_NEWLINE, _RETURN = 10, 13


@dataclass(frozen=True)
class Lines:
    """Where the non-blank lines of a text are and how many words each has.

    Attributes:
        numbers: (L,) line number of each non-blank line, counted from ``first``.
        words: (L,) words of each.
    """

    numbers: NDArray[np.intp]
    words: NDArray[np.intp]


def normalise_newlines(text: bytes) -> bytes:
    """The text with CRLF and lone CR line ends turned into LF."""
    if b"\r" not in text:
        return text
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def lines_of(text: bytes, first: int = 1) -> Lines:
    """Count the words of every non-blank line of ``text``, whose first line has number ``first``."""
    raw = np.frombuffer(text, dtype=np.uint8)
    space = _SPACE[raw]
    starts = ~space
    starts[1:] &= space[:-1]
    line_of_word = np.searchsorted(np.flatnonzero(raw == _NEWLINE), np.flatnonzero(starts))
    words = np.bincount(line_of_word)
    filled = np.flatnonzero(words)
    return Lines(filled + first, words[filled])


def parse_numbers(text: bytes, lines: Lines, where: str) -> NDArray[np.float64]:
    """All the numbers of a text that should hold nothing else.

    Args:
        text: the text that ``lines`` describes.
        lines: its layout.
        where: the file, for messages.

    Raises:
        InputError: a word is no finite number; the message names its line.
    """
    count = int(lines.words.sum())
    if count == 0:
        return np.empty(0)
    try:
        values: NDArray[np.float64] = np.fromstring(text, dtype=np.float64, sep=" ")
    except ValueError:
        values = np.empty(0)
    if len(values) != count:
        raise _bad_word(text.split(), lines, where)
    with np.errstate(invalid="ignore"):
        good = np.abs(values) <= MAX_VALUE
    if not good.all():
        word = int(np.flatnonzero(~good)[0])
        raise InputError(line_at(where, lines, word), f"finite numbers up to {MAX_VALUE:g}", values[word])
    return values


def line_at(where: str, lines: Lines, word: int) -> str:
    """``file:line`` of the given word (counted through the text)."""
    row = int(np.searchsorted(np.cumsum(lines.words), word, side="right"))
    return f"{where}:{lines.numbers[row]}"


def _bad_word(words: Sequence[bytes], lines: Lines, where: str) -> InputError:
    for i, word in enumerate(words):
        if not is_number(word):
            return InputError(line_at(where, lines, i), "a number", repr(show(word)))
    return InputError(where, "numbers separated by spaces", "text that does not divide into numbers")


def is_number(word: bytes) -> bool:
    """Whether a word is a number as motion files write it; ``nan`` and ``inf`` are."""
    try:
        return bool(np.fromstring(word, dtype=np.float64, sep=" ").size == 1)
    except ValueError:
        return False


def show(word: bytes, limit: int = 40) -> str:
    """A word of a file as it may stand in a message: decoded, short, printable."""
    text = word[:limit].decode("latin-1")
    return "".join(c if c.isprintable() else "?" for c in text) + ("..." if len(word) > limit else "")
