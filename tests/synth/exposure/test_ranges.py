"""What a user may write in the sections on exposure and props."""

from __future__ import annotations

from pathlib import Path

import pytest

from posecorpus.core.errors import InputError
from posecorpus.synth.config import load_config


def _config(text: str, folder: Path) -> object:
    path = folder / "mine.yaml"
    path.write_text(text)
    return load_config("surreal", path)


@pytest.mark.parametrize(
    "line",
    [
        "exposure: {shutter: [0.0, 1.5]}",
        "exposure: {defocus: [-0.1, 1.0]}",
        "exposure: {noise: [1.0, 0.5]}",
        "exposure: {gain: [0.0, 1.0]}",
        "exposure: {jpeg_quality: [0, 90]}",
        "exposure: {jpeg_quality: [80, 101]}",
        "exposure: {gamma: [.nan, 1.0]}",
        "props: {in_front: [0, 1000000000]}",
        "props: {held_probability: 1.5}",
        "props: {stools: 1}",
    ],
)
def test_values_out_of_bounds_are_refused_in_one_line(line: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        _config(line, tmp_path)
    assert "mine.yaml" in str(caught.value) and "\n" not in str(caught.value)


def test_ranges_are_taken(tmp_path: Path) -> None:
    config = load_config("surreal", None)
    assert config.exposure is None and config.props.in_front == (0, 0)
    _config(
        "exposure: {shutter: [0.1, 0.5], jpeg_quality: [80, 95]}\nplace: {kind: room}\nprops: {in_front: [0, 2]}",
        tmp_path,
    )
