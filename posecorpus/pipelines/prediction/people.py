"""From what a network finds in a picture to the people of a sample, each standing before the camera."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.placement import Placement, place_orthographic, place_perspective
from posecorpus.core.sample import HIDDEN, UNLABELLED, VISIBLE, Person, Sample
from posecorpus.core.skeletons import Skeleton
from posecorpus.models.lcrnet.decode import Detections
from posecorpus.pseudogt.photos.samples import joint_box

NOTIONAL_FOV_DEG = 50.0
"""Of the longer side, where no camera is known: what gives the depths their unit, as for lifting."""


@dataclass(frozen=True)
class Standing:
    """How people are put before the camera.

    Attributes:
        fov_deg: field of view of the longer side of pictures whose camera is unknown; None for an orthographic camera.
        least_score: people of a lower score are left out.
    """

    fov_deg: float | None
    least_score: float


def with_people(sample: Sample, found: Detections, skeleton: Skeleton, standing: Standing) -> Sample:
    """The sample with the people that were found, best first.

    Where the camera is known (of a corpus, of a photo that names its lens) or given, the displacements are those of the least reprojection error. Otherwise they
    are an orthographic camera's, ``Sample.camera`` stays None, and depths are in units of a notional lens
    (:func:`~posecorpus.core.placement.place_orthographic`). The provenance tells which, and the residuals.
    """
    kept = found.scores >= standing.least_score
    camera = sample.camera
    told: dict[str, Any] = {}
    if camera is None and standing.fov_deg is not None:
        camera = Camera.assumed(standing.fov_deg, sample.width, sample.height)
        told["assumed_fov_deg"] = standing.fov_deg
    if camera is None:
        told |= {"placement": "orthographic", "notional_fov_deg": NOTIONAL_FOV_DEG}
        notional = Camera.assumed(NOTIONAL_FOV_DEG, sample.width, sample.height)
        placed = place_orthographic(
            found.poses3d[kept], found.poses2d[kept], float(notional.K[0, 0]), notional.K[:2, 2]
        )
    else:
        told["placement"] = "perspective"
        placed = place_perspective(found.poses3d[kept], found.poses2d[kept], camera.K)
    size = (sample.width, sample.height)
    people = [
        _person(found.poses2d[i], found.poses3d[i] + placed.translation[p], found.scores[i], skeleton, size)
        for p, i in enumerate(np.flatnonzero(kept))
    ]
    told["residual_px"] = _residuals(placed)
    return replace(sample, camera=camera, people=people, provenance=sample.provenance | told)


def _person(
    joints2d: NDArray[np.float64],
    joints3d: NDArray[np.float64],
    score: float,
    skeleton: Skeleton,
    size: tuple[int, int],
) -> Person:
    """One person. Networks do not say what is hidden: joints in the picture count as visible."""
    known = np.asarray(np.isfinite(joints2d).all(-1))
    with np.errstate(invalid="ignore"):
        inside = ((joints2d >= 0) & (joints2d < size)).all(-1)
    flags = np.where(known, np.where(inside, VISIBLE, HIDDEN), UNLABELLED).astype(np.uint8)
    joints2d = np.where(known[:, None], joints2d, np.nan)
    return Person(
        skeleton=skeleton.name,
        joints2d=joints2d.astype(np.float32),
        visibility=flags,
        bbox=joint_box(joints2d, size).astype(np.float32),
        joints3d=joints3d.astype(np.float32) if np.isfinite(joints3d).any() else None,
        score=float(score),
    )


def _residuals(placed: Placement) -> list[float | None]:
    """Root mean square reprojection errors, pixels; None for people whom nothing places."""
    return [round(float(value), 2) if np.isfinite(value) else None for value in placed.residual_px]
