"""Maps between rigs: exact on what they can express, honest about what they cannot, and refused if unsound."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import COCO_17, FULL_42, H36M_17, LSP_14, SMPL_24, Skeleton, convert
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import landmarks_of
from posecorpus.synth.regressors import regressor as module
from posecorpus.synth.regressors.coco_clicks import RISE, coco_clicks
from posecorpus.synth.regressors.fit import STRENGTHS, assign_folds, fit_regressor
from posecorpus.synth.regressors.pairs import Pairs, read_pairs
from posecorpus.synth.regressors.regressor import (
    JointRegressor,
    load_regressor,
    of_full_42,
    regressor_of,
    trunk_frame,
)


def poses(count: int, seed: int = 0, vary_shape: bool = True) -> np.ndarray:
    """(N, 42, 3) landmarks of bodies of many shapes in many poses, anywhere and facing anywhere."""
    rng = np.random.default_rng(seed)
    body = load_body("open", "neutral")
    angles = rng.normal(0, 0.35, (count, 24, 3))
    angles[:, 0] = Rotation.random(count, random_state=seed).as_rotvec()
    betas = rng.normal(0, 1, (count, 4)) * vary_shape
    return landmarks_of(body, betas, angles, rng.normal(0, 2, (count, 3)))


def pairs(source: np.ndarray, target: np.ndarray, groups: np.ndarray | None = None) -> Pairs:
    return Pairs(source, target, groups, "0" * 64)


# --- applying ----------------------------------------------------------------------------------------


def random_regressor(form: str, seed: int) -> JointRegressor:
    rng = np.random.default_rng(seed)
    if form == "affine":
        weights = rng.normal(size=(len(H36M_17), len(SMPL_24)))
        weights += (1 - weights.sum(1, keepdims=True)) / len(SMPL_24)
    else:
        weights = rng.normal(size=(3 * len(H36M_17), 3 * len(SMPL_24) + 1)) / 10
    return JointRegressor("random", "smpl_24", "h36m_17", form, weights)  # type: ignore[arg-type]


@given(st.integers(0, 10**6), st.sampled_from(["affine", "linear"]))
@settings(max_examples=30)
def test_both_forms_commute_with_rigid_motions(seed: int, form: str) -> None:
    """Learned in the world, applied in the camera's frame, or the other way round: the same."""
    rng = np.random.default_rng(seed)
    joints, regressor = poses(5, seed)[:, :24], random_regressor(form, seed)
    turn, move = Rotation.random(random_state=seed).as_matrix(), rng.normal(0, 5, 3)
    there = regressor.apply(joints @ turn.T + move)
    np.testing.assert_allclose(there, regressor.apply(joints) @ turn.T + move, atol=1e-9)


def test_the_trunk_has_a_right_handed_frame() -> None:
    joints = convert(load_body("open", "neutral").landmarks_template[None], FULL_42, SMPL_24)
    origin, axes = trunk_frame(joints, "smpl_24")
    np.testing.assert_allclose(axes[0], np.eye(3), atol=0.05)  # the T-pose: left +X, up +Y, ahead +Z
    assert np.linalg.det(axes[0]) == pytest.approx(1)
    torso = joints[0, SMPL_24.indices("l_shoulder", "r_shoulder", "l_hip", "r_hip")]
    np.testing.assert_allclose(origin[0], torso.mean(0))
    np.testing.assert_allclose(trunk_frame(convert(joints, SMPL_24, LSP_14), "lsp_14")[0], origin)


# --- COCO's clicks -----------------------------------------------------------------------------------


def test_coco_clicks_raise_shoulders_and_hips_along_the_torso() -> None:
    """The closed form, computed the other way round: from the middle points, not from weights."""
    bodies = poses(20)
    clicked = load_regressor("coco-clicks").of_body(bodies)
    at = {name: bodies[:, FULL_42.index(name)] for name in FULL_42.joints}
    torso = (at["l_shoulder"] + at["r_shoulder"] - at["l_hip"] - at["r_hip"]) / 2
    for j, name in enumerate(COCO_17.joints):
        rise = RISE * torso if name.endswith(("shoulder", "hip")) else 0
        np.testing.assert_allclose(clicked[:, j], at[name] + rise, atol=1e-12)
    length = np.linalg.norm(torso, axis=-1)
    moved = np.linalg.norm(clicked[:, COCO_17.index("l_hip")] - at["l_hip"], axis=-1)
    np.testing.assert_allclose(moved / length, 0.045)


def test_the_shipped_file_is_what_its_script_writes() -> None:
    shipped = load_regressor("coco-clicks")
    np.testing.assert_array_equal(shipped.weights, coco_clicks().weights)
    assert shipped.as_json() == coco_clicks().as_json()


# --- learning ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["affine", "linear"])
def test_an_exact_map_is_found(form: str) -> None:
    """Human3.6M's hips and thorax are rigid with SMPL's pelvis and collars: learned to a tenth of a millimetre."""
    bodies = poses(400, vary_shape=False)
    fit = fit_regressor("x", pairs(bodies[:, :24], convert(bodies, FULL_42, H36M_17)), SMPL_24, H36M_17, form)  # type: ignore[arg-type]
    exact = H36M_17.indices("pelvis", "l_hip", "r_hip", "l_knee", "r_wrist", "l_shoulder")
    assert fit.after_mm[exact].max() < 0.1
    assert fit.before_mm[H36M_17.index("l_hip")] > 20
    assert np.isnan(fit.before_mm[H36M_17.indices("spine", "thorax", "neck", "head")]).all()
    fresh = poses(50, seed=9, vary_shape=False)
    mapped = fit.regressor.of_body(fresh)
    error = np.linalg.norm(mapped - convert(fresh, FULL_42, H36M_17), axis=-1).mean(0)
    np.testing.assert_allclose(1e3 * error, fit.after_mm, atol=2 + 0.3 * fit.after_mm.max())


def test_affine_weights_sum_to_one_and_are_those_that_made_the_pairs() -> None:
    bodies = poses(300)[:, :24]
    truth = np.zeros((len(H36M_17), 24))
    rng = np.random.default_rng(3)
    for row in truth:
        row[rng.permutation(24)[:3]] = (0.5, 0.7, -0.2)
    fit = fit_regressor("x", pairs(bodies, np.einsum("kj,njc->nkc", truth, bodies)), SMPL_24, H36M_17)
    np.testing.assert_allclose(fit.regressor.weights.sum(1), 1, atol=1e-12)
    assert fit.after_mm.max() < 0.05
    np.testing.assert_allclose(fit.regressor.weights, truth, atol=0.02)


def test_without_anything_to_learn_from_the_landmark_stays() -> None:
    """Targets that are the landmarks plus noise: ridge keeps the conversion rather than fit the noise."""
    bodies = poses(60)
    noise = np.random.default_rng(1).normal(0, 0.05, (60, len(H36M_17), 3))
    target = bodies[:, FULL_42.indices(*("pelvis",) * len(H36M_17))] + noise
    fit = fit_regressor("x", pairs(bodies[:, :24], target), SMPL_24, H36M_17)
    pelvis = H36M_17.index("pelvis")
    assert fit.strengths[pelvis] >= STRENGTHS[-4]
    assert fit.regressor.weights[pelvis, SMPL_24.index("pelvis")] > 0.8
    assert fit.after_mm[pelvis] < 1.1 * fit.before_mm[pelvis]


def test_errors_are_of_people_the_map_has_not_seen() -> None:
    """Each group has an offset of its own: learning it must not count. A leak would report errors near zero."""
    bodies = poses(400, vary_shape=False)
    groups = np.repeat(np.arange(8), 50)
    axes = trunk_frame(bodies, "full_42")[1]
    offsets = np.random.default_rng(5).normal(0, 0.05, (8, 3))
    own = np.einsum("nij,nj->ni", axes, offsets[groups])
    target = convert(bodies, FULL_42, H36M_17) + own[:, None]
    fit = fit_regressor("x", pairs(bodies[:, :24], target, groups), SMPL_24, H36M_17, "linear")
    wrist = H36M_17.index("l_wrist")
    means = [offsets[assign_folds(groups, 400)[::50] != f].mean(0) for f in assign_folds(groups, 400)[::50]]
    expected = np.linalg.norm(offsets - means, axis=-1).mean()
    assert fit.after_mm[wrist] == pytest.approx(1e3 * expected, rel=0.25)


def test_folds_keep_groups_whole_and_even() -> None:
    groups = np.repeat(np.arange(9), [100, 5, 5, 5, 50, 50, 30, 30, 25])
    folds = assign_folds(groups, 300)
    assert all(len(set(folds[groups == g])) == 1 for g in range(9))
    assert sorted(set(folds)) == list(range(5))
    assert np.bincount(folds).max() == 100
    assert assign_folds(np.array([0, 1, 1]), 3).tolist() == [1, 0, 0]
    assert np.diff(assign_folds(None, 33)).min() == 0  # stretches in a row


def test_learning_twice_gives_the_same_numbers() -> None:
    bodies = poses(100)
    data = pairs(bodies[:, :24], convert(bodies, FULL_42, H36M_17))
    first, second = (fit_regressor("x", data, SMPL_24, H36M_17) for _ in range(2))
    np.testing.assert_array_equal(first.regressor.weights, second.regressor.weights)


# --- pairs -------------------------------------------------------------------------------------------


def test_pairs_are_read(tmp_path: Path) -> None:
    bodies = poses(30)
    target = convert(bodies, FULL_42, H36M_17)
    np.savez(tmp_path / "p.npz", source=bodies[:, :24], target=target, groups=np.array(["a", "b", "c"] * 10))
    found = read_pairs(tmp_path / "p.npz", SMPL_24, H36M_17)
    np.testing.assert_array_equal(found.target, target)
    assert found.groups is not None
    assert found.groups.tolist() == [0, 1, 2] * 10
    assert len(found.sha256) == 64


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": None}, "no 'source'"),
        ({"source": np.zeros((30, 23, 3))}, "shape .N, 24, 3."),
        ({"target": np.zeros((29, 17, 3))}, "extent of 0"),
        ({"target": 1000 * np.random.default_rng(0).normal(size=(30, 17, 3))}, "metres"),
        ({"target": np.full((30, 17, 3), np.nan)}, "finite"),
        ({"target": np.random.default_rng(0).normal(size=(29, 17, 3))}, "as many poses"),
        ({"groups": np.zeros(29, int)}, "shape .30,."),
        ({"groups": np.zeros(30, int)}, "at least two"),
        ({"groups": np.array([None] * 30)}, "numbers or names"),
    ],
)
def test_unusable_pairs_are_refused(
    tmp_path: Path, change: dict[str, np.ndarray | None], message: str
) -> None:
    bodies = poses(30)
    arrays = {"source": bodies[:, :24], "target": convert(bodies, FULL_42, H36M_17)} | change
    np.savez(tmp_path / "p.npz", **{name: a for name, a in arrays.items() if a is not None})  # type: ignore[arg-type]
    with pytest.raises(InputError, match=message) as caught:
        read_pairs(tmp_path / "p.npz", SMPL_24, H36M_17)
    assert "p.npz" in caught.value.where


# --- files -------------------------------------------------------------------------------------------


def test_a_regressor_survives_its_file(tmp_path: Path) -> None:
    for form in ("affine", "linear"):
        regressor = random_regressor(form, 1)
        path = tmp_path / f"{form}.json"
        path.write_text(json.dumps(regressor.as_json() | {"anything": "else"}))
        found = load_regressor(str(path))
        np.testing.assert_array_equal(found.weights, regressor.weights)
        assert (found.source, found.target, found.form) == ("smpl_24", "h36m_17", form)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": "smpl_25"}, "skeletons among"),
        ({"form": "cubic"}, "form"),
        ({"weights": [[1.0]]}, "shape .17, 24."),
        ({"weights": "x"}, "weights"),
        ({"weights": None}, "weights"),
    ],
)
def test_unsound_files_are_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps(random_regressor("affine", 1).as_json() | change))
    with pytest.raises(InputError, match=message):
        load_regressor(str(path))


def test_weights_that_do_not_sum_to_one_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = random_regressor("affine", 1).as_json()
    data["weights"][4][2] += 1e-3
    with pytest.raises(InputError, match="weights of l_hip: expected a sum of 1"):
        regressor_of(data, "r.json")
    data["weights"][4][2] = float("nan")
    with pytest.raises(InputError, match="weights"):
        regressor_of(data, "r.json")
    path = tmp_path / "r.json"
    for text, message in (("{", "JSON"), ("[" * 10**5, "JSON")):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            load_regressor(str(path))
    with pytest.raises(InputError, match="coco-clicks"):
        load_regressor(str(tmp_path / "none.json"))
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    with pytest.raises(InputError, match="at most"):
        load_regressor(str(path))


def test_sources_must_be_joints_of_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    tail = Skeleton("tail", ("tail",), (-1,), ("tail",))
    monkeypatch.setitem(module.SKELETONS, "tail", tail)
    regressor = JointRegressor("x", "tail", "tail", "affine", np.eye(1))
    with pytest.raises(InputError, match="'tail'"):
        of_full_42(regressor)
    with pytest.raises(InputError, match="shoulders and hips"):
        regressor_of(
            {"name": "x", "source": "tail", "target": "tail", "form": "linear", "weights": [[0.0] * 4] * 3},
            "x",
        )
    assert of_full_42(coco_clicks()) is not None
