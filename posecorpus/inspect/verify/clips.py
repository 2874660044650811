"""What the other frames of a clip say about a sample."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.sample import Sample
from posecorpus.inspect.verify.joints import person_bones


def following_samples(samples: list[Sample | None]) -> list[Sample | None]:
    """For each sample the one of the next frame of its clip, if there is one and only one."""
    at: dict[tuple[str | None, int], list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample is not None and sample.clip is not None and sample.frame is not None:
            at[sample.clip, sample.frame].append(sample)
    following: list[Sample | None] = []
    for sample in samples:
        frame = None if sample is None else sample.frame
        after = [] if sample is None or frame is None else at.get((sample.clip, frame + 1), [])
        following.append(after[0] if len(after) == 1 else None)
    return following


def usual_bones(samples: list[Sample | None]) -> dict[str | None, list[NDArray[np.float64]]]:
    """Clip to the median (42,) bone lengths of each of its people."""
    clips: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample is not None and sample.clip is not None:
            clips[sample.clip].append(sample)
    usual: dict[str | None, list[NDArray[np.float64]]] = {}
    for clip, members in clips.items():
        count = {len(sample.people) for sample in members}
        if len(members) < 2 or len(count) != 1:
            continue
        usual[clip] = [_median([person_bones(s.people[i]) for s in members]) for i in range(count.pop())]
    return usual


def _median(lengths: list[NDArray[np.float64] | None]) -> NDArray[np.float64]:
    known = [row for row in lengths if row is not None]
    if not known:
        return np.full(1, np.nan)
    table = np.stack(known)
    result = np.full(table.shape[1], np.nan)
    some = np.isfinite(table).any(0)
    result[some] = np.nanmedian(table[:, some], axis=0)
    return result
