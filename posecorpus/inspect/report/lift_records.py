"""What the page knows of lifted people and skeleton maps, as JSON-ready values."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.sample import Person, Sample, SkeletonMap
from posecorpus.core.skeletons import TORSO, skeleton

Array = NDArray[np.float64]
MAX_HYPOTHESES = 20
"""Hypotheses of one person that are drawn, the nearest matches."""
MAX_FACTS = 8
"""Entries of a sample's provenance that are listed."""
_NOTHING = -32768  # where a hypothesis lacks a joint
_HYPOTHESIS_BYTES = 8  # of one joint: six, in base64


def lift_record(person: Person, camera: Camera | None) -> dict[str, Any] | None:
    """Method, trust and completed joints of a lifted person; None for others."""
    lift = person.lift
    if lift is None:
        return None
    torso = None if camera is None else torso_px(person, camera)
    residual = _number(lift.residual_px, 6)
    return {
        "method": str(lift.method)[:40],
        "completed": np.flatnonzero(lift.completed).tolist(),
        "distance": _number(lift.match_distance, 4),
        "residual": _number(residual, 2),
        "residualTorso": None if torso is None or residual is None else _number(residual / torso, 4),
        "error": _number(lift.pose_error_mm),
        "interval": [_number(end) for end in lift.pose_interval_mm],
        "measured": None if lift.measured_error_mm is None else _number(lift.measured_error_mm),
        "errors": [_number(error, 0) for error in lift.error_mm],
        "intervals": [[_number(end, 0) for end in ends] for ends in lift.interval_mm],
        "hypotheses": len(lift.hypotheses),
    }


def torso_px(person: Person, camera: Camera) -> float | None:
    """Length of a lifted torso if it were parallel to the image, pixels; None where it is not known."""
    if person.joints3d is None:
        return None
    left, right, left_hip, right_hip = person.joints3d[skeleton(person.skeleton).indices(*TORSO)].astype(
        float
    )
    length = float(np.linalg.norm(left + right - left_hip - right_hip)) / 2
    depth = float(np.mean([left[2], right[2], left_hip[2], right_hip[2]]))
    size = length * float(camera.K[1, 1]) / depth if depth > 0 else np.nan
    return size if np.isfinite(size) and size > 0 else None


def refusals(provenance: Mapping[str, Any], people: int) -> dict[str, str]:
    """Why people could not be lifted, by their index, as far as the provenance says."""
    told = provenance.get("refused")
    if not isinstance(told, dict):
        return {}
    return {str(i): str(told[str(i)])[:300] for i in range(people) if str(i) in told}


def provenance_facts(provenance: Mapping[str, Any]) -> list[list[str]]:
    """The plain entries of a provenance, such as file and licence."""
    plain = [(k, v) for k, v in provenance.items() if isinstance(v, str | int | float) and v != ""]
    return [[name[:40].replace("_", " "), str(value)[:300]] for name, value in plain[:MAX_FACTS]]


def on_torso(poses: NDArray[np.float32], person: Person) -> NDArray[np.float64]:
    """Hypotheses (H, J, 3) moved so that the middle of their torso is the person's, as errors are counted."""
    torso, placed = skeleton(person.skeleton).indices(*TORSO), poses.astype(np.float64)
    if person.joints3d is None or not np.isfinite(person.joints3d[torso]).all():
        return placed
    return np.asarray(placed - placed[:, torso].mean(1, keepdims=True) + person.joints3d[torso].mean(0))


def hypotheses_record(
    poses: NDArray[np.floating], camera_to_view: Callable[[Array], Array], max_bytes: int
) -> dict[str, Any] | None:
    """The nearest hypotheses of a person, quantised.

    ``poses`` holds int16 x, y, z of each joint, little-endian, in units of ``unit`` metres around ``origin``;
    -32768 stands for a joint that is not known.

    Args:
        poses: (H, J, 3) metres, camera frame.
        camera_to_view: from points in the camera frame to the view's, both (..., 3).
        max_bytes: of the record; fewer hypotheses are kept to stay below it.
    """
    joints = poses.shape[1]
    count = min(len(poses), MAX_HYPOTHESES, max_bytes // max(1, joints * _HYPOTHESIS_BYTES))
    points = camera_to_view(poses[:count].astype(np.float64))
    known = (np.abs(points) < 1e4).all(-1)  # false for NaN too
    if not known.any():
        return None
    origin = np.round((points[known].min(0) + points[known].max(0)) / 2, 3)
    unit = max(float(np.abs(points[known] - origin).max()) / 32767, 1e-5)
    steps = np.full(points.shape, _NOTHING, "<i2")
    steps[known] = np.round((points[known] - origin) / unit)
    return {
        "count": count,
        "origin": origin.tolist(),
        "unit": unit,
        "poses": base64.b64encode(steps.tobytes()).decode(),
    }


def stacks(samples: Sequence[Sequence[SkeletonMap]]) -> list[tuple[float, int]]:
    """The kinds of map that samples hold: (stick_px, rank of the window among a person's of that width)."""
    return sorted({kind for maps in samples for kind in _kinds(_placed(maps))})


def _placed(maps: Sequence[SkeletonMap]) -> list[SkeletonMap]:
    """Those whose width and window are numbers."""
    return [
        drawn
        for drawn in maps
        if _number(drawn.stick_px) is not None and np.isfinite([drawn.stick_px, *drawn.window]).all()
    ]


def _kinds(maps: Sequence[SkeletonMap]) -> list[tuple[float, int]]:
    """(stick_px, rank of the window) of each map; windows of one person and width are ranked by size."""
    sizes: dict[tuple[int, float], list[float]] = {}
    for drawn in maps:
        sizes.setdefault((drawn.person, drawn.stick_px), []).append(_side(drawn))
    return [
        (drawn.stick_px, sorted(sizes[drawn.person, drawn.stick_px]).index(_side(drawn))) for drawn in maps
    ]


def _side(drawn: SkeletonMap) -> float:
    return float(drawn.window[2] - drawn.window[0])


def map_records(sample: Sample, palette: NDArray[np.uint8], max_bytes: int) -> list[dict[str, Any]]:
    """A sample's skeleton maps as coloured pictures with their windows, first come, until the bytes are used up."""
    records: list[dict[str, Any]] = []
    maps = _placed(sample.skeleton_maps or [])
    for drawn, kind in zip(maps, _kinds(maps), strict=True):
        front, back = (_coloured(ids, palette) for ids in (drawn.foreground, drawn.background))
        max_bytes -= len(front) + len(back)
        if max_bytes < 0:
            break
        records.append(
            {
                "person": drawn.person,
                "kind": list(kind),
                "window": np.round(drawn.window.astype(float), 1).tolist(),
                "front": front,
                "back": back,
            }
        )
    return records


def _coloured(ids: NDArray[np.uint8], palette: NDArray[np.uint8]) -> str:
    picture = np.dstack([palette[ids][..., ::-1], np.where(ids > 0, 255, 0).astype(np.uint8)])
    picture[ids == 0] = 0
    ok, data = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 101])
    if not ok:
        raise RuntimeError(f"OpenCV could not encode a {picture.shape} picture as WebP")
    return f"data:image/webp;base64,{base64.b64encode(data.tobytes()).decode()}"


def _number(value: Any, digits: int = 1) -> float | None:
    """A rounded number; None where it is none."""
    return round(float(value), digits) if value is not None and np.isfinite(value) else None
