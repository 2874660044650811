"""Small corpora and photos that several pipelines start from."""

from __future__ import annotations

from pathlib import Path

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
