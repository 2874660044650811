"""The small corpus, rendered once."""

from __future__ import annotations

import pytest
from small_corpus import good_samples

from posecorpus.core.sample import Sample


@pytest.fixture(scope="session")
def good() -> list[list[Sample]]:
    return good_samples()
