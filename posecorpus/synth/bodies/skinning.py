"""Linear blend skinning on the CPU (Loper et al., SMPL, 2015, section 3): shape, pose, place.

Joints are computed in double precision, vertices in single. A body's result depends on its own
arguments only, never on the batch it is in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import FULL_42, SMPL_24
from posecorpus.synth.bodies.model import BodyModel

_PARENTS = np.array(FULL_42.parents)
_BLOCK = 512  # floats of a block of pose directions: 207 such rows stay in the second-level cache


@dataclass(frozen=True)
class Posed:
    """Bodies in the world, metres.

    Attributes:
        vertices: (N, V, 3) float32.
        landmarks: (N, 42, 3) float32 in the order of the skeleton ``full_42``.
        transforms: (N, 24, 3, 4) float32, what moves a rest point that is bound to one of SMPL's joints to the world.
    """

    vertices: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    transforms: NDArray[np.float32]

    @property
    def joints(self) -> NDArray[np.float32]:
        """(N, 24, 3) SMPL joints: the first of the landmarks."""
        return self.landmarks[:, : len(SMPL_24)]


def pose_body(
    body: BodyModel,
    betas: NDArray[np.floating],
    poses: NDArray[np.floating],
    translations: NDArray[np.floating],
) -> Posed:
    """Shape, pose and place N bodies.

    Args:
        body: the model.
        betas: (N, B) shape, B up to the body's own; missing ones count as zero.
        poses: (N, 24, 3) axis-angles in radians, each joint relative to its parent, the first to the world.
        translations: (N, 3) metres, added to vertices and joints as SMPL does: the pelvis comes to lie
            at its place in the rest pose plus the translation.

    Raises:
        InputError: arrays of other shapes.
    """
    shapes, angles, moves = _arguments(body, betas, poses, translations)
    points, transforms = _forward_kinematics(
        body.landmarks_template, body.landmarks_shapedirs, _PARENTS, shapes, angles, moves
    )
    vertices = np.empty((len(shapes), *body.v_template.shape), np.float32)
    shapedirs = np.moveaxis(body.shapedirs, -1, 0)
    for i in range(len(shapes)):
        if i > 0 and np.array_equal(shapes[i], shapes[i - 1]):
            vertices[i] = vertices[i - 1]
        else:
            _shape(body.v_template, shapedirs, shapes[i].astype(np.float32), vertices[i])
    if body.posedirs is not None:
        posedirs = np.moveaxis(body.posedirs, -1, 0).reshape(body.posedirs.shape[-1], -1)
        _add_pose_correctives(vertices.reshape(len(shapes), -1), posedirs, _pose_features(angles))
    _skin(vertices, body.weight_joints, body.weights, transforms)
    return Posed(vertices, points.astype(np.float32), transforms)


def landmarks_of(
    body: BodyModel,
    betas: NDArray[np.floating],
    poses: NDArray[np.floating],
    translations: NDArray[np.floating],
) -> NDArray[np.float64]:
    """The (N, 42, 3) float64 landmarks of :func:`pose_body`, without moving any vertex."""
    shapes, angles, moves = _arguments(body, betas, poses, translations)
    points, _ = _forward_kinematics(
        body.landmarks_template, body.landmarks_shapedirs, _PARENTS, shapes, angles, moves
    )
    return points


def joints_of(
    body: BodyModel,
    betas: NDArray[np.floating],
    poses: NDArray[np.floating],
    translations: NDArray[np.floating],
) -> NDArray[np.float64]:
    """The (N, 24, 3) float64 joints of :func:`pose_body`, without moving any vertex."""
    return landmarks_of(body, betas, poses, translations)[:, : len(SMPL_24)]


def _arguments(
    body: BodyModel,
    betas: NDArray[np.floating],
    poses: NDArray[np.floating],
    translations: NDArray[np.floating],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    count = len(poses)
    wanted = {"poses": (count, len(body.parents), 3), "translations": (count, 3)}
    for name, array in (("poses", poses), ("translations", translations)):
        if np.shape(array) != wanted[name]:
            raise InputError(name, f"shape {wanted[name]}", np.shape(array))
    if np.ndim(betas) != 2 or len(betas) != count or np.shape(betas)[1] > body.num_betas:
        raise InputError("betas", f"shape ({count}, up to {body.num_betas})", np.shape(betas))
    shapes = np.zeros((count, body.num_betas))
    shapes[:, : np.shape(betas)[1]] = betas
    return shapes, np.ascontiguousarray(poses, np.float64), np.ascontiguousarray(translations, np.float64)


@njit(cache=True)
def _rotation(x: float, y: float, z: float) -> NDArray[np.float64]:
    """Rodrigues' formula for one axis-angle."""
    angle = np.sqrt(x * x + y * y + z * z)
    result = np.eye(3)
    if angle < 1e-12:
        return result
    x, y, z = x / angle, y / angle, z / angle
    s, c = np.sin(angle), np.cos(angle)
    d = 1.0 - c
    result[0, 0], result[0, 1], result[0, 2] = c + d * x * x, d * x * y - s * z, d * x * z + s * y
    result[1, 0], result[1, 1], result[1, 2] = d * x * y + s * z, c + d * y * y, d * y * z - s * x
    result[2, 0], result[2, 1], result[2, 2] = d * x * z - s * y, d * y * z + s * x, c + d * z * z
    return result


@njit(cache=True)
def _forward_kinematics(
    template: NDArray[np.float64],
    shapedirs: NDArray[np.float64],
    parents: NDArray[np.int64],
    betas: NDArray[np.float64],
    poses: NDArray[np.float64],
    translations: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Posed points (N, P, 3) and the (N, 24, 3, 4) transforms from rest vertices to the world.

    The points are the joints, then landmarks, which are joints that do not turn.
    """
    count, joints, points = len(poses), poses.shape[1], len(parents)
    world = np.empty((count, points, 3))
    transforms = np.empty((count, joints, 3, 4), np.float32)
    rotations = np.empty((joints, 3, 3))
    for n in range(count):
        rest = template.copy()
        for b in range(betas.shape[1]):
            if betas[n, b] != 0.0:
                rest += betas[n, b] * shapedirs[:, :, b]
        for j in range(points):
            p = parents[j]
            for a in range(3):
                place = rest[j, a] + translations[n, a] if p < 0 else world[n, p, a]
                if p >= 0:
                    for b in range(3):
                        place += rotations[p, a, b] * (rest[j, b] - rest[p, b])
                world[n, j, a] = place
            if j >= joints:
                continue
            local = _rotation(poses[n, j, 0], poses[n, j, 1], poses[n, j, 2])
            rotations[j] = local if p < 0 else _product(rotations[p], local)
            for a in range(3):
                offset = world[n, j, a]
                for b in range(3):
                    offset -= rotations[j, a, b] * rest[j, b]
                    transforms[n, j, a, b] = rotations[j, a, b]
                transforms[n, j, a, 3] = offset
    return world, transforms


@njit(cache=True)
def _product(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    result = np.empty((3, 3))
    for a in range(3):
        for b in range(3):
            result[a, b] = left[a, 0] * right[0, b] + left[a, 1] * right[1, b] + left[a, 2] * right[2, b]
    return result


@njit(cache=True)
def _shape(
    template: NDArray[np.float32],
    shapedirs: NDArray[np.float32],
    betas: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    flat, source = out.reshape(-1), template.reshape(-1)
    for i in range(len(flat)):
        flat[i] = source[i]
    for b in range(len(betas)):
        beta, direction = betas[b], shapedirs[b].reshape(-1)
        if beta != 0:
            for i in range(len(flat)):
                flat[i] += beta * direction[i]


@njit(cache=True)
def _pose_features(poses: NDArray[np.float64]) -> NDArray[np.float32]:
    """(N, 207) what pose correctives are linear in: rotations of all joints but the root, less identity."""
    count, joints = poses.shape[:2]
    features = np.empty((count, 9 * (joints - 1)), np.float32)
    for n in range(count):
        for j in range(1, joints):
            rotation = _rotation(poses[n, j, 0], poses[n, j, 1], poses[n, j, 2])
            for a in range(3):
                for b in range(3):
                    features[n, 9 * (j - 1) + 3 * a + b] = rotation[a, b] - (1.0 if a == b else 0.0)
    return features


@njit(cache=True)
def _add_pose_correctives(
    shaped: NDArray[np.float32], posedirs: NDArray[np.float32], features: NDArray[np.float32]
) -> None:
    """Add to each of N bodies (N, 3 V) its sum of directions (207, 3 V), block by block, so that a
    block of directions is fetched from memory once for all bodies."""
    for start in range(0, shaped.shape[1], _BLOCK):
        stop = min(start + _BLOCK, shaped.shape[1])
        for n in range(len(shaped)):
            block = shaped[n, start:stop]
            for p in range(0, features.shape[1], 3):  # three at a time: fewer trips to memory
                f, g, h = features[n, p], features[n, p + 1], features[n, p + 2]
                first, second = posedirs[p, start:stop], posedirs[p + 1, start:stop]
                third = posedirs[p + 2, start:stop]
                for i in range(len(block)):
                    block[i] += f * first[i] + g * second[i] + h * third[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _skin(
    vertices: NDArray[np.float32],
    joints: NDArray[np.uint8],
    weights: NDArray[np.float32],
    transforms: NDArray[np.float32],
) -> None:
    """Move N bodies (N, V, 3), in place, by the blend of their joints' transforms (N, 24, 3, 4)."""
    for n in range(len(vertices)):
        for v in range(vertices.shape[1]):
            x, y, z = vertices[n, v, 0], vertices[n, v, 1], vertices[n, v, 2]
            p = q = r = np.float32(0)
            for k in range(weights.shape[1]):
                share = weights[v, k]
                if share == 0:
                    break
                j = joints[v, k]
                p += share * (
                    transforms[n, j, 0, 0] * x
                    + transforms[n, j, 0, 1] * y
                    + transforms[n, j, 0, 2] * z
                    + transforms[n, j, 0, 3]
                )
                q += share * (
                    transforms[n, j, 1, 0] * x
                    + transforms[n, j, 1, 1] * y
                    + transforms[n, j, 1, 2] * z
                    + transforms[n, j, 1, 3]
                )
                r += share * (
                    transforms[n, j, 2, 0] * x
                    + transforms[n, j, 2, 1] * y
                    + transforms[n, j, 2, 2] * z
                    + transforms[n, j, 2, 3]
                )
            vertices[n, v, 0], vertices[n, v, 1], vertices[n, v, 2] = p, q, r


@njit(cache=True, nogil=True, error_model="numpy")
def _normals(vertices: NDArray[np.float32], faces: NDArray[np.int32], out: NDArray[np.float32]) -> None:
    for v in range(len(out)):
        out[v, 0] = out[v, 1] = out[v, 2] = 0
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        x, y, z = vertices[a, 0], vertices[a, 1], vertices[a, 2]
        ux, uy, uz = vertices[b, 0] - x, vertices[b, 1] - y, vertices[b, 2] - z
        wx, wy, wz = vertices[c, 0] - x, vertices[c, 1] - y, vertices[c, 2] - z
        nx, ny, nz = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
        out[a, 0] += nx
        out[a, 1] += ny
        out[a, 2] += nz
        out[b, 0] += nx
        out[b, 1] += ny
        out[b, 2] += nz
        out[c, 0] += nx
        out[c, 1] += ny
        out[c, 2] += nz
    for v in range(len(out)):
        length = np.sqrt(out[v, 0] ** 2 + out[v, 1] ** 2 + out[v, 2] ** 2)
        if length > 0:
            out[v, 0] /= length
            out[v, 1] /= length
            out[v, 2] /= length


def vertex_normals(vertices: NDArray[np.float32], faces: NDArray[np.int32]) -> NDArray[np.float32]:
    """Unit normals (V, 3) of a mesh (V, 3) with counter-clockwise faces (F, 3): the mean of the faces
    around a vertex weighted by area; zero for a vertex of no face."""
    vertices = np.ascontiguousarray(vertices, np.float32)
    out = np.empty_like(vertices)
    _normals(vertices, faces, out)
    return out
