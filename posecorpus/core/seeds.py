"""Random numbers that depend on what is drawn, never on who draws it or when.

Every draw in the package comes from a generator derived from ``(seed, stage, index)``. The worker
count, the engine and an interruption cannot change it.
"""

from __future__ import annotations

import zlib

import numpy as np


def generator(seed: int, stage: str, index: int = 0) -> np.random.Generator:
    """The generator of one stage of one sample.

    Args:
        seed: the corpus's seed, any non-negative integer.
        stage: a short name of what is drawn ("scene", "texture", ...); draws of one stage can change
            without disturbing those of another.
        index: the sample's (or clip's) number within the corpus.
    """
    if seed < 0 or index < 0:
        raise ValueError(f"expected a non-negative seed and index, got seed={seed}, index={index}")
    numbers = (seed, zlib.crc32(stage.encode()), index)
    # As ``default_rng(numbers)``, in a fourth of the time where each number fills one word of the seed.
    entropy = np.array(numbers, np.uint32) if max(numbers) < 1 << 32 else numbers
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))
