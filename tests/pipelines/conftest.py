"""Small corpora and photos that several pipelines start from."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from posecorpus.pipelines.importing.photos import ImportRequest, import_photos
from posecorpus.pipelines.synthesis.request import SynthRequest
from posecorpus.pipelines.synthesis.synthesize import synthesize
from posecorpus.synth.config import SynthConfig, load_config


@pytest.fixture(scope="session")
def renders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight renders of 80x60 pixels in shards of three."""
    data = load_config("surreal").resized(80, 60).model_dump()
    config = SynthConfig.model_validate(data | {"output": {"samples_per_shard": 3}})
    out = tmp_path_factory.mktemp("renders") / "corpus"
    synthesize(SynthRequest(config=config, seed=3, clips=8), out)
    return out


@pytest.fixture(scope="session")
def annotated(renders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same pictures as if they were photos with LSP's joints annotated."""
    out = tmp_path_factory.mktemp("annotated") / "corpus"
    import_photos(
        ImportRequest(format="corpus", annotations=renders, skeleton="lsp_14", samples_per_shard=3), out
    )
    return out


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Five photos in a folder and its subfolder, of two sizes."""
    from predictions import jpeg

    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for i in range(3):
        (folder / f"{i}.jpg").write_bytes(jpeg(i))
    for i in (3, 4):
        (folder / "more" / f"{i}.jpg").write_bytes(jpeg(i, (64, 96)))
    return folder


@pytest.fixture(scope="session")
def spheres() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "inspect" / "make_samples.py")))


@pytest.fixture(scope="session")
def assorted(spheres: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rendered people, a photo with gaps in its labels, and a sample without a picture, in three shards."""
    samples = [spheres.make_sample(i) for i in range(10)] + [spheres.make_photo(0)]
    bare = spheres.make_photo(1)
    bare.image, bare.key, bare.provenance = None, "no.picture", {"score": float("nan"), "of": [float("inf")]}
    folder = tmp_path_factory.mktemp("export") / "corpus"
    return spheres.write_corpus(folder, [*samples, bare], shard_size=5, configuration={"far_m": float("inf")})
