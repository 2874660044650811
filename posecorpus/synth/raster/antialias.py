"""Second pass: visibility at eight samples a pixel, for the pixels on an outline only.

A pixel is on an outline if a neighbour shows another mesh, nothing, or the same mesh much nearer or
farther. Within it the nearest face is found at the eight samples of the usual rotated pattern; the
shading pass then colours each surface of the pixel once and blends by coverage. Labels never see this.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.raster.jit import inline, tight_kernel
from posecorpus.synth.raster.visibility import HALF, SHIFT, SUBPIXELS

SAMPLES = 8
REACH = 1792.0
"""No sample is farther from the pixel centre, along x or along y, in subpixels."""
OFFSETS: NDArray[np.float64] = (
    np.array([(-7, -1), (-5, 5), (-3, -5), (-1, 3), (1, -3), (3, 7), (5, 1), (7, -7)]) * SUBPIXELS / 16
)
"""(8, 2) sample positions from the pixel centre in subpixels: the usual rotated pattern, one sample in every
eighth of a column and of a row."""

OFFSETS_X, OFFSETS_Y = (np.ascontiguousarray(column) for column in OFFSETS.T)

NEAREST_FIRST = (4, 3, 6, 2, 1, 0, 5, 7)

JUMP_PX = 4.0
"""A step in depth from pixel to pixel above this many pixel footprints (slope 76 degrees) is an outline."""

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
U16 = NDArray[np.uint16]


@inline
def _differ(z: float, m: int, other_z: float, other_m: int, tolerance: float) -> bool:
    """Whether two neighbouring pixels show different surfaces; 1/z is 0 where there is none."""
    return abs(z - other_z) > tolerance * min(z, other_z) or m != other_m


@inline
def _mark(y: int, x: int, count: int, slots: I32, pixels: I32) -> int:
    """Give a pixel the next slot unless it has one; returns the number of slots."""
    if slots[y, x] >= 0:
        return count
    if count < pixels.shape[0]:
        slots[y, x] = count
        pixels[count, 0] = y
        pixels[count, 1] = x
    return count + 1


@tight_kernel
def find_outline(
    depth: F32, meshes: U16, jump: float, x0: int, y0: int, x1: int, y1: int, slots: I32, pixels: I32
) -> int:
    """Give every outline pixel of the window [x0, x1) x [y0, y1) a slot.

    Args:
        depth, meshes: (H, W) of the first pass.
        jump: relative step of 1/z that makes an outline.
        slots: (H, W) all -1; receives the slot of outline pixels.
        pixels: (N, 2) receives (y, x) of each slot; where full, further pixels are only counted,
            some more than once.

    Returns:
        the number of outline pixels.
    """
    tolerance: Any = np.float32(jump)
    count = 0
    for y in range(y0, y1):
        below = min(y + 1, y1 - 1)
        for x in range(x0, x1):
            left, right = max(x - 1, x0), min(x + 1, x1 - 1)
            z, m = depth[y, x], meshes[y, x]
            # Half the neighbours; the other half see this pixel as theirs.
            e = _differ(z, m, depth[y, right], meshes[y, right], tolerance)
            s = _differ(z, m, depth[below, x], meshes[below, x], tolerance)
            sw = _differ(z, m, depth[below, left], meshes[below, left], tolerance)
            se = _differ(z, m, depth[below, right], meshes[below, right], tolerance)
            if not (e or s or sw or se):
                continue
            count = _mark(y, x, count, slots, pixels)
            if e:
                count = _mark(y, right, count, slots, pixels)
            if s:
                count = _mark(below, x, count, slots, pixels)
            if sw:
                count = _mark(below, left, count, slots, pixels)
            if se:
                count = _mark(below, right, count, slots, pixels)
    return count


@inline
def _excluded(dx: float, dy: float) -> float:
    """The tie rule of the first pass."""
    return 0.0 if (dx > 0) | ((dx == 0) & (dy > 0)) else 1.0


@inline
def _outlined(slots: I32, x0: int, y0: int, x1: int, y1: int) -> bool:
    """Whether any pixel of the (inclusive) window has a slot."""
    for y in range(y0, y1 + 1):
        for x in range(x0, x1 + 1):
            if slots[y, x] >= 0:
                return True
    return False


@inline
def _fill_samples(
    ax: float, ay: float, az: float, bx: float, by: float, bz: float, cx: float, cy: float, cz: float,
    x0: int, y0: int, x1: int, y1: int, face: int, mesh: int,
    slots: I32, depth: F32, faces: I32, meshes: U16, farthest: F32, found: F32,
) -> None:  # fmt: skip
    """Draw one snapped triangle of positive area at the samples of the window's outline pixels."""
    nearest = np.float32(max(az, bz, cz) * (1.0 + 1e-6))  # no rounding takes it beyond
    dx0, dx1, dx2 = by - cy, cy - ay, ay - by
    dy0, dy1, dy2 = cx - bx, ax - cx, bx - ax
    area = dx1 * dy2 - dy1 * dx2
    zb, zc = (bz - az) / area, (cz - az) / area
    t0, t1, t2 = _excluded(dx0, dy0), _excluded(dx1, dy1), _excluded(dx2, dy2)
    # Below this at the centre, an edge function is negative at every sample.
    out0, out1, out2 = (
        -REACH * (abs(dx0) + abs(dy0)),
        -REACH * (abs(dx1) + abs(dy1)),
        -REACH * (abs(dx2) + abs(dy2)),
    )
    for y in range(y0, y1 + 1):
        for x in range(x0, x1 + 1):
            slot = slots[y, x]
            if slot < 0 or nearest <= farthest[slot]:
                continue
            px, py = x * SUBPIXELS + HALF, y * SUBPIXELS + HALF
            e0 = (bx - px) * (cy - py) - (by - py) * (cx - px) - t0
            e1 = (cx - px) * (ay - py) - (cy - py) * (ax - px) - t1
            e2 = (ax - px) * (by - py) - (ay - py) * (bx - px) - t2
            if (e0 < out0) | (e1 < out1) | (e2 < out2):
                continue
            won = 0
            for s in range(found.shape[0]):  # not a constant: it would be unrolled, and then not vectorised
                ox, oy = OFFSETS_X[s], OFFSETS_Y[s]
                s0 = e0 + ox * dx0 + oy * dy0
                s1 = e1 + ox * dx1 + oy * dy1
                s2 = e2 + ox * dx2 + oy * dy2
                z = np.float32(az + s1 * zb + s2 * zc)
                z = z if min(s0, s1, s2) >= 0 else np.float32(0)
                found[s] = z
                won += z > depth[slot, s]
            if won == 0:
                continue
            far = np.float32(np.inf)
            for s in range(SAMPLES):
                if found[s] > depth[slot, s]:
                    depth[slot, s] = found[s]
                    faces[slot, s] = face
                    meshes[slot, s] = mesh
                far = min(far, depth[slot, s])
            farthest[slot] = far


@tight_kernel
def cover_samples(
    mesh: int, triangles: I32, screen: F64, front: I32, n_front: int,
    slots: I32, depth: F32, faces: I32, meshes: U16, farthest: F32, found: F32,
) -> None:  # fmt: skip
    """Draw the front faces of one mesh at the samples.

    Args:
        front: of the first pass, of which the first ``n_front`` count.
        slots: (H, W); depth, faces, meshes: (slots, 8).
        farthest: (slots,) 1/z of the farthest of each pixel's samples, 0 while one shows nothing: what is behind
            it throughout is passed over.
        found: (8,) scratch.
    """
    for i in range(n_front):
        x0, y0, x1, y1 = front[i, 1], front[i, 2], front[i, 3], front[i, 4]
        if not _outlined(slots, x0, y0, x1, y1):
            continue
        f = front[i, 0]
        a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        ax, ay, bx, by, cx, cy = (
            screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1],
        )  # fmt: skip
        if (bx - ax) * (cy - ay) - (by - ay) * (cx - ax) < 0:
            b, c = c, b
            bx, by, cx, cy = cx, cy, bx, by
        _fill_samples(ax, ay, screen[a, 2], bx, by, screen[b, 2], cx, cy, screen[c, 2],
                      x0, y0, x1, y1, f, mesh, slots, depth, faces, meshes, farthest, found)  # fmt: skip


@tight_kernel
def cover_piece_samples(
    mesh: int, pieces: F64, piece_faces: I32, count: int,
    slots: I32, depth: F32, faces: I32, meshes: U16, farthest: F32, found: F32,
) -> None:  # fmt: skip
    """As :func:`cover_samples` for the triangles that clipping left."""
    height, width = slots.shape
    for i in range(count):
        p = pieces[i]
        x0 = max(int(min(p[0, 0], p[1, 0], p[2, 0])) >> SHIFT, 0)
        x1 = min(int(max(p[0, 0], p[1, 0], p[2, 0])) >> SHIFT, width - 1)
        y0 = max(int(min(p[0, 1], p[1, 1], p[2, 1])) >> SHIFT, 0)
        y1 = min(int(max(p[0, 1], p[1, 1], p[2, 1])) >> SHIFT, height - 1)
        _fill_samples(p[0, 0], p[0, 1], p[0, 2], p[1, 0], p[1, 1], p[1, 2], p[2, 0], p[2, 1], p[2, 2],
                      x0, y0, x1, y1, piece_faces[i], mesh, slots, depth, faces, meshes, farthest, found)  # fmt: skip
