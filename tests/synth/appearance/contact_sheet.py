"""A page of people in rooms, to be looked at: ``python tests/synth/appearance/contact_sheet.py OUT.png``."""

from __future__ import annotations

import argparse

import cv2
import numpy as np

from posecorpus.core.cameras import Camera
from posecorpus.core.seeds import generator
from posecorpus.synth.appearance.lighting import sample_light
from posecorpus.synth.appearance.rooms import room
from posecorpus.synth.appearance.textures import body_texture, texture_size
from posecorpus.synth.bodies.model import GENDERS, load_body
from posecorpus.synth.bodies.skinning import pose_body, vertex_normals
from posecorpus.synth.builtin import builtin_clips
from posecorpus.synth.config import load_config
from posecorpus.synth.raster.engine import render
from posecorpus.synth.scene import Mesh


def picture(i: int, width: int, height: int, distance: float, body_path: str) -> np.ndarray:
    """One person, BGR."""
    rng = generator(i, "contact sheet")
    gender = GENDERS[i % 3]
    body = load_body(body_path, gender)
    clip = builtin_clips(i, 1)[0]
    frame = int(rng.integers(len(clip.poses)))
    pose = clip.poses[frame : frame + 1].copy()
    place = np.array([[0, clip.translations[frame, 1], 0]], np.float32)
    pose[0, 0] = (0, rng.uniform(-np.pi, np.pi), 0)
    betas = np.clip(rng.normal(size=(1, body.num_betas)), -2, 2).astype(np.float32)
    vertices = pose_body(body, betas, pose, place).vertices[0]
    middle = (vertices.min(0) + vertices.max(0)) / 2
    focal = 600 * width / 320
    eye = (0, middle[1] + rng.uniform(-0.2, 0.6), distance)
    camera = Camera.look_at(eye, (0, middle[1], 0), focal, width, height)
    mesh = Mesh(
        vertices=vertices,
        vertices_next=vertices,
        normals=vertex_normals(vertices, body.faces),
        faces=body.faces,
        face_parts=body.face_parts,
        instance=1,
        uv=body.uv,
        uv_faces=body.uv_faces,
        texture=body_texture(body, rng, texture_size(focal / distance)),
    )
    light = sample_light(rng, load_config("surreal").light)
    frame_ = render([mesh], camera, light, room(camera, rng, [[0, 1, 0]]))
    inside = frame_.instances > 0
    print(
        f"{i}: clipped {np.mean(frame_.rgb[inside] == 255):.3f}, black {np.mean(frame_.rgb[inside] < 4):.3f}"
    )
    return frame_.rgb[..., ::-1]


def main() -> None:
    """Draw the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=32)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--size", type=int, nargs=2, default=(320, 240))
    parser.add_argument("--distance", type=float, default=8.0)
    parser.add_argument("--body", default="open")
    a = parser.parse_args()
    pictures = [picture(i, *a.size, a.distance, a.body) for i in range(a.first, a.first + a.count)]
    rows = [np.hstack(pictures[k : k + a.columns]) for k in range(0, a.count, a.columns)]
    cv2.imwrite(a.out, np.vstack(rows))


if __name__ == "__main__":
    main()
