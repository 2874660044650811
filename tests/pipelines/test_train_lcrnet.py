"""``posecorpus train lcrnet`` on a handful of small renders."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from posecorpus.core.errors import InputError
from posecorpus.core.sample import VISIBLE, Person, Sample
from posecorpus.core.skeletons import LCR_13
from posecorpus.inspect.joint_drawing import LEFT, MIDDLE, RIGHT
from posecorpus.models.data.mixture import Source
from posecorpus.models.lcrnet.run import open_run
from posecorpus.pipelines.anchoring.cluster import AnchorsRequest, cluster_anchors
from posecorpus.pipelines.cli import app
from posecorpus.pipelines.commands.training import _source
from posecorpus.pipelines.training.previews import CELL_PX, Seen, preview_sheet
from posecorpus.pipelines.training.train_lcrnet import TrainRequest, train_lcrnet

FAST = {"steps": 4, "images": 2, "log_every": 1, "checkpoint_every": 2, "preview_every": 4, "warmup_steps": 0}


@pytest.fixture(scope="module")
def anchors(renders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("anchors") / "a.npz"
    cluster_anchors(AnchorsRequest(corpora=(str(renders),), clusters=3, upper_body=True), path)
    return path


@pytest.fixture(scope="module")
def request_(renders: Path, anchors: Path) -> TrainRequest:
    return TrainRequest((Source(str(renders)),), anchors, training=dict(FAST))


@pytest.fixture(scope="module")
def run(request_: TrainRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "run"
    train_lcrnet(request_, folder)
    return folder


def losses(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line)["losses"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_run_has_all_that_is_needed_to_use_and_judge_it(run: Path, renders: Path) -> None:
    found = losses(run)
    assert len(found) == 4 and all(
        set(entry) == {"rpn_score", "rpn_place", "class", "pose", "heatmap"} for entry in found
    )
    assert all(np.isfinite(list(entry.values())).all() for entry in found)
    described = json.loads((run / "run.json").read_text())
    assert described["training"]["corpora"] == {str(renders): 1.0}
    sheet = cv2.imread(str(run / "pictures" / "step-0000004.jpg"))
    assert sheet is not None and sheet.shape[1] > 2 * CELL_PX
    opened = open_run(run, "cpu")
    assert opened.step == 4
    assert opened.detect(np.zeros((60, 80, 3), np.uint8)).poses2d.shape[1:] == (len(LCR_13), 2)


def test_a_run_that_was_stopped_goes_on_to_the_same_losses(
    run: Path, request_: TrainRequest, tmp_path: Path
) -> None:
    """Two steps, and later the other two, with a process that makes the batches."""
    half = replace(request_, training=FAST | {"drops": (), "steps": 2, "workers": 1})
    whole = replace(request_, training=FAST | {"drops": ()})
    train_lcrnet(half, tmp_path / "b")
    train_lcrnet(replace(half, training=half.training | {"steps": 4}), tmp_path / "b")
    train_lcrnet(whole, tmp_path / "c")
    assert losses(tmp_path / "b") == losses(tmp_path / "c")


def test_another_s_folder_is_refused(
    run: Path, request_: TrainRequest, renders: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.npz"
    cluster_anchors(AnchorsRequest(corpora=(str(renders),), clusters=3, upper_body=True, seed=5), other)
    changes = {
        "corpora": {"corpora": (Source(str(renders), 2.0),)},
        "anchors": {"anchors": other},
        "seed": {"training": FAST | {"seed": 8}},
        "network": {"network": {"boxes": 8}},
        "at most 2 steps": {"training": FAST | {"steps": 2}},
    }
    before = (run / "run.json").read_bytes()
    for word, change in changes.items():
        with pytest.raises(InputError, match=word):
            train_lcrnet(replace(request_, **change), run)
    assert (run / "run.json").read_bytes() == before


def test_pictures_without_3d_train_what_they_can(
    annotated: Path, renders: Path, request_: TrainRequest, tmp_path: Path
) -> None:
    """Photos teach where people are; nothing they lack counts as zero."""
    photos = replace(request_, corpora=(Source(str(annotated)),))
    train_lcrnet(photos, tmp_path / "photos")
    assert all(
        entry["pose"] == 0 and entry["rpn_score"] > 0 and entry["heatmap"] > 0
        for entry in losses(tmp_path / "photos")
    )
    both = replace(request_, corpora=(Source(str(annotated)), Source(str(renders))))
    train_lcrnet(both, tmp_path / "both")
    assert any(entry["pose"] > 0 for entry in losses(tmp_path / "both"))


@pytest.mark.parametrize(
    ("text", "place", "weight"),
    [("a/b", "a/b", 1.0), ("a/b=2.5", "a/b", 2.5), ("s3://x/k=v", "s3://x/k=v", 1.0), ("k=v=3", "k=v", 3.0)],
)
def test_a_corpus_with_its_share(text: str, place: str, weight: float) -> None:
    assert _source(text) == Source(place, weight)


def test_the_command_says_what_is_wrong_in_one_line(renders: Path, anchors: Path, tmp_path: Path) -> None:
    def outcome(*arguments: str) -> BaseException | None:
        return (
            CliRunner().invoke(app, ["train", "lcrnet", "--out", str(tmp_path / "run"), *arguments]).exception
        )

    missing = outcome("--corpus", str(tmp_path / "no"), "--anchors", str(anchors))
    assert isinstance(missing, InputError) and "manifest.json" in str(missing)
    nothing = outcome("--corpus", str(renders), "--anchors", str(tmp_path / "no.npz"))
    assert isinstance(nothing, InputError) and "no.json" in str(nothing)
    rate = outcome("--corpus", str(renders), "--anchors", str(anchors), "--learning-rate", "-1")
    assert isinstance(rate, InputError) and "learning_rate" in str(rate)
    assert not (tmp_path / "run").exists()


def test_the_sheet_shows_the_truth_above_and_the_finds_below() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(30, 290, (len(LCR_13), 2)).astype(np.float32)
    seen_as = np.full(len(LCR_13), VISIBLE, np.uint8)
    person = Person("lcr_13", points, seen_as, np.zeros(4, np.float32))
    black = Sample("a", 320, 320, [person], image=np.zeros((320, 320, 3), np.uint8))
    sheet = preview_sheet([Seen(black, np.zeros((0, len(LCR_13), 2)))], LCR_13)
    above, below = sheet[:320, :320], sheet[324:644, :320]
    for colour in (LEFT, RIGHT, MIDDLE):
        assert (np.abs(above.astype(int) - colour).sum(-1) < 6).sum() > 3
    assert not below.any()
    found = preview_sheet([Seen(black, points[None].astype(float))], LCR_13)
    np.testing.assert_array_equal(found[324:644, :320], found[:320, :320])
