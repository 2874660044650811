"""``posecorpus library``: motions in, a library of distinct poses and virtual views out.

The story: read and retarget the motions, take their landmarks, drop near-duplicates, choose the views,
see what each source adds, and calibrate what lifting with the library can be trusted. Each stage
leaves its result in the folder, so a run that was stopped goes on with the stage it had reached;
``library.json`` comes last, and a folder that has it is whole.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import sync_folder, write_atomically
from posecorpus.core.progress import Report, silent
from posecorpus.core.skeletons import FULL_42
from posecorpus.pipelines.engine import Run, local_engine
from posecorpus.pipelines.inputs import Motions, prepare_motions
from posecorpus.pipelines.lifting.library_plan import ASIDE, Plan, begun_plan, check_folder
from posecorpus.pipelines.lifting.motion_landmarks import clip_landmarks
from posecorpus.pipelines.synthesis.synthesize import BUILTIN_CLIPS
from posecorpus.pseudogt.library.build import (
    DEFAULT_ELEVATION_DEG,
    DEFAULT_SPACING_MM,
    DEFAULT_VIEWS,
    assemble,
    select_poses,
)
from posecorpus.pseudogt.library.files import (
    LIBRARY,
    map_library,
    read_info,
    write_arrays,
)
from posecorpus.pseudogt.library.gains import Gains, measure_gains
from posecorpus.pseudogt.lift.trust import TRUST
from posecorpus.pseudogt.lift.trust_calibrate import QUERIES, calibrate
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.config import MotionConfig, load_config

LANDMARKS, KEPT, GAINS = "landmarks.npy", "kept.npy", "gains.json"
DEFAULT_FPS = 30.0


@dataclass(frozen=True)
class LibraryRequest:
    """Everything that decides a library, but for the contents of the motion files.

    Attributes:
        motions: MoCap files, folders and zips; the built-in motions if empty.
        views: directions that each pose is seen from.
        spacing_mm: mean landmark distance within which a pose is a near-duplicate.
        mirror: also add mirror images.
        elevation_deg: range of the views' heights above the horizon.
        seed: decides the views, what is measured on them, and the built-in motions.
        skip_bad: leave out unusable files and list them, instead of stopping.
        fps: rate at which motions are read; near-duplicates are dropped anyway.
        calibration: people that are lifted to calibrate what lifting can be trusted.
        leave_out: subjects whose clips are not used, to be lifted as unseen people.
    """

    motions: tuple[Path, ...] = ()
    views: int = DEFAULT_VIEWS
    spacing_mm: float = DEFAULT_SPACING_MM
    mirror: bool = False
    elevation_deg: tuple[float, float] = DEFAULT_ELEVATION_DEG
    seed: int = 0
    skip_bad: bool = False
    fps: float = DEFAULT_FPS
    calibration: int = QUERIES
    leave_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.views < 1:
            raise InputError("--views", "at least 1", self.views)
        if not 0 <= self.spacing_mm <= 10_000:
            raise InputError("--spacing-mm", "0 to 10000", self.spacing_mm)
        low, high = self.elevation_deg
        if not -90 <= low <= high <= 90:
            raise InputError("--elevation", "the lower and the higher end, within -90 to 90", f"{low} {high}")
        if not 0 < self.fps <= 240:
            raise InputError("--fps", "up to 240 frames a second", self.fps)
        if self.calibration < 1:
            raise InputError("--calibration", "at least 1", self.calibration)

    @property
    def settings(self) -> dict[str, Any]:
        """What ``library.json`` says about it."""
        return {
            "views": self.views,
            "spacing_mm": self.spacing_mm,
            "mirror": self.mirror,
            "elevation_deg": list(self.elevation_deg),
            "seed": self.seed,
            "fps": self.fps,
            "calibration": self.calibration,
            "builtin": not self.motions,
            "leave_out": sorted(self.leave_out),
        }

    @property
    def motion_config(self) -> MotionConfig:
        """How motions are read."""
        return load_config("surreal").motion.model_copy(update={"fps": self.fps})


def build(
    request: LibraryRequest,
    out: Path,
    *,
    workers: int = 1,
    motions: Motions | None = None,
    report: Report = silent,
    note: Callable[[str], None] = lambda message: None,
) -> Path:
    """Make, or finish, a library.

    Args:
        out: its folder. If it holds a part of the same library, only the rest is made.
        motions: those of the request, where the caller has prepared them already.
        report: told how far each stage is.
        note: called with a line for each thing the user should know.

    Returns:
        The path of ``library.json``.

    Raises:
        InputError: unusable motions, or ``out`` holds something else.
    """
    check_folder(out)
    with local_engine(workers) as run:
        plan = _plan(request, out, motions, run, report, note)
    if (out / LIBRARY).exists():
        note("finished before")
        shutil.rmtree(out / ASIDE, ignore_errors=True)
    else:
        _build(request, out, plan, workers, report, note)
    for line in Gains.from_dict(read_info(out).gains or {}).lines():
        note(line)
    return out / LIBRARY


def _plan(
    request: LibraryRequest,
    out: Path,
    motions: Motions | None,
    run: Run,
    report: Report,
    note: Callable[[str], None],
) -> Plan:
    """The plan of the library; unless it is finished, the landmarks lie in its folder afterwards."""
    begun = begun_plan(out)
    if begun is not None:
        begun.check(out, request.settings, request.motions, report)
        if (out / LIBRARY).exists() or (out / ASIDE / LANDMARKS).exists():
            return begun
    if motions is None:
        motions = read_motions(request, run, report)
    motions = _without(motions, request.leave_out)
    note(f"{len(motions.clips):,} motions, {sum(len(m.poses) for m in motions.clips):,} poses")
    plan = Plan.of(motions, request.settings)
    plan.write(out)
    _write_landmarks(out / ASIDE, motions, report)
    return plan


def read_motions(request: LibraryRequest, run: Run, report: Report = silent) -> Motions:
    """The motions of a request, on the body, also those of subjects that it leaves out."""
    return prepare_motions(
        request.motions,
        request.motion_config,
        request.seed,
        builtin_count=BUILTIN_CLIPS,
        frames=1,
        skip_bad=request.skip_bad,
        run=run,
        report=report,
    )


def _without(motions: Motions, subjects: tuple[str, ...]) -> Motions:
    """The motions of all other subjects; the digests stay, as all files were read."""
    clips = [clip for clip in motions.clips if clip.subject not in subjects]
    if not clips:
        raise InputError("motions", "clips of subjects that are not left out", "none")
    return replace(motions, clips=clips)


def _write_landmarks(aside: Path, motions: Motions, report: Report) -> None:
    """The landmarks of all clips on the average body, with the number of each one's clip and frame."""
    body = load_body("open", "neutral")
    lengths = np.array([len(motion.poses) for motion in motions.clips])
    _save(aside / "clip.npy", np.repeat(np.arange(len(lengths), dtype=np.int32), lengths))
    _save(aside / "frame.npy", np.concatenate([np.arange(n, dtype=np.int32) for n in lengths]))
    part = aside / f"{LANDMARKS}.part.npy"
    shape = (int(lengths.sum()), len(FULL_42), 3)
    landmarks = np.lib.format.open_memmap(part, mode="w+", dtype=np.float32, shape=shape)
    start = 0
    for done, motion in enumerate(motions.clips, 1):
        landmarks[start : start + len(motion.poses)] = clip_landmarks(motion, body)
        start += len(motion.poses)
        report("posing", done, len(motions.clips))
    landmarks.flush()
    del landmarks
    part.replace(aside / LANDMARKS)
    sync_folder(aside)


def _build(
    request: LibraryRequest,
    out: Path,
    plan: Plan,
    threads: int,
    report: Report,
    note: Callable[[str], None],
) -> None:
    aside = out / ASIDE
    landmarks = np.lib.format.open_memmap(aside / LANDMARKS, mode="r")
    clip, frame = np.load(aside / "clip.npy"), np.load(aside / "frame.npy")
    clips = tuple(clip.entry for clip in plan.clips)

    rows, flipped = _kept(request, aside, landmarks, report)
    note(f"{len(rows):,} distinct poses x {request.views} views")
    if not (aside / GAINS).exists():
        gains = measure_gains(
            landmarks, clip, clips, rows[~flipped],
            views=request.views, spacing_mm=request.spacing_mm, elevation_deg=request.elevation_deg,
            seed=request.seed, report=report,
        )  # fmt: skip
        write_atomically(aside / GAINS, json.dumps(gains.as_dict()).encode())
    library = assemble(
        landmarks, clip, frame, clips, rows, flipped, request.views, request.elevation_deg, request.seed
    )
    written = write_arrays(library, out)
    info = written.model_copy(
        update={
            "request": plan.request,
            "inputs": plan.inputs,
            "skipped": plan.skipped,
            "gains": json.loads((aside / GAINS).read_bytes()),
        }
    )
    if not (out / TRUST).exists():
        # On what the folder holds, so that the same bytes come out whether or not the run was stopped.
        trust = calibrate(
            map_library(out, info),
            seed=request.seed,
            queries=request.calibration,
            report=report,
            threads=threads,
        )
        trust.save(out / TRUST)
    info.write(out)
    shutil.rmtree(aside)


def _kept(
    request: LibraryRequest, aside: Path, landmarks: NDArray[np.float32], report: Report
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    path = aside / KEPT
    if not path.exists():
        report("dropping duplicates", 0, 1)
        rows, flipped = select_poses(landmarks, request.spacing_mm, mirror=request.mirror)
        _save(path, np.stack([rows, flipped.astype(np.int64)]))
        report("dropping duplicates", 1, 1)
    stored = np.load(path)
    return stored[0], stored[1].astype(np.bool_)


def _save(path: Path, values: NDArray[Any]) -> None:
    part = path.with_name(f"{path.name}.part.npy")
    np.save(part, values, allow_pickle=False)
    part.replace(path)
