"""Photos of known poses: what an annotator would mark, and the truth behind it.

Cameras stand where photographers stand: a few metres away, mostly at eye level, the person not quite
in the middle. Everything a query draws comes from the generator in the same order whatever the
condition, so the same generator shows the same people from the same places under every condition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import FULL_42, TORSO, Skeleton, correspondence
from posecorpus.pseudogt.library.heading import torso_centred
from posecorpus.pseudogt.library.store import view_rotations

Array = NDArray[np.float64]
Mask = Literal["none", "ankles", "one arm", "any four", "below hips"]
Crop = Literal["none", "person", "waist"]
MASKS: tuple[Mask, ...] = get_args(Mask)
CROPS: tuple[Crop, ...] = get_args(Crop)

DISTANCE_M, FOV_DEG = (4.0, 6.0), (45.0, 55.0)
USUAL_FOV_DEG = 50.0
"""Field of view of the longer side: what is assumed of a photo that nothing is known about."""
ELEVATION_MEAN_DEG, ELEVATION_STD_DEG, ELEVATION_DEG = 5.0, 10.0, (-20.0, 40.0)
LONG_SIDE_PX, SHORT_SIDE_PX = 1000, 750
OFF_CENTRE = (0.10, 0.05)
"""How far the torso is from the middle of the photo, at most, as shares of its width and height."""
MARGIN = (0.1, 0.4)
"""Space that a photo cut around a person leaves on each side, as a share of the person's size."""
_MASKED = 4
_LOWER = ("knee", "ankle", "foot")


@dataclass(frozen=True)
class Condition:
    """Under what circumstances people are annotated.

    Attributes:
        noise: standard deviation of each coordinate of an annotated joint, in torso lengths.
        mask: joints that are not annotated. ``one arm`` is elbow, wrist and hand of a side drawn at
            random; ``any four`` are drawn anew for each person; ``below hips`` are knees and what
            follows.
        crop: ``person`` cuts the photo around the person, ``waist`` also just below the hips, as the
            picture stands; joints outside are not annotated. What is told of the camera then has the
            principal point in the middle of what is left, and the field of view for its longer side.
        told_fov_deg: field of view that the lifter is told for the longer side of the photo; None
            tells the true intrinsics.
    """

    noise: float = 0.02
    mask: Mask = "none"
    crop: Crop = "none"
    told_fov_deg: float | None = USUAL_FOV_DEG

    def __post_init__(self) -> None:
        if not 0 <= self.noise < 1:
            raise InputError("noise", "a share of the torso's length, 0 to 1", self.noise)
        if self.mask not in MASKS:
            raise InputError("mask", f"one of {', '.join(MASKS)}", repr(self.mask))
        if self.crop not in CROPS:
            raise InputError("crop", f"one of {', '.join(CROPS)}", repr(self.crop))
        if self.told_fov_deg is not None and not 1 <= self.told_fov_deg <= 170:
            raise InputError("told field of view", "1 to 170 degrees", self.told_fov_deg)


@dataclass(frozen=True, eq=False)
class Queries:
    """Q annotated photos of one person each, in the order of the poses they were made from.

    Attributes:
        skeleton: of the joints.
        joints2d: (Q, J, 2) pixels as annotated, NaN where not annotated or not on the body.
        truth2d: (Q, J, 2) pixels of all joints, without noise.
        truth3d: (Q, J, 3) metres, camera frame.
        K_true, K_told: (Q, 3, 3) intrinsics of the photo, and what the lifter may know of them.
        size: (Q, 2) int width and height of the photo, pixels.
        torso_px: (Q,) length of the torso if it were parallel to the image: what noise is measured by.
    """

    skeleton: Skeleton
    joints2d: Array
    truth2d: Array
    truth3d: Array
    K_true: Array
    K_told: Array
    size: NDArray[np.int64]
    torso_px: Array

    def __len__(self) -> int:
        return len(self.joints2d)


@dataclass(frozen=True, eq=False)
class _Draws:
    """What chance decides about Q photos."""

    rotation: Array
    distance_m: Array
    fov_deg: Array
    portrait: NDArray[np.bool_]
    off_centre: Array
    margins: Array
    mask_order: Array
    left: NDArray[np.bool_]
    noise: Array


def simulate(
    landmarks: NDArray[np.floating], skeleton: Skeleton, condition: Condition, rng: np.random.Generator
) -> Queries:
    """Photograph and annotate Q poses, each from a place of its own.

    Args:
        landmarks: (Q, 42, 3) metres in a world with Y up; where in it they stand does not matter.
        skeleton: joints that are annotated.
        rng: decides everything; see the module's text.
    """
    poses = torso_centred(landmarks)
    draws = _draw(len(poses), len(skeleton), rng)
    points = np.einsum("qab,qjb->qja", draws.rotation, poses)
    # Move the torso's middle to its distance along the ray on which the photo shows it.
    size = np.where(draws.portrait[:, None], [SHORT_SIDE_PX, LONG_SIDE_PX], [LONG_SIDE_PX, SHORT_SIDE_PX])
    K = intrinsics(draws.fov_deg, size)
    ray = np.concatenate([draws.off_centre * size / K[:, :1, 0], np.ones((len(poses), 1))], 1)
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    points += (draws.distance_m[:, None] * ray)[:, None]

    torso = FULL_42.indices(*TORSO)
    length = np.linalg.norm(points[:, torso[:2]].mean(1) - points[:, torso[2:]].mean(1), axis=-1)
    torso_px = length * K[:, 0, 0] / points[:, torso, 2].mean(1)
    K, size = _cut(points, K, size, draws, condition.crop)

    picked = correspondence(FULL_42, skeleton)
    truth3d = points[:, picked]
    truth3d[:, picked < 0] = np.nan
    truth2d = _project(truth3d, K)
    joints2d = truth2d + condition.noise * torso_px[:, None, None] * draws.noise
    joints2d[_masked(skeleton, condition.mask, draws)] = np.nan
    if condition.crop == "waist":
        outside = (joints2d < 0).any(-1) | (joints2d > size[:, None]).any(-1)
        joints2d[outside] = np.nan
    told = K if condition.told_fov_deg is None else intrinsics(condition.told_fov_deg, size)
    return Queries(skeleton, joints2d, truth2d, truth3d, K, told, size, torso_px)


def intrinsics(fov_deg: float | Array, size: NDArray[np.integer]) -> Array:
    """(Q, 3, 3) intrinsics of photos (Q, 2) whose longer side spans ``fov_deg``, principal point amid."""
    focal = size.max(1) / 2 / np.tan(np.radians(fov_deg) / 2)
    K = np.zeros((len(size), 3, 3))
    K[:, 0, 0] = K[:, 1, 1] = focal
    K[:, :2, 2] = size / 2
    K[:, 2, 2] = 1
    return K


def _draw(count: int, joints: int, rng: np.random.Generator) -> _Draws:
    """One person after another, so that the first people do not depend on how many follow."""
    flat = np.empty((count, 10 + joints))
    noise = np.empty((count, joints, 2))
    elevation = np.empty(count)
    for i in range(count):
        flat[i] = rng.random(10 + joints)
        elevation[i] = rng.normal(ELEVATION_MEAN_DEG, ELEVATION_STD_DEG)
        noise[i] = rng.normal(size=(joints, 2))
    return _Draws(
        rotation=view_rotations(360 * flat[:, 0], np.clip(elevation, *ELEVATION_DEG)),
        distance_m=_between(DISTANCE_M, flat[:, 1]),
        fov_deg=_between(FOV_DEG, flat[:, 2]),
        portrait=flat[:, 3] < 0.5,
        off_centre=np.array(OFF_CENTRE) * (2 * flat[:, 4:6] - 1),
        margins=_between(MARGIN, flat[:, 6:10]),
        left=flat[:, 3] * 2 % 1 < 0.5,
        mask_order=flat[:, 10:],
        noise=noise,
    )


def _between(span: tuple[float, float], share: Array) -> Array:
    return np.asarray(span[0] + (span[1] - span[0]) * share)


def _project(points: Array, K: Array) -> Array:
    image = np.einsum("qab,qjb->qja", K, points)
    return np.asarray(image[..., :2] / image[..., 2:])


def _cut(
    points: Array, K: Array, size: NDArray[np.int64], draws: _Draws, crop: Crop
) -> tuple[Array, NDArray[np.int64]]:
    """Intrinsics and size of what is left of each photo; it may stick out, as with a person at the edge."""
    if crop == "none":
        return K, size
    pixels = _project(points, K)
    low, high = pixels.min(1), pixels.max(1)
    extent = high - low
    low = low - draws.margins[:, :2] * extent
    high = high + draws.margins[:, 2:] * extent
    if crop == "waist":
        hips = FULL_42.indices("l_hip", "r_hip", "l_hip_lsp", "r_hip_lsp", "l_hip_h36m", "r_hip_h36m")
        high[:, 1] = pixels[:, hips, 1].max(1) + 0.25 * draws.margins[:, 3] * extent[:, 1]
    corner = np.floor(low)
    window = np.maximum(np.ceil(high - corner).astype(np.int64), 1)
    moved = K.copy()
    moved[:, :2, 2] -= corner
    return moved, window


def _masked(skeleton: Skeleton, mask: Mask, draws: _Draws) -> NDArray[np.bool_]:
    """(Q, J) joints that are not annotated."""
    count = len(draws.left)
    sides = np.array([joint[:2] for joint in skeleton.joints])
    kinds = np.array([joint[2:].partition("_")[0] for joint in skeleton.joints])
    if mask == "any four":
        known = correspondence(FULL_42, skeleton) >= 0
        order = np.where(known, draws.mask_order, np.inf)
        return np.asarray(order.argsort(1, kind="stable").argsort(1, kind="stable") < _MASKED)
    if mask == "one arm":
        arm = np.isin(kinds, ("elbow", "wrist", "hand"))
        return np.asarray(arm & (sides == np.where(draws.left, "l_", "r_")[:, None]))
    paired = np.isin(sides, ("l_", "r_"))
    names = {"none": (), "ankles": ("ankle",), "below hips": _LOWER}[mask]
    return np.asarray(np.broadcast_to(paired & np.isin(kinds, names), (count, len(skeleton))))
