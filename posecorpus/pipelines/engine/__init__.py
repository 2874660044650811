"""Where shards are made: in this process, in several of this machine, or on a Ray cluster.

A task is a picklable value and the work a plain function of it, so it does not matter who runs it, in
which order, or how often. Results come back as they finish.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

from posecorpus.core.errors import InputError
from posecorpus.pipelines.engine.local import THREAD_VARIABLES, here, local_engine
from posecorpus.pipelines.engine.protocol import Engine, Run
from posecorpus.pipelines.engine.ray import ray_engine

__all__ = [
    "ENGINES",
    "THREAD_VARIABLES",
    "Engine",
    "Run",
    "here",
    "local_engine",
    "open_engine",
    "ray_engine",
]

ENGINES = ("local", "ray")


def open_engine(
    name: str, workers: int, ray_address: str | None, note: Callable[[str], None]
) -> AbstractContextManager[Engine]:
    """The engine of that name, to be used in a ``with`` statement.

    Args:
        workers: processes on this machine; of a Ray cluster all nodes take part, so it does not matter there.
        ray_address: see :func:`ray_engine`.
        note: told what the user should know.

    Raises:
        InputError: unknown name, or an address for an engine that has none.
    """
    if name == "ray":
        return ray_engine(ray_address, workers)
    if name != "local":
        raise InputError("--engine", f"one of {', '.join(ENGINES)}", repr(name))
    if ray_address is not None:
        raise InputError("--ray-address", "--engine ray beside it", "--engine local")
    return local_engine(workers, note)
