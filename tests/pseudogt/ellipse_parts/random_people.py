"""People whose joints are anywhere, with everything that annotations can lack, for the tests of both rasterisers."""

from __future__ import annotations

import numpy as np

from posecorpus.core.cameras import Camera
from posecorpus.core.skeletons import FULL_42, Skeleton, convert

FOCAL_PX = 60.0
SIDES = (44, 52)
"""Height and width of the masks drawn."""


def random_people(rng: np.random.Generator, skeleton: Skeleton, images: int, count: int):
    """(N, P, J, 2) pixels and (N, P, J, 3) metres: a rough upright figure with every joint thrown about.

    Of every sixth person some 2D joints are missing, of every sixth some 3D, every twelfth is absent.
    """
    height, width = SIDES
    people = images * count
    body = np.stack([_standing() + rng.normal(0, 0.12, (42, 3)) for _ in range(people)])
    turn = rng.uniform(-np.pi, np.pi, people)
    turned = body.copy()
    turned[..., 0] = np.cos(turn)[:, None] * body[..., 0] + np.sin(turn)[:, None] * body[..., 2]
    turned[..., 2] = np.cos(turn)[:, None] * body[..., 2] - np.sin(turn)[:, None] * body[..., 0]
    place = np.stack(
        [rng.uniform(-0.5, 0.5, people), rng.uniform(-0.3, 0.3, people), rng.uniform(2.5, 5, people)], -1
    )
    joints3d = turned + place[:, None]
    camera = Camera(
        np.array([[FOCAL_PX, 0, width / 2], [0, FOCAL_PX, height / 2], [0, 0, 1]]),
        np.eye(3), np.zeros(3), width, height,
    )  # fmt: skip
    joints2d, _ = camera.project_camera(joints3d)
    for p in range(people):
        if p % 6 == 1:
            joints2d[p, rng.random(42) < 0.3] = np.nan
        if p % 6 == 3:
            joints3d[p, rng.random(42) < 0.05] = np.nan
        if p % 12 == 5:
            joints2d[p] = np.nan
    shape = (images, count, len(skeleton))
    return (
        convert(joints2d, FULL_42, skeleton).reshape(*shape, 2),
        convert(joints3d, FULL_42, skeleton).reshape(*shape, 3),
    )


def _standing() -> np.ndarray:
    """(42, 3) metres, y down, hips at the origin: where the landmarks of a standing person roughly are."""
    x = {"shoulder": 0.18, "elbow": 0.3, "wrist": 0.35, "hand": 0.36, "hip": 0.1, "knee": 0.11, "ankle": 0.12, "foot": 0.13,
         "eye": 0.03, "ear": 0.08, "collar": 0.08}  # fmt: skip
    y = {"shoulder": -0.48, "elbow": -0.22, "wrist": 0.0, "hand": 0.08, "hip": 0.0, "knee": 0.42, "ankle": 0.85, "foot": 0.9,
         "eye": -0.72, "ear": -0.7, "collar": -0.45, "pelvis": -0.02, "spine1": -0.12, "spine2": -0.25, "spine3": -0.35,
         "neck": -0.55, "upper": -0.58, "head": -0.65, "nose": -0.68, "thorax": -0.48, "jaw": -0.62, "spine": -0.25}  # fmt: skip
    points = np.zeros((42, 3))
    for j, name in enumerate(FULL_42.joints):
        sign = {"l_": 1.0, "r_": -1.0}.get(name[:2], 0.0)
        base = (name[2:] if sign else name).split("_")[0]
        points[j] = sign * x.get(base, 0.0), y[base], -0.12 if base in ("foot", "nose") else 0.0
    points[FULL_42.index("head_top"), 1] = -0.85
    points[FULL_42.index("head_h36m"), 1] = -0.8
    points[FULL_42.index("head_centre"), 1] = -0.7
    return points
