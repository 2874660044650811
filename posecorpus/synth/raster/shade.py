"""Third pass: attributes and colour of the visible faces, one mesh at a time.

For a pixel p = (px, py, 1) and a face with homogeneous pixel corners A, B, C (x = X / Z), shift the corners
by ``A' = A.xy - p A.z``. Then ``w0 = B' x C'``, ``w1 = C' x A'``, ``w2 = A' x B'`` divided by their sum are the
PERSPECTIVE-CORRECT barycentrics, exact for faces that reach behind the camera as well, since nothing was
divided by z. Their derivatives along the image give the texture's level of detail in closed form.

Points are shaded in blocks: what a block's points need is first fetched into the columns of a small table, point
by point, then each formula runs down its columns, several points at a time.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.raster.antialias import OFFSETS, SAMPLES
from posecorpus.synth.raster.colour import ENCODE_STEPS, TO_LINEAR, TO_SRGB
from posecorpus.synth.raster.jit import inline, tight_kernel
from posecorpus.synth.raster.visibility import LAST_ID, NEAR_M, SUBPIXELS

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
Three = tuple[float, float, float]

SAME_SURFACE_PX = 6.0
"""Samples of one pixel and mesh whose depths differ by less than this many footprints share a colour."""

BLOCK = 64
"""Points that are shaded together: their table stays in the first-level cache."""

LINEAR: NDArray[np.float64] = TO_LINEAR.astype(np.float64)
"""The same numbers: no conversion for each texel."""

# First entry of each column of the table. Constant distances tell the compiler that columns do not overlap.
(
    PX, PY, AX, AY, AZ, BX, BY, BZ, CX, CY, CZ, UA, VA, UB, VB, UC, VC,
    NAX, NAY, NAZ, NBX, NBY, NBZ, NCX, NCY, NCZ, QAX, QAY, QAZ, QBX, QBY, QBZ, QCX, QCY, QCZ,
    L0, L1, L2, FACING, DEPTH, U, V, FOOTPRINT, NX, NY, NZ, RED, GREEN, BLUE, FLOW_X, FLOW_Y, AHEAD, COLUMNS,
) = range(0, 53 * BLOCK, BLOCK)  # fmt: skip
TABLE_SIZE = COLUMNS

(Y, X, FACE, SLOT, SHARE, ROWS) = range(0, 6 * BLOCK, BLOCK)
POINTS_SIZE = ROWS


@inline
def _index(number: int | np.integer) -> np.uint32:
    """A number that is not negative, so that no one need ask whether it counts from the end."""
    return np.uint32(number)


@inline
def _fetch(
    n: int,
    points: I32,
    table: F64,
    triangles: I32,
    homogeneous: F64,
    normals: F32,
    uv: F32,
    uv_triangles: I32,
) -> None:
    """Corners of each point's face, moved so that the point is the origin, with their normals and texture places."""
    for i in range(n):
        f = _index(points[FACE + i])
        px, py = table[PX + i], table[PY + i]
        a, b, c = _index(triangles[f, 0]), _index(triangles[f, 1]), _index(triangles[f, 2])
        az, bz, cz = homogeneous[a, 2], homogeneous[b, 2], homogeneous[c, 2]
        table[AX + i], table[AY + i] = homogeneous[a, 0] - px * az, homogeneous[a, 1] - py * az
        table[BX + i], table[BY + i] = homogeneous[b, 0] - px * bz, homogeneous[b, 1] - py * bz
        table[CX + i], table[CY + i] = homogeneous[c, 0] - px * cz, homogeneous[c, 1] - py * cz
        table[AZ + i], table[BZ + i], table[CZ + i] = az, bz, cz
        table[NAX + i], table[NAY + i], table[NAZ + i] = normals[a, 0], normals[a, 1], normals[a, 2]
        table[NBX + i], table[NBY + i], table[NBZ + i] = normals[b, 0], normals[b, 1], normals[b, 2]
        table[NCX + i], table[NCY + i], table[NCZ + i] = normals[c, 0], normals[c, 1], normals[c, 2]
        a, b, c = _index(uv_triangles[f, 0]), _index(uv_triangles[f, 1]), _index(uv_triangles[f, 2])
        table[UA + i], table[VA + i] = uv[a, 0], uv[a, 1]
        table[UB + i], table[VB + i] = uv[b, 0], uv[b, 1]
        table[UC + i], table[VC + i] = uv[c, 0], uv[c, 1]


@inline
def _locate(n: int, table: F64, width: int, height: int) -> None:
    """Barycentrics, -1 for a face's back or else 1, depth, texture place and squared footprint in texels."""
    for i in range(n):
        ax, ay, az = table[AX + i], table[AY + i], table[AZ + i]
        bx, by, bz = table[BX + i], table[BY + i], table[BZ + i]
        cx, cy, cz = table[CX + i], table[CY + i], table[CZ + i]
        w0, w1, w2 = bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx
        total = w0 + w1 + w2
        k = 1.0 / total
        l0, l1, l2 = w0 * k, w1 * k, w2 * k
        table[L0 + i], table[L1 + i], table[L2 + i] = l0, l1, l2
        table[FACING + i] = 1.0 if total < 0 else -1.0
        table[DEPTH + i] = l0 * az + l1 * bz + l2 * cz
        ua, ub, uc = table[UA + i], table[UB + i], table[UC + i]
        va, vb, vc = table[VA + i], table[VB + i], table[VC + i]
        u, v = l0 * ua + l1 * ub + l2 * uc, l0 * va + l1 * vb + l2 * vc
        x0, x1, x2 = by * cz - bz * cy, cy * az - cz * ay, ay * bz - az * by
        y0, y1, y2 = bz * cx - bx * cz, cz * ax - cx * az, az * bx - ax * bz
        across, down = width * k, height * k
        ux = (x0 * (ua - u) + x1 * (ub - u) + x2 * (uc - u)) * across
        uy = (y0 * (ua - u) + y1 * (ub - u) + y2 * (uc - u)) * across
        vx = (x0 * (va - v) + x1 * (vb - v) + x2 * (vc - v)) * down
        vy = (y0 * (va - v) + y1 * (vb - v) + y2 * (vc - v)) * down
        table[U + i], table[V + i] = u, 1.0 - v
        table[FOOTPRINT + i] = max(ux * ux + vx * vx, uy * uy + vy * vy)


@inline
def _turn(n: int, table: F64, R: F64) -> None:
    """Interpolated world normals, turned to the camera frame, unit length."""
    # Read before the loop: for all the compiler knows, the table's columns could be these numbers.
    r00, r01, r02, r10, r11, r12 = R[0, 0], R[0, 1], R[0, 2], R[1, 0], R[1, 1], R[1, 2]
    r20, r21, r22 = R[2, 0], R[2, 1], R[2, 2]
    for i in range(n):
        l0, l1, l2 = table[L0 + i], table[L1 + i], table[L2 + i]
        x = l0 * table[NAX + i] + l1 * table[NBX + i] + l2 * table[NCX + i]
        y = l0 * table[NAY + i] + l1 * table[NBY + i] + l2 * table[NCY + i]
        z = l0 * table[NAZ + i] + l1 * table[NBZ + i] + l2 * table[NCZ + i]
        length = math.sqrt(x * x + y * y + z * z)
        lost = length < 1e-12  # opposite vertex normals cancel: look at the camera
        k = table[FACING + i] / (1.0 if lost else length)
        x, y, z = x * k, y * k, z * k
        table[NX + i] = 0.0 if lost else r00 * x + r01 * y + r02 * z
        table[NY + i] = 0.0 if lost else r10 * x + r11 * y + r12 * z
        table[NZ + i] = -1.0 if lost else r20 * x + r21 * y + r22 * z


@inline
def _illuminate(n: int, table: F64, column: int, channel: F64) -> None:
    """Weighted SH light of one colour at a camera-frame normal, clamped at zero: see ``light.sh_basis``."""
    c0, c1, c2, c3, c4 = channel[0], channel[1], channel[2], channel[3], channel[4]
    c5, c6, c7, c8 = channel[5], channel[6], channel[7], channel[8]
    for i in range(n):
        x, y, z = table[NX + i], table[NY + i], table[NZ + i]
        table[column + i] = max(
            0.0,
            c0
            + c1 * y
            + c2 * z
            + c3 * x
            + c4 * (x * y)
            + c5 * (y * z)
            + c6 * (3 * z * z - 1)
            + c7 * (x * z)
            + c8 * (x * x - y * y),
        )


@inline
def _follow(n: int, points: I32, table: F64, triangles: I32, following: F32, P: F64) -> None:
    """Where the surface points are in the next frame, as flow."""
    for i in range(n):
        f = _index(points[FACE + i])
        a, b, c = _index(triangles[f, 0]), _index(triangles[f, 1]), _index(triangles[f, 2])
        table[QAX + i], table[QAY + i], table[QAZ + i] = following[a, 0], following[a, 1], following[a, 2]
        table[QBX + i], table[QBY + i], table[QBZ + i] = following[b, 0], following[b, 1], following[b, 2]
        table[QCX + i], table[QCY + i], table[QCZ + i] = following[c, 0], following[c, 1], following[c, 2]
    p00, p01, p02, p03, p10, p11 = P[0, 0], P[0, 1], P[0, 2], P[0, 3], P[1, 0], P[1, 1]
    p12, p13, p20, p21, p22, p23 = P[1, 2], P[1, 3], P[2, 0], P[2, 1], P[2, 2], P[2, 3]
    for i in range(n):
        l0, l1, l2 = table[L0 + i], table[L1 + i], table[L2 + i]
        x = l0 * table[QAX + i] + l1 * table[QBX + i] + l2 * table[QCX + i]
        y = l0 * table[QAY + i] + l1 * table[QBY + i] + l2 * table[QCY + i]
        z = l0 * table[QAZ + i] + l1 * table[QBZ + i] + l2 * table[QCZ + i]
        hz = p20 * x + p21 * y + p22 * z + p23
        ahead = hz >= NEAR_M
        k = hz if ahead else 1.0
        to_x = (p00 * x + p01 * y + p02 * z + p03) / k - table[PX + i]
        to_y = (p10 * x + p11 * y + p12 * z + p13) / k - table[PY + i]
        table[FLOW_X + i] = to_x if ahead else 0.0
        table[FLOW_Y + i] = to_y if ahead else 0.0


@inline
def _bilinear(texels: U8, levels: I64, level: int, u: float, v: float) -> Three:
    """Linear light of one mip level at (u, v) in [0, 1] from the top left, clamped at the borders."""
    start, height, width = levels[level, 0], levels[level, 1], levels[level, 2]
    x, y = u * width - 0.5, v * height - 0.5
    x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
    i, j = int(x), int(y)
    fx, fy = x - i, y - j
    right = _index(3 if i + 1 < width else 0)
    p = _index(start + (j * width + i) * 3)
    q = _index(p + (width * 3 if j + 1 < height else 0))
    w00, w01, w10, w11 = (1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy
    return (
        w00 * LINEAR[texels[p]] + w01 * LINEAR[texels[p + right]]
        + w10 * LINEAR[texels[q]] + w11 * LINEAR[texels[q + right]],
        w00 * LINEAR[texels[p + 1]] + w01 * LINEAR[texels[p + right + 1]]
        + w10 * LINEAR[texels[q + 1]] + w11 * LINEAR[texels[q + right + 1]],
        w00 * LINEAR[texels[p + 2]] + w01 * LINEAR[texels[p + right + 2]]
        + w10 * LINEAR[texels[q + 2]] + w11 * LINEAR[texels[q + right + 2]],
    )  # fmt: skip


@inline
def _colour(n: int, table: F64, texels: U8, levels: I64) -> None:
    """Trilinear texture lookup, times the light that is in the table."""
    last = levels.shape[0] - 1
    for i in range(n):
        u, v, footprint = table[U + i], table[V + i], table[FOOTPRINT + i]
        lod = min(0.5 * math.log2(footprint), float(last)) if footprint > 1.0 else 0.0
        level = int(lod)
        r, g, b = _bilinear(texels, levels, level, u, v)
        t = lod - level
        if t > 0:
            r2, g2, b2 = _bilinear(texels, levels, level + 1, u, v)
            r, g, b = r + t * (r2 - r), g + t * (g2 - g), b + t * (b2 - b)
        table[RED + i] *= r
        table[GREEN + i] *= g
        table[BLUE + i] *= b


@inline
def _encode(value: float) -> int:
    """Linear light to an sRGB byte."""
    byte: int = TO_SRGB[int(math.sqrt(min(max(value, 0.0), 1.0)) * ENCODE_STEPS + 0.5)]
    return byte


@inline
def _add(n: int, points: I32, table: F64, sums: F64) -> None:
    """To each outline pixel its point's colour, as often as it has samples."""
    for i in range(n):
        slot = points[SLOT + i]
        if slot >= 0:
            share = points[SHARE + i]
            sums[slot, 0] += share * min(table[RED + i], 1.0)
            sums[slot, 1] += share * min(table[GREEN + i], 1.0)
            sums[slot, 2] += share * min(table[BLUE + i], 1.0)


@tight_kernel
def shade_pixels(
    first: int, face_bits: int, instance: int, window: I64, triangles: I32, parts: U8, homogeneous: F64,
    normals: F32, uv: F32, uv_triangles: I32, texels: U8, levels: I64, following: F32, P: F64, R: F64, light: F64,
    keys: I64, slots: I32, own: I32, sums: F64,
    rgb: U8, depth: F32, part_map: U8, instance_map: U8, normal_map: F32, flow: F32,
    points: I32, table: F64,
) -> None:  # fmt: skip
    """Labels and colour at the pixel centres of one mesh, whose first face has the identity ``first``.

    An outline pixel's colour goes to ``sums`` instead, ``own`` times.
    """
    mesh = first >> face_bits
    x, y, x1, y1 = window[0], window[1], window[2], window[3]
    if x >= x1:
        return
    while y < y1:
        n = 0
        while y < y1 and n < BLOCK:
            identity = LAST_ID - (keys[y, x + 1] & LAST_ID)
            points[Y + n], points[X + n] = y, x
            points[FACE + n] = identity - first
            n += identity >> face_bits == mesh
            x += 1
            if x == x1:
                x, y = window[0], y + 1
        for i in range(n):
            table[PX + i], table[PY + i] = points[X + i] + 0.5, points[Y + i] + 0.5
        _fetch(n, points, table, triangles, homogeneous, normals, uv, uv_triangles)
        _locate(n, table, levels[0, 2], levels[0, 1])
        _turn(n, table, R)
        _illuminate(n, table, RED, light[0])
        _illuminate(n, table, GREEN, light[1])
        _illuminate(n, table, BLUE, light[2])
        _follow(n, points, table, triangles, following, P)
        for i in range(n):
            px, py = _index(points[X + i]), _index(points[Y + i])
            depth[py, px] = table[DEPTH + i]
            part_map[py, px] = parts[_index(points[FACE + i])]
            instance_map[py, px] = instance
            normal_map[py, px, 0] = table[NX + i]
            normal_map[py, px, 1] = table[NY + i]
            normal_map[py, px, 2] = table[NZ + i]
            flow[py, px, 0] = table[FLOW_X + i]
            flow[py, px, 1] = table[FLOW_Y + i]
        _colour(n, table, texels, levels)
        for i in range(n):
            px, py = _index(points[X + i]), _index(points[Y + i])
            slot = slots[py, px]
            points[SLOT + i] = slot
            if slot < 0:
                rgb[py, px, 0] = _encode(table[RED + i])
                rgb[py, px, 1] = _encode(table[GREEN + i])
                rgb[py, px, 2] = _encode(table[BLUE + i])
            else:
                points[SHARE + i] = own[slot]
        _add(n, points, table, sums)


@tight_kernel
def shade_surfaces(
    first: int, head: int, triangles: I32, homogeneous: F64, normals: F32, uv: F32, uv_triangles: I32,
    texels: U8, levels: I64, R: F64, light: F64, pixels: I32, samples: I64, surfaces: I32, sums: F64,
    points: I32, table: F64,
) -> None:  # fmt: skip
    """Colour of what one mesh shows in outline pixels beside the surface at the centre.

    Each surface is shaded once, at its sample nearest to the pixel centre, and counts as often as it
    has samples; ``head`` is its first row in ``surfaces``, of :func:`antialias.list_surfaces`.
    """
    row = head
    while row >= 0:
        n = 0
        while row >= 0 and n < BLOCK:
            slot, s = surfaces[row, 0] // SAMPLES, surfaces[row, 0] % SAMPLES
            points[SLOT + n], points[SHARE + n] = slot, surfaces[row, 1]
            points[FACE + n] = LAST_ID - (samples[slot, s] & LAST_ID) - first
            table[PX + n] = pixels[slot, 1] + 0.5 + OFFSETS[s, 0] / SUBPIXELS
            table[PY + n] = pixels[slot, 0] + 0.5 + OFFSETS[s, 1] / SUBPIXELS
            row = surfaces[row, 2]
            n += 1
        _fetch(n, points, table, triangles, homogeneous, normals, uv, uv_triangles)
        _locate(n, table, levels[0, 2], levels[0, 1])
        _turn(n, table, R)
        _illuminate(n, table, RED, light[0])
        _illuminate(n, table, GREEN, light[1])
        _illuminate(n, table, BLUE, light[2])
        _colour(n, table, texels, levels)
        _add(n, points, table, sums)


@tight_kernel
def resolve(count: int, pixels: I32, samples: I64, sums: F64, slots: I32, rgb: U8) -> None:
    """Blend outline pixels with the background, in linear light, and free their slots."""
    for slot in range(count):
        y, x = pixels[slot, 0], pixels[slot, 1]
        slots[y, x] = -1
        empty = 0
        for s in range(SAMPLES):
            if samples[slot, s] == 0:
                empty += 1
        for c in range(3):
            rgb[y, x, c] = _encode((sums[slot, c] + empty * LINEAR[rgb[y, x, c]]) / SAMPLES)
