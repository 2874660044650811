"""Landmarks by geometry: what each point of the other joint sets must satisfy on a human body."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from make_bodies import open_arrays, save_npz
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from posecorpus.core.skeletons import FULL_42, SKELETONS, convert
from posecorpus.synth.bodies.arrays import read_body_arrays
from posecorpus.synth.bodies.model import DATA, GENDERS, load_body
from posecorpus.synth.bodies.regressor import LANDMARKS, LandmarkRegressor
from posecorpus.synth.bodies.skinning import landmarks_of, pose_body

REST = np.zeros((1, 24, 3))
ORIGIN = np.zeros((1, 3))


def rest(gender: str, betas: np.ndarray | None = None, which: str = "open") -> dict[str, np.ndarray]:
    body = load_body(which, gender)
    betas = np.zeros(1) if betas is None else betas
    points = landmarks_of(body, betas[None], REST, ORIGIN)[0]
    return dict(zip(FULL_42.joints, points, strict=True))


@pytest.mark.parametrize("gender", GENDERS)
def test_geometry_of_a_standing_person(gender: str) -> None:
    rng = np.random.default_rng(1)
    for betas in [np.zeros(10), *np.clip(rng.normal(size=(15, 10)), -2, 2)]:
        p = rest(gender, betas)
        body = load_body("open", gender)
        skin = body.v_template + body.shapedirs @ betas.astype(np.float32)
        stature = np.ptp(skin[:, 1])
        assert skin[:, 1].max() - p["head_top"][1] < 2e-3, "head_top is the crown"
        head = skin[skin[:, 1] > p["upper_neck"][1]]
        assert head[:, 2].max() - p["nose"][2] < 3e-3, "the nose is foremost"
        assert p["nose"][2] > p["l_eye"][2] > p["l_ear"][2] > p["head"][2] - 0.05
        assert p["l_ear"][0] > p["l_eye"][0] > p["nose"][0] > p["r_eye"][0] > p["r_ear"][0]
        assert 0.05 < np.linalg.norm(p["l_eye"] - p["r_eye"]) < 0.075, "about 62 mm between the eyes"
        assert 0.11 < np.linalg.norm(p["l_ear"] - p["r_ear"]) < 0.19
        assert p["l_eye"][1] > p["nose"][1] > p["jaw_h36m"][1] > p["upper_neck"][1] - 0.05
        heights = ["pelvis_lsp", "spine_h36m", "thorax", "upper_neck", "head_centre", "head_h36m", "head_top"]
        assert all(np.diff([p[name][1] for name in heights]) > 0.01)
        assert 0.10 < (p["head_top"][1] - p["upper_neck"][1]) / stature < 0.14
        assert 0.08 < np.linalg.norm(p["head_top"] - p["head_centre"]) < 0.15
        assert abs(p["thorax"][1] - p["l_shoulder"][1]) < 0.07
        for kind in ("lsp", "h36m"):
            left, right = p[f"l_hip_{kind}"], p[f"r_hip_{kind}"]
            assert np.allclose(p[f"pelvis_{kind}"], (left + right) / 2, atol=1e-6)
            assert left[0] > 0.07 > -0.07 > right[0]
            assert 0 < left[1] - p["l_hip"][1] < 0.08, "above the joint"
        assert p["l_hip_h36m"][0] > p["l_hip_lsp"][0] + 0.005
        assert p["l_hip_h36m"][1] > p["l_hip_lsp"][1]


def test_human36m_bones_have_its_proportions() -> None:
    """Its skeleton: hips 133 mm from the pelvis, then 233, 257, 121 and 115 mm up, at about 1.76 m."""
    p = rest("neutral")
    scale = np.ptp(load_body("open", "neutral").v_template[:, 1]) / 1.76
    chain = ["l_hip_h36m", "pelvis_h36m", "spine_h36m", "thorax", "jaw_h36m", "head_h36m"]
    for a, b, metres in zip(chain[:-1], chain[1:], (0.133, 0.233, 0.257, 0.121, 0.115), strict=True):
        assert np.linalg.norm(p[a] - p[b]) == pytest.approx(metres * scale, rel=0.12), (a, b)


@pytest.mark.parametrize("gender", GENDERS)
def test_sides_mirror_each_other(gender: str) -> None:
    p = rest(gender)
    for name, point in p.items():
        twin = p[{"l": "r", "r": "l"}[name[0]] + name[1:]] if name[:2] in ("l_", "r_") else point
        tolerance = 1e-3 if name in LANDMARKS else 5e-3
        assert np.abs(point * [-1, 1, 1] - twin).max() < tolerance, name


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_landmarks_move_rigidly_with_their_parent(seed: int) -> None:
    rng = np.random.default_rng(seed)
    body = load_body("open", "female")
    betas = rng.uniform(-2, 2, (1, 10))
    poses = Rotation.random(24, random_state=rng).as_rotvec()[None]
    before, after = landmarks_of(body, betas, REST, ORIGIN)[0], landmarks_of(body, betas, poses, ORIGIN)[0]
    turns = []
    for j, parent in enumerate(body.parents):
        local = Rotation.from_rotvec(poses[0, j])
        turns.append(local if parent < 0 else turns[parent] * local)
    for i in range(24, 42):
        parent = FULL_42.parents[i]
        wanted = after[parent] + turns[parent].apply(before[i] - before[parent])
        assert np.abs(after[i] - wanted).max() < 1e-9, FULL_42.joints[i]


def test_face_stays_on_the_skin() -> None:
    body = load_body("open", "neutral")
    rng = np.random.default_rng(2)
    poses = rng.normal(0, 0.4, (5, 24, 3))
    posed = pose_body(body, rng.uniform(-2, 2, (5, 10)), poses, rng.normal(size=(5, 3)))
    for name in ("nose", "l_eye", "r_ear", "head_top"):
        row = LANDMARKS.index(name)
        arrays = read_body_arrays(DATA / "open_neutral.npz")
        assert arrays.landmarks is not None
        regressor = LandmarkRegressor.from_entries(*arrays.landmarks)
        for n in range(5):
            on_skin = regressor(posed.vertices[n])[row]
            assert np.abs(posed.landmarks[n, FULL_42.index(name)] - on_skin).max() < 5e-4


def test_every_joint_set_comes_out_of_the_body_complete() -> None:
    points = np.stack(list(rest("male").values()))
    for skeleton in SKELETONS.values():
        assert np.isfinite(convert(points, FULL_42, skeleton)).all(), skeleton.name


# ---- bodies with another mesh ----------------------------------------------------------------


def remeshed(gender: str, seed: int) -> dict[str, np.ndarray]:
    """An open body as another mesh: fewer faces, moved, scaled, slightly rough, its shape its own."""
    arrays = open_arrays(gender)
    rng = np.random.default_rng(seed)
    mesh = trimesh.Trimesh(arrays["v_template"], arrays["f"].astype(np.int64), process=False)
    kept = np.sort(rng.choice(len(mesh.vertices), 6890, replace=False))
    _, snapped = cKDTree(mesh.vertices[kept]).query(mesh.vertices)
    faces = snapped[mesh.faces]
    faces = faces[(faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])]
    picked = {key: arrays[key][kept] for key in ("v_template", "shapedirs", "posedirs", "weights")}
    regressor = arrays["J_regressor"][:, :]
    moved = np.zeros((24, len(kept)))
    np.add.at(moved.T, snapped, regressor.T)
    rough = rng.normal(0, 5e-4, picked["v_template"].shape)
    order = rng.permutation(len(kept))  # and numbered differently
    place = np.argsort(order)
    return arrays | {
        "v_template": (picked["v_template"] * 1.03 + [0.004, -0.25, 0.03] + rough)[order],
        "shapedirs": picked["shapedirs"][order],
        "posedirs": picked["posedirs"][order],
        "weights": picked["weights"][order],
        "J_regressor": moved[:, order],
        "f": place[faces],
    }


@pytest.mark.parametrize(("gender", "reference"), [("neutral", "neutral"), ("female", "neutral")])
def test_landmarks_are_carried_over_to_another_mesh(tmp_path: Path, gender: str, reference: str) -> None:
    path = save_npz(tmp_path / "other.npz", remeshed(gender, 3))
    carried = rest(reference, which=str(path))
    wanted = rest(gender)
    for name in LANDMARKS:
        expected = wanted[name] * 1.03 + [0.004, -0.25, 0.03]
        near = 0.006 if gender == reference else 0.016
        assert np.linalg.norm(carried[name] - expected) < near, name
    for name in ("nose", "l_eye", "r_eye", "head_top", "l_ear", "r_ear"):
        expected = wanted[name] * 1.03 + [0.004, -0.25, 0.03]
        assert np.linalg.norm(carried[name] - expected) < 0.008, name


def test_body_without_texture_coordinates_gets_the_view_from_front_and_back(tmp_path: Path) -> None:
    path = save_npz(tmp_path / "plain.npz", open_arrays("male"))
    body = load_body(str(path), "male")
    assert body.uv.min() >= 0
    assert body.uv.max() <= 1
    corners = body.v_template[body.faces]
    forward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] >= 0
    u = body.uv[body.uv_faces][..., 0]
    assert (u[forward] < 0.5).all()
    assert (u[~forward] > 0.5).all()
    left = (corners[..., 0] > 0.3).all(axis=1)
    assert u[forward & left].min() > 0.25, "the person's left is on the right of its front view"
    assert u[~forward & left].max() < 0.75, "and on the left of its back view"
