"""CPU time a frame: our rasteriser with every output against pyrender, on the same scenes in one run.

    python benchmarks/render.py [--repeats 30]

Ours: antialiased RGB, depth, parts, instances, normals and flow. pyrender: RGB (4x multisampled), depth and
instances (one flat pass), parts (one flat pass of 24 nodes a person) - no normals, no flow. pyrender is
given every advantage that a careful user would find: one scene for all passes, textures uploaded once and kept,
vertices already split at texture seams, tight index buffers; new vertex positions are uploaded every frame,
as animation demands. "engine" is our own ``pyrender_engine``, which draws face numbers in one pass instead.

Process CPU time, so the driver's threads (llvmpipe) count. Frames of the two renderers are taken in turn, and
the median is reported, to be robust against other work on the machine.

What bounds the rasteriser (five dressed people in a room, 640x480: 40,000 faces with levels of detail, 50,000 covered
pixels, 13,000 outline pixels): about 35 % is shading, of which a third is texture (24 texels a pixel), a third fetches
attributes of each pixel's own face and writes its labels, the formulas themselves little; 20 % outline samples, half of
it finding out that a face misses a pixel; 12 % first pass; 12 % outlines and their surfaces; the rest is clearing 8 MB of
outputs, checks, and Python. With all 206,000 faces half as much again is spent, on the first pass and the samples.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from posecorpus.core.cameras import Camera
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import pose_body, vertex_normals
from posecorpus.synth.pyrender_engine import PyrenderEngine
from posecorpus.synth.raster.engine import render
from posecorpus.synth.raster.mipmap import build_texture
from posecorpus.synth.scene import Mesh


def people(count: int) -> list[Mesh]:
    """Open bodies side by side in random poses, with a noise texture of 1024x1024."""
    rng = np.random.default_rng(0)
    body = load_body("open", "neutral")
    meshes = []
    for i in range(count):
        pose = rng.normal(0, 0.15, (24, 3)).astype(np.float32)
        pose[0] = 0, rng.uniform(0, 2 * np.pi), 0
        betas = rng.uniform(-1, 1, body.num_betas).astype(np.float32)
        place = np.array([0.7 * (i - (count - 1) / 2), 0, -0.3 * i], dtype=np.float32)
        vertices, later = pose_body(
            body, np.stack([betas] * 2), np.stack([pose, pose + np.float32(0.02)]), np.stack([place] * 2)
        ).vertices
        noise = rng.integers(60, 250, (64, 64, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
        meshes.append(
            Mesh(
                vertices, later, vertex_normals(vertices, body.faces), body.faces, body.face_parts, i + 1,
                body.uv, body.uv_faces, build_texture(noise),
            )
        )  # fmt: skip
    return meshes


class PyrenderPasses:
    """RGB + depth + instance + part passes as a careful user of pyrender would write them."""

    def __init__(self, engine: PyrenderEngine, meshes: Sequence[Mesh], camera: Camera) -> None:
        self._pyrender, self._offscreen = engine.pyrender, engine.offscreen
        self._engine, self._camera = engine, camera
        self._offscreen.viewport_width, self._offscreen.viewport_height = camera.width, camera.height
        self._materials = [engine.painted(m, camera, np.zeros((9, 3), np.float32)).material for m in meshes]
        self._splits = []
        for mesh in meshes:
            source = np.zeros(len(mesh.uv), dtype=np.int64)
            source[mesh.uv_faces] = mesh.faces
            chunks = [
                np.unique(mesh.faces[mesh.face_parts == part], return_inverse=True)
                for part in np.unique(mesh.face_parts)
            ]
            self._splits.append((source, [(used, index.reshape(-1, 3)) for used, index in chunks]))

    def frame(self, meshes: Sequence[Mesh], background: np.ndarray) -> tuple[np.ndarray, ...]:
        """The four images of one frame."""
        make, flags = self._pyrender, self._pyrender.RenderFlags
        scene = self._engine.scene(self._camera, 0.5, 20.0)
        scene.add(make.DirectionalLight(intensity=3.0))
        bodies: dict[Any, int] = {}
        chunks: dict[Any, int] = {}
        for mesh, material, (source, split) in zip(meshes, self._materials, self._splits, strict=True):
            whole = make.Primitive(
                positions=mesh.vertices[source], normals=mesh.normals[source], texcoord_0=mesh.uv,
                indices=mesh.uv_faces, material=material,
            )  # fmt: skip
            bodies[scene.add(make.Mesh([whole]))] = mesh.instance
            for part, (used, index) in enumerate(split):
                piece = make.Primitive(positions=mesh.vertices[used], indices=index)
                chunks[scene.add(make.Mesh([piece], is_visible=False))] = part + 1
        rgba, _ = self._offscreen.render(scene, flags.RGBA)
        alpha = rgba[..., 3:].astype(np.float32) / 255
        rgb = (rgba[..., :3] * alpha + background * (1 - alpha)).astype(np.uint8)
        instances, depth = self._offscreen.render(scene, flags.SEG, bodies)
        for node in chunks:
            node.mesh.is_visible = True
        parts, _ = self._offscreen.render(scene, flags.SEG, chunks)
        return rgb, depth, instances[..., 0], parts[..., 0]


def medians(tasks: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median CPU milliseconds of each task, taken in turn."""
    for task in tasks.values():
        task(), task()
    spent: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(repeats):
        for name, task in tasks.items():
            start = time.process_time()
            task()
            spent[name].append(1e3 * (time.process_time() - start))
    return {name: float(np.median(values)) for name, values in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=30)
    repeats = parser.parse_args().repeats
    light = np.zeros((9, 3), np.float32)
    light[0], light[1], light[3] = 0.9, -0.4, 0.2
    cases = [
        ("1 person  320x240, 8 m, f 600", 1, Camera.look_at([0, 1, 8], [0, 0.9, 0], 600, 320, 240), 10.0),
        ("1 person  320x240, fills it", 1, Camera.look_at([0, 1, 4.2], [0, 0.9, 0], 550, 320, 240), 10.0),
        ("5 people  640x480", 5, Camera.look_at([0, 1.2, 6], [0, 0.9, 0], 700, 640, 480), 8.0),
    ]
    print(
        f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, {repeats} frames"
    )
    print(
        f"{'CPU ms a frame':32}{'covered':>9}{'ours':>8}{'pyrender':>10}{'ratio':>8}{'target':>8}{'engine':>9}"
    )
    with PyrenderEngine() as engine:
        for name, count, camera, target in cases:
            meshes = people(count)
            background = np.full((camera.height, camera.width, 3), 120, dtype=np.uint8)
            passes = PyrenderPasses(engine, meshes, camera)
            covered = int((render(meshes, camera, light, background).depth > 0).sum())
            theirs = passes.frame(meshes, background)
            assert abs(int((theirs[1] > 0).sum()) - covered) <= 0.002 * covered + 2, "not the same scene"
            ms = medians(
                {
                    "ours": partial(render, meshes, camera, light, background),
                    "pyrender": partial(passes.frame, meshes, background),
                    "engine": partial(engine.render, meshes, camera, light, background),
                },
                repeats,
            )
            ratio = ms["pyrender"] / ms["ours"]
            print(
                f"{name:32}{covered:9d}{ms['ours']:8.2f}{ms['pyrender']:10.1f}{ratio:7.1f}x{target:7.0f}x"
                f"{ms['engine']:9.1f}"
            )


if __name__ == "__main__":
    main()
