"""Calibrated cameras: the real file of Human3.6M's, planted rigs, and files that are wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecorpus.core.errors import InputError
from posecorpus.synth.config import ImageConfig, PlaceConfig
from posecorpus.synth.ground import Ground
from posecorpus.synth.places import draw_site, load_cameras, paint_site
from posecorpus.synth.places.convex import clip_convex

IMAGE = ImageConfig(size=(320, 240), focal_px=300)
CONFIG = PlaceConfig(kind="calibrated")
LEVEL = [[1, 0, 0], [0, -1, 0], [0, 0, -1]]  # looks along -Z of a world with Y up


def camera(**changes: Any) -> dict[str, Any]:
    """A camera 1.5 m above the floor at z = 4 that looks along -Z."""
    entry: dict[str, Any] = {
        "name": "left", "resolution": [1000, 800], "K": [[900, 0, 510], [0, 900, 390], [0, 0, 1]],
        "R": LEVEL, "t": [0, 1.5, 4],
    }  # fmt: skip
    return entry | changes


def write(path: Path, data: Any) -> Path:
    path.write_text(json.dumps(data))
    return path


def test_human36m_cameras_project_as_their_file_says(data: Path) -> None:
    file = data / "cameras" / "human36m_camera-parameters.json"
    raw = json.loads(file.read_text())
    plates = load_cameras(file)
    assert len(plates) == 44
    rng = np.random.default_rng(0)
    for plate in plates:
        subject, name = plate.name.split(".")
        view = raw["extrinsics"][subject][name]
        K = np.array(raw["intrinsics"][name]["calibration_matrix"])
        theirs = rng.uniform((-1500, -1500, 0), (1500, 1500, 1800), (20, 3))  # mm, Z up
        x = (np.array(view["R"]) @ theirs.T + np.array(view["t"])).T @ K.T
        ours = theirs[:, [0, 2, 1]] * (1e-3, 1e-3, -1e-3)
        np.testing.assert_allclose(plate.camera.project(ours)[0], x[:, :2] / x[:, 2:], atol=1e-3)
        assert 1.3 < plate.camera.centre[1] < 1.8  # they stood on tripods
        # People are captured around the middle of the room, and seen by all four.
        assert Ground(plate.corners).contains((0.0, 0.0))
        assert np.linalg.norm(plate.corners, axis=1).max() < 4


def test_the_angle_of_view_is_kept_at_any_size(data: Path) -> None:
    plate = load_cameras(data / "cameras" / "human36m_camera-parameters.json")[1]
    points = np.column_stack([plate.corners[:, 0], np.full(len(plate.corners), 1.0), plate.corners[:, 1]])
    whole = plate.camera.project(points)[0]
    for size in ((320, 240), (100, 300), (777, 777)):
        site = draw_site(CONFIG, ImageConfig(size=size, focal_px=1), np.random.default_rng(0), [plate])
        seen = site.camera.project(points)[0]
        scale = min(1000 / size[0], 1000 / size[1])
        moved = whole - seen * scale
        np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), atol=1e-6)
        assert (moved[0] >= -1e-6).all() and (moved[0] + scale * np.array(size) <= 1000 + 1e-6).all()
        np.testing.assert_allclose(site.camera.centre, plate.camera.centre)


@pytest.mark.parametrize(
    ("up", "to_file"),
    [
        ("y", np.eye(3)),
        ("z", np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])),
        ("-y", np.diag([1, -1, -1])),
        ("-z", np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])),
        ("x", np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])),
        ("-x", np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])),
    ],
)
def test_every_world_and_unit_is_the_same_place(tmp_path: Path, up: str, to_file: np.ndarray) -> None:
    """The same camera in a world turned by ``to_file``, in millimetres."""
    turned = camera(R=(np.array(LEVEL) @ to_file.T).tolist(), t=[[0], [1500], [4000]])
    file = write(tmp_path / "c.json", {"units": "mm", "up": up, "cameras": [turned]})
    (plate,) = load_cameras(file)
    (plain,) = load_cameras(write(tmp_path / "d.json", {"cameras": [camera()]}))
    np.testing.assert_allclose(plate.camera.R, plain.camera.R, atol=1e-12)
    np.testing.assert_allclose(plate.camera.t, plain.camera.t, atol=1e-12)
    np.testing.assert_allclose(plate.camera.centre, (0, 1.5, 4), atol=1e-12)
    np.testing.assert_allclose(plate.corners, plain.corners, atol=1e-9)


def test_a_stated_floor_bounds_where_people_stand(tmp_path: Path) -> None:
    floor = [[-0.5, 0, 0], [0.5, 0, 0], [0.5, 0, -1], [-0.5, 0, -1]]
    (plate,) = load_cameras(write(tmp_path / "c.json", {"cameras": [camera()], "floor": floor}))
    np.testing.assert_allclose(np.sort(plate.corners, axis=0), [[-0.5, -1], [-0.5, -1], [0.5, 0], [0.5, 0]])


def test_the_photo_of_a_room_shows_what_its_camera_sees(tmp_path: Path) -> None:
    """A marker painted where the camera sees a point of the room is where the site's camera sees it, at half the size."""
    picture = np.zeros((400, 500, 3), np.uint8)
    (plain,) = load_cameras(write(tmp_path / "c.json", {"cameras": [camera()]}))
    point = (0.4, 1.0, 0.0)
    x, y = plain.camera.project(point)[0] / 2
    yy, xx = np.mgrid[:400, :500] + 0.5
    picture[...] = (255 * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / 18))[..., None]
    cv2.imwrite(str(tmp_path / "left.png"), picture)
    (plate,) = load_cameras(tmp_path / "c.json", tmp_path)
    assert plate.photo_scale == 0.5
    site = draw_site(CONFIG, IMAGE, np.random.default_rng(0), [plate])
    shown = paint_site(site.background, site.camera, np.zeros((1, 3)))[0][..., 0].astype(float)
    grid = np.mgrid[:240, :320] + 0.5
    middle = [(grid[k] * shown).sum() / shown.sum() for k in (1, 0)]
    np.testing.assert_allclose(middle, site.camera.project(point)[0], atol=0.1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"up": "w"}, "up: expected one of"),
        ({"units": "feet"}, "units: expected one of m, cm, mm"),
        ({"cameras": []}, "at least one camera"),
        ({"cameras": {}}, "cameras: expected a list"),
        ({"cameras": [3]}, r"cameras\[0\]: expected an object"),
        ({"cameras": [camera(K=[[1]])]}, r"cameras\[0\] K: expected numbers of shape \(3, 3\)"),
        ({"cameras": [camera(K=[[-9, 0, 5], [0, 9, 3], [0, 0, 1]])]}, "positive focal"),
        ({"cameras": [camera(R=[[1, 0, 0], [0, 1, 0], [0, 0, -1]])]}, "expected a rotation, got det -1"),
        ({"cameras": [camera(R=[["a", 0, 0], [0, 1, 0], [0, 0, 1]])]}, "numbers of shape"),
        ({"cameras": [camera(t=[0, float("nan"), 0])]}, "t: expected numbers"),
        ({"cameras": [camera(resolution=[0, 10])]}, "width and height"),
        ({"cameras": [camera(), camera()]}, "names that differ"),
        ({"cameras": [camera(t=[0, -1.5, 4])]}, "a camera above the floor.*see 'up'"),
        ({"cameras": [camera()], "floor": [[0, 0, 0], [1, 0, 0], [2, 0, 0]]}, "points on a line"),
        ({"cameras": [camera()], "floor": [[90, 0, 0], [93, 0, 0], [90, 0, 3]]}, "common piece of floor"),
    ],
)  # fmt: skip
def test_wrong_files_are_told_apart(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    file = write(tmp_path / "c.json", {"cameras": [camera()]} | changes)
    with pytest.raises(InputError, match=message):
        load_cameras(file)


@pytest.mark.parametrize(
    "text", ["", "[1]", "{", "[" * 100_000, '{"intrinsics": 3, "extrinsics": {"S1": {"a": {}}}}']
)
def test_broken_json_is_an_input_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(InputError):
        load_cameras(tmp_path / "c.json")


def test_a_photo_of_another_shape_is_refused(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "left.jpg"), np.zeros((300, 500, 3), np.uint8))
    with pytest.raises(InputError, match="the shape of its camera"):
        load_cameras(write(tmp_path / "c.json", {"cameras": [camera()]}), tmp_path)


polygons = st.integers(0, 10_000)


@given(polygons)
def test_what_two_polygons_share_is_in_both(seed: int) -> None:
    rng = np.random.default_rng(seed)

    def polygon() -> np.ndarray:
        angles = np.sort(rng.uniform(0, 2 * np.pi, 5))
        return np.asarray(
            rng.uniform(-1, 1, 2) + rng.uniform(0.5, 2) * np.column_stack([np.cos(angles), np.sin(angles)])
        )

    one, other = polygon(), polygon()
    shared = clip_convex(one, other)
    points = rng.uniform(-3, 3, (400, 2))
    both = Ground(one).contains(points) & Ground(other).contains(points)
    if len(shared) < 3:
        assert both.sum() <= 1
    else:
        np.testing.assert_array_equal(Ground(shared).contains(points), both)
