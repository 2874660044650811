"""People who move in few ways, a library of some of their poses, and photos of them."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import FULL_42, LSP_14, TORSO, Skeleton, convert
from posecorpus.pseudogt.library.store import ClipEntry, PoseLibrary, view_rotations
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import landmarks_of

Array = NDArray[np.float64]
WAYS = 3


@cache
def _ways() -> Array:
    """(WAYS, 24, 3) directions in which joints turn together."""
    return np.random.default_rng(5).normal(0, 0.35, (WAYS, 24, 3))


def people(count: int, seed: int) -> Array:
    """(count, 42, 3) landmarks, Y up, torso-centred: mixtures of the ways, turned about Y at random."""
    rng = np.random.default_rng(seed)
    poses = np.einsum("nw,wja->nja", rng.normal(size=(count, WAYS)), _ways())
    poses[:, 0] = 0
    poses[:, 0, 1] = rng.uniform(-np.pi, np.pi, count)
    points = landmarks_of(load_body("open", "neutral"), np.zeros((count, 10)), poses, np.zeros((count, 3)))
    return np.asarray(points - points[:, FULL_42.indices(*TORSO)].mean(1, keepdims=True), np.float64)


def library_of(poses: Array, views: int = 24, subjects: int = 3) -> PoseLibrary:
    """A library in memory; poses belong to the subjects in turn."""
    rng = np.random.default_rng(9)
    count = len(poses)
    return PoseLibrary(
        folder=None,
        poses=poses.astype(np.float32),
        azimuth_deg=rng.uniform(0, 360, (count, views)).astype(np.float32),
        elevation_deg=rng.uniform(-20, 40, (count, views)).astype(np.float32),
        clip=(np.arange(count) % subjects).astype(np.int32),
        frame=np.arange(count, dtype=np.int32),
        mirrored=np.zeros(count, np.bool_),
        clips=tuple(ClipEntry(f"clip{i}", f"{i}.bvh", f"subject{i}", "here") for i in range(subjects)),
    )


def photos(
    poses: Array, seed: int, skeleton: Skeleton = LSP_14, noise: float = 0.0
) -> tuple[Array, Array, Array]:
    """Annotated photos from 4-6 m: pixels (Q, J, 2), intrinsics (Q, 3, 3), camera-frame joints (Q, J, 3)."""
    rng = np.random.default_rng(seed)
    count = len(poses)
    turn = view_rotations(rng.uniform(0, 360, count), rng.uniform(-15, 30, count))
    points = np.einsum("qab,qjb->qja", turn, convert(poses, FULL_42, skeleton))
    points += np.stack([rng.normal(0, 0.2, count), rng.normal(0, 0.2, count), rng.uniform(4, 6, count)], -1)[
        :, None
    ]
    K = np.broadcast_to([[1000.0, 0, 500], [0, 1000, 500], [0, 0, 1]], (count, 3, 3)).copy()
    image = np.einsum("qab,qjb->qja", K, points)
    pixels = image[..., :2] / image[..., 2:]
    return pixels + noise * 100 * rng.normal(size=pixels.shape), K, points


def errors_mm(joints: Array, truth: Array, skeleton: Skeleton = LSP_14) -> Array:
    """(Q, J) distances of torso-centred joints."""
    torso = skeleton.indices(*TORSO)
    centred = [points - points[:, torso].mean(1, keepdims=True) for points in (joints, truth)]
    return np.asarray(1000 * np.linalg.norm(centred[0] - centred[1], axis=-1))
