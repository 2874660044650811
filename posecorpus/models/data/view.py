"""A view: where a picture's pixels go and what colours they take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class View:
    """How a picture is seen: moved by a similarity of the plane, and in which colours.

    Attributes:
        matrix: (2, 3) from pixels of the picture to pixels of the view: a multiple of a rotation or, mirrored, of a
            reflection, and a shift.
        width, height: of the view, pixels.
        colours: (3, 4) from RGB and 1 to RGB, levels; None leaves them.
    """

    matrix: Array
    width: int
    height: int
    colours: Array | None = None

    @cached_property
    def _area(self) -> float:
        (a, b), (c, d) = self.matrix[:, :2].tolist()
        return float(a * d - b * c)

    @property
    def mirrored(self) -> bool:
        """Whether left and right are exchanged."""
        return self._area < 0

    @property
    def scale(self) -> float:
        """Pixels of the view for one of the picture."""
        return math.sqrt(abs(self._area))

    def moved(self, points: NDArray[np.floating]) -> Array:
        """Points of the picture (..., 2) in the view, pixels."""
        return np.asarray(points @ self.matrix[:, :2].T + self.matrix[:, 2])

    def contains(self, points: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Which points (..., 2) of the view are inside it; NaN is not."""
        x, y = points[..., 0], points[..., 1]
        return np.asarray((x >= 0) & (x < self.width) & (y >= 0) & (y < self.height))
