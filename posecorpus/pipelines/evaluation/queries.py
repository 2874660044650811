"""Who is photographed in an evaluation of lifting, and under which conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.seeds import generator
from posecorpus.core.skeletons import Skeleton
from posecorpus.pipelines.lifting.motion_landmarks import clip_landmarks, collection_of
from posecorpus.pseudogt.lift.simulate import MASKS, Condition, Queries, simulate
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.motion import BodyMotion

NOISES = (0.0, 0.02, 0.05)
USUAL_NOISE = 0.02
NARROW_FOV_DEG, WIDE_FOV_DEG = 30.0, 80.0
"""Badly wrong: the photos have 45 to 55 degrees."""
OTHER_SHAPES_STD, SHAPE_LIMIT = 1.0, 2.0
_MASK_TEXT = {
    "none": "all joints",
    "ankles": "no ankles",
    "one arm": "one arm missing",
    "any four": "any four missing",
    "below hips": "nothing below the hips",
}


@dataclass(frozen=True)
class EvalCondition:
    """A row of the evaluation.

    Attributes:
        label: for people.
        condition: of the photos.
        shapes: standard deviation of the photographed people's shape coefficients, one draw a clip; 0
            is the body that the library's poses are on.
        grid: whether it belongs to the grid of noise and masks.
    """

    label: str
    condition: Condition
    shapes: float = 0.0
    grid: bool = False


def conditions(shapes: float) -> tuple[EvalCondition, ...]:
    """The grid of noise and masks on bodies of the given ``shapes``, then what goes wrong with photos."""
    grid = [
        EvalCondition(f"{_MASK_TEXT[mask]}, {noise:.0%} noise", Condition(noise, mask), shapes, grid=True)
        for noise in NOISES
        for mask in MASKS
    ]
    other = 0.0 if shapes > 0 else OTHER_SHAPES_STD
    people = "the library's own body shape" if shapes > 0 else "people of other shapes"
    n = USUAL_NOISE
    special = [
        EvalCondition("cropped around the person", Condition(n, crop="person"), shapes),
        EvalCondition("cropped at the waist", Condition(n, crop="waist"), shapes),
        EvalCondition("camera known exactly", Condition(n, told_fov_deg=None), shapes),
        EvalCondition(f"told {NARROW_FOV_DEG:.0f}° of view", Condition(n, told_fov_deg=NARROW_FOV_DEG), shapes),
        EvalCondition(f"told {WIDE_FOV_DEG:.0f}° of view", Condition(n, told_fov_deg=WIDE_FOV_DEG), shapes),
        EvalCondition(people, Condition(n), other),
        EvalCondition(f"{people}, any four missing", Condition(n, "any four"), other),
    ]  # fmt: skip
    return (*grid, *special)


@dataclass(frozen=True, eq=False)
class EvalPeople:
    """Q poses of unseen people.

    Attributes:
        landmarks: (Q, 42, 3) float32 metres, by standard deviation of the body shapes.
        clip: (Q,) index into ``names``; frame: (Q,) its frame.
        source: (Q,) the MoCap source of each, an index into ``sources``.
        names, sources: of clips and sources.
    """

    landmarks: dict[float, NDArray[np.float32]]
    clip: NDArray[np.int64]
    frame: NDArray[np.int64]
    source: NDArray[np.int64]
    names: tuple[str, ...]
    sources: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.clip)

    def photographs(self, condition: EvalCondition, skeleton: Skeleton, seed: int) -> Queries:
        """The same people from the same places under every condition."""
        rng = generator(seed, "eval photos")
        return simulate(self.landmarks[condition.shapes], skeleton, condition.condition, rng)

    def save(self, path: Path) -> None:
        """Write for the workers."""
        shapes = {f"landmarks {std!r}": values for std, values in self.landmarks.items()}
        arrays = {"clip": self.clip, "frame": self.frame, "source": self.source}
        texts = {"names": np.array(self.names, str), "sources": np.array(self.sources, str)}
        np.savez(path, allow_pickle=False, **arrays, **texts, **shapes)

    @staticmethod
    def open(path: Path) -> EvalPeople:
        """Read what :meth:`save` wrote."""
        with np.load(path, allow_pickle=False) as data:
            prefix = "landmarks "
            return EvalPeople(
                {float(key.removeprefix(prefix)): data[key] for key in data if key.startswith(prefix)},
                data["clip"], data["frame"], data["source"],
                tuple(data["names"].tolist()), tuple(data["sources"].tolist()),
            )  # fmt: skip


def draw_people(clips: Sequence[BodyMotion], count: int, shapes: Sequence[float], seed: int) -> EvalPeople:
    """Draw poses, as many of each clip as of any other, frames at random.

    Args:
        clips: of the people to report on.
        count: how many poses.
        shapes: standard deviations of body shapes to make landmarks for.
    """
    if count < 1:
        raise InputError("--queries", "at least 1", count)
    rng = generator(seed, "eval poses")
    clip = np.sort(np.resize(rng.permutation(len(clips)), count))
    lengths = np.array([len(motion.poses) for motion in clips])
    frame = (rng.random(count) * lengths[clip]).astype(np.int64)
    collections = [collection_of(motion.source) for motion in clips]
    sources = tuple(dict.fromkeys(collections))
    landmarks = {std: _landmarks(clips, clip, frame, std, seed) for std in dict.fromkeys(shapes)}
    source = np.array([sources.index(name) for name in collections])[clip]
    return EvalPeople(landmarks, clip, frame, source, tuple(m.name for m in clips), sources)


def _landmarks(
    clips: Sequence[BodyMotion],
    clip: NDArray[np.int64],
    frame: NDArray[np.int64],
    shapes: float,
    seed: int,
) -> NDArray[np.float32]:
    body = load_body("open", "neutral")
    parts = []
    for number in np.unique(clip):
        draw = generator(seed, "eval shape", int(number)).normal(0, 1, body.num_betas)
        betas = np.clip(shapes * draw, -SHAPE_LIMIT, SHAPE_LIMIT)
        parts.append(clip_landmarks(clips[number], body, betas)[frame[clip == number]])
    return np.concatenate(parts)
