"""What skeleton maps must hold to: they are drawn again from the people's joints and compared pixel by pixel."""

from __future__ import annotations

import numpy as np

from posecorpus.core.errors import InputError
from posecorpus.core.sample import Sample, SkeletonMap
from posecorpus.core.skeletons import skeleton
from posecorpus.core.sticks import STICKS
from posecorpus.inspect.verify.joints import Messages
from posecorpus.inspect.verify.subject import Subject
from posecorpus.pseudogt.skeleton_maps.maps import skeleton_maps


def check_skeleton_maps(subject: Subject) -> Messages:
    """Each map is what its person's ``joints3d`` give through the camera, in the map's window, byte for byte."""
    maps = subject.sample.skeleton_maps
    if maps is None:
        return None
    messages = []
    for i, stored in enumerate(maps):
        try:
            fault = _fault(subject.sample, stored)
        except InputError as error:
            fault = str(error)
        if fault is not None:
            messages.append(f"skeleton_maps[{i}] (person {stored.person}, {stored.stick_px:g} px): {fault}")
    return messages


def _fault(sample: Sample, stored: SkeletonMap) -> str | None:
    person = sample.people[stored.person]
    if sample.camera is None or person.joints3d is None:
        return "there is no camera or no 3D to draw it from"
    drawn = skeleton_maps(
        person.joints3d[None], sample.camera.K, skeleton(person.skeleton), stored.window,
        len(stored.foreground), stored.stick_px,
    )  # fmt: skip
    for name, ours, theirs in zip(
        ("foreground", "background"), drawn, (stored.foreground, stored.background), strict=True
    ):
        wrong = np.argwhere(ours[0] != theirs)
        if len(wrong):
            y, x = wrong[0]
            return (
                f"{len(wrong)} pixels of the {name} differ from the joints, first ({x}, {y}): "
                f"{_name(theirs[y, x])}, not {_name(ours[0, y, x])}"
            )
    return None


def _name(stick: np.uint8) -> str:
    if stick == 0:
        return "none"
    return STICKS[stick - 1].name if stick <= len(STICKS) else f"id {stick}, which there is not"
