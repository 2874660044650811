"""What the shapes of MPII's annotations have in common: terms, people, and photos with several people."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import Skipped
from posecorpus.core.skeletons import MPII_16
from posecorpus.pseudogt.photos.records import (
    LARGEST_PX,
    AnnotatedPerson,
    AnnotatedPhoto,
    Annotations,
    person,
)

MATLAB_OFFSET_PX = -0.5
SCALE_PX = 200.0
"""MPII's ``scale`` is a person's height in units of so many pixels."""
HEADS_TALL = 8
"""MPII takes a person to be so many heads tall, so ``head size = 200 scale / 8``. It holds to 1e-9 for all
2,958 people of the validation split, whose file gives both."""
HEAD_FACTOR = 0.6
"""Head size of PCKh in units of the head box's diagonal."""

MPII = {
    "dataset": "MPII Human Pose 1.0",
    "cite": "Andriluka et al., CVPR 2014",
    "annotations_licence": "Simplified BSD; for research",
    "licence": "none stated; photos are frames of videos that belong to their authors",
}
_NOBODY = "people without a labelled joint"


@dataclass
class Gathered:
    """People collected photo by photo, in the order of their photos' first appearance."""

    people: dict[str, list[AnnotatedPerson]] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    faults: list[Skipped] = field(default_factory=list)

    def add(
        self,
        name: str,
        where: str,
        points: NDArray[np.float64],
        visibility: NDArray[np.uint8],
        details: dict[str, Any],
        photo: dict[str, Any] | None = None,
    ) -> None:
        """Take one person in.

        Args:
            points: (16, 2) as MPII counts pixels, from 1.
            visibility: (16,) ours.
            details: of the person; ``scale`` gives its head size if the file has none of its own.
            photo: of the photo.
        """
        if not visibility.any():
            self.left_out[_NOBODY] += 1
            return
        if not 0 < details.get("scale", 1) <= LARGEST_PX:
            self.faults.append(
                Skipped(where=f"{where}: scale", reason=f"expected a positive number, got {details['scale']}")
            )
            return
        if "scale" in details and "head_size_px" not in details:
            details["head_size_px"] = SCALE_PX * details["scale"] / HEADS_TALL
        try:
            someone = person(points + MATLAB_OFFSET_PX, visibility, where, None, details)
        except InputError as error:
            self.faults.append(Skipped.by(error))
            return
        self.people.setdefault(name, []).append(someone)
        self.places.setdefault(name, where)
        self.details.setdefault(name, photo or {})

    def annotations(self, dialect: str) -> Annotations:
        """All of them."""
        photos = [
            AnnotatedPhoto(name, self.places[name], tuple(people), None, self.details[name])
            for name, people in self.people.items()
        ]
        return Annotations(
            dialect, MPII_16.name, MPII, photos, self.faults, dict(sorted(self.left_out.items()))
        )


def centre(x: float, y: float) -> list[float]:
    """A person's rough position, pixels, from MPII's count to ours."""
    return [x + MATLAB_OFFSET_PX, y + MATLAB_OFFSET_PX]
