"""What is behind the people of a site: the picture, and where it shows the floor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.appearance.photos import photo_window
from posecorpus.synth.appearance.rooms import room_with_floor
from posecorpus.synth.scene import Background

HORIZON_M = 60.0
"""Floor of a photo that is farther than this, along the optical axis, is taken for something else."""


def paint_site(
    background: Background, camera: Camera, people: NDArray[np.floating]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The picture behind people and where it shows the floor.

    Args:
        background: of a site.
        camera: of the site.
        people: (P, 3) world positions that walls and furniture of a room stay clear of.

    Returns:
        (H, W, 3) uint8 RGB, and (H, W) uint8, 255 where a pixel shows nothing but the floor y = 0;
        :func:`cast_shadow` takes both. What a photo shows below its horizon is taken for floor.

    Raises:
        InputError: the photo cannot be read.
    """
    if background.photo is None:
        return room_with_floor(camera, np.random.default_rng(background.seed), people)
    if background.window is None:
        raise ValueError("the photo of a site has a window")
    picture = photo_window(background.photo, background.window, camera.width, camera.height)
    return picture, floor_below_horizon(camera)


def floor_below_horizon(camera: Camera) -> NDArray[np.uint8]:
    """(H, W) uint8, 255 where the floor is nearer than :data:`HORIZON_M`, with an edge one pixel wide."""
    down = camera.R.T @ np.linalg.inv(camera.K)
    # Inverse depth of the floor at a pixel is linear in the picture.
    nearness = -down[1] / camera.centre[1]
    across, along = nearness[0], nearness[1]
    rows = along * (np.arange(camera.height) + 0.5) + nearness[2] - 1 / HORIZON_M
    columns = across * (np.arange(camera.width) + 0.5)
    pixel = max(float(np.hypot(across, along)), 1e-12)
    floor = np.zeros((camera.height, camera.width), np.uint8)
    ends = (rows[:, None] + columns[[0, -1]]) / pixel
    floor[ends.min(1) >= 0.5] = 255
    edge = (ends.max(1) > -0.5) & (ends.min(1) < 0.5)
    floor[edge] = 255 * np.clip((rows[edge, None] + columns) / pixel + 0.5, 0, 1) + 0.5
    return floor
