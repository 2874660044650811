"""Second pass: visibility at eight samples a pixel, for the pixels on an outline only.

A pixel is on an outline if a neighbour shows another mesh, nothing, or the same mesh much nearer or
farther. Within it the nearest face is found at the eight samples of the usual rotated pattern; the
shading pass then colours each surface of the pixel once and blends by coverage. Labels never see this.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.raster.jit import inline, kernel
from posecorpus.synth.raster.visibility import HALF, SHIFT, SUBPIXELS

SAMPLES = 8
OFFSETS: NDArray[np.float64] = (
    np.array([(1, -3), (-1, 3), (5, 1), (-3, -5), (-5, 5), (-7, -1), (3, 7), (7, -7)]) * SUBPIXELS / 16
)
"""(8, 2) sample positions from the pixel centre in subpixels, nearest first."""

JUMP_PX = 4.0
"""A step in depth from pixel to pixel above this many pixel footprints (slope 76 degrees) is an outline."""

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
U16 = NDArray[np.uint16]


@kernel
def find_outline(
    depth: F32, meshes: U16, jump: float, x0: int, y0: int, x1: int, y1: int, slots: I32, pixels: I32
) -> int:
    """Give every outline pixel of the window [x0, x1) x [y0, y1) a slot.

    Args:
        depth, meshes: (H, W) of the first pass.
        jump: relative step of 1/z that makes an outline.
        slots: (H, W) all -1; receives the slot of outline pixels.
        pixels: (N, 2) receives (y, x) of each slot; where full, further pixels are only counted.

    Returns:
        the number of outline pixels.
    """
    tolerance = np.float32(jump)
    count = 0
    for y in range(y0, y1):
        for x in range(x0, x1):
            z, m = depth[y, x], meshes[y, x]
            for k in range(4):  # half the neighbours; the other half see this pixel as theirs
                v, u = (y, x + 1) if k == 0 else (y + 1, x + k - 2)
                if u < x0 or u >= x1 or v >= y1:
                    continue
                other = depth[v, u]
                if abs(z - other) > tolerance * min(z, other) or (meshes[v, u] != m):
                    if slots[y, x] < 0:
                        if count < pixels.shape[0]:
                            slots[y, x] = count
                            pixels[count, 0], pixels[count, 1] = y, x
                        count += 1
                    if slots[v, u] < 0:
                        if count < pixels.shape[0]:
                            slots[v, u] = count
                            pixels[count, 0], pixels[count, 1] = v, u
                        count += 1
    return count


@inline
def _owned(dx: float, dy: float) -> float:
    """The tie rule of the first pass."""
    return 0.0 if dx > 0 or (dx == 0 and dy > 0) else 1.0


@inline
def _fill_samples(
    ax: float, ay: float, az: float, bx: float, by: float, bz: float, cx: float, cy: float, cz: float,
    face: int, mesh: int, slots: I32, depth: F32, faces: I32, meshes: U16,
) -> None:  # fmt: skip
    """Draw one snapped triangle of positive area at the samples of outline pixels."""
    height, width = slots.shape
    x0 = max(int(min(ax, bx, cx)) >> SHIFT, 0)
    x1 = min(int(max(ax, bx, cx)) >> SHIFT, width - 1)
    y0 = max(int(min(ay, by, cy)) >> SHIFT, 0)
    y1 = min(int(max(ay, by, cy)) >> SHIFT, height - 1)
    for y in range(y0, y1 + 1):
        for x in range(x0, x1 + 1):
            slot = slots[y, x]
            if slot < 0:
                continue
            px, py = x * SUBPIXELS + HALF, y * SUBPIXELS + HALF
            dx0, dx1, dx2 = by - cy, cy - ay, ay - by
            dy0, dy1, dy2 = cx - bx, ax - cx, bx - ax
            e0 = (bx - px) * (cy - py) - (by - py) * (cx - px) - _owned(dx0, dy0)
            e1 = (cx - px) * (ay - py) - (cy - py) * (ax - px) - _owned(dx1, dy1)
            e2 = (ax - px) * (by - py) - (ay - py) * (bx - px) - _owned(dx2, dy2)
            area = dx1 * dy2 - dy1 * dx2
            zb, zc = (bz - az) / area, (cz - az) / area
            for s in range(SAMPLES):
                ox, oy = OFFSETS[s, 0], OFFSETS[s, 1]
                s0 = e0 + ox * dx0 + oy * dy0
                s1 = e1 + ox * dx1 + oy * dy1
                s2 = e2 + ox * dx2 + oy * dy2
                if s0 >= 0 and s1 >= 0 and s2 >= 0:
                    z = np.float32(az + s1 * zb + s2 * zc)
                    if z > depth[slot, s]:
                        depth[slot, s] = z
                        faces[slot, s] = face
                        meshes[slot, s] = mesh


@kernel
def cover_samples(
    mesh: int, triangles: I32, screen: F64, front: I32, n_front: int,
    slots: I32, depth: F32, faces: I32, meshes: U16,
) -> None:  # fmt: skip
    """Draw the front faces of one mesh at the samples; depth, faces, meshes are (slots, 8)."""
    for i in range(n_front):
        f = front[i]
        a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        ax, ay, bx, by, cx, cy = (
            screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1],
        )  # fmt: skip
        if (bx - ax) * (cy - ay) - (by - ay) * (cx - ax) > 0:
            _fill_samples(ax, ay, screen[a, 2], bx, by, screen[b, 2], cx, cy, screen[c, 2],
                          f, mesh, slots, depth, faces, meshes)  # fmt: skip
        else:
            _fill_samples(ax, ay, screen[a, 2], cx, cy, screen[c, 2], bx, by, screen[b, 2],
                          f, mesh, slots, depth, faces, meshes)  # fmt: skip


@kernel
def cover_piece_samples(
    mesh: int, pieces: F64, piece_faces: I32, count: int, slots: I32, depth: F32, faces: I32, meshes: U16
) -> None:
    """As :func:`cover_samples` for the triangles that clipping left."""
    for i in range(count):
        p = pieces[i]
        _fill_samples(p[0, 0], p[0, 1], p[0, 2], p[1, 0], p[1, 1], p[1, 2], p[2, 0], p[2, 1], p[2, 2],
                      piece_faces[i], mesh, slots, depth, faces, meshes)  # fmt: skip
