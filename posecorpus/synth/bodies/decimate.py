"""Triangle meshes with fewer faces whose vertices are some of the old ones (Garland and Heckbert, 1997).

Vertices are merged into neighbours, cheapest first, by quadric error. As none moves and none is new, whatever
is known of vertices (skinning weights, shape directions) and of texture corners stays true for the ones that
are left. Seams of the texture are merged along themselves only, so no face comes to span two charts.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

SEAM = 4.0
"""Planes that hold a seam in its place weigh this much more than those of faces."""
FLATTEST = 0.2
"""A face may turn by what leaves this cosine, no further."""
MOST_NEIGHBOURS = 11
_NEVER = 1e30


class _Mesh(NamedTuple):
    """A mesh that is being decimated, and room to work in.

    Attributes:
        vertices: (V, 3).
        normals: (V, 3), sums of the first surface's unit normals.
        quadrics: (V, 10) sums of the squared distances to the faces that a vertex stands for; areas: (V,) theirs.
        bias: (V, B).
        faces: (F, 3), of dead ones -1 first; charts: (F, 3) their texture corners.
        heads, tails, following: a linked list of corners (3 f + k) for each vertex; -1 ends it.
        ring, ring_w: (F,) faces around a vertex and around one it may become; near, near_w: (V,) their neighbours.
    """

    vertices: NDArray[np.float64]
    normals: NDArray[np.float64]
    quadrics: NDArray[np.float64]
    areas: NDArray[np.float64]
    bias: NDArray[np.float64]
    faces: NDArray[np.int32]
    charts: NDArray[np.int32]
    heads: NDArray[np.int64]
    tails: NDArray[np.int64]
    following: NDArray[np.int64]
    ring: NDArray[np.int64]
    ring_w: NDArray[np.int64]
    near: NDArray[np.int64]
    near_w: NDArray[np.int64]


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
    points, apart = (np.ascontiguousarray(array, np.float64) for array in (vertices, bias))
    corners, charts = (np.array(array, np.int32, order="C") for array in (faces, uv_faces))
    count, ends = len(points), np.full(len(points), -1, np.int64)
    mesh = _Mesh(
        vertices=points,
        normals=np.zeros((count, 3)),
        quadrics=np.zeros((count, 10)),
        areas=np.zeros(count),
        bias=apart,
        faces=corners,
        charts=charts,
        heads=ends,
        tails=ends.copy(),
        following=np.full(corners.size, -1, np.int64),
        ring=np.empty(len(corners), np.int64),
        ring_w=np.empty(len(corners), np.int64),
        near=np.empty(count, np.int64),
        near_w=np.empty(count, np.int64),
    )
    _link(mesh)
    _measure(mesh)
    _hold_seams(mesh)
    _merge(mesh, target)
    alive = corners[:, 0] >= 0
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
def _alike(one, other):  # type: ignore[no-untyped-def]
    """Whether two directions differ by less than a face may turn."""
    dot = one[0] * other[0] + one[1] * other[1] + one[2] * other[2]
    lengths = (one[0] ** 2 + one[1] ** 2 + one[2] ** 2) * (other[0] ** 2 + other[1] ** 2 + other[2] ** 2)
    return dot > FLATTEST * np.sqrt(lengths)


@njit(cache=True)
def _place(faces, f, v):  # type: ignore[no-untyped-def]
    """Which corner of a face a vertex is; -1 for none."""
    for k in range(3):
        if faces[f, k] == v:
            return k
    return -1


@njit(cache=True)
def _link(m):  # type: ignore[no-untyped-def]
    """Link the corners of each vertex."""
    for corner in range(m.faces.size):
        v = m.faces[corner // 3, corner % 3]
        if m.heads[v] < 0:
            m.heads[v] = corner
        else:
            m.following[m.tails[v]] = corner
        m.tails[v] = corner


@njit(cache=True)
def _measure(m):  # type: ignore[no-untyped-def]
    """Quadrics, areas and normals of the first surface."""
    for f in range(len(m.faces)):
        a, b, c = m.faces[f]
        x, y, z = _cross(m.vertices[a], m.vertices[b], m.vertices[c])
        length = np.sqrt(x * x + y * y + z * z)
        if length == 0:
            continue
        normal = (x / length, y / length, z / length)
        p = m.vertices[a]
        offset = -(normal[0] * p[0] + normal[1] * p[1] + normal[2] * p[2])
        for v in m.faces[f]:
            _add_plane(m.quadrics[v], normal, offset, length / 6)
            m.areas[v] += length / 6
            for k in range(3):
                m.normals[v, k] += normal[k]


@njit(cache=True)
def _hold_seams(m):  # type: ignore[no-untyped-def]
    """Add planes through the seams' edges that stand on their faces."""
    for v in range(len(m.vertices)):
        count = _around(m, v, m.ring)
        for i in range(count):
            f = m.ring[i]
            k = _place(m.faces, f, v)
            w, c = m.faces[f, (k + 1) % 3], m.faces[f, (k + 2) % 3]
            if _corners_at(m, count, v, w) + _corners_at(m, count, w, v) <= 2:
                continue
            p = m.vertices[v]
            nx, ny, nz = _cross(p, m.vertices[w], m.vertices[c])
            ex, ey, ez = m.vertices[w] - p
            x, y, z = ey * nz - ez * ny, ez * nx - ex * nz, ex * ny - ey * nx
            length = np.sqrt(x * x + y * y + z * z)
            if length == 0:
                continue
            normal = (x / length, y / length, z / length)
            offset = -(normal[0] * p[0] + normal[1] * p[1] + normal[2] * p[2])
            weight = SEAM * (ex * ex + ey * ey + ez * ez)
            _add_plane(m.quadrics[v], normal, offset, weight)
            _add_plane(m.quadrics[w], normal, offset, weight)


@njit(cache=True)
def _around(m, v, found):  # type: ignore[no-untyped-def]
    """Living faces of a vertex into ``found``; how many there are."""
    count = 0
    corner = m.heads[v]
    while corner >= 0:
        if m.faces[corner // 3, 0] >= 0:
            found[count] = corner // 3
            count += 1
        corner = m.following[corner]
    return count


@njit(cache=True)
def _neighbours(m, ring, count, v, found):  # type: ignore[no-untyped-def]
    """Vertices that share a face with ``v``, each once."""
    total = 0
    for i in range(count):
        for w in m.faces[ring[i]]:
            known = w == v
            for j in range(total):
                known = known or found[j] == w
            if not known:
                found[total] = w
                total += 1
    return total


@njit(cache=True)
def _corners_at(m, count, v, w):  # type: ignore[no-untyped-def]
    """How many texture corners ``v`` has in those faces of the ring that are at its edge to ``w``: two at a seam."""
    first, total = -1, 0
    for i in range(count):
        f = m.ring[i]
        k = _place(m.faces, f, v)
        if k >= 0 and _place(m.faces, f, w) >= 0 and m.charts[f, k] != first:
            total += 1
            first = m.charts[f, k]
    return total


@njit(cache=True)
def _corner_after(m, count, v, w, corner):  # type: ignore[no-untyped-def]
    """The texture corner of ``w`` on the chart of ``v``'s ``corner``: -1 if no face has both, -2 if faces disagree."""
    found = -1
    for i in range(count):
        f = m.ring[i]
        k, n = _place(m.faces, f, v), _place(m.faces, f, w)
        if n < 0 or m.charts[f, k] != corner:
            continue
        if found >= 0 and found != m.charts[f, n]:
            return -2
        found = m.charts[f, n]
    return found


@njit(cache=True)
def _may_become(m, count, others, v, w):  # type: ignore[no-untyped-def]
    """Whether faces stay a manifold, keep their sides and their charts when ``v`` becomes ``w``."""
    known = _neighbours(m, m.ring_w, _around(m, w, m.ring_w), w, m.near_w)
    common = 0
    for i in range(others):
        for j in range(known):
            if m.near[i] == m.near_w[j]:
                common += 1
    if common != 2 or others + known - 4 > MOST_NEIGHBOURS:
        return False
    for i in range(count):
        f = m.ring[i]
        if _place(m.faces, f, w) >= 0:
            continue
        k = _place(m.faces, f, v)
        if _corner_after(m, count, v, w, m.charts[f, k]) < 0:
            return False
        a, b = m.faces[f, (k + 1) % 3], m.faces[f, (k + 2) % 3]
        before = _cross(m.vertices[v], m.vertices[a], m.vertices[b])
        after = _cross(m.vertices[w], m.vertices[a], m.vertices[b])
        # Beside its last turn the one from the first surface counts: small turns do not add up.
        outwards = m.normals[w] + m.normals[a] + m.normals[b]
        if not (_alike(before, after) and _alike(outwards, after)):
            return False
    return True


@njit(cache=True)
def _best(m, v):  # type: ignore[no-untyped-def]
    """The cheapest neighbour that ``v`` may become, -1 for none, and its cost. The ring is then that of ``v``."""
    count = _around(m, v, m.ring)
    others = _neighbours(m, m.ring, count, v, m.near)
    best, least = -1, _NEVER
    if others != count:
        return best, least  # it is at a border
    for i in range(others):
        w = m.near[i]
        cost = _error(m.quadrics[v], m.vertices[w]) + _error(m.quadrics[w], m.vertices[w])
        for k in range(m.bias.shape[1]):
            cost += m.areas[v] * (m.bias[v, k] - m.bias[w, k]) ** 2
        if cost < least and _may_become(m, count, others, v, w):
            best, least = w, cost
    return best, least


@njit(cache=True)
def _become(m, v, w):  # type: ignore[no-untyped-def]
    """Merge ``v`` into ``w``; how many faces die."""
    count = _around(m, v, m.ring)
    moved = np.empty(count, np.int32)
    for i in range(count):
        f = m.ring[i]
        moved[i] = _corner_after(m, count, v, w, m.charts[f, _place(m.faces, f, v)])
    died = 0
    for i in range(count):
        f = m.ring[i]
        if _place(m.faces, f, w) >= 0:
            m.faces[f, 0] = -1
            died += 1
            continue
        k = _place(m.faces, f, v)
        m.faces[f, k], m.charts[f, k] = w, moved[i]
    m.following[m.tails[w]] = m.heads[v]
    m.tails[w] = m.tails[v]
    m.heads[v] = -1
    m.quadrics[w] += m.quadrics[v]
    m.areas[w] += m.areas[v]
    return died


@njit(cache=True)
def _merge(m, target):  # type: ignore[no-untyped-def]
    """Merge the cheapest vertex until ``target`` faces are left. What the heap says of a vertex holds for its stamp."""
    stamps = np.zeros(len(m.vertices), np.int64)
    heap = [(_NEVER, 0, -1)]
    for v in range(len(m.vertices)):
        w, cost = _best(m, v)
        if w >= 0:
            heappush(heap, (cost, v, 0))
    left = len(m.faces)
    while left > target:
        cost, v, stamp = heappop(heap)
        if stamp < 0:
            return  # nothing more may be merged
        if stamp != stamps[v]:
            continue
        w, _ = _best(m, v)
        if w < 0:
            continue
        left -= _become(m, v, w)
        stamps[v] = -1
        total = _neighbours(m, m.ring_w, _around(m, w, m.ring_w), w, m.near_w)
        touched = np.append(m.near_w[:total], w)
        for u in touched:
            stamps[u] += 1
            to, cost = _best(m, u)
            if to >= 0:
                heappush(heap, (cost, u, stamps[u]))
