"""How finely a person is worth drawing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.bodies.model import BodyModel

NEAREST_M = 0.5
"""Nearer than this a person fills the picture anyhow, and nothing gets finer."""

COARSE_BELOW = (300.0, 150.0)
"""Pixels per metre below which level 1 and level 2 do: edges of their faces are then some 6 pixels long."""


def pixels_per_metre(
    camera: Camera,
    body: BodyModel,
    betas: NDArray[np.floating],
    translations: Sequence[NDArray[np.floating]] | NDArray[np.floating],
) -> float:
    """How large a metre is where a person's pelvis is nearest to the camera.

    Args:
        betas: (up to B,).
        translations: (N, 3), over a clip.
    """
    pelvis = body.joints_template[0] + body.joints_shapedirs[0, :, : len(betas)] @ betas
    depth = camera.to_camera(pelvis + np.stack(list(translations)))[:, 2]
    return float(camera.K[0, 0] / max(float(depth.min()), NEAREST_M))


def level_of_detail(pixels_per_metre: float) -> int:
    """The coarsest level of a body (see ``bodies.model.LEVEL_FACES``) that looks the same at that size."""
    return sum(pixels_per_metre < limit for limit in COARSE_BELOW)
