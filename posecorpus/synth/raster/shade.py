"""Third pass: attributes and colour of the visible faces, one mesh at a time.

For a pixel p = (px, py, 1) and a face with homogeneous pixel corners A, B, C (x = X / Z), shift the corners
by ``A' = A.xy - p A.z``. Then ``w0 = B' x C'``, ``w1 = C' x A'``, ``w2 = A' x B'`` divided by their sum are the
PERSPECTIVE-CORRECT barycentrics, exact for faces that reach behind the camera as well, since nothing was
divided by z. Their derivatives along the image give the texture's level of detail in closed form.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.raster.antialias import NEAREST_FIRST, OFFSETS, SAMPLES
from posecorpus.synth.raster.colour import ENCODE_STEPS, TO_LINEAR, TO_SRGB
from posecorpus.synth.raster.jit import inline, tight_kernel
from posecorpus.synth.raster.visibility import NEAR_M, SUBPIXELS

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U16 = NDArray[np.uint16]
U8 = NDArray[np.uint8]
Three = tuple[float, float, float]

SAME_SURFACE_PX = 6.0
"""Samples of one pixel and mesh whose depths differ by less than this many footprints share a colour."""


@inline
def _weights(A: F64, B: F64, C: F64, px: float, py: float) -> tuple[float, ...]:
    """Unnormalised barycentrics (3) and their gradients along x (3) and y (3)."""
    ax, ay, bx, by, cx, cy = (
        A[0] - px * A[2], A[1] - py * A[2], B[0] - px * B[2], B[1] - py * B[2], C[0] - px * C[2], C[1] - py * C[2],
    )  # fmt: skip
    return (
        bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx,
        by * C[2] - B[2] * cy, cy * A[2] - C[2] * ay, ay * B[2] - A[2] * by,
        B[2] * cx - bx * C[2], C[2] * ax - cx * A[2], A[2] * bx - ax * B[2],
    )  # fmt: skip


@inline
def _normal(l0: float, l1: float, l2: float, na: F32, nb: F32, nc: F32, R: F64, sign: float) -> Three:
    """Interpolated world normals, turned to the camera frame, unit length."""
    x = l0 * na[0] + l1 * nb[0] + l2 * nc[0]
    y = l0 * na[1] + l1 * nb[1] + l2 * nc[1]
    z = l0 * na[2] + l1 * nb[2] + l2 * nc[2]
    length = math.sqrt(x * x + y * y + z * z)
    if length < 1e-12:  # opposite vertex normals cancel: look at the camera
        return 0.0, 0.0, -1.0
    k = sign / length
    x, y, z = x * k, y * k, z * k
    return (
        R[0, 0] * x + R[0, 1] * y + R[0, 2] * z,
        R[1, 0] * x + R[1, 1] * y + R[1, 2] * z,
        R[2, 0] * x + R[2, 1] * y + R[2, 2] * z,
    )


@inline
def _bilinear(texels: U8, table: I64, level: int, u: float, v: float) -> Three:
    """Linear light of one mip level at (u, v) in [0, 1] from the top left, clamped at the borders."""
    start, height, width = table[level, 0], table[level, 1], table[level, 2]
    x, y = u * width - 0.5, v * height - 0.5
    x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
    i, j = int(x), int(y)
    fx, fy = x - i, y - j
    right = 3 if i + 1 < width else 0
    p = start + (j * width + i) * 3
    q = p + (width * 3 if j + 1 < height else 0)
    w00, w01, w10, w11 = (1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy
    return (
        w00 * TO_LINEAR[texels[p]] + w01 * TO_LINEAR[texels[p + right]]
        + w10 * TO_LINEAR[texels[q]] + w11 * TO_LINEAR[texels[q + right]],
        w00 * TO_LINEAR[texels[p + 1]] + w01 * TO_LINEAR[texels[p + right + 1]]
        + w10 * TO_LINEAR[texels[q + 1]] + w11 * TO_LINEAR[texels[q + right + 1]],
        w00 * TO_LINEAR[texels[p + 2]] + w01 * TO_LINEAR[texels[p + right + 2]]
        + w10 * TO_LINEAR[texels[q + 2]] + w11 * TO_LINEAR[texels[q + right + 2]],
    )  # fmt: skip


@inline
def _albedo(texels: U8, table: I64, u: float, v: float, texels_per_pixel2: float) -> Three:
    """Trilinear texture lookup; ``texels_per_pixel2`` is the squared footprint at level 0."""
    if texels_per_pixel2 <= 1.0:
        return _bilinear(texels, table, 0, u, v)
    last = table.shape[0] - 1
    lod = min(0.5 * math.log2(texels_per_pixel2), float(last))
    level = int(lod)
    r, g, b = _bilinear(texels, table, level, u, v)
    t = lod - level
    if t > 0:
        r2, g2, b2 = _bilinear(texels, table, level + 1, u, v)
        r, g, b = r + t * (r2 - r), g + t * (g2 - g), b + t * (b2 - b)
    return r, g, b


@inline
def _irradiance(light: F64, x: float, y: float, z: float) -> Three:
    """Weighted SH light at a camera-frame normal, clamped at zero: see ``light.sh_basis``."""
    t4, t5, t6, t7, t8 = x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y
    return (
        max(0.0, light[0, 0] + light[0, 1] * y + light[0, 2] * z + light[0, 3] * x + light[0, 4] * t4
            + light[0, 5] * t5 + light[0, 6] * t6 + light[0, 7] * t7 + light[0, 8] * t8),
        max(0.0, light[1, 0] + light[1, 1] * y + light[1, 2] * z + light[1, 3] * x + light[1, 4] * t4
            + light[1, 5] * t5 + light[1, 6] * t6 + light[1, 7] * t7 + light[1, 8] * t8),
        max(0.0, light[2, 0] + light[2, 1] * y + light[2, 2] * z + light[2, 3] * x + light[2, 4] * t4
            + light[2, 5] * t5 + light[2, 6] * t6 + light[2, 7] * t7 + light[2, 8] * t8),
    )  # fmt: skip


@inline
def _encode(value: float) -> int:
    """Linear light to an sRGB byte."""
    byte: int = TO_SRGB[int(math.sqrt(min(max(value, 0.0), 1.0)) * ENCODE_STEPS + 0.5)]
    return byte


@inline
def _place(
    px: float, py: float, f: int, triangles: I32, homogeneous: F64, uv: F32, uv_triangles: I32, table: I64
) -> tuple[float, ...]:
    """Of a face at a point of the image: barycentrics (3), -1 for its back or else 1, texture place (2) and
    squared footprint in texels."""
    a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
    w0, w1, w2, x0, x1, x2, y0, y1, y2 = _weights(homogeneous[a], homogeneous[b], homogeneous[c], px, py)
    total = w0 + w1 + w2
    k = 1.0 / total
    l0, l1, l2 = w0 * k, w1 * k, w2 * k
    ta, tb, tc = uv_triangles[f, 0], uv_triangles[f, 1], uv_triangles[f, 2]
    ua, ub, uc = np.float64(uv[ta, 0]), np.float64(uv[tb, 0]), np.float64(uv[tc, 0])
    va, vb, vc = np.float64(uv[ta, 1]), np.float64(uv[tb, 1]), np.float64(uv[tc, 1])
    u, v = l0 * ua + l1 * ub + l2 * uc, l0 * va + l1 * vb + l2 * vc
    width, height = table[0, 2] * k, table[0, 1] * k
    ux = (x0 * (ua - u) + x1 * (ub - u) + x2 * (uc - u)) * width
    uy = (y0 * (ua - u) + y1 * (ub - u) + y2 * (uc - u)) * width
    vx = (x0 * (va - v) + x1 * (vb - v) + x2 * (vc - v)) * height
    vy = (y0 * (va - v) + y1 * (vb - v) + y2 * (vc - v)) * height
    facing = 1.0 if total < 0 else -1.0
    return l0, l1, l2, facing, u, 1.0 - v, max(ux * ux + vx * vx, uy * uy + vy * vy)


@tight_kernel
def shade_pixels(
    mesh: int, instance: int, window: I64, triangles: I32, parts: U8, homogeneous: F64, normals: F32,
    uv: F32, uv_triangles: I32, texels: U8, table: I64, following: F32, P: F64, R: F64, light: F64,
    tolerance: float, faces: I32, meshes: U16, slots: I32,
    sample_depth: F32, sample_faces: I32, sample_meshes: U16, sums: F64,
    rgb: U8, depth: F32, part_map: U8, instance_map: U8, normal_map: F32, flow: F32,
    columns: I32, places: F64, bright: F64,
) -> None:  # fmt: skip
    """Labels and colour at the pixel centres of one mesh.

    An outline pixel's colour goes to ``sums`` instead, once per sample of the same surface; those
    samples are struck off by mesh number 0.

    Every pixel has its own face, hence waits for memory. Each row goes through several short loops, so that
    the processor fetches for the next pixels while one waits. What one leaves to the next is in ``columns``,
    ``places`` and ``bright``, (W,), (W, 7) and (W, 3) buffers.
    """
    x0, y0, x1, y1 = window[0], window[1], window[2], window[3]
    for y in range(y0, y1):
        n_row = 0
        for x in range(x0, x1):
            columns[n_row] = x
            n_row += meshes[y, x] == mesh
        py = y + 0.5
        for i in range(n_row):
            x = columns[i]
            f = faces[y, x]
            l0, l1, l2, facing, u, v, footprint = _place(
                x + 0.5, py, f, triangles, homogeneous, uv, uv_triangles, table
            )
            a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
            depth[y, x] = l0 * homogeneous[a, 2] + l1 * homogeneous[b, 2] + l2 * homogeneous[c, 2]
            part_map[y, x] = parts[f]
            instance_map[y, x] = instance
            places[i, 0], places[i, 1], places[i, 2], places[i, 3] = l0, l1, l2, facing
            places[i, 4], places[i, 5], places[i, 6] = u, v, footprint
        for i in range(n_row):
            x = columns[i]
            f = faces[y, x]
            a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
            l0, l1, l2 = places[i, 0], places[i, 1], places[i, 2]
            nx, ny, nz = _normal(l0, l1, l2, normals[a], normals[b], normals[c], R, places[i, 3])
            normal_map[y, x, 0] = nx
            normal_map[y, x, 1] = ny
            normal_map[y, x, 2] = nz
            bright[i, 0], bright[i, 1], bright[i, 2] = _irradiance(light, nx, ny, nz)
            qx = l0 * following[a, 0] + l1 * following[b, 0] + l2 * following[c, 0]
            qy = l0 * following[a, 1] + l1 * following[b, 1] + l2 * following[c, 1]
            qz = l0 * following[a, 2] + l1 * following[b, 2] + l2 * following[c, 2]
            hz = P[2, 0] * qx + P[2, 1] * qy + P[2, 2] * qz + P[2, 3]
            if hz >= NEAR_M:
                flow[y, x, 0] = (P[0, 0] * qx + P[0, 1] * qy + P[0, 2] * qz + P[0, 3]) / hz - (x + 0.5)
                flow[y, x, 1] = (P[1, 0] * qx + P[1, 1] * qy + P[1, 2] * qz + P[1, 3]) / hz - py
        for i in range(n_row):
            x = columns[i]
            r, g, b = _albedo(texels, table, places[i, 4], places[i, 5], places[i, 6])
            r, g, b = r * bright[i, 0], g * bright[i, 1], b * bright[i, 2]
            slot = slots[y, x]
            if slot < 0:
                rgb[y, x, 0] = _encode(r)
                rgb[y, x, 1] = _encode(g)
                rgb[y, x, 2] = _encode(b)
                continue
            near = 1.0 / depth[y, x]
            n = 0
            for s in range(SAMPLES):
                if sample_meshes[slot, s] == mesh and abs(sample_depth[slot, s] - near) < tolerance * near:
                    sample_meshes[slot, s] = 0
                    n += 1
            sums[slot, 0] += n * min(r, 1.0)
            sums[slot, 1] += n * min(g, 1.0)
            sums[slot, 2] += n * min(b, 1.0)


@tight_kernel
def shade_samples(
    mesh: int, count: int, triangles: I32, homogeneous: F64, normals: F32, uv: F32, uv_triangles: I32,
    texels: U8, table: I64, R: F64, light: F64, tolerance: float, pixels: I32,
    sample_depth: F32, sample_faces: I32, sample_meshes: U16, sums: F64,
) -> None:  # fmt: skip
    """Colour of what one mesh shows in outline pixels beside the surface at the centre.

    Each surface is shaded once, at its sample nearest to the pixel centre, and counts as often as it
    has samples.
    """
    for slot in range(count):
        for s in NEAREST_FIRST:
            if sample_meshes[slot, s] != mesh:
                continue
            px = pixels[slot, 1] + 0.5 + OFFSETS[s, 0] / SUBPIXELS
            py = pixels[slot, 0] + 0.5 + OFFSETS[s, 1] / SUBPIXELS
            f = sample_faces[slot, s]
            l0, l1, l2, facing, u, v, footprint = _place(
                px, py, f, triangles, homogeneous, uv, uv_triangles, table
            )
            i, j, k = triangles[f, 0], triangles[f, 1], triangles[f, 2]
            nx, ny, nz = _normal(l0, l1, l2, normals[i], normals[j], normals[k], R, facing)
            i0, i1, i2 = _irradiance(light, nx, ny, nz)
            r, g, b = _albedo(texels, table, u, v, footprint)
            r, g, b = r * i0, g * i1, b * i2
            near = sample_depth[slot, s]
            n = 0
            for t in range(SAMPLES):
                if sample_meshes[slot, t] == mesh and abs(sample_depth[slot, t] - near) <= tolerance * near:
                    sample_meshes[slot, t] = 0
                    n += 1
            sums[slot, 0] += n * min(r, 1.0)
            sums[slot, 1] += n * min(g, 1.0)
            sums[slot, 2] += n * min(b, 1.0)


@tight_kernel
def resolve(count: int, pixels: I32, sample_depth: F32, sums: F64, slots: I32, rgb: U8) -> None:
    """Blend outline pixels with the background, in linear light, and free their slots."""
    for slot in range(count):
        y, x = pixels[slot, 0], pixels[slot, 1]
        slots[y, x] = -1
        empty = 0
        for s in range(SAMPLES):
            if sample_depth[slot, s] == 0:
                empty += 1
        for c in range(3):
            rgb[y, x, c] = _encode((sums[slot, c] + empty * TO_LINEAR[rgb[y, x, c]]) / SAMPLES)
