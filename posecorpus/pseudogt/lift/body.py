"""What a library tells of the body whose joints are lifted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import FULL_42, Skeleton, correspondence
from posecorpus.pseudogt.library.store import PoseLibrary
from posecorpus.pseudogt.lift.chains import Chains, chains

Array = NDArray[np.float64]
STIFF = 0.04
"""Two joints whose distance varies by less than this share of itself over the library are held apart."""
LEAST_TOLERANCE_M = 0.006
POSES = 2000
"""As many poses, evenly spread, are measured at most."""


@dataclass(frozen=True, eq=False)
class Body:
    """The bones of the J joints that the library knows, and how long they are.

    Attributes:
        chains: how they hang together.
        bone_ends: (B, 2) int64 joints that keep their distance: bones, and pairs of left and right.
        bone_m: (B,) their mean distance over the library, metres.
        tolerance_m: (B,) how far it may be off: its standard deviation, or what bodies differ by.
    """

    chains: Chains
    bone_ends: NDArray[np.int64]
    bone_m: Array
    tolerance_m: Array


def body_of(library: PoseLibrary, skeleton: Skeleton, joints: NDArray[np.integer]) -> Body:
    """Measure the library; ``joints`` (J,) are those of the skeleton that it knows."""
    tree = chains(skeleton).of(joints)
    places = np.full(len(skeleton), -1, np.int64)
    places[joints] = np.arange(len(joints))
    across = places[skeleton.mirror[joints]]
    pairs = [(i, int(parent)) for i, parent in enumerate(tree.parents) if parent >= 0]
    pairs += [(i, int(other)) for i, other in enumerate(across) if other > i]
    ends = np.array(pairs, np.int64).reshape(-1, 2)
    picked = correspondence(FULL_42, skeleton)[joints]
    poses = library.poses[:: max(1, len(library.poses) // POSES)].astype(np.float64)[:, picked]
    if (across >= 0).all():
        # Left and right are alike: the library is searched for mirror images as well.
        poses = np.concatenate([poses, poses[:, across] * [-1.0, 1.0, 1.0]])
    lengths = np.linalg.norm(poses[:, ends[:, 0]] - poses[:, ends[:, 1]], axis=-1)
    mean, deviation = lengths.mean(0), lengths.std(0)
    stiff = deviation < STIFF * mean
    return Body(tree, ends[stiff], mean[stiff], np.maximum(deviation[stiff], LEAST_TOLERANCE_M))
