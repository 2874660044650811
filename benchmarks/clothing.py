"""CPU time of dressing a person and of moving the clothes with a pose.

    python benchmarks/clothing.py [--people 30] [--repeats 9]

Claims: dressing some 2.5 ms a person who is near, half of it or less on coarser bodies, once a clip; posing at most
1 ms a frame. Each person's least of several repeats counts, which suffers least from other work on the machine;
printed are the mean and the most over people, for every level of detail.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from posecorpus.synth.appearance.landmarks import landmarks
from posecorpus.synth.appearance.look import sample_look
from posecorpus.synth.bodies.model import GENDERS, LEVEL_FACES, load_body
from posecorpus.synth.bodies.skinning import pose_body
from posecorpus.synth.builtin import builtin_clip
from posecorpus.synth.clothing import dress
from posecorpus.synth.scene import Texture

BLANK = Texture((np.full((1, 1, 3), 128, np.uint8),))


def least(work: Callable[[], object], repeats: int) -> float:
    """Milliseconds of CPU."""
    spent = []
    for _ in range(repeats):
        start = time.thread_time()
        work()
        spent.append(1e3 * (time.thread_time() - start))
    return min(spent)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=9)
    settings = parser.parse_args()
    for level in range(len(LEVEL_FACES)):
        measure(level, settings.people, settings.repeats)


def measure(level: int, people: int, repeats: int) -> None:
    """Dress and pose people at one level of detail."""
    dressing, posing, skinning, faces = [], [], [], []
    for i in range(-len(GENDERS), people):  # the first three warm up
        rng = np.random.default_rng(abs(i))
        body = load_body("open", GENDERS[i % 3], level)
        look = sample_look(rng, landmarks(body), body.gender)
        betas = np.clip(rng.normal(size=body.num_betas), -2, 2).astype(np.float32)
        clip = builtin_clip(i % 7, 0, seconds=1.0)
        pose = betas[None], clip.poses[:1], np.zeros((1, 3))
        posed, dressed = pose_body(body, *pose), dress(body, betas, look, BLANK)
        dressed.pose(posed)
        if i < 0:
            continue
        dressing.append(least(partial(dress, body, betas, look, BLANK), repeats))
        posing.append(least(partial(dressed.pose, posed), repeats))
        skinning.append(least(partial(pose_body, body, *pose), repeats))
        faces.append([len(surface.faces) for surface in dressed.surfaces])
    print("level {}: {:.0f} faces of skin, {:.0f} worn".format(level, *np.mean(faces, axis=0)))
    for name, spent in (("dress", dressing), ("pose clothes", posing), ("pose body", skinning)):
        print(f"    {name:14s} mean {np.mean(spent):5.2f} ms   most {max(spent):5.2f} ms")


if __name__ == "__main__":
    main()
