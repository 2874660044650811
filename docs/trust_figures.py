"""Measures the figures of ``trust.md`` on unseen subjects.

``python docs/trust_figures.py LIB --motions mocap/ --report 06,11,HDM_mm`` lifts photos of the named subjects, which the
library must not hold (``posecorpus eval-lift --hold-out`` makes such a library in its folder), and compares predicted
with true errors. Poses are drawn in two ways: every source alike, and every frame alike. Ranks of poses of one clip are
not independent, so the interval of a rank correlation comes from drawing whole clips again.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.seeds import generator
from posecorpus.core.skeletons import LSP_14
from posecorpus.pipelines.engine import local_engine
from posecorpus.pipelines.lifting.build_library import LibraryRequest, read_motions
from posecorpus.pipelines.lifting.lift_corpus import open_trusted_library
from posecorpus.pipelines.lifting.motion_landmarks import clip_landmarks, collection_of
from posecorpus.pseudogt.library.store import PoseLibrary
from posecorpus.pseudogt.lift.evaluate import torso_centred_mm
from posecorpus.pseudogt.lift.lift import Lifter
from posecorpus.pseudogt.lift.simulate import Condition, simulate
from posecorpus.pseudogt.lift.trust import TrustModel
from posecorpus.pseudogt.lift.trust_queries import drop_any
from posecorpus.pseudogt.lift.trust_reliability import Outcomes, reliability_table, spearman
from posecorpus.synth.bodies.model import load_body

CONDITIONS = {"none": Condition(), "any four": Condition(mask="any four"), "any 0 to 11": Condition()}
BATCH = 256
REDRAWS = 400


@dataclass(frozen=True, eq=False)
class Frames:
    """Landmarks (N, 42, 3) of unseen people, and the clip and the source (N,) of each."""

    landmarks: NDArray[np.float32]
    clip: NDArray[np.int64]
    source: NDArray[np.str_]


def unseen(motions: tuple[Path, ...], subjects: frozenset[str], library: PoseLibrary) -> Frames:
    """All frames of the subjects, none of whom the library may hold."""
    if known := subjects & {clip.subject for clip in library.clips}:
        raise InputError("--report", "subjects that the library lacks", sorted(known)[0])
    with local_engine(1) as run:
        read = read_motions(LibraryRequest(motions, skip_bad=True), run)
    clips = [clip for clip in read.clips if clip.subject in subjects]
    if not clips:
        raise InputError("--report", "subjects of the motions", ", ".join(sorted(subjects)))
    body = load_body("open", "neutral")
    landmarks = [clip_landmarks(clip, body) for clip in clips]
    lengths = [len(points) for points in landmarks]
    sources = np.array([collection_of(clip.source) for clip in clips])
    return Frames(
        np.concatenate(landmarks), np.repeat(np.arange(len(clips)), lengths), sources.repeat(lengths)
    )


def drawn(frames: Frames, count: int, draw: str) -> NDArray[np.int64]:
    """Rows of the frames, in a random order."""
    rng = generator(0, f"trust figures {draw}")
    if draw == "frames":
        return rng.permutation(len(frames.clip))[:count]
    parts = []
    names = np.unique(frames.source)
    for name in names:
        own = np.flatnonzero(frames.source == name)
        parts.append(rng.choice(own, count // len(names), replace=count // len(names) > len(own)))
    return rng.permutation(np.concatenate(parts))


def figures(
    library: PoseLibrary, trust: TrustModel, frames: Frames, rows: NDArray[np.int64], name: str
) -> dict[str, Any]:
    """The reliability table of a condition, with an interval of the rank correlation of poses."""
    queries = simulate(
        frames.landmarks[rows], LSP_14, CONDITIONS[name], generator(1, f"trust figures {name}")
    )
    if name.startswith("any 0"):
        drop_any(queries, LSP_14, generator(2, "trust figures"))
    lifter = Lifter(library, LSP_14)
    parts = []
    for start in range(0, len(rows), BATCH):
        part = slice(start, start + BATCH)
        lifted = lifter.lift(queries.joints2d[part], queries.K_told[part])
        said = trust.predict(lifted, library, LSP_14)
        measured = torso_centred_mm(lifted.joints3d, queries.truth3d[part], LSP_14)
        parts.append((said.pose_error_mm, said.pose_interval_mm, measured.mean(1), said.error_mm, said.interval_mm, measured))  # fmt: skip
    outcome = [np.concatenate(column) for column in zip(*parts, strict=True)]
    ok = np.isfinite(outcome[0])
    pose, ends, error, joint, joint_ends, joint_error = (values[ok] for values in outcome)
    missing = np.isnan(queries.joints2d).any(-1).sum(1)[ok]
    source, clip = frames.source[rows][ok], frames.clip[rows][ok]
    table = reliability_table(Outcomes(pose, ends, error, joint, joint_ends, joint_error, missing, source))
    return {"mpjpe_mm": round(float(error.mean()), 1), "spearman_90": redrawn(pose, error, clip)} | table


def redrawn(
    predicted: NDArray[np.float64], measured: NDArray[np.float64], clip: NDArray[np.int64]
) -> list[float]:
    """The middle 90 % of rank correlations when as many clips are drawn, with replacement."""
    rng = generator(3, "trust figures")
    of_clip = [np.flatnonzero(clip == number) for number in np.unique(clip)]
    found = []
    for _ in range(REDRAWS):
        again = np.concatenate([of_clip[i] for i in rng.integers(len(of_clip), size=len(of_clip))])
        found.append(spearman(predicted[again], measured[again]) or 0.0)
    return [round(float(end), 3) for end in np.quantile(found, [0.05, 0.95])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("library", type=Path)
    parser.add_argument("--motions", type=Path, action="append", required=True)
    parser.add_argument("--report", required=True, help="subjects, with commas between")
    parser.add_argument("--people", type=int, default=2400)
    asked = parser.parse_args()
    library, trust = open_trusted_library(asked.library)
    frames = unseen(tuple(asked.motions), frozenset(asked.report.split(",")), library)
    for draw in ("sources", "frames"):
        rows = drawn(frames, asked.people, draw)
        for name in CONDITIONS:
            print(f"{draw} alike, missing joints: {name}")
            for key, value in figures(library, trust, frames, rows, name).items():
                print(f"    {key}: {value}")


if __name__ == "__main__":
    main()
