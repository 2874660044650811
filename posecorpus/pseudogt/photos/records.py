"""What every reader of annotations gives, whatever its file format.

Coordinates are already ours: pixels, the centre of the first pixel at (0.5, 0.5), the person's own left
and right, unlabelled joints NaN. What a file says beyond that travels in ``details`` and ends up in the
samples' provenance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import Skipped
from posecorpus.core.sample import UNLABELLED

LARGEST_PX = 100_000.0
"""No coordinate of a photo is farther from its corner than this; beyond it a file is damaged."""


@dataclass(frozen=True, eq=False)
class AnnotatedPerson:
    """One person's joints in a photo.

    Attributes:
        joints: (J, 2) float64 pixels, NaN where unlabelled.
        visibility: (J,) uint8: 0 unlabelled, 1 labelled but hidden, 2 visible.
        box: (4,) float64 x0, y0, x1, y1 if the data set gives one.
        details: whatever else it says of the person, for the provenance.
    """

    joints: NDArray[np.float64]
    visibility: NDArray[np.uint8]
    box: NDArray[np.float64] | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class AnnotatedPhoto:
    """One photo and the people annotated in it.

    Attributes:
        name: the image file, as the annotations name it.
        where: the place in the annotation file, for messages.
        people: in the file's order, each with at least one labelled joint.
        size: width and height, pixels, if the file gives them.
        details: licence, split and the like, for the provenance.
    """

    name: str
    where: str
    people: tuple[AnnotatedPerson, ...]
    size: tuple[int, int] | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Annotations:
    """The contents of an annotation file.

    Attributes:
        dialect: which of the format's files it is.
        skeleton: name of the joint set.
        dataset: name and terms of the data set, for the provenance of every sample; ``licence`` is that of
            photos for which ``details`` names none.
        photos: in the file's order; a photo comes once, with all its people.
        faults: entries that cannot be used, one line each.
        left_out: how many things were passed over that are no faults, by what they are.
    """

    dialect: str
    skeleton: str
    dataset: dict[str, str]
    photos: list[AnnotatedPhoto]
    faults: list[Skipped] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)


def person(
    points: NDArray[np.float64],
    visibility: NDArray[np.integer] | NDArray[np.uint8],
    where: str,
    box: NDArray[np.float64] | None = None,
    details: dict[str, Any] | None = None,
) -> AnnotatedPerson:
    """A person from checked values; unlabelled joints (flag 0) become NaN.

    Raises:
        InputError: a labelled joint or the box is no number, or absurdly far away.
    """
    flags = np.asarray(visibility, np.uint8)
    labelled = flags != UNLABELLED
    joints = np.where(labelled[:, None], points, np.nan)
    expected = f"coordinates within {LARGEST_PX:g} px"
    for values in (joints[labelled], np.zeros(0) if box is None else box):
        bad = ~(np.abs(values) <= LARGEST_PX)
        if bad.any():
            raise InputError(where, expected, values[bad].flat[0])
    if box is not None and (box[2] < box[0] or box[3] < box[1]):
        raise InputError(f"{where}: box", "a width and height of at least 0", (box[2:] - box[:2]).tolist())
    return AnnotatedPerson(joints, flags, box, details or {})
