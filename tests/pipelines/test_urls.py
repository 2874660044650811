"""Corpora behind URLs: the bytes of a local one, resumed, locked, read where they are."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from small_runs import contents, request

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import MANIFEST
from posecorpus.core.shards import Corpus, shard_name
from posecorpus.core.storage import Storage, read_limited, storage_at
from posecorpus.pipelines.locks import LOCK, only_run
from posecorpus.pipelines.synthesis.synthesize import synthesize


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    synthesize(request(folder), folder / "out")
    return contents(folder / "out")


@pytest.fixture(params=["file", "memory", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "s3":
        return f"{request.getfixturevalue('s3_bucket')}/data/corpus"
    return f"file://{tmp_path}/out" if request.param == "file" else f"memory://{uuid.uuid4().hex}/corpus"


@pytest.fixture
def memory() -> Storage:
    return storage_at(f"memory://{uuid.uuid4().hex}")


def stored(url: str) -> dict[str, bytes]:
    storage = storage_at(url)
    return {name: read_limited(storage, name, 1 << 30) for name in storage.names() if name[0] != "."}


def test_the_same_bytes_behind_a_url_and_resumed_there(
    tmp_path: Path, url: str, whole: dict[str, bytes]
) -> None:
    def stop(stage: str, done: int, total: int) -> None:
        if stage == "rendering" and done >= 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesize(request(tmp_path), url, report=stop)
    begun = stored(url)
    storage, notes = storage_at(url), list[str]()
    assert LOCK not in storage.names()
    assert MANIFEST in begun
    storage.put(shard_name(1), begun[shard_name(1)][:-1] + b"?")
    storage.remove(shard_name(2))
    where = synthesize(request(tmp_path), url, workers=2, note=notes.append)
    assert where == storage.where(MANIFEST)
    assert sum(note.endswith("it is made again") for note in notes) == 2
    assert "3 of them finished before" in notes[-1]
    assert stored(url) == whole


def test_a_corpus_is_read_where_it_is(url: str, whole: dict[str, bytes], tmp_path: Path) -> None:
    for name, data in whole.items():
        if url.startswith("file"):
            (tmp_path / "out").mkdir(exist_ok=True)
        storage_at(url).put(name, data)
    (tmp_path / "local").mkdir()
    for name, data in whole.items():
        (tmp_path / "local" / name).write_bytes(data)
    there, here = Corpus(url), Corpus(tmp_path / "local")
    assert there.manifest == here.manifest
    assert [s.key for s in there.samples([])] == [s.key for s in here.samples([])]
    assert (there[7].image == here[7].image).all()
    assert there.columns("key", "camera").equals(here.columns("key", "camera"))
    if not url.startswith("file"):
        with pytest.raises(InputError, match="expected a corpus in a local folder, got a URL; copy it"):
            _ = there.path


def test_commands_take_urls(s3_bucket: str, whole: dict[str, bytes], tmp_path: Path) -> None:
    url = f"{s3_bucket}/corpus"
    for name, data in whole.items():
        storage_at(url).put(name, data)
    for command in (
        ["verify", url, "--workers", "1"],
        ["inspect", url, "--out", str(tmp_path / "report.html"), "--samples", "2"],
        ["export", url, str(tmp_path / "coco")],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "posecorpus.pipelines.cli", *command], capture_output=True, text=True
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode in (0, 1), done.stderr
        if command[0] == "verify":
            assert f"{url}: 24 samples" in done.stdout
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert (tmp_path / "coco" / "annotations.json").exists() or any((tmp_path / "coco").rglob("*.json"))


def test_a_place_without_a_corpus(s3_bucket: str) -> None:
    with pytest.raises(
        InputError, match=r"/nothing/manifest.json: expected a corpus's manifest, got no such file"
    ):
        Corpus(f"{s3_bucket}/nothing")


def test_memory_is_of_one_process(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="memory://x: expected a place that all processes see"):
        synthesize(request(tmp_path), "memory://x", engine="ray")


def test_the_second_run_behind_a_url_refuses(memory: Storage) -> None:
    with only_run(memory, None):
        for piece in (None, (1, 2)):
            with (
                pytest.raises(InputError, match=f"process {os.getpid()} on {platform.node()} at work"),
                only_run(memory, piece),
            ):
                pass
    assert memory.names() == []
    with only_run(memory, (1, 2)), only_run(memory, (2, 2)):
        for piece in (None, (2, 2)):
            with pytest.raises(InputError, match="at work there"), only_run(memory, piece):
                pass
    assert memory.names() == []


def test_a_dead_runs_lock_behind_a_url(memory: Storage) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    here = platform.node()
    memory.put(LOCK, json.dumps({"pid": dead.pid, "host": here, "began": None}).encode())
    with only_run(memory, None):
        assert memory.names() == [LOCK]
    # Its number was given to another process since: this one.
    memory.put(LOCK, json.dumps({"pid": os.getpid(), "host": here, "began": "another start"}).encode())
    with only_run(memory, None):
        pass
    # Nobody can tell from here whether a process of another machine lives.
    memory.put(LOCK, json.dumps({"pid": dead.pid, "host": "node7", "began": None}).encode())
    with pytest.raises(InputError) as caught, only_run(memory, None):
        pass
    assert f"process {dead.pid} on node7 at work there" in str(caught.value)
    assert str(caught.value).endswith(f"if that machine died, remove {memory.where(LOCK)}")
