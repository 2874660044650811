"""How evenly balanced draws cover the poses, and what weighing costs.

    python benchmarks/balance.py [--motions data/mocap] [--draws 2000] [--million]

Claims (docs/balance.md): of the evenly spread probes at least 1.5 times as many have a pose within 50 mm if as
many poses are drawn balanced as unbalanced; weighing 1,000,000 frames against 1,000,000 poses (``--million``) stays
below 1.5 GB.

The reference is ``--draws`` frames of the first collection's motions (with built-in motions, of their first
fifth). Every fifth subject is held out: its poses are no candidates, and probe what draws bring to people never
captured. Tables for other powers, radii and neighbours are what the constants were chosen by.
"""

from __future__ import annotations

import argparse
import resource
import time
import zlib
from pathlib import Path

import numpy as np

from posecorpus.core.seeds import generator
from posecorpus.core.skeletons import FULL_42, LCR_13, correspondence
from posecorpus.pipelines.engine import local_engine
from posecorpus.pipelines.inputs import prepare_motions
from posecorpus.pipelines.lifting.motion_landmarks import clip_landmarks, collection_of
from posecorpus.synth.balance.coverage import coverage, spread
from posecorpus.synth.balance.density import MAX_QUERIES, POWER, SCALE_MM, thin
from posecorpus.synth.balance.poses import COMPARED, Poses, comparable
from posecorpus.synth.balance.weights import NEIGHBOURS, thinness_weights
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.config import load_config

LENGTH_M = 3.5


def read(motions: list[Path], workers: int) -> tuple[Poses, Poses, Poses]:
    """Poses of the reference's motions, of the candidates' (the others), and of the held-out subjects'."""
    with local_engine(workers, print) as run:
        config = load_config("surreal").motion
        found = prepare_motions(motions, config, 0, builtin_count=160, frames=2, skip_bad=True, run=run).clips
    body, joints = load_body("open", "neutral"), correspondence(FULL_42, LCR_13)
    first = sorted({collection_of(motion.source) for motion in found})[0]
    parts: tuple[list[Poses], ...] = ([], [], [])
    for number, motion in enumerate(found):
        poses = comparable(clip_landmarks(motion, body)[:, joints], COMPARED, LENGTH_M)
        own = collection_of(motion.source) == first if motions else number < len(found) // 5
        held = zlib.crc32(motion.subject.encode()) % 5 == 0 if motions else number % 5 == 4
        parts[0 if own else 2 if held else 1].append(poses)
    reference, candidates, held_out = (np.concatenate(part) for part in parts)
    return reference, candidates, held_out


def compare(reference: Poses, candidates: Poses, held_out: Poses, draws: int) -> None:
    """Print coverage by unbalanced draws and by balanced ones under several constants."""
    rng = generator(0, "benchmark")
    there = reference[rng.integers(len(reference), size=draws)]
    probes = {"candidates": spread(thin(candidates, MAX_QUERIES).poses), "held out": spread(held_out)}

    def show(name: str, poses: Poses) -> None:
        for what, where in probes.items():
            print(f"{name:<44}{what:<12}{coverage(np.concatenate([there, poses]), where)}", flush=True)

    def balanced(name: str, k: int = NEIGHBOURS, power: float = POWER, scale: float = SCALE_MM) -> None:
        weights = thinness_weights(candidates, there, draws, k, power=power, scale_mm=scale)
        show(name, candidates[generator(0, "draws").choice(len(candidates), draws, p=weights)])

    show("reference alone", candidates[:0])
    show("+ unbalanced", candidates[generator(0, "draws").integers(len(candidates), size=draws)])
    balanced("+ balanced")
    for k in (1, 3, 30):
        balanced(f"+ balanced, k = {k}", k=k)
    for power in (1.0, 3.0, 7.0):
        balanced(f"+ balanced, power {power:g}", power=power)
    for scale in (25.0, 100.0):
        balanced(f"+ balanced, radius {scale:g} mm", scale=scale)


def million(candidates: Poses) -> None:
    """Time and memory of a million frames against a million poses: what there is, shaken by some 2 cm."""
    rng = generator(0, "million")
    many = candidates[np.arange(1_000_000) % len(candidates)]
    shaken = [many + rng.integers(-10, 11, many.shape, dtype=np.int16) for _ in range(2)]
    start, cpu = time.perf_counter(), time.process_time()
    thinness_weights(shaken[0], shaken[1], 100_000)
    took, cost = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"1,000,000 frames against 1,000,000 poses: {took:.0f} s ({cost:.0f} s CPU), peak {peak:.2f} GB")


def main() -> None:
    """Parse arguments and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--motions", type=Path, action="append", default=[])
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--million", action="store_true")
    arguments = parser.parse_args()
    reference, candidates, held_out = read(arguments.motions, arguments.workers)
    print(f"{len(reference)} frames to refer to, {len(candidates)} candidates, {len(held_out)} held out")
    compare(reference, candidates, held_out, arguments.draws)
    if arguments.million:
        million(candidates)


if __name__ == "__main__":
    main()
