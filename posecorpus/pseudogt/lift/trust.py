"""How far off lifted people may be: a predicted error for each pose and joint, with its interval.

A :class:`TrustModel` was fitted to simulated photos of a library's own poses, each lifted without the
poses of its subject (:func:`posecorpus.pseudogt.lift.trust_calibrate.calibrate`). It belongs to that
library and is stored beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import Skeleton
from posecorpus.pseudogt.library.store import PoseLibrary
from posecorpus.pseudogt.lift.lifted import Lifted, Method, Trust
from posecorpus.pseudogt.lift.trust_features import features
from posecorpus.pseudogt.lift.trust_intervals import MethodTrust
from posecorpus.pseudogt.lift.trust_store import read_trust, write_trust

TRUST = "trust.npz"
"""Name of the file in a library's folder."""
UNKNOWN_MM, UNKNOWN_INTERVAL_MM = 300.0, (0.0, 2000.0)
"""What is said where nothing could be calibrated: about the distance of two poses at random."""


@dataclass(frozen=True, eq=False)
class TrustModel:
    """Predicts errors of people lifted with the library it was calibrated on.

    Attributes:
        methods: by method of lifting; those that could not be calibrated are left out.
        table: see :meth:`reliability`.
    """

    methods: Mapping[Method, MethodTrust]
    table: Mapping[str, Any]

    def predict(
        self, lifted: Lifted, library: PoseLibrary, skeleton: Skeleton, method: Method = "depth"
    ) -> Trust:
        """Predicted errors of lifted people; NaN for refused ones and for joints that the library lacks.

        Where the method could not be calibrated (a library of a single pose), everybody gets the same
        error and an interval that says nothing.

        Args:
            library: that they were lifted with.
            skeleton: of their joints.
            method: by which they were lifted.
        """
        known = np.asarray(np.isfinite(lifted.joints3d).all(-1))
        if method not in self.methods:
            return _unknown(known)
        seen = features(lifted, library, skeleton)
        model = self.methods[method]
        pose, pose_ends = model.pose.predict(seen.pose, seen.missing)
        people, joints = known.shape
        of_joints = seen.joint.copy()
        of_joints[:, :, 0] = model.pose.size.predict(seen.pose)[:, None]
        flat, flat_ends = model.joint.predict(
            of_joints.reshape(people * joints, -1), np.repeat(seen.missing, joints)
        )
        return Trust(flat.reshape(people, joints), flat_ends.reshape(people, joints, 2), pose, pose_ends)

    def beyond(self, trust: Trust, method: Method = "depth") -> NDArray[np.bool_]:
        """(Q,) people who look worse than 999 of 1000 of the calibration: off by at least what is predicted.

        How much more cannot be told, so nothing larger than ``most_mm`` of :meth:`reliability` is predicted.
        """
        most = self.methods[method].pose.most_mm[0] if method in self.methods else np.inf
        return np.asarray(trust.pose_error_mm >= most)

    def reliability(self) -> dict[str, Any]:
        """How predictions did on subjects that they were fitted without, ready for JSON.

        The keys of :func:`posecorpus.pseudogt.lift.trust_reliability.reliability_table` for the default
        method; ``methods`` holds the same for each of the others; ``held_out`` tells what was left out
        for each query and ``note``, if there, why to doubt the figures.
        """
        return deepcopy(dict(self.table))

    def save(self, path: Path) -> None:
        """Write to a file, atomically; the same model gives the same bytes."""
        write_trust(self.methods, self.table, path)

    @staticmethod
    def open(path: Path) -> TrustModel:
        """Read what :meth:`save` wrote.

        Raises:
            InputError: no such file, a damaged one, or one that this version does not read.
        """
        return TrustModel(*read_trust(path))


def _unknown(known: NDArray[np.bool_]) -> Trust:
    error = np.where(known, UNKNOWN_MM, np.nan)
    ends = np.where(known[..., None], UNKNOWN_INTERVAL_MM, np.nan)
    anyone = np.asarray(known.any(1))
    return Trust(
        error,
        ends,
        np.where(anyone, UNKNOWN_MM, np.nan),
        np.where(anyone[:, None], UNKNOWN_INTERVAL_MM, np.nan),
    )
