"""Skinning against smplx, against torch, and against what rotations must do."""

from __future__ import annotations

import contextlib
import io
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from make_bodies import open_arrays, pose, smpl_arrays
from scipy.spatial.transform import Rotation

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import FULL_42, SMPL_24
from posecorpus.synth.bodies import skinning_torch
from posecorpus.synth.bodies.arrays import checked
from posecorpus.synth.bodies.model import BodyModel, assemble, load_body
from posecorpus.synth.bodies.regressor import LANDMARKS
from posecorpus.synth.bodies.skinning import joints_of, landmarks_of, pose_body, vertex_normals


def with_landmarks(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Any vertex will do as a landmark where only skinning is tested."""
    rows = np.arange(len(LANDMARKS), dtype=np.int32)
    return arrays | {
        "landmark_row": rows, "landmark_column": rows * 7, "landmark_value": np.ones(len(rows), np.float32)
    }  # fmt: skip


def random_body(seed: int = 0, vertices: int = 6890) -> BodyModel:
    return assemble("random", "neutral", checked(Path("random"), with_landmarks(smpl_arrays(seed, vertices))))


def arguments(seed: int, count: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    turns = Rotation.random(count * 24, random_state=rng).as_rotvec().reshape(count, 24, 3)
    turns[0, 3:9] = 0
    return rng.uniform(-2, 2, (count, 10)), turns, rng.normal(0, 3, (count, 3))


@pytest.mark.parametrize("which", ["open", "random"])
def test_equals_smplx(which: str, tmp_path: Path) -> None:
    smplx = pytest.importorskip("smplx")
    arrays = open_arrays("female") if which == "open" else smpl_arrays()
    path = tmp_path / "SMPL_FEMALE.pkl"
    path.write_bytes(pickle.dumps(arrays, protocol=2))
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = smplx.SMPL(str(path), gender="female")
    betas, poses, moves = arguments(1)
    with torch.no_grad():
        wanted = theirs(
            betas=torch.tensor(betas).float(),
            global_orient=torch.tensor(poses[:, 0]).float(),
            body_pose=torch.tensor(poses[:, 1:].reshape(len(poses), -1)).float(),
            transl=torch.tensor(moves).float(),
        )
    body = load_body(str(path), "female") if which == "open" else random_body()
    posed = pose_body(body, betas, poses, moves)
    assert np.abs(posed.vertices - wanted.vertices.numpy()).max() < 1e-5
    assert np.abs(posed.joints - wanted.joints.numpy()[:, :24]).max() < 1e-5


@pytest.mark.parametrize("which", ["open", "random"])
def test_torch_equals_numba(which: str) -> None:
    body = load_body("open", "male") if which == "open" else random_body()
    betas, poses, moves = arguments(2)
    posed = pose_body(body, betas, poses, moves)
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.float64, 5e-6)):
        tensors = [torch.tensor(array, dtype=dtype) for array in (betas, poses, moves)]
        other = skinning_torch.pose_body(skinning_torch.torch_body(body, dtype=dtype), *tensors)
        assert np.abs(other.vertices.numpy() - posed.vertices).max() < tolerance
        assert np.abs(other.landmarks.numpy() - posed.landmarks).max() < tolerance
        assert np.abs(other.joints.numpy() - posed.joints).max() < tolerance


def test_torch_gradients_are_right_also_at_rest() -> None:
    body = skinning_torch.torch_body(random_body(vertices=200), dtype=torch.float64)
    rng = np.random.default_rng(3)
    weights = torch.tensor(rng.normal(size=(2, 200, 3)))
    poses = torch.tensor(rng.normal(0, 0.5, (2, 24, 3)))
    poses[0] = 0  # Rodrigues' formula divides by the angle
    betas, moves = torch.tensor(rng.normal(size=(2, 10))), torch.tensor(rng.normal(size=(2, 3)))

    def score(*tensors: torch.Tensor) -> torch.Tensor:
        posed = skinning_torch.pose_body(body, *tensors)
        return (posed.vertices * weights).sum() + posed.landmarks.square().sum()

    inputs = [tensor.requires_grad_() for tensor in (betas, poses, moves)]
    assert torch.autograd.gradcheck(score, inputs, eps=1e-6, atol=1e-5, fast_mode=True)


def test_rest_pose_is_the_shaped_template_where_the_translation_puts_it() -> None:
    body = load_body("open", "neutral")
    betas, _, moves = arguments(4)
    posed = pose_body(body, betas, np.zeros((4, 24, 3)), moves)
    shaped = body.v_template + np.einsum("vcb,nb->nvc", body.shapedirs, betas)
    assert np.abs(posed.vertices - shaped - moves[:, None]).max() < 2e-6
    rest = body.joints_template + np.einsum("jcb,nb->njc", body.joints_shapedirs, betas)
    assert np.abs(posed.joints - rest - moves[:, None]).max() < 1e-6


def test_root_rotation_turns_everything_about_the_pelvis() -> None:
    body = random_body(5)
    betas, poses, moves = arguments(5)
    turn = Rotation.random(random_state=np.random.default_rng(6))
    turned = poses.copy()
    turned[:, 0] = (turn * Rotation.from_rotvec(poses[:, 0])).as_rotvec()
    before, after = pose_body(body, betas, poses, moves), pose_body(body, betas, turned, moves)
    for a, b in ((before.vertices, after.vertices), (before.landmarks, after.landmarks)):
        pelvis = before.joints[:, :1].astype(np.float64)
        wanted = np.einsum("ij,nvj->nvi", turn.as_matrix(), a - pelvis) + pelvis
        assert np.abs(b - wanted).max() < 1e-5


def test_skin_of_one_joint_is_rigid() -> None:
    body = load_body("open", "neutral")
    betas, poses, moves = arguments(7)
    posed = pose_body(body, betas, poses, moves)
    rest = pose_body(body, betas, np.zeros_like(poses), moves)
    for joint in ("head", "l_hip", "r_shoulder"):
        mine = np.flatnonzero((body.weight_joints[:, 0] == SMPL_24.index(joint)) & (body.weights[:, 0] == 1))
        assert len(mine) > 20
        for n in range(len(poses)):
            before = np.linalg.norm(np.diff(rest.vertices[n, mine], axis=0), axis=1)
            after = np.linalg.norm(np.diff(posed.vertices[n, mine], axis=0), axis=1)
            assert np.abs(before - after).max() < 2e-6


def test_bones_and_landmarks_keep_their_length() -> None:
    body = load_body("open", "female")
    betas, poses, moves = arguments(8)
    posed = landmarks_of(body, betas, poses, moves)
    rest = landmarks_of(body, betas, np.zeros_like(poses), moves)
    child, parent = np.array([(c, p) for p, c in FULL_42.bones]).T
    lengths = [np.linalg.norm(points[:, child] - points[:, parent], axis=-1) for points in (posed, rest)]
    assert np.abs(lengths[0] - lengths[1]).max() < 1e-12


def test_joints_without_skinning_are_the_same_joints() -> None:
    body = load_body("open", "female")
    args = arguments(9)
    posed = pose_body(body, *args)
    assert np.array_equal(posed.landmarks, landmarks_of(body, *args).astype(np.float32))
    assert np.array_equal(posed.joints, joints_of(body, *args).astype(np.float32))
    assert joints_of(body, *args).dtype == np.float64


def test_a_body_does_not_depend_on_its_batch() -> None:
    for body in (load_body("open", "female"), random_body(10)):
        betas, poses, moves = arguments(10, count=6)
        betas[2:4] = betas[2]  # neighbours of one shape share work
        together = pose_body(body, betas, poses, moves)
        for n in range(6):
            alone = pose_body(body, betas[n : n + 1], poses[n : n + 1], moves[n : n + 1])
            assert np.array_equal(alone.vertices[0], together.vertices[n])
            assert np.array_equal(alone.landmarks[0], together.landmarks[n])


def test_fewer_betas_count_as_zero_and_more_are_refused() -> None:
    body = load_body("open", "neutral")
    poses, moves = pose("walk")[None], np.zeros((1, 3))
    few, padded = np.array([[1.0, -2.0]]), np.array([[1.0, -2.0] + [0] * 8])
    assert np.array_equal(
        pose_body(body, few, poses, moves).vertices, pose_body(body, padded, poses, moves).vertices
    )
    with pytest.raises(InputError, match=r"betas: expected shape \(1, up to 10\), got \(1, 11\)"):
        pose_body(body, np.zeros((1, 11)), poses, moves)
    with pytest.raises(InputError, match=r"poses: expected shape \(1, 24, 3\), got \(1, 72\)"):
        pose_body(body, few, np.zeros((1, 72)), moves)
    with pytest.raises(InputError, match="translations"):
        pose_body(body, few, poses, np.zeros((2, 3)))


def test_betas_beyond_two_are_taken_as_they_are() -> None:
    body = load_body("open", "neutral")
    rest = np.zeros((2, 24, 3))
    tall, taller = pose_body(body, np.array([[2.0], [4.0]]), rest, np.zeros((2, 3))).vertices
    assert np.abs((taller - body.v_template) - 2 * (tall - body.v_template)).max() < 1e-5


def test_no_bodies_give_no_vertices() -> None:
    body = load_body("open", "neutral")
    posed = pose_body(body, np.zeros((0, 10)), np.zeros((0, 24, 3)), np.zeros((0, 3)))
    assert posed.vertices.shape == (0, len(body.v_template), 3)
    assert posed.landmarks.shape == (0, 42, 3)


def test_vertex_normals_are_trimeshs_weighted_by_area() -> None:
    body = load_body("open", "neutral")
    normals = vertex_normals(body.v_template, body.faces)
    mesh = trimesh.Trimesh(body.v_template.astype(np.float64), body.faces, process=False)
    total = np.zeros((len(body.v_template), 3))
    np.add.at(total, body.faces, (mesh.face_normals * mesh.area_faces[:, None])[:, None])
    total /= np.linalg.norm(total, axis=1, keepdims=True)
    assert np.abs(normals - total).max() < 2e-3
    assert np.abs(np.linalg.norm(normals, axis=1) - 1).max() < 1e-6


def test_vertex_normals_of_a_sphere_point_outwards() -> None:
    sphere = trimesh.creation.icosphere(4)
    normals = vertex_normals(sphere.vertices, sphere.faces.astype(np.int32))
    assert np.abs(normals - sphere.vertices).max() < 1e-2
    lonely = vertex_normals(np.zeros((4, 3), np.float32), np.array([[0, 1, 2]], np.int32))
    assert np.array_equal(lonely, np.zeros((4, 3)))
