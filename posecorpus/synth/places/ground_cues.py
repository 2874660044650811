"""What a photo's colours say of sky and ground."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SKY_LEAST_GREY = 90
SKY_MOST_TEXTURE = 7.0
SKY_RED_OVER_BLUE = 12.0
SKY_GREEN_OVER_BLUE = 14.0

GROUND_STEP, OPEN_STEP = 16.0, 24.0
"""Ground may differ by this much, in Lab with its lightness halved (shadows) and its colours stretched, from the ground
below it; in open country, with its bushes, by more."""

CLEAR_WIDTH = 0.25
"""Least width of the ground that people are put on, as a share of the picture."""

NEAREST = 1.0
"""Floor nearer than this many heights of the camera is no place for people."""

LEAST_HEIGHT = 0.06
"""Columns with less of it, as a share of the height, show no ground."""

UPRIGHT_WIDTH = 0.06
"""To both sides of an upright line, as a share of the picture's width, there is the thing that it belongs to."""

NOTHING_STANDS = np.empty((0, 4))

FOLLOW = 0.07
"""How fast what counts as the ground's colour follows, per row."""


@dataclass(frozen=True, eq=False)
class GroundCue:
    """What of a photo may be ground.

    Attributes:
        profile: (C,) per column of half the picture's size how far up from the lower edge the ground goes, as a share of
            the picture's height.
        sharpness: of the strongest edges in the lower third: about 1.4 if out of focus, 2 and more if sharp.
    """

    profile: NDArray[np.float64]
    sharpness: float

    @property
    def heights(self) -> tuple[float, float, float]:
        """Quantiles 0.25, 0.5 and 0.75 of the profile."""
        low, middle, high = (float(q) for q in np.quantile(self.profile, [0.25, 0.5, 0.75]))
        return low, middle, high

    @property
    def width(self) -> float:
        """Share of the columns with ground."""
        return float((self.profile > LEAST_HEIGHT).mean())

    def clear(self, horizon: float, focal: float, reach: float) -> tuple[float, float, float]:
        """The best rectangle on the lower edge that is all ground: wide, with much of the floor's depth seen.

        Args:
            horizon: row of the horizon, as a share of the height.
            focal: focal length, likewise.
            reach: the floor farther than this many heights of the camera does not count.

        Returns:
            left and right, as shares of the width, and height, as a share of the picture's. At least
            :data:`CLEAR_WIDTH` wide; if nothing is, all of the width, up to the lowest end of the ground.
        """
        farthest = focal / reach
        nearest = max(focal / max(1 - horizon, farthest), NEAREST)
        # A blade of grass does not split it.
        smooth = cv2.medianBlur(self.profile.astype(np.float32)[None], 5)[0]
        smooth = smooth.clip(max=max(1 - horizon - farthest, 0))
        columns = len(smooth)
        best, result = -1.0, (0.0, 1.0, float(smooth.min()))
        for height in np.unique(np.round(smooth, 2)):
            depth = focal / max(1 - float(height) - horizon, farthest)
            inside = np.concatenate([[False], smooth >= height - 0.005, [False]])
            for left, right in np.flatnonzero(np.diff(inside.astype(int))).reshape(-1, 2):
                worth = float(right - left) * math.sqrt(max(depth - nearest, 0.0))
                if right - left >= CLEAR_WIDTH * columns and worth > best:
                    best, result = worth, (float(left / columns), float(right / columns), float(height))
        return result


@dataclass(frozen=True)
class SkyCue:
    """What of a photo may be sky.

    Attributes:
        area: share of the picture.
        width: share of the columns that have some.
        lower_edge: median row of its lower end, as a share of the height; 0 if there is none.
        roughness: median distance of a column's lower end from the median, likewise.
    """

    area: float
    width: float
    lower_edge: float
    roughness: float


def find_sky(picture: NDArray[np.uint8]) -> SkyCue:
    """The smooth, bright, grey to blue area that touches the upper edge of a picture (H, W, 3)."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    texture = cv2.blur(np.abs(cv2.Laplacian(grey, cv2.CV_32F)), (7, 7))
    red, green, blue = (picture[..., c].astype(np.float32) for c in range(3))
    may_be = (grey > SKY_LEAST_GREY) & (texture < SKY_MOST_TEXTURE)
    may_be &= (blue >= red - SKY_RED_OVER_BLUE) & (blue >= green - SKY_GREEN_OVER_BLUE)
    labels = cv2.connectedComponents(cv2.erode(may_be.astype(np.uint8), np.ones((3, 3), np.uint8)))[1]
    touching = np.unique(labels[:2])
    sky = np.isin(labels, touching[touching > 0])
    height = len(sky)
    ends = np.where(sky.any(0), height - sky[::-1].argmax(0), 0) / height
    under = ends[ends > 0.05]
    if len(under) == 0:
        return SkyCue(float(sky.mean()), 0.0, 0.0, 0.0)
    edge = float(np.median(under))
    return SkyCue(float(sky.mean()), len(under) / sky.shape[1], edge, float(np.median(np.abs(under - edge))))


def find_ground(
    picture: NDArray[np.uint8],
    uprights: NDArray[np.floating] = NOTHING_STANDS,
    step: float = GROUND_STEP,
) -> GroundCue:
    """What continues, column by column, the colour of the lower edge of a picture (H, W, 3).

    Args:
        uprights: (U, 4) x0, y0, x1, y1 of line segments of things that stand on the ground: it ends at their feet.
        step: by which it may differ from the ground below it.
    """
    half = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    height, width = half.shape[:2]
    smooth = cv2.pyrMeanShiftFiltering(half, 5, 14, maxLevel=1)
    lab = cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB).astype(np.float32) * np.array([0.5, 1.2, 1.2], np.float32)
    colour = np.median(lab[-max(height // 25, 4) :], axis=0)
    feet = _feet(uprights / 2, height, width)
    tops, missed = np.full(width, height), np.zeros(width, np.int64)
    alive = np.ones(width, bool)
    for row in range(height - 1, -1, -1):
        other = np.linalg.norm(lab[row] - colour, axis=1) > step
        missed = np.where(other, missed + 1, 0)
        # A pebble or a joint does not end it.
        alive &= (missed < max(3, height // 66)) & (row >= feet)
        same = alive & ~other
        colour[same] += FOLLOW * (lab[row, same] - colour[same])
        tops[alive] = row
    return GroundCue((height - tops) / height, _sharpness(picture))


def _feet(uprights: NDArray[np.floating], height: int, width: int) -> NDArray[np.float64]:
    """(width,) per column the lowest row where something upright ends; 0 where nothing stands."""
    feet = np.zeros(width)
    columns = np.arange(width) + 0.5
    for x0, y0, x1, y1 in uprights.tolist():
        x, foot = (x0, y0) if y0 > y1 else (x1, y1)
        near = np.abs(columns - x) < UPRIGHT_WIDTH * width
        feet[near] = np.maximum(feet[near], min(foot, height))
    return feet


def _sharpness(picture: NDArray[np.uint8]) -> float:
    """How much steeper the strongest edges of the lower third are than when blurred by two pixels."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)[-len(picture) // 3 :]
    blurred = _steepness(np.asarray(cv2.GaussianBlur(grey, (0, 0), 2), np.float32))
    strong = blurred >= np.quantile(blurred, 0.95)
    return float(_steepness(grey)[strong].mean() / (blurred[strong].mean() + 1e-3))


def _steepness(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return np.asarray(np.hypot(across, down), np.float32)
