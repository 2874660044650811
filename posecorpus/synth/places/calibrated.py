"""Files of calibrated cameras, and where people can stand in front of them.

Two layouts are read. Lens distortion is ignored in both: pictures are those of the pinhole camera.

Human3.6M's, as its metadata is passed round, Z up, millimetres, pictures of 1000 x 1000::

    {"intrinsics": {CAMERA: {"calibration_matrix": 3x3}}, "extrinsics": {SUBJECT: {CAMERA: {"R": 3x3, "t": 3}}}}

and a plain one, OpenCV's convention (``x = K (R X + t)``, pixel centres at halves)::

    {"units": "m" | "cm" | "mm", "up": "x" | "-x" | "y" | "-y" | "z" | "-z",    # defaults m, y
     "cameras": [{"name": "left", "resolution": [1920, 1080], "K": 3x3, "R": 3x3, "t": 3}, ...],
     "floor": [[0, 0, 1], ...]}                                                  # optional

``floor`` are three or more points of the file's world around where people may stand; without it that is what all
cameras of the rig see, inside the ring of cameras if there are at least three.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.core.files import read_limited
from posecorpus.synth.appearance.photos import load_photo, stored_photo_size
from posecorpus.synth.places.convex import clip_convex, counter_clockwise
from posecorpus.synth.places.plates import CalibratedPlate
from posecorpus.synth.places.site import ground_ahead

STUDIO = Path(__file__).parent / "data" / "studio.json"
"""Four cameras of a made-up studio: what is used if the user has none."""

MAX_BYTES = 16 << 20
MAX_CAMERAS = 10_000
H36M_SIDE = 1000
REACH_M = 1.0, 12.0
"""Floor is used between these distances from a camera."""

CLEARANCE_M = 0.4
"""People keep this far from the ring of cameras."""

LEAST_AREA_M2 = 0.5
RATIO_SLACK = 0.02
"""A photo's shape may differ from its camera's by this share."""

METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001}

_UP: dict[str, NDArray[np.float64]] = {
    "y": np.eye(3),
    "-y": np.diag([1.0, -1.0, -1.0]),
    "z": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
    "-z": np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
    "x": np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]),
    "-x": np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]),
}
"""Rotations from a world with that axis up to ours."""


def load_cameras(path: str | Path, photos: str | Path | None = None) -> list[CalibratedPlate]:
    """The cameras of a file as plates.

    Args:
        path: a JSON file, see the head of this module.
        photos: folder with a photo of the empty room per camera, ``<camera>.jpg`` or ``.png``; cameras without one,
            and all without a folder, get procedural rooms.

    Raises:
        InputError: the file or a photo is not what is expected, or a rig sees no floor.
    """
    data = _parse(path)
    if "intrinsics" in data and "extrinsics" in data:
        rigs = _human36m(path, data)
    else:
        rigs = _plain(path, data)
    if sum(len(cameras) for cameras, _ in rigs.values()) > MAX_CAMERAS:
        raise InputError(path, f"at most {MAX_CAMERAS} cameras", "more")
    plates: list[CalibratedPlate] = []
    for rig, (cameras, floor) in rigs.items():
        for name, camera in cameras.items():
            corners = _floor(path, name, camera, cameras, floor)
            photo, scale = _photo(photos, name, camera)
            plates.append(CalibratedPlate(f"{rig}{name}", camera, corners, photo, scale))
    if not plates:
        raise InputError(path, "at least one camera", "none")
    return plates


_Rig = tuple[dict[str, Camera], NDArray[np.float64] | None]


def _parse(path: str | Path) -> Mapping[str, Any]:
    try:
        data = json.loads(read_limited(str(path), MAX_BYTES, "file of cameras"))
    except (ValueError, RecursionError) as error:
        raise InputError(path, "JSON", error) from None
    if not isinstance(data, dict):
        raise InputError(path, "an object with cameras", type(data).__name__)
    return data


def _human36m(path: str | Path, data: Mapping[str, Any]) -> dict[str, _Rig]:
    rigs: dict[str, _Rig] = {}
    for subject, views in _object(path, "extrinsics", data["extrinsics"]).items():
        cameras = {}
        for name, view in _object(path, f"extrinsics.{subject}", views).items():
            where = f"extrinsics.{subject}.{name}"
            view = _object(path, where, view)
            intrinsics = _object(path, "intrinsics", data["intrinsics"]).get(name)
            K = _object(path, f"intrinsics.{name}", intrinsics).get("calibration_matrix")
            cameras[name] = _camera(
                path, where, (K, view.get("R"), view.get("t")), (H36M_SIDE, H36M_SIDE), "z", "mm"
            )
        rigs[f"{subject}."] = (cameras, None)
    return rigs


def _plain(path: str | Path, data: Mapping[str, Any]) -> dict[str, _Rig]:
    units, up, listed = data.get("units", "m"), data.get("up", "y"), data.get("cameras")
    if units not in METRES:
        raise InputError(f"{path}: units", f"one of {', '.join(METRES)}", repr(units))
    if up not in _UP:
        raise InputError(f"{path}: up", f"one of {', '.join(_UP)}", repr(up))
    if not isinstance(listed, list):
        raise InputError(f"{path}: cameras", "a list", type(listed).__name__)
    cameras: dict[str, Camera] = {}
    for i, entry in enumerate(listed):
        where = f"cameras[{i}]"
        view = _object(path, where, entry)
        size = _numbers(path, f"{where}.resolution", view.get("resolution"), (2,))
        if not ((size >= 1) & (size <= 100_000) & (size == np.round(size))).all():
            raise InputError(f"{path}: {where}.resolution", "width and height in pixels", size.tolist())
        name = str(view.get("name", i))
        if name in cameras:
            raise InputError(f"{path}: {where}.name", "names that differ", repr(name))
        matrices = view.get("K"), view.get("R"), view.get("t")
        cameras[name] = _camera(path, where, matrices, (int(size[0]), int(size[1])), up, units)
    floor = None
    if data.get("floor") is not None:
        count = len(data["floor"]) if isinstance(data["floor"], list) else 0
        points = _numbers(path, "floor", data["floor"], (max(count, 3), 3)) @ _UP[up].T * METRES[units]
        floor = _hull(points[:, [0, 2]])
        if floor is None:
            raise InputError(f"{path}: floor", "points around a piece of floor", "points on a line")
    return {"": (cameras, floor)}


def _camera(
    path: str | Path, where: str, matrices: tuple[Any, Any, Any], size: tuple[int, int], up: str, units: str
) -> Camera:
    """One camera in our world."""
    K = _numbers(path, f"{where} K", matrices[0], (3, 3))
    R = _numbers(path, f"{where} R", matrices[1], (3, 3))
    t = _numbers(path, f"{where} t", matrices[2], (3,))
    if not (K[0, 0] > 0 and K[1, 1] > 0 and np.array_equal(K[2], [0, 0, 1]) and K[1, 0] == 0):
        raise InputError(f"{path}: {where} K", "intrinsics with positive focal lengths", K.tolist())
    u, _, v = np.linalg.svd(R)
    if np.abs(u @ v - R).max() > 1e-3 or np.linalg.det(R) < 0:
        raise InputError(f"{path}: {where} R", "a rotation", f"det {np.linalg.det(R):+.4f}")
    return Camera(K, u @ v @ _UP[up].T, t * METRES[units], *size)  # printed digits are not quite a rotation


def _numbers(path: str | Path, where: str, value: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    try:
        array = np.asarray(value, np.float64)
        if array.shape == (*shape, 1):  # columns are as good
            array = array[..., 0]
    except (TypeError, ValueError, OverflowError):
        array = np.empty(0)
    if array.shape != shape or not (np.abs(array) < 1e9).all():
        raise InputError(f"{path}: {where}", f"numbers of shape {shape}", str(value)[:60])
    return array


def _object(path: str | Path, where: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{path}: {where}", "an object", type(value).__name__)
    return value


def _floor(
    path: str | Path,
    name: str,
    camera: Camera,
    rig: Mapping[str, Camera],
    floor: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """(C, 2) corners of the floor that people may stand on before a camera."""
    if camera.centre[1] < 0.1:
        raise InputError(
            f"{path}: {name}", "a camera above the floor", f"a height of {camera.centre[1]:.2f} m", "see 'up'"
        )
    corners = counter_clockwise(ground_ahead(camera, *REACH_M).corners)
    if floor is not None:
        corners = clip_convex(corners, floor)
    else:
        for other in rig.values():
            corners = clip_convex(corners, counter_clockwise(ground_ahead(other, *REACH_M).corners))
        ring = _hull(np.array([other.centre[[0, 2]] for other in rig.values()]))
        if ring is not None:
            middle = ring.mean(0)
            away = np.linalg.norm(ring - middle, axis=1, keepdims=True)
            corners = clip_convex(corners, middle + (ring - middle) * np.maximum(1 - CLEARANCE_M / away, 0.1))
    if len(corners) < 3 or _area(corners) < LEAST_AREA_M2:
        raise InputError(
            f"{path}: {name}", "cameras that see a common piece of floor", "none", "say where with 'floor'"
        )
    return corners


def _hull(points: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Corners of the convex hull, counter-clockwise; None if it has no area."""
    try:
        hull = ConvexHull(points)
    except (QhullError, ValueError):
        return None
    return np.asarray(points[hull.vertices]) if hull.volume >= LEAST_AREA_M2 else None


def _area(corners: NDArray[np.float64]) -> float:
    x, z = corners.T
    return abs(float(x @ np.roll(z, -1) - z @ np.roll(x, -1))) / 2


def _photo(photos: str | Path | None, name: str, camera: Camera) -> tuple[str | None, float]:
    """A camera's photo and its pixels per pixel of the camera."""
    if photos is None:
        return None, 1.0
    folder = Path(photos)
    if not folder.is_dir():
        raise InputError(folder, "a folder with a photo per camera", "nothing of the kind")
    if Path(name).name != name:
        return None, 1.0
    found = [folder / f"{name}{suffix}" for suffix in (".jpg", ".jpeg", ".png")]
    photo = next((str(path) for path in found if path.is_file()), None)
    if photo is None:
        return None, 1.0
    height, width = _upright(photo)
    scale = width / camera.width
    if abs(height / camera.height / scale - 1) > RATIO_SLACK:
        raise InputError(
            photo, f"the shape of its camera, {camera.width}x{camera.height}", f"{width}x{height}"
        )
    return photo, scale


def _upright(photo: str) -> tuple[int, int]:
    """Height and width of a photo that is turned upright, in pixels as it is stored."""
    stored = stored_photo_size(photo)
    shown: Sequence[int] = load_photo(photo, 64).shape[:2]
    turned = (shown[0] > shown[1]) != (stored[1] > stored[0])
    return (stored[0], stored[1]) if turned else (stored[1], stored[0])
