"""``posecorpus synth``: motions in, a corpus of rendered people out.

The story: prepare the motions and photos, write down what will be made, then make shard after shard.
A shard is a function of the request and its number alone, so any process on any machine may make it,
and a run that was stopped anywhere goes on where it was.
"""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import (
    MANIFEST,
    Manifest,
    ShardEntry,
    Skipped,
    describe_skeletons,
    describe_taxonomy,
    write_atomically,
)
from posecorpus.core.parts import SMPL_24_PARTS
from posecorpus.core.progress import Report, silent
from posecorpus.core.sample import Sample
from posecorpus.core.shards import Corpus, file_sha256, write_shard
from posecorpus.core.skeletons import FULL_42, SMPL_24
from posecorpus.core.storage import LocalStorage, Storage
from posecorpus.pipelines import ledger
from posecorpus.pipelines.balancing import Balance, BalanceDraws, open_reference, plan_balance
from posecorpus.pipelines.clips import clip_samples, count_people
from posecorpus.pipelines.engine import Engine, open_engine
from posecorpus.pipelines.inputs import prepare_bodies, prepare_motions
from posecorpus.pipelines.locks import only_process
from posecorpus.pipelines.materials import prepare_materials
from posecorpus.synth.balance.weights import NEIGHBOURS
from posecorpus.synth.config import SynthConfig
from posecorpus.synth.kernels import kernels_are_compiled
from posecorpus.synth.motion import BodyMotion
from posecorpus.synth.regressors.regressor import JointRegressor
from posecorpus.synth.sampling import Materials
from posecorpus.synth.store import MotionStore, write_store

PLAN, MATERIALS = ".plan", "materials.json"
DEFAULT_SAMPLES, DEFAULT_FRAMES = 200, 100
_COMPILED = Event()
"""Set in a process of another machine once it has seen to its kernels."""
BUILTIN_CLIPS = 160
"""How many generated clips the default draws its poses from."""


@dataclass(frozen=True)
class SynthRequest:
    """Everything that decides the bytes of a corpus, but for the contents of the input files.

    Attributes:
        clips: how many clips; a still is a clip of one frame.
        frames: frames in a clip.
        motions: MoCap files, folders and zips; the built-in motions if empty.
        backgrounds: a folder or zip of photos; procedural rooms if None.
        renderer: ``raster`` or ``pyrender``.
        skip_bad: leave out unreadable inputs and list them, instead of stopping.
        balance: a corpus; poses are drawn where it is thin (:mod:`posecorpus.pipelines.balancing`).
        balance_k: how many neighbours tell how thin.
        regressor: people carry the joints it gives instead of ``full_42``.
    """

    config: SynthConfig
    seed: int
    clips: int
    frames: int = 1
    motions: tuple[Path, ...] = ()
    backgrounds: Path | None = None
    renderer: str = "raster"
    skip_bad: bool = False
    balance: Path | None = None
    balance_k: int = NEIGHBOURS
    regressor: JointRegressor | None = None

    @property
    def clips_per_shard(self) -> int:
        return max(1, self.config.output.samples_per_shard // self.frames)

    @property
    def shards(self) -> int:
        return -(-self.clips // self.clips_per_shard)


@dataclass(frozen=True)
class ShardTask:
    """One shard to make; small, picklable, and complete.

    Attributes:
        plan: gives what all shards are made from, wherever it is called.
        elsewhere: whether it may be made on a machine whose kernels the command did not compile.
    """

    request: SynthRequest
    out: Storage
    plan: Callable[[], Plan]
    index: int
    elsewhere: bool


@dataclass(frozen=True)
class Plan:
    """What all shards are made from: prepared once, read by every worker."""

    motions: MotionStore
    materials: Materials


def synthesize(
    request: SynthRequest,
    out: Path | str,
    *,
    workers: int = 1,
    engine: str = "local",
    ray_address: str | None = None,
    piece: tuple[int, int] | None = None,
    report: Report = silent,
    note: Callable[[str], None] = lambda message: None,
) -> str:
    """Make, or finish, a corpus.

    Args:
        out: the corpus's folder, or a URL that fsspec knows. If it holds a part of the same corpus, only the
            rest is made.
        workers, engine, ray_address: who makes the shards; see :func:`open_engine`.
        piece: (i, n) makes every n-th shard, beginning with the i-th (1-based): a corpus can be made in
            pieces on several machines that share the folder, or whose folders are put together later.
        report: told how far each stage is.
        note: called with one line for each stage and each thing the user should know.

    Returns:
        The manifest's path or URL, of the corpus or of the piece.

    Raises:
        InputError: unusable inputs, ``out`` cannot be written or holds something else, or another run is at
            work there.
    """
    with ledger.claimed(out, piece) as storage, ExitStack() as stack:
        if storage.one_process:
            if engine != "local":
                raise InputError(out, "a place that all processes see", "the memory of one")
            workers = 1
        run = stack.enter_context(open_engine(engine, workers, ray_address, note))
        return storage.where(_synthesize(request, storage, run, piece, report, note))


def _synthesize(
    request: SynthRequest,
    out: Storage,
    run: Engine,
    piece: tuple[int, int] | None,
    report: Report,
    note: Callable[[str], None],
) -> str:
    config, skip_bad = request.config, request.skip_bad
    reference = None if request.balance is None else open_reference(request.balance)
    bodies = prepare_bodies(config.people.body, config.people.genders)
    motions = prepare_motions(
        request.motions,
        config.motion,
        request.seed,
        builtin_count=BUILTIN_CLIPS,
        frames=request.frames + 1,
        skip_bad=skip_bad,
        run=run,
        report=report,
    )
    prepared = prepare_materials(
        config, request.backgrounds, skip_bad=skip_bad, run=run, report=report, note=note
    )
    planned = _manifest(
        request, bodies | motions.digests | prepared.digests, motions.skipped + prepared.skipped
    )
    balance = None if reference is None else _balance(request, reference, motions.clips, report, note)
    if balance is not None:
        planned = planned.model_copy(update={"balance": balance.as_json()})
    book = ledger.Ledger(out, planned, piece, note=note, run=run, report=report)
    wanted, missing = book.wanted, book.missing
    before = len(wanted) - len(missing)
    note(f"{len(motions.clips)} motions, {len(wanted)} shards, {before} of them finished before")

    total = sum(_shard_samples(request, i) for i in wanted)
    done = total - sum(_shard_samples(request, i) for i in missing)
    report("rendering", done, total)
    if missing:
        with _plan_folder(out, piece) as folder, book.taking() as take:
            starts = None if balance is None else balance.starts
            _write_plan(folder, motions.clips, starts, prepared.materials)
            plan = run.share(_load_plan, folder)
            _compile_kernels(ShardTask(request, out, plan, missing[0], elsewhere=False), report)
            tasks = (ShardTask(request, out, plan, i, run.elsewhere) for i in missing)
            for index, entry in run(make_shard, tasks):
                take(index, entry)
                done += entry.samples
                report("rendering", done, total)
    return book.close()


@contextmanager
def _plan_folder(out: Storage, piece: tuple[int, int] | None) -> Iterator[Path]:
    """A local folder for what all shards are made from, beside them if they are local: room is there."""
    if isinstance(out, LocalStorage):
        folder = out.folder / (PLAN if piece is None else f"{PLAN}-{piece[0]}-of-{piece[1]}")
        yield folder
        # A run that is stopped leaves it for its workers, who end a moment later, and the next run.
        shutil.rmtree(folder, ignore_errors=True)
    else:
        with TemporaryDirectory(prefix="posecorpus-") as name:
            yield Path(name)


def _balance(
    request: SynthRequest,
    reference: Corpus,
    motions: Sequence[BodyMotion],
    report: Report,
    note: Callable[[str], None],
) -> Balance:
    config = request.config
    draws = BalanceDraws(
        people=count_people(config, request.seed, request.clips),
        frames=request.frames,
        weighting=config.motion.weighting,
        mirror=config.motion.mirror_probability > 0,
        seed=request.seed,
    )
    balance = plan_balance(reference, motions, draws, request.balance_k, report)
    for line in balance.notes():
        note(line)
    return balance


def _compile_kernels(task: ShardTask, report: Report) -> None:
    """Render one sample, so that a machine's workers find compiled kernels: all at once would spoil their cache."""
    placed = task.request.config.place.kind != "any"
    if kernels_are_compiled(placed):
        return
    report("compiling", 0, 1)
    with only_process("kernels"):
        if not kernels_are_compiled(placed):
            next(_shard(task))
    report("compiling", 1, 1)


def make_shard(task: ShardTask) -> tuple[int, ShardEntry]:
    """Render, label and write one shard; what a worker does."""
    cv2.setNumThreads(1)
    if task.elsewhere and not _COMPILED.is_set():
        _compile_kernels(task, silent)
        _COMPILED.set()
    with _no_garbage_collection():
        return task.index, write_shard(task.out, task.index, _shard(task))


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Labels become nested lists on their way to Parquet; the collector would walk them all, for nothing."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _shard(task: ShardTask) -> Iterator[Sample]:
    request, plan = task.request, task.plan()
    first = task.index * request.clips_per_shard
    for index in range(first, min(first + request.clips_per_shard, request.clips)):
        yield from clip_samples(
            request.config,
            request.seed,
            index,
            request.frames,
            request.renderer,
            plan.motions,
            plan.materials,
            request.regressor,
        )


def _write_plan(
    folder: Path, motions: Sequence[BodyMotion], starts: NDArray[np.float64] | None, materials: Materials
) -> None:
    write_store(folder, motions, starts)
    write_atomically(folder / MATERIALS, materials.to_json())
    _load_plan.cache_clear()


@lru_cache(maxsize=1)
def _load_plan(folder: Path) -> Plan:
    if not folder.is_dir():
        fix = "it was removed while the run was at work; run the same command again"
        raise InputError(folder.parent, "the output folder", "none", fix)
    return Plan(MotionStore(folder), Materials.from_json((folder / MATERIALS).read_bytes()))


def _shard_samples(request: SynthRequest, index: int) -> int:
    first = index * request.clips_per_shard
    return (min(first + request.clips_per_shard, request.clips) - first) * request.frames


def _manifest(request: SynthRequest, inputs: dict[str, str], skipped: list[Skipped]) -> Manifest:
    configuration = request.config.model_dump(mode="json") | {
        "clips": request.clips,
        "frames": request.frames,
        "renderer": request.renderer,
    }
    names = [FULL_42.name, SMPL_24.name]
    if request.regressor is not None:
        configuration["skeleton_regressor"] = request.regressor.as_json()
        names.append(request.regressor.target)
    if request.balance is not None:
        configuration["balance"] = {"k": request.balance_k}
        inputs = inputs | {"balance reference": file_sha256(request.balance / MANIFEST)}
    return Manifest(
        kind="synth",
        seed=request.seed,
        configuration=configuration,
        inputs=inputs,
        skeletons=describe_skeletons(*names),
        part_taxonomy=describe_taxonomy(SMPL_24_PARTS.name),
        planned_samples=request.clips * request.frames,
        planned_shards=request.shards,
        skipped=skipped,
    )


def clips_and_frames(samples: int | None, clips: int | None, frames: int | None) -> tuple[int, int]:
    """(clips, frames) from the command line's ``--samples`` or ``--clips`` and ``--frames``."""
    if samples is not None and clips is not None:
        raise InputError("--samples", "either --samples or --clips", "both")
    if clips is None:
        if frames is not None:
            raise InputError(
                "--frames", "--clips beside it", "--frames alone", "stills are asked for by --samples"
            )
        return samples or DEFAULT_SAMPLES, 1
    return clips, frames or DEFAULT_FRAMES
