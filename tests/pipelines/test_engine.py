"""The local engine: same results for any worker count, errors come home, nobody outlives the parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

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
