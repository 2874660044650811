"""Where props go: they hide who they should, touch whom they should, and stand in nobody."""

from __future__ import annotations

import numpy as np
import pytest
from crowds import BODY, posed, sitting, standing
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from posecorpus.core.cameras import Camera
from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.bodies.skinning import Posed, vertex_normals
from posecorpus.synth.config import PropsConfig
from posecorpus.synth.crowd import intersect
from posecorpus.synth.ground import Ground
from posecorpus.synth.props import KINDS, draw_props, place_prop, prop_surface
from posecorpus.synth.props.catalogue import design_of
from posecorpus.synth.props.floor import MOST_OF_PICTURE
from posecorpus.synth.props.seating import SEAT_SHARE
from posecorpus.synth.props.seats import sits
from posecorpus.synth.raster.engine import render
from posecorpus.synth.rotations import from_axis_angle
from posecorpus.synth.scene import Mesh, Prop, Texture

GROUND = Ground(np.array([[-4.0, -4.0], [4.0, -4.0], [4.0, 4.0], [-4.0, 4.0]]))
CAMERA = Camera.look_at((0.3, 1.5, 5.0), (0, 0.9, 0), 330, 320, 240)
GREY = Texture((np.full((1, 1, 3), 128, np.uint8),))
EVERYTHING = PropsConfig(in_front=(1, 3), beside=(1, 3), held_probability=0.7, seat_probability=1.0)


def _crowd(seed: int, frames: int = 1) -> list[Posed]:
    rng = np.random.default_rng(seed)
    spots = np.array([[-1.2, 0.2], [0.1, -0.6], [1.3, 0.4]]) + rng.uniform(-0.2, 0.2, (3, 2))
    return [standing(x, z, rng.uniform(-3, 3), frames) for x, z in spots]


def _draw(seed: int, config: PropsConfig, people: list[Posed]) -> tuple[Prop, ...]:
    return draw_props(config, np.random.default_rng(seed), CAMERA, GROUND, people)


def _world(
    prop: Prop, people: list[Posed], frame: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(3, 3) and (3,) that take the prop's frame to the world."""
    R, t = from_axis_angle(prop.rotation), np.array(prop.position)
    if prop.held_by is not None:
        person, joint = prop.held_by
        transform = people[person].transforms[frame, SMPL_24.index(joint)].astype(float)
        R, t = transform[:, :3] @ R, transform[:, :3] @ t + transform[:, 3]
    return R, t


def _inside(
    prop: Prop, people: list[Posed], person: int, frame: int, grown: float = 0.0
) -> NDArray[np.bool_]:
    """(V,) which vertices of a person are in the solids of a prop."""
    R, t = _world(prop, people, frame)
    local = (people[person].vertices[frame].astype(float) - t) @ R
    solids = design_of(prop.kind, prop.seed).solids_at(prop.size)
    low, high = solids[:, 0] - grown, solids[:, 1] + grown
    return np.array(((local[:, None] > low) & (local[:, None] < high)).all(-1).any(-1))


def _pixels(people: list[Posed], props: tuple[Prop, ...]) -> NDArray[np.int64]:
    """(P,) pixels that show each person."""
    meshes = []
    for prop in props:
        surface, vertices = prop_surface(prop)
        R, t = _world(prop, people)
        world = (vertices @ R.T + t).astype(np.float32)
        meshes.append(
            Mesh(
                world,
                world,
                vertex_normals(world, surface.faces),
                surface.faces,
                surface.face_parts,
                0,
                surface.uv,
                surface.uv_faces,
                surface.texture,
                surface.double_sided,
            )
        )
    for i, person in enumerate(people):
        v = person.vertices[0]
        normals = vertex_normals(v, BODY.faces)
        meshes.append(Mesh(v, v, normals, BODY.faces, BODY.face_parts, i + 1, BODY.uv, BODY.uv_faces, GREY))
    frame = render(meshes, CAMERA, np.ones((9, 3), np.float32), np.zeros((240, 320, 3), np.uint8))
    return np.bincount(frame.instances.ravel(), minlength=len(people) + 1)[1:]


def test_nothing_is_drawn_by_default() -> None:
    assert _draw(0, PropsConfig(), _crowd(0)) == ()


def test_what_stands_in_front_hides_a_part_of_somebody() -> None:
    drawn, shares = 0, []
    for seed in range(20):
        people = _crowd(seed)
        props = _draw(seed, PropsConfig(in_front=(1, 1)), people)
        drawn += len(props)
        if props:
            shares.append(1 - _pixels(people, props) / _pixels(people, ()))
    most = np.max(shares, axis=1)
    assert drawn >= 18
    # The draw counts vertices, this counts pixels, and round things are taken for boxes.
    assert (most > 0.05).all() and (most < 0.8).all() and np.median(most) > 0.12


def test_several_in_front_leave_something_of_everybody() -> None:
    for seed in range(8):
        people = _crowd(seed)
        props = _draw(seed, PropsConfig(in_front=(4, 4)), people)
        assert (_pixels(people, props) > 0.1 * _pixels(people, ())).all()


def test_nothing_on_the_floor_fills_the_picture() -> None:
    most = []
    for seed in range(25):
        for prop in _draw(seed, PropsConfig(in_front=(2, 2), beside=(1, 1)), _crowd(seed)):
            R, t = _world(prop, [])
            pixels = CAMERA.project(prop_surface(prop)[1] @ R.T + t)[0]
            low, high = np.clip([pixels.min(0), pixels.max(0)], 0, (CAMERA.width, CAMERA.height))
            most.append((high - low).prod() / (CAMERA.width * CAMERA.height))
    assert max(most) < MOST_OF_PICTURE + 1e-3 and np.median(most) > 0.02


def test_nothing_stands_in_anybody_at_any_frame() -> None:
    kinds = set()
    for seed in range(14):
        people = _crowd(seed, frames=2)
        for person in people:  # a step to the side in the second frame
            person.vertices[1] += (0.3, 0, 0)
            person.landmarks[1] += (0.3, 0, 0)
            person.transforms[1, :, :, 3] += (0.3, 0, 0)
        for prop in _draw(seed, EVERYTHING, people):
            kinds.add(prop.kind)
            for i in range(len(people)):
                for frame in (0, 1):
                    inside = _inside(prop, people, i, frame)
                    if prop.held_by is not None and prop.held_by[0] == i:
                        joint = people[i].landmarks[frame, SMPL_24.index(prop.held_by[1])]
                        inside &= np.linalg.norm(people[i].vertices[frame] - joint, axis=1) > 0.25
                    assert not inside.any(), (seed, prop)
    assert len(kinds) > 12


def test_things_on_the_floor_stand_on_the_ground_and_not_in_each_other() -> None:
    small = Ground(np.array([[-2.5, -2.0], [2.5, -2.0], [2.5, 2.5], [-2.5, 2.5]]))
    for seed in range(20):
        props = draw_props(EVERYTHING, np.random.default_rng(seed), CAMERA, small, _crowd(seed))
        boxes = []
        for prop in props:
            if prop.held_by is not None:
                continue
            surface, vertices = prop_surface(prop)
            del surface
            world = place_prop(prop, vertices)
            assert abs(world[:, 1].min()) < 1e-5 and prop.position[1] == 0
            pixels, _ = CAMERA.project(world[world[:, 1] < 1e-3])
            on_ground = small.contains(world[:, [0, 2]] * 0.98)
            assert on_ground.all() or (pixels[:, 1] > CAMERA.height).all()
            boxes.append(world)
        for i, one in enumerate(boxes):
            for other in boxes[:i]:
                gap = np.maximum(one.min(0) - other.max(0), other.min(0) - one.max(0)).max()
                # Boxes along the world's axes may overlap where turned ones do not; the middles never do.
                assert gap > 0 or np.linalg.norm((one.mean(0) - other.mean(0))[[0, 2]]) > 0.1


@pytest.mark.parametrize("side", ["l", "r"])
def test_held_things_touch_the_palm_and_move_with_the_hand(side: str) -> None:
    seen = set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        turns = {
            f"{s}_{joint}": tuple(rng.normal(0, 0.5, 3))
            for s in "lr"
            for joint in ("shoulder", "elbow", "wrist")
        }
        person = posed(turns, frames=2)
        person.transforms[1, :, :, 3] += (0, 0.1, 0.2)
        person.vertices[1] += (0, 0.1, 0.2)
        person.landmarks[1] += (0, 0.1, 0.2)
        for prop in _draw(seed, PropsConfig(held_probability=1.0), [person]):
            assert prop.held_by is not None and prop.held_by[0] == 0
            joint = prop.held_by[1]
            if joint[0] != side:
                continue
            seen.add(prop.kind)
            j, w = SMPL_24.index(joint), SMPL_24.index(f"{side}_wrist")
            surface, vertices = prop_surface(prop)
            now, after = (place_prop(prop, vertices, person.transforms[t, j]) for t in (0, 1))
            assert np.allclose(after - now, (0, 0.1, 0.2), atol=1e-5)
            hand = person.vertices[0]
            middle = person.landmarks[0, [w, j]].mean(0)
            hand = hand[np.linalg.norm(hand - middle, axis=1) < 0.09]
            gap = cKDTree(hand).query(_spread(now, surface.faces))[0].min()
            assert gap < 0.015, (seed, prop)
            assert now[:, 1].min() > 0
    assert len(seen) >= 6


def _spread(vertices: NDArray[np.float32], faces: NDArray[np.int32]) -> NDArray[np.float64]:
    """Points all over a surface: corners, and a grid on large faces."""
    corners = vertices[faces].astype(float)
    weights = np.array([(i, j, 6 - i - j) for i in range(7) for j in range(7 - i)]) / 6
    points = np.einsum("wk,fkc->fwc", weights, corners)
    large = np.linalg.norm(np.ptp(corners, axis=1), axis=1) > 0.02
    return np.concatenate([points[large].reshape(-1, 3), vertices.astype(float)])


def test_bags_hang_and_umbrellas_point_up() -> None:
    found = set()
    for seed in range(100):
        rng = np.random.default_rng(seed)
        turns = {
            f"{s}_{joint}": tuple(rng.normal(0, 0.6, 3)) for s in "lr" for joint in ("shoulder", "elbow")
        }
        person = posed(turns)
        for prop in _draw(seed, PropsConfig(held_probability=1.0), [person]):
            if prop.kind in ("bag", "umbrella"):
                found.add(prop.kind)
                R, _ = _world(prop, [person])
                assert R[1, 1] > np.cos(np.radians(35.1))
    assert found == {"bag", "umbrella"}


def test_who_sits_gets_a_seat_of_exactly_the_right_height() -> None:
    kinds = []
    for seed in range(40):
        person = sitting(np.random.default_rng(seed))
        assert sits(person)
        props = _draw(seed, PropsConfig(seat_probability=1.0), [person])
        if not props:
            continue
        (prop,) = props
        kinds.append(prop.kind)
        top = prop.size[1] * SEAT_SHARE[prop.kind]
        R, t = _world(prop, [person])
        local = (person.vertices[0] - t) @ R
        over = (np.abs(local[:, [0, 2]]) < np.array(prop.size)[[0, 2]] / 2).all(1) & (
            np.abs(local[:, 1] - top) < 0.1
        )
        lowest = local[over, 1].min()
        assert -0.013 < lowest - top < 0.001  # it gives by at most a centimetre, and nobody hovers
        knees = (person.landmarks[0, [SMPL_24.index("l_knee"), SMPL_24.index("r_knee")]] - t) @ R
        assert (knees[:, 2] > prop.size[2] / 2 - 0.06).all()  # it ends behind the shins
        assert not _inside(prop, [person], 0, 0, grown=-0.013).any()
    assert len(kinds) > 34 and len(set(kinds)) >= 5


def test_who_stands_gets_no_seat() -> None:
    assert not sits(standing())
    assert _draw(0, PropsConfig(seat_probability=1.0), _crowd(0)) == ()
    kneeling = posed({"l_knee": (1.6, 0, 0), "r_knee": (1.6, 0, 0)})
    assert not sits(kneeling)


def test_a_sitter_who_gets_up_gets_no_seat() -> None:
    person = sitting(np.random.default_rng(0))
    up = standing()
    both = Posed(
        *(
            np.concatenate([getattr(p, n) for p in (person, up)])
            for n in ("vertices", "landmarks", "transforms")
        )
    )
    assert not sits(both)


def test_same_generator_same_props_and_roles_do_not_disturb_each_other() -> None:
    people = _crowd(3)
    once, again = (_draw(5, EVERYTHING, people) for _ in range(2))
    assert once == again and len(once) > 2
    fewer = EVERYTHING.model_copy(update={"beside": (0, 0)})
    assert once[: len(_draw(5, fewer, people))] == _draw(5, fewer, people)
    assert _draw(6, EVERYTHING, people) != once


def test_there_is_no_room_in_a_crowd_and_none_without_ground() -> None:
    nowhere = Ground(np.array([[50.0, 50.0], [50.1, 50.0], [50.1, 50.1]]))
    assert draw_props(EVERYTHING, np.random.default_rng(0), CAMERA, nowhere, []) == ()


def test_a_users_meshes_stand_around_too(tmp_path: object) -> None:
    import trimesh

    path = f"{tmp_path}/box.stl"
    trimesh.creation.box((0.5, 0.8, 0.4)).export(path)
    found = [
        prop
        for seed in range(10)
        for prop in draw_props(
            PropsConfig(in_front=(1, 1), beside=(1, 1)),
            np.random.default_rng(seed),
            CAMERA,
            GROUND,
            _crowd(seed),
            [path],
        )
    ]
    own = [prop for prop in found if prop.kind == path]
    assert 4 < len(own) < len(found) and {p.kind for p in found} - {path} <= set(KINDS)
    assert np.allclose(own[0].size, (0.5, 0.8, 0.4), atol=1e-5)


def test_no_mesh_of_a_prop_meets_the_mesh_of_a_person_it_does_not_touch() -> None:
    pairs = 0
    for seed in range(8):
        people = _crowd(seed)
        for prop in _draw(seed, EVERYTHING, people):
            surface, vertices = prop_surface(prop)
            R, t = _world(prop, people)
            world = vertices @ R.T + t
            for i, person in enumerate(people):
                if prop.held_by is None or prop.held_by[0] != i:
                    pairs += 1
                    assert not intersect(person.vertices[0], BODY.faces, world, surface.faces), prop
    assert pairs > 60


def test_an_empty_place_and_people_out_of_sight() -> None:
    config = PropsConfig(in_front=(2, 2), beside=(2, 2), held_probability=1.0, seat_probability=1.0)
    assert len(draw_props(config, np.random.default_rng(1), CAMERA, GROUND, [])) == 2
    behind = [standing(0.0, 8.0)]  # three metres behind the camera
    props = draw_props(config, np.random.default_rng(1), CAMERA, GROUND, behind)
    assert sum(prop.held_by is None for prop in props) == 2
