"""From landmarks of motion clips to a pose library, in memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import FULL_42
from posecorpus.pseudogt.library.distinct import DistinctPoses
from posecorpus.pseudogt.library.heading import mirrored, torso_centred
from posecorpus.pseudogt.library.store import ClipEntry, PoseLibrary
from posecorpus.pseudogt.library.views import spread_views

DEFAULT_VIEWS, DEFAULT_SPACING_MM, DEFAULT_ELEVATION_DEG = 120, 30.0, (-20.0, 40.0)
BLOCK = 8192
MAX_VIEWS_IN_ALL = 2**31 - 1


def build_library(
    landmarks: NDArray[np.floating],
    clip: NDArray[np.integer],
    frame: NDArray[np.integer],
    clips: tuple[ClipEntry, ...],
    *,
    views: int = DEFAULT_VIEWS,
    spacing_mm: float = DEFAULT_SPACING_MM,
    mirror: bool = False,
    elevation_deg: tuple[float, float] = DEFAULT_ELEVATION_DEG,
    seed: int = 0,
) -> PoseLibrary:
    """Keep poses that differ and look at each from all around.

    Poses are taken in the order given, which decides which of two near-duplicates stays; mirror
    images come after all of them.

    Args:
        landmarks: (N, 42, 3) metres, Y up.
        clip, frame: (N,) where each comes from.
        clips: what ``clip`` counts.
        views: directions that each pose is seen from.
        spacing_mm: mean landmark distance, heading aside, within which a pose is a duplicate.
        mirror: also add the mirror images of the kept poses.
        elevation_deg: range of the views' heights above the horizon.
        seed: decides the views.

    Raises:
        InputError: arrays that do not fit together, no pose, or more views than can be numbered.
    """
    _check(landmarks, clip, frame, clips)
    kept, flipped = select_poses(landmarks, spacing_mm, mirror=mirror)
    return assemble(landmarks, clip, frame, clips, kept, flipped, views, elevation_deg, seed)


def select_poses(
    landmarks: NDArray[np.floating],
    spacing_mm: float,
    *,
    mirror: bool,
    rows: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Rows of ``landmarks`` (N, 42, 3) to keep, in library order, and which of them are mirrored.

    Only a block of them is in memory at a time, so they may be memory-mapped.

    Args:
        rows: those to choose from, in this order; all by default.
    """
    rows = np.arange(len(landmarks)) if rows is None else rows
    sample = rows[:: max(1, len(rows) // 2000)]
    distinct = DistinctPoses(spacing_mm / 1000, torso_centred(landmarks[sample]))
    kept = _admitted(rows, lambda part: distinct.admit(torso_centred(landmarks[part])))
    if not mirror:
        return kept, np.zeros(len(kept), np.bool_)
    images = _admitted(kept, lambda part: distinct.admit(mirrored(torso_centred(landmarks[part]))))
    return np.concatenate([kept, images]), np.repeat([False, True], [len(kept), len(images)])


def _admitted(
    rows: NDArray[np.int64], admit: Callable[[NDArray[np.int64]], NDArray[np.bool_]]
) -> NDArray[np.int64]:
    parts = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
    return np.concatenate([part[admit(part)] for part in parts])


def assemble(
    landmarks: NDArray[np.floating],
    clip: NDArray[np.integer],
    frame: NDArray[np.integer],
    clips: tuple[ClipEntry, ...],
    kept: NDArray[np.int64],
    flipped: NDArray[np.bool_],
    views: int,
    elevation_deg: tuple[float, float],
    seed: int,
) -> PoseLibrary:
    """The library of the rows that :func:`select_poses` chose."""
    if len(kept) * views > MAX_VIEWS_IN_ALL:
        raise InputError(
            "--views",
            f"at most {MAX_VIEWS_IN_ALL} views in all",
            f"{len(kept)} poses x {views}",
            "ask for fewer --views or a larger --spacing-mm",
        )
    poses = np.empty((len(kept), len(FULL_42), 3), np.float32)
    for start in range(0, len(kept), BLOCK):
        part = slice(start, start + BLOCK)
        centred = torso_centred(landmarks[kept[part]])
        poses[part] = np.where(flipped[part, None, None], mirrored(centred), centred)
    azimuth, elevation = spread_views(len(kept), views, elevation_deg, seed)
    return PoseLibrary(
        folder=None,
        poses=poses,
        azimuth_deg=azimuth,
        elevation_deg=elevation,
        clip=np.asarray(clip[kept], np.int32),
        frame=np.asarray(frame[kept], np.int32),
        mirrored=flipped,
        clips=tuple(clips),
    )


def _check(
    landmarks: NDArray[np.floating],
    clip: NDArray[np.integer],
    frame: NDArray[np.integer],
    clips: tuple[ClipEntry, ...],
) -> None:
    count = len(landmarks)
    if landmarks.shape != (count, len(FULL_42), 3) or not np.issubdtype(landmarks.dtype, np.floating):
        raise InputError("landmarks", f"floats of shape (N, {len(FULL_42)}, 3)", landmarks.shape)
    if not count:
        raise InputError("landmarks", "at least one pose", "none")
    for name, values in (("clip", clip), ("frame", frame)):
        if values.shape != (count,) or not np.issubdtype(values.dtype, np.integer) or values.min() < 0:
            raise InputError(name, f"{count} non-negative integers", f"{values.dtype} {values.shape}")
    if clip.max() >= len(clips):
        raise InputError("clip", f"numbers below {len(clips)}", int(clip.max()))
    if not np.isfinite(landmarks).all():
        raise InputError("landmarks", "finite numbers", "NaN or infinity")
