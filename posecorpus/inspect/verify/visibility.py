"""The rules by which a joint is visible, applied to the rasters as they are stored.

See :mod:`posecorpus.synth.labels`. Depth is stored in whole millimetres, so either verdict is accepted where
the rounding decides.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.parts import SMPL_24_PARTS
from posecorpus.core.sample import HIDDEN, UNLABELLED, VISIBLE, Person
from posecorpus.core.skeletons import FULL_42, correspondence, skeleton
from posecorpus.inspect.verify.joints import Messages, joint_messages
from posecorpus.inspect.verify.subject import Subject, joint_parts
from posecorpus.synth.labels import BEHIND_M, INNER_DEPTH_M, SURFACE_JOINTS, SURFACE_TOLERANCE_M

ROUNDING_M = 2e-3
"""Twice what rounding the depth can do."""

Mask = NDArray[np.bool_]
_DX = np.array([0, -1, 0, 1, -1, 1, -1, 0, 1])
_DY = np.array([0, -1, -1, -1, 0, 0, 1, 1, 1])


def check_visibility(subject: Subject) -> Messages:
    """Labelled joints have a pixel; of rendered people those are visible, and only those, that show there."""
    sample = subject.sample
    messages: list[str] = []
    for i, person in enumerate(sample.people):
        has_pixel: Mask = np.all(np.isfinite(person.joints2d), axis=-1)
        wrong = has_pixel != (person.visibility != UNLABELLED)
        messages += joint_messages(
            i, person, wrong, lambda j: "must have a pixel if and only if it is labelled"
        )
        if person.body is None or sample.instances is None:
            continue
        false = (person.visibility == VISIBLE) & ~_shown(subject, i, ROUNDING_M)
        messages += joint_messages(i, person, false, lambda j: "is visible, but its pixel does not show it")
        missed = (person.visibility == HIDDEN) & _judged(subject, person) & _shown(subject, i, -ROUNDING_M)
        messages += joint_messages(
            i, person, missed, lambda j: "is hidden, but its own part is what its pixel shows"
        )
    return messages if sample.people else None


def _judged(subject: Subject, person: Person) -> Mask:
    """(J,) joints of which the stored rasters tell for certain that they show."""
    sample, taxonomy = subject.sample, subject.taxonomy
    known = correspondence(FULL_42, skeleton(person.skeleton)) >= 0
    complete = (
        subject.rendered_parts is not None and sample.depth_mm is not None and person.joints3d is not None
    )
    # Coarser parts hold more than those a joint belongs to.
    return known & (complete and taxonomy is not None and taxonomy.name == SMPL_24_PARTS.name)


def _shown(subject: Subject, i: int, slack_m: float) -> Mask:
    """(J,) whether the i-th person's joints show, as far as the rasters that are there can tell.

    Args:
        slack_m: widens all bounds on depth.
    """
    sample, person = subject.sample, subject.sample.people[i]
    inside, x, y = pixels_around(person, sample.width, sample.height)
    assert sample.instances is not None
    own: Mask = sample.instances[y, x] == i + 1
    table = None if subject.taxonomy is None else joint_parts(person.skeleton, subject.taxonomy.name)
    if subject.rendered_parts is not None and table is not None:
        own &= table[np.arange(len(table))[:, None], subject.rendered_parts[y, x]]
    skin = on_skin(person.skeleton)
    if sample.depth_mm is None or person.joints3d is None:
        return inside & np.where(skin, own.any(-1), own[:, 0])
    surface = sample.depth_mm[y, x] / 1e3
    in_front = person.joints3d[:, 2:] - surface
    flesh = own[:, 0] & (in_front[:, 0] <= INNER_DEPTH_M + slack_m) & (in_front[:, 0] >= -BEHIND_M - slack_m)
    there = own & (np.abs(in_front) <= SURFACE_TOLERANCE_M + slack_m)
    looks_past = (surface[:, 0] == 0) | (in_front[:, 0] < slack_m)
    return inside & np.where(skin, there[:, 0] | (looks_past & there.any(-1)), flesh)


@lru_cache(maxsize=32)
def on_skin(name: str) -> Mask:
    """(J,) joints of a skeleton that are points of the skin."""
    return np.isin(skeleton(name).landmarks, SURFACE_JOINTS)


def pixels_around(person: Person, width: int, height: int) -> tuple[Mask, NDArray[np.intp], NDArray[np.intp]]:
    """Pixels of the joints and around them.

    Returns:
        (J,) which joints lie in the picture; (J, 9) columns and (J, 9) rows, the joint's own pixel first (0, 0
        for joints outside), and for pixels beyond the border the nearest one within.
    """
    points = np.nan_to_num(person.joints2d, nan=-1.0)
    inside: Mask = np.all((points >= 0) & (points < (width, height)), axis=-1)
    x, y = np.where(inside[:, None], np.floor(points), 0).astype(np.intp).T
    return inside, np.clip(x[:, None] + _DX, 0, width - 1), np.clip(y[:, None] + _DY, 0, height - 1)
