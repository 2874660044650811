"""Anchor poses: made by clustering, kept in one file that a person can read about in another.

Classes of full bodies come first, 0 to K - 1; with classes of upper bodies, class K + k has the 3D pose of
class k and a 2D pose in units of the box around the upper body (LCR-Net++ section 4.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from posecorpus.anchors.distance import pose_distances
from posecorpus.anchors.kmeans import cluster
from posecorpus.anchors.poses import PoseSet
from posecorpus.core.errors import InputError
from posecorpus.core.files import read_limited
from posecorpus.core.manifest import write_atomically
from posecorpus.core.npz import read_npz
from posecorpus.core.seeds import generator
from posecorpus.core.skeletons import Skeleton, skeleton

FORMAT = 1
LARGEST = 1 << 28
"""Bytes of arrays that a file of anchors may hold."""


@dataclass(frozen=True, eq=False)
class Anchors:
    """K anchor poses and what is known of their clusters.

    Attributes:
        skeleton: the joint set.
        poses3d: (K, J, 3) float32 metres in the camera frame, torso-centred: means of members.
        poses2d: (K, J, 2) float32 in box units, or (2 K, J, 2) with upper-body classes.
        counts: (K,) int64 members.
        spread_m: (K,) float64, mean D3D of the members to the anchor.
        farthest_m: (K,) float64, the largest.
        near, far: (K, J, 3) float32, the members nearest to and farthest from each anchor.
        near_names, far_names: K names of these, ``source#member``.
        sources: what was clustered, with the number of poses of each.
        seed: of the clustering.
        inertia: sum of the squared distances of poses, as vectors of 3 J metres, to their centres.
    """

    skeleton: Skeleton
    poses3d: NDArray[np.float32]
    poses2d: NDArray[np.float32]
    counts: NDArray[np.int64]
    spread_m: NDArray[np.float64]
    farthest_m: NDArray[np.float64]
    near: NDArray[np.float32]
    far: NDArray[np.float32]
    near_names: tuple[str, ...]
    far_names: tuple[str, ...]
    sources: dict[str, int]
    seed: int
    inertia: float

    def __len__(self) -> int:
        return len(self.poses3d)

    @property
    def classes(self) -> int:
        """How many classes a network tells apart, without the background."""
        return len(self.poses2d)

    @property
    def upper_body(self) -> bool:
        """Whether there are classes of upper bodies."""
        return self.classes == 2 * len(self)


def make_anchors(poses: PoseSet, clusters: int, *, upper_body: bool = False, seed: int = 0) -> Anchors:
    """Cluster poses and describe the clusters.

    Raises:
        InputError: fewer different poses than clusters.
    """
    found = cluster(poses.joints3d.reshape(len(poses), -1), clusters, generator(seed, "anchors"))
    centres = found.centres.reshape(clusters, -1, 3)
    members = np.split(np.argsort(found.labels, kind="stable"), np.cumsum(found.counts)[:-1])
    distances = _to_own(poses.joints3d, centres, members)
    order = np.lexsort((distances, found.labels))
    ends = np.cumsum(found.counts)
    nearest, farthest = order[ends - found.counts], order[ends - 1]
    means = [_means(poses.joints2d, members)]
    if upper_body:
        means.append(_means(poses.upper2d, members))
    per_source = np.bincount(poses.source, minlength=len(poses.sources)).tolist()
    return Anchors(
        skeleton=poses.skeleton,
        poses3d=centres,
        poses2d=np.concatenate(means),
        counts=found.counts,
        spread_m=np.bincount(found.labels, distances, clusters) / found.counts,
        farthest_m=distances[farthest],
        near=poses.joints3d[nearest],
        far=poses.joints3d[farthest],
        near_names=tuple(poses.name(i) for i in nearest),
        far_names=tuple(poses.name(i) for i in farthest),
        sources=_summed(poses.sources, per_source),
        seed=seed,
        inertia=found.inertia,
    )


def _to_own(
    joints3d: NDArray[np.float32], centres: NDArray[np.float32], members: list[NDArray[np.intp]]
) -> NDArray[np.float64]:
    """(N,) D3D of each pose to the centre that it is a member of."""
    found = np.empty(len(joints3d))
    for k, mine in enumerate(members):
        found[mine] = pose_distances(centres[k : k + 1], joints3d[mine])[0]
    return found


def _means(values: NDArray[np.float32], members: list[NDArray[np.intp]]) -> NDArray[np.float32]:
    """(K, J, 2) means of values (N, J, 2) of the members of each cluster."""
    return np.stack([values[mine].mean(0, dtype=np.float64) for mine in members]).astype(np.float32)


def _summed(names: tuple[str, ...], counts: list[int]) -> dict[str, int]:
    """Poses by source; a source may come several times."""
    found: dict[str, int] = {}
    for name, count in zip(names, counts, strict=True):
        found[name] = found.get(name, 0) + count
    return found


class _Sidecar(BaseModel):
    """``anchors.json`` beside ``anchors.npz``."""

    format: int
    skeleton: str
    joints: list[str]
    anchors: int
    classes: int
    units: str = (
        "poses3d in metres, camera frame, torso-centred; poses2d in units of a box, [0, 1] from its top left"
    )
    seed: int
    inertia_m2: float
    sources: dict[str, int]
    nearest_members: list[str]
    farthest_members: list[str]


_ARRAYS = ("poses3d", "poses2d", "counts", "spread_m", "farthest_m", "near", "far")


def save_anchors(anchors: Anchors, path: Path) -> None:
    """Write ``path`` (.npz) and, beside it, the same name with .json.

    Raises:
        InputError: another suffix.
    """
    if path.suffix != ".npz":
        raise InputError(path, "a file name that ends in .npz", path.suffix or "none")
    sidecar = _Sidecar(
        format=FORMAT,
        skeleton=anchors.skeleton.name,
        joints=list(anchors.skeleton.joints),
        anchors=len(anchors),
        classes=anchors.classes,
        seed=anchors.seed,
        inertia_m2=anchors.inertia,
        sources=anchors.sources,
        nearest_members=list(anchors.near_names),
        farthest_members=list(anchors.far_names),
    )
    arrays: dict[str, Any] = {name: getattr(anchors, name) for name in _ARRAYS}
    packed = BytesIO()
    np.savez(packed, **arrays)
    write_atomically(path.with_suffix(".json"), sidecar.model_dump_json(indent=1).encode() + b"\n")
    write_atomically(path, packed.getvalue())


def load_anchors(path: Path) -> Anchors:
    """Read what :func:`save_anchors` wrote.

    Raises:
        InputError: a file that is missing, broken, or does not fit the one beside it.
    """
    beside = path.with_suffix(".json")
    try:
        sidecar = _Sidecar.model_validate_json(read_limited(str(beside), LARGEST, "description of anchors"))
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(beside, "the description of anchors", f"{first['loc']}: {first['msg']}") from None
    if sidecar.format != FORMAT:
        raise InputError(beside, f"format {FORMAT}", sidecar.format, "make the anchors again")
    joints, count = skeleton(sidecar.skeleton), sidecar.anchors
    arrays = read_npz(path, _ARRAYS, LARGEST)
    shapes: dict[str, tuple[int, ...]] = {
        "poses2d": (sidecar.classes, len(joints), 2),
        **dict.fromkeys(("poses3d", "near", "far"), (count, len(joints), 3)),
        **dict.fromkeys(("counts", "spread_m", "farthest_m"), (count,)),
    }
    for name, shape in shapes.items():
        if name not in arrays or arrays[name].shape != shape:
            raise InputError(
                f"{path}: {name}", f"shape {shape}", arrays[name].shape if name in arrays else "none"
            )
        if not np.isfinite(arrays[name]).all():
            raise InputError(f"{path}: {name}", "finite numbers", "others")
    if count < 1 or sidecar.classes not in (count, 2 * count):
        raise InputError(beside, f"{count} or {2 * count} classes, at least one", sidecar.classes)
    if sidecar.joints != list(joints.joints):
        raise InputError(beside, f"the joints of {joints.name}", ", ".join(sidecar.joints)[:200])
    for what, names in (("nearest", sidecar.nearest_members), ("farthest", sidecar.farthest_members)):
        if len(names) != count:
            raise InputError(beside, f"{count} {what} members", len(names))
    return Anchors(
        skeleton=joints,
        near_names=tuple(sidecar.nearest_members),
        far_names=tuple(sidecar.farthest_members),
        sources=sidecar.sources,
        seed=sidecar.seed,
        inertia=sidecar.inertia_m2,
        **arrays,
    )
