"""Where shards are made: in this process, or in several.

A task is a picklable value and the work a plain function of it, so it does not matter who runs it or
in which order. Results come back as they finish.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import wait as wait_for
from queue import SimpleQueue
from typing import Protocol, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Run(Protocol):
    """Does every task and yields the results in order of completion."""

    def __call__(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]: ...


def _here(work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
    return map(work, tasks)


@contextmanager
def local_engine(workers: int) -> Iterator[Run]:
    """This process (one worker) or a pool of processes, kept for all stages of a run."""
    if workers <= 1:
        yield _here
        return
    # One thread per process: the shards are the parallelism. Children read these at import.
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start_worker)
    try:
        yield partial(_windowed, pool, window=2 * workers)
    except BaseException:
        # An interrupted shard leaves no trace, so there is nothing to wait for.
        for process in list((pool._processes or {}).values()):
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    pool.shutdown()


def _windowed(
    pool: ProcessPoolExecutor, work: Callable[[Task], Result], tasks: Sequence[Task], window: int
) -> Iterator[Result]:
    """Keep a bounded number of tasks submitted: a plan can hold a million of them.

    Finished futures come through a queue. ``concurrent.futures.wait`` would hold the locks of all of them for a
    moment, and Ctrl-C in that moment would leave them locked and the pool unable to end.
    """
    finished: SimpleQueue[Future[Result]] = SimpleQueue()
    upcoming = iter(tasks)
    running = 0
    while True:
        while running < window and (task := next(upcoming, None)) is not None:
            pool.submit(work, task).add_done_callback(finished.put)
            running += 1
        if not running:
            return
        yield finished.get().result()
        running -= 1


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), daemon=True).start()


def _die_with(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)
