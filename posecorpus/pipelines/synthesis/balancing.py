"""``synth --balance``: new poses are drawn where a reference corpus is thin.

The reference's 3D poses and the frames of the planned motions are compared (:mod:`posecorpus.synth.balance`);
what comes out is a weight for each frame that a clip can start at, as a running sum. It lies beside the motions in
the plan's folder: all workers share one memory-mapped file, and a draw is a search in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.progress import Report, silent
from posecorpus.core.seeds import generator
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import FULL_42, LCR_13, SKELETONS, Skeleton, correspondence
from posecorpus.pipelines.lifting.motion_landmarks import clip_landmarks
from posecorpus.pipelines.synthesis.corpus_poses import read_poses
from posecorpus.synth.balance.coverage import Coverage, as_json, coverage, spread
from posecorpus.synth.balance.density import MAX_QUERIES, thin
from posecorpus.synth.balance.poses import Poses, comparable, limb_length, shared_joints
from posecorpus.synth.balance.starts import draw_start, even_weights, running_sum
from posecorpus.synth.balance.weights import thinness_weights
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.motion import BodyMotion

MAX_REFERENCE = 1_000_000
"""Of more samples in the reference every n-th is read."""
MAX_SIMULATED = 20_000
"""Draws that the coverage report looks at."""


@dataclass(frozen=True)
class BalanceDraws:
    """What is going to be drawn.

    Attributes:
        people: how many, in all clips together.
        frames: of each clip.
        weighting: of unbalanced draws, to compare with: ``clip`` or ``frame``.
        mirror: whether clips are mirrored at random.
        seed: of the corpus.
    """

    people: int
    frames: int
    weighting: str
    mirror: bool
    seed: int


@dataclass(frozen=True)
class Balance:
    """What balancing decides.

    Attributes:
        starts: (F,) float64 running sum, over all frames of all motions, of the weight to start a clip there.
        before, plain, after: coverage by the reference, by it and as many poses drawn without balance,
            and by it and those drawn with.
    """

    starts: NDArray[np.float64]
    before: Coverage
    plain: Coverage
    after: Coverage

    def notes(self) -> list[str]:
        """Lines for the user."""
        return [
            f"poses of the reference cover {self.before}",
            f"with {self.plain.poses - self.before.poses} drawn unbalanced: {self.plain}",
            f"with {self.after.poses - self.before.poses} drawn balanced: {self.after}",
        ]

    def as_json(self) -> dict[str, Any]:
        """For the manifest."""
        return {name: as_json(getattr(self, name)) for name in ("before", "plain", "after")}


def open_reference(path: Path) -> Corpus:
    """The corpus to balance against.

    Raises:
        InputError: no corpus, or an unfinished one, which would be another when this run goes on.
    """
    corpus = Corpus(path)
    if not corpus.manifest.complete:
        got = f"{len(corpus.manifest.shards)} of {corpus.manifest.planned_shards} shards"
        raise InputError(path, "a finished corpus", got, "run the command that makes it again")
    return corpus


def plan_balance(
    reference: Corpus, motions: Sequence[BodyMotion], draws: BalanceDraws, k: int, report: Report = silent
) -> Balance:
    """Weigh every frame of the motions, at least one of which is longer than ``draws.frames``.

    Raises:
        InputError: the reference has no people in 3D, or cannot be read.
    """
    people = read_poses(reference, MAX_REFERENCE)
    names = shared_joints(SKELETONS[name] for name in people)
    candidates, length_m = _motion_poses(motions, names, _commonest(people), report)
    there = np.concatenate(
        [
            comparable(joints[:, picked(SKELETONS[name], names)], names, length_m)
            for name, joints in people.items()
        ]
    )
    report("balancing", 0, 1)
    weights = thinness_weights(
        candidates, there, draws.people * draws.frames, k, twins_of=names if draws.mirror else None
    )
    lengths = np.array([len(motion.poses) for motion in motions])
    starts = running_sum(weights, lengths, draws.frames)
    plain = running_sum(even_weights(lengths, draws.weighting), lengths, draws.frames)
    probes = spread(thin(candidates, MAX_QUERIES).poses)
    covered = [
        coverage(np.concatenate([there, candidates[_simulated(table, lengths, draws)]]), probes)
        for table in (plain, starts)
    ]
    report("balancing", 1, 1)
    return Balance(starts, coverage(there, probes), *covered)


def picked(shape: Skeleton, names: Sequence[str]) -> NDArray[np.intp]:
    """Which joints of a skeleton are the named ones of LCR-Net's."""
    return correspondence(shape, LCR_13)[LCR_13.indices(*names)]


def _commonest(people: Mapping[str, NDArray[np.floating]]) -> Skeleton:
    return SKELETONS[max(people, key=lambda name: len(people[name]))]


def _motion_poses(
    motions: Sequence[BodyMotion], names: Sequence[str], like: Skeleton, report: Report
) -> tuple[Poses, float]:
    """All frames as comparable poses, and the length of limbs they are scaled to.

    Args:
        like: the reference's skeleton, whose variants of the joints are taken: Human3.6M's hips are not LSP's.
    """
    body = load_body("open", "neutral")
    joints = correspondence(FULL_42, like)[picked(like, names)]
    rest = body.landmarks_template[None]
    length_m = float(limb_length(rest[:, joints], names)[0])
    poses = []
    for done, motion in enumerate(motions, 1):
        poses.append(comparable(clip_landmarks(motion, body)[:, joints], names, length_m))
        report("posing motions", done, len(motions))
    return np.concatenate(poses), length_m


def _simulated(
    table: NDArray[np.float64], lengths: NDArray[np.integer], draws: BalanceDraws
) -> NDArray[np.intp]:
    """Rows of frames that draws show: a few of each of as many clips as the report looks at."""
    shown = np.unique(np.linspace(0, draws.frames - 1, min(draws.frames, 5)).round().astype(np.intp))
    people = min(draws.people, max(1, MAX_SIMULATED // len(shown)))
    rng = generator(draws.seed, "balance report")
    firsts = np.concatenate([[0], np.cumsum(lengths)])
    found = [draw_start(table, lengths, rng) for _ in range(people)]
    starts = np.array([firsts[number] + start for number, start in found])
    return np.asarray((starts[:, None] + shown).ravel(), np.intp)
