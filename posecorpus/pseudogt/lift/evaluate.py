"""How far lifted people are from the truth, person by person, and what the numbers can be compared with.

Errors are in mm of joints relative to the mean of shoulders and hips, unless another alignment is named.
Floors are answers that ignore the photo; oracles choose from the library knowing the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.core.metrics import centre_on_torso, joint_errors, n_mpjpe, pa_mpjpe
from posecorpus.core.skeletons import FULL_42, Skeleton, correspondence
from posecorpus.pseudogt.library.store import PoseLibrary, view_rotations
from posecorpus.pseudogt.lift.lifted import Lifted
from posecorpus.pseudogt.lift.simulate import Queries

Array = NDArray[np.float64]
LIMBS = (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
MEAN_VIEWS = 20_000


@dataclass(frozen=True, eq=False)
class PersonErrors:
    """Errors of Q lifted people; NaN for those who were refused.

    Attributes:
        joint_mm: (Q, J) error of each joint.
        pose_mm: (Q,) its mean over the joints (MPJPE, torso-centred).
        scaled_mm: (Q,) N-MPJPE: root-aligned, after the best scale.
        aligned_mm: (Q,) PA-MPJPE: after the best similarity.
        best_of_k_mm: (Q,) smallest ``pose_mm`` of the hypotheses.
        completion: (Q, J) distance in the photo of completed joints from where they are, in torso
            lengths; NaN for joints that were annotated.
        limb_ratio: (Q, 8) lengths of upper arms, forearms, thighs and shins, over the true ones.
        refused: (Q,) bool.
    """

    joint_mm: Array
    pose_mm: Array
    scaled_mm: Array
    aligned_mm: Array
    best_of_k_mm: Array
    completion: Array
    limb_ratio: Array
    refused: NDArray[np.bool_]


def person_errors(lifted: Lifted, queries: Queries) -> PersonErrors:
    """Compare lifted people with the truth behind the photos they were lifted from."""
    skeleton, truth = queries.skeleton, queries.truth3d
    joint_mm = torso_centred_mm(lifted.joints3d, truth, skeleton)
    hypotheses = torso_centred_mm(lifted.hypotheses, truth[:, None], skeleton)
    means = hypotheses.mean(-1)
    best = np.where(np.isfinite(means), means, np.inf).min(1, initial=np.inf)
    apart = np.linalg.norm(lifted.joints2d - queries.truth2d, axis=-1) / queries.torso_px[:, None]
    pairs = list(zip(lifted.joints3d, truth, strict=True))
    return PersonErrors(
        joint_mm=joint_mm,
        pose_mm=joint_mm.mean(-1),
        scaled_mm=1000 * np.array([n_mpjpe(p, t, skeleton) for p, t in pairs]),
        aligned_mm=1000 * np.array([pa_mpjpe(p, t) for p, t in pairs]),
        best_of_k_mm=np.where(np.isfinite(best), best, np.nan),
        completion=np.where(lifted.completed, apart, np.nan),
        limb_ratio=limb_lengths(lifted.joints3d, skeleton) / limb_lengths(truth, skeleton),
        refused=lifted.refused != None,  # noqa: E711 - elementwise
    )


def torso_centred_mm(predicted: NDArray[np.floating], truth: Array, skeleton: Skeleton) -> Array:
    """(..., J) distances in mm of joints (..., J, 3) after moving both torsos to the origin."""
    truth = np.broadcast_to(truth, predicted.shape)
    return 1000 * joint_errors(centre_on_torso(predicted, skeleton), centre_on_torso(truth, skeleton))


def limb_lengths(joints: Array, skeleton: Skeleton) -> Array:
    """(..., 8) lengths of upper arm, forearm, thigh and shin, left before right, metres."""
    pairs = [skeleton.indices(f"{side}_{a}", f"{side}_{b}") for a, b in LIMBS for side in "lr"]
    start, end = np.array(pairs).T
    return np.asarray(np.linalg.norm(joints[..., end, :] - joints[..., start, :], axis=-1))


# --- floors and oracles --------------------------------------------------------------------------------


def random_pose_mm(library: PoseLibrary, queries: Queries, rng: np.random.Generator) -> Array:
    """(Q,) errors of a view of the library drawn at random for each person: the floor of floors."""
    views = rng.integers(len(library), size=len(queries))
    guesses = library.joints3d(views, queries.skeleton)
    return np.asarray(torso_centred_mm(guesses, queries.truth3d, queries.skeleton).mean(-1))


def mean_pose_mm(library: PoseLibrary, queries: Queries) -> Array:
    """(Q,) errors of the one answer that is the mean of the library's views."""
    step = max(1, len(library) // MEAN_VIEWS)
    seen = library.joints3d(np.arange(0, len(library), step), queries.skeleton)
    mean = np.broadcast_to(seen.mean(0), queries.truth3d.shape)
    return np.asarray(torso_centred_mm(mean, queries.truth3d, queries.skeleton).mean(-1))


def nearest_view_mm(library: PoseLibrary, queries: Queries) -> Array:
    """(Q,) errors of the library's best view of its best pose: what the nearest match could be at best.

    Joints that the library lacks do not count.
    """
    known = correspondence(FULL_42, queries.skeleton)
    both = np.flatnonzero(known >= 0)
    truth = centre_on_torso(queries.truth3d, queries.skeleton)[:, both]
    numbers = np.arange(0, len(library), library.views)
    best = np.full(len(queries), np.inf)
    for start in range(0, len(library.poses), 512):
        part = slice(start, start + 512)
        turn = view_rotations(library.azimuth_deg[part], library.elevation_deg[part])
        own = view_rotations(library.azimuth_deg[part, 0], library.elevation_deg[part, 0])
        seen = centre_on_torso(library.joints3d(numbers[part], queries.skeleton), queries.skeleton)
        poses = np.einsum("pba,pjb->pja", own, seen[:, both])  # back to the world
        _closest(truth, np.ascontiguousarray(poses), np.ascontiguousarray(turn.swapaxes(-1, -2)), best)
    return 1000 * best


@njit(cache=True)
def _closest(truth: Array, poses: Array, turns: Array, best: Array) -> None:
    """Lower ``best`` (Q,) to the smallest mean joint distance of truth (Q, J, 3) to any view of
    poses (P, J, 3); ``turns`` (P, V, 3, 3) are the views' rotations, transposed."""
    joints = truth.shape[1]
    for p in range(len(poses)):
        for v in range(turns.shape[1]):
            seen = poses[p] @ turns[p, v]
            for q in range(len(truth)):
                limit = best[q] * joints
                apart = 0.0
                for j in range(joints):
                    x = truth[q, j, 0] - seen[j, 0]
                    y = truth[q, j, 1] - seen[j, 1]
                    z = truth[q, j, 2] - seen[j, 2]
                    apart += np.sqrt(x * x + y * y + z * z)
                    if apart >= limit:
                        break
                if apart < limit:
                    best[q] = apart / joints
