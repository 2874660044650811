"""Skeleton maps as labels of a sample: several stick widths in several windows of each person."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.sample import Person, Sample, SkeletonMap
from posecorpus.core.skeletons import skeleton
from posecorpus.pseudogt.skeleton_maps.maps import skeleton_maps

MARGIN = 1.25
"""Side of a whole person's window in lengths of the longer side of their joints' box, as in MPII's crops."""
EXAMPLE_WIDTHS = (3.0, 5.0, 7.0, 9.0, 12.0, 15.0)
EXAMPLE_CROPS = (1.0, 0.8, 0.6)
"""18 maps a person, as many as the paper has hypotheses; its own widths and crops are not known to us."""
MAX_SCALE = 10.0
"""Largest crop factor: a person a tenth of the window is no target any more."""
MAX_MAPS = 64
"""Most maps of one person."""


def person_window(person: Person, crop: float = 1.0) -> NDArray[np.float32] | None:
    """The square that a person is seen in: around their joints, or their box where they have no joints in 2D.

    Args:
        person: with ``joints2d`` or ``bbox`` in pixels.
        crop: factor on the side (the paper's rescaling of the person's scale); below 1 cuts limbs off.

    Returns:
        (4,) x0, y0, x1, y1 pixels, which may stick out of the image; None for a person without a place.
    """
    seen = person.joints2d[np.isfinite(person.joints2d).all(-1)].astype(np.float64)
    if len(seen) < 2:
        seen = person.bbox.reshape(2, 2).astype(np.float64)
    if not np.isfinite(seen).all():
        return None
    low, high = seen.min(0), seen.max(0)
    half = crop * MARGIN * max(float((high - low).max()), 1.0) / 2
    middle = (low + high) / 2
    return np.concatenate([middle - half, middle + half]).astype(np.float32)


def draw_sample(
    sample: Sample, widths: Sequence[float], crops: Sequence[float] = (1.0,), size: int = 224
) -> list[SkeletonMap]:
    """All maps of a sample's people: by person, then crop, then width.

    Args:
        sample: its camera and its people's ``joints3d`` are drawn; people without either get no maps.
        widths: of the sticks, in pixels of the map.
        crops: factors on the side of each person's window.
        size: pixels a side of the maps.

    Raises:
        InputError: a width, crop or size that is none, or more than :data:`MAX_MAPS` maps a person.
    """
    _check(widths, crops, size)
    maps: list[SkeletonMap] = []
    if sample.camera is None:
        return maps
    for i, person in enumerate(sample.people):
        windows = [w for w in (person_window(person, crop) for crop in crops) if w is not None]
        if person.joints3d is None or not windows:
            continue
        boxes = np.repeat(np.stack(windows), len(widths), axis=0)
        sticks = np.tile(np.asarray(widths, np.float32), len(windows))
        joints = np.broadcast_to(person.joints3d, (len(boxes), *person.joints3d.shape))
        drawn = skeleton_maps(joints, sample.camera.K, skeleton(person.skeleton), boxes, size, sticks)
        for box, stick_px, foreground, background in zip(boxes, sticks, *drawn, strict=True):
            maps.append(SkeletonMap(i, float(stick_px), box, foreground, background))
    return maps


def _check(widths: Sequence[float], crops: Sequence[float], size: int) -> None:
    if not widths or not all(0 < width <= size for width in widths):
        raise InputError("skeleton maps: widths", f"pixels of the map above 0, at most {size}", list(widths))
    if not crops or not all(0 < crop <= MAX_SCALE for crop in crops):
        raise InputError("skeleton maps: crops", f"factors above 0, at most {MAX_SCALE:g}", list(crops))
    if len(widths) * len(crops) > MAX_MAPS:
        raise InputError("skeleton maps", f"at most {MAX_MAPS} maps a person", len(widths) * len(crops))
