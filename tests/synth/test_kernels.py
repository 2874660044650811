"""Which kernels a configuration waits for, told by the dates of files in numba's cache."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from numba import config as numba_settings

from posecorpus.synth import kernels
from posecorpus.synth.config import load_config
from posecorpus.synth.kernels import kernels_are_compiled

SOURCES = Path(kernels.__file__).parent
ALWAYS = {"shade", "antialias", "skinning", "paint", "room_cast"}
CROWDED = ALWAYS | {"contact", "shadow_kernels", "kernels", "cut", "binding", "decimate", "solidity"}


@pytest.mark.parametrize(
    ("preset", "needed"), [("surreal", ALWAYS), ("lcr-wild", CROWDED), ("hard", CROWDED)]
)
def test_each_kernel_that_a_preset_needs_is_waited_for(
    preset: str, needed: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numba_settings, "CACHE_DIR", str(tmp_path))
    config = load_config(preset)
    assert not kernels_are_compiled(config)
    indices = {name: tmp_path / f"{name}.kernel-1.py311.nbi" for name in needed}
    for index in indices.values():
        index.touch()
    assert kernels_are_compiled(config)
    for index in indices.values():
        index.rename(index.with_suffix(".away"))
        assert not kernels_are_compiled(config)
        index.with_suffix(".away").rename(index)
    os.utime(indices["shade"], (0, 0))  # older than its source
    assert not kernels_are_compiled(config)


def test_every_named_source_exists_and_has_kernels() -> None:
    names = {s for key, group in vars(kernels).items() if key.endswith("SOURCES") for s in group}
    assert len(names) > 10
    for name in names:
        assert "jit" in (SOURCES / name).read_text() or "_helper" in (SOURCES / name).read_text()
