"""``posecorpus anchors``: K anchor poses of corpora or motions, and how good they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from posecorpus.anchors.bank import Anchors, make_anchors, save_anchors
from posecorpus.anchors.poses import PoseSet, joined
from posecorpus.anchors.quality import WITHIN_M, Coverage, Drift, coverage, drift, elbow
from posecorpus.core.errors import InputError
from posecorpus.core.manifest import write_atomically
from posecorpus.core.progress import Report, silent
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import Skeleton, skeleton
from posecorpus.pipelines.anchoring.corpus_people import corpus_people
from posecorpus.pipelines.anchoring.motion_people import motion_people
from posecorpus.pipelines.engine import open_engine
from posecorpus.pipelines.inputs import prepare_motions
from posecorpus.synth.config import load_config

BUILTIN_CLIPS = 60


@dataclass(frozen=True)
class AnchorsRequest:
    """What is asked for.

    Attributes:
        corpora: folders or URLs; all people with whole 3D are taken.
        motions: MoCap instead; built-in motions if both are empty.
        clusters: K.
        upper_body: whether there are K more classes, of upper bodies.
        skeleton: name of the joint set.
        views: virtual views of each frame of motions.
        held_out: a corpus whose coverage is told; None for none.
        seed: of clusters and views.
        skip_bad: leave out unusable motions.
    """

    corpora: tuple[str, ...] = ()
    motions: tuple[Path, ...] = ()
    clusters: int = 100
    upper_body: bool = False
    skeleton: str = "lcr_13"
    views: int = 4
    held_out: str | None = None
    seed: int = 0
    skip_bad: bool = False


@dataclass(frozen=True)
class AnchorsMade:
    """What came out.

    Attributes:
        path: of the anchors.
        poses: how many were clustered; left_out: those that lacked a joint.
        drift: to the anchors of the next seed.
        held_out: coverage of the corpus held out.
        elbow: (anchors, inertia in squared metres) for fewer and more anchors.
    """

    path: Path
    anchors: Anchors
    poses: int
    left_out: int
    drift: Drift
    held_out: Coverage | None
    elbow: tuple[tuple[int, float], ...]

    def as_json(self) -> dict[str, Any]:
        """For the file of figures beside the anchors."""
        return {
            "poses": self.poses,
            "left_out": self.left_out,
            "inertia_m2": self.anchors.inertia,
            "elbow": [list(pair) for pair in self.elbow],
            "drift_to_next_seed": asdict(self.drift),
            "held_out": asdict(self.held_out) if self.held_out else None,
            "within_m": list(WITHIN_M),
        }

    def __str__(self) -> str:
        a = self.anchors
        lines = [
            f"{self.poses:,} poses in {len(a)} clusters of {a.counts.min():,} to {a.counts.max():,}"
            + (f"; {self.left_out:,} lacked a joint" if self.left_out else ""),
            f"members are {1e3 * float((a.spread_m * a.counts).sum() / a.counts.sum()):.0f} mm from their anchor on "
            f"average, the farthest {1e3 * a.farthest_m.max():.0f} mm",
            f"another seed's anchors are {1e3 * self.drift.mean_m:.0f} mm away on average",
        ]
        if self.held_out:
            near = ", ".join(
                f"{share:.0%} within {1e3 * radius:.0f}"
                for share, radius in zip(self.held_out.within, WITHIN_M, strict=True)
            )
            lines.append(f"of {self.held_out.poses:,} held-out poses {near} mm of an anchor")
        return "\n".join(lines)


def cluster_anchors(
    request: AnchorsRequest, out: Path, *, workers: int = 1, report: Report = silent
) -> AnchorsMade:
    """Cluster, measure, and write ``out`` (.npz), a readable .json and the figures (.quality.json) beside it.

    Raises:
        InputError: nobody to cluster, too few poses, or ``out`` cannot be written.
    """
    if out.suffix != ".npz":
        raise InputError(out, "a file name that ends in .npz", out.suffix or "none")
    if request.corpora and request.motions:
        raise InputError("anchors", "--corpus or --motions", "both")
    poses = _gathered(request, skeleton(request.skeleton), workers, report)
    report("clustering", 0, 3)
    anchors = make_anchors(poses, request.clusters, upper_body=request.upper_body, seed=request.seed)
    report("clustering", 1, 3)
    other = make_anchors(poses, request.clusters, seed=request.seed + 1)
    report("clustering", 2, 3)
    numbers = [
        k for k in (request.clusters // 4, request.clusters // 2, 2 * request.clusters) if 0 < k < len(poses)
    ]
    made = AnchorsMade(
        path=out,
        anchors=anchors,
        poses=len(poses),
        left_out=poses.left_out,
        drift=drift(anchors, other),
        held_out=_covered(request, anchors),
        elbow=tuple(sorted([*elbow(poses, numbers, request.seed), (request.clusters, anchors.inertia)])),
    )
    report("clustering", 3, 3)
    try:
        save_anchors(anchors, out)
        write_atomically(
            out.with_suffix(".quality.json"), (json.dumps(made.as_json(), indent=1) + "\n").encode()
        )
    except OSError as error:
        raise InputError(out, "a file that can be written", error.strerror) from None
    return made


def _gathered(request: AnchorsRequest, wanted: Skeleton, workers: int, report: Report) -> PoseSet:
    if request.corpora:
        return joined(_read(request.corpora, wanted, report))
    config = load_config("surreal").motion
    with open_engine("local", workers, None, print) as run:
        motions = prepare_motions(
            request.motions, config, request.seed, builtin_count=BUILTIN_CLIPS, frames=1,
            skip_bad=request.skip_bad, run=run, report=report,
        )  # fmt: skip
    return motion_people(motions.clips, wanted, request.views, request.seed, report)


def _read(places: Sequence[str], wanted: Skeleton, report: Report) -> list[PoseSet]:
    sets = []
    for done, place in enumerate(places, 1):
        sets.append(corpus_people(Corpus(place), wanted))
        report("reading corpora", done, len(places))
    return sets


def _covered(request: AnchorsRequest, anchors: Anchors) -> Coverage | None:
    if request.held_out is None:
        return None
    return coverage(corpus_people(Corpus(request.held_out), anchors.skeleton), anchors)
