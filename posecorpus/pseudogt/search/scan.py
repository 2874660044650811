"""Scores of 32 views at a time, bounds of 32 groups of views at a time, in float32 with known error.

Notation: S the query's n joints, C the centring on S, q the query (centred on S, norm 1, so that
q . C x = q . x), x a view that was centred and normalised on all joints. The score is q . x / |C x|.

Groups are bounded by cones. For a group with centre c every view is, times a positive number that does not
change its score, c + e with |e_j| at most the group's radius of joint j, and |e| at most the radius
of all joints. Centring is a projection, so C(c + e) is within rho of C c, rho^2 the sum of the joints'
squared radii over S or the square of the whole radius if less: the angle between them is at most
a = asin(rho / |C c|), and no score in the group exceeds cos(max(0, angle(q, C c) - a)), for any mask.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from posecorpus.pseudogt.search.jit import fused_kernel

LANES = 32
"""Views of a block and blocks of a tile: what is computed together, a few vector registers wide."""

UNIT_ROUNDOFF = 2.0**-24
SLACK = np.float32(1e-5)
"""More than what rounding can take from a bound: cosines of cones have errors up to 4e-6."""

THINNEST = np.float32(1e-3)
"""A centre whose squared norm on S is below this gets no bound, for rounding would decide its direction."""

WIDEST = np.float32(0.998)
"""Squared sine of the widest cone; beyond, its cosine would be mostly rounding."""

Floats = NDArray[np.float32]
Joints = NDArray[np.int64]


@fused_kernel
def dot(rows: Floats, joints: Joints, weights: Floats, out: Floats) -> None:
    """out[i] = sum over joints of weights . rows[2 j : 2 j + 2, i].

    Args:
        rows: (2 J, LANES).
        joints: an even number of them (the last may be there twice, with weight 0).
        weights: (2 len(joints),).
    """
    for i in range(LANES):
        out[i] = np.float32(0)
    for g in range(0, len(joints), 2):
        x0, y0 = rows[2 * joints[g]], rows[2 * joints[g] + 1]
        x1, y1 = rows[2 * joints[g + 1]], rows[2 * joints[g + 1] + 1]
        a0, b0, a1, b1 = weights[2 * g], weights[2 * g + 1], weights[2 * g + 2], weights[2 * g + 3]
        for i in range(LANES):
            out[i] += (a0 * x0[i] + b0 * y0[i]) + (a1 * x1[i] + b1 * y1[i])


@fused_kernel
def moments(rows: Floats, joints: Joints, out: Floats, sums: Floats) -> None:
    """out[i] = sum of |x_j|^2 and sums (2, LANES) the sum of x_j, over joints."""
    sx, sy = sums[0], sums[1]
    for i in range(LANES):
        sx[i] = sy[i] = out[i] = np.float32(0)
    for g in range(len(joints)):
        x, y = rows[2 * joints[g]], rows[2 * joints[g] + 1]
        for i in range(LANES):
            sx[i] += x[i]
            sy[i] += y[i]
            out[i] += x[i] * x[i] + y[i] * y[i]


@fused_kernel
def squared_norms(rows: Floats, on: Joints, off: Joints, out: Floats, sums: Floats) -> None:
    """out[i] = |C x|^2 of views whose norm on all joints is 1 and whose sum is 0, from S or from the rest."""
    inverse = np.float32(1 / len(on))
    if len(on) <= len(off):
        moments(rows, on, out, sums)
        for i in range(LANES):
            out[i] -= (sums[0, i] * sums[0, i] + sums[1, i] * sums[1, i]) * inverse
    else:
        moments(rows, off, out, sums)
        for i in range(LANES):
            out[i] = np.float32(1) - out[i] - (sums[0, i] * sums[0, i] + sums[1, i] * sums[1, i]) * inverse


@fused_kernel
def cones(
    centres: Floats,
    radii: Floats,
    on: Joints,
    share: np.float32,
    error: np.float32,
    out: Floats,
    sums: Floats,
) -> None:
    """The cones of LANES groups under a mask.

    Args:
        centres: (2 J, LANES); radii: (J + 1, LANES), see :class:`posecorpus.pseudogt.search.blocks.Groups`.
        share: what radii are multiplied by, 1 for true bounds.
        error: rounding of a squared norm at most.
        out: (3, LANES) becomes 1 / |C c|, sine and cosine of a; 0, 0, -2 where there is no bound.
        sums: (2, LANES) is overwritten.
    """
    scale, sine, cosine = out[0], out[1], out[2]
    moments(centres, on, cosine, sums)
    inverse = np.float32(1 / len(on))
    for i in range(LANES):
        cosine[i] -= (sums[0, i] * sums[0, i] + sums[1, i] * sums[1, i]) * inverse + error
        sine[i] = np.float32(0)
    for g in range(len(on)):
        radius = radii[on[g]]
        for i in range(LANES):
            sine[i] += radius[i] * radius[i]
    whole = radii[len(radii) - 1]
    for i in range(LANES):
        norm2 = max(cosine[i], THINNEST)
        sine2 = min(sine[i], whole[i] * whole[i]) * (share * share) / norm2
        wide = cosine[i] < THINNEST or sine2 > WIDEST
        scale[i] = np.float32(0) if wide else np.float32(1) / math.sqrt(norm2)
        sine[i] = np.float32(0) if wide else math.sqrt(sine2)
        cosine[i] = np.float32(-2) if wide else math.sqrt(np.float32(1) - min(sine2, WIDEST))


@fused_kernel
def bounds(
    centres: Floats,
    cone: Floats,
    joints: Joints,
    weights: Floats,
    error: np.float32,
    angle: Floats,
    out: Floats,
) -> None:
    """out[i] = bound of the scores in group i, 2 where there is none; angle[i] = cos angle(q, C c)."""
    dot(centres, joints, weights, angle)
    scale, sine, cosine = cone[0], cone[1], cone[2]
    for i in range(LANES):
        c = min((angle[i] + error) * scale[i], np.float32(1))
        angle[i] = c
        apart = c * cosine[i] + math.sqrt(max(np.float32(1) - c * c, np.float32(0))) * sine[i]
        out[i] = np.float32(2) if c >= cosine[i] else apart
