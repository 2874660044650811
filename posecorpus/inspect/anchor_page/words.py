"""Oriented poses in words: which way the chest points and how the torso lies, as the camera sees them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import Skeleton
from posecorpus.inspect.report.body import torso, unit
from posecorpus.inspect.report.columns import LIMB_JOINTS

Floats = NDArray[np.floating]

STEEP_DEG = 50.0
"""A chest that points so far up or down faces neither side."""
FACINGS = (
    "towards the camera", "towards, to the right", "to the right", "away, to the right",
    "away", "away, to the left", "to the left", "towards, to the left",
)  # fmt: skip
TORSOS = ((35.0, ""), (60.0, "leaning"), (120.0, "lying"), (180.0, "upside down"))
"""Up to how many degrees between the torso and the camera's upward axis each word holds."""


def facing(poses: Floats, skeleton: Skeleton) -> NDArray[np.float64]:
    """(K,) degrees of poses (K, J, 3) in the camera frame: 0 towards the camera, 90 to the image's right.

    NaN where the chest points steeply up or down, or the joint set lacks limbs.
    """
    chest, _ = _chest_and_spine(poses, skeleton)
    degrees = np.degrees(np.arctan2(chest[:, 0], -chest[:, 2])) % 360
    return np.where(np.abs(_elevation(chest)) < STEEP_DEG, degrees, np.nan)


def descriptions(poses: Floats, skeleton: Skeleton) -> list[str]:
    """A few words on each of poses (K, J, 3), such as ``lying, chest up``; none where the torso says nothing."""
    chest, spine = _chest_and_spine(poses, skeleton)
    degrees, elevation = facing(poses, skeleton), _elevation(chest)
    tilt = np.degrees(np.arccos(np.clip(-spine[:, 1], -1, 1)))
    return [_words(*values) for values in zip(degrees, elevation, tilt, strict=True)]


def _words(degrees: float, elevation: float, tilt: float) -> str:
    if not np.isfinite(tilt) or not np.isfinite(elevation):
        return ""
    torso_is = next(word for limit, word in TORSOS if tilt <= limit)
    if np.isfinite(degrees):
        chest = FACINGS[round(degrees / 45) % 8]
    else:
        chest = "chest up" if elevation > 0 else "chest down"
    return ", ".join(word for word in (torso_is, chest) if word)


def _chest_and_spine(poses: Floats, skeleton: Skeleton) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(K, 3) unit vectors out of the chest and from the hips to the shoulders."""
    if not set(LIMB_JOINTS) <= set(skeleton.joints):
        unknown = np.full((len(poses), 3), np.nan)
        return unknown, unknown
    hips, shoulders, left = torso(np.asarray(poses, np.float64)[:, skeleton.indices(*LIMB_JOINTS)])
    return unit(np.cross(left, shoulders - hips)), unit(shoulders - hips)


def _elevation(chest: NDArray[np.float64]) -> NDArray[np.float64]:
    """Degrees above the camera's horizontal plane; its y axis points down."""
    return np.asarray(np.degrees(np.arcsin(np.clip(-chest[:, 1], -1, 1))))
