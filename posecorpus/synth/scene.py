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
        clothing: ``painted`` on the body, as SURREAL does, or ``worn``: garments, shoes and hair as surfaces
            of their own, cut as the same look says.
        texture: a picture in the body's UV layout that takes the place of the drawn look; None to draw one.
        level: how coarse the body and what it wears are, see ``bodies.model.LEVEL_FACES``; labels are those of the
            surfaces as they are drawn.
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
    clothing: str = "painted"
    texture: str | None = None
    level: int = 0


@dataclass(frozen=True)
class Prop:
    """A thing that belongs to nobody and hides what is behind it; its pixels have instance 0 and part 0.

    Attributes:
        kind: a shape of ``synth.props``, or the path of a mesh file.
        seed: of its details, colours and pattern.
        size: (3,) extent along its own x, y (up), z, metres.
        position: (3,) where the middle of its underside is; in the world, or in the frame of the joint that holds it.
        rotation: (3,) axis-angle in the same frame.
        held_by: (person's index, joint) if it moves with a joint, else None.
    """

    kind: str
    seed: int
    size: tuple[float, float, float]
    position: tuple[float, float, float]
    rotation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    held_by: tuple[int, str] | None = None


@dataclass(frozen=True)
class Background:
    """What is behind the people: a procedural room or a photo's window.

    Attributes:
        seed: of a procedural room and of the window's place in a photo.
        photo: path of a photo, or None for a room.
        window: (4,) x0, y0, x1, y1 of the photo that fills the picture, in its own pixels; None to draw one.
        place: kind of the place whose floor people stand on, or ``any`` for a picture that is only behind them.
    """

    seed: int
    photo: str | None = None
    window: tuple[float, float, float, float] | None = None
    place: str = "any"


@dataclass(frozen=True)
class Shadow:
    """What people and props keep from the floor, the plane y = 0.

    Attributes:
        towards: (3,) unit vector of the world to the lamp or the sun; y > 0.
        softness: half angle of the lamp as the floor sees it, radians.
        strength: share of the floor's light that comes from it, 0 for no shadow.
        contact: share of light that is lost right where something touches the floor, whatever the lamp.
    """

    towards: tuple[float, float, float]
    softness: float
    strength: float
    contact: float


@dataclass(frozen=True)
class Exposure:
    """What a camera makes of the light; labels know nothing of it.

    Attributes:
        seed: of the noise.
        shutter: share of the time from a frame to the next that the shutter is open, centred on the frame.
        defocus_px: standard deviation of the blur.
        read_noise, shot_noise: standard deviations of linear light (white is 1): the same everywhere, and where it is
            1, growing with its root.
        gain: (3,) factors of linear red, green and blue: exposure and white balance.
        gamma: exponent on the encoded picture; 1 leaves it.
        jpeg_quality: 1 to 100.
    """

    seed: int
    shutter: float = 0.0
    defocus_px: float = 0.0
    read_noise: float = 0.0
    shot_noise: float = 0.0
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gamma: float = 1.0
    jpeg_quality: int = 95


@dataclass(frozen=True)
class Scene:
    """All that a picture shows.

    Attributes:
        camera: the view; it does not move between a frame and the next.
        people: instance ``i + 1`` is ``people[i]``.
        light: (9, 3) spherical-harmonics coefficients per colour channel, in the order and with the
            basis of ``synth.raster.light``.
        background: see :class:`Background`.
        props: things that may hide people.
        shadow: None for none.
        exposure: None for the picture as it is rendered.
    """

    camera: Camera
    people: tuple[ScenePerson, ...]
    light: NDArray[np.float32]
    background: Background
    props: tuple[Prop, ...] = ()
    shadow: Shadow | None = None
    exposure: Exposure | None = None


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
