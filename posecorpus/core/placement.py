"""Where people stand: 3D poses known up to their place, put in front of the camera by their own 2D poses.

A detector gives each person a 2D pose in pixels and a 3D pose about the torso. The displacement of the 3D
pose is the least squares of the reprojection error (LCR-Net++, caption of Fig. 15): under a known camera
with perspective, under an unknown one with an orthographic camera and a scale of each person's own.

Perspective. With the pose about its own middle, q = 1 / depth of that middle and its image ``a``, joint j falls
on ``(M_j q + a) / (1 + Z_j q)`` where M_j is the joint's (X, Y) times the focal lengths. For a given q this is
linear in ``a``, so the reprojection error is a function of q alone; it is all but quadratic, as q of a person
a few metres away leaves the denominators near 1. The linear solution (the same equation times its denominator)
starts damped Gauss-Newton steps in q, each with the best ``a``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

NEAR_M, FAR_M = 0.1, 1000.0
"""Nearest depth of any joint and farthest depth of a person's middle, metres."""
_APART = 1e-6  # metres or pixels: nearer joints are at one point
_STEPS, _STILL = 60, 1e-13
_STARTS = 12
"""Distances that are tried beside the linear solution: very wrong poses have several minima."""


@dataclass(frozen=True, eq=False)
class Placement:
    """Displacements of P people.

    Attributes:
        translation: (P, 3) metres, camera frame (OpenCV), to be added to the joints; NaN for people whom nothing
            places: fewer than two joints known in 2D and 3D, or all of them at one point.
        residual_px: (P,) root mean square distance of the projected joints from the 2D pose, pixels; NaN as above.
        by_size: (P,) people whose 2D and 3D poses contradict each other, so that the smaller the 3D pose
            looks the better it fits. They stand where it looks as large as the 2D pose.
    """

    translation: Array
    residual_px: Array
    by_size: Mask


def place_perspective(poses3d: NDArray[Any], poses2d: NDArray[Any], K: NDArray[Any]) -> Placement:
    """The displacement of each pose that minimises its squared reprojection error in pixels.

    All joints that are known in 3D stay at least :data:`NEAR_M` before the camera, and the middle of those known
    in both at most :data:`FAR_M` away.

    Args:
        poses3d: (P, J, 3) metres, axes of the camera frame, from any origin; NaN where unknown.
        poses2d: (P, J, 2) pixels; NaN where unknown.
        K: (3, 3) intrinsics.

    Raises:
        InputError: the arrays' shapes do not belong together.
    """
    points, pixels, known, middle = _prepared(poses3d, poses2d)
    focal, centre = np.asarray(K, float)[:2, :2], np.asarray(K, float)[:2, 2]
    problem = _Perspective.of(points, pixels - centre, known, focal)
    ends = _inverse_depths(points)
    size = np.sqrt(_ratio(_spread(problem.pixels, known), _spread(problem.lateral, known)))
    q = _least(problem, ends)
    by_size = q <= ends[0]
    q = np.where(by_size, np.clip(size, *ends), q)
    image, squares, _ = problem.at(q)
    depth = 1 / q
    lateral = np.linalg.solve(focal, image.T).T * depth[:, None]
    translation = np.concatenate([lateral, depth[:, None]], -1) - middle
    return _result(translation, squares, known, _placeable(points, pixels, known), by_size)


def place_orthographic(
    poses3d: NDArray[Any], poses2d: NDArray[Any], focal_px: float, centre_px: NDArray[Any]
) -> Placement:
    """The displacement of each pose under a scaled orthographic camera: closed-form least squares.

    A person's image is ``scale * (X, Y) + shift``; both are the least squares of the reprojection error. The
    camera being unknown, no depth is: the scale is read as that of a camera of ``focal_px`` at the person's
    middle, whose depth is then ``focal_px / scale``. Ratios between the depths of people do not depend on
    ``focal_px`` and are true as far as their 3D poses have their true size; the depths themselves are as good
    as the guess of ``focal_px``. Only somebody so large in the image that joints would be behind the camera is
    put farther: no joint known in 3D is nearer than :data:`NEAR_M`.

    Args:
        poses3d, poses2d: as for :func:`place_perspective`.
        focal_px: notional focal length, pixels, above 0.
        centre_px: (2,) the pixel on the optical axis.

    Raises:
        InputError: the arrays' shapes do not belong together.
    """
    points, pixels, known, middle = _prepared(poses3d, poses2d)
    lateral = np.where(known[..., None], points[..., :2], 0)
    placeable = _placeable(points, pixels, known)
    fitted = _ratio(_covariance(lateral, pixels, known), _spread(lateral, known))
    size = np.sqrt(_ratio(_spread(pixels, known), _spread(lateral, known)))
    by_size = fitted <= 0
    scale = np.where(placeable, np.where(by_size, size, fitted), 1.0)
    shift = _mean(pixels, known)  # of the middle, about which the points are
    gap = np.where(known[..., None], scale[:, None, None] * lateral + shift[:, None] - pixels, 0)
    depth = np.maximum(focal_px / scale, NEAR_M - _nearest(points))
    beside = (shift - np.asarray(centre_px, float)) / scale[:, None]
    translation = np.concatenate([beside, depth[:, None]], -1) - middle
    return _result(translation, (gap**2).sum((1, 2)), known, placeable, by_size)


@dataclass(frozen=True, eq=False)
class _Perspective:
    """The reprojection errors of P people as functions of their inverse depths.

    Attributes:
        lateral: (P, J, 2) the joints' x and y times the focal lengths; pixels: (P, J, 2) about the principal
            point; depth: (P, J) the joints' z. All about the person's middle, 0 where unknown.
        known: (P, J) as numbers.
    """

    lateral: Array
    pixels: Array
    depth: Array
    known: Array

    @staticmethod
    def of(points: Array, pixels: Array, known: Mask, focal: Array) -> _Perspective:
        weight = known[..., None]
        return _Perspective(
            np.where(weight, points[..., :2] @ focal.T, 0),
            np.where(weight, pixels, 0),
            np.where(known, points[..., 2], 0),
            known.astype(float),
        )

    def at(self, q: Array) -> tuple[Array, Array, Array]:
        """For inverse depths (P,): the best image of each middle (P, 2), the squared error (P,), and the
        Gauss-Newton system (2, P) in q: slope and curvature once the image follows q."""
        share = self.known / (1 + self.depth * q[:, None])
        total = np.maximum((share**2).sum(1), 1e-300)[:, None]
        base = self.lateral * (q[:, None] * share)[..., None]
        image = (share[..., None] * (self.pixels - base)).sum(1) / total
        gap = base + share[..., None] * image[:, None] - self.pixels
        turn = (share**2)[..., None] * (self.lateral - self.depth[..., None] * image[:, None])
        turn -= share[..., None] * ((share[..., None] * turn).sum(1) / total)[:, None]
        system = np.stack([(turn * gap).sum((1, 2)), (turn**2).sum((1, 2))])
        return image, (gap**2).sum((1, 2)), system

    def linear(self) -> Array:
        """(P,) least squares of the projection times its denominator, which is linear in q and the image."""
        pull = self.lateral - self.pixels * self.depth[..., None]
        known = self.known > 0
        return _ratio(_covariance(pull, self.pixels, known), _spread(pull, known))


def _least(problem: _Perspective, ends: tuple[Array, Array]) -> Array:
    """(P,) the inverse depths of the least errors between two ends."""
    low, high = ends
    starts = np.geomspace(low, high, _STARTS)
    tries = np.concatenate([np.clip(problem.linear(), low, high)[None], starts])
    errors = np.stack([problem.at(q)[1] for q in tries])
    q = tries[errors.argmin(0), np.arange(len(low))]
    damping, moving = np.full(len(q), 1e-3), np.ones(len(q), bool)
    _, error, (slope, curvature) = problem.at(q)
    for _ in range(_STEPS):
        tried = np.clip(q - _ratio(slope, curvature * (1 + damping)), low, high)
        moving &= np.abs(tried - q) > _STILL * q  # whoever stands still does so for good, whoever is with him
        if not moving.any():
            break
        _, fresh, system = problem.at(tried)
        better = moving & (fresh <= error)
        q, error = np.where(better, tried, q), np.where(better, fresh, error)
        slope, curvature = np.where(better, system, (slope, curvature))
        damping = np.clip(damping * np.where(better, 0.1, 10.0), 1e-12, 1e12)
    return np.asarray(q)


def _prepared(poses3d: NDArray[Any], poses2d: NDArray[Any]) -> tuple[Array, Array, Mask, Array]:
    """Points about the middle of the joints known in both, pixels, which joints those are, and the middles.

    Unknown pixels are 0; points unknown in 3D are NaN still.
    """
    points, pixels = np.asarray(poses3d, float), np.asarray(poses2d, float)
    if points.ndim != 3 or points.shape[2] != 3 or pixels.shape != (*points.shape[:2], 2):
        raise InputError(
            "placement", "poses of (P, J, 3) metres and (P, J, 2) pixels", f"{points.shape}, {pixels.shape}"
        )
    solid = np.isfinite(points).all(-1)
    known = solid & np.isfinite(pixels).all(-1)
    points = np.where(solid[..., None], points, np.nan)
    middle = _mean(np.where(known[..., None], points, 0), known)
    return points - middle[:, None], np.where(known[..., None], pixels, 0), known, middle


def _inverse_depths(points: Array) -> tuple[Array, Array]:
    """Smallest and largest inverse depth (P,) of middles whose people (P, J, 3) are wholly between the bounds."""
    low = np.full(len(points), 1 / FAR_M)
    return low, np.maximum(1 / (NEAR_M - _nearest(points)), low)


def _nearest(points: Array) -> Array:
    """(P,) smallest z of the joints (P, J, 3) about their middle, at most 0: the middle stays before the camera too."""
    return np.asarray(np.where(np.isfinite(points[..., 2]), points[..., 2], 0).min(1, initial=0))


def _placeable(points: Array, pixels: Array, known: Mask) -> Mask:
    """Whose joints (P,) are apart in the image, and would be if they were looked at along the optical axis."""
    lateral = np.where(known[..., None], points[..., :2], 0)
    return (_spread(lateral, known) > _APART**2) & (_spread(pixels, known) > _APART**2)


def _mean(values: Array, known: Mask) -> Array:
    return np.asarray((values * known[..., None]).sum(1) / np.maximum(known.sum(1), 1)[:, None])


def _covariance(a: Array, b: Array, known: Mask) -> Array:
    about = (a - _mean(a, known)[:, None]) * known[..., None]
    return np.asarray((about * b).sum((1, 2)))


def _spread(a: Array, known: Mask) -> Array:
    about = (a - _mean(a, known)[:, None]) * known[..., None]
    return np.asarray((about**2).sum((1, 2)))


def _ratio(a: Array, b: Array) -> Array:
    return np.divide(a, b, out=np.zeros_like(b), where=b > 0)


def _result(translation: Array, squares: Array, known: Mask, placeable: Mask, by_size: Mask) -> Placement:
    residual = np.sqrt(squares / np.maximum(known.sum(1), 1))
    return Placement(
        np.where(placeable[:, None], translation, np.nan),
        np.where(placeable, residual, np.nan),
        placeable & by_size,
    )
