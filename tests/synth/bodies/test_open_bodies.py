"""The shipped bodies: people of plausible size who keep their volume in whatever pose."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse
from make_bodies import POSES_DEG, edges, pose, volume
from scipy.spatial import cKDTree

from posecorpus.core.parts import SMPL_24_PARTS
from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.bodies.arrays import read_body_arrays
from posecorpus.synth.bodies.model import DATA, GENDERS, BodyModel, load_body
from posecorpus.synth.bodies.skinning import joints_of, pose_body

DEMANDING = ("knees", "arms_up", "elbows", "squat")


def shaped(body: BodyModel, betas: np.ndarray, poses: list[str]) -> np.ndarray:
    """(N, V, 3) vertices of one shape in several poses."""
    angles = np.stack([pose(name) for name in poses])
    return pose_body(body, np.tile(betas, (len(poses), 1)), angles, np.zeros((len(poses), 3))).vertices


def some_betas(body: BodyModel) -> np.ndarray:
    """The mean, each direction at its ends, and draws from the range that corpora use."""
    ends = [sign * 2 * np.eye(body.num_betas)[k] for k in range(body.num_betas) for sign in (-1, 1)]
    draws = np.clip(np.random.default_rng(0).normal(size=(12, body.num_betas)), -2, 2)
    return np.concatenate([np.zeros((1, body.num_betas)), ends, draws])


@pytest.mark.parametrize("gender", GENDERS)
def test_poses_keep_volume_and_do_not_tear(gender: str) -> None:
    body = load_body("open", gender)
    pairs = edges(body.faces)
    for betas in some_betas(body):
        vertices = shaped(body, betas, ["rest", *DEMANDING])
        assert np.isfinite(vertices).all()
        volumes = np.array([volume(one, body.faces) for one in vertices])
        assert np.abs(volumes[1:] / volumes[0] - 1).max() < 0.07, (betas, volumes / volumes[0])
        lengths = np.linalg.norm(vertices[:, pairs[:, 0]] - vertices[:, pairs[:, 1]], axis=-1)
        long = lengths[0] > 1e-3  # an edge shorter than a millimetre is stretched by less than can be seen
        assert (lengths[1:, long] / lengths[0, long]).max() < 8
        assert lengths[1:, ~long].max() < 8e-3


@pytest.mark.parametrize(
    ("gender", "stature", "litres"),
    [
        ("neutral", (1.62, 1.76), (55, 75)),
        ("female", (1.57, 1.69), (50, 68)),
        ("male", (1.72, 1.84), (62, 82)),
    ],
)
def test_people_are_of_human_size(
    gender: str, stature: tuple[float, float], litres: tuple[float, float]
) -> None:
    """Mean adults are about 1.63 m and 1.76 m tall; a litre of body weighs about a kilogram."""
    body = load_body("open", gender)
    for betas in some_betas(body):
        (vertices,) = shaped(body, betas, ["rest"])
        tall, big = np.ptp(vertices[:, 1]), 1e3 * volume(vertices, body.faces)
        assert 1.35 < tall < 2.05
        assert 22 < big < 170
        if not betas.any():
            assert stature[0] < tall < stature[1]
            assert litres[0] < big < litres[1]


def test_first_beta_is_stature() -> None:
    for gender in GENDERS:
        body = load_body("open", gender)
        heights = [np.ptp(shaped(body, np.array([b]), ["rest"])[0][:, 1]) for b in (-2.0, 0.0, 2.0)]
        assert heights[0] + 0.12 < heights[1] < heights[2] - 0.12


@pytest.mark.parametrize("gender", GENDERS)
def test_mesh_is_closed_and_outward(gender: str) -> None:
    body = load_body("open", gender)
    directed = np.concatenate([body.faces[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
    _, counts = np.unique(directed, axis=0, return_counts=True)
    assert counts.max() == 1, "an edge is run through twice in one direction"
    assert len(np.intersect1d(_keys(directed), _keys(directed[:, ::-1]))) == len(directed)
    count = len(body.v_template)
    graph = scipy.sparse.coo_matrix((np.ones(len(directed)), tuple(directed.T)), (count, count))
    pieces, piece = scipy.sparse.csgraph.connected_components(graph)
    assert pieces == 4  # skin, mouth, two eyeballs
    for p in range(pieces):
        assert volume(body.v_template, body.faces[piece[body.faces[:, 0]] == p]) > 0


def _keys(pairs: np.ndarray) -> np.ndarray:
    return pairs[:, 0].astype(np.int64) * 1_000_000 + pairs[:, 1]


@pytest.mark.parametrize("gender", GENDERS)
def test_left_mirrors_right(gender: str) -> None:
    body = load_body("open", gender)
    points = body.v_template.astype(np.float64)
    gap, twin = cKDTree(points).query(points * [-1, 1, 1])
    assert gap.max() < 1e-3
    assert np.array_equal(np.sort(twin), np.arange(len(points)))
    mirrored = body.landmarks_template * [-1, 1, 1]
    assert np.abs(mirrored[:24][SMPL_24.mirror] - body.joints_template).max() < 5e-3
    weights = read_body_arrays(DATA / f"open_{gender}.npz").weights
    assert np.abs(weights[twin][:, SMPL_24.mirror] - weights).max() < 0.02


@pytest.mark.parametrize("gender", GENDERS)
def test_rest_pose_is_a_t_facing_forward(gender: str) -> None:
    body = load_body("open", gender)
    j = {name: body.joints_template[i] for i, name in enumerate(SMPL_24.joints)}
    assert np.abs(j["pelvis"]).max() < 5e-3
    for side, sign in (("l", 1), ("r", -1)):
        arm = j[f"{side}_wrist"] - j[f"{side}_shoulder"]
        assert arm[0] * sign > 0.4
        assert np.abs(arm[1:]).max() < 0.02
        leg = j[f"{side}_ankle"] - j[f"{side}_hip"]
        assert leg[1] < -0.7
        assert np.abs(leg[[0, 2]]).max() < 0.05
        assert j[f"{side}_foot"][2] > j[f"{side}_ankle"][2] + 0.08
    order = ["l_ankle", "l_knee", "pelvis", "spine1", "spine2", "spine3", "neck", "head"]
    assert all(j[a][1] < j[b][1] for a, b in itertools.pairwise(order))


@pytest.mark.parametrize("gender", GENDERS)
def test_limbs_surround_their_joints(gender: str) -> None:
    """A joint lies inside the limb it bends, for every shape: it is a mean of the skin around it."""
    body = load_body("open", gender)
    for betas in some_betas(body):
        (vertices,) = shaped(body, betas, ["rest"])
        joints = joints_of(body, betas[None], np.zeros((1, 24, 3)), np.zeros((1, 3)))[0]
        for name in ("l_knee", "r_elbow", "l_wrist", "r_ankle", "neck", "l_shoulder"):
            joint = joints[SMPL_24.index(name)]
            across = 0 if name in ("l_knee", "r_ankle", "neck") else 1
            along = 1 - across
            ring = vertices[np.abs(vertices[:, along] - joint[along]) < 0.015]
            ring = ring[np.linalg.norm(ring - joint, axis=1) < 0.2]
            for axis in (across, 2):
                assert ring[:, axis].min() < joint[axis] < ring[:, axis].max(), (name, betas)


def test_parts_are_where_they_should_be() -> None:
    body = load_body("open", "neutral")
    centres = body.v_template[body.faces].mean(axis=1)
    ids = {name: i for i, name in SMPL_24_PARTS.legend.items()}
    assert set(np.unique(body.face_parts)) == set(range(1, 25))
    for name, i in ids.items():
        if i:
            where = centres[body.face_parts == i].mean(axis=0)
            if name[:2] in ("l_", "r_"):
                assert where[0] * (1 if name[0] == "l" else -1) > 0.03, name
            joint = body.joints_template[SMPL_24.index(name)]
            assert np.linalg.norm(where - joint) < 0.28, name


def test_texture_coordinates_cover_the_unit_square_without_seams_in_a_face() -> None:
    body = load_body("open", "neutral")
    corners = body.uv[body.uv_faces]
    assert body.uv.min() >= 0
    assert body.uv.max() <= 1
    assert np.ptp(corners, axis=1).max() < 0.1
    assert len(body.uv_faces) == len(body.faces)


def test_bodies_are_shared_and_cannot_be_altered() -> None:
    body = load_body("open", "neutral")
    assert body is load_body("open", "neutral")
    with pytest.raises(ValueError, match="read-only"):
        body.v_template[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        body.shapedirs[0, 0, 0] = 0


def test_every_pose_of_the_list_is_used() -> None:
    assert set(DEMANDING) <= set(POSES_DEG)


@pytest.mark.parametrize(
    "name", ["v_template", "shapedirs", "weights", "weight_joints", "faces", "face_parts"]
)
def test_the_digest_tells_bodies_apart_that_label_differently(name: str) -> None:
    body = load_body("open", "neutral")
    assert len({load_body("open", gender).digest for gender in GENDERS}) == len(GENDERS)
    other = getattr(body, name).copy()
    other.flat[-1] += 1
    assert replace(body, **{name: other}).digest != body.digest == replace(body).digest


def test_the_digest_is_that_of_every_machine() -> None:
    """Sums of landmarks come out a few bits apart on another processor."""
    body = load_body("open", "female")
    landmarks = body.landmarks_template
    assert replace(body, landmarks_template=landmarks * (1 + 1e-15)).digest == body.digest
    assert replace(body, landmarks_template=landmarks * (1 + 1e-4)).digest != body.digest
