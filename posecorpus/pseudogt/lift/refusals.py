"""Annotations that no 3D pose can be told from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MIN_JOINTS = 4
"""A pose of fewer joints fits nearly any view (two degrees of freedom a joint, four lost to place and size)."""
ONE_POINT = 1e-6
"""A person whose extent is below this share of its largest coordinate lies on one point."""


def refusals(usable: NDArray[np.float64]) -> NDArray[np.object_]:
    """Why each of Q people cannot be lifted, or None.

    Args:
        usable: (Q, J, 2) pixels; NaN for joints that are missing or that the library lacks.
    """
    return np.array([_refusal(person) for person in usable], dtype=object)


def _refusal(person: NDArray[np.float64]) -> str | None:
    joints = person[~np.isnan(person).any(-1)]
    if np.isinf(joints).any():
        return "a joint is not finite"
    if len(joints) < MIN_JOINTS:
        return f"{len(joints)} usable joints, at least {MIN_JOINTS} are needed"
    if np.ptp(joints, axis=0).max() <= ONE_POINT * max(1.0, np.abs(joints).max()):
        return "all joints lie on one point"
    return None
