"""The Ray engine: the local engine's bytes, also from a cluster that loses a node."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_runs import contents, request

from posecorpus.core.errors import InputError
from posecorpus.core.shards import Corpus
from posecorpus.core.storage import read_limited, storage_at
from posecorpus.pipelines.engine import open_engine, ray_engine
from posecorpus.pipelines.engine import ray as engine
from posecorpus.pipelines.synthesis.synthesize import synthesize

IMPATIENT = {"health_check_period_ms": 1000, "health_check_failure_threshold": 5}
"""How soon a node that does not answer counts as dead; by default that takes half a minute."""


@pytest.fixture
def cluster(ray: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head that does no work and two nodes of one core, on this machine."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    here = str(Path(__file__).parent)  # where workers find this module's functions
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")])))
    small = {"object_store_memory": 100 << 20}
    cluster = Cluster()
    added(cluster, num_cpus=0, include_dashboard=False, _system_config=IMPATIENT, **small)
    cluster.workers = [added(cluster, num_cpus=1, **small) for _ in range(2)]
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def added(cluster: Any, **options: Any) -> Any:
    """A new node. Ray gives one half a minute to start, which is short where tests share their cores."""
    for _ in range(4):
        try:
            return cluster.add_node(**options)
        except Exception as error:  # Ray raises no other
            late = error
    raise late


def square(x: int) -> int:
    return x * x


def refuse(x: int) -> int:
    if x == 3:
        raise InputError("task", "anything but 3", x, "do not")
    return x


def die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def load(folder: Path) -> list[str]:
    return [folder.read_text()]


def read(task: Any) -> list[str]:
    return task()


@pytest.mark.slow
def test_the_same_bytes_as_the_local_engine_though_a_node_dies(
    tmp_path: Path, s3_bucket: str, ray: Any, cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    synthesize(request(tmp_path, 40), tmp_path / "local")
    killed = []

    def kill_one(stage: str, done: int, total: int) -> None:
        if stage == "rendering" and 4 <= done < total and not killed:
            killed.append(cluster.workers.pop())
            cluster.remove_node(killed[0], allow_graceful=False)

    out = tmp_path / "ray"
    synthesize(request(tmp_path, 40), out, engine="ray", ray_address=cluster.address, report=kill_one)
    assert killed
    assert Corpus(out).manifest.complete
    assert contents(out) == contents(tmp_path / "local")

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "rendering" and done >= 4:
            raise KeyboardInterrupt

    url = f"{s3_bucket}/corpus"
    cloud = storage_at(url)
    with pytest.raises(KeyboardInterrupt):
        synthesize(request(tmp_path, 12), url, engine="ray", ray_address=cluster.address, report=stop)
    assert not ray.is_initialized()
    assert 2 <= len(Corpus(url).manifest.shards) < 6
    synthesize(request(tmp_path, 12), url, engine="ray", ray_address=cluster.address)
    synthesize(request(tmp_path, 12), tmp_path / "short")
    stored = {name: read_limited(cloud, name, 1 << 30) for name in cloud.names()}
    assert stored == contents(tmp_path / "short")

    monkeypatch.setattr(engine, "MOST_DEATHS", 1)  # the cluster goes on with the other node
    with ray_engine(cluster.address, 1) as run:
        assert sorted(run(square, range(30))) == [x * x for x in range(30)]
        assert list(run(square, [])) == []
        (tmp_path / "shared").write_text("what all need")
        values = run(read, [run.share(load, tmp_path / "shared")] * 3)
        assert list(values) == [["what all need"]] * 3
        with pytest.raises(InputError) as caught:
            list(run(refuse, range(9)))
        assert str(caught.value) == "task: expected anything but 3, got 3; do not"
        with pytest.raises(InputError, match="nodes that live"):
            list(run(die, [0]))


def test_other_packages_on_a_node_are_refused() -> None:
    mine = engine.installed_packages()
    assert engine._do(square, 3, mine) == 9
    with pytest.raises(
        InputError, match=r"--engine ray: node .*: expected numpy 0\.1, got \d.*; install the same"
    ):
        engine._do(square, 3, mine | {"numpy": "0.1"})


def test_a_cluster_that_does_not_answer_is_one_line(ray: Any) -> None:
    with (
        pytest.raises(InputError, match="--ray-address: expected a Ray cluster that answers"),
        ray_engine("127.0.0.1:9", 1),
    ):
        pass
    assert not ray.is_initialized()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(InputError, match=r"--engine ray: .*pip install 'posecorpus\[ray\]'"),
        ray_engine(None, 1),
    ):
        pass


def test_engines_by_name() -> None:
    with open_engine("local", 1, None, print) as run:
        assert list(run(square, [2])) == [4]
    with pytest.raises(InputError, match="--engine: expected one of local, ray, got 'dask'"):
        open_engine("dask", 1, None, print)
    with pytest.raises(InputError, match="--ray-address: expected --engine ray"):
        open_engine("local", 1, "auto", print)
