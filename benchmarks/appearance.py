"""CPU time of what is made fresh for every sample: a person's texture and a room.

    python benchmarks/appearance.py [--repeats 60]

Claims: a texture of 256x256 with mip levels (finer than the pixels of the surreal preset) at most 2.5 ms; a
room at 320x240 at most 4 ms. The least of many is printed beside the median, which suffers from other work on the machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from posecorpus.core.cameras import Camera
from posecorpus.synth.appearance.rooms import room
from posecorpus.synth.appearance.textures import body_texture
from posecorpus.synth.bodies.model import load_body


def measure(name: str, make: Callable[[np.random.Generator], object], repeats: int) -> None:
    """Print CPU milliseconds of ``make`` over as many seeds, kernels and atlases warm."""
    make(np.random.default_rng(0))
    spent = []
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        start = time.thread_time()
        make(rng)
        spent.append(1e3 * (time.thread_time() - start))
    print(f"{name:24s} least {min(spent):5.2f} ms   median {np.median(spent):5.2f} ms")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=60)
    repeats = parser.parse_args().repeats
    body = load_body("open", "neutral")
    for size in (256, 512):
        measure(f"texture {size}x{size}", lambda rng, size=size: body_texture(body, rng, size), repeats)
    for width, height in ((320, 240), (640, 480)):
        camera = Camera.look_at((0, 0.95, 8), (0, 0.95, 0), 600 * width / 320, width, height)
        measure(f"room {width}x{height}", lambda rng, camera=camera: room(camera, rng), repeats)


if __name__ == "__main__":
    main()
