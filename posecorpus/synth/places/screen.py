"""Which photos people can be put into: those with level ground in the lower part, seen from a person's height.

Cheap cues that need no trained model. A photo passes if the lower edge belongs to something even that goes far enough up,
and what is above it says how the camera was held: the straight lines of a room or a street (``horizon``), or an open
sky down to a level edge (``ground_cues``). Most close-ups have neither. What the cues cannot tell: a table from a floor if a
room's lines are above it, and whether there are people already. A sidecar file overrides them (``sidecar``).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.synth.appearance.photos import load_photo, stored_photo_size
from posecorpus.synth.places.ground_cues import (
    GROUND_STEP,
    LEAST_HEIGHT,
    OPEN_STEP,
    GroundCue,
    SkyCue,
    find_ground,
    find_sky,
)
from posecorpus.synth.places.horizon import Horizon, find_horizon
from posecorpus.synth.places.plates import PhotoPlate
from posecorpus.synth.places.sidecar import Stated

WORKING_SIDE = 480
"""Photos are judged at this length of their longer side."""

HFOV_DEG = 55.0
"""Angle of view across the longer side that is taken for granted: of phones and compact cameras."""

LEAST_SIDE_PX = 200
LONGEST_SHAPE = 2.2

LINES_AGREE, LINES_MARGIN = 0.55, 0.15
"""Least agreement and margin of a horizon found from lines."""

HORIZON_RANGE = 0.08, 0.75
"""Rows, as a share of the height, of horizons of cameras that people held upright."""

SKY_AREA, SKY_WIDTH = 0.1, 0.9
"""Least share of the picture and of its columns that is sky, where no lines tell the horizon."""

SKY_BELOW = 0.3
"""Least share of the columns whose sky, if it reaches below all horizons, is taken for all there is."""

LEVEL_EDGE = 0.03
"""A sky's lower edge that is no rougher is the horizon."""

NARROW_REACH = 5.0
"""Ground that is not open is taken to end at this many heights of the camera, farther than which it is not told from the
foot of a wall of its colour."""

OPEN_REACH = 10.0
"""Where open ground ends, likewise: beyond it is not told from what stands on it."""

USUAL_HORIZON = 0.45
GROUND_WIDTH = 0.85
GROUND_HEIGHT = 0.1, 0.15
"""Least height of the ground in the middle column, under a sky and among lines."""

LIT = 110
"""Grey level that the lower half of dark photos is lifted to before they are judged."""

NO_GROUND = "no even ground in the lower part"

LEAST_COLOUR = 6.0
"""Coloured people do not belong into grey photos."""

LEAST_SHARPNESS = 1.75
"""Ground under a sky is sharper than this, in close-ups it is not."""


@dataclass(frozen=True)
class Rejected:
    """A photo that no people are put into.

    Attributes:
        photo: as ``appearance.photos.find_photos`` gives it.
        reason: why, the same words for the same reason.
    """

    photo: str
    reason: str


def screen_photos(
    photos: Sequence[str], stated: Mapping[str, Stated] | None = None
) -> tuple[list[PhotoPlate], list[Rejected]]:
    """Sort photos into plates and others.

    Args:
        photos: as ``appearance.photos.find_photos`` gives them.
        stated: by photo, what a sidecar file says; a photo with a stated horizon is not judged.

    Returns:
        plates and rejected photos, each in the order of ``photos``. A photo that cannot be read is rejected.
    """
    plates: list[PhotoPlate] = []
    rejected: list[Rejected] = []
    for photo in photos:
        try:
            verdict = judge_photo(photo, (stated or {}).get(photo))
        except InputError:
            verdict = "unreadable"
        if isinstance(verdict, PhotoPlate):
            plates.append(verdict)
        else:
            rejected.append(Rejected(photo, verdict))
    return plates, rejected


def count_reasons(rejected: Sequence[Rejected]) -> dict[str, int]:
    """How many photos were rejected for each reason, the most frequent first."""
    return dict(Counter(one.reason for one in rejected).most_common())


def judge_photo(photo: str, stated: Stated | None = None) -> PhotoPlate | str:
    """The plate that a photo makes, or the reason why it makes none.

    Raises:
        InputError: it cannot be read.
    """
    if stated is not None and stated.reject:
        return "rejected by the sidecar file"
    picture = load_photo(photo, WORKING_SIDE)
    width, height = _full_size(photo, picture)
    if stated is None or stated.horizon is None:
        if min(width, height) < LEAST_SIDE_PX:
            return "too small"
        if max(width, height) > LONGEST_SHAPE * min(width, height):
            return "too long"
    scale = WORKING_SIDE / max(picture.shape[:2])
    small = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    small = brightened(small)
    per_pixel = width / small.shape[1]
    focal = max(width, height) / 2 / math.tan(math.radians(HFOV_DEG) / 2)
    if stated is not None and stated.focal_px is not None:
        focal = stated.focal_px
    if stated is not None and stated.horizon is not None:
        horizon, roll, reach = stated.horizon, 0.0, OPEN_REACH
        ground = find_ground(small)
    elif _colourfulness(small) < LEAST_COLOUR:
        return "without colours"
    else:
        found = _find(small, focal / per_pixel)
        if isinstance(found, str):
            return found
        horizon, roll = found.row * per_pixel, math.degrees(found.roll)
        reach, ground = found.reach, found.ground
    left, right, up = ground.clear(horizon / height, focal / height, reach)
    far = height * (1 - up)
    if (stated is None or stated.horizon is None) and up < LEAST_HEIGHT:
        return NO_GROUND
    if stated is not None:
        roll = roll if stated.roll_deg is None else stated.roll_deg
        if stated.far_row is not None:
            left, right, far = 0.0, 1.0, stated.far_row
    far = min(max(far, horizon + focal / OPEN_REACH), 0.95 * height)
    height_m = None if stated is None else stated.height_m
    return PhotoPlate(photo, width, height, horizon, roll, focal, far, left * width, right * width, height_m)


@dataclass(frozen=True, eq=False)
class _View:
    """What a photo tells of its camera and its ground.

    Attributes:
        row: of the horizon in the middle column.
        roll: radians.
        reach: where ground ends at most, heights of the camera.
    """

    row: float
    roll: float
    reach: float
    ground: GroundCue


def _find(small: NDArray[np.uint8], focal_px: float) -> _View | str:
    """The view, or why the photo is rejected."""
    sky = find_sky(small)
    if sky.width > SKY_BELOW and sky.lower_edge > HORIZON_RANGE[1]:
        return NO_GROUND  # sky, snow or a wall from top to bottom
    lines = find_horizon(np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8), focal_px)
    if lines is not None and lines.agreement >= LINES_AGREE and lines.margin >= LINES_MARGIN:
        return _among_lines(lines, find_ground(small, lines.uprights), len(small), focal_px)
    if sky.area < SKY_AREA or sky.width < SKY_WIDTH:
        return "neither a sky nor straight lines that tell the horizon"
    is_open = sky.roughness < LEVEL_EDGE
    ground = find_ground(small, step=OPEN_STEP if is_open else GROUND_STEP)
    return _under_sky(sky, ground, is_open, len(small))


def _among_lines(lines: Horizon, ground: GroundCue, height: int, focal_px: float) -> _View | str:
    row = lines.row(height, focal_px)
    if not HORIZON_RANGE[0] <= row / height <= HORIZON_RANGE[1]:
        return "seen from above or below"
    if ground.heights[1] < GROUND_HEIGHT[1] or ground.width < GROUND_WIDTH:
        return NO_GROUND
    return _View(row, lines.roll, NARROW_REACH, ground)


def _under_sky(sky: SkyCue, ground: GroundCue, is_open: bool, height: int) -> _View | str:
    if ground.heights[1] < GROUND_HEIGHT[0] or ground.width < GROUND_WIDTH:
        return NO_GROUND
    if ground.sharpness < LEAST_SHARPNESS:
        return "out of focus in the lower part"
    if is_open:
        return _View(sky.lower_edge * height, 0.0, OPEN_REACH, ground)
    # Hills or houses: the horizon is behind them, below the sky and above the ground.
    edge = max(1 - ground.heights[2], sky.lower_edge)
    return _View(float(np.clip(USUAL_HORIZON, sky.lower_edge, edge)) * height, 0.0, NARROW_REACH, ground)


def brightened(small: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture (H, W, 3) whose lower half is not dark: edges and colours are judged by differences of code values."""
    level = float(np.median(small[len(small) // 2 :].max(-1)))
    gamma = min(math.log(LIT / 255) / math.log(max(level, 1) / 255), 1.0) if level < 255 else 1.0
    table = np.rint(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    return np.asarray(cv2.LUT(small, table), np.uint8)


def _colourfulness(small: NDArray[np.uint8]) -> float:
    """Mean difference between a pixel's brightest and darkest channel."""
    return float((small.max(-1).astype(np.float32) - small.min(-1)).mean())


def _full_size(photo: str, picture: NDArray[np.uint8]) -> tuple[int, int]:
    """Width and height of the whole photo, upright, of which ``picture`` may be a smaller copy."""
    stored = stored_photo_size(photo)
    height, width = picture.shape[:2]
    turned = (height > width) != (stored[1] > stored[0])
    return (stored[1], stored[0]) if turned else stored
