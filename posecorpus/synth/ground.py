"""The floor of a place: where people and things may stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Ground:
    """A convex piece of the floor y = 0.

    Attributes:
        corners: (C, 2) x and z of the world, metres, in order around it, C at least 3.
    """

    corners: NDArray[np.float64]

    def contains(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Whether points (..., 2) lie on it, its border included."""
        at = np.asarray(points, np.float64)
        start, along = self.corners, np.roll(self.corners, -1, axis=0) - self.corners
        offset = at[..., None, :] - start
        side = along[:, 0] * offset[..., 1] - along[:, 1] * offset[..., 0]
        return np.asarray((side >= -1e-9).all(-1) | (side <= 1e-9).all(-1))

    def sample(self, rng: np.random.Generator, count: int) -> NDArray[np.float64]:
        """(count, 2) points spread evenly over it."""
        first, a, b = self.corners[0], self.corners[1:-1], self.corners[2:]
        u, v = a - first, b - first
        area = np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])
        which = rng.choice(len(area), size=count, p=area / area.sum())
        s, t = rng.random((2, count, 1))
        outside = s + t > 1
        s, t = np.where(outside, 1 - s, s), np.where(outside, 1 - t, t)
        return np.asarray(first + s * u[which] + t * v[which])
