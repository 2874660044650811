"""Landmarks of motion clips on the body, with or without shapes of their own."""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from posecorpus.pseudogt.library.store import ClipEntry
from posecorpus.synth.bodies.model import BodyModel
from posecorpus.synth.bodies.skinning import landmarks_of
from posecorpus.synth.motion import BodyMotion
from posecorpus.synth.retarget import place

LOOSE_FILES = "single files"


def clip_landmarks(
    motion: BodyMotion, body: BodyModel, betas: NDArray[np.floating] | None = None
) -> NDArray[np.float32]:
    """(T, 42, 3) landmarks of a clip, metres, Y up; ``betas`` (B,) shape the body, which is average by default."""
    shape = np.zeros(body.num_betas) if betas is None else np.asarray(betas, float)
    shapes = np.broadcast_to(shape, (len(motion.poses), len(shape)))
    points = landmarks_of(body, shapes, motion.poses, place(motion, body, shape))
    return points.astype(np.float32)


def clip_entry(motion: BodyMotion) -> ClipEntry:
    """How a library lists the clip."""
    return ClipEntry(motion.name, motion.source, motion.subject, collection_of(motion.source))


def collection_of(source: str) -> str:
    """The MoCap source that a clip belongs to: its zip, or the folder that the user named.

    Args:
        source: as corpora name it, from what the user gave onwards: ``all/cmu.zip!01/01_01.amc``.
    """
    file, inside, _ = source.partition("!")
    parts = PurePosixPath(file).parts
    if inside:
        return parts[-1]
    return parts[0] if len(parts) > 1 or not PurePosixPath(file).suffix else LOOSE_FILES
