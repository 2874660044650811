"""From scenes to pictures: poses and dresses people, sets things up, hands meshes to a renderer, develops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.actors import Actor, act_scenes, look_of, set_up
from posecorpus.synth.appearance.photos import photo_background
from posecorpus.synth.appearance.rooms import room
from posecorpus.synth.appearance.textures import body_texture, load_texture, texture_size, worn_texture
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import vertex_normals
from posecorpus.synth.config import MOST_PEOPLE
from posecorpus.synth.detail import pixels_per_metre
from posecorpus.synth.exposure import develop, encode, sub_times
from posecorpus.synth.places import cast_shadow, paint_site
from posecorpus.synth.scene import Background, Exposure, Frame, Mesh, Scene, ScenePerson, Texture
from posecorpus.synth.surface import Surface

Renderer = Callable[[Sequence[Mesh], Camera, NDArray[np.float32], NDArray[np.uint8]], Frame]
"""Meshes, camera, (9, 3) light and (H, W, 3) background to a frame; both engines have this signature."""


@dataclass(frozen=True)
class Shot:
    """One frame of a clip.

    Attributes:
        frame: as it was rendered: its labels, and its colours before any exposure.
        joints: per person, the (42, 3) landmarks of FULL_42 in the world.
        photograph: the picture as a camera stored it, JPEG; None without an exposure.
    """

    frame: Frame
    joints: list[NDArray[np.float32]]
    photograph: bytes | None


def renderer(name: str) -> Renderer:
    """The engine of that name. The second one is imported only when asked for: it needs an EGL library."""
    if name == "raster":
        from posecorpus.synth.raster.engine import render

        return render
    from posecorpus.synth.pyrender_engine import render as render_with_pyrender

    return render_with_pyrender


def shoot(scenes: Sequence[Scene], render: Renderer) -> Iterator[Shot]:
    """Render the scenes of one clip, in order."""
    first = scenes[0]
    actors = [_act(scenes, i) for i in range(len(first.people))]
    things = set_up(first.props, [actor.posed for actor in actors], len(scenes) + 1)
    pelvises = [actor.posed.landmarks[:-1, 0] for actor in actors]
    background, floor = _background(first, np.concatenate(pelvises) if pelvises else np.zeros((0, 3)))
    for t, scene in enumerate(scenes):
        meshes = [mesh for i, actor in enumerate(actors) for mesh in actor_meshes(actor, t, i + 1)]
        meshes += [_mesh(thing.surface, thing.vertices, t, instance=0) for thing in things]
        behind = background
        if scene.shadow is not None:
            behind = cast_shadow(background, meshes, scene.camera, scene.shadow, floor)
        frame = render(meshes, scene.camera, scene.light, behind)
        photograph = None
        if scene.exposure is not None:
            photograph = _photograph(scene, scene.exposure, frame, meshes, behind, render)
        yield Shot(frame, [actor.posed.landmarks[t] for actor in actors], photograph)


def actor_meshes(actor: Actor, t: int, instance: int) -> list[Mesh]:
    """A person of frame ``t``, ready to be drawn."""
    return [
        _mesh(surface, vertices, t, instance)
        for surface, vertices in zip(actor.surfaces, actor.vertices, strict=True)
    ]


def _mesh(surface: Surface, vertices: NDArray[np.float32], t: int, instance: int) -> Mesh:
    return Mesh(
        vertices=vertices[t],
        vertices_next=vertices[t + 1],
        normals=vertex_normals(vertices[t], surface.faces),
        faces=surface.faces,
        face_parts=surface.face_parts,
        instance=instance,
        uv=surface.uv,
        uv_faces=surface.uv_faces,
        texture=surface.texture,
        double_sided=surface.double_sided,
    )


def paint_background(
    background: Background, camera: Camera, people: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """(H, W, 3) RGB picture behind people before SURREAL's camera, who stand at (P, 3) world positions."""
    rng = np.random.default_rng(background.seed)
    if background.photo is None:
        return room(camera, rng, people)
    return photo_background(background.photo, camera.width, camera.height, rng)


def _background(
    scene: Scene, people: NDArray[np.floating]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """The picture behind the people, and where it shows the floor; None where nobody asks."""
    if scene.background.place == "any":
        return paint_background(scene.background, scene.camera, people), None
    return paint_site(scene.background, scene.camera, people)


def _photograph(
    scene: Scene,
    exposure: Exposure,
    frame: Frame,
    meshes: Sequence[Mesh],
    behind: NDArray[np.uint8],
    render: Renderer,
) -> bytes:
    """What a camera stores of a frame: its shutter sees everything move on straight ways."""
    moving = float(np.abs(frame.flow).max(initial=0.0)) if exposure.shutter > 0 else 0.0
    pictures = [
        frame.rgb
        if time == 0
        else render([_later(m, time) for m in meshes], scene.camera, scene.light, behind).rgb
        for time in sub_times(exposure, moving).tolist()
    ]
    return encode(develop(pictures, exposure), exposure)


def _later(mesh: Mesh, time: float) -> Mesh:
    """The mesh ``time`` frames later; its normals stay."""
    return replace(mesh, vertices=mesh.vertices + np.float32(time) * (mesh.vertices_next - mesh.vertices))


def _act(scenes: Sequence[Scene], i: int) -> Actor:
    """Person ``i`` of a clip, in a texture as fine as its distance asks for."""
    roles = [scene.people[i] for scene in scenes]
    return act_scenes(roles, _texture(roles[0], _texture_size(scenes[0].camera, roles)))


def _texture_size(camera: Camera, roles: Sequence[ScenePerson]) -> int:
    """Fine enough for where the person is nearest to the camera."""
    body = load_body(roles[0].body, roles[0].gender)
    size = pixels_per_metre(camera, body, roles[0].betas, [role.translation for role in roles])
    return texture_size(size, worn=roles[0].clothing == "worn")


def _texture(person: ScenePerson, size: int) -> Texture:
    if person.texture is not None:
        return _loaded_texture(person.texture)
    return _drawn_texture(person.body, person.gender, person.texture_seed, size, person.clothing == "worn")


@lru_cache(maxsize=MOST_PEOPLE)
def _loaded_texture(path: str) -> Texture:
    return load_texture(path)


@lru_cache(maxsize=MOST_PEOPLE)
def _drawn_texture(body: str, gender: str, seed: int, size: int, worn: bool) -> Texture:
    model = load_body(body, gender)
    if worn:
        return worn_texture(model, look_of(body, gender, seed), size)
    return body_texture(model, np.random.default_rng(seed), size)
