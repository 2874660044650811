"""Sites: cameras, ground and light of rooms and photos, against planted geometry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posecorpus.core.cameras import Camera
from posecorpus.synth.config import ImageConfig, LightConfig, PlaceConfig
from posecorpus.synth.places import PhotoPlate, Site, draw_site, light_site, paint_site
from posecorpus.synth.places.photo_light import THUMBNAIL, photo_light
from posecorpus.synth.places.room_light import HARDNESS
from posecorpus.synth.places.site import camera_over_floor, ground_ahead, photo_camera
from posecorpus.synth.raster.light import sh_basis

IMAGE = ImageConfig(size=(160, 120), focal_px=300)
LIGHT = LightConfig(c0=(0.5, 1.4), c1=(-0.7, 0), c2_to_c8=(-0.7, 0.7))
ROOM = PlaceConfig(kind="room")


def people_on(site: Site, count: int = 3) -> np.ndarray:
    at = site.ground.sample(np.random.default_rng(5), count)
    return np.column_stack([at[:, 0], np.full(count, 0.9), at[:, 1]])


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_rooms_are_seen_as_configured(seed: int) -> None:
    site = draw_site(ROOM, IMAGE, np.random.default_rng(seed), ())
    camera = site.camera
    assert ROOM.camera_height_m[0] <= camera.centre[1] <= ROOM.camera_height_m[1]
    pitch = -np.degrees(np.arcsin(camera.R[2, 1]))
    assert ROOM.pitch_deg[0] - 1e-9 <= pitch <= ROOM.pitch_deg[1] + 1e-9
    hfov = 2 * np.degrees(np.arctan(80 / camera.K[0, 0]))
    assert ROOM.hfov_deg[0] <= hfov <= ROOM.hfov_deg[1]
    on = site.ground.sample(np.random.default_rng(seed), 200)
    away = np.linalg.norm(on - camera.centre[[0, 2]], axis=1)
    assert away.min() >= ROOM.reach_m[0] - 1e-6
    chests, depth = camera.project(np.column_stack([on[:, 0], np.full(200, 1.2), on[:, 1]]))
    assert (depth > 0).all()
    # Chests are in the picture but for what roll and the frustum's slope move.
    inside = (chests > -8).all(1) & (chests < (168, 128)).all(1)
    assert inside.mean() > 0.9


def test_draws_repeat_and_background_rebuilds_the_picture() -> None:
    one, two = (draw_site(ROOM, IMAGE, np.random.default_rng(3), ()) for _ in range(2))
    people = people_on(one)
    np.testing.assert_array_equal(one.camera.K, two.camera.K)
    for a, b in zip(
        paint_site(one.background, one.camera, people),
        paint_site(two.background, two.camera, people),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_the_floor_of_a_room_ends_at_its_horizon_and_reaches_the_people() -> None:
    site = draw_site(
        ROOM.model_copy(update={"pitch_deg": (8, 8), "roll_deg": (0, 0)}), IMAGE, np.random.default_rng(1), ()
    )
    people = people_on(site)
    floor = paint_site(site.background, site.camera, people)[1]
    horizon = 60 - site.camera.K[1, 1] * np.tan(np.radians(8))
    assert (floor[: int(horizon)] == 0).all()
    feet, _ = site.camera.project(people * (1, 0, 1))
    for x, y in feet[((feet > 2) & (feet < (158, 118))).all(1)].astype(int):
        assert floor[y, x] == 255  # nothing of the room stands on or before people


@settings(max_examples=40)
@given(st.floats(100, 500), st.floats(-8, 8), st.floats(300, 2000), st.floats(0.5, 3), st.integers(0, 100))
def test_the_camera_of_a_photo_has_its_horizon(
    horizon: float, roll: float, focal: float, height: float, seed: int
) -> None:
    plate = PhotoPlate("x", 800, 600, horizon, roll, focal, 500, 0, 800)
    camera = photo_camera(plate, height)
    assert camera.centre == pytest.approx([0, height, 0], abs=1e-9)
    far = 1e7 * np.array([[np.sin(a), 0, -np.cos(a)] for a in (-0.1, 0.0, 0.1)])
    x, y = camera.project(far)[0].T
    np.testing.assert_allclose(y, horizon + np.tan(np.radians(roll)) * (x - 400), atol=0.01)


@pytest.fixture
def photo(tmp_path: Path) -> str:
    """Sky over a plain whose horizon is at row 200 of 480, brighter to the right."""
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[:200], picture[200:] = (235, 200, 170), (60, 110, 120)  # BGR
    picture = (picture * np.linspace(0.5, 1, 640)[None, :, None]).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "plain.png"), picture)
    return str(tmp_path / "plain.png")


def plain(photo: str) -> PhotoPlate:
    return PhotoPlate(photo, 640, 480, 200, 0, 600, 230, 0, 640, 1.6)


def test_windows_of_photos_keep_the_horizon_where_the_camera_has_it(photo: str) -> None:
    config = PlaceConfig(kind="photo")
    mirrored = set()
    for seed in range(12):
        site = draw_site(config, IMAGE, np.random.default_rng(seed), [plain(photo)])
        picture, floor = paint_site(site.background, site.camera, np.zeros((1, 3)))
        row = site.camera.project((0.0, 0.0, -1e7))[0][1]
        edge = np.abs(np.diff(picture[:, 80, 0].astype(int))).argmax() + 1
        assert edge == pytest.approx(row, abs=1.01)
        assert (floor[: max(int(row), 0)] == 0).all() and (floor[int(row) + 12 :] == 255).all()
        assert site.camera.centre[1] == pytest.approx(1.6)
        assert site.background.window is not None
        mirrored.add(site.background.window[0] > site.background.window[2])
        brighter = picture[:, 100:].mean() > picture[:, :60].mean()
        assert brighter != (site.background.window[0] > site.background.window[2])
    assert mirrored == {False, True}


def test_windows_of_tall_photos_hold_horizon_and_ground(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "tall.png"), np.full((900, 500, 3), 120, np.uint8))
    plate = PhotoPlate(str(tmp_path / "tall.png"), 500, 900, 400, 0, 800, 600, 100, 400)
    for seed in range(30):
        site = draw_site(PlaceConfig(kind="photo"), IMAGE, np.random.default_rng(seed), [plate])
        assert site.background.window is not None
        left, top, right, bottom = site.background.window
        assert min(left, right) >= 0 and max(left, right) <= 500 and 0 <= top < bottom <= 900
        assert top + 0.1 * (bottom - top) <= 400
        assert min(left, right) < 250 < max(left, right)  # the middle of the ground
        # What the photo shows between its columns is where people may stand.
        feet = site.camera.project(np.insert(site.ground.corners, 1, 0.0, axis=1))[0][:, 0]
        shown = left + feet * (right - left) / 160
        assert shown.min() >= 100 - 1 and shown.max() <= 400 + 1


def test_people_in_a_photo_are_lit_from_its_brighter_side_and_in_its_colour(photo: str) -> None:
    config = PlaceConfig(kind="photo")
    right, left = [], []
    for seed in range(20):
        site = draw_site(config, IMAGE, np.random.default_rng(seed), [plain(photo)])
        light, shadow = light_site(site, np.array([[0, 0.9, -4.0]]), np.random.default_rng(seed), LIGHT)
        sides = sh_basis([[1.0, 0, 0], [-1.0, 0, 0]]) @ light
        assert site.background.window is not None
        if site.background.window[0] > site.background.window[2]:
            sides = sides[::-1]
        right.append(sides[0].mean())
        left.append(sides[1].mean())
        assert shadow is not None and shadow.towards[1] > 0.2
        assert np.linalg.norm(shadow.towards) == pytest.approx(1)
    assert np.mean(right) > np.mean(left)


def test_dark_photos_give_dark_people(tmp_path: Path) -> None:
    means = []
    for level in (40, 110, 200):
        path = str(tmp_path / f"{level}.png")
        cv2.imwrite(path, np.full((480, 640, 3), level, np.uint8))
        site = draw_site(PlaceConfig(kind="photo"), IMAGE, np.random.default_rng(0), [plain(path)])
        light, _ = light_site(site, np.array([[0, 0.9, -4.0]]), np.random.default_rng(0), LIGHT)
        means.append(float((sh_basis([0.0, 0, -1]) @ light).mean()))
    assert means[0] < 0.75 * means[1] and means[1] < 0.75 * means[2]


def test_a_bright_sky_lights_people_from_behind_and_no_more_than_the_ground_says() -> None:
    """Two photos that differ above the ground alone: a wall as dark as the ground, and a sky."""
    camera = camera_over_floor(1.5, 0.0, 0.0, np.array([[90, 0, 48], [0, 90, 48], [0, 0, 1]]), 96, 96)
    wall = np.full((THUMBNAIL, THUMBNAIL, 3), 90, np.uint8)
    sky = wall.copy()
    sky[: THUMBNAIL // 3] = 250
    facing, lit = [], []
    for picture in (wall, sky):
        lights = [photo_light(picture, camera, np.random.default_rng(seed)) for seed in range(40)]
        facing.append(np.mean([light.lamps[0].towards @ -camera.R[2] for light in lights]))
        lit.append(np.mean([(sh_basis([0.0, 0, -1]) @ light.harmonics(camera.R)).mean() for light in lights]))
    assert facing[0] > 0.2 and abs(facing[1]) < 0.15  # from the camera's side; from neither
    assert lit[0] < lit[1] < 2.2 * lit[0]  # the mean of the whole picture is 4 times as bright


def test_people_in_a_room_are_lit_as_it_is() -> None:
    """On average over surfaces, within a fifth or so of the level at which the room shows its surfaces."""
    from posecorpus.synth.appearance.rooms import plan_around

    for seed in range(10):
        site = draw_site(ROOM, IMAGE, np.random.default_rng(seed), ())
        people = people_on(site)
        light, shadow = light_site(site, people, np.random.default_rng(seed), LIGHT)
        plan = plan_around(site.camera, np.random.default_rng(site.background.seed), people)
        ambient = float(plan.light["ambient"][0])
        most = ambient + float(plan.light["power_a"][0] + plan.light["power_b"][0])
        assert 0.7 * ambient**2.2 < light[0].mean() < 1.3 * most**2.2
        tint = np.array([plan.light["tint"][c][0] for c in "rgb"]) ** 2.2
        np.testing.assert_allclose(light[0] / light[0].mean(), tint / tint.mean(), atol=0.08)
        up = sh_basis(site.camera.R @ (0.0, 1.0, 0.0)) @ light
        assert (up > sh_basis(site.camera.R @ (0.0, -1.0, 0.0)) @ light).all()
        assert shadow is not None and ROOM.shadow[0] <= shadow.strength / HARDNESS <= ROOM.shadow[1]


def test_light_may_be_drawn_as_surreal_does_and_shadows_left_out() -> None:
    site = draw_site(ROOM, IMAGE, np.random.default_rng(0), ())
    people = people_on(site)
    plain_light, shadow = light_site(
        replace(site, match_light=False, shadow=0.0), people, np.random.default_rng(1), LIGHT
    )
    assert shadow is None
    np.testing.assert_array_equal(plain_light[:, 0], plain_light[:, 2])
    assert (np.abs(plain_light[2:]) <= 0.7).all()


@settings(max_examples=50)
@given(st.floats(0.5, 3), st.floats(-0.3, 0.5), st.floats(20, 90), st.integers(0, 1000))
def test_ground_lies_between_its_distances_and_sides(
    height: float, pitch: float, fov: float, seed: int
) -> None:
    focal = 80 / np.tan(np.radians(fov) / 2)
    K = np.array([[focal, 0, 80], [0, focal, 60], [0, 0, 1]])
    camera = camera_over_floor(height, pitch, 0.0, K, 160, 120)
    ground = ground_ahead(camera, 1.0, 10.0, (40.0, 120.0))
    on = ground.sample(np.random.default_rng(seed), 100)
    assert (-on[:, 1] <= 10 + 1e-9).all() and (-on[:, 1] >= 1 - 1e-9).all()
    level = Camera(K, camera_over_floor(height, 0.0, 0.0, K, 160, 120).R, camera.t, 160, 120)
    assert ground.contains(on).all()
    x = level.K[0, 0] * on[:, 0] / -on[:, 1]
    assert (np.abs(x) <= 40 / np.cos(pitch) + 1e-6).all()
