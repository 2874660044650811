"""Prepared motions on disk: written once by the planning process, memory-mapped by every worker."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.manifest import write_atomically
from posecorpus.synth.motion import BodyMotion

FRAMES, STARTS, INDEX = "motions.npy", "starts.npy", "motions.json"
_WIDTH = 24 * 3 + 3  # axis-angles and the pelvis's position


def write_store(
    folder: Path, motions: Sequence[BodyMotion], starts: NDArray[np.float64] | None = None
) -> None:
    """Write motions of one frame rate; the index comes last, so a store with an index is whole.

    Args:
        starts: (F,) table of where clips start (:mod:`posecorpus.synth.balance.starts`), if poses are balanced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / INDEX).unlink(missing_ok=True)
    (folder / STARTS).unlink(missing_ok=True)
    if starts is not None:
        np.save(folder / STARTS, starts, allow_pickle=False)
    frames = [np.concatenate([m.poses.reshape(len(m.poses), -1), m.translations], 1) for m in motions]
    np.save(folder / FRAMES, np.concatenate(frames).astype(np.float32), allow_pickle=False)
    index = [
        {"name": m.name, "source": m.source, "subject": m.subject, "fps": m.fps, "frames": len(m.poses)}
        for m in motions
    ]
    write_atomically(folder / INDEX, json.dumps(index).encode())


class MotionStore:
    """Read access by clip number; nothing is loaded before it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._index = json.loads((folder / INDEX).read_bytes())
        self.lengths = np.array([entry["frames"] for entry in self._index], dtype=np.int64)
        self._starts = np.concatenate([[0], np.cumsum(self.lengths)])

    def __len__(self) -> int:
        return len(self._index)

    def __getstate__(self) -> dict[str, Any]:
        """A store that travels to another machine takes its frames along."""
        starts = None if self.starts is None else np.asarray(self.starts)
        return self.__dict__ | {"_frames": np.asarray(self._frames), "starts": starts}

    @cached_property
    def _frames(self) -> NDArray[np.float32]:
        return np.load(self.folder / FRAMES, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]

    @cached_property
    def starts(self) -> NDArray[np.float64] | None:
        """The table of where clips start, or None if any frame will do."""
        path = self.folder / STARTS
        return np.load(path, mmap_mode="r", allow_pickle=False) if path.exists() else None

    def __getitem__(self, i: int) -> BodyMotion:
        entry = self._index[i]
        rows = np.asarray(self._frames[self._starts[i] : self._starts[i + 1]])
        if rows.shape != (entry["frames"], _WIDTH):
            raise ValueError(f"{self.folder}: index and frames disagree at {entry['name']}")
        return BodyMotion(
            name=entry["name"],
            source=entry["source"],
            subject=entry["subject"],
            fps=entry["fps"],
            poses=rows[:, :-3].reshape(-1, 24, 3),
            translations=rows[:, -3:],
        )
