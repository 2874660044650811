"""Meshes and cameras that the renderer's tests share."""

from __future__ import annotations

import numpy as np
import trimesh

from posecorpus.core.cameras import Camera
from posecorpus.synth.raster.mipmap import build_texture
from posecorpus.synth.scene import Mesh, Texture

WHITE = np.zeros((9, 3), dtype=np.float32)
WHITE[0] = 1.0
UV_SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float32)


def camera(width: int = 48, height: int = 36, focal: float = 50.0, cx: float | None = None, cy: float | None = None) -> Camera:  # fmt: skip
    """At the origin, looking along +z with y down: world and camera frame are the same."""
    cx, cy = width / 2 if cx is None else cx, height / 2 if cy is None else cy
    return Camera(
        np.array([[focal, 0, cx], [0, focal, cy], [0, 0, 1]]), np.eye(3), np.zeros(3), width, height
    )


def plain(colour: tuple[int, int, int] = (200, 200, 200)) -> Texture:
    return build_texture(np.full((4, 4, 3), colour, dtype=np.uint8))


def mesh(vertices, faces, instance=1, normals=None, uv=None, uv_faces=None, texture=None, parts=None, **more) -> Mesh:  # fmt: skip
    """A mesh with defaults for what a test does not care about."""
    vertices = np.asarray(vertices, dtype=np.float32)
    faces = np.asarray(faces, dtype=np.int32)
    if normals is None:
        normals = trimesh.Trimesh(vertices, faces, process=False).vertex_normals
    return Mesh(
        vertices=vertices,
        vertices_next=np.asarray(more.pop("vertices_next", vertices), dtype=np.float32),
        normals=np.array(normals, dtype=np.float32),
        faces=faces,
        face_parts=np.ones(len(faces), np.uint8) if parts is None else np.asarray(parts, np.uint8),
        instance=instance,
        uv=np.zeros((1, 2), np.float32) if uv is None else np.asarray(uv, np.float32),
        uv_faces=np.zeros_like(faces) if uv_faces is None else np.asarray(uv_faces, np.int32),
        texture=texture or plain(),
        **more,
    )


def quad(corners, instance=1, texture=None, **more) -> Mesh:
    """Two triangles; corners (4, 3) in the order of the uv (0,0), (1,0), (1,1), (0,1), counter-clockwise
    as seen from outside."""
    faces = [[0, 1, 2], [0, 2, 3]]
    return mesh(corners, faces, instance, uv=UV_SQUARE, uv_faces=faces, texture=texture, **more)


def wall(z: float, half_width: float, half_height: float, **more) -> Mesh:
    """A quad perpendicular to the optical axis that faces the camera of :func:`camera`, v upwards."""
    w, h = half_width, half_height
    return quad([[-w, h, z], [w, h, z], [w, -h, z], [-w, -h, z]], **more)


def sphere(centre, radius: float = 1.0, subdivisions: int = 3, instance: int = 1, **more) -> Mesh:
    """An icosphere with its exact normals."""
    ball = trimesh.creation.icosphere(subdivisions)
    vertices = np.asarray(centre) + radius * ball.vertices
    return mesh(vertices, ball.faces, instance, normals=ball.vertices, **more)


def grey(view: Camera, value: int = 90) -> np.ndarray:
    return np.full((view.height, view.width, 3), value, dtype=np.uint8)


def centres(view: Camera) -> np.ndarray:
    """(H, W, 2) pixel centres."""
    y, x = np.mgrid[: view.height, : view.width]
    return np.stack([x, y], -1) + 0.5


def rays(view: Camera) -> np.ndarray:
    """(H, W, 3) camera-frame rays with z = 1."""
    return view.unproject(centres(view), np.ones((view.height, view.width)))


def erode(mask: np.ndarray) -> np.ndarray:
    """Pixels whose eight neighbours are in the mask as well."""
    padded = np.pad(mask, 1)
    h, w = mask.shape
    return np.logical_and.reduce([padded[i : i + h, j : j + w] for i in range(3) for j in range(3)])
