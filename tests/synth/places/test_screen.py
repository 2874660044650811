"""Screening: drawn scenes with known cameras, real photos against a table made by hand, sidecar files."""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.synth.appearance.photos import find_photos
from posecorpus.synth.appearance.rooms import room
from posecorpus.synth.places import PhotoPlate, Stated, count_reasons, read_sidecar, screen_photos
from posecorpus.synth.places.ground_cues import find_ground, find_sky
from posecorpus.synth.places.horizon import find_horizon
from posecorpus.synth.places.site import camera_over_floor

GROUND = {6, 11, 17, 22, 32, 34, 39}
"""Photos of ``coco_no_person.zip``, in order, with level ground that people could stand on. Looked at one by one."""

ARGUABLE = {0, 10, 43, 46, 50}
"""A kitchen with a strip of floor, an advertisement's drawn kitchen, a littered room and the like."""


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
    left, right, height = ground.clear
    assert right - left > 0.9 and height == pytest.approx(210 / 360, abs=0.04)


def test_ground_ends_at_what_stands_on_it() -> None:
    picture = field()
    picture[100:300, 300:] = (200, 40, 40)  # a red barn; its foot is 60 rows above the lower edge
    left, right, height = find_ground(picture).clear
    assert left < 0.02 and right == pytest.approx(300 / 480, abs=0.03)
    assert height == pytest.approx(210 / 360, abs=0.05)


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
