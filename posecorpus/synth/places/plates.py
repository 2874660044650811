"""Plates: backgrounds whose camera and floor are known, as plain data that travels between processes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera


@dataclass(frozen=True)
class PhotoPlate:
    """A photo with a visible ground plane. Rows and columns are pixels of the upright photo as it is stored.

    Attributes:
        photo: as ``appearance.photos.find_photos`` gives it.
        width, height: of the photo.
        horizon: row of the ground's horizon in the middle column.
        roll_deg: by which the horizon falls to the right, degrees.
        focal_px: focal length; the principal point is the photo's middle.
        far_row: the ground is visible from the lower edge up to this row,
        left, right: between these columns.
        height_m: of the camera above the ground; None if unknown.
    """

    photo: str
    width: int
    height: int
    horizon: float
    roll_deg: float
    focal_px: float
    far_row: float
    left: float
    right: float
    height_m: float | None = None


@dataclass(frozen=True, eq=False)
class CalibratedPlate:
    """A calibrated view of a real room.

    Attributes:
        name: of the camera.
        camera: in a world whose floor is y = 0, metres, Y up; of the size it was calibrated for.
        corners: (C, 2) x and z of the convex piece of floor where people were captured.
        photo: picture of the room from this camera, of any size but the same angle of view; None for a procedural room.
        photo_scale: pixels of the photo per pixel of the camera.
    """

    name: str
    camera: Camera
    corners: NDArray[np.float64]
    photo: str | None = None
    photo_scale: float = 1.0


Plate = PhotoPlate | CalibratedPlate
