"""Which point of the rest body each texel of its texture shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt


@dataclass(frozen=True)
class TexelMap:
    """The covered texels of a square texture, in raster order, and how to fill the rest.

    Attributes:
        size: side of the texture, texels.
        index: (N,) int32 flat raster index of each covered texel, row 0 at the top.
        face: (N,) int32 triangle that covers the texel's centre.
        weights: (N, 3) float32 barycentric weights of the centre in that triangle.
        gutter: (G,) int32 flat index of every texel that no triangle covers.
        gutter_source: (G,) int32 flat index of the covered texel nearest to it.
    """

    size: int
    index: NDArray[np.int32]
    face: NDArray[np.int32]
    weights: NDArray[np.float32]
    gutter: NDArray[np.int32]
    gutter_source: NDArray[np.int32]

    def interpolate(self, values: NDArray[np.floating], faces: NDArray[np.integer]) -> NDArray[np.float32]:
        """Per-vertex values (V, C) at the covered texels, (N, C) float32."""
        out = np.empty((len(self.face), values.shape[1]), np.float32)
        _interpolate(
            np.asarray(values, np.float32), np.asarray(faces, np.int64), self.face, self.weights, out
        )
        return out


def texel_map(uv: NDArray[np.floating], uv_faces: NDArray[np.integer], size: int) -> TexelMap:
    """Rasterise the UV layout: a texel belongs to the triangle that contains its centre.

    Where triangles overlap, the first one of the list wins.

    Args:
        uv: (T, 2) coordinates in [0, 1], origin at the bottom left.
        uv_faces: (F, 3) indices into ``uv``.
        size: side of the texture, texels.
    """
    corners = np.empty((uv.shape[0], 2))
    corners[:, 0] = uv[:, 0] * size
    corners[:, 1] = (1.0 - uv[:, 1]) * size
    face, weights = _rasterise(corners, np.ascontiguousarray(uv_faces, dtype=np.int64), size)
    covered = face >= 0
    if not covered.any():
        # A layout that covers nothing still needs one texel to show: the middle of the first face.
        face[0, 0], weights[0, 0], covered[0, 0] = 0, 1 / 3, True
    nearest = distance_transform_edt(~covered, return_distances=False, return_indices=True)
    source = (nearest[0] * size + nearest[1]).astype(np.int32)
    return TexelMap(
        size=size,
        index=np.flatnonzero(covered).astype(np.int32),
        face=face[covered],
        weights=weights[covered],
        gutter=np.flatnonzero(~covered).astype(np.int32),
        gutter_source=source[~covered],
    )


@njit(cache=True, error_model="numpy")
def _interpolate(
    values: NDArray[np.float32],
    faces: NDArray[np.int64],
    face: NDArray[np.int32],
    weights: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    for n in range(out.shape[0]):
        a, b, c = faces[face[n], 0], faces[face[n], 1], faces[face[n], 2]
        u, v, w = weights[n, 0], weights[n, 1], weights[n, 2]
        for k in range(out.shape[1]):
            out[n, k] = u * values[a, k] + v * values[b, k] + w * values[c, k]


@njit(cache=True)
def _rasterise(
    corners: NDArray[np.float64], faces: NDArray[np.int64], size: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    face = np.full((size, size), -1, np.int32)
    weights = np.zeros((size, size, 3), np.float32)
    for f in range(faces.shape[0]):
        ax, ay = corners[faces[f, 0], 0], corners[faces[f, 0], 1]
        bx, by = corners[faces[f, 1], 0], corners[faces[f, 1], 1]
        cx, cy = corners[faces[f, 2], 0], corners[faces[f, 2], 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0.0:
            continue
        x0 = max(0, int(np.ceil(min(ax, bx, cx) - 0.5)))
        x1 = min(size - 1, int(np.floor(max(ax, bx, cx) - 0.5)))
        y0 = max(0, int(np.ceil(min(ay, by, cy) - 0.5)))
        y1 = min(size - 1, int(np.floor(max(ay, by, cy) - 0.5)))
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                if face[y, x] >= 0:
                    continue
                px, py = x + 0.5, y + 0.5
                la = ((bx - px) * (cy - py) - (by - py) * (cx - px)) / area
                lb = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) / area
                lc = 1.0 - la - lb
                if la >= 0.0 and lb >= 0.0 and lc >= 0.0:
                    face[y, x] = f
                    weights[y, x, 0], weights[y, x, 1], weights[y, x, 2] = la, lb, lc
    return face, weights
