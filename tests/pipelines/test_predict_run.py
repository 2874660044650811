"""Predictions of a network, through the command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from posecorpus.anchors.bank import load_anchors
from posecorpus.core.errors import InputError
from posecorpus.core.shards import Corpus
from posecorpus.inspect.verify import verify_corpus
from posecorpus.models.lcrnet.decode import Integration
from posecorpus.models.lcrnet.detect import EVERYBODY_ONCE
from posecorpus.models.lcrnet.network import LCRNet
from posecorpus.models.lcrnet.params import preset
from posecorpus.models.lcrnet.run import open_run, save_run, save_weights
from posecorpus.pipelines.anchoring.cluster import AnchorsRequest, cluster_anchors
from posecorpus.pipelines.cli import app
from posecorpus.pipelines.prediction.model import open_model
from posecorpus.pipelines.prediction.predict import PAGE


@pytest.fixture(scope="module")
def run(renders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that has learned nothing."""
    folder = tmp_path_factory.mktemp("run") / "run"
    request = AnchorsRequest(corpora=(str(renders),), clusters=3, upper_body=True)
    cluster_anchors(request, folder.parent / "anchors.npz")
    anchors = load_anchors(folder.parent / "anchors.npz")
    torch.manual_seed(0)
    net = LCRNet(preset("tiny"), anchors.classes, len(anchors.skeleton)).eval()
    save_run(folder, preset("tiny"), anchors, {})
    save_weights(folder, net, 12)
    return folder


def test_the_command_shows_what_the_run_finds(run: Path, photos: Path, tmp_path: Path) -> None:
    pattern = str(photos / "*.jpg")
    arguments = ["predict", str(run), pattern, "--out", str(tmp_path / "out"), "--min-score", "0.3"]
    done = CliRunner().invoke(app, [*arguments, "--camera", "50", "--device", "cpu", "--workers", "1"])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == str(tmp_path / "out" / PAGE)
    opened, people = open_run(run, "cpu"), 0
    for sample in Corpus(tmp_path / "out"):
        assert sample.image is not None
        found = opened.detect(sample.image, EVERYBODY_ONCE)
        likely = found.scores >= 0.3
        people += len(sample.people)
        np.testing.assert_allclose([p.score for p in sample.people], found.scores[likely], rtol=1e-5)
        np.testing.assert_allclose(
            np.array([p.joints2d for p in sample.people]).reshape(-1, 13, 2), found.poses2d[likely], atol=1e-2
        )
        assert sample.provenance["run"] == "run" and sample.provenance["step"] == 12
    assert people > 0
    assert set(Corpus(tmp_path / "out").manifest.inputs) >= {
        "run run.json",
        "run anchors.npz",
        "run step-0000012.pt",
    }
    assert verify_corpus(tmp_path / "out").ok


def test_thresholds_are_used_and_written_down(run: Path, photos: Path, tmp_path: Path) -> None:
    arguments = ["predict", str(run), str(photos), "--out", str(tmp_path / "out"), "--min-score", "0.05"]
    chosen = ["--ppi-iou", "0.7", "--ppi-mm", "40", "--no-overlays", "--workers", "1"]
    done = CliRunner().invoke(app, [*arguments, *chosen])
    assert done.exit_code == 0, done.output
    settings = replace(EVERYBODY_ONCE, integration=Integration(iou=0.7, distance_m=0.04))
    opened, differ = open_run(run, "cpu"), False
    made = Corpus(tmp_path / "out")
    for sample in made:
        assert sample.image is not None
        found, usual = opened.detect(sample.image, settings), opened.detect(sample.image, EVERYBODY_ONCE)
        np.testing.assert_allclose([p.score for p in sample.people], found.scores, rtol=1e-5)
        differ |= len(found.scores) != len(usual.scores) or not np.allclose(found.scores, usual.scores)
    assert differ
    configuration = made.manifest.configuration
    assert (configuration["ppi_iou"], configuration["ppi_mm"]) == (0.7, 40)


def test_no_run_there(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a folder that `posecorpus train` wrote"):
        open_model(photos, "cpu")
