"""Anchors in an order and on a map in which neighbours are alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform

from posecorpus.anchors.distance import pose_distances

MAX_OPTIMAL = 1000
"""Anchors of which the best order of the tree's leaves is sought: cubic, two seconds for so many."""

Poses = NDArray[np.floating]


def similarity_order(poses: Poses) -> list[int]:
    """Indices of poses (K, J, 3) in the order of the leaves of their dendrogram (average linkage of D3D).

    Up to ``MAX_OPTIMAL``, the leaves are those of the order in which neighbours are nearest (Bar-Joseph et al. 2001).
    """
    if len(poses) < 3:
        return list(range(len(poses)))
    apart = squareform(pose_distances(poses, poses), checks=False)
    tree = linkage(apart, "average")
    if len(poses) <= MAX_OPTIMAL:
        tree = optimal_leaf_ordering(tree, apart)
    return [int(k) for k in leaves_list(tree)]


def pose_map(poses: Poses, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """(K, 2) the two principal components of poses (K, J, 3), as vectors of 3 J metres that stand for ``counts`` each.

    The sign of each component is such that its largest value is positive.
    """
    vectors = np.asarray(poses, np.float64).reshape(len(poses), -1)
    weights = np.maximum(counts, 1) / np.maximum(counts, 1).sum()
    centred = vectors - weights @ vectors
    axes = np.linalg.svd(centred * np.sqrt(weights)[:, None], full_matrices=False)[2][:2]
    found = np.zeros((len(poses), 2))
    found[:, : len(axes)] = centred @ axes.T
    largest = found[np.abs(found).argmax(0), [0, 1]]
    return np.asarray(found * np.where(largest < 0, -1, 1))
