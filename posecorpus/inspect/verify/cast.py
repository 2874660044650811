"""Where the ray through a pixel's centre first meets a body: an oracle that shares nothing with the renderer.

A ray from the camera's centre with direction d (d_z = 1) meets the triangle (a, b, c) where the three triple
products ``d . (b x c)``, ``d . (c x a)``, ``d . (a x b)`` have one sign; divided by their sum they are the
barycentric coordinates, and ``a . (b x c)`` divided by the sum is the depth z. Everything is done in
double precision in the camera frame, with no projection, clipping or snapping of vertices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Hits:
    """What the rays through a window of pixels meet first.

    Attributes:
        z: (h, w) metres along the optical axis, inf where nothing is met.
        mesh: (h, w) uint8, 1 + index of the mesh, 0 where nothing is met.
        face: (h, w) int32 face of that mesh.
        weights: (h, w, 3) barycentric coordinates on it.
    """

    z: Array
    mesh: NDArray[np.uint8]
    face: NDArray[np.int32]
    weights: Array


@dataclass(frozen=True)
class Target:
    """A mesh that rays can meet.

    Attributes:
        points: (V, 3) float64 vertices in the CAMERA frame.
        faces: (F, 3).
        double_sided: its inside stops rays too.
    """

    points: Array
    faces: NDArray[np.int32]
    double_sided: bool = False


def cast(
    meshes: Sequence[Target],
    camera: Camera,
    near_m: float,
    window: tuple[int, int, int, int] | None = None,
    offset: tuple[float, float] = (0.0, 0.0),
    beyond: Array | None = None,
) -> Hits:
    """Send a ray through each pixel centre; only faces that turn their outside to the camera stop it.

    Args:
        meshes: what is there.
        near_m: hits nearer than this are passed.
        window: x0, y0, x1, y1 pixels; the whole image by default.
        offset: moves all rays off the centres, pixels.
        beyond: (h, w) metres of the window: hits up to there are passed, too.
    """
    x0, y0, x1, y1 = window or (0, 0, camera.width, camera.height)
    shape = (y1 - y0, x1 - x0)
    hits = Hits(
        np.full(shape, np.inf), np.zeros(shape, np.uint8), np.zeros(shape, np.int32), np.zeros((*shape, 3))
    )
    corner = np.array([x0 + 0.5 + offset[0], y0 + 0.5 + offset[1]])
    inverse: Array = np.linalg.inv(camera.K).astype(np.float64)
    start = np.full(shape, near_m) if beyond is None else np.maximum(beyond, near_m)
    for i, mesh in enumerate(meshes):
        _cast(
            mesh.points,
            mesh.faces,
            mesh.double_sided,
            camera.K,
            inverse,
            corner,
            near_m,
            start,
            i + 1,
            hits.z,
            hits.mesh,
            hits.face,
            hits.weights,
        )
    return hits


@njit(cache=True)
def _cast(
    points: Array,
    faces: NDArray[np.int32],
    double_sided: bool,
    K: Array,
    inverse: Array,
    corner: Array,
    near: float,
    start: Array,
    label: int,
    depth: Array,
    mesh: NDArray[np.uint8],
    face: NDArray[np.int32],
    weights: Array,
) -> None:
    height, width = depth.shape
    px, py = np.empty(len(points)), np.empty(len(points))
    for i in range(len(points)):
        if points[i, 2] > near:
            px[i] = (K[0, 0] * points[i, 0] + K[0, 1] * points[i, 1]) / points[i, 2] + K[0, 2] - corner[0]
            py[i] = K[1, 1] * points[i, 1] / points[i, 2] + K[1, 2] - corner[1]
        else:  # no bound is known for its faces
            px[i], py[i] = np.nan, np.nan
    for f in range(len(faces)):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        x_low, x_high = min(px[i], px[j], px[k]), max(px[i], px[j], px[k])
        y_low, y_high = min(py[i], py[j], py[k]), max(py[i], py[j], py[k])
        u0, u1, v0, v1 = 0, width, 0, height
        if not (np.isnan(px[i]) or np.isnan(px[j]) or np.isnan(px[k])):
            if x_high < 0 or y_high < 0 or x_low > width - 1 or y_low > height - 1:
                continue
            u0, u1 = max(int(np.ceil(x_low - 1e-6)), 0), min(int(np.floor(x_high + 1e-6)) + 1, width)
            v0, v1 = max(int(np.ceil(y_low - 1e-6)), 0), min(int(np.floor(y_high + 1e-6)) + 1, height)
        elif points[i, 2] <= near and points[j, 2] <= near and points[k, 2] <= near:
            continue
        if u0 >= u1 or v0 >= v1:
            continue
        ax, ay, az = points[i, 0], points[i, 1], points[i, 2]
        bx, by, bz = points[j, 0], points[j, 1], points[j, 2]
        cx, cy, cz = points[k, 0], points[k, 1], points[k, 2]
        n0x, n0y, n0z = by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx
        volume = ax * n0x + ay * n0y + az * n0z
        if volume >= 0 and not double_sided:  # its outside looks away
            continue
        side = 1.0 if volume < 0 else -1.0
        n1x, n1y, n1z = cy * az - cz * ay, cz * ax - cx * az, cx * ay - cy * ax
        n2x, n2y, n2z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        for v in range(v0, v1):
            dy = inverse[1, 1] * (v + corner[1]) + inverse[1, 2]
            for u in range(u0, u1):
                dx = inverse[0, 0] * (u + corner[0]) + inverse[0, 1] * (v + corner[1]) + inverse[0, 2]
                w0 = dx * n0x + dy * n0y + n0z
                w1 = dx * n1x + dy * n1y + n1z
                w2 = dx * n2x + dy * n2y + n2z
                if side * w0 > 0 or side * w1 > 0 or side * w2 > 0:
                    continue
                total = w0 + w1 + w2
                if total == 0:
                    continue
                z = volume / total
                if start[v, u] <= z < depth[v, u]:
                    depth[v, u] = z
                    mesh[v, u] = label
                    face[v, u] = f
                    weights[v, u, 0], weights[v, u, 1], weights[v, u, 2] = w0 / total, w1 / total, w2 / total


def interpolate(
    hits: Hits,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    faces: Sequence[NDArray[np.int32]],
    values: Sequence[NDArray[np.floating]],
) -> Array:
    """Values at vertices, interpolated where rays met faces.

    Args:
        rows, columns: (N,) pixels of the hits' window.
        faces: (F, 3) of each mesh that was cast at.
        values: (V, 3) for each of them.

    Returns:
        (N, 3), 0 where nothing is met.
    """
    result = np.zeros((len(rows), 3))
    for i, (corners, value) in enumerate(zip(faces, values, strict=True)):
        single = np.ascontiguousarray(value, np.float64)
        _interpolate(corners, single, i + 1, hits.mesh, hits.face, hits.weights, rows, columns, result)
    return result


def sides(
    hits: Hits, rows: NDArray[np.intp], columns: NDArray[np.intp], meshes: Sequence[Target]
) -> NDArray[np.float64]:
    """(N,) 1 where rays met the outside of a face, -1 where the inside (of cloth); of pixels as for :func:`interpolate`."""
    result = np.ones(len(rows))
    for i, mesh in enumerate(meshes):
        if mesh.double_sided:
            _turn_inside(mesh.points, mesh.faces, i + 1, hits.mesh, hits.face, rows, columns, result)
    return result


@njit(cache=True)
def _interpolate(
    faces: NDArray[np.int32],
    values: Array,
    label: int,
    mesh: NDArray[np.uint8],
    face: NDArray[np.int32],
    weights: Array,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    result: Array,
) -> None:
    for n in range(len(rows)):
        v, u = rows[n], columns[n]
        if mesh[v, u] == label:
            f = face[v, u]
            for c in range(3):
                for k in range(3):
                    result[n, c] += weights[v, u, k] * values[faces[f, k], c]


@njit(cache=True)
def _turn_inside(
    points: Array,
    faces: NDArray[np.int32],
    label: int,
    mesh: NDArray[np.uint8],
    face: NDArray[np.int32],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    result: Array,
) -> None:
    for n in range(len(rows)):
        v, u = rows[n], columns[n]
        if mesh[v, u] == label:
            f = face[v, u]
            a, b, c = points[faces[f, 0]], points[faces[f, 1]], points[faces[f, 2]]
            volume = a[0] * (b[1] * c[2] - b[2] * c[1])
            volume += a[1] * (b[2] * c[0] - b[0] * c[2])
            volume += a[2] * (b[0] * c[1] - b[1] * c[0])
            result[n] = 1.0 if volume < 0 else -1.0
