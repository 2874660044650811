"""What all shards of a synthetic corpus are made from, kept beside it while it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import write_atomically
from posecorpus.synth.motion import BodyMotion
from posecorpus.synth.sampling import Materials
from posecorpus.synth.store import MotionStore, write_store

MATERIALS = "materials.json"


@dataclass(frozen=True)
class Plan:
    """What all shards are made from: prepared once, read by every worker."""

    motions: MotionStore
    materials: Materials


def write_plan(
    folder: Path, motions: Sequence[BodyMotion], starts: NDArray[np.float64] | None, materials: Materials
) -> None:
    write_store(folder, motions, starts)
    write_atomically(folder / MATERIALS, materials.to_json())
    load_plan.cache_clear()


@lru_cache(maxsize=1)
def load_plan(folder: Path) -> Plan:
    if not folder.is_dir():
        fix = "it was removed while the run was at work; run the same command again"
        raise InputError(folder.parent, "the output folder", "none", fix)
    return Plan(MotionStore(folder), Materials.from_json((folder / MATERIALS).read_bytes()))
