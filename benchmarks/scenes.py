"""CPU time of a crowded picture: what a sample of ``lcr-wild`` with five people costs, and what of it goes where.

    python benchmarks/scenes.py [--backgrounds FOLDER] [--preset lcr-wild] [--samples 20] [--rounds 7]

Claims, 640x480, five dressed people, everything on but motion blur: rendering (background, shadows, normals,
rasteriser) at most 40 ms CPU a frame; all of it, from the draw to the shard on disk, at most 90 ms CPU a sample.

Stills: each has new people, clothes and a new place. Shards are made as ``synth`` makes them, in this process,
on one thread. Functions on the way are replaced by timed ones, and each stage is charged for what no stage within
it is charged for. A round is one shard; medians over rounds, so that other work on the machine counts little; the
least is printed beside them. The first shard, which also reads bodies, measures them for textures (once per body and
process), finds patterns and fills caches, is told apart.

Without photos people stand in procedural rooms; with ``--backgrounds`` on the ground of screened photos.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import gc
import platform
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np

from posecorpus.core.sample import Sample
from posecorpus.core.shards import write_shard
from posecorpus.pipelines.engine import open_engine
from posecorpus.pipelines.inputs import prepare_motions
from posecorpus.pipelines.synthesis import clips
from posecorpus.pipelines.synthesis.materials import prepare_materials
from posecorpus.synth import actors, studio
from posecorpus.synth.config import SynthConfig, load_config
from posecorpus.synth.sampling import Materials, placed, posing
from posecorpus.synth.store import MotionStore, write_store

RENDERING = ("background", "shadows", "normals", "rasteriser")
STORING = "store: codecs, Parquet, file"
BETWEEN = "between the stages"
STAGES: tuple[tuple[ModuleType, str, str], ...] = (
    (clips, "crowd_size", "draw: which motions"),
    (clips, "draw_clip", "draw: which motions"),
    (clips, "draw_scenes", "draw: looks, shapes, motions"),
    (placed, "draw_site", "draw: camera and ground"),
    (placed, "plan_around", "draw: plan of the room"),
    (posing, "pose_body", "pose, for the draw"),
    (posing, "look_of", "draw: looks, shapes, motions"),
    (placed, "place_people", "find everybody a place"),
    (placed, "draw_props", "draw: things"),
    (placed, "light_site", "draw: light"),
    (actors, "pose_body", "pose"),
    (actors, "look_of", "draw: looks, shapes, motions"),
    (actors, "dress", "dress: cut clothes"),
    (studio, "_act", "size of textures"),
    (studio, "act_scenes", "dress: move clothes"),
    (studio, "look_of", "draw: looks, shapes, motions"),
    (studio, "worn_texture", "textures"),
    (studio, "body_texture", "textures"),
    (studio, "set_up", "set things up"),
    (studio, "paint_site", "background"),
    (studio, "paint_background", "background"),
    (studio, "cast_shadow", "shadows"),
    (studio, "vertex_normals", "normals"),
    (studio, "develop", "exposure and JPEG"),
    (studio, "encode", "exposure and JPEG"),
    (clips, "make_sample", "labels"),
)
SEED = 7
MIB = 1024.0
"""``ru_maxrss`` counts KiB."""


class Clock:
    """CPU time by stage; a stage within another is charged for itself."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._open: list[str] = []
        self._since = time.process_time()

    def _charge(self) -> None:
        now = time.process_time()
        if self._open:
            self.spent[self._open[-1]] += now - self._since
        self._since = now

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, charged to a stage."""

        def call(*arguments: Any, **named: Any) -> Any:
            self._charge()
            self._open.append(stage)
            try:
                return function(*arguments, **named)
            finally:
                self._charge()
                self._open.pop()

        return call

    def paced(self, stage: str, items: Iterator[Any]) -> Iterator[Any]:
        """The items; making each is charged to a stage."""
        following = self.timed(stage, partial(next, items, None))
        while (item := following()) is not None:
            yield item


def watched(clock: Clock) -> ExitStack:
    """Timed functions in the place of the pipeline's own, until it is closed."""
    stack = ExitStack()
    for module, name, stage in STAGES:
        stack.enter_context(patch.object(module, name, clock.timed(stage, getattr(module, name))))
    render = clock.timed("rasteriser", studio.renderer("raster"))
    stack.enter_context(patch.object(clips, "renderer", lambda name: render))
    return stack


def prepare(config: SynthConfig, backgrounds: Path | None, folder: Path) -> tuple[MotionStore, Materials]:
    """Built-in motions and screened photos, as ``synth`` prepares them."""
    with open_engine("local", 1, None, print) as run:
        motions = prepare_motions(
            [], config.motion, SEED, builtin_count=40, frames=2, skip_bad=True, run=run
        ).clips
        materials = prepare_materials(config, backgrounds, skip_bad=True, run=run).materials
    write_store(folder, motions, None)
    return MotionStore(folder), materials


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backgrounds", type=Path, help="folder or zip of photos")
    parser.add_argument("--preset", default="lcr-wild")
    parser.add_argument("--people", type=int, default=5)
    parser.add_argument("--samples", type=int, default=20, help="a shard")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    place = {} if options.backgrounds or options.preset != "lcr-wild" else {"place": {"kind": "room"}}
    config = load_config(
        options.preset, sections={"people": {"count": [options.people, options.people]}, **place}
    )
    with tempfile.TemporaryDirectory() as name:
        motions, materials = prepare(config, options.backgrounds, Path(name))
        rounds = measure(config, motions, materials, Path(name), options.samples, options.rounds)
    report(rounds[0], rounds[1:], f"{options.preset}, {len(materials.plates)} places")


def measure(
    config: SynthConfig, motions: MotionStore, materials: Materials, folder: Path, samples: int, rounds: int
) -> list[dict[str, float]]:
    """CPU milliseconds a sample by stage, for each of ``rounds + 1`` shards."""

    def shard(first: int, clock: Clock) -> Iterator[Sample]:
        for index in range(first, first + samples):
            made = clips.clip_samples(config, SEED, index, 1, "raster", motions, materials)
            yield from clock.paced(BETWEEN, made)

    cv2.setNumThreads(1)
    gc.disable()  # as for shards of ``synth``
    found = []
    for number in range(rounds + 1):
        clock = Clock()
        with watched(clock):
            write = clock.timed(STORING, write_shard)
            write(folder, number, shard(number * samples, clock))
        found.append({stage: 1e3 * seconds / samples for stage, seconds in clock.spent.items()})
    return found


def report(first: dict[str, float], rounds: list[dict[str, float]], title: str) -> None:
    """Print the table."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{title}; {machine}; {len(rounds)} rounds")
    print(f"{'CPU ms a sample':34}{'median':>8}{'least':>8}{'first':>8}")
    for stage in sorted(first, key=lambda stage: -rounds_median(rounds, (stage,))):
        line(stage, first, rounds, (stage,))
    line("rendering (claim: at most 40)", first, rounds, RENDERING)
    line("all of it (claim: at most 90)", first, rounds, tuple(first))
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB:.0f} MB")


def rounds_median(rounds: list[dict[str, float]], stages: tuple[str, ...]) -> float:
    """Of the sums over some stages."""
    return float(np.median([sum(r.get(stage, 0.0) for stage in stages) for r in rounds]))


def line(name: str, first: dict[str, float], rounds: list[dict[str, float]], stages: tuple[str, ...]) -> None:
    """Median, least and first of the sums over some stages."""
    sums = [sum(r.get(stage, 0.0) for stage in stages) for r in rounds]
    begun = sum(first.get(stage, 0.0) for stage in stages)
    print(f"{name:34}{np.median(sums):8.1f}{min(sums):8.1f}{begun:8.1f}")


if __name__ == "__main__":
    main()
