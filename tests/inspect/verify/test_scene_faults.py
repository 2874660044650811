"""Dressed people among things: clean as they are, and found out when clothes or things are not those in the picture."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from posecorpus.core.manifest import MANIFEST, Manifest
from posecorpus.core.sample import Sample
from posecorpus.core.shards import Corpus, write_shard
from posecorpus.inspect.verify import verify_corpus
from posecorpus.pipelines.synthesis.request import SynthRequest
from posecorpus.pipelines.synthesis.synthesize import synthesize
from posecorpus.synth.config import SynthConfig, load_config

Plant = Callable[[dict[str, Any]], None]


def crowded() -> SynthConfig:
    data = load_config("lcr-wild").model_dump()
    data["image"]["size"] = (200, 150)
    data["people"]["count"] = (3, 3)
    data["crowd"] |= {"distance_m": (2.0, 4.0)}
    data["props"] |= {"in_front": (1, 1), "beside": (1, 1), "held_probability": 1.0}
    return SynthConfig.model_validate(data)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    out = tmp_path_factory.mktemp("scenes") / "corpus"
    synthesize(SynthRequest(crowded(), seed=1, clips=3), out)
    return Corpus(out)


def replanted(good: Corpus, out: Path, plant: Plant) -> Path:
    """The corpus with a fault in the provenance of its first sample."""
    samples = list(good.samples())
    first: Sample = replace(samples[0], provenance=copy.deepcopy(samples[0].provenance))
    plant(first.provenance)
    entry = write_shard(out, 0, [first, *samples[1:]])
    manifest: Manifest = good.manifest.model_copy(update={"shards": [entry]})
    (out / MANIFEST).write_text(manifest.model_dump_json())
    return out


def test_dressed_people_among_things_are_clean(good: Corpus) -> None:
    report = verify_corpus(good.path)
    assert report.violations == [] and report.notes == []
    for sample in good.samples(()):
        assert len(sample.provenance["looks"]) == len(sample.people)
        assert sample.provenance["props"]


def undress(provenance: dict[str, Any]) -> None:
    for look in provenance["looks"]:
        look["clothing"] = "painted"


def other_clothes(provenance: dict[str, Any]) -> None:
    for look in provenance["looks"]:
        look["texture_seed"] += 1


def forget_things(provenance: dict[str, Any]) -> None:
    provenance["props"] = []


def move_things(provenance: dict[str, Any]) -> None:
    for prop in provenance["props"]:
        prop["position"][0] += 0.1


@pytest.mark.parametrize("plant", [undress, other_clothes, forget_things, move_things])
def test_other_clothes_or_things_than_in_the_picture_are_found(
    good: Corpus, tmp_path: Path, plant: Plant
) -> None:
    found = {(v.key, v.check) for v in verify_corpus(replanted(good, tmp_path, plant)).violations}
    key = next(iter(good.samples(()))).key
    assert (key, "depth") in found
    assert {k for k, _ in found} == {key}


@pytest.mark.parametrize(
    ("value", "message"),
    [([{"kind": "crate"}], "a list of things"), ([{"kind": "no such thing", "seed": 1, "size": [1, 1, 1], "position": [0, 0, 0]}], "no such thing")],
)  # fmt: skip
def test_things_that_cannot_be_built_are_said(
    good: Corpus, tmp_path: Path, value: list[Any], message: str
) -> None:
    def plant(provenance: dict[str, Any]) -> None:
        provenance["props"] = value

    report = verify_corpus(replanted(good, tmp_path, plant))
    assert any(message in note for note in report.notes)
