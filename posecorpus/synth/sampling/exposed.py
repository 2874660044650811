"""The exposure of a clip."""

from __future__ import annotations

from posecorpus.core.cameras import Camera
from posecorpus.core.seeds import generator
from posecorpus.synth.config import SynthConfig
from posecorpus.synth.exposure import draw_exposure
from posecorpus.synth.scene import Exposure

STANDING_M = 1.7
NEAREST_M = 0.5


def expose(config: SynthConfig, seed: int, index: int, camera: Camera, depth_m: float) -> Exposure | None:
    """What the camera of the ``index``-th clip does to its pictures; None if the configuration has none.

    Args:
        depth_m: of the farthest person: the smallest one in the picture suffers most from a camera.
    """
    if config.exposure is None:
        return None
    height_px = STANDING_M * float(camera.K[1, 1]) / max(depth_m, NEAREST_M)
    return draw_exposure(config.exposure, generator(seed, "exposure", index), height_px)
