"""A scene is plain data; a renderer is a view of it.

:class:`Scene` says what there is in terms a person can read (which body, which pose, which light).
:class:`Mesh` and :class:`Frame` are the two sides of a renderer: both engines take meshes, a camera,
lights and a background picture, and give a frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera


@dataclass(frozen=True)
class ScenePerson:
    """One body in the world (Y up, metres).

    Attributes:
        body: name of a body (``open``) or path of a model file.
        gender: ``neutral``, ``female`` or ``male``.
        betas: (B,) shape.
        pose: (24, 3) axis-angles now; ``pose[0]`` is the orientation in the world.
        translation: (3,) now.
        pose_next, translation_next: the same one frame later; they give the flow.
        texture_seed: what skin and clothes look like, drawn from a generator seeded by it.
        motion, motion_frame: where the pose comes from.
    """

    body: str
    gender: str
    betas: NDArray[np.float32]
    pose: NDArray[np.float32]
    translation: NDArray[np.float32]
    pose_next: NDArray[np.float32]
    translation_next: NDArray[np.float32]
    texture_seed: int
    motion: str
    motion_frame: int


@dataclass(frozen=True)
class Background:
    """What is behind the people: a procedural room or a photo's window.

    Attributes:
        seed: of a procedural room and of the window's place in a photo.
        photo: path of a photo, or None for a room.
    """

    seed: int
    photo: str | None = None


@dataclass(frozen=True)
class Scene:
    """All that a picture shows.

    Attributes:
        camera: the view; it does not move between a frame and the next.
        people: instance ``i + 1`` is ``people[i]``.
        light: (9, 3) spherical-harmonics coefficients per colour channel, in the order and with the
            basis of ``synth.raster.light``.
        background: see :class:`Background`.
    """

    camera: Camera
    people: tuple[ScenePerson, ...]
    light: NDArray[np.float32]
    background: Background


@dataclass(frozen=True)
class Texture:
    """A picture with its mip levels, level 0 first, each half the size of the one before."""

    levels: tuple[NDArray[np.uint8], ...]


@dataclass(frozen=True)
class Mesh:
    """One surface ready to be drawn, in world coordinates.

    Attributes:
        vertices: (V, 3) float32 metres.
        vertices_next: (V, 3) float32, where they are one frame later.
        normals: (V, 3) float32 unit vertex normals.
        faces: (F, 3) int32, counter-clockwise from outside.
        face_parts: (F,) uint8 part ids.
        instance: 1-based person number; 0 for an occluder that belongs to nobody.
        uv: (T, 2) float32 texture coordinates, origin at the bottom left of the picture as in OBJ.
        uv_faces: (F, 3) int32 into ``uv``.
        texture: sampled at ``uv``.
        double_sided: draw back faces too, with flipped normals (cloth); else they are culled.
    """

    vertices: NDArray[np.float32]
    vertices_next: NDArray[np.float32]
    normals: NDArray[np.float32]
    faces: NDArray[np.int32]
    face_parts: NDArray[np.uint8]
    instance: int
    uv: NDArray[np.float32]
    uv_faces: NDArray[np.int32]
    texture: Texture
    double_sided: bool = False


@dataclass(frozen=True)
class Frame:
    """What a renderer returns. Labels are never blended: every pixel is the one surface at its centre.

    Attributes:
        rgb: (H, W, 3) uint8, antialiased and composited on the background.
        depth: (H, W) float32 z along the optical axis, metres, 0 = no surface.
        parts, instances: (H, W) uint8.
        normals: (H, W, 3) float32 unit vectors in the camera frame, zero where there is no surface.
        flow: (H, W, 2) float32 pixels to the next frame, zero where there is no surface.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    parts: NDArray[np.uint8]
    instances: NDArray[np.uint8]
    normals: NDArray[np.float32]
    flow: NDArray[np.float32]
