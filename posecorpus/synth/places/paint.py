"""What is behind the people of a site: the picture, and where it shows the floor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.appearance.rooms import room_with_floor
from posecorpus.synth.scene import Background


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
        :func:`cast_shadow` takes both.
    """
    return room_with_floor(camera, np.random.default_rng(background.seed), people)
