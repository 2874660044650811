"""Texture coordinates for a body that comes without: the T-pose seen from the front and from behind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def planar_uv(
    vertices: NDArray[np.float32], faces: NDArray[np.int32]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Project along Z: faces that look forwards on the left half of the picture, the others on the right.

    The right half is mirrored, as the back is seen by someone standing behind. No face of a T-pose
    overlaps another of its half by much, apart from ears, fingers and toes.

    Args:
        vertices: (V, 3) metres, T-pose facing +Z.
        faces: (F, 3).

    Returns:
        (2 V, 2) float32 coordinates in [0, 1] and (F, 3) int32 indices into them.
    """
    low = vertices[:, :2].min(axis=0)
    extent = float(np.ptp(vertices[:, :2], axis=0).max()) or 1.0
    across, up = ((vertices[:, :2] - low) / extent).T
    margin = 0.01
    u = margin + across * (0.5 - 2 * margin)
    v = margin + up * (1 - 2 * margin)
    uv = np.concatenate([np.stack([u, v], axis=1), np.stack([1 - u, v], axis=1)]).astype(np.float32)
    corners = vertices[faces]
    normal_z = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2]
    behind = (normal_z < 0)[:, None]
    return uv, (faces + np.where(behind, len(vertices), 0)).astype(np.int32)
