"""The report on predictions: scores, and all people of a picture together, numbered in picture and 3D alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from posecorpus.core.manifest import MANIFEST, read_manifest
from posecorpus.inspect.overlays import INSTANCE_COLOURS
from posecorpus.inspect.report import write_report

SCORES = (0.987, 0.654, 0.321)


@pytest.fixture(scope="module")
def report(lifted: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three people, then one alone, as if a network had found them."""
    folder = tmp_path_factory.mktemp("predicted")
    samples = [lifted.make_lifted(0, people=3), lifted.make_lifted(1, people=1)]
    for sample in samples:
        sample.people = [
            replace(person, lift=None, motion=None, score=score)
            for person, score in zip(sample.people, SCORES, strict=False)
        ]
    made = lifted.write_lifted(folder / "corpus", samples)
    told = {"kind": "predict", "configuration": {"run": "<b>tiny</b>", "step": 123}, "trust": None}
    read_manifest(made / MANIFEST).model_copy(update=told).write(made / MANIFEST)
    return write_report(made, folder / "report.html")


def test_what_found_them_is_said(report: Path, open_page: Callable) -> None:
    page = open_page(report)
    assert page.texts("#story") == ["People that the network <b>tiny</b> found, after 123 steps of training."]
    assert page.texts(".cell[data-index='0'] em") == ["3 people"]
    assert page.texts(".cell[data-index='1'] em") == ["score 0.99"]
    page.js("document.querySelector('.cell').click()")
    told = page.js("return document.getElementById('zoompeople').textContent")
    assert all(f"Score{score}" in told for score in (0.99, 0.65, 0.32))  # as numbers are shown everywhere
    assert page.complaints() == []


def test_people_have_the_same_number_and_colour_in_picture_and_3d(report: Path, open_page: Callable) -> None:
    page = open_page(report)
    assert page.texts(".cell[data-index='0'] .tile svg text") == ["1", "2", "3"]
    assert page.texts(".cell[data-index='1'] .tile svg text") == [], "nobody to be told apart from"
    shown = page.canvas()
    for colour in INSTANCE_COLOURS[:3]:
        disc = (np.abs(shown[..., :3] - colour).max(-1) < 3) & (shown[..., 3] > 250)
        assert 80 < disc.sum() < 1200, colour
    choices = page.texts("#focus option")
    assert choices == ["Everyone", "Person 1, score 0.99", "Person 2, score 0.65", "Person 3, score 0.32"]


def test_small_views_show_everybody(report: Path, open_page: Callable) -> None:
    page = open_page(report)
    page.js("document.getElementById('sheet').scrollIntoView({block: 'center'})")  # the header hides the top
    page.wait("[...document.querySelectorAll('canvas.mini')].some((c) => c.width > 100)")
    page.js("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    shown = page.picture(".cell[data-index='0'] canvas.mini")
    for colour in INSTANCE_COLOURS[:3]:
        assert (np.abs(shown[..., :3].astype(int) - colour).max(-1) < 25).sum() > 20, colour
