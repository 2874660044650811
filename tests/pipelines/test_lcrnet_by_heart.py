"""LCR-Net learns: a few pictures by heart, as well as it once did."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

RECORDED = Path(__file__).parents[1] / "golden" / "lcrnet_by_heart.json"


def script() -> ModuleType:
    """The script that makes the record."""
    spec = importlib.util.spec_from_file_location("lcrnet_by_heart", RECORDED.with_suffix(".py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_pictures_are_learned_by_heart_as_well_as_recorded(tmp_path: Path) -> None:
    """Other machines round otherwise and part from the record slowly; what learning brings is much more."""
    recorded, found = json.loads(RECORDED.read_text()), script().outcome(tmp_path)
    assert found["loss"][-1] < 1.3 * recorded["loss"][-1]
    assert found["loss"][0] < 1.3 * recorded["loss"][0]
    for name in ("PPI", "NMS"):
        assert found[name]["found"] == recorded[name]["found"] == 8
        assert found[name]["pckh"] > recorded[name]["pckh"] - 0.12
        assert found[name]["mpjpe_mm"] < 1.8 * recorded[name]["mpjpe_mm"]


def test_a_network_that_has_not_learned_is_told_apart(tmp_path: Path) -> None:
    """The bounds of the test above are out of reach of twelve steps."""
    recorded, found = json.loads(RECORDED.read_text()), script().outcome(tmp_path, steps=12)
    for name in ("PPI", "NMS"):
        assert found[name]["pckh"] < recorded[name]["pckh"] - 0.4
