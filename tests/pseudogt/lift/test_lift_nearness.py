"""A lens that is told of wrongly, and a camera that really is near."""

from __future__ import annotations

import numpy as np
from lift_people import errors_mm, library_of, people, photos

from posecorpus.core.skeletons import FULL_42, LSP_14, TORSO, convert
from posecorpus.pseudogt.lift.lift import Lifter
from posecorpus.pseudogt.lift.lifted import LiftSettings
from posecorpus.pseudogt.lift.nearness import USUAL_M, longer_lens
from posecorpus.pseudogt.lift.perspective import to_rays

TORSO_14 = LSP_14.indices(*TORSO)


def _seen_from(distance_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Poses that face the camera as they stand, with no noise: matches (Q, n, J, 3) and rays (Q, J, 2)."""
    poses = convert(people(8, 40), FULL_42, LSP_14) * [1.0, -1.0, -1.0]
    points = poses + [0, 0, distance_m]
    return np.repeat(poses[:, None], 5, axis=1), points[..., :2] / points[..., 2:]


def test_usual_distances_are_believed() -> None:
    matched, rays = _seen_from(5.0)
    np.testing.assert_array_equal(longer_lens(matched, rays, TORSO_14, 0.01), 1)


def test_a_near_camera_is_believed_where_the_annotation_speaks_for_it() -> None:
    matched, rays = _seen_from(1.5)
    np.testing.assert_array_equal(longer_lens(matched, rays, TORSO_14, 0.01), 1)


def test_too_wide_a_lens_is_made_longer() -> None:
    matched, rays = _seen_from(6.0)
    share = longer_lens(matched, 3 * rays, TORSO_14, 0.01)
    # Taken for three times as wide, the person seems a third as far.
    np.testing.assert_allclose(share * USUAL_M / 2.0, 1.0, atol=0.35)
    assert (share < 0.8).all()


def test_people_are_lifted_nearly_as_well_with_a_wrong_lens() -> None:
    lifter = Lifter(library_of(people(150, 1)), LSP_14, LiftSettings(k=12))
    pixels, K, truth = photos(people(60, 41), 42, noise=0.02)
    told = K.copy()
    told[:, [0, 1], [0, 1]] /= 2.5
    right, wrong = lifter.lift(pixels, K), lifter.lift(pixels, told)
    assert errors_mm(wrong.joints3d, truth).mean() < 1.3 * errors_mm(right.joints3d, truth).mean()
    # The result stands before the camera that was told of.
    assert np.median(wrong.residual_px / wrong.torso_px) < 0.1
    rays = to_rays(pixels, told)
    off = wrong.joints3d[..., :2] - rays * wrong.joints3d[..., 2:]
    assert np.linalg.norm(off.mean(1), axis=-1).max() < 0.05
