"""One run at a time in a folder, on file systems with locks and without; nobody is locked out by the dead."""

from __future__ import annotations

import errno
import fcntl
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest

from posecorpus.core.errors import InputError
from posecorpus.core.storage import LocalStorage
from posecorpus.pipelines.locks import LOCK, only_process, only_run

PIECES = [(1, 3), (2, 3), (3, 3)]


@pytest.fixture(params=["locks", "no locks"])
def out(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalStorage:
    """A folder whose file system has locks, or has none, as some of clusters'."""

    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    if request.param == "no locks":
        monkeypatch.setattr(fcntl, "flock", unsupported)
    return LocalStorage(tmp_path / "corpus")


def refused(out: LocalStorage, piece: tuple[int, int] | None) -> str:
    with pytest.raises(InputError) as caught, only_run(out, piece):
        pass
    return str(caught.value)


def test_the_second_is_refused_and_the_first_leaves_nothing(out: LocalStorage) -> None:
    with only_run(out, None):
        (out.folder / "shard").touch()
        for piece in (None, (1, 2)):
            assert f"got process {os.getpid()} on {platform.node()} at work there" in refused(out, piece)
    assert out.names() == ["shard"]
    with only_run(out, (1, 2)):
        pass
    assert out.names() == ["shard"]


def test_pieces_share_a_folder_but_no_piece_is_made_twice(out: LocalStorage) -> None:
    first, second, third = (only_run(out, piece) for piece in PIECES)
    with first:
        with second, third:
            for piece in (None, *PIECES):
                assert "expected a folder that no other run writes to" in refused(out, piece)
        for piece in (None, (1, 3)):  # the others have gone, and have left the first its share
            assert "expected a folder that no other run writes to" in refused(out, piece)
        with only_run(out, (2, 3)):
            pass
    assert not out.folder.exists()


def test_a_folder_that_stays_empty_is_removed_again(out: LocalStorage) -> None:
    with only_run(out, None):
        assert out.folder.is_dir()
    assert not out.folder.exists()
    out.folder.mkdir()
    with only_run(out, None):
        pass
    assert out.folder.is_dir()  # it was there before


HOLDER = """
import errno, fcntl, sys, time
from pathlib import Path
from posecorpus.core.storage import LocalStorage
from posecorpus.pipelines.locks import only_run

def unsupported(*_):
    raise OSError(errno.ENOSYS, "Function not implemented")

if sys.argv[2] == "no":
    fcntl.flock = unsupported
with only_run(LocalStorage(Path(sys.argv[1])), None):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("locks", ["yes", "no"])
def test_a_killed_run_locks_nobody_out(tmp_path: Path, locks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    out = LocalStorage(tmp_path)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path), locks], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    if locks == "no":
        monkeypatch.setattr(fcntl, "flock", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSYS, "none")))
    assert f"process {holder.pid} on {platform.node()} at work there" in refused(out, None)
    holder.kill()
    holder.communicate()
    assert out.names() == [LOCK]
    with only_run(out, None):
        pass
    assert out.names() == []


def test_without_locks_another_machines_run_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOLCK, "none")))
    (tmp_path / LOCK).write_text(json.dumps({"pid": 7, "host": "node9", "began": None}))
    message = refused(LocalStorage(tmp_path), None)
    assert "got process 7 on node9 at work there" in message
    assert message.endswith(f"if that machine died, remove {tmp_path / LOCK}")


def test_what_lies_in_a_lock_file_cannot_hurt(out: LocalStorage) -> None:
    out.folder.mkdir()
    messages: list[str] = []
    for data in (b"", b"\xff", b"[]", b'{"pid": {}}', b'{"pid": "x"}', b"9" * 10_000):
        (out.folder / LOCK).write_bytes(data)
        try:
            with only_run(out, None):
                (out.folder / "shard").touch()
        except InputError as error:
            messages.append(str(error))
    assert all(
        "at work" in message or "just begun" in message or "at most" in message for message in messages
    )
    assert not any("\n" in message or len(message) > 500 for message in messages)


def enter(arguments: tuple[str, str]) -> None:
    name, log = arguments
    with only_process(name), Path(log).open("a") as file:
        file.write("in\n")
        file.flush()
        time.sleep(0.05)
        file.write("out\n")


def test_one_process_of_a_machine_at_a_time(tmp_path: Path) -> None:
    name, log = f"test-{os.getpid()}", tmp_path / "log"
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.map(enter, [(name, str(log))] * 6, chunksize=1)
    assert log.read_text() == "in\nout\n" * 6
