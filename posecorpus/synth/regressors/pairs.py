"""Poses that two rigs give the same moments: what a regressor is learned from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.npz import read_npz
from posecorpus.core.skeletons import Skeleton

MAX_BYTES = 2 << 30
MAX_COORDINATE_M = 1e3
LEAST_POSES = 20


@dataclass(frozen=True)
class Pairs:
    """Joints of two rigs, in one frame.

    Attributes:
        source: (N, J, 3) float64 metres.
        target: (N, K, 3) float64 metres.
        groups: (N,) number of the subject (or whatever must not be in training and test at once), or None.
        sha256: of the file.
    """

    source: NDArray[np.float64]
    target: NDArray[np.float64]
    groups: NDArray[np.intp] | None
    sha256: str


def read_pairs(path: Path, source: Skeleton, target: Skeleton) -> Pairs:
    """Read ``source`` (N, J, 3), ``target`` (N, K, 3) and, if there, ``groups`` (N,) of an ``.npz``.

    Both are in metres and in one frame of any camera or world. Groups are numbers or names.

    Raises:
        InputError: missing, broken, hostile or too large; other shapes; a number that is not finite or no
            length of a body in metres; fewer than :data:`LEAST_POSES` pairs.
    """
    found = read_npz(path, ("source", "target"), MAX_BYTES)
    named = read_npz(path, ("groups",), MAX_BYTES, kinds="iuU")
    for name in ("source", "target"):
        if name not in found:
            raise InputError(path, "arrays 'source' and 'target'", f"no {name!r}")
    arrays = [
        _joints(f"{path}: {name}", found[name], shape)
        for name, shape in (("source", source), ("target", target))
    ]
    count = len(arrays[0])
    if len(arrays[1]) != count or count < LEAST_POSES:
        got = f"{count} and {len(arrays[1])}"
        raise InputError(path, f"as many poses in source as in target, at least {LEAST_POSES}", got)
    groups = None
    if "groups" in named:
        if named["groups"].shape != (count,):
            raise InputError(f"{path}: groups", f"shape ({count},)", named["groups"].shape)
        names, groups = np.unique(named["groups"], return_inverse=True)
        if len(names) < 2:
            raise InputError(f"{path}: groups", "at least two of them", "one", "leave the array out")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Pairs(arrays[0], arrays[1], groups, digest)


def _joints(where: str, values: NDArray[Any], shape: Skeleton) -> NDArray[np.float64]:
    if values.ndim != 3 or values.shape[1:] != (len(shape), 3):
        raise InputError(where, f"shape (N, {len(shape)}, 3), joints of {shape.name}", values.shape)
    joints = values.astype(np.float64)
    if not np.isfinite(joints).all() or np.abs(joints).max(initial=0) > MAX_COORDINATE_M:
        raise InputError(where, "finite coordinates in metres", "others", "leave out unlabelled poses")
    extent = np.median(np.ptp(joints, axis=1).max(-1))
    if not 0.2 < extent < 5:
        raise InputError(where, "poses of people, in metres", f"a median extent of {extent:.3g}")
    return joints
