"""What a search gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Matches:
    """The k nearest views of Q poses, nearest first.

    Attributes:
        views: (Q, k) int64 view numbers of the library, -1 where there are fewer than k.
        distances: (Q, k) float64, LCR-Net++ equation 9: between poses of annotated joints that were
            centred on their mean and divided by their norm; inf where there is no view.
    """

    views: NDArray[np.int64]
    distances: NDArray[np.float64]
