"""Pictures of what a network makes of some pictures, while it learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.sample import VISIBLE, Sample
from posecorpus.core.skeletons import Skeleton, convert, convert_visibility, skeleton
from posecorpus.inspect.joint_drawing import draw_joints

COLUMNS = 4
CELL_PX = 320
_GAP_PX = 4


@dataclass(frozen=True, eq=False)
class Seen:
    """A picture, and the people found in it.

    Attributes:
        sample: with its picture and the true people.
        poses2d: (P, J, 2) pixels, of people whose score is worth showing.
    """

    sample: Sample
    poses2d: NDArray[np.floating]


def preview_sheet(seen: Sequence[Seen], joints: Skeleton) -> NDArray[np.uint8]:
    """One picture (H, W, 3) of cells: the truth above, what was found below.

    Args:
        joints: of the found poses; the truth is shown with the same ones.
    """
    rows = []
    for start in range(0, len(seen), COLUMNS):
        some = seen[start : start + COLUMNS]
        rows.append(_row([_fit(_truth(one.sample, joints)) for one in some]))
        rows.append(_row([_fit(_found(one, joints)) for one in some]))
    width = max(row.shape[1] for row in rows)
    return np.concatenate([_padded(row, row.shape[0], width) for row in rows])


def _truth(sample: Sample, joints: Skeleton) -> NDArray[np.uint8]:
    image = _picture(sample)
    for person in sample.people:
        source = skeleton(person.skeleton)
        points = convert(person.joints2d, source, joints)
        image = draw_joints(image, points, convert_visibility(person.visibility, source, joints), joints)
    return image


def _found(one: Seen, joints: Skeleton) -> NDArray[np.uint8]:
    image = _picture(one.sample)
    for pose in one.poses2d[::-1]:  # the best on top
        image = draw_joints(image, pose, np.full(len(joints), VISIBLE, np.uint8), joints)
    return image


def _picture(sample: Sample) -> NDArray[np.uint8]:
    if sample.image is None:
        raise ValueError(f"{sample.key} has no picture")
    return sample.image


def _fit(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = CELL_PX / max(image.shape[:2])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _row(cells: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    height = max(cell.shape[0] for cell in cells) + _GAP_PX
    return np.concatenate([_padded(cell, height, cell.shape[1] + _GAP_PX) for cell in cells], axis=1)


def _padded(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    below, right = height - image.shape[0], width - image.shape[1]
    return np.pad(image, ((0, below), (0, right), (0, 0)))
