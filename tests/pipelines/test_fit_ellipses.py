"""``posecorpus fit-ellipses`` on a corpus whose masks are ellipses of known constants."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from posecorpus.core.ellipses import load_constants, naive_constants
from posecorpus.core.errors import InputError
from posecorpus.core.manifest import MANIFEST, Manifest, describe_skeletons, describe_taxonomy
from posecorpus.core.parts import SMPL_24_PARTS, SURREAL_14_PARTS, merge_table
from posecorpus.core.sample import Person, Sample
from posecorpus.core.shards import write_shard
from posecorpus.core.skeletons import FULL_42
from posecorpus.pipelines.labelling.fit_ellipses import LEAST, fit_ellipses
from posecorpus.pseudogt.ellipse_parts.draw import draw_sample

WIDTH, HEIGHT = 80, 60
KNOWN = naive_constants("surreal_14").with_shape("thigh", radius=0.22).with_shape("head", radius=0.24)


def write_corpus(folder: Path, count: int, taxonomy: str | None = "smpl_24") -> Path:
    """People whose parts are the ellipses of ``KNOWN``, in ids of ``smpl_24``."""
    merge = merge_table(SMPL_24_PARTS, SURREAL_14_PARTS)
    back = np.zeros(256, np.uint8)
    for i in range(24, 0, -1):
        back[merge[i]] = i
    samples = []
    for n in range(count):
        rng = np.random.default_rng(n)
        joints2d = rng.uniform((20, 15), (60, 45), (42, 2)).astype(np.float32)
        joints3d = np.hstack([(joints2d - 30) / 30, rng.uniform(3.0, 3.4, (42, 1))]).astype(np.float32)
        box = np.array([20, 15, 60, 45], np.float32)
        person = Person("full_42", joints2d, np.full(42, 2, np.uint8), box, joints3d=joints3d)
        parts, instances = draw_sample([person], WIDTH, HEIGHT, KNOWN)
        samples.append(Sample(f"s{n}", WIDTH, HEIGHT, [person], parts=back[parts], instances=instances))
    folder.mkdir()
    Manifest(
        kind="synth",
        seed=5,
        configuration={"people": {"body": "open", "genders": ["female"]}},
        skeletons=describe_skeletons(FULL_42.name),
        part_taxonomy=describe_taxonomy(taxonomy) if taxonomy else None,
        planned_samples=count,
        planned_shards=1,
        shards=[write_shard(folder, 0, samples)],
    ).write(folder / MANIFEST)
    return folder


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough people to fit to and to hold out."""
    return write_corpus(tmp_path_factory.mktemp("ellipses") / "corpus", 2 * LEAST + 8)


def test_constants_are_found_and_reported(corpus, tmp_path):
    notes: list[str] = []
    steps: list[tuple[int, int]] = []
    fit = fit_ellipses(
        corpus, tmp_path / "e.json", taxonomy="surreal_14", seed=3, measures=["radius"],
        report=lambda stage, done, total: steps.append((done, total)), note=notes.append,
    )  # fmt: skip
    assert load_constants(fit.path) == fit.constants
    assert (fit.fitted, fit.held) == (LEAST + 4, LEAST + 4)
    for part in ("upper_leg", "head"):
        assert fit.held_after[part] > fit.held_before[part]
    assert np.mean(list(fit.held_after.values())) > np.mean(list(fit.held_before.values())) + 0.01
    assert "upper_leg" in str(fit) and "coco_17, fixed order" in str(fit)
    said = fit.constants.made_with
    assert "posecorpus synth CORPUS --samples 48 --seed 5 --body female" in said
    assert "--taxonomy surreal_14 --held-out-fraction 0.5 --seed 3 --measures radius" in said
    assert notes == ["24 renders to fit to, 24 held out"]
    assert steps[0][0] == 0 and steps[-1][0] == steps[-1][1]
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"taxonomy": "smpl_24"}, "h36m_25, surreal_14"),
        ({"measures": ["width"]}, "radius, length"),
        ({"measures": []}, "none"),
        ({"held_out_fraction": 1.0}, "between 0 and 1"),
        ({"held_out_fraction": 0.95}, "at least 20 renders"),
        ({"held_out_fraction": 0.05}, "at least 20 renders"),
    ],
)
def test_what_cannot_be_fitted_is_refused(corpus, tmp_path, options, told):
    with pytest.raises(InputError, match=told):
        fit_ellipses(corpus, tmp_path / "e.json", **options)
    assert not (tmp_path / "e.json").exists()


def test_corpora_without_rendered_parts_are_refused(tmp_path):
    for taxonomy in (None, "surreal_14"):
        folder = write_corpus(tmp_path / str(taxonomy), 2, taxonomy)
        with pytest.raises(InputError, match="smpl_24"):
            fit_ellipses(folder, tmp_path / "e.json")
    with pytest.raises(InputError, match="manifest"):
        fit_ellipses(tmp_path / "nothing", tmp_path / "e.json")


def test_another_corpus_can_be_held_out(corpus, tmp_path):
    few = write_corpus(tmp_path / "few", 3)
    with pytest.raises(InputError, match=r"few.*at least 20"):
        fit_ellipses(corpus, tmp_path / "e.json", held_out=few)
