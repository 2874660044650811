"""Props as surfaces that a renderer draws."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.appearance.draws import Draws
from posecorpus.synth.props.catalogue import design_of
from posecorpus.synth.props.paint import paint_texture
from posecorpus.synth.props.solidity import moved
from posecorpus.synth.rotations import from_axis_angle
from posecorpus.synth.scene import Prop
from posecorpus.synth.surface import Surface


def prop_surface(prop: Prop) -> tuple[Surface, NDArray[np.float32]]:
    """What is drawn of a prop, and its vertices (V, 3) in its own frame.

    Only ``kind``, ``seed`` and ``size`` matter: props that share them look the same.

    Raises:
        InputError: no such kind, or an unreadable mesh file.
    """
    design = design_of(prop.kind, prop.seed)
    texture = design.texture
    if texture is None:
        draws = Draws(np.random.default_rng(prop.seed))
        texture = paint_texture(tuple(recipe(draws) for recipe in design.materials), prop.seed)
    surface = Surface(
        faces=design.faces,
        face_parts=np.zeros(len(design.faces), np.uint8),
        uv=design.uv,
        uv_faces=design.uv_faces,
        texture=texture,
        double_sided=design.double_sided,
    )
    return surface, design.vertices_at(prop.size)


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
    return moved(vertices, R, t)
