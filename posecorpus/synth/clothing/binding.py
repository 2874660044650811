"""How garment vertices follow a posed body.

A vertex is a mean of a few of the body's vertices plus an offset in the rest pose, which turns with the
joints as the skin does (linear blend skinning of an offset). Shape and pose correctives come with the body.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.synth.clothing.cut import Seam

ANCHORS = 4
JOINTS = 4

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Hold:
    """What holds each vertex of a mesh to a body.

    Attributes:
        anchors: (V, ANCHORS) int32 vertices of the body.
        shares: (V, ANCHORS) float32, sum to one, padded with zeros.
        joints: (V, JOINTS) uint8 that turn the offset; weights: (V, JOINTS) float32, sum to one.
    """

    anchors: NDArray[np.int32]
    shares: Floats
    joints: NDArray[np.uint8]
    weights: Floats


@dataclass(frozen=True, eq=False)
class Bound:
    """A piece cut from a mesh, on a body.

    Attributes:
        hold: of the mesh.
        seam: which of its vertices the piece has.
        offsets: (W, 3) float32 metres in the rest pose, of the whole ones from their anchors.
    """

    hold: Hold
    seam: Seam
    offsets: Floats

    def pose(self, vertices: Floats, transforms: Floats, out: Floats) -> None:
        """Write the piece's vertices, (T, N, 3), to ``out``.

        Args:
            vertices: (T, V, 3) of the posed bodies.
            transforms: (T, 24, 3, 4) of their joints, rest to world.
        """
        hold, seam = self.hold, self.seam
        _follow(
            vertices, transforms, hold.anchors, hold.shares, hold.joints, hold.weights, self.offsets,
            seam.whole, seam.ends, seam.shares, out,
        )  # fmt: skip


@njit(cache=True, nogil=True)
def _follow(
    vertices: Floats, transforms: Floats, anchors: NDArray[np.int32], shares: Floats,
    joints: NDArray[np.uint8], weights: Floats, offsets: Floats,
    whole: NDArray[np.int32], ends: NDArray[np.int32], end_shares: Floats, out: Floats,
) -> None:  # fmt: skip
    zero = np.float32(0)
    for n in range(len(vertices)):
        for i in range(len(whole)):
            v = whole[i]
            x, y, z = zero, zero, zero
            for k in range(anchors.shape[1]):
                share = shares[v, k]
                if share == zero:
                    break
                at = anchors[v, k]
                x += share * vertices[n, at, 0]
                y += share * vertices[n, at, 1]
                z += share * vertices[n, at, 2]
            ox, oy, oz = offsets[i, 0], offsets[i, 1], offsets[i, 2]
            for k in range(joints.shape[1]):
                w = weights[v, k]
                if w == zero:
                    break
                j = joints[v, k]
                x += w * (
                    transforms[n, j, 0, 0] * ox + transforms[n, j, 0, 1] * oy + transforms[n, j, 0, 2] * oz
                )
                y += w * (
                    transforms[n, j, 1, 0] * ox + transforms[n, j, 1, 1] * oy + transforms[n, j, 1, 2] * oz
                )
                z += w * (
                    transforms[n, j, 2, 0] * ox + transforms[n, j, 2, 1] * oy + transforms[n, j, 2, 2] * oz
                )
            out[n, i, 0], out[n, i, 1], out[n, i, 2] = x, y, z
        first = len(whole)
        for c in range(len(ends)):
            a, b, share = ends[c, 0], ends[c, 1], end_shares[c]
            for k in range(3):
                out[n, first + c, k] = out[n, a, k] + share * (out[n, b, k] - out[n, a, k])
