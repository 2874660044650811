"""Whether anchors are any good: how much of the pose space they cover, and how much of them is chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from posecorpus.anchors.bank import Anchors
from posecorpus.anchors.distance import nearest_anchor, pose_distances
from posecorpus.anchors.kmeans import cluster
from posecorpus.anchors.poses import PoseSet
from posecorpus.core.errors import InputError
from posecorpus.core.seeds import generator

WITHIN_M = (0.05, 0.10, 0.15)


@dataclass(frozen=True)
class Coverage:
    """How near poses are to their nearest anchors.

    Attributes:
        poses: how many were looked at.
        within: for each radius of ``WITHIN_M``, the fraction of poses that have an anchor so near (D3D).
        mean_m: mean distance to the nearest anchor.
        unused: anchors that are nearest to none.
    """

    poses: int
    within: tuple[float, ...]
    mean_m: float
    unused: int


@dataclass(frozen=True)
class Drift:
    """How far two sets of as many anchors differ, each anchor of one paired with one of the other.

    Attributes:
        mean_m, median_m, largest_m: D3D over the pairs, of the pairing with the least sum.
    """

    mean_m: float
    median_m: float
    largest_m: float


def coverage(poses: PoseSet, anchors: Anchors) -> Coverage:
    """Coverage of poses, best ones that were not clustered.

    Raises:
        InputError: no poses, or poses of another skeleton.
    """
    if poses.skeleton.name != anchors.skeleton.name or not len(poses):
        got = f"{len(poses)} of {poses.skeleton.name}"
        raise InputError("poses to be covered", f"some of {anchors.skeleton.name}", got)
    labels, distances = nearest_anchor(poses.joints3d, anchors.poses3d)
    within = tuple(float((distances <= radius).mean()) for radius in WITHIN_M)
    unused = int((np.bincount(labels, minlength=len(anchors)) == 0).sum())
    return Coverage(len(poses), within, float(distances.mean()), unused)


def drift(anchors: Anchors, others: Anchors) -> Drift:
    """How far the anchors of another seed are.

    Raises:
        InputError: other skeletons or numbers of anchors.
    """
    if (anchors.skeleton.name, len(anchors)) != (others.skeleton.name, len(others)):
        got = f"{len(others)} of {others.skeleton.name}"
        raise InputError("anchors to compare", f"{len(anchors)} of {anchors.skeleton.name}", got)
    apart = pose_distances(anchors.poses3d, others.poses3d)
    paired: NDArray[np.float64] = apart[linear_sum_assignment(apart)]
    return Drift(float(paired.mean()), float(np.median(paired)), float(paired.max()))


def elbow(poses: PoseSet, numbers: Sequence[int], seed: int = 0) -> list[tuple[int, float]]:
    """Inertia (squared metres) of clusterings into these numbers of anchors."""
    points = poses.joints3d.reshape(len(poses), -1)
    return [(k, cluster(points, k, generator(seed, "anchors")).inertia) for k in numbers]
