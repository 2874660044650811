"""Coverage, drift and elbow on poses whose answers are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_bank import poses_about

from posecorpus.anchors.bank import make_anchors
from posecorpus.anchors.distance import pose_distances
from posecorpus.anchors.quality import WITHIN_M, coverage, drift, elbow
from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import H36M_17

KINDS = np.random.default_rng(0).normal(0, 0.4, (6, 13, 3))


def test_coverage_counts_poses_by_their_nearest_anchor() -> None:
    poses = poses_about(KINDS, 40, 0.06, 1)
    anchors = make_anchors(poses, 6)
    known = replace(anchors, poses3d=anchors.poses3d[:4], poses2d=anchors.poses2d[:4])
    found = coverage(poses, known)
    least = pose_distances(poses.joints3d, known.poses3d).min(1)
    assert found.within == tuple((least <= radius).mean() for radius in WITHIN_M)
    assert found.mean_m == pytest.approx(least.mean())
    assert 0.6 < found.within[-1] <= 4 / 6 + 1e-9
    far = replace(known, poses3d=np.concatenate([known.poses3d, known.poses3d[:1] + 9]))
    assert coverage(poses, far).unused == 1


def test_drift_pairs_anchors_whatever_their_order() -> None:
    anchors = make_anchors(poses_about(KINDS, 40, 0.06, 1), 6)
    turned = replace(anchors, poses3d=anchors.poses3d[[3, 1, 0, 5, 4, 2]])
    assert drift(anchors, turned).largest_m == 0
    moved = turned.poses3d.copy()
    moved[1] += np.float32([0.03, 0, 0.04])
    told = drift(anchors, replace(turned, poses3d=moved))
    assert told.largest_m == pytest.approx(0.05, abs=1e-6)
    assert told.mean_m == pytest.approx(0.05 / 6, abs=1e-6)
    assert told.median_m == 0


def test_inertia_falls_to_the_noise_at_the_number_of_kinds() -> None:
    poses = poses_about(KINDS, 50, 0.02, 1)
    told = dict(elbow(poses, [1, 3, 6, 12]))
    centred = poses.joints3d.reshape(len(poses), -1).astype(float)
    assert told[1] == pytest.approx(((centred - centred.mean(0)) ** 2).sum(), rel=1e-5)
    assert told[1] > told[3] > 20 * told[6] > 20 * told[12] > 0


def test_other_skeletons_are_refused() -> None:
    poses = poses_about(KINDS, 5, 0.02, 1)
    anchors = make_anchors(poses, 3)
    with pytest.raises(InputError, match="of lcr_13"):
        coverage(replace(poses, skeleton=H36M_17), anchors)
    with pytest.raises(InputError, match="3 of lcr_13, got 2"):
        drift(anchors, make_anchors(poses, 2))
