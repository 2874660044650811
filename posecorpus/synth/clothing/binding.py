"""How garment vertices follow a posed body.

A vertex is a mean of a few of the body's vertices plus an offset in the rest pose, which turns with the
joints as the skin does (linear blend skinning of an offset). Shape and pose correctives come with the body.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

ANCHORS = 4
JOINTS = 4


@dataclass(frozen=True, eq=False)
class Binding:
    """Where N vertices are on whatever pose of a body.

    Attributes:
        anchors: (W, ANCHORS) int32 vertices of the body. The first W vertices have anchors.
        shares: (W, ANCHORS) float32, sum to one, padded with zeros.
        joints: (W, JOINTS) uint8 that turn the offset; weights: (W, JOINTS) float32, sum to one.
        offsets: (W, 3) float32 metres in the rest pose.
        ends: (C, 2) int32, of each further vertex: the two of the first W that it lies between.
        end_shares: (C,) float32, of the second of them.
    """

    anchors: NDArray[np.int32]
    shares: NDArray[np.float32]
    joints: NDArray[np.uint8]
    weights: NDArray[np.float32]
    offsets: NDArray[np.float32]
    ends: NDArray[np.int32]
    end_shares: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.anchors) + len(self.ends)

    def pose(self, vertices: NDArray[np.float32], transforms: NDArray[np.float32]) -> NDArray[np.float32]:
        """The vertices on posed bodies.

        Args:
            vertices: (T, V, 3) of the posed bodies.
            transforms: (T, 24, 3, 4) of their joints, rest to world.

        Returns:
            (T, N, 3) float32.
        """
        out = np.empty((len(vertices), len(self), 3), np.float32)
        _follow(
            vertices, transforms, self.anchors, self.shares, self.joints, self.weights, self.offsets,
            self.ends, self.end_shares, out,
        )  # fmt: skip
        return out


@njit(cache=True, nogil=True)
def _follow(
    vertices: NDArray[np.float32],
    transforms: NDArray[np.float32],
    anchors: NDArray[np.int32],
    shares: NDArray[np.float32],
    joints: NDArray[np.uint8],
    weights: NDArray[np.float32],
    offsets: NDArray[np.float32],
    ends: NDArray[np.int32],
    end_shares: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    zero = np.float32(0)
    for n in range(len(vertices)):
        for v in range(len(anchors)):
            x, y, z = zero, zero, zero
            for k in range(anchors.shape[1]):
                share = shares[v, k]
                if share == zero:
                    break
                at = anchors[v, k]
                x += share * vertices[n, at, 0]
                y += share * vertices[n, at, 1]
                z += share * vertices[n, at, 2]
            ox, oy, oz = offsets[v, 0], offsets[v, 1], offsets[v, 2]
            for k in range(joints.shape[1]):
                w = weights[v, k]
                if w == zero:
                    break
                turn = transforms[n, joints[v, k]]
                x += w * (turn[0, 0] * ox + turn[0, 1] * oy + turn[0, 2] * oz)
                y += w * (turn[1, 0] * ox + turn[1, 1] * oy + turn[1, 2] * oz)
                z += w * (turn[2, 0] * ox + turn[2, 1] * oy + turn[2, 2] * oz)
            out[n, v, 0], out[n, v, 1], out[n, v, 2] = x, y, z
        first = len(anchors)
        for c in range(len(ends)):
            a, b, share = ends[c, 0], ends[c, 1], end_shares[c]
            for k in range(3):
                out[n, first + c, k] = out[n, a, k] + share * (out[n, b, k] - out[n, a, k])
