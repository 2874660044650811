"""Spherical-harmonics light, second order, as SURREAL samples it (Varol et al. 2017, section 3.1).

The nine coefficients are in SURREAL's order; the basis is evaluated on the CAMERA-frame normal (x right,
y down, z forward), so a negative second coefficient makes surfaces that face up brighter. A Lambertian
surface sees a smoothed sky: the cosine lobe weighs the three bands of the incoming radiance by 1, 2/3 and
1/4 (Ramamoorthi and Hanrahan 2001). These weights are part of the basis; with them SURREAL's ranges give
an irradiance mostly between 0.2 and 1.8, hence a plausible exposure.

The product albedo x irradiance is formed in LINEAR light: textures are decoded from sRGB before and the
picture is encoded to sRGB after, antialiasing included.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

BAND_WEIGHTS = np.array([1.0, 2 / 3, 2 / 3, 2 / 3, 0.25, 0.25, 0.25, 0.25, 0.25])


def sh_basis(normals: ArrayLike) -> NDArray[np.float64]:
    """The weighted basis at unit normals.

    Args:
        normals: (..., 3) unit vectors in the camera frame.

    Returns:
        (..., 9): ``1, y, z, x, xy, yz, 3z^2 - 1, xz, x^2 - y^2`` times :data:`BAND_WEIGHTS`.
        ``sh_basis(n) @ light`` with a (9, 3) light is the irradiance per colour channel; the renderer
        clamps it at zero.
    """
    n = np.asarray(normals, dtype=np.float64)
    x, y, z = n[..., 0], n[..., 1], n[..., 2]
    terms = [np.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y]
    return np.asarray(np.stack(terms, -1) * BAND_WEIGHTS)
