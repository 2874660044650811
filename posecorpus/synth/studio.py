"""From scenes to frames: poses the bodies, dresses them, and hands meshes to a renderer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.appearance.photos import photo_background
from posecorpus.synth.appearance.rooms import room
from posecorpus.synth.appearance.textures import body_texture, texture_size
from posecorpus.synth.bodies.model import BodyModel, load_body
from posecorpus.synth.bodies.skinning import pose_body, vertex_normals
from posecorpus.synth.scene import Background, Frame, Mesh, Scene, Texture

Renderer = Callable[[Sequence[Mesh], Camera, NDArray[np.float32], NDArray[np.uint8]], Frame]
"""Meshes, camera, (9, 3) light and (H, W, 3) background to a frame; both engines have this signature."""

NEAREST_M = 0.5
"""Nearer than this a person fills the picture anyhow, and a texture gets no finer."""


@dataclass(frozen=True)
class _Actor:
    """One person of a clip, posed for all its frames and the one after."""

    body: BodyModel
    texture: Texture
    vertices: NDArray[np.float32]
    landmarks: NDArray[np.float32]


def renderer(name: str) -> Renderer:
    """The engine of that name. The second one is imported only when asked for: it needs an EGL library."""
    if name == "raster":
        from posecorpus.synth.raster.engine import render

        return render
    from posecorpus.synth.pyrender_engine import render as render_with_pyrender

    return render_with_pyrender


def shoot(scenes: Sequence[Scene], render: Renderer) -> Iterator[tuple[Frame, list[NDArray[np.float32]]]]:
    """Render the scenes of one clip, in order.

    Yields:
        The frame and, per person, the (42, 3) landmarks of FULL_42 in the world.
    """
    actors = [_act(scenes, i) for i in range(len(scenes[0].people))]
    pelvises = [actor.landmarks[:-1, 0] for actor in actors]
    background = paint_background(scenes[0].background, scenes[0].camera, np.concatenate(pelvises))
    for t, scene in enumerate(scenes):
        meshes = [_mesh(actor, t, instance=i + 1) for i, actor in enumerate(actors)]
        frame = render(meshes, scene.camera, scene.light, background)
        yield frame, [actor.landmarks[t] for actor in actors]


def paint_background(
    background: Background, camera: Camera, people: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """(H, W, 3) RGB picture of what is behind the people, who stand at (P, 3) world positions."""
    rng = np.random.default_rng(background.seed)
    if background.photo is None:
        return room(camera, rng, people)
    return photo_background(background.photo, camera.width, camera.height, rng)


def _act(scenes: Sequence[Scene], i: int) -> _Actor:
    """Pose person ``i`` once for every frame; a frame's next pose is the pose of the frame after it."""
    roles = [scene.people[i] for scene in scenes]
    for now, after in pairwise(roles):
        if not np.array_equal(now.pose_next, after.pose):
            raise ValueError("the scenes of a clip must follow one another")
    body = load_body(roles[0].body, roles[0].gender)
    poses = np.stack([role.pose for role in roles] + [roles[-1].pose_next])
    translations = np.stack([role.translation for role in roles] + [roles[-1].translation_next])
    betas = np.broadcast_to(roles[0].betas, (len(poses), len(roles[0].betas)))
    posed = pose_body(body, betas, poses, translations)
    texture = _texture(
        roles[0].body, roles[0].gender, roles[0].texture_seed, _texture_size(scenes[0].camera, posed.joints)
    )
    return _Actor(body, texture, posed.vertices, posed.landmarks)


def _texture_size(camera: Camera, joints: NDArray[np.float32]) -> int:
    """Fine enough for where the person is nearest to the camera."""
    depth = camera.to_camera(joints[:, 0])[:, 2]
    return texture_size(camera.K[0, 0] / max(float(depth.min()), NEAREST_M))


@lru_cache(maxsize=4)
def _texture(body: str, gender: str, seed: int, size: int) -> Texture:
    return body_texture(load_body(body, gender), np.random.default_rng(seed), size)


def _mesh(actor: _Actor, t: int, instance: int) -> Mesh:
    body = actor.body
    return Mesh(
        vertices=actor.vertices[t],
        vertices_next=actor.vertices[t + 1],
        normals=vertex_normals(actor.vertices[t], body.faces),
        faces=body.faces,
        face_parts=body.face_parts,
        instance=instance,
        uv=body.uv,
        uv_faces=body.uv_faces,
        texture=actor.texture,
    )
