"""The horizon of a photo of buildings or rooms, from its straight lines.

Most of their lines run along three directions at right angles, one of them vertical (the Manhattan world of Coughlan
and Yuille 1999). With a focal length taken for granted, the camera is upright but for pitch and roll, and the
room turned by a heading: all three are searched on a grid, and each line segment votes by its length for cameras under which
it points to one of the three vanishing points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.places.site import camera_over_floor

PITCH_DEG = np.arange(-20, 41, 2.0)
ROLL_DEG = np.arange(-6, 7, 2.0)
HEADING_DEG = np.arange(-45, 45, 2.0)
LINE_DEG = 1.5
"""Standard deviation of a segment's direction about its vanishing point's."""

LEAST_LENGTH = 0.05
"""Of a segment, as a share of the picture's diagonal."""

MOST_SEGMENTS = 250
FEWEST_SEGMENTS = 12

UPRIGHT = 0.5
"""What points better than this to the upright vanishing point, and worse than the rest to the level ones, stands."""

PRIOR_PITCH_DEG, PRIOR_PITCH_SPREAD, PRIOR_ROLL_SPREAD = 5.0, 12.0, 3.0
PRIOR_WEIGHT = 0.01
"""How people hold cameras decides only where lines do not."""


@dataclass(frozen=True, eq=False)
class Horizon:
    """How a camera is held.

    Attributes:
        pitch, roll: radians, as ``site.camera_over_floor`` takes them.
        agreement: share of the length of all segments that fits.
        margin: how much more that is than under the median pitch: what the lines tell about the horizon.
        uprights: (U, 4) x0, y0, x1, y1, pixels, of the segments that are upright and along no other direction.
    """

    pitch: float
    roll: float
    agreement: float
    margin: float
    uprights: NDArray[np.float64]

    def row(self, height: int, focal_px: float) -> float:
        """Of the horizon, in the middle column of a picture whose principal point is its middle."""
        return height / 2 - focal_px * math.tan(self.pitch) / math.cos(self.roll)


def find_horizon(grey: NDArray[np.uint8], focal_px: float) -> Horizon | None:
    """The horizon of a picture (H, W) whose principal point is its middle; None if it has few straight lines."""
    segments = _segments(grey)
    if len(segments) < FEWEST_SEGMENTS:
        return None
    height, width = grey.shape
    middles = (segments.reshape(-1, 2, 2).mean(1) - (width / 2, height / 2)) / focal_px
    along = segments[:, 2:] - segments[:, :2]
    lengths = np.linalg.norm(along, axis=1)
    along /= lengths[:, None]
    votes = _votes(middles, along, lengths / lengths.sum())
    best = votes.max(-1)
    prior = -0.5 * ((PITCH_DEG - PRIOR_PITCH_DEG) / PRIOR_PITCH_SPREAD) ** 2
    prior = prior - 0.5 * (ROLL_DEG[:, None] / PRIOR_ROLL_SPREAD) ** 2
    i, j = np.unravel_index(int((best + PRIOR_WEIGHT * prior).argmax()), best.shape)
    pitch = PITCH_DEG[j] + _peak(best[i], int(j)) * (PITCH_DEG[1] - PITCH_DEG[0])
    margin = float(best[i, j] - np.median(best.max(0)))
    roll, heading = (math.radians(v) for v in (ROLL_DEG[i], HEADING_DEG[votes[i, j].argmax()]))
    level, upright = _fits(math.radians(pitch), roll, np.array([heading]), middles, along)
    stands = (upright > UPRIGHT) & (level[0] < 1 - UPRIGHT)
    return Horizon(math.radians(pitch), roll, float(best[i, j]), margin, segments[stands])


def _segments(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(S, 4) x0, y0, x1, y1 of the longest line segments."""
    found: Any = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(grey)[0]
    if found is None:
        return np.empty((0, 4))
    segments = np.asarray(found, np.float64).reshape(-1, 4)
    lengths = np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])
    order = np.argsort(-lengths, kind="stable")[:MOST_SEGMENTS]
    return segments[order[lengths[order] > LEAST_LENGTH * math.hypot(*grey.shape)]]


def _votes(
    middles: NDArray[np.float64], along: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(roll, pitch, heading) share of the segments' length that fits.

    Args:
        middles: (S, 2) of the segments, x / z and y / z in the camera frame.
        along: (S, 2) unit directions.
        weights: (S,) that sum to 1.
    """
    heading = np.radians(HEADING_DEG)
    votes = np.empty((len(ROLL_DEG), len(PITCH_DEG), len(HEADING_DEG)))
    for i, roll in enumerate(np.radians(ROLL_DEG)):
        for j, pitch in enumerate(np.radians(PITCH_DEG)):
            level, upright = _fits(float(pitch), float(roll), heading, middles, along)
            votes[i, j] = np.maximum(level, upright) @ weights
    return votes


def _fits(
    pitch: float,
    roll: float,
    heading: NDArray[np.float64],
    middles: NDArray[np.float64],
    along: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How well segments point to the nearer of the two level vanishing points, (H, S), and to the upright one, (S,); 0
    to 1."""
    sharpness = 0.5 / math.radians(LINE_DEG) ** 2
    one = np.column_stack([np.sin(heading), 0 * heading, -np.cos(heading)])
    other = np.column_stack([np.cos(heading), 0 * heading, np.sin(heading)])

    def fit(points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(P, S) for vanishing points as directions (P, 3) of the camera frame."""
        x = points[:, 0, None] - middles[:, 0] * points[:, 2, None]
        y = points[:, 1, None] - middles[:, 1] * points[:, 2, None]
        sine2 = (x * along[:, 1] - y * along[:, 0]) ** 2 / (x * x + y * y + 1e-12)
        return np.asarray(np.exp(-sharpness * sine2))

    R = camera_over_floor(1.0, pitch, roll, np.eye(3), 1, 1).R
    return np.maximum(fit(one @ R.T), fit(other @ R.T)), fit(R[:, 1][None])[0]


def _peak(values: NDArray[np.float64], at: int) -> float:
    """Where between its neighbours a sampled maximum is, in steps: of the parabola through the three."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, here, after = values[at - 1 : at + 2]
    bend = before - 2 * here + after
    return float(np.clip((before - after) / (2 * bend), -0.5, 0.5)) if bend < 0 else 0.0
