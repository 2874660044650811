"""The Ray engine: the local engine's bytes, also from a cluster that loses a node."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from posecorpus.core.errors import InputError
from posecorpus.core.shards import Corpus
from posecorpus.pipelines.synthesize import SynthRequest, synthesize
from posecorpus.synth.config import SynthConfig, load_config
from tests.conftest import need

IMPATIENT = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_failure_threshold": 2,
}
"""How soon a silent node counts as dead; by default that takes half a minute."""


@pytest.fixture(scope="module")
def ray() -> Any:
    try:
        import ray
    except ImportError:
        need("ray", False, "pip install 'posecorpus[ray]'")
    return ray


@pytest.fixture
def cluster(ray: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head that does no work and two nodes of one core, on this machine."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    small = {"object_store_memory": 100 << 20}
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "include_dashboard": False, "_system_config": IMPATIENT, **small},
    )
    cluster.workers = [cluster.add_node(num_cpus=1, **small) for _ in range(2)]
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def square(x: int) -> int:
    return x * x


def refuse(x: int) -> int:
    if x == 3:
        raise InputError("task", "anything but 3", x, "do not")
    return x


def load(folder: Path) -> list[str]:
    return [folder.read_text()]


def read(task: Any) -> list[str]:
    return task()


def request(clips: int) -> SynthRequest:
    data = load_config("surreal").resized(32, 24).model_dump() | {"output": {"samples_per_shard": 2}}
    return SynthRequest(SynthConfig.model_validate(data), seed=9, clips=clips)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def test_the_same_bytes_as_the_local_engine_though_a_node_dies(tmp_path: Path, cluster: Any) -> None:
    synthesize(request(24), tmp_path / "local")
    killed = []

    def kill_one(stage: str, done: int, total: int) -> None:
        if stage == "rendering" and 4 <= done < total and not killed:
            node = cluster.workers.pop()
            killed.append(node)
            cluster.remove_node(node, allow_graceful=False)

    notes: list[str] = []
    out = tmp_path / "ray"
    synthesize(
        request(24), out, engine="ray", ray_address=cluster.address, report=kill_one, note=notes.append
    )
    assert killed
    assert Corpus(out).manifest.complete
    assert contents(out) == contents(tmp_path / "local")
