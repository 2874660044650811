"""Libraries and lifted people of random poses, for the tests of trust."""

from __future__ import annotations

import numpy as np

from posecorpus.core.skeletons import FULL_42, LSP_14, TORSO, Skeleton, convert
from posecorpus.pseudogt.library.store import ClipEntry, PoseLibrary
from posecorpus.pseudogt.lift.lifted import Lifted


def random_library(poses: int = 60, subjects: int = 5, views: int = 6, seed: int = 0) -> PoseLibrary:
    """Poses of bones of fixed lengths, each at a random angle to a common pose; two collections."""
    rng = np.random.default_rng(seed)
    rest = np.random.default_rng(1).normal(size=(len(FULL_42), 3))
    bones = rest + 0.7 * rng.normal(size=(poses, len(FULL_42), 3))
    bones *= 0.2 / np.linalg.norm(bones, axis=-1, keepdims=True)
    points = np.zeros((poses, len(FULL_42), 3))
    for joint, parent in enumerate(FULL_42.parents):
        if parent >= 0:
            points[:, joint] = points[:, parent] + bones[:, joint]
    points -= points[:, FULL_42.indices(*TORSO)].mean(1, keepdims=True)
    clips = tuple(
        ClipEntry(f"clip{i}", f"clip{i}.bvh", f"subject{i}", f"source{i % 2}") for i in range(subjects)
    )
    return PoseLibrary(
        folder=None,
        poses=points.astype(np.float32),
        azimuth_deg=rng.uniform(0, 360, (poses, views)).astype(np.float32),
        elevation_deg=rng.uniform(-20, 40, (poses, views)).astype(np.float32),
        clip=np.sort(np.arange(poses, dtype=np.int32) % subjects),
        frame=np.arange(poses, dtype=np.int32),
        mirrored=np.zeros(poses, bool),
        clips=clips,
    )


def random_lifted(
    library: PoseLibrary, people: int = 7, k: int = 12, skeleton: Skeleton = LSP_14, seed: int = 0
) -> Lifted:
    """People whose hypotheses are random poses of the library, ten metres away; two joints were completed."""
    rng = np.random.default_rng(seed)
    views = rng.integers(len(library), size=(people, k))
    hypotheses = np.asarray(convert(library.poses[views // library.views], FULL_42, skeleton), np.float64)
    hypotheses[..., 2] += 10.0
    weights = rng.dirichlet(np.full(k, 0.5), size=people)
    joints3d = np.einsum("qk,qkja->qja", weights, hypotheses) + 0.01 * rng.normal(size=hypotheses[:, 0].shape)
    completed = np.zeros((people, len(skeleton)), bool)
    completed[:, skeleton.indices("l_wrist", "r_ankle")] = True
    return Lifted(
        joints3d=joints3d,
        joints2d=500 + 100 * joints3d[..., :2],
        completed=completed,
        views=views,
        mirrored=rng.random((people, k)) < 0.3,
        distances=np.sort(rng.uniform(0.01, 0.3, (people, k)), 1),
        hypotheses=hypotheses.astype(np.float32),
        weights=weights,
        deviation_mm=rng.uniform(10, 90, (people, len(skeleton))),
        residual_px=rng.uniform(0.1, 5, people),
        torso_px=rng.uniform(30, 60, people),
        spread_mm=np.full((people, len(skeleton)), 50.0),
        refused=np.full(people, None, object),
    )
