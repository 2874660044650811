"""The local engine: this process, or a pool of processes that is replaced if one of them is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from queue import SimpleQueue

from posecorpus.core.errors import InputError
from posecorpus.pipelines.engine.protocol import Engine, Result, Task, Value

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
MOST_DEATHS = 3
"""So many pools in a row may break before one of their tasks is done."""


@contextmanager
def local_engine(workers: int, note: Callable[[str], None] = lambda message: None) -> Iterator[Engine]:
    """This process (one worker) or a pool of processes, kept for all stages of a run.

    Args:
        note: told when a worker was killed and its tasks begin again.

    Raises:
        InputError: workers are killed again and again.
    """
    if workers <= 1:
        yield here
        return
    # One thread per process: the shards are the parallelism. Children read these at import.
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    pool = _Pool(workers, note)
    try:
        yield pool
    except BaseException:
        pool.kill()
        raise
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    pool.close()


class _Here:
    elsewhere = False

    def __call__(self, work: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        return map(work, tasks)

    def share(self, load: Callable[[Path], Value], folder: Path) -> Callable[[], Value]:
        return partial(load, folder)


here = _Here()
"""The engine without other processes."""


class _Pool:
    elsewhere = False

    def __init__(self, workers: int, note: Callable[[str], None]) -> None:
        self._workers, self._note = workers, note
        self._pool = self._start()

    def __call__(self, work: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        # Finished futures come through a queue. `concurrent.futures.wait` would hold the locks of all of
        # them for a moment, and Ctrl-C in that moment would leave them locked and the pool unable to end.
        finished: SimpleQueue[tuple[Task, Future[Result]]] = SimpleQueue()
        upcoming, lost = iter(tasks), list[Task]()
        running = deaths = 0
        while True:
            while running < 2 * self._workers:
                task = lost.pop() if lost else next(upcoming, None)
                if task is None:
                    break
                try:
                    future = self._pool.submit(work, task)
                except BrokenProcessPool:
                    lost.append(task)
                    break
                future.add_done_callback(partial(_queue, finished, task))
                running += 1
            if not running and not lost:
                return
            if not running:  # every task of the broken pool has come back
                deaths += 1
                self._replace(deaths)
                continue
            task, future = finished.get()
            running -= 1
            try:
                result = future.result()
            except BrokenProcessPool:
                lost.append(task)
                continue
            deaths = 0
            yield result

    def share(self, load: Callable[[Path], Value], folder: Path) -> Callable[[], Value]:
        return partial(load, folder)

    def kill(self) -> None:
        """An interrupted shard leaves no trace, so there is nothing to wait for."""
        for process in list((self._pool._processes or {}).values()):
            process.kill()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        self._pool.shutdown()

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._workers, multiprocessing.get_context("spawn"), _start_worker)

    def _replace(self, deaths: int) -> None:
        if deaths > MOST_DEATHS:
            fix = "the system kills what takes too much memory: try fewer --workers, then run the same again"
            raise InputError("--workers", "processes that live", f"{deaths} times in a row one killed", fix)
        self._note("a worker process was killed; what it was making is begun again")
        self.kill()
        self._pool = self._start()


def _queue(queue: SimpleQueue[tuple[Task, Future[Result]]], task: Task, future: Future[Result]) -> None:
    queue.put((task, future))


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), daemon=True).start()


def _die_with(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)
