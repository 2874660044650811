"""What lifting is asked and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Method = Literal["nn", "soft", "depth"]


@dataclass(frozen=True)
class LiftSettings:
    """How to lift.

    Attributes:
        method: ``nn`` is LCR-Net++ section 3.7 as published; ``soft`` a soft mean of the k nearest;
            ``depth`` (default) fits the k nearest under the perspective camera and fuses them.
        k: how many matches take part and are reported; ``depth`` looks at twice as many, and at as many
            of the mirrored person.
        approximate: let the search miss the nearest view now and then, for speed.
        noise: standard deviation of annotated joints that is assumed, in torso lengths.
    """

    method: Method = "depth"
    k: int = 50
    approximate: bool = False
    noise: float = 0.02


@dataclass(frozen=True)
class Lifted:
    """Q lifted people of one skeleton of J joints. People that cannot be lifted hold NaN.

    Attributes:
        joints3d: (Q, J, 3) float64 metres, camera frame; joints that the library lacks are NaN.
        joints2d: (Q, J, 2) float64 pixels: the annotation, completed.
        completed: (Q, J) bool joints that the annotation lacks and the match gave.
        views: (Q, k) int64 matched views, nearest first; -1 for none.
        mirrored: (Q, k) bool the match is the view's mirror image (``depth`` with a library that holds no
            mirror images).
        distances: (Q, k) float64 match distances (equation 9).
        hypotheses: (Q, k, J, 3) float32 metres, camera frame: each match as it was placed.
        weights: (Q, k) float64 shares of the matches in the result; rows sum to one.
        residual_px: (Q,) RMS distance of the projected joints3d from the annotated joints.
        torso_px: (Q,) size of the person in pixels: what residual_px is to be compared with.
        spread_mm: (Q, J) weighted deviation of the torso-centred hypotheses from their weighted mean.
        refused: (Q,) object: why a person cannot be lifted, or None.
    """

    joints3d: NDArray[np.float64]
    joints2d: NDArray[np.float64]
    completed: NDArray[np.bool_]
    views: NDArray[np.int64]
    mirrored: NDArray[np.bool_]
    distances: NDArray[np.float64]
    hypotheses: NDArray[np.float32]
    weights: NDArray[np.float64]
    deviation_mm: NDArray[np.float64]
    residual_px: NDArray[np.float64]
    torso_px: NDArray[np.float64]
    spread_mm: NDArray[np.float64]
    refused: NDArray[np.object_]


@dataclass(frozen=True)
class Trust:
    """Predicted errors of lifted people, mm, of joints relative to the mean of shoulders and hips.

    Attributes:
        error_mm: (Q, J) expected error of each joint.
        interval_mm: (Q, J, 2) holds it 9 times in 10.
        pose_error_mm: (Q,) expected mean error over the joints.
        pose_interval_mm: (Q, 2) holds it 9 times in 10.
    """

    error_mm: NDArray[np.float64]
    interval_mm: NDArray[np.float64]
    pose_error_mm: NDArray[np.float64]
    pose_interval_mm: NDArray[np.float64]
