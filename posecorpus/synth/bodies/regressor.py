"""Landmarks of the skin as sparse sums over the vertices of the rest pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import FULL_42, SMPL_24

LANDMARKS = FULL_42.joints[len(SMPL_24) :]
"""The joints of ``full_42`` that are no joint of SMPL, in order."""


@dataclass(frozen=True, eq=False)
class LandmarkRegressor:
    """Row ``i`` gives ``LANDMARKS[i]`` as a weighted sum of rest-pose vertices; a row sums to one.

    Attributes:
        starts: (L + 1,) int32, where each row's entries begin.
        vertices: (E,) int32 vertex of each entry.
        values: (E,) float64 weight of each entry.
    """

    starts: NDArray[np.int32]
    vertices: NDArray[np.int32]
    values: NDArray[np.float64]

    @classmethod
    def from_entries(
        cls, rows: NDArray[np.int32], vertices: NDArray[np.int32], values: NDArray[np.floating]
    ) -> LandmarkRegressor:
        """From entries (row, vertex, weight) in any order; every row needs one, and is made to sum to one."""
        order = np.argsort(rows, kind="stable")
        rows, weights = rows[order], values[order].astype(np.float64)
        weights /= np.bincount(rows, weights, len(LANDMARKS))[rows]
        starts = np.searchsorted(rows, np.arange(len(LANDMARKS) + 1)).astype(np.int32)
        return cls(starts, vertices[order].astype(np.int32), weights)

    @property
    def rows(self) -> NDArray[np.int32]:
        """(E,) row of each entry."""
        return np.repeat(np.arange(len(LANDMARKS), dtype=np.int32), np.diff(self.starts))

    def __call__(self, vertices: NDArray[np.floating]) -> NDArray[np.float64]:
        """(L, ...) sums of per-vertex values (V, ...)."""
        picked = vertices[self.vertices].astype(np.float64)
        weights = self.values.reshape(-1, *[1] * (picked.ndim - 1))
        return np.add.reduceat(picked * weights, self.starts[:-1], axis=0)
