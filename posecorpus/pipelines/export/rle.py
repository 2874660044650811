"""COCO's run-length masks, so that writing them needs nothing but numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def run_lengths(mask: NDArray[np.bool_]) -> list[int]:
    """Lengths of the runs of a (H, W) mask down its columns, beginning with a run of zeros (maybe empty)."""
    flat = np.concatenate([[False], mask.ravel(order="F")])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    ends = np.concatenate([[0], changes, [mask.size]])
    return [int(length) for length in np.diff(ends)]


def compressed(counts: list[int]) -> str:
    """COCO's text form: from the fourth run on each length is stored as the difference from the run two
    before; a number goes in groups of five bits, low ones first, each with a bit that says "more follows"."""
    text = []
    for i, count in enumerate(counts):
        value = count - counts[i - 2] if i > 2 else count
        while True:
            group = value & 31
            value >>= 5
            more = value != (-1 if group & 16 else 0)
            text.append(chr(48 + (group | 32 if more else group)))
            if not more:
                break
    return "".join(text)
