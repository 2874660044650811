"""What a renderer draws of a person or a thing, before it is put in a place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.scene import Texture


@dataclass(frozen=True, eq=False)
class Surface:
    """All of a mesh that a pose does not change.

    Attributes:
        faces: (F, 3) int32, counter-clockwise from outside.
        face_parts: (F,) uint8 part ids; 0 of a thing.
        uv: (T, 2) float32, origin at the bottom left.
        uv_faces: (F, 3) int32 into ``uv``.
        texture: sampled at ``uv``.
        double_sided: its back is seen too (cloth).
    """

    faces: NDArray[np.int32]
    face_parts: NDArray[np.uint8]
    uv: NDArray[np.float32]
    uv_faces: NDArray[np.int32]
    texture: Texture
    double_sided: bool = False
