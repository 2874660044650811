"""Oriented poses of motions, seen from virtual views (LCR-Net++ section 3.7)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from posecorpus.anchors.poses import PoseSet, joined, pose_set
from posecorpus.core.progress import Report, silent
from posecorpus.core.skeletons import FULL_42, Skeleton, convert
from posecorpus.pipelines.lifting.motion_landmarks import clip_landmarks
from posecorpus.pseudogt.library.store import view_rotations
from posecorpus.pseudogt.library.views import spread_views
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.motion import BodyMotion

ELEVATION_DEG = (-20.0, 40.0)


def motion_people(
    motions: Sequence[BodyMotion], wanted: Skeleton, views: int, seed: int, report: Report = silent
) -> PoseSet:
    """Every frame of every motion on the average body, from ``views`` directions each, orthographically."""
    body, sets, first = load_body("open", "neutral"), [], 0
    for done, motion in enumerate(motions, 1):
        joints = convert(clip_landmarks(motion, body).astype(np.float64), FULL_42, wanted)
        rotations = view_rotations(*spread_views(len(joints), views, ELEVATION_DEG, seed, first))
        seen = np.einsum("nvij,nkj->nvki", rotations, joints).reshape(-1, len(wanted), 3)
        sets.append(pose_set(wanted, motion.name, seen, seen[..., :2]))
        first += len(joints)
        report("posing motions", done, len(motions))
    return joined(sets)
