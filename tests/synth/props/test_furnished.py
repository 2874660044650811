"""Things keep out of furniture that is painted behind the people, and out of its shadow from the camera."""

from __future__ import annotations

import numpy as np
import pytest
from crowds import standing

from posecorpus.core.cameras import Camera
from posecorpus.synth.appearance.rooms import plan_around
from posecorpus.synth.config import PropsConfig
from posecorpus.synth.ground import Ground
from posecorpus.synth.props import NOTHING, Furnished, draw_props, furnished, place_prop, prop_surface
from posecorpus.synth.scene import Prop

GROUND = Ground(np.array([[-5.0, -8.0], [5.0, -8.0], [5.0, 1.0], [-5.0, 1.0]]))
EVERYWHERE = PropsConfig(in_front=(1, 1), beside=(4, 4))


def _room(seed: int) -> tuple[Camera, Furnished, np.ndarray, np.ndarray]:
    """A camera, its room, and what takes the world to the room's frame: a turn and where its origin is."""
    rng = np.random.default_rng(seed)
    eye = np.array([rng.uniform(-1, 1), 1.5, 3.0])
    camera = Camera.look_at(eye, (rng.uniform(-1, 1), 0.9, -1.0), 300, 320, 240)
    plan = plan_around(camera, rng, np.array([[0.0, 0.9, -1.0], [0.8, 0.9, -2.0]]))
    return camera, furnished(plan, camera.centre), plan.turn, camera.centre * (1, 0, 1)


def _points(prop: Prop) -> np.ndarray:
    """(N, 3) corners of a thing's faces and their middles."""
    surface, vertices = prop_surface(prop)
    world = place_prop(prop, vertices).astype(float)
    return np.concatenate([world, world[surface.faces].mean(1)])


def _cut(eye: np.ndarray, points: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(N,) whether lines of sight pass through boxes, by many points along each."""
    along = eye + np.linspace(0, 1, 400)[:, None, None] * (points - eye)
    return np.array(
        [((along > box[0] + 1e-3) & (along < box[1] - 1e-3)).all(-1).any(0) for box in boxes]
    ).any(0)


def test_boxes_and_walls_are_where_the_picture_has_them() -> None:
    count = 0
    for seed in range(20):
        _, room, turn, origin = _room(seed)
        for box, (x, z, yaw, half_x, half_z) in zip(room.boxes, room.footprints, strict=True):
            c, s = np.cos(yaw), np.sin(yaw)
            for dx, dz in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                a, b = dx * half_x, dz * half_z
                at = turn @ (np.array([x + c * a + s * b, 0.0, z - s * a + c * b]) - origin)
                corner = [box[int(dx > 0), 0], box[int(dz > 0), 2]]
                np.testing.assert_allclose(at[[0, 2]], corner, atol=1e-6)
            count += 1
        points = np.random.default_rng(seed).uniform(-9, 9, (200, 2))
        x, _, z = turn @ (np.insert(points, 1, 0.0, axis=1) - origin).T
        inside = (x > room.low[0]) & (x < room.high[0]) & (z > room.low[1]) & (z < room.high[1])
        np.testing.assert_array_equal(room.has(points), inside)
    assert count > 30


def test_what_is_behind_a_box_is_covered() -> None:
    verdicts = []
    for seed in range(30):
        camera, room, turn, origin = _room(seed)
        rng = np.random.default_rng(seed)
        for _ in range(10):
            spots = rng.uniform((-4, 0, -6), (4, 2, 1), (5, 3))
            eye, points = (turn @ (camera.centre - origin)), (spots - origin) @ turn.T
            cut = bool(len(room.boxes)) and bool(_cut(eye, points, room.boxes).any())
            verdicts.append((cut, room.covers(spots, camera.centre)))
    got = np.array(verdicts)
    # The oracle looks at points along the lines: it may miss a corner that a line only grazes.
    assert (got[:, 0] <= got[:, 1]).all() and (got[:, 0] == got[:, 1]).mean() > 0.97
    assert 0.05 < got[:, 1].mean() < 0.95


@pytest.mark.parametrize("known", [True, False])
def test_nothing_stands_in_painted_furniture_nor_behind_it_nor_beyond_a_wall(known: bool) -> None:
    """Where the room is not told, things do all of it: the rule has something to decide."""
    wrong = total = 0
    for seed in range(16):
        camera, room, turn, origin = _room(seed)
        people = [standing(0.0, -1.0), standing(0.8, -2.0)]
        props = draw_props(
            EVERYWHERE, np.random.default_rng(seed), camera, GROUND, people,
            furnished=room if known else NOTHING,
        )  # fmt: skip
        eye = turn @ (camera.centre - origin)
        for prop in props:
            points = (_points(prop) - origin) @ turn.T
            x, z = points[:, 0], points[:, 2]
            # Leaves of plants may hang a little over their box.
            beyond = (x < room.low[0] - 0.02) | (x > room.high[0] + 0.02)
            beyond |= (z < room.low[1] - 0.02) | (z > room.high[1] + 0.02)
            hidden = (
                _cut(eye, points[:: max(1, len(points) // 60)], room.boxes) if len(room.boxes) else beyond
            )
            total += 1
            wrong += bool(beyond.any() or hidden.any())
    assert wrong == 0 if known else wrong > 5
    assert total > 40


def test_what_is_held_and_sat_on_is_fitted_to_the_whole_body() -> None:
    """Coarse bodies give the same things in hands and under sitters as whole ones."""
    from crowds import sitting

    from posecorpus.synth.bodies.skinning import Posed

    camera, config = _room(0)[0], PropsConfig(held_probability=1.0, seat_probability=1.0)
    found = 0
    for seed in range(12):
        whole = sitting(np.random.default_rng(seed))
        coarse = Posed(whole.vertices[:, ::5], whole.landmarks, whole.transforms)
        asked: list[int] = []

        def closely(person: int, asked: list[int] = asked, whole: Posed = whole) -> Posed:
            asked.append(person)
            return whole

        plain, fitted = (
            draw_props(config, np.random.default_rng(seed), camera, GROUND, people, closely=of)
            for people, of in (([whole], None), ([coarse], closely))
        )
        assert plain == fitted and asked == [0]
        found += len(fitted)
    assert found > 12
