"""Props as surfaces that a renderer draws."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.props.catalogue import shape_of
from posecorpus.synth.props.meshes import is_mesh, mesh_surface
from posecorpus.synth.props.paint import paint_texture, to_texture
from posecorpus.synth.props.shape import Shape
from posecorpus.synth.rotations import from_axis_angle
from posecorpus.synth.scene import Prop
from posecorpus.synth.surface import Surface


def prop_surface(prop: Prop) -> tuple[Surface, NDArray[np.float32]]:
    """What is drawn of a prop, and its vertices (V, 3) in its own frame.

    Only ``kind``, ``seed`` and ``size`` matter: props that share them share the result.

    Raises:
        InputError: no such kind, or an unreadable mesh file.
    """
    if is_mesh(prop.kind):
        return mesh_surface(prop.kind, prop.size)
    return _drawn(shape_of(prop.kind, prop.seed, prop.size), prop.seed)


def place_prop(
    prop: Prop, vertices: NDArray[np.float32], transform: NDArray[np.floating] | None = None
) -> NDArray[np.float32]:
    """The vertices in the world.

    Args:
        vertices: (V, 3) in the prop's own frame.
        transform: (3, 4) of the joint that holds it (``Posed.transforms[t, joint]``); None if nobody does.
    """
    R, t = from_axis_angle(prop.rotation), np.asarray(prop.position, float)
    if transform is not None:
        turn, move = np.asarray(transform, float)[:, :3], np.asarray(transform, float)[:, 3]
        R, t = turn @ R, turn @ t + move
    return np.asarray(vertices @ R.T + t, np.float32)


def _drawn(shape: Shape, seed: int) -> tuple[Surface, NDArray[np.float32]]:
    starts = np.cumsum([0] + [len(p.vertices) for p in shape.pieces])
    vertices = np.concatenate([p.vertices for p in shape.pieces]).astype(np.float32)
    faces = np.concatenate([p.faces + n for p, n in zip(shape.pieces, starts[:-1], strict=True)])
    count = len(shape.materials)
    uv = np.concatenate([to_texture(p.uv, p.tile, count) for p in shape.pieces]).reshape(-1, 2)
    surface = Surface(
        faces=faces.astype(np.int32),
        face_parts=np.zeros(len(faces), np.uint8),
        uv=uv,
        uv_faces=np.arange(len(uv), dtype=np.int32).reshape(-1, 3),
        texture=paint_texture(shape.materials, seed),
        double_sided=shape.double_sided,
    )
    return surface, vertices
