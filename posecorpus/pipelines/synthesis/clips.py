"""One clip of a synthetic corpus: which motions it shows, its scenes, and their labelled frames."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.sample import Sample
from posecorpus.core.seeds import generator
from posecorpus.synth.balance.starts import draw_start
from posecorpus.synth.config import SynthConfig
from posecorpus.synth.labels import make_sample
from posecorpus.synth.regressors.regressor import JointRegressor
from posecorpus.synth.sampling import ClipDraw, Materials, crowd_size, draw_scenes, stage_of
from posecorpus.synth.store import MotionStore
from posecorpus.synth.studio import renderer, shoot


def clip_samples(
    config: SynthConfig,
    seed: int,
    index: int,
    frames: int,
    engine: str,
    motions: MotionStore,
    materials: Materials,
    regressor: JointRegressor | None = None,
) -> Iterator[Sample]:
    """The labelled frames of the ``index``-th clip, a function of its arguments alone.

    Args:
        engine: ``raster`` or ``pyrender``.
        regressor: of the joints people are labelled with, if not all landmarks.
    """
    picks = [
        draw_clip(config, seed, motions.lengths, index, frames, person, motions.starts)
        for person in range(crowd_size(config, seed, index))
    ]
    shown = [motions[number] for number, _ in picks]
    scenes = draw_scenes(config, seed, [draw for _, draw in picks], shown, materials)
    photo = scenes[0].background.photo
    provenance = {
        "source": shown[0].source,
        "seed": seed,
        "clip_index": index,
        "background": Path(photo).name if photo else "room",
        "renderer": engine,
    }
    clip = f"{index:06d}"
    for t, shot in enumerate(shoot(scenes, renderer(engine))):
        key = f"{clip}-{t:04d}"
        yield make_sample(
            key, scenes[t], shot.frame, shot.joints, clip, t, provenance, shot.photograph, regressor
        )


def count_people(config: SynthConfig, seed: int, clips: int) -> int:
    """About how many people all clips have together, judged by the first ones."""
    some = min(clips, 1000)
    return round(clips * sum(crowd_size(config, seed, index) for index in range(some)) / some)


def draw_clip(
    config: SynthConfig,
    seed: int,
    lengths: NDArray[np.integer],
    index: int,
    frames: int,
    person: int = 0,
    table: NDArray[np.floating] | None = None,
) -> tuple[int, ClipDraw]:
    """Which motion the ``person``-th person of the ``index``-th clip shows, and from where.

    Only motions long enough take part.

    Args:
        table: where clips start if poses are balanced, for clips of ``frames`` frames; it then decides
            instead of the configuration's weighting.
    """
    rng = generator(seed, stage_of("plan", person), index)
    if table is not None:
        number, start = draw_start(table, lengths, rng)
        return number, ClipDraw(index, start, frames)
    starts = np.maximum(lengths - frames, 0)  # a frame needs the one after it
    weights = starts if config.motion.weighting == "frame" else (starts > 0)
    # What `rng.choice` does and draws, but for its checks of the weights, which take most of its time.
    reached = np.cumsum(weights / weights.sum())
    number = int(np.searchsorted(reached / reached[-1], rng.random(), side="right"))
    return number, ClipDraw(index, int(rng.integers(starts[number])), frames)
