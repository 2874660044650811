"""The same tasks on a Ray cluster: its nodes may come and go, and the result is the same.

The only module that knows ray (https://docs.ray.io, "Ray Core"), an optional dependency.
"""

from __future__ import annotations

import os
import platform
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import installed_packages
from posecorpus.pipelines.engine.local import THREAD_VARIABLES
from posecorpus.pipelines.engine.protocol import Engine, Result, Task, Value

MOST_DEATHS = 20
"""So often the process or node that makes a task may die before the run gives up."""
SECONDS_TO_ANSWER = 10.0
"""How long a cluster's head may take to accept a connection."""
SECONDS_BETWEEN_COUNTS = 10.0
"""How often the cluster's size is asked for: it can grow while it works."""


@contextmanager
def ray_engine(address: str | None, workers: int) -> Iterator[Engine]:
    """A Ray cluster, or a Ray of this machine's own if no address is given.

    Args:
        address: ``host:port`` of the cluster's head, or ``auto`` on one of its nodes; the variable
            ``RAY_ADDRESS`` stands in for it. A Ray that this process has joined already is used as it is.
        workers: processes of a Ray of this machine's own.

    Raises:
        InputError: ray is not installed, there is no cluster, or its nodes have other packages.
    """
    ray = _ray()
    joined_before = ray.is_initialized()
    if not joined_before:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        address = address or os.environ.get("RAY_ADDRESS") or None
        size = {"num_cpus": workers, "include_dashboard": False} if address in (None, "local") else {}
        try:
            _knock(address)
            ray.init(address=address or "local", log_to_driver=False, logging_level="error", **size)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            fix = "name a cluster's head as host:port, or `auto` on one of its nodes"
            raise InputError(
                "--ray-address", "a Ray cluster that answers", f"{address}: {error}", fix
            ) from None
    try:
        yield _Cluster(ray)
    finally:
        if not joined_before:
            ray.shutdown()  # ends the tasks that are under way, too


class _Cluster:
    elsewhere = True

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._packages = installed_packages() | {"python": platform.python_version()}
        self._do = ray.remote(_do).options(
            num_cpus=1,
            max_retries=MOST_DEATHS,
            runtime_env={"env_vars": dict.fromkeys(THREAD_VARIABLES, "1")},
        )

    def __call__(self, work: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        upcoming, running = iter(tasks), list[Any]()
        counted, window = -SECONDS_BETWEEN_COUNTS, 0
        try:
            while True:
                if time.monotonic() - counted > SECONDS_BETWEEN_COUNTS:
                    window = max(2, 2 * int(self._ray.cluster_resources().get("CPU", 0)))
                    counted = time.monotonic()
                while len(running) < window and (task := next(upcoming, None)) is not None:
                    running.append(self._do.remote(work, task, self._packages))
                if not running:
                    return
                finished, running = self._ray.wait(running, timeout=SECONDS_BETWEEN_COUNTS)
                for reference in finished:
                    yield self._result(reference)
        finally:
            if self._ray.is_initialized():  # or leaving the cluster has ended them already
                for reference in running:
                    self._ray.cancel(reference, force=True)

    def share(self, load: Callable[[Path], Value], folder: Path) -> Callable[[], Value]:
        return partial(self._ray.get, self._ray.put(load(folder)))

    def _result(self, reference: Any) -> Any:
        problems = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except problems.RayError as error:
            cause = error.cause if isinstance(error, problems.RayTaskError) else error
            if not isinstance(cause, problems.RayError):
                raise cause from None  # what the task itself raised
            fix = "see the cluster's logs, then run the same command again: it goes on where it was"
            problem = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
            raise InputError("--engine ray", "nodes that live", problem, fix) from None


def _do(work: Callable[[Task], Result], task: Task, packages: dict[str, str]) -> Result:
    """Do a task on a node, if the node would give the same bytes as any other."""
    here = installed_packages() | {"python": platform.python_version()}
    for name, version in packages.items():
        if here.get(name) != version:
            where = f"--engine ray: node {platform.node()}"
            raise InputError(where, f"{name} {version}", here.get(name), "install the same on every node")
    return work(task)


def _knock(address: str | None) -> None:
    """Fail at once where nobody listens; ray would try for many minutes."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), SECONDS_TO_ANSWER).close()


def _ray() -> Any:
    try:
        import ray

        return ray
    except ImportError as error:
        fix = "pip install 'posecorpus[ray]'"
        raise InputError("--engine ray", "the package ray", error, fix) from None
