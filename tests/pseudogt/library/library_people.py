"""Poses to build small libraries from: the body's landmarks with limbs moved at random."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.pseudogt.library.store import ClipEntry
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import landmarks_of

CLIPS = (
    ClipEntry("walk", "one.zip!walk.bvh", "01", "one.zip"),
    ClipEntry("run", "one.zip!run.bvh", "02", "one.zip"),
    ClipEntry("sit", "two/sit.bvh", "03", "two"),
)


def random_people(count: int, rng: np.random.Generator, bend: float = 0.4) -> NDArray[np.float64]:
    """(count, 42, 3) landmarks, metres: joints bent by normal axis-angles, turned about Y at random."""
    body = load_body("open", "neutral")
    poses = rng.normal(0, bend, (count, 24, 3))
    poses[:, 0] = 0
    poses[:, 0, 1] = rng.uniform(-np.pi, np.pi, count)
    return landmarks_of(body, np.zeros((count, 10)), poses, rng.normal(0, 1, (count, 3)))


def moving_people(clips: int, frames: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(clips x frames, 42, 3) landmarks that change a little from frame to frame, as motions do."""
    starts, ends = random_people(clips, rng), random_people(clips, rng)
    share = np.linspace(0, 1, frames)[:, None, None]
    return np.concatenate([a + share * (b - a) for a, b in zip(starts, ends, strict=True)])
