"""A page of props beside a person, to be looked at: ``python tests/synth/props/contact_sheet.py OUT.png --kinds chair plant``."""

from __future__ import annotations

import argparse

import cv2
import numpy as np
from crowds import BODY, standing

from posecorpus.core.cameras import Camera
from posecorpus.synth.appearance.draws import Draws
from posecorpus.synth.appearance.textures import body_texture
from posecorpus.synth.bodies.skinning import vertex_normals
from posecorpus.synth.props import HELD, STANDING, place_prop, prop_surface
from posecorpus.synth.props.catalogue import draw_size
from posecorpus.synth.raster.engine import render
from posecorpus.synth.scene import Mesh, Prop

LIGHT = np.zeros((9, 3), np.float32)
LIGHT[0], LIGHT[1], LIGHT[2], LIGHT[3] = 0.75, -0.35, -0.25, 0.3
PERSON = standing(yaw=0.3)
TEXTURE = body_texture(BODY, np.random.default_rng(3), 384)


def picture(kind: str, seed: int, width: int, height: int, beside: bool) -> np.ndarray:
    """One prop, BGR."""
    prop = Prop(
        kind,
        seed,
        draw_size(kind, seed, Draws(np.random.default_rng(seed))),
        (0.0, 0.0, 0.0),
        (0.0, 0.5 + 0.7 * seed, 0.0),
    )
    surface, vertices = prop_surface(prop)
    world = place_prop(prop, vertices)
    meshes = [
        Mesh(
            world, world, vertex_normals(world, surface.faces), surface.faces, surface.face_parts, 0, surface.uv,
            surface.uv_faces, surface.texture, surface.double_sided,
        )
    ]  # fmt: skip
    large = max(prop.size)
    if beside:
        body = PERSON.vertices[0] + np.array(
            [max(prop.size[0], prop.size[2]) / 2 + 0.45, 0, -0.2], np.float32
        )
        normals = vertex_normals(body, BODY.faces)
        meshes.append(
            Mesh(body, body, normals, BODY.faces, BODY.face_parts, 1, BODY.uv, BODY.uv_faces, TEXTURE)
        )
        middle = (0.45, max(0.85, prop.size[1] / 2), 0.0)
        camera = Camera.look_at(
            (0.05, 1.6, 3.2 * max(1, prop.size[1] / 1.9)), middle, 0.95 * width, width, height
        )
    else:
        middle = (0.0, prop.size[1] / 2, 0.0)
        camera = Camera.look_at(
            (-0.3 * large, middle[1] + 0.6 * large, 2.2 * large), middle, width, width, height
        )
    grey = np.full((height, width, 3), 150, np.uint8)
    return render(meshes, camera, LIGHT, grey).rgb[..., ::-1]


def main() -> None:
    """Draw the page: a row for each kind, a column for each seed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--kinds", nargs="*", default=[*STANDING])
    parser.add_argument("--held", action="store_true", help="the kinds that hands hold")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--size", type=int, nargs=2, default=(300, 260))
    parser.add_argument("--alone", action="store_true", help="as large as fits, without a person")
    a = parser.parse_args()
    kinds = HELD if a.held else a.kinds
    rows = [np.hstack([picture(k, s, *a.size, not a.alone) for s in range(a.seeds)]) for k in kinds]
    cv2.imwrite(a.out, np.vstack(rows))


if __name__ == "__main__":
    main()
