"""Exact questions about boxes: which points are inside, and which lines of sight they cut."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.raster.engine import fixed
from posecorpus.synth.raster.jit import inline, kernel

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]


@kernel
def _moved(vertices: Any, turn: F64, by: F64, out: F32) -> None:
    for v in range(len(vertices)):
        x, y, z = vertices[v, 0], vertices[v, 1], vertices[v, 2]
        for a in range(3):
            out[v, a] = turn[a, 0] * x + turn[a, 1] * y + turn[a, 2] * z + by[a]


def moved(vertices: NDArray[np.floating], turn: NDArray[np.floating], by: NDArray[np.floating]) -> F32:
    """Points (V, 3) turned by (3, 3), then moved by (3,), as float32; the same bytes on every machine."""
    out = np.empty(vertices.shape, np.float32)
    _moved(fixed(vertices, np.float32), fixed(turn, np.float64), fixed(by, np.float64), out)
    return out


@kernel
def bounds(vertices: Any) -> F32:
    """(N, 2, 3) float32 lower and upper corners of N bodies (N, V, 3)."""
    out = np.empty((vertices.shape[0], 2, 3), np.float32)
    for n in range(vertices.shape[0]):
        x0, y0, z0 = vertices[n, 0, 0], vertices[n, 0, 1], vertices[n, 0, 2]
        x1, y1, z1 = x0, y0, z0
        for v in range(1, vertices.shape[1]):
            x, y, z = vertices[n, v, 0], vertices[n, v, 1], vertices[n, v, 2]
            # Ternaries, not min and max: those look out for NaN.
            x0, x1 = x if x < x0 else x0, x if x > x1 else x1
            y0, y1 = y if y < y0 else y0, y if y > y1 else y1
            z0, z1 = z if z < z0 else z0, z if z > z1 else z1
        out[n, 0, 0], out[n, 0, 1], out[n, 0, 2] = x0, y0, z0
        out[n, 1, 0], out[n, 1, 1], out[n, 1, 2] = x1, y1, z1
    return out


@kernel
def some_of(vertices: Any, cell: float, out: F64) -> None:
    """Write to ``out`` (S, 3) vertices (V, 3) that are spread evenly over a body, some more than once if there are fewer.

    Vertices crowd in faces and hands: one in each occupied cube of side ``cell`` is kept, and S of these taken at
    equal steps.
    """
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for v in range(len(vertices)):
        for a in range(3):
            low[a], high[a] = min(low[a], vertices[v, a]), max(high[a], vertices[v, a])
    side = max(cell, (high - low).max() / 100)
    nx, ny, nz = (
        int((high[0] - low[0]) / side),
        int((high[1] - low[1]) / side),
        int((high[2] - low[2]) / side),
    )
    taken = np.zeros((nx + 1) * (ny + 1) * (nz + 1), np.bool_)
    kept = np.empty(len(vertices), np.int64)
    count = 0
    for v in range(len(vertices)):
        x, y, z = (
            int((vertices[v, 0] - low[0]) / side),
            int((vertices[v, 1] - low[1]) / side),
            int((vertices[v, 2] - low[2]) / side),
        )
        at = (x * (ny + 1) + y) * (nz + 1) + z
        if not taken[at]:
            taken[at] = True
            kept[count] = v
            count += 1
    for i in range(len(out)):
        v = kept[i * (count - 1) // max(len(out) - 1, 1)]
        for a in range(3):
            out[i, a] = vertices[v, a]


@kernel
def any_inside(vertices: Any, to_prop: F64, solids: F64, margin: float, spared: U8) -> bool:
    """Whether a vertex of any of N poses is in one of the boxes, or less than ``margin`` from it along each axis.

    Args:
        vertices: (N, V, 3) float32 world.
        to_prop: (N or 1, 3, 4) from the world to the frame of the boxes.
        solids: (K, 2, 3) lower and upper corners.
        spared: (V,) uint8, 1 for a vertex that does not count (of the hand that holds the thing); or (0,).
    """
    low, high = np.empty(3), np.empty(3)
    for a in range(3):
        low[a], high[a] = solids[0, 0, a], solids[0, 1, a]
        for k in range(1, len(solids)):
            low[a], high[a] = min(low[a], solids[k, 0, a]), max(high[a], solids[k, 1, a])
        low[a] -= margin
        high[a] += margin
    for n in range(vertices.shape[0]):
        T = to_prop[min(n, len(to_prop) - 1)]
        for v in range(vertices.shape[1]):
            if len(spared) > 0 and spared[v] > 0:
                continue
            x, y, z = vertices[n, v, 0], vertices[n, v, 1], vertices[n, v, 2]
            py = T[1, 0] * x + T[1, 1] * y + T[1, 2] * z + T[1, 3]
            if py < low[1] or py > high[1]:
                continue
            px = T[0, 0] * x + T[0, 1] * y + T[0, 2] * z + T[0, 3]
            if px < low[0] or px > high[0]:
                continue
            pz = T[2, 0] * x + T[2, 1] * y + T[2, 2] * z + T[2, 3]
            if pz < low[2] or pz > high[2]:
                continue
            for k in range(len(solids)):
                if (
                    solids[k, 0, 0] - margin <= px <= solids[k, 1, 0] + margin
                    and solids[k, 0, 1] - margin <= py <= solids[k, 1, 1] + margin
                    and solids[k, 0, 2] - margin <= pz <= solids[k, 1, 2] + margin
                ):
                    return True
    return False


@kernel
def carried(transforms: F64, turn: F64, place: F64, solids: F64, to_prop: F64) -> F64:
    """Where boxes go that a joint carries.

    Args:
        transforms: (N, 3, 4) of the joint.
        turn, place: (3, 3) and (3,), from the boxes' frame to the joint's.
        solids: (K, 2, 3).
        to_prop: (N, 3, 4) receives what takes the world to the boxes' frame.

    Returns:
        (2, 3) lower and upper corner of the room they pass through.
    """
    room = np.empty((2, 3))
    room[0], room[1] = np.inf, -np.inf
    for n in range(len(transforms)):
        J = transforms[n]
        for a in range(3):
            origin = J[a, 0] * place[0] + J[a, 1] * place[1] + J[a, 2] * place[2] + J[a, 3]
            for b in range(3):
                to_prop[n, b, a] = J[a, 0] * turn[0, b] + J[a, 1] * turn[1, b] + J[a, 2] * turn[2, b]
            for k in range(len(solids)):
                low = high = origin
                for b in range(3):
                    one, other = to_prop[n, b, a] * solids[k, 0, b], to_prop[n, b, a] * solids[k, 1, b]
                    low, high = low + min(one, other), high + max(one, other)
                room[0, a], room[1, a] = min(room[0, a], low), max(room[1, a], high)
            for b in range(3):
                to_prop[n, b, 3] = (to_prop[n, b, 3] if a > 0 else 0.0) - to_prop[n, b, a] * origin
    return room


@kernel
def hand_skin(vertices: Any, turn: F64, grip: F64, ahead: float, reach: F64, palm: F64, skin: U8) -> float:
    """Mark the skin of a hand, and find the palm.

    Args:
        vertices: (V, 3) float32 world.
        turn: (3, 4) from the world to the frame of the hand's joint.
        grip: (3,) in that frame.
        ahead: 1 or -1, which way along x the fingers point.
        reach: (3,) how far a hand reaches from the grip: ahead, back, and to all other sides.
        palm: (2,) half sizes, along x and z, of the piece of skin around the grip that the palm is.
        skin: (V,) receives 1 within reach, else 0.

    Returns:
        the lowest y of the palm over the grip's, negative; 0 if there is no skin.
    """
    low = 0.0
    for v in range(len(vertices)):
        skin[v] = 0
        x, y, z = vertices[v, 0], vertices[v, 1], vertices[v, 2]
        px = (turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z + turn[0, 3] - grip[0]) * ahead
        if px > reach[0] or px < -reach[1]:
            continue
        py = turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] * z + turn[1, 3] - grip[1]
        pz = turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * z + turn[2, 3] - grip[2]
        if abs(py) < reach[2] and abs(pz) < reach[2]:
            skin[v] = 1
            if abs(px) < palm[0] and abs(pz) < palm[1]:
                low = min(low, py)
    return low


@inline
def _cut(ex: Any, ey: Any, ez: Any, dx: Any, dy: Any, dz: Any, box: F64) -> bool:
    """Whether the segment from e to e + d meets a box."""
    near, far = 0.0, 1.0
    for a in range(3):
        e = ex if a == 0 else (ey if a == 1 else ez)
        d = dx if a == 0 else (dy if a == 1 else dz)
        if abs(d) < 1e-12:
            if e < box[0, a] or e > box[1, a]:
                return False
            continue
        t0, t1 = (box[0, a] - e) / d, (box[1, a] - e) / d
        near, far = max(near, min(t0, t1)), min(far, max(t0, t1))
    return near <= far


@kernel
def may_stand(
    feet: F64, tall: float, ground: F64, P: F64, picture: F64, eye: F64, clear: float, most: float
) -> NDArray[np.bool_]:  # fmt: skip
    """(C,) whether things may stand there: on the ground, or where the floor under them is below the picture; wholly
    before the camera, and not too large in the picture.

    Args:
        feet: (C, 4, 2) x and z of the corners of their footprints.
        tall: their height.
        ground: (G, 2) corners of a convex piece of the floor, in order around it.
        P: (3, 4) from the world to homogeneous pixels. picture: (2,) width and height.
        eye: (3,) of the camera, which corners must stay ``clear`` from, metres along the floor.
        most: share of the picture that the rectangle around a thing fills at most.
    """
    out = np.zeros(len(feet), np.bool_)
    low, high = np.empty(2), np.empty(2)
    for c in range(len(feet)):
        apart = inside = unseen = before = True
        low[:], high[:] = np.inf, -np.inf
        for k in range(feet.shape[1]):
            x, z = feet[c, k, 0], feet[c, k, 1]
            apart = apart and np.hypot(x - eye[0], z - eye[2]) > clear
            for y in (0.0, tall):
                depth = P[2, 0] * x + P[2, 1] * y + P[2, 2] * z + P[2, 3]
                before = before and depth > 0.1
                for a in range(2):
                    at = (P[a, 0] * x + P[a, 1] * y + P[a, 2] * z + P[a, 3]) / depth
                    low[a], high[a] = min(low[a], at), max(high[a], at)
                    if a == 1 and y == 0:
                        unseen = unseen and depth > 0.3 and at > picture[1]
            left = right = True
            for g in range(len(ground)):
                h = (g + 1) % len(ground)
                ax, az = ground[h, 0] - ground[g, 0], ground[h, 1] - ground[g, 1]
                side = ax * (z - ground[g, 1]) - az * (x - ground[g, 0])
                left, right = left and side >= -1e-9, right and side <= 1e-9
            inside = inside and (left or right)
        filled = 1.0
        for a in range(2):
            filled *= min(max(high[a] / picture[a], 0.0), 1.0) - min(max(low[a] / picture[a], 0.0), 1.0)
        out[c] = apart and before and filled < most and (inside or unseen)
    return out


@kernel
def hidden(points: F64, eye: F64, places: F64, solids: F64) -> NDArray[np.bool_]:
    """(C, M) whether the boxes, put at each of C places, stand between an eye (3,) and M points (M, 3).

    Args:
        places: (C, 3) x, z and yaw of the boxes' frame on the floor.
        solids: (K, 2, 3).
    """
    out = np.zeros((len(places), len(points)), np.bool_)
    whole = solids[0].copy()
    for k in range(1, len(solids)):
        whole[0], whole[1] = np.minimum(whole[0], solids[k, 0]), np.maximum(whole[1], solids[k, 1])
    for c in range(len(places)):
        x, z, co, si = places[c, 0], places[c, 1], np.cos(places[c, 2]), np.sin(places[c, 2])
        # World to the boxes' frame: the transpose of a turn about y.
        ex, ey, ez = co * (eye[0] - x) - si * (eye[2] - z), eye[1], si * (eye[0] - x) + co * (eye[2] - z)
        for m in range(len(points)):
            dx, dy, dz = points[m, 0] - eye[0], points[m, 1] - ey, points[m, 2] - eye[2]
            dx, dz = co * dx - si * dz, si * dx + co * dz
            if not _cut(ex, ey, ez, dx, dy, dz, whole):
                continue
            for k in range(len(solids)):
                if _cut(ex, ey, ez, dx, dy, dz, solids[k]):
                    out[c, m] = True
                    break
    return out
