"""How strong a perspective to believe in.

The field of view that is told of a photo may be badly wrong, most of all where the photo was cut out of a
larger one: what is left then seems to be seen from arm's length, and the poses that explain that are wrong.
People are rarely photographed from so near. So where the matches fit at a short distance, the camera is
moved back (a longer lens, the same picture), unless the matches fit worse by that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.pseudogt.lift.perspective import fit_matches

Array = NDArray[np.float64]
USUAL_M = 4.0
"""No camera is believed to be nearer than this on the word of the field of view alone."""
PROBES = 12
"""As many of the nearest matches tell the distance."""
LEAST_SHARE = 0.02


def longer_lens(matched: Array, rays: Array, torso: list[int], sigma_m: float) -> Array:
    """What to multiply rays by (Q,), at most 1: the inverse of how much longer the lens is taken to be.

    Args:
        matched: (Q, n, J, 3) metres in the frames of their views, nearest first; NaN for none.
        rays: (Q, J, 2) annotated joints on the plane z = 1, NaN where missing.
        torso: the shoulders and hips.
        sigma_m: standard deviation of the annotation, metres.
    """
    probes = np.ascontiguousarray(matched[:, :PROBES])
    placed, near_m = fit_matches(probes, rays, sigma_m)
    distance_m = np.nanmedian(placed[:, :, torso, 2].mean(2), axis=1)
    share = np.clip(distance_m / USUAL_M, LEAST_SHARE, 1.0)
    moved = np.flatnonzero(share < 1.0)
    if len(moved):
        far_m = fit_matches(probes[moved], rays[moved] * share[moved, None, None], sigma_m)[1]
        believed = _typical(far_m) > _typical(near_m[moved])
        share[moved[believed]] = 1.0
    return np.asarray(share)


def _typical(residual_m: Array) -> Array:
    """Median residual (Q,) of the matches there are."""
    return np.asarray(np.nanmedian(np.where(np.isfinite(residual_m), residual_m, np.nan), axis=1))
