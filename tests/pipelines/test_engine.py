"""The local engine: same results for any worker count, errors come home, nobody outlives the parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from posecorpus.core.errors import InputError
from posecorpus.pipelines.engine import THREAD_VARIABLES, local_engine


def square(x: int) -> int:
    return x * x


def refuse(x: int) -> int:
    if x == 3:
        raise InputError("task", "anything but 3", x, "do not")
    return x


def threads(_: int) -> list[str | None]:
    return [os.environ.get(name) for name in THREAD_VARIABLES]


@pytest.mark.parametrize("workers", [1, 2, 9])
def test_every_task_is_done_once(workers: int) -> None:
    with local_engine(workers) as run:
        assert sorted(run(square, range(7))) == [x * x for x in range(7)]
        assert list(run(square, [])) == []
        assert sorted(run(refuse, range(3))) == [0, 1, 2]  # the same workers for another stage


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_come_home_whole(workers: int) -> None:
    with pytest.raises(InputError) as caught, local_engine(workers) as run:
        list(run(refuse, range(9)))
    assert str(caught.value) == "task: expected anything but 3, got 3; do not"


def test_workers_run_one_thread_each_and_the_parent_keeps_its_own() -> None:
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    with local_engine(2) as run:
        for values in run(threads, range(2)):
            assert values == ["1"] * len(THREAD_VARIABLES)
    assert {name: os.environ.get(name) for name in THREAD_VARIABLES} == before


PARENT = """
import faulthandler, os, time
faulthandler.dump_traceback_later(25)  # should it ever hang, the test says where
from posecorpus.pipelines.engine import local_engine
def sleep(x):
    print(os.getpid(), flush=True)
    time.sleep(60)
if __name__ == "__main__":
    with local_engine(2) as run:
        list(run(sleep, range(2)))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_workers_die_with_their_parent(tmp_path: object, how: signal.Signals) -> None:
    script = f"{tmp_path}/parent.py"
    with open(script, "w") as file:
        file.write(PARENT)
    parent = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    children = [int(parent.stdout.readline()) for _ in range(2)]
    parent.send_signal(how)
    try:
        parent.wait(timeout=30)
    except subprocess.TimeoutExpired:
        parent.kill()
        pytest.fail(f"the parent hangs: {parent.communicate()[1]}")
    deadline = time.monotonic() + 30
    while any(alive(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in children)


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("workers", [1, 3])
def test_a_plan_of_a_million_tasks_is_never_held(workers: int) -> None:
    drawn = [0]

    def plan() -> Iterator[int]:
        for i in range(1_000_000):
            drawn[0] = i + 1
            yield i

    with local_engine(workers) as run:
        results = run(square, plan())
        for done in range(1, 41):
            next(results)
            assert drawn[0] <= done + 2 * workers


def test_a_killed_worker_is_replaced_and_its_tasks_done_again(tmp_path: Path) -> None:
    notes: list[str] = []
    with local_engine(2, notes.append) as run:
        done = run(partial(die_once, tmp_path / "dead"), range(12))
        assert sorted(done) == [x * x for x in range(12)]
        assert list(run(square, [5])) == [25]
    assert notes == ["a worker process was killed; what it was making is begun again"]


def die_once(mark: Path, x: int) -> int:
    if x == 5 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return x * x


def die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_workers_that_always_die_end_the_run() -> None:
    message = "--workers: expected processes that live, got 4 times in a row one killed"
    with pytest.raises(InputError, match=message), local_engine(2) as run:
        list(run(die, range(3)))


def test_what_all_tasks_need_is_loaded_where_they_run(tmp_path: Path) -> None:
    (tmp_path / "shared").write_text("what all need")
    for workers in (1, 2):
        with local_engine(workers) as run:
            shared = run.share(Path.read_text, tmp_path / "shared")
            assert list(run(call, [shared] * 3)) == ["what all need"] * 3


def call(task: Callable[[], str]) -> str:
    return task()
