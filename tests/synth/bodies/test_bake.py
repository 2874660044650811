"""The bake's steps on people made up here, and on the shipped files themselves; Anny is not needed."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from make_bodies import edges
from scipy.spatial.transform import Rotation

from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.bodies.arrays import read_body_arrays
from posecorpus.synth.bodies.bake import principal_shapes, regress_joints
from posecorpus.synth.bodies.bake_rig import LEG_SPREAD_DEG, joint_shares, joint_weights, t_pose
from posecorpus.synth.bodies.bake_source import AnnyPeople
from posecorpus.synth.bodies.bake_weights import SMOOTHING_METRES, prune, smooth_weights
from posecorpus.synth.bodies.landmark_fit import fit_landmarks
from posecorpus.synth.bodies.landmark_transfer import nearest_on_triangles
from posecorpus.synth.bodies.model import DATA, GENDERS, load_body
from posecorpus.synth.bodies.regressor import LANDMARKS, LandmarkRegressor

SPINE = {
    "root": (None, (0, 0.9, 0)), "spine05": ("root", (0, 0.95, 0)), "spine04": ("spine05", (0, 1.0, 0)),
    "spine03": ("spine04", (0, 1.05, 0)), "spine02": ("spine03", (0, 1.15, 0)), "spine01": ("spine02", (0, 1.25, 0)),
    "neck01": ("spine01", (0, 1.45, 0)), "head": ("neck01", (0, 1.55, 0.03)),
}  # fmt: skip
LIMBS = {
    "pelvis": ("root", (0.05, 0.9, 0)), "upperleg01": ("pelvis", (0.1, 0.88, 0)), "upperleg02": ("upperleg01", (0.13, 0.7, 0.02)),
    "lowerleg01": ("upperleg02", (0.16, 0.5, 0.04)), "foot": ("lowerleg01", (0.2, 0.08, 0)),
    **{f"toe{i}-1": ("foot", (0.2 + (3 - i) * 0.01, 0.02, 0.14)) for i in range(1, 6)},
    "clavicle": ("spine01", (0.02, 1.38, 0.03)), "shoulder01": ("clavicle", (0.1, 1.4, 0.0)),
    "upperarm01": ("shoulder01", (0.17, 1.37, 0.0)), "lowerarm01": ("upperarm01", (0.37, 1.2, -0.02)),
    "lowerarm02": ("lowerarm01", (0.45, 1.1, 0.03)), "wrist": ("lowerarm02", (0.53, 1.03, 0.05)),
    **{f"finger{i}-1": ("wrist", (0.6, 0.96 + (3 - i) * 0.003, 0.08 + (3 - i) * 0.02)) for i in range(2, 6)},
}  # fmt: skip


def made_up_people(count: int, seed: int = 0) -> AnnyPeople:
    """Stick people: each bone carries a short rod of skin that points along it."""
    rng = np.random.default_rng(seed)
    bones, parents, heads = [], [], []
    for name, (parent, place) in SPINE.items():
        bones.append(name)
        parents.append(-1 if parent is None else bones.index(parent))
        heads.append(place)
    for suffix, sign in ((".L", 1), (".R", -1)):
        for name, (parent, (x, y, z)) in LIMBS.items():
            parents.append(bones.index(parent if parent in bones else parent + suffix))
            bones.append(name + suffix)
            heads.append((sign * x, y, z))
    places = np.array(heads) + rng.normal(0, 0.01, (count, len(bones), 3))
    for suffix in (".L", ".R"):  # the forearm's second bone lies on the line of the first, as in the rig
        elbow, middle, wrist = (bones.index(b + suffix) for b in ("lowerarm01", "lowerarm02", "wrist"))
        places[:, middle] = (places[:, elbow] + places[:, wrist]) / 2
    skin = places[:, :, None] + rng.normal(0, 0.02, (count, len(bones), 4, 3))
    return AnnyPeople(
        vertices=skin.reshape(count, -1, 3),
        heads=places,
        bones=tuple(bones),
        parents=tuple(parents),
        weights=np.repeat(np.eye(len(bones)), 4, axis=0),
        faces=np.zeros((0, 3), np.int32),
        uv=np.zeros((0, 2), np.float32),
        uv_faces=np.zeros((0, 3), np.int32),
        base_vertices=np.arange(4 * len(bones), dtype=np.int32),
    )


def test_t_pose_straightens_whoever_it_is_given() -> None:
    people = made_up_people(20)
    vertices, joints = t_pose(people)
    j = {name: joints[:, i] for i, name in enumerate(SMPL_24.joints)}
    assert np.abs(j["pelvis"]).max() < 1e-12
    spread = np.deg2rad(LEG_SPREAD_DEG)
    for side, sign in (("l", 1.0), ("r", -1.0)):
        for start, end, direction in (
            ("shoulder", "elbow", (sign, 0, 0)),
            ("elbow", "wrist", (sign, 0, 0)),
            ("wrist", "hand", (sign, 0, 0)),
            ("hip", "knee", (sign * np.sin(spread), -np.cos(spread), 0)),
            ("knee", "ankle", (sign * np.sin(spread), -np.cos(spread), 0)),
        ):
            bone = j[f"{side}_{end}"] - j[f"{side}_{start}"]
            unit = bone / np.linalg.norm(bone, axis=1, keepdims=True)
            assert np.abs(unit - direction).max() < 1e-9, (side, end)
    # rigid: a bone's rod keeps its shape, and its distance from the bone's start
    before = people.vertices.reshape(20, -1, 4, 3)
    after = vertices.reshape(20, -1, 4, 3)
    assert np.allclose(
        np.linalg.norm(np.diff(before, axis=2), axis=-1), np.linalg.norm(np.diff(after, axis=2), axis=-1)
    )


def test_palms_face_down_and_thumbs_forward() -> None:
    people = made_up_people(5)
    vertices, _ = t_pose(people)
    rods = vertices.reshape(5, len(people.bones), 4, 3).mean(axis=2)
    original = people.vertices.reshape(5, len(people.bones), 4, 3).mean(axis=2)
    for suffix in (".L", ".R"):
        first, last = (people.bones.index(f"finger{i}-1{suffix}") for i in (2, 5))
        across = rods[:, first] - rods[:, last]
        assert (across[:, 2] > 0.7 * np.linalg.norm(original[:, first] - original[:, last], axis=1)).all()


def test_every_joint_takes_some_skin_and_none_is_lost() -> None:
    people = made_up_people(2)
    weights = joint_weights(people)
    assert np.allclose(weights.sum(axis=1), 1)
    assert (weights.sum(axis=0) > 0).all()
    assert joint_shares("finger1-1.R") == {"r_wrist": 1.0}
    assert joint_shares("finger1-2.R") == {"r_hand": 1.0}
    assert joint_shares("metacarpal3.L") == {"l_wrist": 1.0}
    assert joint_shares("spine04") == {"pelvis": 0.5, "spine1": 0.5}
    assert joint_shares("eye.L") == {"head": 1.0}
    with pytest.raises(ValueError, match="no joint for the bone tail"):
        joint_shares("tail")


def test_principal_shapes_find_the_shapes_that_people_were_made_from() -> None:
    rng = np.random.default_rng(1)
    mean = rng.normal(size=(300, 3))
    mean[0, 1], mean[1, 1] = 9, -9  # crown and sole
    wanted = np.linalg.qr(rng.normal(size=(900, 3)))[0] * [30.0, 12.0, 5.0]
    wanted[1, 0], wanted[4, 0] = 8, 0
    betas = rng.normal(size=(60, 3))
    betas -= betas.mean(axis=0)
    people = mean + (betas @ wanted.T).reshape(60, 300, 3)
    template, directions, found = principal_shapes(people, 3)
    assert np.allclose(template, mean)
    assert np.allclose(template + np.tensordot(found, directions, (1, 2)), people)
    assert np.allclose(found.T @ found / 59, np.eye(3)), "betas are uncorrelated with variance one"
    stature = np.ptp(people[..., 1], axis=1)
    assert np.corrcoef(found[:, 0], stature)[0, 1] > 0


def test_regressed_joints_follow_the_shape() -> None:
    """Joints that are convex sums of skin are found again, also for shapes never seen."""
    rng = np.random.default_rng(2)
    template, directions = rng.normal(0, 0.5, (1500, 3)), rng.normal(0, 0.03, (1500, 3, 4))
    truth = np.zeros((5, 1500))
    for row in truth:
        near = np.argsort(np.linalg.norm(template - rng.normal(0, 0.3, 3), axis=1))[:12]
        row[near] = rng.dirichlet(np.ones(12))
    regressor = regress_joints(template, directions, truth @ template, np.tensordot(truth, directions, 1))
    assert (regressor >= 0).all()
    assert np.allclose(regressor.sum(axis=1), 1)
    assert (regressor > 0).sum(axis=1).max() <= 40
    for betas in rng.uniform(-3, 3, (10, 4)):
        skin = template + directions @ betas
        assert np.abs((regressor - truth) @ skin).max() < 5e-3


def test_smoothing_bounds_how_fast_weights_change() -> None:
    sphere = trimesh.creation.icosphere(4, radius=0.1)
    points, faces = np.asarray(sphere.vertices), sphere.faces.astype(np.int32)
    sharp = np.stack([points[:, 0] < 0, points[:, 0] >= 0], axis=1).astype(np.float64)
    smooth = smooth_weights(sharp, points, faces)
    assert np.allclose(smooth.sum(axis=1), 1)
    assert smooth.min() > -1e-9
    assert smooth.max() < 1 + 1e-9
    pairs = edges(faces)
    slope = np.abs(np.diff(smooth[pairs, 0], axis=1)[:, 0]) / np.linalg.norm(
        points[pairs[:, 0]] - points[pairs[:, 1]], axis=1
    )
    assert slope.max() < 1 / SMOOTHING_METRES
    far = np.abs(points[:, 0]) > 4 * SMOOTHING_METRES
    assert np.abs(smooth - sharp)[far].max() < 0.02
    area = np.zeros(len(points))
    np.add.at(area, faces, sphere.area_faces[:, None] / 3)
    assert np.allclose(area @ smooth, area @ sharp), "diffusion moves weight about and loses none"


def test_pruned_weights_are_few_and_sum_to_one() -> None:
    weights = np.random.default_rng(3).dirichlet(np.full(24, 0.02), 500)
    pruned = prune(weights)
    assert np.allclose(pruned.sum(axis=1), 1)
    assert np.abs(pruned - weights).max() < 0.05
    assert pruned[pruned > 0].min() >= 4e-3


@pytest.mark.parametrize("gender", GENDERS)
def test_shipped_landmarks_are_what_the_bake_fits(gender: str) -> None:
    arrays = read_body_arrays(DATA / f"open_{gender}.npz")
    skin = arrays.v_template.astype(np.float64)
    fitted = fit_landmarks(skin, arrays.faces, arrays.weights, arrays.joint_regressor @ skin)
    assert arrays.landmarks is not None
    shipped = LandmarkRegressor.from_entries(*arrays.landmarks)
    assert np.abs(fitted(skin) - shipped(skin)).max() < 2e-3
    assert len(fitted.starts) == len(LANDMARKS) + 1
    assert np.allclose(np.add.reduceat(fitted.values, fitted.starts[:-1]), 1)


def test_shipped_joints_are_sums_of_the_skin_around_them() -> None:
    for gender in GENDERS:
        regressor = read_body_arrays(DATA / f"open_{gender}.npz").joint_regressor
        assert regressor.min() >= 0
        assert (regressor > 0).sum(axis=1).max() <= 40
        assert np.allclose(regressor.sum(axis=1), 1, atol=1e-5)
        body = load_body("open", gender)
        assert np.allclose(regressor @ body.v_template, body.joints_template)


def test_nearest_point_of_a_triangle_is_trimeshs() -> None:
    rng = np.random.default_rng(4)
    triangles, points = rng.normal(size=(500, 3, 3)), rng.normal(0, 2, (500, 3))
    triangles[:20, 2] = triangles[:20, 0]  # flat ones
    shares = nearest_on_triangles(triangles, points)
    assert shares.min() >= 0
    assert np.allclose(shares.sum(axis=1), 1)
    mine = np.einsum("nk,nkx->nx", shares, triangles)
    theirs = trimesh.triangles.closest_point(triangles[20:], points[20:])
    assert np.allclose(mine[20:], theirs)
    ends = triangles[:20, :2]
    t = np.linspace(0, 1, 2001)[:, None, None]
    brute = np.linalg.norm(ends[:, 0] + t * (ends[:, 1] - ends[:, 0]) - points[:20], axis=-1).min(axis=0)
    assert np.allclose(np.linalg.norm(mine[:20] - points[:20], axis=1), brute, atol=1e-3)


def test_people_turned_in_the_world_come_out_alike() -> None:
    """The T-pose depends on a person's own rig, not on how its limbs happened to be bent."""
    people = made_up_people(3, seed=5)
    bent = people.vertices.copy(), people.heads.copy()
    turn = Rotation.from_euler("y", 25, degrees=True)
    for arm in ("wrist.L", *[f"finger{i}-1.L" for i in range(2, 6)]):
        b = people.bones.index(arm)
        pivot = people.heads[:, people.bones.index("wrist.L")]
        bent[1][:, b] = turn.apply(people.heads[:, b] - pivot) + pivot
        for v in range(4 * b, 4 * b + 4):
            bent[0][:, v] = turn.apply(people.vertices[:, v] - pivot) + pivot
    other = AnnyPeople(
        bent[0], bent[1], people.bones, people.parents, people.weights, people.faces, people.uv,
        people.uv_faces, people.base_vertices,
    )  # fmt: skip
    (skin, joints), (skin2, joints2) = t_pose(people), t_pose(other)
    hand = SMPL_24.index("l_hand")
    assert np.allclose(joints[:, hand], joints2[:, hand], atol=1e-9)
    b = people.bones.index("finger3-1.L")
    assert np.allclose(skin[:, 4 * b : 4 * b + 4], skin2[:, 4 * b : 4 * b + 4], atol=1e-9)
