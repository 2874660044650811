"""Triangle meshes with fewer faces whose vertices are some of the old ones (Garland and Heckbert, 1997).

Vertices are merged into neighbours, cheapest first, by quadric error. As none moves and none is new, whatever
is known of vertices (skinning weights, shape directions) and of texture corners stays true for the ones that
are left. Seams of the texture are merged along themselves only, so no face comes to span two charts.
"""

from __future__ import annotations

from heapq import heappop, heappush

import numpy as np
from numba import njit
from numpy.typing import NDArray

SEAM = 4.0
"""Planes that hold a seam in its place weigh this much more than those of faces."""
FLATTEST = 0.2
"""A face may turn by what leaves this cosine, no further."""
MOST_NEIGHBOURS = 11
_NEVER = 1e30


def decimate(
    vertices: NDArray[np.floating],
    faces: NDArray[np.int32],
    uv_faces: NDArray[np.int32],
    bias: NDArray[np.floating],
    target: int,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Merge vertices until about ``target`` faces are left or nothing more may be merged. Borders stay.

    Args:
        vertices: (V, 3) metres.
        faces: (F, 3), a closed or open manifold.
        uv_faces: (F, 3) corners in the texture; where two faces disagree about a vertex there is a seam.
        bias: (V, B) coordinates in metres that count like places: vertices that differ in them merge late.
        target: faces wanted.

    Returns:
        (F', 3) int32 faces and (F', 3) int32 texture corners, into the old arrays.
    """
    corners = np.ascontiguousarray(faces, np.int32).copy()
    charts = np.ascontiguousarray(uv_faces, np.int32).copy()
    points, apart = (np.ascontiguousarray(array, np.float64) for array in (vertices, bias))
    alive = _merge(points, corners, charts, apart, target)
    return corners[alive], charts[alive]


@njit(cache=True)
def _add_plane(quadric, normal, offset, weight):  # type: ignore[no-untyped-def]
    a, b, c = normal
    terms = (a * a, a * b, a * c, a * offset, b * b, b * c, b * offset, c * c, c * offset, offset * offset)
    for i in range(10):
        quadric[i] += weight * terms[i]


@njit(cache=True)
def _error(q, p):  # type: ignore[no-untyped-def]
    x, y, z = p
    return (
        q[0] * x * x + 2 * q[1] * x * y + 2 * q[2] * x * z + 2 * q[3] * x
        + q[4] * y * y + 2 * q[5] * y * z + 2 * q[6] * y
        + q[7] * z * z + 2 * q[8] * z + q[9]
    )  # fmt: skip


@njit(cache=True)
def _cross(a, b, c):  # type: ignore[no-untyped-def]
    """Normal of a triangle, twice its area long."""
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    return uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx


@njit(cache=True)
def _first_quadrics(vertices, faces):  # type: ignore[no-untyped-def]
    """(V, 10) sums of the squared distances to the faces around each vertex, (V,) their areas and (V, 3) normals."""
    quadrics, areas = np.zeros((len(vertices), 10)), np.zeros(len(vertices))
    normals = np.zeros((len(vertices), 3))
    for f in range(len(faces)):
        a, b, c = faces[f]
        x, y, z = _cross(vertices[a], vertices[b], vertices[c])
        length = np.sqrt(x * x + y * y + z * z)
        if length == 0:
            continue
        normal = (x / length, y / length, z / length)
        p = vertices[a]
        offset = -(normal[0] * p[0] + normal[1] * p[1] + normal[2] * p[2])
        for v in faces[f]:
            _add_plane(quadrics[v], normal, offset, length / 6)
            areas[v] += length / 6
            for k in range(3):
                normals[v, k] += normal[k]
    return quadrics, areas, normals


@njit(cache=True)
def _hold_seam(quadrics, vertices, faces, f, k):  # type: ignore[no-untyped-def]
    """Add the plane through edge ``k`` of face ``f`` that stands on the face."""
    a, b, c = faces[f, k], faces[f, (k + 1) % 3], faces[f, (k + 2) % 3]
    nx, ny, nz = _cross(vertices[a], vertices[b], vertices[c])
    ex, ey, ez = vertices[b] - vertices[a]
    x, y, z = ey * nz - ez * ny, ez * nx - ex * nz, ex * ny - ey * nx
    length = np.sqrt(x * x + y * y + z * z)
    if length == 0:
        return
    normal = (x / length, y / length, z / length)
    p = vertices[a]
    offset = -(normal[0] * p[0] + normal[1] * p[1] + normal[2] * p[2])
    weight = SEAM * (ex * ex + ey * ey + ez * ez)
    _add_plane(quadrics[a], normal, offset, weight)
    _add_plane(quadrics[b], normal, offset, weight)


@njit(cache=True)
def _place(faces, f, v):  # type: ignore[no-untyped-def]
    """Which corner of a face a vertex is; -1 for none."""
    for k in range(3):
        if faces[f, k] == v:
            return k
    return -1


@njit(cache=True)
def _around(heads, following, faces, v, found):  # type: ignore[no-untyped-def]
    """Living faces of a vertex into ``found``; how many there are."""
    count = 0
    corner = heads[v]
    while corner >= 0:
        f = corner // 3
        if faces[f, 0] >= 0:
            found[count] = f
            count += 1
        corner = following[corner]
    return count


@njit(cache=True)
def _neighbours(faces, ring, count, v, found):  # type: ignore[no-untyped-def]
    """Vertices that share a face with ``v``, each once."""
    total = 0
    for i in range(count):
        for w in faces[ring[i]]:
            if w == v:
                continue
            known = False
            for j in range(total):
                known = known or found[j] == w
            if not known:
                found[total] = w
                total += 1
    return total


@njit(cache=True)
def _corner_after(faces, charts, ring, count, v, w, corner):  # type: ignore[no-untyped-def]
    """The texture corner of ``w`` on the chart of ``v``'s ``corner``; -1 if no face has both, -2 if faces disagree."""
    found = -1
    for i in range(count):
        f = ring[i]
        k, m = _place(faces, f, v), _place(faces, f, w)
        if m < 0 or charts[f, k] != corner:
            continue
        if found >= 0 and found != charts[f, m]:
            return -2
        found = charts[f, m]
    return found


@njit(cache=True)
def _corners_at(faces, charts, ring, count, v, w):  # type: ignore[no-untyped-def]
    """How many texture corners ``v`` has in the faces at its edge to ``w``: two at a seam."""
    first, total = -1, 0
    for i in range(count):
        k = _place(faces, ring[i], v)
        if k < 0 or _place(faces, ring[i], w) < 0:
            continue
        if charts[ring[i], k] != first:
            total += 1
            first = charts[ring[i], k]
    return total


@njit(cache=True)
def _alike(one, other):  # type: ignore[no-untyped-def]
    """Whether two directions differ by less than a face may turn."""
    dot = one[0] * other[0] + one[1] * other[1] + one[2] * other[2]
    lengths = (one[0] ** 2 + one[1] ** 2 + one[2] ** 2) * (other[0] ** 2 + other[1] ** 2 + other[2] ** 2)
    return dot > FLATTEST * np.sqrt(lengths)


@njit(cache=True)
def _may_merge(vertices, normals, faces, charts, ring, count, others, known, v, w, shared):  # type: ignore[no-untyped-def]
    """Whether faces stay a manifold, keep their sides and their charts when ``v`` becomes ``w``."""
    common = 0
    for i in range(count):
        f = ring[i]
        k = _place(faces, f, v)
        if _place(faces, f, w) >= 0:
            continue
        if _corner_after(faces, charts, ring, count, v, w, charts[f, k]) < 0:
            return False
        a, b = faces[f, (k + 1) % 3], faces[f, (k + 2) % 3]
        before = _cross(vertices[v], vertices[a], vertices[b])
        after = _cross(vertices[w], vertices[a], vertices[b])
        # Beside its last turn the one from the first surface counts: small turns do not add up.
        outwards = normals[w] + normals[a] + normals[b]
        if not (_alike(before, after) and _alike(outwards, after)):
            return False
    for i in range(others):
        for j in range(known):
            if shared[0, i] == shared[1, j]:
                common += 1
    return common == 2 and others + known - 4 <= MOST_NEIGHBOURS


@njit(cache=True)
def _best(v, vertices, normals, faces, charts, bias, quadrics, areas, heads, following, ring, ring_w, shared):  # type: ignore[no-untyped-def]
    """The cheapest neighbour that ``v`` may become, and its cost."""
    count = _around(heads, following, faces, v, ring)
    others = _neighbours(faces, ring, count, v, shared[0])
    best, least = -1, _NEVER
    if others != count:
        return best, least  # it is at a border
    for i in range(others):
        w = shared[0, i]
        cost = _error(quadrics[v], vertices[w]) + _error(quadrics[w], vertices[w])
        for k in range(bias.shape[1]):
            cost += areas[v] * (bias[v, k] - bias[w, k]) ** 2
        if cost >= least:
            continue
        known = _neighbours(faces, ring_w, _around(heads, following, faces, w, ring_w), w, shared[1])
        if _may_merge(vertices, normals, faces, charts, ring, count, others, known, v, w, shared):
            best, least = w, cost
    return best, least


@njit(cache=True)
def _merge(vertices, faces, charts, bias, target):  # type: ignore[no-untyped-def]
    """Merge in place; (F,) which faces are left. Dead faces have -1 for their first corner."""
    count = len(vertices)
    heads, tails = np.full(count, -1, np.int64), np.full(count, -1, np.int64)
    following = np.full(3 * len(faces), -1, np.int64)
    for corner in range(3 * len(faces)):
        v = faces[corner // 3, corner % 3]
        if heads[v] < 0:
            heads[v] = corner
        else:
            following[tails[v]] = corner
        tails[v] = corner
    quadrics, areas, normals = _first_quadrics(vertices, faces)
    ring, ring_w = np.empty(len(faces), np.int64), np.empty(len(faces), np.int64)
    shared = np.empty((2, count), np.int64)
    for v in range(count):
        around = _around(heads, following, faces, v, ring)
        for i in range(around):
            k = _place(faces, ring[i], v)
            w = faces[ring[i], (k + 1) % 3]
            if (
                _corners_at(faces, charts, ring, around, v, w)
                + _corners_at(faces, charts, ring, around, w, v)
                > 2
            ):
                _hold_seam(quadrics, vertices, faces, ring[i], k)

    stamps = np.zeros(count, np.int64)
    heap = [(0.0, 0, 0)]
    heap.pop()
    for v in range(count):
        w, cost = _best(
            v, vertices, normals, faces, charts, bias, quadrics, areas, heads, following, ring, ring_w, shared
        )
        if w >= 0:
            heappush(heap, (cost, v, 0))
    left = len(faces)
    while left > target and len(heap) > 0:
        _, v, stamp = heappop(heap)
        if stamp != stamps[v]:
            continue
        w, _ = _best(
            v, vertices, normals, faces, charts, bias, quadrics, areas, heads, following, ring, ring_w, shared
        )
        if w < 0:
            continue
        around = _around(heads, following, faces, v, ring)
        moved = np.empty(around, np.int64)
        for i in range(around):
            f = ring[i]
            moved[i] = _corner_after(faces, charts, ring, around, v, w, charts[f, _place(faces, f, v)])
        for i in range(around):
            f = ring[i]
            k = _place(faces, f, v)
            if _place(faces, f, w) >= 0:
                faces[f, 0] = -1
                left -= 1
            else:
                faces[f, k], charts[f, k] = w, moved[i]
        following[tails[w]] = heads[v]
        tails[w] = tails[v]
        heads[v] = -1
        stamps[v] = -1
        quadrics[w] += quadrics[v]
        areas[w] += areas[v]
        around = _around(heads, following, faces, w, ring_w)
        total = _neighbours(faces, ring_w, around, w, shared[1])
        touched = np.empty(total + 1, np.int64)
        touched[:total], touched[total] = shared[1, :total], w
        for u in touched:
            stamps[u] += 1
            to, cost = _best(
                u,
                vertices,
                normals,
                faces,
                charts,
                bias,
                quadrics,
                areas,
                heads,
                following,
                ring,
                ring_w,
                shared,
            )
            if to >= 0:
                heappush(heap, (cost, u, stamps[u]))
    return faces[:, 0] >= 0
