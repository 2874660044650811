"""The figures that clustering wrote beside the anchors, ``anchors.quality.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, NonNegativeInt, ValidationError, model_validator

from posecorpus.core.errors import InputError
from posecorpus.core.files import read_limited

LARGEST = 1 << 20
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Drift(BaseModel):
    """Of anchors from those of the next seed, each paired with one: D3D, metres."""

    mean_m: Amount
    median_m: Amount
    largest_m: Amount


class Coverage(BaseModel):
    """Of held-out poses: the share within each radius, the mean distance, anchors that are nearest to none."""

    poses: NonNegativeInt
    within: list[Annotated[float, Field(ge=0, le=1)]]
    mean_m: Amount
    unused: NonNegativeInt


class Quality(BaseModel):
    """What the page shows of the file; ``elbow`` is of (anchors, inertia in square metres)."""

    poses: NonNegativeInt
    left_out: NonNegativeInt
    elbow: list[tuple[Annotated[int, Field(ge=1)], Amount]]
    drift_to_next_seed: Drift
    held_out: Coverage | None
    within_m: list[Amount]

    @model_validator(mode="after")
    def _one_share_for_each_radius(self) -> Quality:
        if self.held_out is not None and len(self.held_out.within) != len(self.within_m):
            raise ValueError(f"{len(self.within_m)} radii but {len(self.held_out.within)} shares")
        return self


def read_quality(path: Path) -> Quality | None:
    """The figures; None where there is no such file.

    Raises:
        InputError: the file is there but is something else.
    """
    if not path.exists():
        return None
    try:
        return Quality.model_validate_json(read_limited(str(path), LARGEST, "file of figures"))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise InputError(path, "the figures of anchors", f"{place}: {first['msg']}") from None
