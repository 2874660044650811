"""``posecorpus synth``: motions in, a corpus of rendered people out.

The story: prepare the motions and photos, write down what will be made, then make shard after shard.
A shard is a function of the request and its number alone, so any process on any machine may make it,
and a run that was stopped anywhere goes on where it was.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from posecorpus.core.errors import InputError
from posecorpus.core.progress import Report, silent
from posecorpus.core.shards import Corpus
from posecorpus.core.storage import LocalStorage, Storage
from posecorpus.pipelines import ledger
from posecorpus.pipelines.engine import Engine, open_engine
from posecorpus.pipelines.inputs import prepare_bodies, prepare_motions
from posecorpus.pipelines.synthesis.balancing import Balance, BalanceDraws, open_reference, plan_balance
from posecorpus.pipelines.synthesis.clips import count_people
from posecorpus.pipelines.synthesis.materials import prepare_materials
from posecorpus.pipelines.synthesis.plan import load_plan, write_plan
from posecorpus.pipelines.synthesis.request import SynthRequest
from posecorpus.pipelines.synthesis.shard import ShardTask, compile_kernels, make_shard
from posecorpus.synth.motion import BodyMotion

PLAN = ".plan"
BUILTIN_CLIPS = 160
"""How many generated clips the default draws its poses from."""


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
    planned = request.manifest(
        bodies | motions.digests | prepared.digests, motions.skipped + prepared.skipped
    )
    balance = None if reference is None else _balance(request, reference, motions.clips, report, note)
    if balance is not None:
        planned = planned.model_copy(update={"balance": balance.as_json()})
    book = ledger.Ledger(out, planned, piece, note=note, run=run, report=report)
    wanted, missing = book.wanted, book.missing
    before = len(wanted) - len(missing)
    note(f"{len(motions.clips)} motions, {len(wanted)} shards, {before} of them finished before")

    total = sum(request.samples_of(i) for i in wanted)
    done = total - sum(request.samples_of(i) for i in missing)
    report("rendering", done, total)
    if missing:
        with _plan_folder(out, piece) as folder, book.taking() as take:
            starts = None if balance is None else balance.starts
            write_plan(folder, motions.clips, starts, prepared.materials)
            plan = run.share(load_plan, folder)
            compile_kernels(ShardTask(request, out, plan, missing[0], elsewhere=False), report)
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
