"""The two renderers see the same scene."""

import subprocess
import sys

import numpy as np
import pytest
import trimesh
from raster_scenes import WHITE, camera, erode, grey, mesh, sphere, wall
from scipy.spatial.transform import Rotation

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.synth import pyrender_engine
from posecorpus.synth.raster.colour import decode
from posecorpus.synth.raster.engine import render
from posecorpus.synth.raster.mipmap import build_texture
from posecorpus.synth.scene import Mesh

pytestmark = [pytest.mark.gl, pytest.mark.usefixtures("gl")]


def people(seed: int) -> tuple[list[Mesh], Camera, np.ndarray]:
    """Lumpy capsules with 24 parts and smooth textures, a cloth, one of them close to the camera."""
    rng = np.random.default_rng(seed)
    meshes = []
    for i in range(4):
        body = trimesh.creation.capsule(1.2, 0.3, count=[24, 24])
        vertices = body.vertices * (1 + 0.1 * np.sin(7 * body.vertices[:, [1, 2, 0]] + i))
        place = rng.uniform([-1.5, -0.8, -1], [1.5, 0.2, 1]) if i else np.array([0.9, -1.0, 2.2])
        vertices = vertices @ Rotation.random(rng=rng).as_matrix().T + place
        parts = 1 + np.arange(len(body.faces)) * 24 // len(body.faces)
        solid = trimesh.Trimesh(vertices, body.faces, process=False)
        texture = rng.integers(60, 256, 3) + rng.integers(-9, 1, (8, 8, 3))  # OpenGL filters encoded texels
        motion = Rotation.from_rotvec(rng.normal(0, 0.05, 3)).as_matrix()
        meshes.append(
            mesh(
                vertices, body.faces, i + 1, normals=solid.vertex_normals, parts=parts,
                uv=0.5 + 0.2 * np.column_stack([body.vertices[:, 0], body.vertices[:, 1]]), uv_faces=body.faces,
                texture=build_texture(texture.astype(np.uint8)), vertices_next=vertices @ motion.T + 0.01,
            )
        )  # fmt: skip
    cloth = trimesh.Trimesh(
        meshes[1].vertices * [1, 1.2, 1] + [0, 0.1, 0.2],
        meshes[1].faces[: len(meshes[1].faces) // 2],
        process=False,
    )
    meshes.append(mesh(cloth.vertices, cloth.faces, 2, normals=meshes[1].normals, double_sided=True))
    light = np.zeros((9, 3), np.float32)
    light[:4] = rng.uniform(-0.2, 0.2, (4, 3))
    light[0] += 0.7
    K = np.array([[150.0, 0, 70], [0, 155, 64], [0, 0, 1]])
    view = Camera.look_at([0.4, 0.3, 4.0], [0, 0, 0], 150, 160, 120)
    return meshes, Camera(K, view.R, view.t, 160, 120), light


@pytest.mark.parametrize("seed", range(3))
def test_the_engines_agree(seed):
    meshes, view, light = people(seed)
    ours, theirs = (
        render(meshes, view, light, grey(view)),
        pyrender_engine.render(meshes, view, light, grey(view)),
    )
    tie = ties(meshes, view)
    assert (ours.depth > 0).sum() > 2500 and tie.mean() < 0.02
    np.testing.assert_array_equal(ours.depth[~tie] > 0, theirs.depth[~tie] > 0)
    np.testing.assert_array_equal(ours.instances[~tie], theirs.instances[~tie])
    np.testing.assert_array_equal(ours.parts[~tie], theirs.parts[~tie])
    assert np.abs(ours.depth - theirs.depth)[~tie].max() < 1e-4
    assert np.abs(ours.normals - theirs.normals)[~tie].max() < 0.02
    assert np.abs(ours.flow - theirs.flow)[~tie].max() < 0.02
    assert ((ours.depth > 0) != (theirs.depth > 0)).mean() < 0.002
    inner = erode((ours.depth > 0) & ~tie)
    difference = np.abs(decode(ours.rgb / 255) - (theirs.rgb / 255) ** 2.2)[inner]
    assert difference.mean() < 0.005 and np.percentile(difference, 98) < 0.03, (
        "light at vertices against light at pixels"
    )


def ties(meshes: list[Mesh], view: Camera) -> np.ndarray:
    """Pixels whose surface changes when the picture moves by 1/128 of a pixel.

    OpenGL snaps vertices to 1/256 pixel, the rasteriser to 1/4096: only there may they differ.
    """
    frames = [
        render(meshes, view.crop(dx, dy, view.width, view.height), WHITE, grey(view))
        for dx in (-1 / 128, 0, 1 / 128)
        for dy in (-1 / 128, 0, 1 / 128)
    ]
    first = frames[4]
    changed = [
        (f.instances != first.instances) | (f.parts != first.parts) | (np.abs(f.depth - first.depth) > 0.002)
        for f in frames
    ]
    return np.logical_or.reduce(changed)


@pytest.mark.parametrize("fault", ["half a pixel", "mirrored", "deeper by a millimetre"])
def test_the_comparison_catches_planted_faults(fault):
    meshes, view, light = people(0)
    bad = view
    if fault == "half a pixel":
        bad = view.crop(0.5, 0.5, view.width, view.height)
    elif fault == "mirrored":
        bad = view.flip()
    else:
        bad = Camera(view.K, view.R, view.t + [0, 0, 0.001], view.width, view.height)
    ours, theirs = (
        render(meshes, bad, light, grey(view)),
        pyrender_engine.render(meshes, view, light, grey(view)),
    )
    tied = (ours.depth > 0) != (theirs.depth > 0)
    both = (ours.depth > 0) & (theirs.depth > 0)
    assert tied.mean() > 0.002 or np.percentile(np.abs(ours.depth - theirs.depth)[both], 99) > 1e-4


def test_a_face_seen_edge_on_is_not_extrapolated():
    """A sliver of a hundredth of a pixel, drawn 1/256 pixel beside the ray: its nearest point, by brute force."""
    rng = np.random.default_rng(0)
    n, focal = 200, 600.0
    z = rng.uniform(7.9, 8.1, (n, 3))
    direction = rng.normal(size=(n, 2))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    across = direction[:, ::-1] * [1, -1]
    along = np.array([-0.5, 0.5, 0.1]) / focal
    places = along[:, None] * direction[:, None] + [[0], [0], [0.01 / focal]] * across[:, None]
    corners = np.concatenate([places, np.ones((n, 3, 1))], -1) * z[..., None]
    rays = np.concatenate([rng.uniform(-0.4, 0.4, (n, 1)) / focal * direction - across / 256 / focal, np.ones((n, 1))], 1)  # fmt: skip
    weights = pyrender_engine.seen_weights(corners, rays)
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(1), 1)
    seen = np.einsum("nk,nkc->nc", weights, corners)
    assert (seen[:, 2] >= z.min(1) - 1e-9).all() and (seen[:, 2] <= z.max(1) + 1e-9).all()
    grid = rng.dirichlet([0.3, 0.3, 0.3], 20_000)
    for i in range(n):
        points = grid @ corners[i]
        best = np.linalg.norm(points[:, :2] / points[:, 2:] - rays[i, :2], axis=1).min()
        assert np.linalg.norm(seen[i, :2] / seen[i, 2] - rays[i, :2]) <= best + 1e-9


def test_inside_a_face_the_weights_are_those_of_the_ray():
    rng = np.random.default_rng(1)
    corners = np.array([[-1.0, -1, 3], [2, -1, 5], [0, 2, 4]]) + rng.normal(0, 0.2, (50, 3, 3))
    wanted = rng.dirichlet([1, 1, 1], 50)
    points = np.einsum("nk,nkc->nc", wanted, corners)
    np.testing.assert_allclose(
        pyrender_engine.seen_weights(corners, points / points[:, 2:]), wanted, atol=1e-12
    )


def test_near_plane_back_faces_and_empty_scenes():
    view = camera(48, 36, 50, cx=20.3)
    floor = mesh(
        [[-50, 0.5, -8], [50, 0.5, -8], [50, 0.5, 6], [-50, 0.5, 6]], [[0, 1, 2], [0, 2, 3]], parts=[2, 2]
    )
    for scene in ([], [sphere([0, 0, -3])], [floor], [wall(2, 3, 0.2, instance=0, parts=[0, 0]), floor]):
        ours, theirs = (
            render(scene, view, WHITE, grey(view)),
            pyrender_engine.render(scene, view, WHITE, grey(view)),
        )
        np.testing.assert_array_equal(ours.depth > 0, theirs.depth > 0)
        np.testing.assert_allclose(ours.depth, theirs.depth, atol=1e-4)
        np.testing.assert_array_equal(ours.parts, theirs.parts)
        np.testing.assert_array_equal(ours.instances, theirs.instances)


def test_a_context_serves_frames_of_any_size_and_closes_twice():
    scene = [sphere([0, 0, 2], 0.6)]
    with pyrender_engine.PyrenderEngine() as engine:
        for size in ((40, 30), (21, 33), (40, 30)):
            view = camera(*size)
            a, b = engine.render(scene, view, WHITE, grey(view)), render(scene, view, WHITE, grey(view))
            np.testing.assert_array_equal(a.instances, b.instances)
    engine.close()
    view = camera()
    assert pyrender_engine.render(scene, view, WHITE, grey(view)).depth.any(), "other contexts live on"


def test_skew_is_refused():
    view = camera()
    K = view.K.copy()
    K[0, 1] = 3.0
    with pytest.raises(InputError, match="skew"):
        pyrender_engine.render([], Camera(K, view.R, view.t, 48, 36), WHITE, grey(view))


def test_a_missing_extra_is_one_line_with_its_fix():
    code = (
        "import sys; sys.modules['pyrender'] = None\n"
        "from posecorpus.core.errors import InputError\n"
        "from posecorpus.synth.pyrender_engine import PyrenderEngine\n"
        "try:\n    PyrenderEngine()\nexcept InputError as error:\n    print(error)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert len(out.splitlines()) == 1 and "pip install" in out and "libegl1" in out
