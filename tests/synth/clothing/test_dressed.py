"""Clothes lie outside the skin, end in smooth lines, follow every pose, and are the same again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from layers import BLANK, Counts, depth_of, ring, views
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation
from strangers import stranger

from posecorpus.core.seeds import generator
from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.appearance.look import DENIM, PLAIN, Look, as_worn, sample_look
from posecorpus.synth.appearance.textures import worn_texture
from posecorpus.synth.bodies.model import GENDERS, LEVEL_FACES, BodyModel, load_body
from posecorpus.synth.bodies.skinning import Posed, pose_body
from posecorpus.synth.builtin import builtin_clips
from posecorpus.synth.clothing import Dressed, dress
from posecorpus.synth.clothing.drape import offsets, shaped
from posecorpus.synth.clothing.garments import lines, tailor
from posecorpus.synth.clothing.mannequin import mannequin

ANGLES = {
    "arms_up": {"l_shoulder": (0, 0, 70), "r_shoulder": (0, 0, -70), "l_collar": (0, 0, 15), "r_collar": (0, 0, -15)},
    "knees": {"l_knee": (90, 0, 0), "r_knee": (90, 0, 0)},
    "elbows": {"l_elbow": (0, -130, 0), "r_elbow": (0, 130, 0)},
    "squat": {"l_hip": (-90, 0, 10), "r_hip": (-90, 0, -10), "l_knee": (100, 0, 0), "r_knee": (100, 0, 0)},
    "walk": {
        "l_hip": (-30, 0, 0), "r_hip": (20, 0, 0), "l_knee": (15, 0, 0), "r_knee": (30, 0, 0),
        "l_shoulder": (0, 20, -70), "r_shoulder": (0, 20, 70), "l_elbow": (0, -25, 0), "r_elbow": (0, 25, 0),
    },
}  # fmt: skip


def demanding_poses() -> np.ndarray:
    """(N, 24, 3): the demanding poses of the body tests and some of built-in motions."""
    poses = np.zeros((len(ANGLES), 24, 3))
    for pose, angles in zip(poses, ANGLES.values(), strict=True):
        for joint, degrees in angles.items():
            pose[SMPL_24.index(joint)] = np.radians(degrees)
    moves = [clip.poses[len(clip.poses) // 2] for clip in builtin_clips(3, 9, seconds=1.0)[::4]]
    return np.concatenate([poses, np.stack(moves)])


def person(gender: str, seed: int, skirt: bool = False, level: int = 0) -> tuple[BodyModel, np.ndarray, Look]:
    body = load_body("open", gender, level)
    rng = generator(seed, "dressed", GENDERS.index(gender))
    look = sample_look(rng, mannequin(body).at, gender)
    if skirt:
        look = look._replace(fit=look.fit._replace(skirt_bottom=float(rng.uniform(-0.7, -0.2))))
    look = as_worn(look, mannequin(body).at)
    return body, np.clip(rng.normal(size=body.num_betas), -2, 2).astype(np.float32), look


def posed(body: BodyModel, betas: np.ndarray, poses: np.ndarray, moves: np.ndarray | None = None) -> Posed:
    shapes = np.tile(betas, (len(poses), 1))
    return pose_body(body, shapes, poses, np.zeros((len(poses), 3)) if moves is None else moves)


def borders(faces: np.ndarray) -> dict[int, int]:
    """Edges without a partner: from each border vertex to the next."""
    directed = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2).astype(np.int64)
    keys, mates = directed[:, 0] << 32 | directed[:, 1], directed[:, 1] << 32 | directed[:, 0]
    lone = directed[~np.isin(keys, mates)]
    return dict(zip(lone[:, 0].tolist(), lone[:, 1].tolist(), strict=True))


@pytest.mark.parametrize("level", range(len(LEVEL_FACES)))
@pytest.mark.parametrize("gender", GENDERS)
def test_no_skin_pokes_through(gender: str, level: int) -> None:
    """From twenty sides, in every demanding pose, skin that is under cloth stays there."""
    total = Counts(0, 0, 0)
    for seed in (0, 1, 2) if level == 0 else (1, 2):
        body, betas, look = person(gender, seed, skirt=seed == 2, level=level)
        dressed, bodies = dress(body, betas, look, BLANK), posed(body, betas, demanding_poses())
        for frame in range(len(bodies.vertices)):
            seen = list(views(body, look, dressed, bodies, frame))
            cloth, poking, holes = (
                sum(getattr(v, name) for v in seen) for name in ("cloth", "poking", "holes")
            )
            assert cloth > 5000
            assert poking < 1e-3 * cloth
            assert holes < 3e-3 * cloth
            total = Counts(total.cloth + cloth, total.poking + poking, total.holes + holes)
    assert total.poking < 1e-5 * total.cloth
    assert total.holes < 1e-4 * total.cloth


def test_cloth_that_lies_too_deep_is_found_out() -> None:
    """The test above sees a shirt that is sunk by a centimetre and a half."""
    body, betas, look = person("male", 0)
    dressed, bodies = dress(body, betas, look, BLANK), posed(body, betas, demanding_poses()[:1])
    shape, who = shaped(mannequin(body), betas), mannequin(body)
    inwards = np.zeros((len(who.fields), 3), np.float32)
    inwards[: len(who.own)] = -0.015 * shape.normals
    inwards[len(who.own) :] = inwards[who.middles].mean(axis=1)
    top = dressed.bound[0]
    sunk = replace(top, offsets=top.offsets + inwards[top.seam.whole])
    faulty = replace(dressed, bound=(sunk, *dressed.bound[1:]))
    seen = list(views(body, look, faulty, bodies))
    assert sum(v.poking for v in seen) > 0.01 * sum(v.cloth for v in seen)


def layer_faults(body: BodyModel, betas: np.ndarray, look: Look, sink_m: float = 0.0) -> float:
    """Share of pixels where a shirt or trousers show through the garment over them, from eight sides."""
    dressed, at = dress(body, betas, look, BLANK), lines(look, mannequin(body).at)
    outer = int(at.tucked)
    piece = dressed.bound[outer]
    inwards = piece.offsets - sink_m * piece.offsets / np.linalg.norm(piece.offsets, axis=1, keepdims=True)
    bound = list(dressed.bound)
    bound[outer] = replace(piece, offsets=inwards)
    dressed = replace(dressed, bound=tuple(bound))
    first = len(bound[0].seam)
    faces = dressed.surfaces[1].faces
    pieces = [
        faces[(faces < first).all(axis=1)],
        faces[((faces >= first) & (faces < first + len(bound[1].seam))).all(axis=1)],
    ]
    rest = dressed.pose(posed(body, np.zeros(10), np.zeros((1, 24, 3))))[1][0]
    height = rest[pieces[1 - outer]][..., 1]
    under = height.max(axis=1) < at.waist - 0.005 if at.tucked else height.min(axis=1) > at.hem + 0.02
    covered = pieces[1 - outer][under]
    assert len(covered) > 30
    poses = demanding_poses()
    points = dressed.pose(posed(body, betas, poses))[1]
    seen = faults = 0
    for t in range(len(poses)):
        for camera in ring(points[t]):
            over, below = (depth_of(points[t], part, camera) for part in (pieces[outer], covered))
            seen += int((over > 0).sum())
            faults += int(((below > 0) & (over > below) & (over < below + 0.03)).sum())
    return faults / seen


def test_shirts_and_trousers_do_not_show_through_each_other() -> None:
    kinds = set()
    for seed in range(4):
        body, betas, look = person("male", 40 + seed)
        kinds.add(look.tucked)
        assert layer_faults(body, betas, look) < 1e-4
    assert kinds == {False, True}
    assert layer_faults(body, betas, look, sink_m=0.008) > 1e-3, "and if they did, this would show it"


@pytest.mark.parametrize("gender", GENDERS)
def test_cloth_keeps_its_distance_from_its_own_skin(gender: str) -> None:
    who = mannequin(load_body("open", gender))
    for seed in range(4):
        _, betas, look = person(gender, seed)
        shape = shaped(who, betas)
        for garment in tailor(look, who, lines(look, who.at)):
            own = np.arange(len(who.own), dtype=np.int32)
            away = (offsets(shape, who, own, garment.ease) * shape.normals).sum(axis=1)
            assert (away >= garment.ease[own] - 1e-5).all()
            assert garment.ease.min() > 0.001


def test_hems_are_smooth_lines() -> None:
    """No border vertex stands out of the line between those beside it, as it would in a saw-tooth."""
    for gender, seed, skirt in (("male", 0, False), ("female", 1, False), ("neutral", 2, True)):
        body, betas, look = person(gender, seed, skirt)
        bare = look._replace(face=look.face._replace(hair_cover=0.0, scarf_below=-9.0))
        dressed = dress(body, betas, bare, BLANK)
        points = dressed.pose(posed(body, betas, np.zeros((1, 24, 3))))[1][0]
        after = borders(dressed.surfaces[1].faces)
        assert set(after) == set(after.values()), "borders are closed"
        line = np.array([(v, n, after[n]) for v, n in after.items()])
        a, b, c = points[line[:, 0]], points[line[:, 1]], points[line[:, 2]]
        chord = (c - a) / np.maximum(np.linalg.norm(c - a, axis=1, keepdims=True), 1e-9)
        out = (b - a) - ((b - a) * chord).sum(axis=1, keepdims=True) * chord
        assert np.quantile(np.linalg.norm(out, axis=1), 0.98) < 0.003
        assert np.linalg.norm(out, axis=1).max() < 0.012


def test_parts_are_those_of_the_body_beneath() -> None:
    body, _, look = person("female", 4)
    dressed = dress(body, np.zeros(10), look._replace(face=look.face._replace(hair_cover=0.0)), BLANK)
    skin, worn = dressed.pose(posed(body, np.zeros(10), np.zeros((1, 24, 3))))
    surface = dressed.surfaces[1]
    _, nearest = cKDTree(skin[0][body.faces].mean(axis=1)).query(worn[0][surface.faces].mean(axis=1))
    assert (body.face_parts[nearest] == surface.face_parts).mean() > 0.93
    assert 0 < surface.face_parts.min() <= surface.face_parts.max() <= 24


@pytest.mark.parametrize("skirt", [False, True])
def test_clothes_move_rigidly_with_the_root(skirt: bool) -> None:
    body, betas, look = person("neutral", 5, skirt)
    dressed = dress(body, betas, look, BLANK)
    poses = np.repeat(demanding_poses()[-1:], 2, axis=0)
    turn, move = Rotation.from_rotvec([0.3, -1.2, 0.5]), np.array([1.0, 0.4, -2.0])
    poses[1, 0] = (turn * Rotation.from_rotvec(poses[0, 0])).as_rotvec()
    root = body.joints_template[0] + body.joints_shapedirs[0] @ betas
    for still, moved in dressed.pose(posed(body, betas, poses, np.stack([np.zeros(3), move]))):
        np.testing.assert_allclose(moved, turn.apply(still - root) + root + move, atol=2e-5)


def test_the_same_again_and_in_whatever_batch() -> None:
    body, betas, look = person("male", 6)
    poses = demanding_poses()
    one, again = (dress(body, betas, look, BLANK) for _ in range(2))
    for a, b in zip(one.surfaces, again.surfaces, strict=True):
        for name in ("faces", "face_parts", "uv", "uv_faces"):
            assert getattr(a, name).tobytes() == getattr(b, name).tobytes()
    together = one.pose(posed(body, betas, poses))
    for t in range(len(poses)):
        alone = again.pose(posed(body, betas, poses[t : t + 1]))
        for a, b in zip(together, alone, strict=True):
            assert a[t].tobytes() == b[0].tobytes()


def well_formed(dressed: Dressed, vertices: tuple[np.ndarray, ...]) -> None:
    assert len(dressed.surfaces) == len(vertices) <= 3
    for surface, points in zip(dressed.surfaces, vertices, strict=True):
        assert np.isfinite(points).all()
        assert points.dtype == np.float32
        assert 0 <= surface.faces.min() <= surface.faces.max() < points.shape[1]
        assert 0 <= surface.uv_faces.min() <= surface.uv_faces.max() < len(surface.uv)
        assert len(surface.faces) == len(surface.uv_faces) == len(surface.face_parts)
        assert 0 <= surface.uv.min() <= surface.uv.max() <= 1


def test_anybody_can_be_dressed() -> None:
    bodies = np.stack([2 * sign * np.eye(10)[k] for k in range(4) for sign in (-1, 1)])
    for seed, betas in enumerate(bodies):
        body, _, look = person(GENDERS[seed % 3], 20 + seed, skirt=seed % 2 == 1)
        dressed = dress(body, betas, look, worn_texture(body, look, 96))
        well_formed(dressed, dressed.pose(posed(body, betas, demanding_poses()[:2])))


def test_bodies_with_many_shape_directions() -> None:
    """As SMPL's own 300: further directions move clothes as they move the skin."""
    body, betas, look = person("female", 2, skirt=True)
    wide = replace(
        body,
        shapedirs=np.concatenate([body.shapedirs] * 4, axis=2),
        landmarks_shapedirs=np.concatenate([body.landmarks_shapedirs] * 4, axis=2),
    )
    split = np.concatenate([0.5 * betas, np.zeros(20), 0.5 * betas])
    pose = demanding_poses()[-1:]
    plain = dress(body, betas, look, BLANK).pose(posed(body, betas, pose))
    much = dress(wide, split, look, BLANK).pose(posed(wide, split, pose))
    for a, b in zip(plain, much, strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() < 0.02


@pytest.mark.parametrize("gender", ["neutral", "female"])
def test_other_topologies_are_dressed_too(tmp_path: Path, gender: str) -> None:
    body = stranger(tmp_path, gender)
    assert body.posedirs is not None
    look = sample_look(generator(1, "stranger"), mannequin(body).at, gender)
    dressed = dress(body, np.zeros(10), look, worn_texture(body, look, 96))
    assert dressed.painted is None
    bodies = posed(body, np.zeros(10), demanding_poses())
    well_formed(dressed, dressed.pose(bodies))
    seen = [view for frame in (0, 3) for view in views(body, look, dressed, bodies, frame)]
    assert sum(v.poking for v in seen) < 1e-3 * sum(v.cloth for v in seen)


def test_what_is_no_person_is_painted_and_says_why() -> None:
    body = load_body("open", "neutral")
    upside_down = replace(body, v_template=body.v_template * np.array([1, -1, 1], np.float32))
    look = person("neutral", 1)[2]
    texture = worn_texture(upside_down, look, 96)
    dressed = dress(upside_down, np.zeros(10), look, texture)
    assert dressed.painted is not None
    assert "above" in dressed.painted
    (surface,) = dressed.surfaces
    assert texture.levels[0].shape == (96, 96, 3)
    np.testing.assert_array_equal(surface.faces, body.faces)
    (vertices,) = dressed.pose(posed(upside_down, np.zeros(10), np.zeros((1, 24, 3))))
    assert vertices.shape == (1, len(body.v_template), 3)


def test_cloth_has_its_full_colour_up_to_its_edges() -> None:
    """Beside a hem the texture shows the cloth, not the skin or the trousers on the other side of the line."""
    for gender, seed in (("male", 30), ("female", 31), ("neutral", 33)):
        body, betas, look = person(gender, seed)
        o = look.outfit
        cloth = o.top._replace(pattern=PLAIN, weave=0.0, folds=0.0, base=(200.0, 30.0, 40.0))
        o = o._replace(
            top=cloth, trim=cloth.base, logo=0, open_width=0.0, placket=0, sleeve_second=0, glove=0
        )
        o = o._replace(hem=o.waist - 0.1, bottom=o.bottom._replace(pattern=DENIM, base=(30.0, 40.0, 200.0)))
        face = look.face._replace(hair_cover=0.0, scarf_below=-9.0)
        look = look._replace(outfit=o, face=face, fit=look.fit._replace(skirt_bottom=9.0))
        texture = worn_texture(body, look, 384)
        dressed = dress(body, betas, look, texture)
        surface, picture = dressed.surfaces[1], texture.levels[0]
        shirt = surface.faces.max(axis=1) < len(dressed.bound[0].seam)
        first_cut = len(dressed.bound[0].seam.whole)
        at_edge = (surface.faces >= first_cut) & shirt[:, None]
        uv = surface.uv[surface.uv_faces[at_edge]]
        rows = np.clip(((1 - uv[:, 1]) * picture.shape[0]).astype(int), 0, picture.shape[0] - 1)
        columns = np.clip((uv[:, 0] * picture.shape[1]).astype(int), 0, picture.shape[1] - 1)
        seen = picture[rows, columns].astype(float)
        red = (seen[:, 0] > 2.5 * seen[:, 1]) & (seen[:, 0] > 2.5 * seen[:, 2])
        assert len(red) > 200
        assert red.mean() > 0.97
