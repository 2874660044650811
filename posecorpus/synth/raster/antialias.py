"""Second pass: visibility at eight samples a pixel, for the pixels on an outline only.

A pixel is on an outline if a neighbour shows another mesh, nothing, or the same mesh much nearer or
farther. Within it the nearest face is found at the eight samples of the usual rotated pattern; the
shading pass then colours each surface of the pixel once and blends by coverage. Labels never see this.

Samples hold keys as pixels do (see ``visibility``). Most faces touch no outline: each row of the picture
tells at every pixel how far it is to the row's next outline pixel, so that a face asks once a row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.raster.jit import inline, tight_kernel
from posecorpus.synth.raster.visibility import HALF, LAST_ID, SHIFT, SUBPIXELS

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
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]


@inline
def _inverse_depth(key: int) -> np.float32:
    """1/z of a key's bits, 0 of nothing."""
    return np.int32(key >> 32).view(np.float32)


@inline
def _mesh(key: int, face_bits: int) -> int:
    """Number of the mesh, 0 for the first; of nothing it is beyond all."""
    return (LAST_ID - (key & LAST_ID)) >> face_bits


@inline
def _differ(key: int, other: int, face_bits: int, tolerance: np.float32) -> np.uint8:
    """1 if two neighbouring pixels show different surfaces, else 0."""
    z, other_z = _inverse_depth(key), _inverse_depth(other)
    step = abs(z - other_z) > tolerance * min(z, other_z)
    return np.uint8(step | (((key ^ other) & LAST_ID) >> face_bits != 0))


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
    keys: I64, face_bits: int, jump: float, x0: int, y0: int, x1: int, y1: int,
    marks: U8, slots: I32, pixels: I32,
) -> int:  # fmt: skip
    """Give every outline pixel of the window [x0, x1) x [y0, y1) a slot.

    Args:
        keys: (H + 1, W + 2) of the first pass, their bits; outside the picture they become those of its border.
        face_bits: of an identity, how many lower ones tell the face within its mesh.
        jump: relative step of 1/z that makes an outline.
        marks: (W,) scratch.
        slots: (H, W) all negative; receives the slot of outline pixels, elsewhere in the window the number of
            columns to the row's next one, or to the window's end, times -1.
        pixels: (N, 2) receives (y, x) of each slot; where full, further pixels are only counted,
            some more than once.

    Returns:
        the number of outline pixels.
    """
    tolerance = np.float32(jump)
    height, width = slots.shape
    x0, y0 = max(x0, 0), max(y0, 0)  # which the compiler does not know, and then does not vectorise
    for y in range(y0, y1):
        keys[y, 0], keys[y, width + 1] = keys[y, 1], keys[y, width]
    for i in range(width + 2):
        keys[height, i] = keys[height - 1, i]
    count = 0
    for y in range(y0, y1):
        # Half the neighbours; the other half see this pixel as theirs.
        for x in range(x0, x1):
            key = keys[y, x + 1]
            marks[x] = (
                _differ(key, keys[y, x + 2], face_bits, tolerance)
                | (_differ(key, keys[y + 1, x + 1], face_bits, tolerance) << 1)
                | (_differ(key, keys[y + 1, x], face_bits, tolerance) << 2)
                | (_differ(key, keys[y + 1, x + 2], face_bits, tolerance) << 3)
            )
        below = min(y + 1, height - 1)
        for x in range(x0, x1):
            mark = marks[x]
            if mark == 0:
                continue
            left, right = max(x - 1, 0), min(x + 1, width - 1)
            count = _mark(y, x, count, slots, pixels)
            if mark & 1:
                count = _mark(y, right, count, slots, pixels)
            if mark & 2:
                count = _mark(below, x, count, slots, pixels)
            if mark & 4:
                count = _mark(below, left, count, slots, pixels)
            if mark & 8:
                count = _mark(below, right, count, slots, pixels)
        step = -1
        for x in range(x1 - 1, x0 - 1, -1):
            if slots[y, x] >= 0:
                step = -1
            else:
                slots[y, x] = step
                step -= 1
    return count


@inline
def _excluded(dx: float, dy: float) -> float:
    """The tie rule of the first pass."""
    return 0.0 if (dx > 0) | ((dx == 0) & (dy > 0)) else 1.0


@inline
def _first_row(slots: I32, x0: int, y0: int, x1: int, y1: int) -> int:
    """The first row of the (inclusive) window that has an outline pixel, or ``y1 + 1``."""
    for y in range(y0, y1 + 1):
        slot = slots[y, x0]
        if slot >= 0 or x0 - slot <= x1:
            return y
    return y1 + 1


@inline
def _fill_samples(
    ax: float, ay: float, az: float, bx: float, by: float, bz: float, cx: float, cy: float, cz: float,
    x0: int, y0: int, x1: int, y1: int, identity: int, slots: I32, samples: F64, farthest: F64, found: F64,
) -> None:  # fmt: skip
    """Draw one snapped triangle of positive area at the samples of the window's outline pixels."""
    low = np.int64(LAST_ID - identity)
    top = np.float32(max(az, bz, cz) * (1.0 + 1e-6))  # no rounding takes a sample beyond
    nearest = np.int64((np.int64(top.view(np.int32)) << 32) | low).view(np.float64)
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
        x = x0 - 1
        while x < x1:
            x += 1
            slot = slots[y, x]
            if slot < 0:
                x -= slot + 1
                continue
            if nearest <= farthest[slot]:
                continue
            px, py = x * SUBPIXELS + HALF, y * SUBPIXELS + HALF
            e0 = (bx - px) * (cy - py) - (by - py) * (cx - px) - t0
            e1 = (cx - px) * (ay - py) - (cy - py) * (ax - px) - t1
            e2 = (ax - px) * (by - py) - (ay - py) * (bx - px) - t2
            if (e0 < out0) | (e1 < out1) | (e2 < out2):
                continue
            for s in range(found.shape[0]):  # not a constant: it would be unrolled, and then not vectorised
                ox, oy = OFFSETS_X[s], OFFSETS_Y[s]
                s0 = e0 + (ox * dx0 + oy * dy0)
                s1 = e1 + (ox * dx1 + oy * dy1)
                s2 = e2 + (ox * dx2 + oy * dy2)
                z = np.float32(az + s1 * zb + s2 * zc)
                key = np.int64((np.int64(z.view(np.int32)) << 32) | low).view(np.float64)
                shown = key if (min(s0, s1, s2) >= 0) & (z > 0) else 0.0
                found[s] = max(samples[slot, s], shown)
            for s in range(SAMPLES):
                samples[slot, s] = found[s]
            farthest[slot] = min(
                min(min(found[0], found[1]), min(found[2], found[3])),
                min(min(found[4], found[5]), min(found[6], found[7])),
            )


@tight_kernel
def cover_samples(
    first: int, triangles: I32, screen: F64, front: I32, n_front: int,
    slots: I32, samples: F64, farthest: F64, found: F64,
) -> None:  # fmt: skip
    """Draw the front faces of one mesh at the samples.

    Args:
        first: identity of the mesh's first face.
        front: of the first pass, of which the first ``n_front`` count.
        slots: (H, W) of :func:`find_outline`; samples: (slots, 8) keys.
        farthest: (slots,) key of the farthest of each pixel's samples, 0 while one shows nothing: what is behind
            it throughout is passed over.
        found: (8,) scratch.
    """
    for i in range(n_front):
        x0, y0, x1, y1 = front[i, 1], front[i, 2], front[i, 3], front[i, 4]
        y0 = _first_row(slots, x0, y0, x1, y1)
        if y0 > y1:
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
                      x0, y0, x1, y1, first + f, slots, samples, farthest, found)  # fmt: skip


@tight_kernel
def cover_piece_samples(
    first: int, pieces: F64, piece_faces: I32, count: int,
    slots: I32, samples: F64, farthest: F64, found: F64,
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
                      x0, y0, x1, y1, first + piece_faces[i], slots, samples, farthest, found)  # fmt: skip


@tight_kernel
def list_surfaces(
    count: int, pixels: I32, keys: I64, samples: I64, face_bits: int, tolerance: float,
    own: I32, surfaces: I32, heads: I32,
) -> None:  # fmt: skip
    """What outline pixels show: each surface once.

    Args:
        count, pixels: of :func:`find_outline`; keys, samples: bits of all keys.
        tolerance: samples of one mesh belong to one surface if their 1/z differ relatively by no more.
        own: (slots,) receives how many samples show the surface at the pixel's centre.
        surfaces: (8 slots, 3) receives the others: (8 slot + sample nearest to the centre, number of samples, row
            of the same mesh's next surface or -1), in the order of slots.
        heads: (meshes,) receives the row of each mesh's first surface, or -1.
    """
    for i in range(heads.shape[0]):
        heads[i] = -1
    n = 0
    for slot in range(count - 1, -1, -1):
        key = keys[pixels[slot, 0], pixels[slot, 1] + 1]
        own[slot] = 0
        listed = 0
        for k in range(SAMPLES + 1):
            # The centre first, which may show nothing.
            s = NEAREST_FIRST[max(k - 1, 0)]
            if k > 0:
                if (listed >> s) & 1 == 1 or samples[slot, s] == 0:
                    continue
                key = samples[slot, s]
            if key == 0:
                continue
            mesh, z = _mesh(key, face_bits), _inverse_depth(key)
            alike = 0
            for t in range(SAMPLES):
                other = samples[slot, t]
                same = (
                    ((listed >> t) & 1 == 0)
                    & (_mesh(other, face_bits) == mesh)
                    & (abs(_inverse_depth(other) - z) <= tolerance * z)
                )
                listed |= int(same) << t
                alike += int(same)
            if k == 0:
                own[slot] = alike
                continue
            surfaces[n, 0], surfaces[n, 1], surfaces[n, 2] = SAMPLES * slot + s, alike, heads[mesh]
            heads[mesh] = n
            n += 1
