"""What a photo's colours say of sky and ground."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SKY_LEAST_GREY = 90
SKY_MOST_TEXTURE = 7.0
SKY_RED_OVER_BLUE = 12.0
SKY_GREEN_OVER_BLUE = 14.0

GROUND_STEP = 16.0
"""Ground may differ by this much, in Lab with its lightness halved (shadows) and its colours stretched, from the ground
below it."""

CLEAR_WIDTH = 0.25
"""Least width of the ground that people are put on, as a share of the picture."""

FOLLOW = 0.07
"""How fast what counts as the ground's colour follows, per row."""


@dataclass(frozen=True)
class GroundCue:
    """What of a photo may be ground.

    Attributes:
        heights: quantiles 0.25, 0.5 and 0.75 over the columns, of how far up from the lower edge the ground goes, as a
            share of the picture's height.
        clear: left, right and height, as shares, of the largest rectangle on the lower edge that is all ground.
        width: share of the columns with ground.
        sharpness: of the strongest edges in the lower third: about 1.4 if out of focus, 2 and more if sharp.
    """

    heights: tuple[float, float, float]
    clear: tuple[float, float, float]
    width: float
    sharpness: float


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


def find_ground(picture: NDArray[np.uint8]) -> GroundCue:
    """What continues, column by column, the colour of the lower edge of a picture (H, W, 3)."""
    half = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    height, width = half.shape[:2]
    smooth = cv2.pyrMeanShiftFiltering(half, 5, 14, maxLevel=1)
    lab = cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB).astype(np.float32) * np.array([0.5, 1.2, 1.2], np.float32)
    colour = np.median(lab[-max(height // 25, 4) :], axis=0)
    tops, missed = np.full(width, height), np.zeros(width, np.int64)
    alive = np.ones(width, bool)
    for row in range(height - 1, -1, -1):
        other = np.linalg.norm(lab[row] - colour, axis=1) > GROUND_STEP
        missed = np.where(other, missed + 1, 0)
        alive &= missed < max(3, height // 66)  # a pebble or a joint does not end it
        same = alive & ~other
        colour[same] += FOLLOW * (lab[row, same] - colour[same])
        tops[alive] = row
    heights = (height - tops) / height
    low, middle, high = (float(q) for q in np.quantile(heights, [0.25, 0.5, 0.75]))
    width_share = float((heights > 0.06).mean())
    return GroundCue((low, middle, high), _clear(heights), width_share, _sharpness(picture))


def _clear(heights: NDArray[np.float64]) -> tuple[float, float, float]:
    """The largest rectangle under the columns' heights that is at least :data:`CLEAR_WIDTH` of them wide."""
    columns = len(heights)
    smooth = cv2.medianBlur(heights.astype(np.float32)[None], 5)[0]  # a blade of grass does not split it
    best, result = -1.0, (0.0, 1.0, float(smooth.min()))
    for height in np.unique(np.round(smooth, 2)):
        edges = np.flatnonzero(
            np.diff(np.concatenate([[False], smooth >= height - 0.005, [False]]).astype(int))
        )
        for left, right in edges.reshape(-1, 2):
            area = float((right - left) / columns * height)
            if right - left >= CLEAR_WIDTH * columns and area > best:
                best, result = area, (float(left / columns), float(right / columns), float(height))
    return result


def _sharpness(picture: NDArray[np.uint8]) -> float:
    """How much steeper the strongest edges of the lower third are than when blurred by two pixels."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)[-len(picture) // 3 :]
    blurred = _steepness(np.asarray(cv2.GaussianBlur(grey, (0, 0), 2), np.float32))
    strong = blurred >= np.quantile(blurred, 0.95)
    return float(_steepness(grey)[strong].mean() / (blurred[strong].mean() + 1e-3))


def _steepness(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return np.asarray(np.hypot(across, down), np.float32)
