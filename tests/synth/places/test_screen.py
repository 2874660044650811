"""Screening: drawn scenes with known cameras, real photos against a table made by hand, sidecar files."""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.synth.appearance.photos import find_photos
from posecorpus.synth.appearance.rooms import room
from posecorpus.synth.places import PhotoPlate, Stated, count_reasons, read_sidecar, screen_photos
from posecorpus.synth.places.ground_cues import GroundCue, find_ground, find_sky
from posecorpus.synth.places.horizon import find_horizon
from posecorpus.synth.places.screen import brightened
from posecorpus.synth.places.site import camera_over_floor

GROUND = {6, 11, 17, 32, 34}
"""Photos of ``coco_no_person.zip``, in order, with level ground that people could stand on. Looked at one by one."""

ARGUABLE = {0, 10, 22, 39, 43, 46, 50}
"""Kitchens with a strip of floor, an advertisement's drawn kitchen, littered rooms and the like."""

FOCAL = 480 / 360 / 2 / math.tan(math.radians(27.5))
"""Of the drawn meadow, as a share of its height."""


def room_camera(pitch_deg: float, roll_deg: float, heading_deg: float) -> Camera:
    focal = 240 / math.tan(math.radians(27.5))
    K = np.array([[focal, 0, 240], [0, focal, 180], [0, 0, 1]])
    camera = camera_over_floor(1.5, math.radians(pitch_deg), math.radians(roll_deg), K, 480, 360)
    c, s = math.cos(math.radians(heading_deg)), math.sin(math.radians(heading_deg))
    R = camera.R @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return Camera(K, R, -R @ (0, 1.5, 0), 480, 360)


def test_the_horizon_of_drawn_rooms_is_found() -> None:
    rng = np.random.default_rng(0)
    wrong = []
    for seed in range(20):
        pitch, roll = rng.uniform(-8, 20), rng.uniform(-3, 3)
        camera = room_camera(pitch, roll, rng.uniform(0, 360))
        picture = room(camera, np.random.default_rng(seed))
        grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
        found = find_horizon(grey, camera.K[0, 0])
        assert found is not None
        wrong.append((math.degrees(found.pitch) - pitch, math.degrees(found.roll) - roll))
    off = np.abs(wrong)
    assert np.median(off[:, 0]) < 1.5 and np.median(off[:, 1]) < 1.2
    assert (off[:, 0] < 4).mean() >= 0.8


def test_noise_has_no_horizon() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (360, 480)).astype(np.uint8)
    found = find_horizon(noise, 460)
    assert found is None or found.margin < 0.1
    assert find_horizon(np.zeros((360, 480), np.uint8), 460) is None


def field(rows: int = 360, columns: int = 480, horizon: int = 150) -> np.ndarray:
    """A meadow with fine grass under a blue sky."""
    rng = np.random.default_rng(0)
    picture = np.empty((rows, columns, 3))
    picture[:horizon], picture[horizon:] = (150, 190, 240), (90, 130, 60)
    picture[horizon:] += rng.normal(0, 25, (rows - horizon, columns, 1))
    return np.asarray(picture.clip(0, 255), np.uint8)


def save(path: Path, picture: np.ndarray) -> str:
    cv2.imwrite(str(path), picture[..., ::-1])
    return str(path)


def test_sky_and_ground_of_a_meadow() -> None:
    picture = field()
    sky, ground = find_sky(picture), find_ground(picture)
    assert sky.lower_edge == pytest.approx(150 / 360, abs=0.02) and sky.roughness < 0.01 and sky.width == 1
    assert ground.heights[1] == pytest.approx(210 / 360, abs=0.03) and ground.width == 1
    left, right, height = ground.clear(150 / 360, FOCAL, reach=10)
    assert right - left > 0.9 and height == pytest.approx(210 / 360 - FOCAL / 10, abs=0.02)


def test_ground_ends_at_what_stands_on_it() -> None:
    picture = field()
    picture[100:300, 300:] = (200, 40, 40)  # a red barn; its foot is 60 rows above the lower edge
    left, right, height = find_ground(picture).clear(150 / 360, FOCAL, reach=30)
    assert left < 0.02 and right == pytest.approx(300 / 480, abs=0.03)
    assert height == pytest.approx(210 / 360 - FOCAL / 30, abs=0.05)


def test_ground_ends_at_the_feet_of_what_stands_on_it_in_its_colour() -> None:
    posts = np.array([[120.0, 100, 122, 250], [300, 320, 300, 80]])  # x0, y0, x1, y1, either end first
    bare, cut = find_ground(field()), find_ground(field(), posts)
    blocked = np.flatnonzero(bare.profile - cut.profile > 0.05) * 2
    for x, foot in ((122, 250), (300, 320)):
        near = blocked[np.abs(blocked - x) < 60]
        assert near.min() == pytest.approx(x - 0.06 * 480, abs=4)
        assert near.max() == pytest.approx(x + 0.06 * 480, abs=4)
        assert cut.profile[x // 2] == pytest.approx(1 - foot / 360, abs=0.01)
    untouched = np.setdiff1d(np.arange(240), blocked // 2)
    assert len(untouched) == pytest.approx(240 * (1 - 2 * 0.12), abs=4)
    np.testing.assert_array_equal(bare.profile[untouched], cut.profile[untouched])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 12), min_size=12, max_size=12),
    st.floats(0.05, 0.6),
    st.floats(0.6, 2),
    st.floats(2, 12),
)
def test_the_clear_rectangle_is_the_best_of_all(
    steps: list[int], horizon: float, focal: float, reach: float
) -> None:
    profile = np.repeat(np.array(steps) / 16, 20)
    found = GroundCue(profile, 2.0).clear(horizon, focal, reach)
    best = max(
        (worth(i / 12, j / 12, top, horizon, focal, reach) for i in range(12) for j in range(i + 3, 13)
         for top in (min(*profile[20 * i : 20 * j], max(1 - horizon - focal / reach, 0)),)),
    )  # fmt: skip
    left, right, height = found
    inside = profile[round(left * 240) : round(right * 240)]
    assert right - left > 0.25 - 1e-9 and height <= inside.min() + 0.011
    assert worth(left, right, height, horizon, focal, reach) >= 0.93 * best - 0.02


def worth(left: float, right: float, height: float, horizon: float, focal: float, reach: float) -> float:
    """Width times the root of the depth that is seen, heights of the camera."""
    depth, nearest = (min(focal / max(edge - horizon, 1e-9), reach) for edge in (1 - height, 1.0))
    return (right - left) * math.sqrt(max(depth - max(nearest, 1.0), 0.0))


def test_uprights_are_edges_of_furniture_and_walls_not_of_the_floor() -> None:
    """In drawn rooms, whose corners are known; floor boards run towards the camera."""
    for seed in range(6):
        camera = room_camera(8, 0, 20 * seed)
        picture = room(camera, np.random.default_rng(seed))
        found = find_horizon(np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8), camera.K[0, 0])
        assert found is not None
        x0, y0, x1, y1 = found.uprights.T
        lean = np.degrees(np.arctan2(np.abs(x1 - x0), np.abs(y1 - y0)))
        assert (lean < 12).all()  # 8 degrees of pitch and 55 of view


def test_dark_photos_are_judged_by_what_is_in_them() -> None:
    """A brown cupboard on a green floor, in a picture taken in the dark."""
    picture = field()
    picture[100:300, 300:] = (120, 80, 50)
    dark = (picture * 0.2).astype(np.uint8)
    np.testing.assert_array_equal(brightened(picture), picture)
    lit = brightened(dark)
    assert np.median(lit[180:].max(-1)) == pytest.approx(110, abs=4)
    assert find_ground(dark).profile[200] > 0.5  # taken for floor
    assert find_ground(lit).profile[200] == pytest.approx(60 / 360, abs=0.03)


def test_a_meadow_becomes_a_plate_and_others_are_rejected_with_reasons(tmp_path: Path) -> None:
    meadow = save(tmp_path / "meadow.png", field(720, 960, 300))
    grey = save(tmp_path / "grey.png", np.repeat(field().mean(-1, keepdims=True), 3, axis=2).astype(np.uint8))
    small = save(tmp_path / "small.png", field(100, 150, 40))
    long = save(tmp_path / "long.png", field(300, 900, 100))
    wall = save(tmp_path / "wall.png", np.full((360, 480, 3), (120, 60, 30), np.uint8))
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8nothing")
    broken = str(tmp_path / "broken.jpg")
    plates, rejected = screen_photos([meadow, grey, small, long, wall, broken])
    (plate,) = plates
    assert plate.photo == meadow and (plate.width, plate.height) == (960, 720)
    assert plate.horizon == pytest.approx(300, abs=15)
    assert [r.reason for r in rejected] == [
        "without colours",
        "too small",
        "too long",
        "neither a sky nor straight lines that tell the horizon",
        "unreadable",
    ]
    assert count_reasons(rejected)["too small"] == 1


def test_the_screen_agrees_with_the_table_made_by_hand(data: Path) -> None:
    photos = find_photos(data / "backgrounds" / "coco_no_person.zip")
    plates, rejected = screen_photos(photos)
    accepted = {photos.index(plate.photo) for plate in plates}
    assert len(plates) + len(rejected) == 55
    assert len(accepted & (GROUND | ARGUABLE)) >= 0.8 * len(accepted)  # precision
    assert len(accepted & GROUND) >= 0.7 * len(GROUND)  # recall
    textures = find_photos(data / "backgrounds" / "skimage")
    assert screen_photos(textures)[0] == []


def test_a_sidecar_file_overrides_the_screen(tmp_path: Path) -> None:
    meadow, wall = save(tmp_path / "meadow.png", field()), save(tmp_path / "wall.png", field() // 40 + 100)
    lines = "photo,reject,horizon,focal_px,height_m,roll_deg,far_row\nmeadow.png,yes,,,,,\nwall.png,,99,500,2.5,1.5,200\n"
    (tmp_path / "plates.csv").write_text(lines)
    stated = read_sidecar(tmp_path / "plates.csv", [meadow, wall])
    assert stated == {meadow: Stated(reject=True), wall: Stated(False, 99, 1.5, 500, 2.5, 200)}
    plates, rejected = screen_photos([meadow, wall], stated)
    assert plates == [PhotoPlate(wall, 480, 360, 99, 1.5, 500, 200, 0, 480, 2.5)]
    assert rejected[0].reason == "rejected by the sidecar file"
    (tmp_path / "plates.json").write_text(json.dumps([{"photo": "wall.png", "horizon": 99, "reject": False}]))
    assert read_sidecar(tmp_path / "plates.json", [meadow, wall]) == {wall: Stated(horizon=99)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("photo,sky\na.png,1\n", "columns among photo, reject.*'sky'"),
        ("photo,horizon\nb.png,1\n", "'b.png', which fits 0"),
        ("photo,horizon\none.png,1\n", "'one.png', which fits 2"),
        ("photo,horizon\na.png,high\n", "entry 1: horizon: expected a number"),
        ("photo,horizon\na.png,nan\n", "horizon: expected a number"),
        ("photo,height_m\na.png,-1\n", "height_m: expected a number from 0.1"),
        ("photo,reject\na.png,maybe\n", "reject: expected yes or no"),
        ("photo\na.png\na.png\n", "entry 2: expected one line a photo"),
        ("photo\na.png,3\n", "columns among"),
    ],
)
def test_wrong_sidecar_files_name_their_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "plates.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_sidecar(tmp_path / "plates.csv", ["x/a.png", "x.zip!d/one.png", "x.zip!e/one.png"])


@pytest.mark.parametrize("text", ["{}", "[1]", "nonsense", "[" * 100_000, "\x00\xff"])
def test_broken_sidecar_files_are_input_errors(tmp_path: Path, text: str) -> None:
    (tmp_path / "plates.json").write_text(text, encoding="latin-1")
    with pytest.raises(InputError):
        read_sidecar(tmp_path / "plates.json", ["a.png"])
