"""``posecorpus eval-lift``: how good lifting is on people whom the library has never seen.

The story: build a library without the held-out subjects, photograph their poses under every condition,
lift the photos by every method, and compare with the truth. The people and their places are the same
in every row, so rows can be compared with each other.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import write_atomically
from posecorpus.core.progress import Report, silent
from posecorpus.core.seeds import generator
from posecorpus.core.skeletons import TORSO, Skeleton, skeleton
from posecorpus.pipelines.engine import Run, local_engine
from posecorpus.pipelines.evaluation.page import write_page
from posecorpus.pipelines.evaluation.queries import EvalCondition, EvalPeople, conditions, draw_people
from posecorpus.pipelines.evaluation.results import (
    DEFAULT,
    METHODS,
    Baselines,
    Results,
    Trial,
    figures,
    quantiles,
    trust_figures,
)
from posecorpus.pipelines.inputs import Motions
from posecorpus.pipelines.lifting.build_library import LibraryRequest, build, read_motions
from posecorpus.pseudogt.library.files import open_library, read_info
from posecorpus.pseudogt.library.store import PoseLibrary
from posecorpus.pseudogt.lift.evaluate import mean_pose_mm, nearest_view_mm, person_errors, random_pose_mm
from posecorpus.pseudogt.lift.lift import Lifter
from posecorpus.pseudogt.lift.lifted import LiftSettings, Method
from posecorpus.pseudogt.lift.trust import TRUST, TrustModel
from posecorpus.synth.motion import BodyMotion

JSON, PAGE, LIBRARY_FOLDER = "eval-lift.json", "eval-lift.html", "library"
_PEOPLE = ".people.npz"
BATCH = 128
LISTED_SUBJECTS = 12


@dataclass(frozen=True)
class EvalRequest:
    """What to evaluate.

    Attributes:
        motions: MoCap files, folders and zips; the built-in motions if empty.
        hold_out: subjects that the library must not hold.
        report_on: those of them whose poses are lifted; all if empty. Tuning looks at some of the held-out
            subjects, and the report at the others.
        library: folder of a library made without them, or None to build one.
        queries: how many poses.
        shapes: standard deviation of the people's shape coefficients in the grid of conditions; two
            conditions show the other case.
        skeleton: of the annotations.
        k: matches that are fused.
        seed: decides the library's views and the photos.
        skip_bad: leave out unusable motion files.
    """

    motions: tuple[Path, ...]
    hold_out: tuple[str, ...]
    report_on: tuple[str, ...] = ()
    library: Path | None = None
    queries: int = 400
    shapes: float = 0.0
    skeleton: str = "lsp_14"
    k: int = 50
    seed: int = 0
    skip_bad: bool = False

    def __post_init__(self) -> None:
        if not self.hold_out:
            raise InputError("--hold-out", "subjects, e.g. 01,HDM_mm", "none")
        strangers = sorted(set(self.report_on) - set(self.hold_out))
        if strangers:
            raise InputError("--report", "subjects of --hold-out", strangers[0])
        if self.queries < 1:
            raise InputError("--queries", "at least 1", self.queries)
        if not 0 <= self.shapes <= 10:
            raise InputError("--shapes", "a standard deviation of 0 to 10", self.shapes)
        if not set(TORSO) <= set(skeleton(self.skeleton).joints):
            raise InputError("--skeleton", "one with shoulders and hips", self.skeleton)


@dataclass(frozen=True)
class Evaluation:
    """Where an evaluation lies, and its figures."""

    json: Path
    page: Path
    results: Results


@dataclass(frozen=True)
class _Task:
    """A trial to make, or the baselines of a body shape where there is no method."""

    library: Path
    people: Path
    condition: EvalCondition
    method: Method | None
    skeleton: str
    k: int
    seed: int


def eval_lift(
    request: EvalRequest,
    out: Path,
    *,
    workers: int = 1,
    report: Report = silent,
    note: Callable[[str], None] = lambda message: None,
) -> Evaluation:
    """Evaluate lifting; writes ``eval-lift.json`` and ``eval-lift.html`` into ``out``.

    Args:
        out: a folder; the library goes there too unless one is given, and is used again by the next run.
        workers: processes that lift.

    Raises:
        InputError: unknown subjects, unusable motions, or a library that knows the held-out subjects.
    """
    if request.library is not None:
        _check_unseen(request.library, request.hold_out)
    made = LibraryRequest(
        request.motions, seed=request.seed, skip_bad=request.skip_bad, leave_out=request.hold_out
    )
    with local_engine(workers) as run:
        motions = read_motions(made, run, report)
        clips = _clips_to_lift(motions, request)
        library = request.library
        if library is None:
            library = out / LIBRARY_FOLDER
            build(made, library, motions=motions, report=report, note=note)
        out.mkdir(parents=True, exist_ok=True)
        rows = conditions(request.shapes)
        people = draw_people(clips, request.queries, [row.shapes for row in rows], request.seed)
        results = _lift_all(request, library, people, rows, out, run, report)
    path = out / JSON
    write_atomically(path, (json.dumps(results.as_dict(), indent=1, allow_nan=False) + "\n").encode())
    return Evaluation(path, write_page(results, out / PAGE), results)


def _check_unseen(folder: Path, hold_out: tuple[str, ...]) -> None:
    known = {clip.subject for clip in read_info(folder).clips}
    seen = sorted(known & set(hold_out))
    if seen:
        fix = "build one with `eval-lift` without --library"
        raise InputError("--library", "a library without the held-out subjects", f"poses of {seen[0]}", fix)


def _clips_to_lift(motions: Motions, request: EvalRequest) -> list[BodyMotion]:
    there = {clip.subject for clip in motions.clips}
    for subject in request.hold_out:
        if subject not in there:
            some = ", ".join(sorted(there)[:LISTED_SUBJECTS])
            more = f" and {len(there) - LISTED_SUBJECTS} more" if len(there) > LISTED_SUBJECTS else ""
            raise InputError("--hold-out", f"subjects of the motions: {some}{more}", repr(subject))
    wanted = set(request.report_on or request.hold_out)
    return [clip for clip in motions.clips if clip.subject in wanted]


# --- lifting ---------------------------------------------------------------------------------------------


def _lift_all(
    request: EvalRequest,
    library: Path,
    people: EvalPeople,
    rows: tuple[EvalCondition, ...],
    out: Path,
    run: Run,
    report: Report,
) -> Results:
    stored = out / _PEOPLE
    people.save(stored)

    def task(row: EvalCondition, method: Method | None) -> _Task:
        return _Task(library, stored, row, method, request.skeleton, request.k, request.seed)

    _lifter(
        library, request.skeleton, DEFAULT, request.k
    )  # its search index is made once, not by every worker
    plain = {row.shapes: row for row in reversed(rows) if row.condition.crop == "none"}
    tasks = [task(row, None) for row in plain.values()]
    tasks += [task(row, method) for method in METHODS for row in rows]
    trials: dict[tuple[str, Method], Trial] = {}
    baselines: dict[float, Baselines] = {}
    report("lifting", 0, len(tasks))
    for done, result in enumerate(run(_try, tasks), 1):
        if isinstance(result, Trial):
            trials[result.condition.label, result.method] = result
        else:
            baselines[result[0]] = result[1]
        report("lifting", done, len(tasks))
    stored.unlink()
    ours = [trials[row.label, DEFAULT] for row in rows]
    info = read_info(library)
    return Results(
        settings={
            "hold_out": sorted(request.hold_out),
            "report_on": sorted(request.report_on or request.hold_out),
            "clips": len(people.names),
            "poses": len(people),
            "skeleton": request.skeleton,
            "k": request.k,
            "shapes": request.shapes,
            "seed": request.seed,
            "library": {"poses": info.poses, "views": info.views, "digest": info.digest},
        },
        baselines=dict(sorted(baselines.items())),
        rows=[(row, {method: figures(trials[row.label, method]) for method in METHODS}) for row in rows],
        trust={
            "grid": trust_figures([t for t in ours if t.condition.grid], people.source, people.sources),
            "all": trust_figures(ours, people.source, people.sources),
        },
    )


def _try(task: _Task) -> Trial | tuple[float, Baselines]:
    """What a worker does."""
    people = EvalPeople.open(task.people)
    joints = skeleton(task.skeleton)
    queries = people.photographs(task.condition, joints, task.seed)
    library, trust = _library(task.library)
    if task.method is None:
        rng = generator(task.seed, "eval random")
        found = (random_pose_mm(library, queries, rng), mean_pose_mm(library, queries), nearest_view_mm(library, queries))  # fmt: skip
        return task.condition.shapes, _baselines(*found)
    lifter = _lifter(task.library, task.skeleton, task.method, task.k)
    lifted = lifter.lift(queries.joints2d, queries.K_told)
    missing = np.isnan(queries.joints2d).any(-1).sum(1)
    return Trial(
        task.condition,
        task.method,
        person_errors(lifted, queries),
        None if trust is None else trust.predict(lifted, library, joints, task.method),
        missing.astype(np.int64),
    )


def _baselines(random: NDArray[np.float64], mean: NDArray[np.float64], nearest: NDArray[np.float64]) -> Baselines:  # fmt: skip
    return Baselines(
        round(float(random.mean()), 2),
        round(float(mean.mean()), 2),
        round(float(nearest.mean()), 2),
        quantiles(random),
        quantiles(mean),
        quantiles(nearest),
    )


@lru_cache(maxsize=1)
def _library(folder: Path) -> tuple[PoseLibrary, TrustModel | None]:
    path = folder / TRUST
    return open_library(folder), TrustModel.open(path) if path.exists() else None


@lru_cache(maxsize=len(METHODS))
def _lifter(folder: Path, name: str, method: Method, k: int) -> Lifter:
    joints: Skeleton = skeleton(name)
    return Lifter(_library(folder)[0], joints, LiftSettings(method=method, k=k))
