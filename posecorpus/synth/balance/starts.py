"""From weights of frames to where clips start: a running sum, in which a draw is a search."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def even_weights(lengths: NDArray[np.integer], weighting: str) -> NDArray[np.float64]:
    """(F,) weights of all frames: all alike (``frame``), or each motion as much as any other (``clip``)."""
    share = 1.0 / lengths if weighting == "clip" else np.ones(len(lengths))
    return np.repeat(share, lengths)


def running_sum(
    weights: NDArray[np.floating], lengths: NDArray[np.integer], frames: int
) -> NDArray[np.float64]:
    """(F,) running sum of the weights with which clips of ``frames`` frames start at each frame.

    A start weighs the mean of its clip's frames. A clip of n frames needs n + 1, the last one for its flow.

    Args:
        weights: (F,) of all frames of all motions, one after the other; not negative.
        lengths: (M,) frames of each motion, F together.
    """
    ends = np.cumsum(lengths)
    parts = [window_means(weights[end - n : end], frames) for end, n in zip(ends, lengths, strict=True)]
    return np.cumsum(np.concatenate(parts))


def window_means(weights: NDArray[np.floating], frames: int) -> NDArray[np.float64]:
    """(T,) mean weight of the ``frames`` frames from each one on; 0 where no clip can start."""
    result = np.zeros(len(weights))
    starts = len(weights) - frames
    if starts > 0:
        total = np.concatenate([[0.0], np.cumsum(weights, dtype=np.float64)])
        result[:starts] = np.maximum(total[frames : frames + starts] - total[:starts], 0.0) / frames
    return result


def draw_start(
    table: NDArray[np.floating], lengths: NDArray[np.integer], rng: np.random.Generator
) -> tuple[int, int]:
    """Number of a motion and a frame of it, drawn by a table of :func:`running_sum` with a positive end."""
    frame = int(np.searchsorted(table, rng.random() * table[-1], side="right"))
    ends = np.cumsum(lengths)
    number = int(np.searchsorted(ends, frame, side="right"))
    return number, frame - int(ends[number] - lengths[number])
