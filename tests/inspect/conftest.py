"""Samples and corpora made of spheres; see make_samples.py and make_lifted.py."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.fixture(scope="session")
def spheres() -> SimpleNamespace:
    """The functions of make_samples.py (this folder is no package: it would hide Python's inspect)."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("make_samples.py"))))


@pytest.fixture(scope="session")
def lifted() -> SimpleNamespace:
    """The functions of make_lifted.py."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("make_lifted.py"))))
