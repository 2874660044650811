"""``posecorpus lift``: 3D for the people of an annotated corpus, with what it can be trusted.

The story: open the library with its calibrated trust; shard by shard, gather the people of each
skeleton, lift them in one batch, predict their errors, and write them back. Where the truth is given
(renders that were imported as if they were photos), the measured errors are written beside the
predicted ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.core.progress import Report, silent
from posecorpus.core.sample import HIDDEN, Lift, Person, Sample
from posecorpus.core.shards import Corpus, file_sha256
from posecorpus.core.skeletons import Skeleton, skeleton
from posecorpus.pipelines.derive import derive, digest, open_source, refuse_drawn
from posecorpus.pipelines.lifting.summary import Summary, summarise
from posecorpus.pipelines.lifting.truth import measured_error_mm
from posecorpus.pseudogt.library.files import LIBRARY, open_library
from posecorpus.pseudogt.library.store import PoseLibrary
from posecorpus.pseudogt.lift.lift import Lifter
from posecorpus.pseudogt.lift.lifted import Lifted, LiftSettings, Trust
from posecorpus.pseudogt.lift.trust import TRUST, TrustModel

DEFAULT_FOV_DEG = 50.0
"""Of the longer side of a photo: a 39 mm lens on 35 mm film, between a phone's and a portrait lens."""


@dataclass(frozen=True)
class LiftRequest:
    """What to lift, and how.

    Attributes:
        library: folder that ``posecorpus library`` wrote.
        fov_deg: field of view along the longer side, for images whose camera is unknown.
        truth: folder of a corpus of the same keys and people that knows the 3D, or None.
    """

    library: Path
    settings: LiftSettings = field(default_factory=LiftSettings)
    fov_deg: float = DEFAULT_FOV_DEG
    truth: Path | None = None


def lift_corpus(
    annotations: Path, request: LiftRequest, out: Path, *, workers: int = 1, report: Report = silent
) -> tuple[Path, Summary]:
    """Write the lifted corpus, or finish it; gives its manifest's path and what came out.

    Args:
        annotations: folder of a corpus with 2D joints.

    Raises:
        InputError: no corpus, no library, or ``out`` holds something else.
    """
    if not 1 <= request.fov_deg < 170:
        raise InputError("--camera", "a field of view of 1 to 170 degrees", request.fov_deg)
    corpus = open_source(annotations, out)
    refuse_drawn(corpus, "lift")
    trust = open_trusted_library(request.library)[1]
    for name in corpus.manifest.skeletons:
        _lifter(request.library, name, request.settings)  # builds the search index once, not in every worker
    settings = asdict(request.settings) | {"fov_deg": request.fov_deg}
    inputs = digest(corpus) | {name: file_sha256(request.library / name) for name in (LIBRARY, TRUST)}
    if request.truth is not None:
        inputs["truth"] = digest(Corpus(request.truth))["corpus"]
    planned = corpus.manifest.model_copy(
        update={
            "kind": "lift",
            "configuration": corpus.manifest.configuration | {"lift": settings},
            "inputs": inputs,
            "trust": trust.reliability(),
            "shards": [],
        }
    )
    path = derive(corpus, out, planned, lift_samples, request, workers, report, "lifting")
    return path, summarise(Corpus(out))


def lift_samples(request: LiftRequest, samples: Iterator[Sample]) -> Iterable[Sample]:
    """The samples of a shard with their people lifted."""
    shard = [_with_camera(sample, request.fov_deg) for sample in samples]
    by_skeleton: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for s, sample in enumerate(shard):
        for p, person in enumerate(sample.people):
            by_skeleton[person.skeleton].append((s, p))
    for name, places in by_skeleton.items():
        _lift_people(request, skeleton(name), shard, places)
    return shard


def _lift_people(
    request: LiftRequest, joints: Skeleton, shard: list[Sample], places: list[tuple[int, int]]
) -> None:
    """Lift the people at ``places`` (sample, person) of a shard, in place."""
    library, model = open_trusted_library(request.library)
    people = [shard[s].people[p] for s, p in places]
    annotated = np.stack([person.joints2d for person in people]).astype(np.float64)
    lifted = _lifter(request.library, joints.name, request.settings).lift(
        annotated, _intrinsics(shard, places)
    )
    trust = model.predict(lifted, library, joints, request.settings.method)
    for i, (s, p) in enumerate(places):
        sample = shard[s]
        if lifted.refused[i] is not None:
            refusals = sample.provenance.setdefault("refused", {})
            refusals[str(p)] = lifted.refused[i]
            sample.people[p] = replace(people[i], joints3d=None)
            continue
        measured = (
            None
            if request.truth is None
            else measured_error_mm(request.truth, sample.key, p, joints, lifted.joints3d[i])
        )
        sample.people[p] = _lifted_person(
            people[i], lifted, trust, i, library, request.settings.method, measured
        )


def _lifted_person(
    person: Person,
    lifted: Lifted,
    trust: Trust,
    i: int,
    library: PoseLibrary,
    method: str,
    measured: float | None,
) -> Person:
    pose = int(lifted.views[i, 0]) // library.views
    completed = lifted.completed[i]
    lift = Lift(
        method=method,
        completed=completed,
        match_distance=float(lifted.distances[i, 0]),
        residual_px=float(lifted.residual_px[i]),
        spread_mm=lifted.spread_mm[i].astype(np.float32),
        error_mm=trust.error_mm[i].astype(np.float32),
        interval_mm=trust.interval_mm[i].astype(np.float32),
        pose_error_mm=float(trust.pose_error_mm[i]),
        pose_interval_mm=trust.pose_interval_mm[i].astype(np.float32),
        hypotheses=lifted.hypotheses[i][lifted.views[i] >= 0],
        measured_error_mm=measured,
    )
    return replace(
        person,
        joints2d=lifted.joints2d[i].astype(np.float32),
        visibility=np.where(completed, np.uint8(HIDDEN), person.visibility).astype(np.uint8),
        joints3d=lifted.joints3d[i].astype(np.float32),
        motion=library.clips[int(library.clip[pose])].name,
        motion_frame=int(library.frame[pose]),
        lift=lift,
    )


def _with_camera(sample: Sample, fov_deg: float) -> Sample:
    """The sample with a camera: its own, or one assumed, which its provenance tells."""
    if sample.camera is not None:
        return sample
    camera = Camera.assumed(fov_deg, sample.width, sample.height)
    return replace(sample, camera=camera, provenance=sample.provenance | {"assumed_fov_deg": fov_deg})


def _intrinsics(shard: list[Sample], places: list[tuple[int, int]]) -> NDArray[np.float64]:
    cameras = [shard[s].camera for s, _ in places]
    return np.stack([camera.K for camera in cameras if camera is not None])


@lru_cache(maxsize=1)
def open_trusted_library(folder: Path) -> tuple[PoseLibrary, TrustModel]:
    """A library and what its lifting can be trusted.

    Raises:
        InputError: no library there, or one that another version made.
    """
    return open_library(folder), TrustModel.open(folder / TRUST)


@lru_cache(maxsize=8)
def _lifter(library: Path, name: str, settings: LiftSettings) -> Lifter:
    return Lifter(open_trusted_library(library)[0], skeleton(name), settings)
