"""CPU time of what is made fresh for every sample: a person's texture and a room.

    python benchmarks/appearance.py [--repeats 60]

Claims: a texture of 192x192 with mip levels (finer than the pixels of the surreal preset) at most 1.6 ms; a
room at 320x240 at most 2.6 ms. The least of many is printed beside the median, which suffers from other work on the machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.appearance.atlas import body_atlas
from posecorpus.synth.appearance.look import sample_look
from posecorpus.synth.appearance.room_plan import plan_room
from posecorpus.synth.appearance.rooms import SHARPNESS, draw_room, room
from posecorpus.synth.appearance.textures import SIZES, body_texture, paint_look
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.raster.mipmap import build_texture
from posecorpus.synth.scene import Texture


def measure(
    name: str,
    make: Callable[[Any], object],
    repeats: int,
    first: Callable[[np.random.Generator], object] = lambda rng: rng,
) -> None:
    """Print CPU milliseconds of ``make`` over as many seeds, kernels and atlases warm.

    It is given what ``first`` makes of each seed's generator, which is not timed.
    """
    make(first(np.random.default_rng(0)))
    spent = []
    for seed in range(repeats):
        given = first(np.random.default_rng(seed))
        start = time.thread_time()
        make(given)
        spent.append(1e3 * (time.thread_time() - start))
    print(f"{name:24s} least {min(spent):5.2f} ms   median {np.median(spent):5.2f} ms")


def _mips_of(picture: NDArray[np.uint8], _: np.random.Generator) -> Texture:
    return build_texture(picture)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=60)
    repeats = parser.parse_args().repeats
    body = load_body("open", "neutral")
    for size in SIZES[1:3]:
        measure(f"texture {size}x{size}", partial(body_texture, body, size=size), repeats)
        atlas = body_atlas(body, size)
        look = partial(sample_look, at=atlas.landmarks, gender="neutral")
        paint = partial(paint_look, atlas)
        measure("  look", look, repeats)
        measure("  paint", paint, repeats, look)
        picture = paint(look(np.random.default_rng(0)))
        measure("  mip levels", partial(_mips_of, picture), repeats)
    for width, height in ((320, 240), (640, 480)):
        camera = Camera.look_at((0, 0.95, 8), (0, 0.95, 0), 600 * width / 320, width, height)
        measure(f"room {width}x{height}", partial(room, camera), repeats)
        plan = partial(plan_room, camera, keep_clear=np.zeros((1, 3)))
        measure("  plan", plan, repeats)
        fewer = camera.resize(round(SHARPNESS * width), round(SHARPNESS * height))
        measure("  draw", partial(draw_room, camera=fewer), repeats, plan)


if __name__ == "__main__":
    main()
