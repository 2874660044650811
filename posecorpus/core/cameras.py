"""Pinhole cameras in OpenCV's convention: x right, y down, z forward, ``x = K (R X + t)``, det R = +1.

Pixel coordinates are continuous; the centre of the first pixel is (0.5, 0.5), so an image spans
[0, width] x [0, height] and cropping, resizing and flipping need no half-pixel corrections.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from posecorpus.core.errors import InputError

Array = NDArray[np.float64]
ROTATION_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Camera:
    """A calibrated view.

    Attributes:
        K: (3, 3) intrinsics, pixels.
        R: (3, 3) rotation from world to camera, det R = +1.
        t: (3,) translation of the camera frame, metres.
        width, height: the image, pixels.
    """

    K: Array
    R: Array
    t: Array
    width: int
    height: int

    def __post_init__(self) -> None:
        for name, shape in (("K", (3, 3)), ("R", (3, 3)), ("t", (3,))):
            value = np.asarray(getattr(self, name), dtype=np.float64)
            if value.shape != shape or not np.isfinite(value).all():
                raise InputError(f"camera {name}", f"finite numbers of shape {shape}", value.tolist())
            object.__setattr__(self, name, value)
        if self.width < 1 or self.height < 1:
            raise InputError("camera", "an image of at least 1x1", f"{self.width}x{self.height}")
        off = float(np.abs(self.R @ self.R.T - np.eye(3)).max())
        if off > ROTATION_TOLERANCE or np.linalg.det(self.R) < 0:
            raise InputError(
                "camera R",
                "a rotation (orthonormal, det = +1)",
                f"det {np.linalg.det(self.R):+.6f}, off by {off:.1e}",
                "a mirrored camera exchanges left and right",
            )

    @staticmethod
    def from_fov(
        fov_deg: float, width: int, height: int, R: ArrayLike | None = None, t: ArrayLike = (0, 0, 0)
    ) -> Camera:
        """A camera with the given horizontal field of view and its principal point in the middle."""
        focal = width / 2 / np.tan(np.radians(fov_deg) / 2)
        K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
        return Camera(
            K, np.eye(3) if R is None else np.asarray(R, float), np.asarray(t, float), width, height
        )

    @staticmethod
    def assumed(fov_deg: float, width: int, height: int) -> Camera:
        """A camera to assume of a photo of which none is known: level, at the world's origin.

        Args:
            fov_deg: field of view along the LONGER side, as people think of lenses.
        """
        focal = max(width, height) / 2 / np.tan(np.radians(fov_deg) / 2)
        K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
        return Camera(K, np.diag([1.0, -1.0, -1.0]), np.zeros(3), width, height)

    @staticmethod
    def look_at(eye: ArrayLike, target: ArrayLike, focal_px: float, width: int, height: int) -> Camera:
        """A camera at ``eye`` that looks at ``target`` with the world's +Y upwards in the image."""
        eye_, target_ = np.asarray(eye, float), np.asarray(target, float)
        forward = target_ - eye_
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 1.0, 0.0))
        right /= np.linalg.norm(right)
        R = np.stack([right, np.cross(forward, right), forward])
        K = np.array([[focal_px, 0, width / 2], [0, focal_px, height / 2], [0, 0, 1]])
        return Camera(K, R, -R @ eye_, width, height)

    @property
    def centre(self) -> Array:
        """(3,) the camera's position in the world, metres."""
        return np.asarray(-self.R.T @ self.t)

    def to_camera(self, world: ArrayLike) -> Array:
        """World points (..., 3) to the camera frame, metres."""
        return np.asarray(np.asarray(world, float) @ self.R.T + self.t)

    def to_world(self, points: ArrayLike) -> Array:
        """Camera-frame points (..., 3) to the world, metres."""
        return np.asarray((np.asarray(points, float) - self.t) @ self.R)

    def project(self, world: ArrayLike) -> tuple[Array, Array]:
        """World points (..., 3) to pixels (..., 2) and depth (...): z along the optical axis, metres."""
        return self.project_camera(self.to_camera(world))

    def project_camera(self, points: ArrayLike) -> tuple[Array, Array]:
        """As :meth:`project` for camera-frame points. A point on or behind z = 0 gives NaN pixels."""
        points_ = np.asarray(points, float)
        depth = points_[..., 2]
        homogeneous = points_ @ self.K.T
        front = np.where(depth > 0, depth, np.nan)
        return homogeneous[..., :2] / front[..., None], depth

    def unproject(self, pixels: ArrayLike, depth: ArrayLike) -> Array:
        """Pixels (..., 2) at the given z depth (...) to camera-frame points (..., 3), metres."""
        pixels_, depth_ = np.asarray(pixels, float), np.asarray(depth, float)
        rays = np.concatenate([pixels_, np.ones((*pixels_.shape[:-1], 1))], -1) @ np.linalg.inv(self.K).T
        return np.asarray(rays * depth_[..., None])

    def crop(self, x0: float, y0: float, width: int, height: int) -> Camera:
        """The view through a window of the image whose corner is (x0, y0); it may stick out."""
        K = self.K.copy()
        K[:2, 2] -= (x0, y0)
        return replace(self, K=K, width=width, height=height)

    def resize(self, width: int, height: int) -> Camera:
        """The view after resampling the image to another size."""
        scale = np.diag([width / self.width, height / self.height, 1.0])
        return replace(self, K=scale @ self.K, width=width, height=height)

    def flip(self) -> Camera:
        """The view of the mirrored world (X negated) that gives the image mirrored left to right.

        Points of the camera frame change as ``(-x, y, z)``, pixels as ``(width - x, y)``, and left and
        right joints are exchanged. R stays a rotation because the world is mirrored as well.
        """
        mirror = np.diag([-1.0, 1.0, 1.0])
        K = self.K.copy()
        K[0, 2] = self.width - K[0, 2]
        K[0, 1] = -K[0, 1]
        return replace(self, K=K, R=mirror @ self.R @ mirror, t=mirror @ self.t)
