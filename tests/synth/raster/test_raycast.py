"""Every label of a small frame against a float64 ray cast by trimesh, and attributes in closed form."""

import numpy as np
import pytest
import trimesh
from raster_scenes import WHITE, centres, grey, mesh, rays
from scipy.spatial.transform import Rotation
from trimesh.ray.ray_triangle import RayMeshIntersector

from posecorpus.core.cameras import Camera
from posecorpus.synth.raster.colour import decode, encode
from posecorpus.synth.raster.engine import render
from posecorpus.synth.raster.mipmap import build_texture
from posecorpus.synth.raster.visibility import NEAR_M
from posecorpus.synth.scene import Mesh


def blob(rng: np.random.Generator, instance: int, centre, radius: float, double_sided: bool) -> Mesh:
    """A dented ball of 80 faces, each its own part, moving a little; cloth has holes."""
    ball = trimesh.creation.icosphere(1)
    vertices = ball.vertices * rng.uniform(0.7, 1.3, (len(ball.vertices), 1)) * radius + centre
    normals = ball.vertices + rng.normal(0, 0.2, ball.vertices.shape)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    faces, parts = ball.faces, np.arange(1, 81)
    if double_sided:
        keep = rng.permutation(80)[:50]
        faces, parts = faces[keep], parts[keep]
    return mesh(
        vertices, faces, instance, normals=normals, parts=parts,
        uv=rng.uniform(0.2, 0.8, (3 * len(faces), 2)), uv_faces=np.arange(3 * len(faces)).reshape(-1, 3),
        texture=build_texture(rng.integers(0, 256, (3, 4, 3), dtype=np.uint8)),
        vertices_next=vertices + rng.normal(0, 0.05, vertices.shape), double_sided=double_sided,
    )  # fmt: skip


def scene(seed: int) -> tuple[list[Mesh], Camera]:
    """Balls that interpenetrate, one around the camera, one partly behind it; a skew-free odd camera."""
    rng = np.random.default_rng(seed)
    K = np.array([[41.0, 0, 19.3], [0, 44.0, 22.9], [0, 0, 1]])
    R = Rotation.from_rotvec(rng.normal(0, 1, 3)).as_matrix()
    view = Camera(K, R, rng.normal(0, 1, 3), 45, 37)
    places = [
        ([0, 0, 4], 1.0, 0),
        ([0.6, 0.3, 3.6], 0.9, 1),
        ([-0.9, 0.2, 0.5], 0.8, 0),
        ([1.3, 0.4, 0.3], 0.9, 1),
    ]
    return [
        blob(rng, i + 1, view.to_world(np.array(centre)), radius, bool(cloth))
        for i, (centre, radius, cloth) in enumerate(places)
    ], view


def cast(meshes: list[Mesh], view: Camera) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nearest visible hit of every pixel's ray: mesh (-1 none), face, and depth."""
    d = rays(view).reshape(-1, 3)
    best = np.full(len(d), np.inf)
    which, face = np.full(len(d), -1), np.zeros(len(d), int)
    for i, m in enumerate(meshes):
        corners = view.to_camera(m.vertices)
        solid = trimesh.Trimesh(corners, m.faces, process=False, validate=False)
        faces, ray, point = RayMeshIntersector(solid).intersects_id(
            np.zeros_like(d), d, multiple_hits=True, return_locations=True
        )
        outward = np.cross(
            corners[m.faces[faces, 1]] - corners[m.faces[faces, 0]],
            corners[m.faces[faces, 2]] - corners[m.faces[faces, 0]],
        )
        seen = (point[:, 2] >= NEAR_M) & (m.double_sided | ((outward * d[ray]).sum(1) < 0))
        for f, r, z in zip(faces[seen], ray[seen], point[seen, 2], strict=True):
            if z < best[r]:
                best[r], which[r], face[r] = z, i, f
    shape = (view.height, view.width)
    return which.reshape(shape), face.reshape(shape), np.where(which < 0, 0, best).reshape(shape)


@pytest.mark.parametrize("seed", range(5))
def test_all_labels_equal_the_ray_cast(seed):
    meshes, view = scene(seed)
    frame = render(meshes, view, WHITE, grey(view))
    which, face, depth = cast(meshes, view)
    assert len(np.unique(which)) >= 4, "a picture worth comparing"
    np.testing.assert_array_equal(frame.instances, which + 1)
    compared = 0
    for i, m in enumerate(meshes):
        at = which == i
        faces, d, pixels = face[at], rays(view)[at], centres(view)[at]
        np.testing.assert_array_equal(frame.parts[at], m.face_parts[faces])
        np.testing.assert_allclose(frame.depth[at], depth[at], rtol=1e-6)
        corners = view.to_camera(m.vertices[m.faces[faces]])
        weights = trimesh.triangles.points_to_barycentric(corners, d * depth[at][:, None])
        outward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        sign = np.where((outward * d).sum(1) < 0, 1, -1)
        normal = np.einsum("nk,nkc->nc", weights, m.normals[m.faces[faces]]) @ view.R.T
        normal *= (sign / np.linalg.norm(normal, axis=1))[:, None]
        np.testing.assert_allclose(frame.normals[at], normal, atol=1e-4)
        later = view.to_camera(np.einsum("nk,nkc->nc", weights, m.vertices_next[m.faces[faces]]))
        ahead = later[:, 2] >= NEAR_M
        flow = np.where(ahead[:, None], view.project_camera(later)[0] - pixels, 0)
        np.testing.assert_allclose(frame.flow[at], flow, rtol=1e-4, atol=1e-3)
        compared += check_colour(frame.rgb, view, at, m, face, weights)
    assert compared > 40
    empty = which < 0
    assert not frame.flow[empty].any() and not frame.normals[empty].any()


def check_colour(rgb, view, at, m, face, weights) -> int:
    """Bilinear texture in linear light, inside one face (no outline), where it is magnified.

    Returns how many pixels could be compared.
    """
    uv = np.einsum("nk,nkc->nc", weights, m.uv[m.uv_faces[face[at]]])
    picture = decode(m.texture.levels[0] / 255)
    h, w, _ = picture.shape
    x, y = np.clip(uv[:, 0] * w - 0.5, 0, w - 1), np.clip((1 - uv[:, 1]) * h - 0.5, 0, h - 1)
    i, j = np.minimum(x.astype(int), w - 2), np.minimum(y.astype(int), h - 2)
    fx, fy = (x - i)[:, None], (y - j)[:, None]
    top = picture[j, i] * (1 - fx) + picture[j, i + 1] * fx
    low = picture[j + 1, i] * (1 - fx) + picture[j + 1, i + 1] * fx
    expected = np.zeros(rgb.shape)
    expected[at] = 255 * encode(top * (1 - fy) + low * fy)
    same = at & interior(np.where(at, face + 1, 0))
    same[at] &= texels_per_pixel(view, at, m, face) < 1
    if same.any():
        assert np.abs(rgb[same] - expected[same]).max() < 0.7
    return int(same.sum())


def interior(labels: np.ndarray) -> np.ndarray:
    """Pixels whose eight neighbours carry the same label."""
    padded = np.pad(labels, 1)
    h, w = labels.shape
    return np.logical_and.reduce([padded[i : i + h, j : j + w] == labels for i in range(3) for j in range(3)])


def texels_per_pixel(view: Camera, at: np.ndarray, m: Mesh, face: np.ndarray) -> np.ndarray:
    """Length of the longer derivative of the texture coordinates, by central differences on the plane."""
    triangles = view.to_camera(m.vertices[m.faces[face[at]]])
    normal = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])

    def texel(dx: float, dy: float) -> np.ndarray:
        d = view.unproject(centres(view)[at] + [dx, dy], np.ones(at.sum()))
        point = d * ((normal * triangles[:, 0]).sum(1) / (normal * d).sum(1))[:, None]
        weights = trimesh.triangles.points_to_barycentric(triangles, point)
        uv = np.einsum("nk,nkc->nc", weights, m.uv[m.uv_faces[face[at]]])
        return uv * m.texture.levels[0].shape[1::-1]

    h = 1e-4
    steps = [texel(h, 0) - texel(-h, 0), texel(0, h) - texel(0, -h)]
    return np.max([np.linalg.norm(step, axis=1) / (2 * h) for step in steps], axis=0)


@pytest.mark.parametrize("fault", ["left and right", "winding", "pixel centre", "parts"])
def test_the_comparison_catches_planted_faults(fault):
    meshes, view = scene(0)
    if fault == "left and right":
        bad = Camera(view.K * [[-1, 1, 1]] + [[0, 0, 0]] * 3, view.R, view.t, view.width, view.height)
    elif fault == "pixel centre":
        bad = view.crop(0.5, 0.5, view.width, view.height)
    else:
        bad = view
    drawn = [
        mesh(
            m.vertices, m.faces[:, ::-1] if fault == "winding" else m.faces, m.instance,
            parts=np.roll(m.face_parts, 1) if fault == "parts" else m.face_parts, double_sided=m.double_sided,
        )
        for m in meshes
    ]  # fmt: skip
    frame = render(drawn, bad, WHITE, grey(view))
    which, face, _ = cast(meshes, view)
    parts = np.zeros_like(frame.parts)
    for i, m in enumerate(meshes):
        parts[which == i] = m.face_parts[face[which == i]]
    assert (frame.parts != parts).any()
