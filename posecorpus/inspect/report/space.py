"""What a sample looks like in 3D: joints, the camera, and the surface that its depth map saw."""

from __future__ import annotations

import base64
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.sample import Sample
from posecorpus.inspect.report.lift_records import hypotheses_record, on_torso
from posecorpus.inspect.report.pictures import MAX_PEOPLE

MAX_POINTS = 9000
_POINT_BYTES = 14  # ten bytes a point, in base64
# Without a camera, "up" is taken to be up in the image: a half turn about x from OpenCV's frame to Y up.
_UPRIGHT = np.diag([1.0, -1.0, -1.0])


def space_record(sample: Sample, max_bytes: int) -> dict[str, Any] | None:
    """The 3D view of a sample as JSON-ready values, or None where it has nothing in three dimensions.

    Coordinates are the world's (metres, Y up); where the camera is unknown, the camera's own with y and
    z inverted. ``cloud`` holds little-endian records of ten bytes: int16 x, y, z in units of ``unit``
    around ``centre``; uint8 red, green, blue; uint8 part id. ``spacing`` is the distance between neighbouring points of a
    surface that faces the camera, for each metre between it and the camera.

    A photo's camera is often known up to its place in the world only (R = 1, t = 0); it is then taken to be
    level, and the view has its axes. ``hypotheses`` of lifted people, moved onto the person's torso: see
    :func:`~posecorpus.inspect.report.lift_records.hypotheses_record`.
    """
    camera = _upright(sample.camera)
    people = [(i, p) for i, p in enumerate(sample.people[:MAX_PEOPLE]) if p.joints3d is not None]
    has_cloud = sample.depth_mm is not None and sample.camera is not None
    if not people and not has_cloud:
        return None
    share = max_bytes // 2 // max(1, len(people))
    joints = []
    for index, person in people:
        assert person.joints3d is not None
        world = _to_world(camera, person.joints3d.astype(float))
        known = np.asarray((np.abs(world) < 1e4).all(-1))  # false for NaN too
        entry = {
            "person": index,
            "points": _rounded(np.where(known[:, None], world, 0)),
            "known": known.tolist(),
        }
        if person.lift is not None:
            poses = on_torso(person.lift.hypotheses, person)
            entry["hypotheses"] = hypotheses_record(poses, partial(_to_world, camera), share)
        joints.append(entry)
    record: dict[str, Any] = {"people": joints, "camera": _camera_record(camera)}
    record["placed"] = camera is sample.camera and camera is not None
    if has_cloud:
        record |= _cloud(replace(sample, camera=camera), max_bytes - bytes_of(record))
    return record


def bytes_of(record: dict[str, Any] | None) -> int:
    """Bytes of a record's encoded points and poses."""
    if record is None:
        return 0
    poses = [person.get("hypotheses") or {"poses": ""} for person in record["people"]]
    return len(record.get("cloud", "")) + sum(len(entry["poses"]) for entry in poses)


def _upright(camera: Camera | None) -> Camera | None:
    """The camera; a level one at the origin if its place in the world is not known."""
    if camera is None or (np.eye(3) != camera.R).any() or camera.t.any():
        return camera
    return replace(camera, R=_UPRIGHT)


def _to_world(camera: Camera | None, points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points @ _UPRIGHT if camera is None else camera.to_world(points)


def _camera_record(camera: Camera | None) -> dict[str, Any] | None:
    """The camera's place, the far corners of a frustum one metre deep, and its three axes."""
    if camera is None:
        return None
    w, h = camera.width, camera.height
    corners = camera.unproject(np.array([(0, 0), (w, 0), (w, h), (0, h)], float), np.ones(4))
    return {
        "centre": _rounded(camera.centre),
        "corners": _rounded(camera.to_world(corners)),
        "axes": _rounded(camera.R),
        "fovY": round(float(2 * np.arctan(h / 2 / abs(camera.K[1, 1]))), 5),
    }


def _cloud(sample: Sample, max_bytes: int) -> dict[str, Any]:
    assert sample.depth_mm is not None and sample.camera is not None
    rows, columns = np.nonzero(sample.depth_mm)
    limit = max(1, min(MAX_POINTS, max_bytes // _POINT_BYTES))
    stride = len(rows) / limit
    if stride > 1:  # spread evenly over the picture's rows and, through the fraction, over its columns
        picked = (np.arange(limit) * stride).astype(int)
        rows, columns = rows[picked], columns[picked]
    if not len(rows):
        return {}
    depth = sample.depth_mm[rows, columns] / 1000
    points = sample.camera.to_world(sample.camera.unproject(np.stack([columns + 0.5, rows + 0.5], -1), depth))
    centre = np.round((points.min(0) + points.max(0)) / 2, 4)
    unit = max(float(np.abs(points - centre).max()) / 32767, 1e-6)
    records = np.zeros(len(rows), dtype=[("xyz", "<i2", 3), ("rgb", "u1", 3), ("part", "u1")])
    records["xyz"] = np.round((points - centre) / unit)
    records["rgb"] = 150 if sample.image is None else sample.image[rows, columns]
    records["part"] = 0 if sample.parts is None else sample.parts[rows, columns]
    return {
        "cloud": base64.b64encode(records.tobytes()).decode(),
        "centre": _rounded(centre),
        "unit": unit,
        "spacing": round(max(1.0, stride) ** 0.5 / abs(float(sample.camera.K[0, 0])), 7),
        "cloudHasParts": sample.parts is not None,
    }


def _rounded(values: NDArray[np.float64]) -> Any:
    return np.round(values, 4).tolist()
