"""What may happen to a run. Nothing of it may lose or corrupt a finished shard, and the next run finishes."""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from small_runs import OPTIONS, contents, motion_file, request

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import MANIFEST, read_manifest
from posecorpus.core.shards import Corpus, shard_name
from posecorpus.pipelines.synthesis.synthesize import synthesize

TIMEOUT_S = 120


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The corpus of a run that nothing happened to."""
    folder = tmp_path_factory.mktemp("whole")
    synthesize(request(folder), folder / "out")
    return contents(folder / "out")


def once(event: Callable[[], None], samples: int = 6) -> Callable[[str, int, int], None]:
    """A report that lets something happen when so many samples are rendered."""
    happened = []

    def report(stage: str, done: int, total: int) -> None:
        if stage == "rendering" and done >= samples and not happened:
            happened.append(event())

    return report


def finished(out: Path, whole: dict[str, bytes]) -> set[str]:
    """Names of the shards that lie there, all of which must be right."""
    names = {p.name for p in out.glob("shard-*")}
    assert all((out / name).read_bytes() == whole[name] for name in names)
    return names


def noted(out: Path) -> set[str]:
    """Names of the shards that the book and its journal hold."""
    names = set()
    if (out / MANIFEST).exists():
        names = {entry.file for entry in read_manifest(out / MANIFEST).shards}
    with suppress(FileNotFoundError):
        lines = (out / ".manifest.journal").read_text().splitlines(keepends=True)
        names |= {json.loads(line)["file"] for line in lines if line.endswith("\n")}
    return names


def test_a_worker_is_killed(tmp_path: Path, whole: dict[str, bytes]) -> None:
    notes: list[str] = []
    kill = once(lambda: multiprocessing.active_children()[0].kill())
    synthesize(request(tmp_path), tmp_path / "out", workers=2, report=kill, note=notes.append)
    assert "a worker process was killed; what it was making is begun again" in notes
    assert contents(tmp_path / "out") == whole


def command(folder: Path, *options: str, out: str = "out") -> list[str]:
    (folder / "small.yaml").write_text(OPTIONS)
    fixed = ["--samples", "24", "--seed", "9", "--motions", str(motion_file(folder))]
    start = [sys.executable, "-m", "posecorpus.pipelines.cli", "synth", str(folder / out)]
    return [*start, *fixed, "--config", str(folder / "small.yaml"), *options]


PARENT = """
import os, signal, sys
from pathlib import Path
from small_runs import request
from posecorpus.pipelines.synthesis.synthesize import synthesize

def die(stage, done, total):
    if stage == "rendering" and done >= 6:
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    synthesize(request(folder), folder / "out", workers=2, report=die)
"""


def test_the_parent_is_killed(tmp_path: Path, whole: dict[str, bytes]) -> None:
    (tmp_path / "parent.py").write_text(PARENT)
    found = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])}
    killed = subprocess.run([sys.executable, tmp_path / "parent.py", tmp_path], env=os.environ | found)
    assert killed.returncode == -signal.SIGKILL
    out = tmp_path / "out"
    done = noted(out)
    assert len(done) == 3
    assert done <= finished(out, whole)
    before = {name: (out / name).stat().st_ino for name in done}
    notes: list[str] = []
    synthesize(request(tmp_path), out, note=notes.append)  # the lock went with its holder
    assert "3 of them finished before" in notes[-1]
    assert {name: (out / name).stat().st_ino for name in done} == before
    assert contents(out) == whole


def test_the_disk_is_full(tmp_path: Path, whole: dict[str, bytes]) -> None:
    out, (soft, hard) = tmp_path / "out", resource.getrlimit(resource.RLIMIT_FSIZE)
    fill = once(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard)))
    try:
        with pytest.raises(
            InputError, match=r"expected room for \d+ bytes, got File too large; make room, then"
        ):
            synthesize(request(tmp_path), out, report=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(finished(out, whole)) == 3
    assert not list(out.glob(".*.tmp"))
    assert not (out / ".lock").exists()
    notes: list[str] = []
    synthesize(request(tmp_path), out, note=notes.append)
    assert "3 of them finished before" in notes[-1]
    assert contents(out) == whole


@pytest.mark.parametrize("workers", [1, 2])
def test_the_output_folder_is_removed(tmp_path: Path, whole: dict[str, bytes], workers: int) -> None:
    out = tmp_path / "out"
    with pytest.raises(InputError, match="expected the output folder, got none; it was removed") as caught:
        synthesize(request(tmp_path), out, workers=workers, report=once(lambda: shutil.rmtree(out)))
    assert "\n" not in str(caught.value)
    assert not out.exists()
    synthesize(request(tmp_path), out)
    assert contents(out) == whole


@pytest.mark.parametrize("damage", ["a bit", "cut", "gone", "empty"])
def test_a_finished_shard_is_damaged(tmp_path: Path, whole: dict[str, bytes], damage: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name, data in whole.items():
        (out / name).write_bytes(data)
    victim = out / shard_name(5)
    data = victim.read_bytes()
    if damage == "a bit":
        victim.write_bytes(data[:4000] + bytes([data[4000] ^ 1]) + data[4001:])
    elif damage == "gone":
        victim.unlink()
    else:
        victim.write_bytes(data[: len(data) // 2] if damage == "cut" else b"")
    inodes = {p.name: p.stat().st_ino for p in out.glob("shard-*") if p != victim}
    notes: list[str] = []
    synthesize(request(tmp_path), out, note=notes.append)
    assert [note for note in notes if str(victim) in note and note.endswith("it is made again")]
    assert contents(out) == whole
    assert {p.name: p.stat().st_ino for p in out.glob("shard-*") if p != victim} == inodes


def test_the_clock_jumps(tmp_path: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    out, now = tmp_path / "out", [2e9]

    def jump() -> float:
        now[0] = -now[0]
        return now[0]

    monkeypatch.setattr("time.time", jump)
    with pytest.raises(KeyboardInterrupt):
        synthesize(request(tmp_path), out, report=once(lambda: signal.raise_signal(signal.SIGINT)))
    for i, path in enumerate(sorted(out.glob("*"))):
        os.utime(path, (i * 1e9, 4e9 - i * 1e9))
    synthesize(request(tmp_path), out)
    assert contents(out) == whole


def test_two_runs_in_one_folder(tmp_path: Path, whole: dict[str, bytes]) -> None:
    out, refusals = tmp_path / "out", []

    def second() -> None:
        done = subprocess.run(command(tmp_path), capture_output=True, text=True, timeout=TIMEOUT_S)
        refusals.append(done)

    synthesize(request(tmp_path), out, report=once(second))
    (refused,) = refusals
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1] == (
        f"posecorpus: {out}: expected a folder that no other run writes to, got process {os.getpid()} on "
        f"{platform.node()} at work there; wait for it to end, or stop it"
    )
    assert "Traceback" not in refused.stderr
    assert contents(out) == whole


def test_pieces_work_side_by_side_but_not_twice(tmp_path: Path, whole: dict[str, bytes]) -> None:
    out = tmp_path / "out"

    def others() -> None:
        for piece in (None, (1, 2)):
            with pytest.raises(InputError, match=f"process {os.getpid()} on|another run that has just begun"):
                synthesize(request(tmp_path), out, piece=piece)
        synthesize(request(tmp_path), out, piece=(2, 2))

    synthesize(request(tmp_path), out, piece=(1, 2), report=once(others))
    assert Corpus(out).manifest.complete
    assert contents(out) == whole


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="file"):
            synthesize(request(tmp_path), out)
    assert (tmp_path / "file").read_text() == "x"
    assert not (tmp_path / "file" / MANIFEST).exists()
