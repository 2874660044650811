"""Part masks of people known by their joints alone, drawn as ellipses (DMHS, section 4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from posecorpus.core.ellipses import EllipseConstants, ShapePlan, plan_for
from posecorpus.core.errors import InputError
from posecorpus.core.sample import Person
from posecorpus.pseudogt.ellipse_parts.paint import paint
from posecorpus.pseudogt.ellipse_parts.place import PLACED, place

Masks = tuple[NDArray[np.uint8], NDArray[np.uint8]]
MAX_PEOPLE = 255
"""Instances are bytes, and 0 is the background."""


def draw_batch(
    joints2d: NDArray[np.floating],
    joints3d: NDArray[np.floating] | None,
    plan: ShapePlan,
    height: int,
    width: int,
    windows: ArrayLike | None = None,
) -> Masks:
    """Draw the people of a batch of images.

    Args:
        joints2d: (N, P, J, 2) pixels, NaN where unlabelled; absent people are NaN throughout.
        joints3d: (N, P, J, 3) metres in the camera frame, or None. Whose labelled joints lack some is
            drawn in the fixed order; see :mod:`posecorpus.core.ellipses`.
        plan: the shapes for the joints' skeleton.
        height, width: of the masks.
        windows: (N, 4) or (4,) x0, y0, x1, y1 of what a mask covers, pixels; default: the image from 0, 0 to
            width, height. It may stick out and need not have the masks' aspect.

    Returns:
        (N, height, width) uint8 part ids, and instances: i + 1 for person i.

    Raises:
        InputError: shapes that do not agree, an empty window, more than 255 people.
    """
    return _draw(joints2d, joints3d, plan, height, width, windows, with_instances=True)


def ellipse_masks(
    joints2d: NDArray[np.floating],
    joints3d: NDArray[np.floating] | None,
    plan: ShapePlan,
    height: int,
    width: int,
    windows: ArrayLike | None = None,
) -> NDArray[np.uint8]:
    """As :func:`draw_batch` with one person an image: joints (N, J, 2) and (N, J, 3) to parts (N, height, width)."""
    lifted = None if joints3d is None else joints3d[:, None]
    return _draw(joints2d[:, None], lifted, plan, height, width, windows, with_instances=False)[0]


def draw_sample(people: Sequence[Person], width: int, height: int, constants: EllipseConstants) -> Masks:
    """Draw the people of one image, each with the shapes of its own skeleton.

    Returns:
        (height, width) uint8 part ids of ``constants.taxonomy``, and instances: i + 1 for ``people[i]``.

    Raises:
        InputError: more than 255 people.
    """
    if len(people) > MAX_PEOPLE:
        raise InputError("ellipses", f"at most {MAX_PEOPLE} people an image", len(people))
    plans = [_plan(_Key(constants), person.skeleton) for person in people]
    shapes = max((len(plan.labels) for plan in plans), default=0)
    placed, summary = np.zeros((len(people), shapes, PLACED)), np.zeros((len(people), 3))
    labels = np.zeros((len(people), shapes), dtype=np.uint8)
    for i, (person, plan) in enumerate(zip(people, plans, strict=True)):
        lifted = None if person.joints3d is None else person.joints3d[None, None]
        joints2d, joints3d = _checked(person.joints2d[None, None], lifted)
        placed[i : i + 1], summary[i : i + 1] = _place(joints2d, joints3d, plan)
        labels[i] = plan.labels
    everyone = np.array([[0, len(people)]], dtype=np.int64)
    window = _windows(None, 1, height, width)
    parts, instances = _paint(placed, labels, everyone, summary, window, height, width)
    return parts[0], instances[0]


def _draw(
    joints2d: NDArray[np.floating],
    joints3d: NDArray[np.floating] | None,
    plan: ShapePlan,
    height: int,
    width: int,
    windows: ArrayLike | None,
    *,
    with_instances: bool,
) -> Masks:
    joints2d, joints3d = _checked(joints2d, joints3d)
    images, count = joints2d.shape[:2]
    lattice = _windows(windows, images, height, width)
    placed, summary = _place(joints2d, joints3d, plan)
    starts = np.arange(images, dtype=np.int64) * count
    people = np.column_stack([starts, starts + count])
    labels = np.broadcast_to(plan.labels, (len(placed), len(plan.labels))).copy()
    return _paint(placed, labels, people, summary, lattice, height, width, with_instances)


class _Key:
    """Constants as a cache key: by identity, since they hold dictionaries."""

    def __init__(self, constants: EllipseConstants) -> None:
        self.constants = constants

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.constants is other.constants

    def __hash__(self) -> int:
        return id(self.constants)


@lru_cache(maxsize=32)
def _plan(key: _Key, skeleton_name: str) -> ShapePlan:
    return plan_for(key.constants, skeleton_name)


def _checked(
    joints2d: NDArray[np.floating], joints3d: NDArray[np.floating] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    if joints2d.ndim != 4 or joints2d.shape[-1] != 2:
        raise InputError("ellipses: joints2d", "shape (N, P, J, 2)", joints2d.shape)
    if joints2d.shape[1] > MAX_PEOPLE:
        raise InputError("ellipses: joints2d", f"at most {MAX_PEOPLE} people an image", joints2d.shape[1])
    if joints3d is not None and joints3d.shape != (*joints2d.shape[:3], 3):
        raise InputError("ellipses: joints3d", f"shape {(*joints2d.shape[:3], 3)}", joints3d.shape)
    # Copies, because kernels are compiled anew for arrays that are read-only or not contiguous.
    lifted = None if joints3d is None else np.array(joints3d, dtype=np.float64, order="C")
    return np.array(joints2d, dtype=np.float64, order="C"), lifted


def _windows(windows: ArrayLike | None, images: int, height: int, width: int) -> NDArray[np.float64]:
    if height < 1 or width < 1:
        raise InputError("ellipses", "masks of at least 1x1", f"{width}x{height}")
    given = np.asarray((0, 0, width, height) if windows is None else windows, dtype=np.float64)
    if given.shape not in ((4,), (images, 4)):
        raise InputError("ellipses: windows", f"shape (4,) or {(images, 4)}", given.shape)
    if not (np.isfinite(given).all() and (given[..., 2:] > given[..., :2]).all()):
        raise InputError("ellipses: windows", "finite x0 < x1 and y0 < y1", given.tolist())
    return np.broadcast_to(given, (images, 4)).copy()


def _place(
    joints2d: NDArray[np.float64], joints3d: NDArray[np.float64] | None, plan: ShapePlan
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    joints = joints2d.shape[2]
    flat = joints2d.reshape(-1, joints, 2)
    if plan.points.max(initial=-1) >= joints:
        raise InputError("ellipses: joints2d", "the joints of the plan's skeleton", f"{joints} joints")
    placed, summary = np.empty((len(flat), len(plan.labels), PLACED)), np.empty((len(flat), 3))
    lifted = np.zeros((1, joints, 3)) if joints3d is None else joints3d.reshape(-1, joints, 3)
    place(
        flat, lifted, joints3d is not None, plan.points, plan.ends, plan.measures, plan.references,
        plan.proportions, placed, summary,
    )  # fmt: skip
    return placed, summary


def _paint(
    placed: NDArray[np.float64],
    labels: NDArray[np.uint8],
    people: NDArray[np.int64],
    summary: NDArray[np.float64],
    windows: NDArray[np.float64],
    height: int,
    width: int,
    with_instances: bool = True,
) -> Masks:
    parts = np.zeros((len(people), height, width), dtype=np.uint8)
    instances = np.zeros((len(people), height, width if with_instances else 0), dtype=np.uint8)
    paint(placed, labels, people, summary, windows, parts, instances)
    return parts, instances
