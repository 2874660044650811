"""Fit rigid bodies to image points under a pinhole camera.

Image points are given as rays (x, y) on the plane z = 1, that is ``K^-1`` times the pixel, so the kernels
know nothing of pixels. A missing point is NaN. Every kernel works on one person after another, so its
answer does not depend on who else is in the batch.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
NEAR_M = 0.1
"""No joint is placed nearer to the camera than this, metres."""
TURN_RAD = 0.05
"""Standard deviation of the angle between a person and the nearest of the views, about each axis: it keeps
matches from being turned to anywhere where few joints are annotated."""
STEPS = 8
"""Of the rigid fit, at most."""


def to_rays(pixels: Array, K: Array) -> Array:
    """Pixels (Q, J, 2) to rays (Q, J, 2) on the plane z = 1 of cameras K (Q, 3, 3)."""
    homogeneous = np.concatenate([pixels, np.ones((*pixels.shape[:-1], 1))], -1)
    rays = np.einsum("qab,qjb->qja", np.linalg.inv(K), homogeneous)
    return np.asarray(rays[..., :2] / rays[..., 2:])


def to_pixels(points: Array, K: Array) -> Array:
    """Camera-frame points (Q, J, 3), metres, to pixels (Q, J, 2) of cameras K (Q, 3, 3)."""
    image = np.einsum("qab,qjb->qja", K, points)
    return np.asarray(image[..., :2] / image[..., 2:])


@njit(cache=True, nogil=True)
def translate_onto(points: Array, rays: Array) -> Array:
    """Translation (3,) that puts points (J, 3) before the camera, where they project closest to rays (J, 2).

    Least squares of ``(X + t)_xy - ray (Z + t_z)``, linear in t. Where perspective cannot tell the
    distance the answer is kept at :data:`NEAR_M` and beyond.
    """
    normal = np.zeros((3, 3))
    right = np.zeros(3)
    nearest = np.inf
    for j in range(len(points)):
        u, v = rays[j, 0], rays[j, 1]
        if np.isnan(u):
            continue
        a, b = u * points[j, 2] - points[j, 0], v * points[j, 2] - points[j, 1]
        normal[0, 0] += 1.0
        normal[0, 2] -= u
        normal[1, 2] -= v
        normal[2, 2] += u * u + v * v
        right[0] += a
        right[1] += b
        right[2] -= u * a + v * b
        nearest = min(nearest, points[j, 2])
    n = normal[0, 0]
    # Eliminate x and y: what is left is the spread of the rays about their mean.
    spread = normal[2, 2] - (normal[0, 2] ** 2 + normal[1, 2] ** 2) / n
    pull = right[2] - (normal[0, 2] * right[0] + normal[1, 2] * right[1]) / n
    t = np.empty(3)
    t[2] = max(pull / spread if spread > 1e-18 else 1.0, NEAR_M - nearest)
    t[0] = (right[0] - normal[0, 2] * t[2]) / n
    t[1] = (right[1] - normal[1, 2] * t[2]) / n
    return t


@njit(cache=True, nogil=True)
def mean_ray(rays: Array) -> tuple[float, float, int]:
    """Mean of the rays (J, 2) that are there, and how many they are."""
    x, y, count = 0.0, 0.0, 0
    for j in range(len(rays)):
        if not np.isnan(rays[j, 0]):
            x, y, count = x + rays[j, 0], y + rays[j, 1], count + 1
    return x / count, y / count, count


@njit(cache=True, nogil=True)
def rotation_to_ray(x: float, y: float) -> Array:
    """The smallest rotation (3, 3) that takes the optical axis to the ray (x, y, 1)."""
    length = np.sqrt(x * x + y * y + 1.0)
    a, b, c = x / length, y / length, 1.0 / length
    k = 1.0 / (1.0 + c)
    return np.array([[1 - a * a * k, -a * b * k, a], [-a * b * k, 1 - b * b * k, b], [-a, -b, c]])


@njit(cache=True, nogil=True)
def _turned(R: Array, w: Array) -> Array:
    """exp([w]) R: a rotation turned further by the vector w (3,), radians."""
    angle = np.sqrt(w[0] ** 2 + w[1] ** 2 + w[2] ** 2)
    if angle < 1e-12:
        return R.copy()
    a, b, c = w[0] / angle, w[1] / angle, w[2] / angle
    s, k = np.sin(angle), 1.0 - np.cos(angle)
    turn = np.array(
        [
            [1 - k * (b * b + c * c), k * a * b - s * c, k * a * c + s * b],
            [k * a * b + s * c, 1 - k * (a * a + c * c), k * b * c - s * a],
            [k * a * c - s * b, k * b * c + s * a, 1 - k * (a * a + b * b)],
        ]
    )
    return turn @ R


@njit(cache=True, nogil=True)
def _normal_equations(points: Array, rays: Array, R: Array, t: Array, normal: Array, right: Array) -> float:
    """Fill the 6x6 Gauss-Newton system of (rotation vector, translation) and return the squared error.

    The residual of a joint is taken on the plane z = 1. A pose with a joint before :data:`NEAR_M` costs inf.
    """
    normal[:] = 0.0
    right[:] = 0.0
    cost = 0.0
    jacobian = np.empty((2, 6))
    for j in range(len(points)):
        u, v = rays[j, 0], rays[j, 1]
        if np.isnan(u):
            continue
        p0, p1, p2 = points[j, 0], points[j, 1], points[j, 2]
        rx = R[0, 0] * p0 + R[0, 1] * p1 + R[0, 2] * p2
        ry = R[1, 0] * p0 + R[1, 1] * p1 + R[1, 2] * p2
        rz = R[2, 0] * p0 + R[2, 1] * p1 + R[2, 2] * p2
        z = rz + t[2]
        if z < NEAR_M:
            return np.inf
        x, y = (rx + t[0]) / z, (ry + t[1]) / z
        ex, ey = u - x, v - y
        cost += ex * ex + ey * ey
        jacobian[0, 0], jacobian[0, 1], jacobian[0, 2] = -x * ry / z, (rz + x * rx) / z, -ry / z
        jacobian[1, 0], jacobian[1, 1], jacobian[1, 2] = (-rz - y * ry) / z, y * rx / z, rx / z
        jacobian[0, 3], jacobian[0, 4], jacobian[0, 5] = 1 / z, 0.0, -x / z
        jacobian[1, 3], jacobian[1, 4], jacobian[1, 5] = 0.0, 1 / z, -y / z
        for a in range(6):
            right[a] += jacobian[0, a] * ex + jacobian[1, a] * ey
            for b in range(a + 1):
                normal[a, b] += jacobian[0, a] * jacobian[0, b] + jacobian[1, a] * jacobian[1, b]
    for a in range(6):
        for b in range(a):
            normal[b, a] = normal[a, b]
    return cost


@njit(cache=True, nogil=True)
def _solve(system: Array, right: Array) -> Array:
    """Solve a small symmetric positive definite system by Cholesky; both arguments are used up."""
    n = len(right)
    for i in range(n):
        for j in range(i + 1):
            value = system[i, j]
            for k in range(j):
                value -= system[i, k] * system[j, k]
            system[i, j] = np.sqrt(value) if i == j else value / system[j, j]
        for k in range(i):
            right[i] -= system[i, k] * right[k]
        right[i] /= system[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            right[i] -= system[k, i] * right[k]
        right[i] /= system[i, i]
    return right


@njit(cache=True, nogil=True)
def fit_rigid(points: Array, rays: Array, R: Array, t: Array, stiffness: float, steps: int) -> float:
    """Turn and move points (J, 3) so that they project onto rays (J, 2); R and t are refined in place.

    Levenberg-Marquardt over the six parameters.

    Args:
        R, t: (3, 3) and (3,) where to start; they hold the answer afterwards.
        stiffness: weight of the squared angle turned from the start, against squared errors on z = 1;
            it decides where few joints leave the rotation open.
        steps: at most this many.

    Returns:
        The summed squared error of the joints on the plane z = 1.
    """
    normal, right = np.empty((6, 6)), np.empty(6)
    trial_normal, trial_right = np.empty((6, 6)), np.empty(6)
    turned = np.zeros(3)
    error = _normal_equations(points, rays, R, t, normal, right)
    cost = error
    damping = 1e-6
    for _ in range(steps):
        system, pull = normal.copy(), right.copy()
        for a in range(3):
            system[a, a] += stiffness
            pull[a] -= stiffness * turned[a]
        for a in range(6):
            system[a, a] *= 1.0 + damping
            system[a, a] += 1e-12
        step = _solve(system, pull)
        new_R = _turned(R, step[:3])
        new_t, new_turned = t + step[3:], turned + step[:3]
        new_error = _normal_equations(points, rays, new_R, new_t, trial_normal, trial_right)
        new_cost = new_error + stiffness * (new_turned**2).sum()
        if new_cost > cost:
            damping = max(damping, 1e-4) * 10.0
            if damping > 1e6:
                break
            continue
        gain = cost - new_cost
        R[:], t[:], turned[:] = new_R, new_t, new_turned
        normal[:], right[:] = trial_normal, trial_right
        error, cost = new_error, new_cost
        damping *= 0.1
        if gain <= 1e-9 * cost + 1e-18:
            break
    return error


@njit(cache=True, nogil=True)
def fit_matches(matched: Array, rays: Array, sigma_m: float) -> tuple[Array, Array]:
    """Turn and move every match (Q, n, J, 3) so that it projects onto rays (Q, J, 2), known to ``sigma_m``.

    Returns:
        The placed matches (Q, n, J, 3), camera frame, and their RMS residuals (Q, n) in metres at the
        person's distance; inf for a match that is not one.
    """
    placed = np.empty_like(matched)
    residual_m = np.full(matched.shape[:2], np.inf)
    for q in range(matched.shape[0]):
        x, y, count = mean_ray(rays[q])
        facing = rotation_to_ray(x, y)
        for n in range(matched.shape[1]):
            if np.isnan(matched[q, n, 0, 0]):
                placed[q, n] = np.nan
                continue
            R = facing.copy()
            t = translate_onto(matched[q, n] @ R.T, rays[q])
            stiffness = (sigma_m / (TURN_RAD * t[2])) ** 2
            error = fit_rigid(matched[q, n], rays[q], R, t, stiffness, STEPS)
            placed[q, n] = matched[q, n] @ R.T + t
            residual_m[q, n] = np.sqrt(error / count) * t[2]
    return placed, residual_m
