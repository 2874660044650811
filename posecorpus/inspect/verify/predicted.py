"""What predicted people must hold to: nobody knows the truth, but their numbers must agree with each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from posecorpus.core.sample import Person
from posecorpus.inspect.verify.joints import Messages
from posecorpus.inspect.verify.subject import Subject, is_predicted

RESIDUAL_PX, RESIDUAL_SHARE = 0.02, 1e-3
"""What storing joints and residuals with few digits may change."""


def check_predicted(subject: Subject) -> Messages:
    """Scores are numbers of 0 and more; 3D joints are before the camera, and as far off the 2D as is stated.

    How far is the RMS distance of the projected joints, in the provenance's ``residual_px``, where the camera is known.
    """
    people = [(i, person) for i, person in enumerate(subject.sample.people) if is_predicted(person)]
    if not people:
        return None
    messages = []
    for i, person in people:
        if person.score is None or not 0 <= person.score < np.inf:
            messages.append(f"people[{i}].score is {person.score}")
        if person.joints3d is None:
            continue
        depth = person.joints3d[np.isfinite(person.joints3d).all(-1), 2]
        if not len(depth) or not (depth > 0).all():
            messages.append(f"people[{i}].joints3d: not all before the camera")
        else:
            messages += _residual_faults(subject, i, person)
    return messages


def _residual_faults(subject: Subject, i: int, person: Person) -> list[str]:
    camera, stated = subject.sample.camera, _stated(subject.sample.provenance, i)
    if camera is None or person.joints3d is None:
        return []
    projected, _ = camera.project_camera(person.joints3d)
    distance = np.linalg.norm(person.joints2d - projected, axis=-1)
    residual = float(np.sqrt(np.mean(distance[np.isfinite(distance)] ** 2)))
    if stated is not None and abs(residual - stated) <= RESIDUAL_PX + RESIDUAL_SHARE * residual:
        return []
    return [f"people[{i}]: residual_px is {stated}, the joints are {residual:.4g} px off"]


def _stated(provenance: dict[str, Any], i: int) -> float | None:
    """The residual of a person; None where the provenance has no such number."""
    listed = provenance.get("residual_px")
    value = listed[i] if isinstance(listed, list) and i < len(listed) else None
    return float(value) if isinstance(value, int | float) else None
